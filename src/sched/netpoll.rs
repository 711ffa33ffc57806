//! The netpoller: descriptors whose reads and writes would block park the G, not a thread.
//!
//! # Who waits
//! As in Go, the last idle M: the one that would sleep until the next timer sleeps in the poller instead (`park`),
//! with the timer's time as its limit, and is woken by a notification where others are woken by their condition variable.
//! A thread of the poller's own would be simpler, but each event would then cost two switches of threads, and one more
//! thread a VM. While every P is busy nobody sleeps there: Ps look at every 61st pick, and at the safepoint that finds that
//! nobody has looked for `LOOK_AFTER_NS`.
//!
//! # No lost wake-ups
//! Descriptors are registered once, edge-triggered. An event sets `ready` on its side and takes the waiters. Who finds that
//! an operation would block looks at `ready` under the lock: if it is set, the operation is tried again; else the G is a
//! waiter before the lock is given up. An event too many costs a try.
//!
//! A waiting G is something from outside that may become ready (`Sched::outside`), so the run is not deadlocked. Waiters
//! are counted before they park, and uncounted when they have been readied, by an M that looks for a deadlock afterwards.
//!
//! The poller is made with the first descriptor. It is shared by the VM's descriptors only, and goes with the last of
//! them. It knows nothing of what is read or written.
use super::Sched;
use super::g::G;
use super::p::P;
use super::timer::Action;
use super::trace::Cause;
use parking_lot::{Mutex, RwLock};
use polling::{Event, Events, PollMode, Poller};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A busy P looks at the poller when nobody has for so long, as Go's sysmon does.
const LOOK_AFTER_NS: i64 = 10_000_000;

/// Events taken at once.
const EVENTS: std::num::NonZeroUsize = std::num::NonZeroUsize::new(256).unwrap();

/// The two directions of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Side {
    Read,
    Write,
}

/// What became of a wish to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Something has happened meanwhile: try again.
    Retry,
    /// The G waits. It is not touched again.
    Parked,
    /// The deadline has passed.
    Expired,
    /// The descriptor has been closed.
    Closed,
}

#[derive(Default)]
struct Direction {
    ready: bool,
    expired: bool,
    waiters: Vec<*mut G>,
    /// Counts the deadlines that were set: what an earlier one does is void.
    round: u64,
    timer: Option<i64>,
    when: Option<i64>,
}

impl Direction {
    /// The deadline has passed, whether its timer has run yet or not: both sides' are over at the same time.
    fn is_over(&self, sched: &Sched) -> bool {
        self.expired || self.when.is_some_and(|when| when <= sched.decide.now())
    }
}

#[derive(Default)]
struct State {
    closed: bool,
    sides: [Direction; 2],
}

// SAFETY: a G among the waiters waits, and belongs to whoever takes it out.
unsafe impl Send for State {}

/// What is known of a descriptor.
#[derive(Default)]
pub struct Shared(Mutex<State>);

/// Gs that were taken off their descriptors. Whoever has them readies them, and is not idle before it has said so with
/// [`Taken::readied`]: so the last M to go idle sees the right number of those that wait.
#[must_use]
#[derive(Default)]
pub struct Taken(Vec<*mut G>);

impl Taken {
    pub fn gs(&self) -> &[*mut G] {
        &self.0
    }

    pub fn readied(self, sched: &Sched) {
        sched.netpoll.waiting.fetch_sub(self.0.len(), SeqCst);
        sched.outside.fetch_sub(self.0.len(), SeqCst);
    }

    /// Readies them on a P, by its own M.
    pub fn ready_on(self, p: &mut P, cause: Cause) {
        for &g in &self.0 {
            // SAFETY: taken off what they waited on.
            unsafe { p.ready_last(g, cause) };
        }
        self.readied(p.sched());
    }
}

impl Shared {
    /// A deadline's time has come.
    pub fn expire(&self, side: Side, round: u64) -> Taken {
        let mut state = self.0.lock();
        let d = &mut state.sides[side as usize];
        if d.round != round {
            return Taken::default();
        }
        d.expired = true;
        d.timer = None;
        Taken(std::mem::take(&mut d.waiters))
    }
}

#[derive(Default)]
struct Places {
    list: Vec<Option<Arc<Shared>>>,
    free: Vec<usize>,
}

struct Inner {
    poller: Poller,
    places: RwLock<Places>,
}

/// A VM's poller.
#[derive(Default)]
pub struct Netpoll {
    inner: OnceLock<Arc<Inner>>,
    making: Mutex<()>,
    events: Mutex<Option<Events>>,
    /// Gs that wait.
    waiting: AtomicUsize,
    /// When somebody looked last; `i64::MAX` while an M sleeps there.
    last_look: AtomicI64,
    /// Who waits is to look up.
    notified: AtomicBool,
}

/// A registered descriptor. It is to be dropped before the descriptor is closed.
pub struct Registered {
    inner: Arc<Inner>,
    place: usize,
    fd: RawFd,
    shared: Arc<Shared>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: the owner closes the descriptor later.
        let _ = self.inner.poller.delete(unsafe { BorrowedFd::borrow_raw(self.fd) });
        let mut places = self.inner.places.write();
        places.list[self.place] = None;
        places.free.push(self.place);
    }
}

impl Registered {
    /// Why nothing may be tried: the descriptor is closed, or the side's deadline has passed.
    pub fn refuses(&self, sched: &Sched, side: Side) -> Option<Wait> {
        let state = self.shared.0.lock();
        if state.closed {
            Some(Wait::Closed)
        } else if state.sides[side as usize].is_over(sched) {
            Some(Wait::Expired)
        } else {
            None
        }
    }

    /// After an operation that would have blocked. `park` marks the G as waiting.
    pub fn wait(&self, sched: &Sched, side: Side, g: *mut G, park: impl FnOnce()) -> Wait {
        let mut state = self.shared.0.lock();
        if state.closed {
            return Wait::Closed;
        }
        let d = &mut state.sides[side as usize];
        if d.expired {
            return Wait::Expired;
        }
        if std::mem::take(&mut d.ready) {
            return Wait::Retry;
        }
        sched.outside.fetch_add(1, SeqCst);
        sched.netpoll.waiting.fetch_add(1, SeqCst);
        park();
        d.waiters.push(g);
        Wait::Parked
    }

    /// Sets a side's deadline: in nanoseconds of the run, at once for a time that has passed; `None`: there is none.
    pub fn set_deadline(&self, sched: &Sched, side: Side, when: Option<i64>) -> Taken {
        let mut state = self.shared.0.lock();
        let d = &mut state.sides[side as usize];
        d.round += 1;
        d.when = when;
        if let Some(id) = d.timer.take() {
            sched.timers.stop(id);
        }
        d.expired = when.is_some_and(|w| w <= sched.decide.now());
        let mut first = false;
        let mut gs = Vec::new();
        if d.expired {
            gs = std::mem::take(&mut d.waiters);
        } else if let Some(when) = when {
            let action = Action::Expire { shared: self.shared.clone(), side, round: d.round };
            let id;
            (id, first) = sched.timers.start(when, action);
            d.timer = Some(id);
        }
        drop(state);
        if first {
            sched.timer_added();
        }
        Taken(gs)
    }

    /// Nothing may be tried from now on; whoever waits goes on.
    pub fn close(&self, sched: &Sched) -> Taken {
        let mut gs = Vec::new();
        let mut state = self.shared.0.lock();
        state.closed = true;
        for d in &mut state.sides {
            d.round += 1;
            if let Some(id) = d.timer.take() {
                sched.timers.stop(id);
            }
            gs.append(&mut d.waiters);
        }
        Taken(gs)
    }
}

impl Netpoll {
    fn inner(&self, sched: &Sched) -> std::io::Result<Arc<Inner>> {
        if let Some(inner) = self.inner.get() {
            return Ok(inner.clone());
        }
        let making = self.making.lock();
        if self.inner.get().is_none() {
            *self.events.lock() = Some(Events::with_capacity(EVENTS));
            let _ = self.inner.set(Arc::new(Inner { poller: Poller::new()?, places: RwLock::default() }));
        }
        drop(making);
        // An M that sleeps until the next timer is to sleep in the poller.
        sched.timer_added();
        self.inner.get().cloned().ok_or_else(|| std::io::ErrorKind::Other.into())
    }

    /// Registers a descriptor that does not block. An error: the system cannot tell when it is ready (a regular file).
    pub fn register(&self, sched: &Sched, fd: RawFd) -> std::io::Result<Registered> {
        let inner = self.inner(sched)?;
        let shared = Arc::new(Shared::default());
        let place = {
            let mut places = inner.places.write();
            match places.free.pop() {
                Some(place) => {
                    places.list[place] = Some(shared.clone());
                    place
                }
                None => {
                    places.list.push(Some(shared.clone()));
                    places.list.len() - 1
                }
            }
        };
        // SAFETY: `Registered` takes it out again before the descriptor is closed.
        let added = unsafe { inner.poller.add_with_mode(fd, Event::all(place), PollMode::Edge) };
        if let Err(e) = added {
            let mut places = inner.places.write();
            places.list[place] = None;
            places.free.push(place);
            return Err(e);
        }
        Ok(Registered { inner, place, fd, shared })
    }

    /// Whether there is a poller to sleep in.
    pub fn is_open(&self) -> bool {
        self.inner.get().is_some()
    }

    /// Gs that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    /// Wakes the M that sleeps in the poller, or the next that is about to.
    pub fn notify(&self) {
        if let Some(inner) = self.inner.get() {
            self.notified.store(true, SeqCst);
            let _ = inner.poller.notify();
        }
    }

    /// Whether a busy P should look.
    #[inline]
    pub fn is_due(&self, now: i64) -> bool {
        self.waiting.load(Relaxed) != 0 && now.saturating_sub(self.last_look.load(Relaxed)) >= LOOK_AFTER_NS
    }

    /// Takes what has happened, waiting for it so long at most (`None`: without end). Nothing is done when another M is
    /// at it.
    pub fn poll(&self, sched: &Sched, limit: Option<Duration>) -> Taken {
        let mut gs = Vec::new();
        let Some(inner) = self.inner.get() else { return Taken(gs) };
        let Some(mut events) = self.events.try_lock() else { return Taken(gs) };
        let Some(events) = events.as_mut() else { return Taken(gs) };
        let sleeps = limit != Some(Duration::ZERO);
        // Whoever looked meanwhile without waiting has taken the notice that was for the one who is about to wait.
        if sleeps && self.notified.swap(false, SeqCst) {
            return Taken(gs);
        }
        self.last_look.store(if sleeps { i64::MAX } else { sched.decide.now() }, Relaxed);
        events.clear();
        let seen = inner.poller.wait(events, limit);
        if sleeps {
            self.notified.store(false, SeqCst);
            self.last_look.store(sched.decide.now(), Relaxed);
        }
        if seen.is_ok_and(|n| n > 0) {
            for event in events.iter() {
                let shared = inner.places.read().list.get(event.key).cloned().flatten();
                let Some(shared) = shared else { continue };
                let mut state = shared.0.lock();
                for (happened, d) in [event.readable, event.writable].into_iter().zip(&mut state.sides) {
                    if happened {
                        d.ready = d.waiters.is_empty();
                        gs.append(&mut d.waiters);
                    }
                }
            }
        }
        Taken(gs)
    }

    /// Takes a waiting G off its descriptor, for good. The world is stopped.
    pub fn forget(&self, sched: &Sched, g: *mut G) -> bool {
        let Some(inner) = self.inner.get() else { return false };
        for shared in inner.places.read().list.iter().flatten() {
            for d in &mut shared.0.lock().sides {
                if let Some(i) = d.waiters.iter().position(|&w| w == g) {
                    d.waiters.remove(i);
                    self.waiting.fetch_sub(1, SeqCst);
                    sched.outside.fetch_sub(1, SeqCst);
                    return true;
                }
            }
        }
        false
    }
}
