//! Slow motion: each M waits, before a goroutine begins to run, until somebody who looks on lets it. What was written down last is
//! kept for the eye.
//!
//! An M that waits here counts as running: the world does not stop meanwhile, and nothing that was read before need be read again.
use super::Event;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

/// Events that are kept for the eye.
const RECENT: usize = 200;

#[derive(Default)]
struct State {
    /// So many goroutines may begin.
    allowed: usize,
    /// Nobody is held up any more.
    open: bool,
    recent: VecDeque<Event>,
}

#[derive(Default)]
pub struct Steps {
    state: Mutex<State>,
    changed: Condvar,
}

impl Steps {
    /// An event has been written down.
    pub(super) fn saw(&self, event: Event) {
        let mut state = self.state.lock();
        if state.recent.len() == RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back(event);
    }

    /// A goroutine is about to run.
    pub(super) fn hold(&self) {
        let mut state = self.state.lock();
        while state.allowed == 0 && !state.open {
            self.changed.wait(&mut state);
        }
        state.allowed = state.allowed.saturating_sub(1);
    }

    /// Lets the next goroutine begin.
    pub fn allow(&self) {
        self.state.lock().allowed = 1;
        self.changed.notify_one();
    }

    /// Nobody is held up any more.
    pub fn open(&self) {
        self.state.lock().open = true;
        self.changed.notify_all();
    }

    pub fn recent(&self) -> Vec<Event> {
        self.state.lock().recent.iter().copied().collect()
    }
}
