//! How events are written down: each P fills chunks of its own, which the collector's thread hears of when they begin. Whoever
//! reads a chunk meanwhile sees what its length covers: the length rises after the event is in its place.
use super::collect::{Collector, Store};
use super::steps::Steps;
use super::{Event, Kind};
use crate::sched::g::G;
use crossbeam_channel::{Sender, TrySendError, bounded};
use parking_lot::Mutex;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::*};
use std::time::Instant;

/// Events of a chunk.
pub const CHUNK: usize = 1024;

/// Chunks that the collector may be behind.
const BEHIND: usize = 256;

/// With a seed events are apart by so much at least, so that a picture of them has a width.
const STEP_NS: i64 = 20;

pub struct Chunk {
    /// The recorder it comes from.
    pub source: u32,
    len: AtomicUsize,
    events: Box<[UnsafeCell<MaybeUninit<Event>>]>,
}

// SAFETY: only the recorder writes, behind the length; what lies before it is not changed.
unsafe impl Send for Chunk {}
unsafe impl Sync for Chunk {}

impl Chunk {
    fn new(source: u32) -> Chunk {
        let events = (0..CHUNK).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
        Chunk { source, len: AtomicUsize::new(0), events }
    }

    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        // SAFETY: written before the length rose.
        self.events[..self.len.load(Acquire)].iter().map(|e| unsafe { (*e.get()).assume_init() })
    }
}

/// What is to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The newest so many events.
    pub events: usize,
    /// In slow motion.
    pub slow: bool,
}

/// What the recorders of a VM share.
pub struct Trace {
    /// Of seeded runs: the time of the last event.
    clock: Option<AtomicI64>,
    started: Instant,
    sources: AtomicUsize,
    send: Sender<Arc<Chunk>>,
    collector: Collector,
    lost: AtomicU64,
    pub steps: Option<Steps>,
    /// Events of threads without a P.
    outside: Mutex<Option<Recorder>>,
}

impl Trace {
    pub fn new(wanted: Wanted, seeded: bool, started: Instant) -> Arc<Trace> {
        let (send, receive) = bounded(BEHIND);
        Arc::new(Trace {
            clock: seeded.then(AtomicI64::default),
            started,
            sources: AtomicUsize::new(0),
            send,
            collector: Collector::start(Store::new(wanted.events), receive),
            lost: AtomicU64::new(0),
            steps: wanted.slow.then(Steps::default),
            outside: Mutex::new(None),
        })
    }

    /// The time of an event, given the run's. `ran`: instructions since the last one.
    fn time(&self, now: i64, ran: u64) -> i64 {
        let Some(clock) = &self.clock else { return now };
        let time = now.max(clock.load(Relaxed) + STEP_NS.max(ran as i64));
        clock.store(time, Relaxed);
        time
    }

    /// Writes down an event of a thread without a P.
    pub fn note(self: &Arc<Trace>, now: i64, event: Event) {
        let mut outside = self.outside.lock();
        let recorder = outside.get_or_insert_with(|| Recorder::new(self.share()));
        let event = Event { time: self.time(now, 0), ..event };
        if let Some(steps) = &self.steps {
            steps.saw(event);
        }
        let lost = recorder.write(event);
        self.lost.fetch_add(lost as u64, Relaxed);
    }

    fn share(self: &Arc<Trace>) -> Shared {
        Shared { send: self.send.clone(), source: self.sources.fetch_add(1, Relaxed) as u32 }
    }

    /// What has been recorded so far, and how many events have not been kept, with the time from which on all are there.
    pub fn take(&self) -> Taken {
        let (mut events, remembered, dropped, from) = self.collector.snapshot();
        if let Some(finish) = events.iter().position(|e| e.kind == Kind::Finish) {
            events.truncate(finish + 1);
        }
        let end = match events.last() {
            Some(last) if last.kind == Kind::Finish || self.clock.is_some() => last.time,
            _ => self.started.elapsed().as_nanos() as i64,
        };
        Taken { events, remembered, dropped, lost: self.lost.load(Relaxed), from, end, seeded: self.clock.is_some() }
    }
}

/// What was recorded, in order of time.
pub struct Taken {
    /// All of the time from `from` to `end`.
    pub events: Vec<Event>,
    /// From before: how the goroutines that live on began, and what those that wait began to wait for.
    pub remembered: Vec<Event>,
    /// Older events that were dropped, and events of that time that were lost since the collector was behind.
    pub dropped: u64,
    pub lost: u64,
    pub from: i64,
    pub end: i64,
    pub seeded: bool,
}

struct Shared {
    send: Sender<Arc<Chunk>>,
    source: u32,
}

/// One P's, used by its M only.
pub struct Recorder {
    shared: Shared,
    chunk: RefCell<Arc<Chunk>>,
    len: Cell<usize>,
    /// The collector has heard of the chunk.
    announced: Cell<bool>,
}

impl Recorder {
    fn new(shared: Shared) -> Recorder {
        let chunk = Arc::new(Chunk::new(shared.source));
        let recorder = Recorder { shared, chunk: RefCell::new(chunk), len: Cell::new(0), announced: Cell::new(false) };
        recorder.announce();
        recorder
    }

    fn announce(&self) {
        if !self.announced.get() {
            let sent = self.shared.send.try_send(self.chunk.borrow().clone());
            // A collector that has gone needs nothing any more.
            self.announced.set(!matches!(sent, Err(TrySendError::Full(_))));
        }
    }

    /// Returns how many events have been lost.
    fn write(&self, event: Event) -> usize {
        let mut lost = 0;
        if self.len.get() == CHUNK {
            lost = self.next_chunk();
        }
        let (chunk, len) = (self.chunk.borrow(), self.len.get());
        // SAFETY: behind the length nobody looks, and nobody else writes.
        unsafe { (*chunk.events[len].get()).write(event) };
        self.len.set(len + 1);
        chunk.len.store(len + 1, Release);
        lost
    }

    #[cold]
    fn next_chunk(&self) -> usize {
        self.announce();
        let lost = if self.announced.get() { 0 } else { CHUNK };
        *self.chunk.borrow_mut() = Arc::new(Chunk::new(self.shared.source));
        self.len.set(0);
        self.announced.set(false);
        self.announce();
        lost
    }
}

/// A P's recorder and what it knows of the G that runs there.
pub struct Recording {
    trace: Arc<Trace>,
    recorder: Recorder,
    /// The G that runs.
    running: Cell<*mut G>,
    /// Its number, for all to see; 0: none runs.
    running_id: AtomicU64,
    /// Instructions of the P at the last event.
    ran: Cell<u64>,
}

impl Recording {
    pub fn new(trace: &Arc<Trace>) -> Recording {
        let recorder = Recorder::new(trace.share());
        Recording {
            trace: trace.clone(),
            recorder,
            running: Cell::new(std::ptr::null_mut()),
            running_id: AtomicU64::new(0),
            ran: Cell::new(0),
        }
    }

    /// The G that runs, and its number, or 0.
    pub(super) fn running(&self) -> (*mut G, u64) {
        (self.running.get(), self.running_id())
    }

    pub(super) fn set_running(&self, g: *mut G, id: u64) {
        self.running.set(g);
        self.running_id.store(id, Relaxed);
    }

    pub fn running_id(&self) -> u64 {
        self.running_id.load(Relaxed)
    }

    /// In slow motion: waits until the G may run.
    pub(super) fn hold(&self) {
        if let Some(steps) = &self.trace.steps {
            steps.hold();
        }
    }

    /// Writes down an event at a time of the run, the P having run so many instructions in all.
    pub(super) fn write(&self, now: i64, ran: u64, event: Event) {
        let since = ran.saturating_sub(self.ran.replace(ran));
        let event = Event { time: self.trace.time(now, since), ..event };
        if let Some(steps) = &self.trace.steps {
            steps.saw(event);
        }
        let lost = self.recorder.write(event);
        self.trace.lost.fetch_add(lost as u64, Relaxed);
    }
}
