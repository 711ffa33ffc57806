//! Every limit, once, with its reason.

/// Errors shown in one run: more are rarely read, and most follow from the first.
pub const MAX_REPORTED_ERRORS: usize = 10;

/// The release of Go, 1.N, whose language this is.
pub const GO_RELEASE: u32 = 27;

/// Nesting of expressions, types and blocks: bounds every recursive walk over the tree.
pub const MAX_NESTING: u32 = 20_000;

/// Native stack of the thread that runs the front wing: `MAX_NESTING` frames of its largest walk, with room.
pub const FRONT_STACK_BYTES: usize = 1 << 30;

/// Slots of one function's frame: operands are 16 bits wide, and calls lie above the frame.
pub const MAX_FRAME_SLOTS: usize = 60_000;

/// An array or struct value of more words than this lives on the heap, not in the frame.
pub const MAX_INLINE_WORDS: usize = 64;

/// The hostile build: see `heap::hostile`.
pub const HOSTILE: bool = cfg!(feature = "hostile");

/// Instructions a G runs before it gives up its P: some tens of microseconds. The hostile build has a safepoint at every
/// backward jump, call and channel operation.
pub const BUDGET_INSTRUCTIONS: i64 = if HOSTILE { 1 } else { 10_000 };

/// An object of so many bytes is a mistake on any machine: all of the heap's address space.
pub const MAX_OBJECT: u64 = 1 << 40;

/// A native that looks at more than this takes so long that other Gs had better not wait for it; below, a switch of threads
/// costs more.
pub const LONG_BYTES: usize = 256 << 10;

/// Capacity of a P's local run queue, as Go's; small under loom so that overflow is reached.
#[cfg(not(loom))]
pub const RUN_QUEUE_CAPACITY: usize = 256;
#[cfg(loom)]
pub const RUN_QUEUE_CAPACITY: usize = 4;

/// Every so many picks a P looks at the global queue first, as Go's.
pub const GLOBAL_QUEUE_TICK: u32 = 61;

/// Logical processors: `GOMAXPROCS` above is taken for this.
pub const MAX_PROCS: usize = 1024;

/// What GOMAXPROCS and NumCPU say in a seeded run, which is not to depend on the machine.
pub const SEEDED_PROCS: usize = 4;

/// OS threads, as Go's default.
pub const MAX_THREADS: usize = 10_000;

/// Slots of a new G's stack; chosen so that G and stack together stay below 400 bytes.
pub const INITIAL_STACK_SLOTS: usize = 24;

/// Slots a G's stack may grow to: 1,000,000,000 bytes, as Go's limit on 64-bit machines.
pub const MAX_STACK_SLOTS: usize = 1_000_000_000 / 8;

/// Types that may be stored in interfaces: the type word has 15 bits for them.
pub const MAX_RUNTIME_TYPES: usize = 1 << 15;
