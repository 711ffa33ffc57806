//! The state of a P's interpreter (`Ctx`) and what all of a VM's share (`Rt`).
use super::ops::H;
use super::profile::OpProfile;
use super::sampling::{self, Sampler};
use crate::base::span::SourceMap;
use crate::bytecode::program::{Program, RTypeId};
use crate::heap::{Cache, ShapeId};
use crate::sched::Sched;
use crate::sched::p::P;
use crate::sched::trace::{Event, Kind};
use crate::sync::sema::SemaTable;
use crate::value::env::Env;
use crate::value::map::Memos;
use crate::value::native::{Native, Side};
use crate::value::world::WorldCell;
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit {
    pub status: i32,
}

/// One for each P. Handlers reach everything through it.
#[repr(C)]
pub struct Ctx {
    pub side: Side,
    /// Of the running G.
    pub stack_end: *mut u64,
    pub consts: *const u64,
    pub globals: *mut u64,
    pub rt: *const Rt,
    /// The portable driver's copy of the state.
    pub pc: *const u64,
    pub base: *mut u64,
    pub budget: i64,
    /// The handlers, and what to pass on as their table: see `gc`.
    pub table: *const H,
    pub next_table: *const H,
    pub p: P,
    pub cache: Cache,
    pub failed: super::memory::Failed,
    pub map_memos: Memos,
    /// With the portable driver only.
    pub profile: Option<Box<OpProfile>>,
    /// Once the run has been profiled.
    pub sampler: Option<Box<Sampler>>,
}

impl Ctx {
    #[inline(always)]
    pub fn rt(&self) -> &'static Rt {
        // SAFETY: the run-time state outlives its contexts; handlers do not keep the reference.
        unsafe { &*self.rt }
    }

    /// One for a new P, in memory of its own.
    pub fn for_p(rt: &Rt, id: usize) -> *mut Ctx {
        let p = P::new(id, &*rt.sched, rt.sched.decide.rng(), rt.sched.decide.seeded());
        let mut cx = Box::new(Ctx {
            side: Side { g: null_mut(), p: null_mut(), sema: &rt.sema, text: Vec::new() },
            stack_end: null_mut(),
            consts: rt.consts.as_ptr(),
            globals: rt.globals.as_ptr() as *mut u64,
            rt,
            pc: std::ptr::null(),
            base: null_mut(),
            budget: 0,
            table: std::ptr::null(),
            next_table: std::ptr::null(),
            p,
            cache: Cache::new(rt.env.heap.clone()),
            failed: Default::default(),
            map_memos: Memos::default(),
            profile: rt.opcode_profile.then(Box::default),
            sampler: None,
        });
        cx.cache.may_refuse = true;
        cx.side.p = &raw mut cx.p;
        let cx = Box::into_raw(cx);
        // SAFETY: new.
        unsafe {
            super::gc::set_marking(cx, rt.env.heap.is_marking());
            sampling::fit(cx);
        }
        cx
    }

    /// The context a P belongs to.
    ///
    /// # Safety
    /// `p` is the field of a `Ctx`.
    pub unsafe fn of(p: *mut P) -> *mut Ctx {
        unsafe { (p as *mut u8).sub(std::mem::offset_of!(Ctx, p)) as *mut Ctx }
    }
}

/// A method of a runtime type: `(method id, entry)`.
pub type MethodTable = Box<[(u32, Entry)]>;

/// Where a dynamically found method begins, as the inline caches hold it: bit 47 *direct*, below the code index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry(pub u64);

impl Entry {
    pub const DIRECT: u64 = 1 << 47;
}

/// Code indices of the stubs that end call chains; the loader puts them behind the program's code.
#[derive(Clone, Copy, Default)]
pub struct Stubs {
    pub g_exit: u32,
    pub halt: u32,
    pub panic_ret: u32,
    pub panic_text: u32,
}

/// The types the runtime makes values of.
#[derive(Clone, Copy, Default)]
pub struct WellKnown {
    /// `runtime.errorString`-like: a string type whose `Error` puts `runtime error: ` in front.
    pub runtime_error: RTypeId,
    /// Likewise, for indexes and slice bounds.
    pub bounds_error: RTypeId,
    /// Likewise, without the prefix.
    pub plain_error: RTypeId,
    /// A pointer to an error whose text is its own.
    pub nil_panic: RTypeId,
    /// A pointer to an error that holds its text.
    pub assertion_error: RTypeId,
    pub string: RTypeId,
}

pub struct Rt {
    pub program: WorldCell<Arc<Program>>,
    /// The code, where inline caches may be changed.
    pub code: Box<[u64]>,
    pub consts: Box<[u64]>,
    /// Objects outside the heap that constants point to.
    pub statics: WorldCell<Vec<Box<[u64]>>>,
    pub globals: Box<[u64]>,
    pub natives: WorldCell<Vec<Native>>,
    /// By runtime type.
    pub methods: WorldCell<Vec<MethodTable>>,
    /// By closure shape.
    pub closure_shapes: WorldCell<Vec<ShapeId>>,
    pub chan_shape: ShapeId,
    pub stubs: Stubs,
    pub well_known: WorldCell<WellKnown>,
    pub env: Env,
    pub sched: Box<Sched>,
    pub sema: SemaTable,
    pub sources: WorldCell<Arc<SourceMap>>,
    pub exit: Mutex<Option<Exit>>,
    /// One after the other: what is printed at a fatal end.
    pub dying: Mutex<()>,
    pub portable: bool,
    /// Print which instructions were executed, at the end.
    pub opcode_profile: bool,
    pub max_stack_slots: usize,
    pub limits: super::limits::Limits,
    /// Print a line for each collection.
    pub gctrace: bool,
    /// Print how long the world was stopped, at the end.
    pub gcpauses: bool,
    pub gc: super::gc::Gc,
    /// When `main` returns, list the Gs that can never run again.
    pub leaks: bool,
    pub watch: super::watch::WatchOptions,
    pub sampling: sampling::Timer,
    pub handle: super::watch::Handle,
    pub started: std::time::Instant,
    pub threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    /// Addresses of the contexts made so far, by P; freed when the run has ended.
    pub ctxs: Mutex<Vec<usize>>,
    pub byte_type: Option<RTypeId>,
    /// The VM runs inputs one after the other, not one program.
    pub session: Option<Box<super::session::Session>>,
    /// `main` has called Goexit.
    pub main_exited: AtomicBool,
    /// The thread that the run began on: its first M.
    pub first_thread: std::sync::OnceLock<std::thread::ThreadId>,
    /// The host knows that the run takes a while.
    pub lasting: AtomicBool,
}

// SAFETY: raw pointers inside lead to memory that `Rt` owns; what changes is guarded as its owners say.
unsafe impl Send for Rt {}
unsafe impl Sync for Rt {}

impl Rt {
    /// The code index of an instruction's address.
    #[inline(always)]
    pub fn index_of(&self, pc: *const u64) -> u32 {
        ((pc as usize - self.code.as_ptr() as usize) / 8) as u32
    }

    #[inline(always)]
    pub fn pc_at(&self, index: u32) -> *const u64 {
        // SAFETY: code indices come from the program.
        unsafe { self.code.as_ptr().add(index as usize) }
    }

    /// The method of a runtime type.
    pub fn find_method(&self, ty: u32, method: u32) -> Option<Entry> {
        // Types made at run time have no methods.
        let table = self.methods.get(ty as usize)?;
        table.binary_search_by_key(&method, |m| m.0).ok().map(|i| table[i].1)
    }

    /// How large a stack may become: what the program has asked for, within what the run may have.
    pub fn stack_limit_bytes(&self) -> usize {
        self.env.max_stack_bytes.load(std::sync::atomic::Ordering::Relaxed).min(self.max_stack_slots * 8)
    }

    /// Ends the run; the first to call decides the status.
    pub fn end(&self, status: i32) {
        let first = || {
            self.sched.note(Event::new(Kind::Finish));
            Exit { status }
        };
        let status = self.exit.lock().get_or_insert_with(first).status;
        crate::value::profiles::finish(&self.env);
        self.sched.finish();
        // The only M has nothing to wait for.
        let alone = self.threads.lock().is_empty() && self.first_thread.get() == Some(&std::thread::current().id());
        if !alone {
            self.env.host.ended(status);
        }
    }

    /// The run will take a while.
    #[inline(always)]
    pub fn lasts(&self) {
        if !self.lasting.load(Relaxed) {
            self.begin_to_last();
        }
    }

    #[cold]
    fn begin_to_last(&self) {
        if !self.lasting.swap(true, SeqCst) {
            self.env.host.lasts();
        }
    }
}
