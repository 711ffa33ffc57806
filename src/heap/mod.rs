//! The heap: memory of one VM's objects. Non-moving; objects of one shape lie together in blocks; any pointer into an
//! object, also to its inside, leads to the object. Knows shapes of objects, never the scheduler or types.
//!
//! # Layout
//! One address range is reserved for the VM and cut into blocks of 32 KB. A small block holds cells of one shape
//! (size and pointer map), without headers; a large object takes whole blocks. What is known of a block (its shape,
//! cell size, first block of its object) lies in a table beside, as do the mark bits, one for each cell. So an
//! interior pointer is resolved by a shift, an index and a multiplication.
//!
//! # Allocation
//! A P's [`Cache`] holds a run of free cells for each shape and takes the next by adding the cell size. A run is
//! zeroed when it is taken; blocks fresh from the system are zero already.
//!
//! # Collection
//! Mark from the roots, with the world stopped or while the program runs (`cycle`), then sweep: blocks without a mark are
//! free; of the others a cache that needs cells of their shape takes the runs between marks.
//!
//! # Words
//! A pointer-or-interface word with bit 63 set, or whose low 48 bits lie outside the range, leads to nothing.
mod block;
mod cache;
mod cycle;
pub mod hostile;
mod mark;
mod sample;
mod shape;
mod watch;

pub use block::{Heap, Stats};
pub use cache::Cache;
pub use cycle::{Concurrent, Progress};
pub use mark::Marker;
pub use sample::rate_at;
pub use shape::ShapeId;
pub use watch::Call;

/// How a heap is to behave.
pub struct Config {
    /// Bytes the heap may hold; `None`: `machine_bytes`, which is asked when the heap is not small any more.
    pub max_bytes: Option<usize>,
    /// Bytes that the machine gives, which it takes some files to find out.
    pub machine_bytes: fn() -> usize,
    /// GOMEMLIMIT; `usize::MAX`: none.
    pub memory_limit: usize,
    /// GOGC: growth over what was live, in percent, before the next collection; -1: never.
    pub gc_percent: i64,
    /// Threads that may mark at the same time.
    pub markers: usize,
    /// No collection below this.
    pub min_heap_bytes: usize,
}

#[cfg(test)]
mod tests;
