//! What natives and the interpreter share of one VM: the program, its types made ready to run, the heap, the outside
//! world. Immutable but for what its parts guard themselves.
use crate::bytecode::program::{BitMap, Program, RType, RTypeId};
use crate::heap::{Heap, ShapeId};
use parking_lot::Mutex;
use std::sync::Arc;

/// A runtime type made ready: shapes looked up once.
pub struct TypeInfo {
    /// Of a value of the type alone: what `new` and boxing allocate.
    pub shape: ShapeId,
}

/// Where a VM's output goes and its input comes from.
pub trait Host: Send + Sync {
    /// Appends to standard output; may buffer.
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()>;
    fn flush_stdout(&self) -> std::io::Result<()>;
    /// Appends to standard error; not buffered.
    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()>;
    /// Reads standard input; may block.
    fn stdin(&self, buf: &mut [u8]) -> std::io::Result<usize>;
    /// The program's arguments; the first is the program's name.
    fn args(&self) -> &[String];
    fn env(&self, name: &str) -> Option<String>;
    /// All environment variables as `NAME=value`.
    fn environ(&self) -> Vec<String>;
}

pub struct Env {
    pub program: Arc<Program>,
    pub types: Vec<TypeInfo>,
    pub heap: Arc<Heap>,
    pub host: Arc<dyn Host>,
    pub string_view: ShapeId,
    pub slice_header: ShapeId,
    /// One word without pointers.
    pub scalar_box: ShapeId,
    /// State natives keep for the VM (random number generators and the like), by a key of their own.
    pub state: Mutex<rustc_hash::FxHashMap<&'static str, Box<dyn std::any::Any + Send>>>,
    /// Nanoseconds of the wall clock since 1970 and of the monotonic clock: the decision source's.
    pub clock: Box<dyn Fn() -> (i64, i64) + Send + Sync>,
    /// A random 64-bit number from the decision source.
    pub random: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Env {
    pub fn ty(&self, id: u32) -> &RType {
        &self.program.types[id as usize]
    }

    pub fn shape_of(&self, id: RTypeId) -> ShapeId {
        self.types[id.0 as usize].shape
    }

    /// Makes the types ready.
    pub fn prepare_types(program: &Program, heap: &Heap) -> Vec<TypeInfo> {
        program.types.iter().map(|t| TypeInfo { shape: heap.shape(t.words.max(1) as usize, &t.ptr_map) }).collect()
    }

    pub fn no_pointers() -> BitMap {
        BitMap::default()
    }
}
