//! The decision source: all chance and time come from here. With a seed, choices follow from the seed and time is
//! virtual: a time slice takes a little of it, and it jumps to the next timer when no G can run.
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub struct Decide {
    seed: Option<u64>,
    started: Instant,
    started_wall: i64,
    virtual_ns: AtomicI64,
    stream: Mutex<Rng>,
    streams: AtomicU64,
}

/// Wall-clock time at which every seeded run starts: 2009-11-10 23:00:00 UTC, in nanoseconds.
const SEEDED_START_NS: i64 = 1_257_894_000_000_000_000;

/// What a virtual clock advances by each time it is read, so that loops that wait for time to pass end.
const VIRTUAL_TICK_NS: i64 = 100;

/// What a time slice takes of virtual time.
const VIRTUAL_SLICE_NS: i64 = 10_000;

impl Decide {
    pub fn new(seed: Option<u64>) -> Decide {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64);
        let start = seed.unwrap_or_else(|| {
            use std::hash::{BuildHasher, Hasher};
            std::hash::RandomState::new().build_hasher().finish() ^ wall as u64
        });
        Decide {
            seed,
            started: Instant::now(),
            started_wall: if seed.is_some() { SEEDED_START_NS } else { wall },
            virtual_ns: AtomicI64::new(0),
            stream: Mutex::new(Rng::new(start)),
            streams: AtomicU64::new(start),
        }
    }

    pub fn seeded(&self) -> bool {
        self.seed.is_some()
    }

    /// When the run began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Nanoseconds since the run began.
    pub fn now(&self) -> i64 {
        if self.seeded() { self.virtual_ns.load(Relaxed) } else { self.started.elapsed().as_nanos() as i64 + 1 }
    }

    /// As `now`, for a program that reads its clock.
    pub fn read_clock(&self) -> (i64, i64) {
        let mono = if self.seeded() {
            self.virtual_ns.fetch_add(VIRTUAL_TICK_NS, Relaxed) + VIRTUAL_TICK_NS
        } else {
            self.now()
        };
        (self.started_wall + mono, mono)
    }

    /// A time slice of a G has passed: so has a little of virtual time.
    #[inline]
    pub fn tick(&self) {
        if self.seeded() {
            self.virtual_ns.fetch_add(VIRTUAL_SLICE_NS, Relaxed);
        }
    }

    /// Virtual time goes on to `when`.
    pub fn advance(&self, when: i64) {
        self.virtual_ns.fetch_max(when, Relaxed);
    }

    pub fn random(&self) -> u64 {
        self.stream.lock().next()
    }

    /// Begins anew with all choices, if they follow from a seed; the generator of the only P is to be the returned one.
    pub fn reseed(&self) -> Option<Rng> {
        let seed = self.seed?;
        *self.stream.lock() = Rng::new(seed);
        Some(Rng::new(seed))
    }

    /// A generator of its own for a P.
    pub fn rng(&self) -> Rng {
        Rng::new(self.streams.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed))
    }
}

/// SplitMix64.
#[derive(Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Below `n` (not 0).
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        ((self.next() >> 32) * n as u64 >> 32) as u32
    }
}
