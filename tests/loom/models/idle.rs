//! Ps that go idle and are woken, with the kernel of `sched/idle.rs`; the global queue is a number of Gs here, and a P's M a thread
//! that runs until it finds that no G can ever run again, or that another has found it.
use super::check;
use crate::base::atomics::MutexGuard;
use crate::sched::g::G;
use crate::sched::idle::{Idle, Parker, Ps};
use crate::sched::runq::RunQueue;
use crate::sched::solo::Solo;
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use loom::sync::{Arc, Mutex};
use loom::thread;

struct P {
    solo: Solo,
    parker: Parker,
    started: AtomicBool,
    queue: RunQueue,
    /// What only this P may run.
    own: AtomicUsize,
}

struct Sched {
    ps: Vec<P>,
    procs: usize,
    idle: Idle,
    global: AtomicUsize,
    outside: AtomicUsize,
    done: AtomicBool,
    /// Gs that have run; changed by a solo P in a section, else under the lock. The cell reports accesses that are not ordered.
    ran: UnsafeCell<usize>,
    lock: Mutex<()>,
    /// Changed after `ran`: the model checker interleaves where atomics are touched, not where cells are.
    after: AtomicUsize,
    /// How often it was found that no G can ever run again.
    verdicts: AtomicUsize,
}

// SAFETY: the kernels' own rules are what is being checked.
unsafe impl Send for Sched {}
unsafe impl Sync for Sched {}

impl Ps for Sched {
    fn made(&self) -> usize {
        self.ps.len()
    }

    fn procs(&self) -> usize {
        self.procs
    }

    fn solo(&self, p: usize) -> &Solo {
        &self.ps[p].solo
    }

    fn parker(&self, p: usize) -> &Parker {
        &self.ps[p].parker
    }

    fn started_m(&self, p: usize) -> &AtomicBool {
        &self.ps[p].started
    }

    fn start_m(&self, _: usize) -> bool {
        false
    }

    fn notify_poller(&self) {
        unreachable!("no poller")
    }

    fn has_own(&self, p: usize) -> bool {
        self.ps[p].own.load(SeqCst) != 0
    }

    fn has_work(&self) -> bool {
        self.global.load(SeqCst) != 0 || self.done.load(SeqCst) || self.ps.iter().any(|p| p.queue.len() > 0)
    }

    fn is_over(&self) -> bool {
        self.outside.load(SeqCst) == 0
            && self.global.load(SeqCst) == 0
            && self.ps.iter().all(|p| p.queue.is_empty() && p.own.load(SeqCst) == 0)
            && !self.done.load(SeqCst)
    }
}

fn take_from(n: &AtomicUsize) -> bool {
    n.load(Relaxed) != 0 && n.fetch_update(AcqRel, Relaxed, |n| n.checked_sub(1)).is_ok()
}

impl Sched {
    /// With so many Ps, all idle, of which `procs` may run, and so many outside who may push.
    fn new(made: usize, procs: usize, outside: usize) -> Sched {
        let p = |_| P {
            solo: Solo::shared(),
            parker: Parker::default(),
            started: AtomicBool::new(true),
            queue: RunQueue::default(),
            own: AtomicUsize::new(0),
        };
        let sched = Sched {
            ps: (0..made).map(p).collect(),
            procs,
            idle: Idle::default(),
            global: AtomicUsize::new(0),
            outside: AtomicUsize::new(outside),
            done: AtomicBool::new(false),
            ran: UnsafeCell::new(0),
            lock: Mutex::new(()),
            after: AtomicUsize::new(0),
            verdicts: AtomicUsize::new(0),
        };
        (0..made).for_each(|p| sched.idle.enter(&sched, p));
        sched
    }

    /// As many Ms as `busy` says run already.
    fn busy(self, busy: usize) -> Arc<Sched> {
        (0..busy).for_each(|p| assert!(self.idle.leave(&self, p)));
        Arc::new(self)
    }

    /// By somebody outside, who pushes no more.
    fn push_from_outside(&self) {
        self.global.fetch_add(1, SeqCst);
        self.idle.leave_outside(self, &self.outside);
    }

    /// By a P's M, to its own queue.
    fn push(&self, p: usize) {
        assert!(self.ps[p].queue.push(std::ptr::dangling_mut::<G>()));
        self.wake_from(p);
    }

    /// As at a safepoint.
    fn wake_from(&self, p: usize) {
        if self.idle.someone_should_wake() && self.ps[p].queue.len() > 0 {
            self.idle.wake_one(self, Some(p));
        }
    }

    /// As a safepoint's measure does.
    fn begin_solo(&self, p: usize) {
        if !self.ps[p].solo.is_solo() && self.idle.len() + 1 >= self.procs {
            self.idle.begin_solo(self, p);
        }
    }

    /// One look at every queue.
    fn take(&self, p: usize, spinning: &mut bool) -> bool {
        let me = &self.ps[p];
        if take_from(&me.own) || !me.queue.pop(&me.solo).is_null() {
            return true;
        }
        if p >= self.procs {
            return false;
        }
        if take_from(&self.global) {
            return true;
        }
        *spinning = *spinning || self.ps.len() > 1 && self.idle.begin_spinning(self);
        if !*spinning {
            return false;
        }
        let mut taken = Vec::new();
        for victim in self.ps.iter().filter(|v| !std::ptr::eq(*v, me)) {
            victim.queue.take_half(&mut taken);
            if taken.pop().is_some() {
                taken.drain(..).for_each(|g| assert!(me.queue.push(g)));
                return true;
            }
        }
        take_from(&self.global)
    }

    /// What a G does that runs on this P.
    fn run(&self, p: usize) {
        let count = || {
            // SAFETY: the cell checks it.
            self.ran.with_mut(|n| unsafe { *n += 1 });
            self.after.store(p, Relaxed);
        };
        let solo = &self.ps[p].solo;
        if solo.enter() {
            count();
            solo.leave();
        } else {
            let _lock = self.lock.lock();
            count();
        }
    }

    fn doze(&self, parker: &Parker, woken: &mut MutexGuard<bool>) -> bool {
        if self.done.load(SeqCst) {
            return true;
        }
        parker.sleep(woken);
        false
    }

    /// The M of a P that is on the list: parks, then runs. `soon`: when it dozes it finds at once that it is to look again, as
    /// with a timer.
    fn parked_m(&self, p: usize, mut soon: bool) {
        let woken = self.idle.park(self, p, |parker, woken| std::mem::take(&mut soon) || self.doze(parker, woken));
        self.m(p, woken);
    }

    /// The loop of a P's M.
    fn m(&self, p: usize, mut spinning: bool) {
        loop {
            if self.done.load(SeqCst) {
                if spinning {
                    self.idle.end_spinning();
                }
                return;
            }
            if self.take(p, &mut spinning) {
                if spinning {
                    self.idle.found(self, || self.global.load(Relaxed) > 0 || self.ps[p].queue.len() > 0);
                    spinning = false;
                }
                self.run(p);
                continue;
            }
            let woken = self.idle.go_idle(self, p, spinning, |parker, woken| self.doze(parker, woken));
            match woken {
                Some(woken) => spinning = woken,
                None => {
                    self.verdicts.fetch_add(1, SeqCst);
                    self.done.store(true, SeqCst);
                    (0..self.ps.len()).for_each(|p| self.idle.have_it_look(self, p));
                    // A waker may be late.
                    spinning = self.idle.go_on(self, p);
                }
            }
        }
    }

    /// When all threads have ended: so many Gs have run, and it was found once, after the last, that there are no more.
    fn ends_with(&self, ran: usize) {
        // SAFETY: nobody else is left.
        assert_eq!(self.ran.with(|n| unsafe { *n }), ran, "Gs that have run");
        assert_eq!(self.verdicts.load(SeqCst), 1, "verdicts");
        assert_eq!(self.idle.spinning(), 0, "spinning Ms");
    }
}

fn spawn(s: &Arc<Sched>, f: impl FnOnce(&Sched) + 'static) -> thread::JoinHandle<()> {
    let s = s.clone();
    thread::spawn(move || f(&s))
}

/// One M goes idle while somebody outside pushes.
#[test]
fn waker_from_outside_is_not_missed() {
    check(4, || {
        let s = Sched::new(1, 1, 1).busy(1);
        let waker = spawn(&s, |s| s.push_from_outside());
        s.m(0, false);
        waker.join().unwrap();
        s.ends_with(1);
    });
}

/// The M leaves the list by itself, as for a timer, while somebody outside wakes it.
#[test]
fn leaving_and_being_woken_are_told_apart() {
    check(4, || {
        let s = Arc::new(Sched::new(1, 1, 1));
        let waker = spawn(&s, |s| s.push_from_outside());
        s.parked_m(0, true);
        waker.join().unwrap();
        s.ends_with(1);
    });
}

/// Two wakers, one M: while one is at waking, the other may rely on it, but on nobody who has found the list empty.
#[test]
fn two_wakers_of_one_m() {
    check(4, || {
        let s = Arc::new(Sched::new(1, 1, 2));
        let m = spawn(&s, |s| s.parked_m(0, true));
        let waker = spawn(&s, |s| s.push_from_outside());
        s.push_from_outside();
        [m, waker].into_iter().for_each(|t| t.join().unwrap());
        s.ends_with(2);
    });
}

/// A P pushes to its own queue while the other goes idle; both may run what is there, and the one that is alone is solo.
#[test]
fn pushing_to_the_own_queue_while_another_goes_idle() {
    check(2, || {
        let s = Sched::new(2, 2, 0).busy(2);
        let other = spawn(&s, |s| s.m(1, false));
        s.push(0);
        s.begin_solo(0);
        s.push(0);
        s.run(0);
        s.wake_from(0);
        s.m(0, false);
        other.join().unwrap();
        s.ends_with(3);
    });
}

/// The first P is solo and works while somebody outside has the second join.
#[test]
fn joining_ends_being_solo() {
    check(2, || {
        let s = Sched::new(2, 2, 1).busy(1);
        assert!(s.ps[0].solo.is_solo());
        let other = spawn(&s, |s| s.parked_m(1, false));
        let waker = spawn(&s, |s| s.push_from_outside());
        (0..2).for_each(|_| s.run(0));
        s.m(0, false);
        [other, waker].into_iter().for_each(|t| t.join().unwrap());
        s.ends_with(3);
    });
}

/// The first P is solo and goes idle; the second leaves the list by itself, and when both run, neither is solo.
#[test]
fn going_idle_ends_being_solo() {
    check(2, || {
        let s = Sched::new(2, 2, 2).busy(1);
        let other = spawn(&s, |s| s.parked_m(1, true));
        let waker = spawn(&s, |s| (0..2).for_each(|_| s.push_from_outside()));
        s.m(0, false);
        [other, waker].into_iter().for_each(|t| t.join().unwrap());
        s.ends_with(2);
    });
}

/// Two Ms go idle while somebody outside ends: the verdict comes after what that has pushed has run, and once.
#[test]
fn deadlock_is_found_once_and_not_before() {
    check(2, || {
        let s = Sched::new(2, 2, 1).busy(2);
        let other = spawn(&s, |s| s.m(1, false));
        let outside = spawn(&s, |s| s.push_from_outside());
        s.m(0, false);
        [other, outside].into_iter().for_each(|t| t.join().unwrap());
        s.ends_with(1);
    });
}

/// Likewise, without anything pushed: somebody is to look again.
#[test]
fn deadlock_is_found_after_the_last_outside() {
    check(3, || {
        let s = Sched::new(2, 2, 1).busy(2);
        let other = spawn(&s, |s| s.m(1, false));
        let outside = spawn(&s, |s| s.idle.leave_outside(s, &s.outside));
        s.m(0, false);
        [other, outside].into_iter().for_each(|t| t.join().unwrap());
        s.ends_with(0);
    });
}

/// What only one P may run is brought to it by another, whether it may run or GOMAXPROCS is too low for it.
#[test]
fn a_locked_g_finds_its_home_awake() {
    for procs in [1, 2] {
        check(2, move || {
            let s = Sched::new(2, procs, 0).busy(2);
            let home = spawn(&s, |s| s.m(1, false));
            s.ps[1].own.fetch_add(1, SeqCst);
            s.idle.wake_this(&*s, 1);
            s.m(0, false);
            home.join().unwrap();
            s.ends_with(1);
        });
    }
}

/// A P whose M cannot be started is in front; another, which has one, is woken instead.
#[test]
fn without_a_thread_another_m_is_woken() {
    check(3, || {
        let s = Sched::new(2, 2, 1);
        s.ps[0].started.store(false, SeqCst);
        assert!(s.idle.leave(&s, 0));
        s.idle.enter(&s, 0);
        let s = s.busy(0);
        let waker = spawn(&s, |s| s.push_from_outside());
        s.parked_m(1, false);
        waker.join().unwrap();
        s.ends_with(1);
    });
}
