//! What natives and the interpreter share of one VM: the program, its types made ready to run, the heap, the outside
//! world. Immutable but for what its parts guard themselves.
use super::map::MapType;
use super::world::WorldCell;
use crate::base::grow::Grow;
use crate::bytecode::program::{BitMap, Kind, Mem, Program, RType, RTypeId};
use crate::door::Door;
use crate::heap::{Heap, ShapeId};
use crate::profile::build::Place;
use crate::profile::record::{Recorder, Table};
use crate::sched::g::G;
use parking_lot::Mutex;
use std::sync::Arc;

/// A runtime type made ready: what the operations on its values need, looked up once.
pub struct TypeInfo {
    /// Of a value of the type alone: what `new` and boxing allocate.
    pub shape: ShapeId,
    /// Bytes of a value as an element of a slice or array.
    pub elem_bytes: usize,
    /// Go's own size and alignment on 64-bit machines: they decide capacities after `append`.
    pub go_size: u64,
    pub go_align: u64,
    /// Words that hold slices.
    pub slice_words: Vec<u32>,
}

/// Where a VM's output goes and its input comes from.
pub trait Host: Send + Sync {
    /// Appends to standard output; may buffer.
    fn stdout(&self, bytes: &[u8]) -> std::io::Result<()>;
    fn flush_stdout(&self) -> std::io::Result<()>;
    /// Appends to standard error; not buffered.
    fn stderr(&self, bytes: &[u8]) -> std::io::Result<()>;
    /// The run's own last words, to standard error: a report of a fatal error.
    fn last_words(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.stderr(bytes)
    }
    /// The program listens to a signal itself, or no more. `true`: without that, the host answers it.
    fn hear(&self, _signal: i32, _heard: bool) -> bool {
        false
    }
    /// The run has used up its first time slice, or waits for something.
    fn lasts(&self) {}
    /// The run is over with this status; natives that still run, or block, may keep its threads for a while.
    fn ended(&self, _status: i32) {}
    /// Reads standard input; may block.
    fn stdin(&self, buf: &mut [u8]) -> std::io::Result<usize>;
    /// Takes what has been read of standard input already.
    fn stdin_at_hand(&self, _buf: &mut [u8]) -> Option<usize> {
        None
    }
    /// The descriptor that is ready when `stdin` has something to give; `None`: it cannot be waited for.
    fn stdin_descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }
    /// The program's arguments; the first is the program's name.
    fn args(&self) -> &[String];
    /// The file that starts the program again.
    fn executable(&self) -> std::io::Result<std::path::PathBuf> {
        std::env::current_exe()
    }
    fn env(&self, name: &str) -> Option<String>;
    /// All environment variables as `NAME=value`.
    fn environ(&self) -> Vec<String>;
}

/// How natives see the frames of the goroutine that calls them: the interpreter's functions, with its state.
#[derive(Clone, Copy)]
pub struct Tracer {
    pub rt: usize,
    /// The places of a goroutine's frames, innermost first: at most `most`, behind the first `skip`.
    pub callers: fn(rt: usize, g: *mut G, skip: usize, most: usize) -> Vec<u64>,
    /// What such a place is.
    pub place: fn(rt: usize, place: u64) -> Option<FramePlace>,
    pub text: fn(rt: usize, g: *mut G) -> Vec<u8>,
    /// Of all goroutines, this one first; the world is stopped.
    pub all: fn(rt: usize, g: *mut G) -> Vec<u8>,
    /// What a frame of a profile's stack stands for.
    pub frame: fn(rt: usize, frame: u32) -> Place,
    /// Where all goroutines are; the world is stopped.
    pub goroutines: fn(rt: usize) -> Table,
    /// The counters of the blocks of a package under test.
    pub counts: fn(rt: usize) -> Vec<u64>,
    /// Changes what samples are taken; the world is stopped.
    pub switch: fn(rt: usize, change: &dyn Fn(&Recorder)),
}

/// A place in the program.
pub struct FramePlace {
    /// The place where the function begins.
    pub entry: u64,
    pub function: String,
    pub file: String,
    pub line: u32,
}

/// The question which goroutines of a group can never run again, and its answer.
#[derive(Default)]
pub struct Leaks {
    /// The next collection is to look.
    pub wanted: Option<u32>,
    /// What it found: a list for the user, empty if there are none.
    pub found: Option<Vec<u8>>,
    /// The next collection is to say where all such goroutines are.
    pub profile_wanted: bool,
    pub profile: Option<Table>,
}

pub struct Env {
    /// The address of the code, for closures that natives make.
    pub code: usize,
    /// Set once the interpreter is ready.
    pub tracer: std::sync::OnceLock<Tracer>,
    pub program: WorldCell<Arc<Program>>,
    pub types: WorldCell<Grow<TypeInfo>>,
    /// By runtime type.
    pub map_types: WorldCell<Grow<Option<MapType>>>,
    /// Seed of the hashes of maps.
    pub hash_seed: u64,
    /// Of a G's stack: what the program has asked for (`debug.SetMaxStack`).
    pub max_stack_bytes: std::sync::atomic::AtomicUsize,
    pub chan_shape: ShapeId,
    /// The types by their structure, and the right to add types: see [`super::make_type`].
    pub made_types: Mutex<super::make_type::Index>,
    pub leaks: Mutex<Leaks>,
    pub recorder: Recorder,
    /// A panic that ends the run shows the stacks of all goroutines (`debug.SetTraceback`).
    pub trace_all: std::sync::atomic::AtomicBool,
    pub heap: Arc<Heap>,
    pub host: Arc<dyn Host>,
    /// What the program may reach of the outside beside its host.
    pub door: Arc<Door>,
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
    pub fn prepare_types(program: &Program, heap: &Heap) -> Grow<TypeInfo> {
        program.types.iter().map(|t| Env::prepare_type(program, heap, t)).collect()
    }

    /// Makes one type ready.
    pub fn prepare_type(program: &Program, heap: &Heap, t: &RType) -> TypeInfo {
        let (go_size, go_align) = go_layout(program, t);
        let mut slice_words = Vec::new();
        collect_slices(program, t, 0, &mut slice_words);
        TypeInfo {
            shape: heap.shape(t.words.max(1) as usize, &t.ptr_map),
            elem_bytes: match t.mem {
                Mem::N => t.words as usize * 8,
                m => m.bytes() as usize,
            },
            go_size,
            go_align,
            slice_words,
        }
    }

    pub fn no_pointers() -> BitMap {
        BitMap::default()
    }
}

fn collect_slices(program: &Program, t: &RType, at: u32, out: &mut Vec<u32>) {
    match t.kind {
        Kind::Slice => out.push(at),
        Kind::Struct => {
            for f in &t.fields {
                collect_slices(program, program.ty(f.ty), at + f.offset, out);
            }
        }
        Kind::Array => {
            let elem = program.ty(t.elem);
            if elem.mem == Mem::N || elem.kind == Kind::Slice {
                for i in 0..t.len as u32 {
                    let before = out.len();
                    collect_slices(program, elem, at + i * elem.words, out);
                    if out.len() == before {
                        break;
                    }
                }
            }
        }
        _ => {}
    }
}

/// Size and alignment Go gives a type on 64-bit machines.
fn go_layout(program: &Program, t: &RType) -> (u64, u64) {
    match t.kind {
        Kind::Bool | Kind::Int8 | Kind::Uint8 => (1, 1),
        Kind::Int16 | Kind::Uint16 => (2, 2),
        Kind::Int32 | Kind::Uint32 | Kind::Float32 => (4, 4),
        Kind::Complex64 => (8, 4),
        Kind::Complex128 | Kind::String | Kind::Interface => (16, 8),
        Kind::Slice => (24, 8),
        Kind::Array => {
            let (size, align) = go_layout(program, program.ty(t.elem));
            (size.saturating_mul(t.len), align)
        }
        Kind::Struct => {
            let (mut at, mut align) = (0u64, 1);
            let mut last = 1;
            for f in &t.fields {
                let (s, a) = go_layout(program, program.ty(f.ty));
                at = at.next_multiple_of(a).saturating_add(s);
                align = align.max(a);
                last = s;
            }
            // A final field of no size is padded, so that its address stays inside.
            if last == 0 && at > 0 {
                at += 1;
            }
            (at.next_multiple_of(align), align)
        }
        _ => (8, 8),
    }
}
