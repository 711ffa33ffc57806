//! Small programs of two or three threads, each of which plays Ms that run Gs. A G that parks is *ready* once its waker says
//! so: an atomic flag of the model, which the waker sets where the scheduler would put the G on a queue.
use crate::base::atomics::AtomicU64;
use crate::sched::decide::Rng;
use crate::sched::g::G;
use crate::sched::runq::RunQueue;
use crate::sched::solo::Solo;
use crate::sync::chan::{Chan, Received, Sent};
use crate::sync::select::{Case, Selected, Waiting};
use crate::sync::sema::{Acquire, SemaTable};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use loom::sync::{Arc, Notify};
use loom::thread;
use std::cell::UnsafeCell;

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// What the threads of a model share. Its Gs have the ids 0 and up; `ready[id]` is set by whoever readies one, who then rings its
/// bell, so that no thread of a model ever spins for a G.
struct World<T> {
    what: T,
    ready: Vec<AtomicBool>,
    bells: Vec<Notify>,
}

// SAFETY: the kernels' own rules are what is being checked.
unsafe impl<T> Send for World<T> {}
unsafe impl<T> Sync for World<T> {}

impl<T> World<T> {
    fn new(gs: usize, what: T) -> Arc<World<T>> {
        let ready = (0..gs).map(|_| AtomicBool::new(false)).collect();
        Arc::new(World { what, ready, bells: (0..gs).map(|_| Notify::new()).collect() })
    }

    fn wake(&self, g: *mut G) {
        // SAFETY: the waker owns the G it has taken off a queue.
        let id = unsafe { (*g).id } as usize;
        assert!(!self.ready[id].swap(true, SeqCst), "readied twice");
        self.bells[id].notify();
    }

    /// Waits as a G does that has parked; loom reports a deadlock if nobody ever readies it.
    fn sleep(&self, id: usize) {
        while !self.ready[id].swap(false, SeqCst) {
            self.bells[id].wait();
        }
    }
}

fn new_g(id: usize) -> *mut G {
    Box::into_raw(Box::new(G::for_model(id as u64)))
}

/// # Safety
/// From `new_g`, no longer used.
unsafe fn free(g: *mut G) {
    drop(unsafe { Box::from_raw(g) });
}

// ---- a P that is solo

/// One P changes a word in sections or under a lock; another joins, and changes it under the lock. The cell reports any two
/// accesses that are not ordered.
#[test]
fn solo_ends_before_another_runs() {
    check(4, || {
        struct Shared {
            solo: Solo,
            chan: Chan,
            word: loom::cell::UnsafeCell<u32>,
        }
        // SAFETY: what is being checked.
        unsafe impl Send for Shared {}
        unsafe impl Sync for Shared {}
        let s = Arc::new(Shared { solo: Solo::shared(), chan: Chan::for_model(1), word: loom::cell::UnsafeCell::new(0) });
        s.solo.begin();
        // SAFETY: the cell checks it.
        let count = |s: &Shared| s.word.with_mut(|w| unsafe { *w += 1 });
        let other = {
            let s = s.clone();
            thread::spawn(move || {
                s.solo.end();
                s.chan.lock();
                count(&s);
                s.chan.unlock();
            })
        };
        for _ in 0..2 {
            if s.solo.enter() {
                count(&s);
                s.solo.leave();
            } else {
                s.chan.lock();
                count(&s);
                s.chan.unlock();
            }
        }
        other.join().unwrap();
        // SAFETY: nobody else is left.
        assert_eq!(s.word.with(|w| unsafe { *w }), 3);
    });
}

// ---- the run queue

#[test]
fn run_queue_gives_each_g_to_one() {
    check(3, || {
        let q = Arc::new(RunQueue::default());
        let thief = {
            let q = q.clone();
            thread::spawn(move || {
                let mut taken = Vec::new();
                q.take_half(&mut taken);
                taken.into_iter().map(|g| g as usize).collect::<Vec<_>>()
            })
        };
        let mut got = Vec::new();
        let mut next = 1usize;
        // More than the ring holds, so that places are used again while the thief reads.
        while next <= 6 {
            if q.push(next as *mut G) {
                next += 1;
            } else {
                got.push(q.pop(&Solo::shared()) as usize);
            }
        }
        loop {
            let g = q.pop(&Solo::shared());
            if g.is_null() {
                break;
            }
            got.push(g as usize);
        }
        let stolen = thief.join().unwrap();
        assert!(stolen.windows(2).all(|w| w[0] < w[1]) && got.windows(2).all(|w| w[0] < w[1]));
        got.extend(stolen);
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn run_queue_with_two_thieves_loses_nothing() {
    check(2, || {
        let q = Arc::new(RunQueue::default());
        for i in 1..=4usize {
            assert!(q.push(i as *mut G));
        }
        assert!(!q.push(5 as *mut G));
        let thieves: Vec<_> = (0..2)
            .map(|_| {
                let q = q.clone();
                thread::spawn(move || {
                    let mut taken = Vec::new();
                    q.take_half(&mut taken);
                    taken.len() + taken.iter().map(|g| *g as usize * 100).sum::<usize>()
                })
            })
            .collect();
        let mut sum = 0;
        loop {
            let g = q.pop(&Solo::shared());
            if g.is_null() {
                break;
            }
            sum += 1 + g as usize * 100;
        }
        sum += thieves.into_iter().map(|t| t.join().unwrap()).sum::<usize>();
        assert_eq!(sum, 4 + (1 + 2 + 3 + 4) * 100);
    });
}

// ---- semaphores

struct Locked {
    table: SemaTable,
    word: AtomicU64,
    second: AtomicU64,
    /// Who is in.
    inside: AtomicUsize,
}

fn locked() -> Locked {
    Locked {
        table: SemaTable::default(),
        word: AtomicU64::new(0),
        second: AtomicU64::new(0),
        inside: AtomicUsize::new(0),
    }
}

fn lock_and_unlock(w: &World<Locked>, id: usize, now: i64) {
    let (g, l) = (new_g(id), &w.what);
    let mut retry = false;
    // SAFETY: as in `send`.
    unsafe {
        while l.table.lock(&l.word, g, retry, || if retry { now } else { 0 }, || {}) == Acquire::Parked {
            w.sleep(id);
            retry = true;
        }
        assert_eq!(l.inside.fetch_add(1, SeqCst), 0, "two are in");
        l.inside.fetch_sub(1, SeqCst);
        if let Some(next) = l.table.unlock(&l.word, || now).expect("locked") {
            w.wake(next);
        }
        free(g);
    }
}

fn contend(now: i64) {
    let w = World::new(3, locked());
    let others: Vec<_> = (0..2)
        .map(|id| {
            let w = w.clone();
            thread::spawn(move || lock_and_unlock(&w, id, now))
        })
        .collect();
    lock_and_unlock(&w, 2, now);
    others.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(w.what.word.load(SeqCst), 0);
}

#[test]
fn mutex_lets_one_in_and_wakes_all() {
    check(2, || contend(0));
}

#[test]
fn starving_mutex_is_handed_over() {
    check(2, || contend(5_000_000));
}

fn read_or_write(w: &World<Locked>, id: usize, write: bool) {
    let (g, l) = (new_g(id), &w.what);
    // SAFETY: as in `send`.
    unsafe {
        if l.table.rw_lock(&l.word, g, write, false, || {}) == Acquire::Parked {
            w.sleep(id);
            assert_eq!(l.table.rw_lock(&l.word, g, write, true, || {}), Acquire::Acquired);
        }
        // A writer counts for many readers.
        let mine = if write { 100 } else { 1 };
        let others = l.inside.fetch_add(mine, SeqCst);
        assert!(if write { others == 0 } else { others < 100 }, "a writer is not alone");
        l.inside.fetch_sub(mine, SeqCst);
        l.table.rw_unlock(&l.word, write, |g| w.wake(g)).expect("locked");
        free(g);
    }
}

#[test]
fn rwmutex_keeps_writers_alone_and_wakes_all() {
    check(2, || {
        let w = World::new(3, locked());
        let others: Vec<_> = [false, true]
            .into_iter()
            .enumerate()
            .map(|(id, write)| {
                let w = w.clone();
                thread::spawn(move || read_or_write(&w, id, write))
            })
            .collect();
        read_or_write(&w, 2, true);
        others.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(w.what.word.load(SeqCst), 0);
    });
}

// ---- channels

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

// ---- Cond (WaitGroup rests on sequentially consistent loads and stores, which loom takes for weaker ones)

#[test]
fn cond_calls_who_took_a_ticket() {
    check(3, || {
        let w = World::new(1, locked());
        let ticket = w.what.table.notify_add(&w.what.word);
        let signaller = {
            let w = w.clone();
            // SAFETY: the word lives as long as `w`.
            thread::spawn(move || unsafe { w.what.table.notify(&w.what.word, false, |g| w.wake(g)) })
        };
        let g = new_g(0);
        // SAFETY: the G lives until it has been woken.
        unsafe {
            if w.what.table.notify_wait(&w.what.word, ticket, g, || {}) == Acquire::Parked {
                w.sleep(0);
            }
            signaller.join().unwrap();
            free(g);
        }
    });
}
