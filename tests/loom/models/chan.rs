//! Channels and select.
use super::{World, check, free, new_g};
use crate::sched::decide::Rng;
use crate::sched::solo::Solo;
use crate::sync::chan::{Chan, Received, Sent};
use crate::sync::select::{Case, Selected, Waiting};
use loom::thread;
use std::cell::UnsafeCell;

/// # Safety
/// In a model: `ch` lives as long as the threads that use it.
unsafe fn send(w: &World<Pair>, ch: *mut Chan, id: usize, mut value: u64) {
    let g = new_g(id);
    // SAFETY: the G and its slot live until it has been woken.
    unsafe {
        match Chan::send(ch, g, &raw mut value, &Solo::shared(), || {}) {
            Sent::Done => {}
            Sent::Woke(other) => w.wake(other),
            Sent::Parked => w.sleep(id),
            Sent::Closed => panic!("closed"),
        }
        free(g);
    }
}

/// # Safety
/// As [`send`].
unsafe fn recv(w: &World<Pair>, ch: *mut Chan, id: usize) -> (u64, bool) {
    let (g, mut value, mut ok) = (new_g(id), 99, 2);
    // SAFETY: as in `send`.
    unsafe {
        match Chan::recv(ch, g, &raw mut value, &raw mut ok, &Solo::shared(), || {}) {
            Received::Done { .. } => {}
            Received::Woke(other) => w.wake(other),
            Received::Parked => w.sleep(id),
        }
        free(g);
    }
    assert!(ok < 2, "nobody said whether there was a value");
    (value, ok == 1)
}

/// Two channels, in one object: a select locks them in the order of their addresses, which must be that of each execution.
struct Pair([UnsafeCell<Chan>; 2]);

impl Pair {
    fn with_capacity(cap: usize) -> Pair {
        Pair([UnsafeCell::new(Chan::for_model(cap)), UnsafeCell::new(Chan::for_model(cap))])
    }
}

fn send_two(cap: usize) {
    check(2, move || {
        let w = World::new(2, Pair::with_capacity(cap));
        let ch = w.what.0[0].get();
        let sender = {
            let w = w.clone();
            thread::spawn(move || {
                let ch = w.what.0[0].get();
                // SAFETY: `w` holds the channel.
                unsafe {
                    send(&w, ch, 0, 1);
                    send(&w, ch, 0, 2);
                }
            })
        };
        // SAFETY: as above.
        let got = unsafe { [recv(&w, ch, 1), recv(&w, ch, 1)] };
        sender.join().unwrap();
        assert_eq!(got, [(1, true), (2, true)]);
    });
}

#[test]
fn unbuffered_channel_hands_over_in_order() {
    send_two(0);
}

#[test]
fn buffered_channel_hands_over_in_order() {
    send_two(1);
}

#[test]
fn close_wakes_the_receiver_once() {
    check(2, || {
        let w = World::new(1, Pair::with_capacity(0));
        let closer = {
            let w = w.clone();
            // SAFETY: `w` holds the channel.
            thread::spawn(move || unsafe { assert!(Chan::close(w.what.0[0].get(), |g, _| w.wake(g))) })
        };
        // SAFETY: as above.
        let got = unsafe { recv(&w, w.what.0[0].get(), 0) };
        closer.join().unwrap();
        assert_eq!(got, (0, false));
    });
}

/// Receives from whichever of both channels has a value first.
fn select_one(w: &World<Pair>, id: usize) -> u64 {
    let (g, mut values, mut oks) = (new_g(id), [0u64; 2], [0u64; 2]);
    let mut waiting = Waiting::default();
    let case = |i: usize, value, ok| Case { send: false, chan: w.what.0[i].get(), value, ok };
    let (v, o) = (values.as_mut_ptr(), oks.as_mut_ptr());
    // SAFETY: the slots and the G live until the select is over.
    unsafe {
        let cases = [case(0, v, o), case(1, v.add(1), o.add(1))];
        let won = match waiting.select(g, &cases, false, &mut Rng::new(1), || {}) {
            Selected::Case(i, other) => {
                other.into_iter().for_each(|g| w.wake(g));
                i
            }
            Selected::Parked => {
                w.sleep(id);
                waiting.finish(g)
            }
            _ => panic!("neither closed nor with a default"),
        };
        free(g);
        assert_eq!((*o.add(won), *o.add(1 - won)), (1, 0), "one case proceeds");
        *v.add(won)
    }
}

/// With more preemptions than the model of two senders can afford.
#[test]
fn select_waits_for_one_of_two_channels() {
    check(5, || {
        let w = World::new(2, Pair::with_capacity(0));
        let sender = {
            let w = w.clone();
            // SAFETY: `w` holds the channels.
            thread::spawn(move || unsafe { send(&w, w.what.0[1].get(), 0, 7) })
        };
        assert_eq!(select_one(&w, 1), 7);
        sender.join().unwrap();
    });
}

#[test]
fn select_takes_one_value_of_each_of_two_senders() {
    check(1, || {
        let w = World::new(3, Pair::with_capacity(0));
        let senders: Vec<_> = (0..2)
            .map(|id| {
                let w = w.clone();
                // SAFETY: `w` holds the channels.
                thread::spawn(move || unsafe { send(&w, w.what.0[id].get(), id, id as u64 + 1) })
            })
            .collect();
        let sum = select_one(&w, 2) + select_one(&w, 2);
        senders.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(sum, 3);
    });
}
