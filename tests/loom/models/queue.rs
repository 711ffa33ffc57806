//! The run queue, and a P that is solo.
use super::check;
use crate::sched::g::G;
use crate::sched::runq::RunQueue;
use crate::sched::solo::Solo;
use crate::sync::chan::Chan;
use loom::sync::Arc;
use loom::thread;

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
        let s =
            Arc::new(Shared { solo: Solo::shared(), chan: Chan::for_model(1), word: loom::cell::UnsafeCell::new(0) });
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
