//! The collector: a thread that keeps the newest chunks. Of what it drops it remembers how each goroutine that is still alive
//! began, and what it began to wait for, so that a picture of the end of a long run can name them.
use super::record::{CHUNK, Chunk};
use super::{Event, Kind};
use crossbeam_channel::Receiver;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;

/// What is known of a goroutine whose events were dropped.
#[derive(Default)]
struct Known {
    created: Option<Event>,
    /// The last time that it parked or was readied.
    waits: Option<Event>,
}

pub struct Store {
    chunks: VecDeque<Arc<Chunk>>,
    most: usize,
    dropped: u64,
    /// All events after this time are there.
    from: i64,
    alive: FxHashMap<u64, Known>,
    /// Those that ended in a chunk which was dropped before the one they began in.
    ended: FxHashSet<u64>,
}

impl Store {
    pub fn new(most: usize) -> Store {
        let most = most.div_ceil(CHUNK).max(1);
        Store {
            chunks: VecDeque::new(),
            most,
            dropped: 0,
            from: i64::MIN,
            alive: Default::default(),
            ended: Default::default(),
        }
    }

    fn add(&mut self, chunk: Arc<Chunk>) {
        self.chunks.push_back(chunk);
        while self.chunks.len() > self.most {
            // The newest of a recorder may still be written to.
            let is_old = |(i, c): (usize, &Arc<Chunk>)| self.chunks.range(i + 1..).any(|l| l.source == c.source);
            let Some(old) = (0..self.chunks.len()).find(|&i| is_old((i, &self.chunks[i]))) else { return };
            if let Some(chunk) = self.chunks.remove(old) {
                chunk.events().for_each(|e| self.drop_event(&e));
            }
        }
    }

    fn drop_event(&mut self, e: &Event) {
        self.dropped += 1;
        self.from = self.from.max(e.time);
        match e.kind {
            Kind::Create if !self.ended.remove(&e.g) => self.alive.entry(e.g).or_default().created = Some(*e),
            Kind::Park | Kind::Ready => {
                let known = self.alive.entry(e.g).or_default();
                if known.waits.is_none_or(|w| w.time <= e.time) {
                    known.waits = Some(*e);
                }
            }
            Kind::End if self.alive.remove(&e.g).is_none_or(|k| k.created.is_none()) => {
                self.ended.insert(e.g);
            }
            _ => {}
        }
    }
}

pub struct Collector {
    store: Arc<Mutex<Store>>,
    receive: Receiver<Arc<Chunk>>,
}

impl Collector {
    /// The thread ends with the last recorder.
    pub fn start(store: Store, receive: Receiver<Arc<Chunk>>) -> Collector {
        let store = Arc::new(Mutex::new(store));
        let (kept, chunks) = (store.clone(), receive.clone());
        let collect = move || {
            while let Ok(chunk) = chunks.recv() {
                kept.lock().add(chunk);
            }
        };
        // Without a thread chunks are kept as far as they can wait, and lost beyond.
        let _ = std::thread::Builder::new().name("gmpl-trace".into()).stack_size(256 << 10).spawn(collect);
        Collector { store, receive }
    }

    /// All that is there, in order of time, what is remembered from before, how much was dropped, and from when on all is
    /// there.
    pub fn snapshot(&self) -> (Vec<Event>, Vec<Event>, u64, i64) {
        let mut store = self.store.lock();
        self.receive.try_iter().for_each(|chunk| store.add(chunk));
        let mut events: Vec<Event> = store.chunks.iter().flat_map(|c| c.events().collect::<Vec<_>>()).collect();
        events.sort_by_key(|e| e.time);
        let early = events.partition_point(|e| e.time <= store.from);
        let mut dropping = Store { from: store.from, dropped: store.dropped, ..Store::new(0) };
        std::mem::swap(&mut dropping.alive, &mut store.alive);
        std::mem::swap(&mut dropping.ended, &mut store.ended);
        events.drain(..early).for_each(|e| dropping.drop_event(&e));
        let known = dropping.alive.into_values();
        let waits = |w: &Event| w.kind == Kind::Park;
        let mut remembered: Vec<Event> = known.flat_map(|k| [k.created, k.waits.filter(waits)]).flatten().collect();
        remembered.sort_by_key(|e| (e.time, e.g));
        (events, remembered, dropping.dropped, dropping.from.max(0))
    }
}
