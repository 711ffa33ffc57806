//! Bubbles of `testing/synctest`: groups of Gs with a time of their own, which goes on only when each of them waits for
//! another one of the group, or for a time to come.
//!
//! Nobody counts who waits. Whoever finds nothing to run, and now and then whoever does, looks at the Gs with the world
//! stopped (`Sched::settle`): a G that waits for something of its own bubble can be woken from there only, so that what is
//! seen stays so until this M does something about it. `busy` keeps others from doing the same meanwhile.
use super::g::{G, Status};
use super::timer::{Action, Timers};
use super::wait::WaitReason;
use crate::sched::Sched;
use crate::sched::p::P;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicUsize, Ordering::*};

/// When every bubble begins: 2000-01-01 00:00:00 UTC, in nanoseconds.
const START_NS: i64 = 946_684_800_000_000_000;

/// Set in the numbers of groups that are bubbles.
pub const IN_BUBBLE: u32 = 1 << 30;

/// Numbers of a bubble's timers have its group above so many bits.
const TIMER_BITS: u32 = 32;

/// How a bubble has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Verdict {
    /// All its Gs have.
    Done,
    /// All wait, and nothing will come.
    Blocked,
    /// Its first G has ended, and others wait.
    Left,
}

pub struct Bubble {
    pub group: u32,
    now: AtomicI64,
    pub timers: Timers,
    /// The G that began it, while it waits for its end.
    root: AtomicPtr<G>,
    /// A G that waits until all others do.
    waiter: AtomicPtr<G>,
    /// The first G has ended.
    main_done: AtomicBool,
    busy: AtomicBool,
    verdict: Mutex<Verdict>,
}

impl Bubble {
    pub fn now(&self) -> i64 {
        self.now.load(Relaxed)
    }

    /// Adds a timer; its number names the bubble, too.
    pub fn start_timer(&self, when: i64, action: Action) -> i64 {
        (self.group as i64) << TIMER_BITS | self.timers.start(when, action).0
    }

    /// The running G waits for the end. To be called before it is marked as waiting.
    pub fn wait_for_end(&self, g: *mut G) {
        self.root.store(g, SeqCst);
    }

    pub fn verdict(&self) -> Verdict {
        *self.verdict.lock()
    }

    /// The running G waits until all others do, too. `false`: another one does already.
    pub fn wait_for_others(&self, g: *mut G) -> bool {
        self.waiter.compare_exchange(std::ptr::null_mut(), g, SeqCst, SeqCst).is_ok()
    }

    pub fn main_has_ended(&self) {
        self.main_done.store(true, SeqCst);
    }
}

/// The bubbles of a run.
#[derive(Default)]
pub struct Bubbles {
    some: AtomicUsize,
    list: Mutex<Vec<Arc<Bubble>>>,
}

impl Bubbles {
    pub fn any(&self) -> bool {
        self.some.load(Relaxed) != 0
    }

    /// The bubble of a group, if it is one.
    pub fn of(&self, group: u32) -> Option<Arc<Bubble>> {
        if !self.any() || group == 0 {
            return None;
        }
        self.list.lock().iter().find(|b| b.group == group).cloned()
    }

    /// The group of the bubble that a timer belongs to, and the timer's number there.
    pub fn of_timer(&self, id: i64) -> Option<(u32, i64)> {
        let group = (id >> TIMER_BITS) as u32;
        (group != 0).then_some((group, id & ((1 << TIMER_BITS) - 1)))
    }

    pub fn begin(&self, group: u32) {
        let bubble = Bubble {
            group,
            now: AtomicI64::new(START_NS),
            timers: Timers::default(),
            root: AtomicPtr::default(),
            waiter: AtomicPtr::default(),
            main_done: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            verdict: Mutex::new(Verdict::Done),
        };
        self.list.lock().push(Arc::new(bubble));
        self.some.fetch_add(1, SeqCst);
    }

    pub fn end(&self, group: u32) {
        let mut list = self.list.lock();
        let before = list.len();
        list.retain(|b| b.group != group);
        self.some.fetch_sub(before - list.len(), SeqCst);
    }

    /// Calls `f` on what the timers of all bubbles hold (roots for the collector).
    pub fn each_closure(&self, f: &mut dyn FnMut(u64)) {
        self.list.lock().iter().for_each(|b| b.timers.each_closure(f));
    }
}

/// Whether a G of a bubble waits so that only its bubble can wake it, as far as the reason tells; `None`: it depends on
/// where its channels come from.
pub fn waits_inside(reason: WaitReason) -> Option<bool> {
    use WaitReason as W;
    match reason {
        W::ChanReceive | W::ChanSend | W::Select => None,
        W::ChanReceiveNil | W::ChanSendNil | W::SelectNoCases | W::Sleep | W::Coroutine => Some(true),
        W::CondWait | W::WaitGroupWait | W::SynctestRun | W::SynctestWait => Some(true),
        _ => Some(false),
    }
}

impl Sched {
    /// Goes on with bubbles whose Gs all wait. `true`: there is something to run now.
    pub fn settle(&self, p: &mut P) -> bool {
        let quiet = |bubble: &Bubble| {
            let mut quiet = true;
            self.slabs.each_unlocked(&mut |g| {
                // SAFETY: a G of a slab; only what is atomic is read.
                let (own, status) = unsafe { ((*g).group.load(Relaxed) == bubble.group, (*g).status()) };
                quiet &= !own || status == Status::Dead || status == Status::Waiting;
            });
            quiet
        };
        let list: Vec<Arc<Bubble>> =
            self.bubbles.list.lock().iter().filter(|b| !b.busy.load(SeqCst) && quiet(b)).cloned().collect();
        if list.is_empty() {
            return false;
        }
        let mut todo: Vec<(Arc<Bubble>, Vec<Action>)> = Vec::new();
        // Who stops the world meanwhile has another reason, and may not look at bubbles afterwards.
        while !self.done.load(SeqCst) {
            let stopped = self.stop_the_world(p, |_| {
                for bubble in &list {
                    if !bubble.busy.load(SeqCst)
                        && let Some(actions) = self.next_step(bubble)
                    {
                        bubble.busy.store(true, SeqCst);
                        todo.push((bubble.clone(), actions));
                    }
                }
            });
            if stopped.is_some() {
                break;
            }
        }
        let some = !todo.is_empty();
        for (bubble, actions) in todo {
            for action in actions {
                self.act(p, action);
            }
            bubble.busy.store(false, SeqCst);
        }
        some
    }

    /// What a bubble goes on with, if all its Gs wait for each other. The world is stopped.
    fn next_step(&self, bubble: &Bubble) -> Option<Vec<Action>> {
        let (mut quiet, mut others) = (true, 0);
        let root = bubble.root.load(SeqCst);
        self.slabs.each(&mut |g| {
            // SAFETY: a G of a slab, and no M runs.
            unsafe {
                if (*g).group.load(Relaxed) != bubble.group || (*g).status() == Status::Dead {
                    return;
                }
                others += (g != root) as usize;
                let inside =
                    || waits_inside((*g).wait_reason()).unwrap_or_else(|| self.hooks().waits_on(g, bubble.group));
                quiet &= (*g).status() == Status::Waiting && inside();
            }
        });
        if !quiet || root.is_null() {
            return None;
        }
        let due = |now: i64| -> Vec<Action> { std::iter::from_fn(|| bubble.timers.take_due(now)).collect() };
        let mut actions = due(bubble.now());
        if !actions.is_empty() {
            return Some(actions);
        }
        let waiter = bubble.waiter.swap(std::ptr::null_mut(), SeqCst);
        if !waiter.is_null() {
            return Some(vec![Action::Ready(waiter)]);
        }
        let (next, main_done) = (bubble.timers.next(), bubble.main_done.load(SeqCst));
        if next != i64::MAX && !main_done {
            bubble.now.store(next, SeqCst);
            actions = due(next);
            return Some(actions);
        }
        *bubble.verdict.lock() = match (others, main_done) {
            (0, _) => Verdict::Done,
            (_, true) => Verdict::Left,
            (_, false) => Verdict::Blocked,
        };
        bubble.root.store(std::ptr::null_mut(), SeqCst);
        Some(vec![Action::Ready(root)])
    }
}
