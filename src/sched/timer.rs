//! Timers: starting and stopping one is logarithmic. Due timers are run by whichever P looks first: between two Gs, at
//! safepoints, and by the one idle M that sleeps until the next is due.
use super::g::G;
use super::netpoll::{Shared, Side};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::*};

pub enum Action {
    /// Ready a sleeping G.
    Ready(*mut G),
    /// Start a G of this group on this closure; again every `period` if that is not 0.
    Start { closure: u64, period: i64, group: u32 },
    /// The deadline of a descriptor.
    Expire { shared: Arc<Shared>, side: Side, round: u64 },
    /// Call what a collection has found to be called.
    CallReady,
}

// SAFETY: a G on a timer waits, and belongs to whoever takes the timer out.
unsafe impl Send for Action {}

#[derive(Default)]
struct State {
    by_time: BTreeMap<(i64, i64), Action>,
    when: rustc_hash::FxHashMap<i64, i64>,
    next_id: i64,
}

pub struct Timers {
    state: Mutex<State>,
    /// Time of the first timer; `i64::MAX` without one.
    next: AtomicI64,
}

impl Default for Timers {
    fn default() -> Self {
        Timers { state: Mutex::default(), next: AtomicI64::new(i64::MAX) }
    }
}

impl Timers {
    /// When the first timer is due, in nanoseconds of the run.
    #[inline(always)]
    pub fn next(&self) -> i64 {
        self.next.load(SeqCst)
    }

    /// Adds a timer; returns its id and whether it is now the first.
    pub fn start(&self, when: i64, action: Action) -> (i64, bool) {
        let mut s = self.state.lock();
        s.next_id += 1;
        let id = s.next_id;
        let stoppable = !matches!(action, Action::Ready(_));
        s.by_time.insert((when, id), action);
        if stoppable {
            s.when.insert(id, when);
        }
        let first = when < self.next.load(Relaxed);
        if first {
            self.next.store(when, SeqCst);
        }
        (id, first)
    }

    /// Removes a timer; `false` if it has run or was stopped before.
    pub fn stop(&self, id: i64) -> bool {
        let mut s = self.state.lock();
        let Some(when) = s.when.remove(&id) else { return false };
        s.by_time.remove(&(when, id));
        self.update_next(&s);
        true
    }

    /// Removes the timer that would ready a G.
    pub fn forget(&self, g: *mut G) -> bool {
        let mut s = self.state.lock();
        let at = s.by_time.iter().find(|(_, a)| matches!(a, Action::Ready(r) if *r == g)).map(|(k, _)| *k);
        let Some(at) = at else { return false };
        s.by_time.remove(&at);
        s.when.remove(&at.1);
        self.update_next(&s);
        true
    }

    fn update_next(&self, s: &State) {
        self.next.store(s.by_time.first_key_value().map_or(i64::MAX, |(k, _)| k.0), SeqCst);
    }

    /// Takes one timer that is due at `now`.
    pub fn take_due(&self, now: i64) -> Option<Action> {
        if self.next.load(SeqCst) > now {
            return None;
        }
        let mut s = self.state.lock();
        let (&(when, id), _) = s.by_time.first_key_value()?;
        if when > now {
            return None;
        }
        let action = s.by_time.remove(&(when, id))?;
        s.when.remove(&id);
        if let Action::Start { closure, period, group } = action
            && period > 0
        {
            // Missed ticks are dropped, as Go does.
            let next = when + period * (1 + (now - when) / period);
            s.by_time.insert((next, id), Action::Start { closure, period, group });
            s.when.insert(id, next);
        }
        self.update_next(&s);
        Some(action)
    }

    /// Calls `f` on the closure of every pending timer (roots for the collector).
    pub fn each_closure(&self, f: &mut dyn FnMut(u64)) {
        for action in self.state.lock().by_time.values() {
            if let Action::Start { closure, .. } = action {
                f(*closure);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().by_time.is_empty()
    }
}
