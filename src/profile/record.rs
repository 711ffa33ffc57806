//! What a run notes of itself: tables of stacks with what was counted there, and which of them are wanted. A VM has one
//! [`Recorder`]; whoever takes a sample locks the table it belongs to for a moment.
use crate::base::limits::HOSTILE;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::Relaxed};

/// Frames of a stack that are noted, as in Go.
pub const MAX_FRAMES: usize = 128;

/// A frame is a code index, or with this bit the number of a native...
pub const NATIVE: u32 = 1 << 31;
/// ...or with this one the number of a wait reason.
pub const WAIT: u32 = 1 << 30;

/// Labels of a goroutine, by key.
pub type Labels = Option<Arc<[(String, String)]>>;

/// What tells samples apart.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Key {
    /// Innermost first.
    pub stack: Box<[u32]>,
    pub labels: Labels,
    /// Of the heap: bytes of an object.
    pub size: u64,
}

/// Sums by key, in the order in which the keys came.
#[derive(Default)]
pub struct Table {
    index: FxHashMap<Arc<Key>, u32>,
    pub list: Vec<(Arc<Key>, [i64; 4])>,
}

impl Table {
    /// Adds to the sums of a key; returns its number.
    pub fn add(&mut self, key: Key, values: [i64; 4]) -> u32 {
        let i = match self.index.get(&key) {
            Some(&i) => i,
            None => {
                let (key, i) = (Arc::new(key), self.list.len() as u32);
                self.index.insert(key.clone(), i);
                self.list.push((key, [0; 4]));
                i
            }
        };
        self.add_to(i, values);
        i
    }

    pub fn add_to(&mut self, i: u32, values: [i64; 4]) {
        self.list[i as usize].1.iter_mut().zip(values).for_each(|(sum, v)| *sum = sum.saturating_add(v));
    }
}

/// A CPU profile that is being made: samples, and what they weigh.
pub struct Cpu {
    pub table: Table,
    /// Samples a second. 0: a sample is a time slice used up, and weighs its instructions.
    pub hz: i64,
    /// Nanoseconds of wall clock and monotonic clock when it began.
    pub began: (i64, i64),
}

impl Cpu {
    pub fn new(hz: i64, began: (i64, i64)) -> Cpu {
        Cpu { table: Table::default(), hz, began }
    }

    pub fn period_ns(&self) -> i64 {
        1_000_000_000 / self.hz.max(1)
    }
}

/// Samples a second, if nobody says; the hostile build takes many.
pub const CPU_HZ: i64 = if HOSTILE { 1000 } else { 100 };

#[derive(Default)]
pub struct Recorder {
    pub cpu: Mutex<Option<Cpu>>,
    /// Objects allocated, their bytes, objects freed, their bytes.
    pub heap: Mutex<Table>,
    /// Waits, and how long they took in nanoseconds; of those who waited.
    pub block: Mutex<Table>,
    /// Likewise, of those who were waited for.
    pub mutex: Mutex<Table>,
    /// Allocations are sampled.
    pub memory: AtomicBool,
    /// Where the program says how often; 0: nowhere.
    pub memory_rate_at: AtomicUsize,
    /// Waits shorter than this are sampled; 0: none are noted.
    pub block_rate: AtomicI64,
    /// One wait of so many is noted; 0: none.
    pub mutex_rate: AtomicI64,
    /// CPU profiles count instructions.
    pub by_instructions: bool,
    /// What is to be written at the end of the run.
    pub wanted: Mutex<Option<WantedProfiles>>,
}

impl Recorder {
    /// Of a run that is asked for profiles at its end.
    pub fn new(wanted: Option<WantedProfiles>, by_instructions: bool) -> Recorder {
        let asks = |kind| wanted.as_ref().is_some_and(|w| w.kinds.contains(&kind));
        Recorder {
            block_rate: AtomicI64::new(asks(Kind::Block) as i64),
            mutex_rate: AtomicI64::new(asks(Kind::Mutex) as i64),
            memory: AtomicBool::new(asks(Kind::Memory)),
            by_instructions,
            wanted: Mutex::new(wanted),
            ..Recorder::default()
        }
    }

    /// Whether the run is asked for a kind of profile at its end.
    pub fn is_asked_for(&self, kind: Kind) -> bool {
        self.wanted.lock().as_ref().is_some_and(|w| w.kinds.contains(&kind))
    }

    /// Waits are noted.
    pub fn notes_waits(&self) -> bool {
        self.block_rate.load(Relaxed) > 0 || self.mutex_rate.load(Relaxed) > 0
    }
}

/// The kinds of profiles that a run can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Cpu,
    Memory,
    Block,
    Mutex,
}

/// What is to be written when a run ends, however it ends.
#[derive(Clone)]
pub struct WantedProfiles {
    pub kinds: Vec<Kind>,
    /// Takes a file's bytes.
    pub write: Arc<dyn Fn(Kind, &[u8]) + Send + Sync>,
}

impl std::fmt::Debug for WantedProfiles {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "WantedProfiles({:?})", self.kinds)
    }
}
