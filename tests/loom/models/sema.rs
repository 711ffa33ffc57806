//! Mutex, RWMutex, WaitGroup and Cond.
use super::{World, check, free, new_g};
use crate::base::atomics::AtomicU64;
use crate::sync::sema::{Acquire, SemaTable};
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;

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

fn done(w: &World<Locked>) {
    let l = &w.what;
    // SAFETY: the words live as long as `w`.
    unsafe { l.table.group_add(&l.word, &l.second, -1, |g| w.wake(g)).expect("no misuse") }
}

fn wait(w: &World<Locked>, id: usize) {
    let (g, l) = (new_g(id), &w.what);
    // SAFETY: as above; the G lives until it has been woken.
    unsafe {
        if l.table.group_wait(&l.word, &l.second, g, false, || {}) == Ok(Acquire::Parked) {
            w.sleep(id);
            assert_eq!(l.table.group_wait(&l.word, &l.second, g, true, || {}), Ok(Acquire::Acquired));
        }
        free(g);
    }
}

fn counting(n: u64) -> Locked {
    Locked { word: AtomicU64::new(n), ..locked() }
}

#[test]
fn wait_group_wakes_all_after_the_last() {
    check(3, || {
        let w = World::new(2, counting(1));
        let waiter = {
            let w = w.clone();
            thread::spawn(move || wait(&w, 0))
        };
        let worker = {
            let w = w.clone();
            thread::spawn(move || {
                w.what.inside.store(1, Relaxed);
                done(&w);
            })
        };
        wait(&w, 1);
        assert_eq!(w.what.inside.load(Relaxed), 1, "the wait is over before the last is done");
        [waiter, worker].into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(w.what.second.load(SeqCst), 0, "nobody waits");
    });
}

#[test]
fn wait_group_waits_for_both() {
    check(3, || {
        let w = World::new(1, counting(2));
        let workers = [0, 1].map(|_| {
            let w = w.clone();
            thread::spawn(move || {
                w.what.inside.fetch_add(1, Relaxed);
                done(&w);
            })
        });
        wait(&w, 0);
        assert_eq!(w.what.inside.load(Relaxed), 2, "the wait is over before both are done");
        workers.into_iter().for_each(|t| t.join().unwrap());
    });
}

/// A second round begins while who ended the first may not be out of it yet.
#[test]
fn wait_group_is_used_again() {
    check(3, || {
        let w = World::new(1, counting(1));
        let spawn = || {
            let w = w.clone();
            thread::spawn(move || done(&w))
        };
        let first = spawn();
        wait(&w, 0);
        // SAFETY: as above.
        unsafe { w.what.table.group_add(&w.what.word, &w.what.second, 1, |_| panic!("wakes")).expect("no misuse") };
        let second = spawn();
        wait(&w, 0);
        [first, second].into_iter().for_each(|t| t.join().unwrap());
        assert_eq!((w.what.word.load(SeqCst), w.what.second.load(SeqCst)), (0, 0));
    });
}

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
