//! Makes a program ready to run: code with stubs, constant words, globals, method tables, natives.
use super::ctx::{Entry, MethodTable, Rt, Stubs, WellKnown};
use super::limits::{LimitOptions, Limits};
use crate::base::grow::Grow;
use crate::base::span::SourceMap;
use crate::bytecode::op::{self, Op, abc};
use crate::bytecode::program::{BitMap, Constant, Kind, NativeRef, Program, RTypeId, iface};
use crate::door::{Door, Permissions};
use crate::heap::{Concurrent, Heap, ShapeId};
use crate::profile::record::{Recorder, WantedProfiles};
use crate::sched::Sched;
use crate::sched::decide::Decide;
use crate::sched::trace::record::Wanted;
use crate::sync::chan;
use crate::value::env::{Env, Host, TypeInfo};
use crate::value::map::MapType;
use crate::value::native::{Native, NativeEntry};
use crate::value::world::WorldCell;
use crate::value::{slice, string};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How a VM is to run.
pub struct Options {
    pub procs: usize,
    pub seed: Option<u64>,
    pub portable: bool,
    pub opcode_profile: bool,
    pub max_stack_slots: usize,
    /// Inputs will be added to the program.
    pub session: bool,
    pub limits: LimitOptions,
    pub permissions: Permissions,
    pub output_full: Arc<AtomicBool>,
    pub gctrace: bool,
    pub gcpauses: bool,
    /// Collections may mark while the program runs.
    pub concurrent: Concurrent,
    pub leaks: bool,
    /// What of the scheduler is recorded.
    pub trace: Option<Wanted>,
    pub watch: super::watch::WatchOptions,
    pub profiles: Option<WantedProfiles>,
    pub by_instructions: bool,
}

/// Fits the code of a program from a word on to its run: puts into each `New` the shape that it allocates instead of the
/// type, and takes the short way to the natives that have one.
fn settle(program: &Program, types: &[TypeInfo], code: &mut [u64], from: usize) {
    let short: Vec<Op> = program.natives.iter().map(|n| Op::short_way(&n.name)).collect();
    for f in program.funcs.iter().filter(|f| f.entry as usize >= from) {
        let mut i = f.entry as usize - from;
        while i < f.end as usize - from {
            let word = code[i];
            if word as u16 == Op::New as u16 {
                let shape = types[op::x(word) as u32 as usize].shape;
                code[i] = op::ax(Op::New, op::a(word), shape.0 as i32);
            } else if word as u16 == Op::CallN as u16 {
                code[i] = word & !0xffff | short.get(op::b(word) as usize).copied().unwrap_or(Op::CallN) as u64;
            }
            i += 1 + op::EXTRA.get(word as u16 as usize).copied().unwrap_or(0) as usize;
        }
    }
}

/// Words of code, constants and variables that a session has room for: their addresses never change. Memory is taken
/// only for what is used.
const CODE_WORDS: usize = 8 << 20;
const CONST_WORDS: usize = 1 << 20;
const GLOBAL_WORDS: usize = 4 << 20;

/// Types that a session's inputs may have; types made at run time have the numbers from here on.
const SESSION_TYPES: usize = 24 << 10;

/// Words of the stubs, and one behind them.
const STUB_WORDS: usize = 9;

/// # Errors
/// A native that the program needs is not registered: a bug of ours, named.
pub fn load(
    program: Program,
    natives: &[NativeEntry],
    host: Arc<dyn Host>,
    heap: Arc<Heap>,
    sources: Arc<SourceMap>,
    options: &Options,
) -> Result<Box<Rt>, String> {
    let natives = find_natives(&program, natives)?;
    // A session's stubs lie at the end of the room for its code. Fresh zeros cost no memory until they are written.
    let stubs_at = if options.session { CODE_WORDS.max(program.code.len()) } else { program.code.len() };
    let mut code = vec![0; stubs_at + STUB_WORDS].into_boxed_slice();
    code[..program.code.len()].copy_from_slice(&program.code);
    let mut at = stubs_at;
    let mut stub = |op: Op| {
        // A word that is no frame header stands before each stub.
        code[at + 1] = abc(op, 0, 0, 0);
        at += 2;
        at as u32 - 1
    };
    let stubs = Stubs {
        g_exit: stub(Op::GExit),
        halt: stub(Op::Halt),
        panic_ret: stub(Op::PanicRet),
        panic_text: stub(Op::PanicText),
    };
    let mut statics: Vec<Box<[u64]>> = Vec::new();
    let words = constants(&program, 0, code.as_ptr(), &mut statics);
    let room = |words: usize, session: usize| if options.session { words.max(session) } else { words };
    let mut consts = vec![0; room(words.len(), CONST_WORDS)].into_boxed_slice();
    consts[..words.len()].copy_from_slice(&words);
    let globals = vec![0u64; room(program.global_words.max(1) as usize, GLOBAL_WORDS)].into_boxed_slice();
    let decide = Decide::new(options.seed);
    let hash_seed = decide.random();
    let Tables { methods, closure_shapes, mut types, mut map_types, well_known, byte_type } =
        tables(&program, &heap, hash_seed);
    let mut program = program;
    if options.session {
        program.types.begin_later_at(SESSION_TYPES);
        types.begin_later_at(SESSION_TYPES);
        map_types.begin_later_at(SESSION_TYPES);
    }
    settle(&program, &types, &mut code, 0);
    let program = Arc::new(program);
    let sched = Box::new(Sched::new(options.procs, decide, options.trace));
    let decide: *const Decide = &sched.decide;
    let decide = decide as usize;
    // SAFETY: the scheduler lives in its box as long as the environment that holds these closures.
    let read_clock = move || unsafe { (*(decide as *const Decide)).read_clock() };
    let door = Arc::new(Door::new(options.permissions.clone()));
    let clock: Box<dyn Fn() -> (i64, i64) + Send + Sync> = if door.shows_clock() {
        Box::new(read_clock)
    } else {
        // A wall clock of the run's own.
        let started = read_clock().1;
        Box::new(move || {
            let now = read_clock().1;
            (now - started, now)
        })
    };
    let random: Box<dyn Fn() -> u64 + Send + Sync> = if door.shows_randomness() {
        // SAFETY: as above.
        Box::new(move || unsafe { (*(decide as *const Decide)).random() })
    } else {
        let fixed = Decide::new(Some(0));
        Box::new(move || fixed.random())
    };
    let env = Env {
        code: code.as_ptr() as usize,
        tracer: Default::default(),
        max_stack_bytes: (8 * options.max_stack_slots).into(),
        program: WorldCell::new(program.clone()),
        types: WorldCell::new(types),
        map_types: WorldCell::new(map_types),
        hash_seed,
        chan_shape: chan::shape(&heap),
        made_types: Mutex::default(),
        leaks: Mutex::default(),
        recorder: Recorder::new(options.profiles.clone(), options.by_instructions || options.seed.is_some()),
        trace_all: Default::default(),
        string_view: string::view_shape(&heap),
        slice_header: slice::header_shape(&heap),
        scalar_box: heap.shape(1, &BitMap::default()),
        host,
        door,
        state: Mutex::default(),
        clock,
        random,
        heap,
    };
    let rt = Box::new(Rt {
        chan_shape: chan::shape(&env.heap),
        program: WorldCell::new(program),
        code,
        consts,
        statics: WorldCell::new(statics),
        globals,
        natives: WorldCell::new(natives),
        methods: WorldCell::new(methods),
        closure_shapes: WorldCell::new(closure_shapes),
        stubs,
        well_known: WorldCell::new(well_known),
        byte_type,
        env,
        sched,
        sema: Default::default(),
        sources: WorldCell::new(sources),
        exit: Mutex::new(None),
        dying: Mutex::new(()),
        portable: options.portable || options.opcode_profile,
        opcode_profile: options.opcode_profile,
        max_stack_slots: options.max_stack_slots,
        gctrace: options.gctrace,
        gcpauses: options.gcpauses,
        gc: Default::default(),
        leaks: options.leaks,
        watch: options.watch,
        sampling: Default::default(),
        handle: Default::default(),
        started: std::time::Instant::now(),
        limits: Limits::new(options.limits.clone(), options.output_full.clone()),
        threads: Mutex::default(),
        ctxs: Mutex::default(),
        session: options.session.then(|| Box::new(super::session::Session::new(hash_seed))),
        main_exited: Default::default(),
        first_thread: Default::default(),
        lasting: Default::default(),
    });
    // Replays must be the same again, sessions exchange what a marking reads, and who looks for deadlocks marks in an
    // order of its own.
    if options.seed.is_none() && !options.session && !options.watch.early_deadlock {
        rt.env.heap.set_concurrent(options.concurrent);
    }
    // The address is that of the box: it does not change.
    let _ = rt.env.tracer.set(super::traceback::tracer(&rt));
    Ok(rt)
}

/// What is looked up by the program's numbers.
struct Tables {
    methods: Vec<MethodTable>,
    closure_shapes: Vec<ShapeId>,
    types: Grow<TypeInfo>,
    map_types: Grow<Option<MapType>>,
    well_known: WellKnown,
    byte_type: Option<RTypeId>,
}

fn tables(program: &Program, heap: &Heap, hash_seed: u64) -> Tables {
    let methods = program
        .types
        .iter()
        .map(|t| {
            let mut table: Vec<(u32, Entry)> = t
                .methods
                .iter()
                .map(|m| {
                    let entry = program.funcs[m.func.0 as usize].entry as u64;
                    (m.id.0, Entry(entry | if m.direct { Entry::DIRECT } else { 0 }))
                })
                .collect();
            table.sort_by_key(|m| m.0);
            table.into_boxed_slice()
        })
        .collect();
    let closure_shapes = program
        .closures
        .iter()
        .map(|c| {
            let mut map = BitMap::default();
            for i in c.ptr_map.iter() {
                map.set(i + 1);
            }
            heap.shape(c.captures as usize + 1, &map)
        })
        .collect();
    let types = Env::prepare_types(program, heap);
    let map_types = program
        .types
        .iter()
        .enumerate()
        .map(|(i, t)| (t.kind == Kind::Map).then(|| MapType::new(heap, program, &types, RTypeId(i as u32), hash_seed)))
        .collect();
    let known = |name: &str| {
        let find = |(path, ty): &&(String, RTypeId)| {
            path == "internal/rt" && program.types[ty.0 as usize].named.as_ref().is_some_and(|n| n.0 == name)
        };
        program.well_known.iter().find(find).map_or(RTypeId::NONE, |k| k.1)
    };
    let plain = |kind: Kind| {
        let i = program.types.iter().position(|t| t.kind == kind && t.named.is_none());
        i.map(|i| RTypeId(i as u32))
    };
    let well_known = WellKnown {
        runtime_error: known("errorString"),
        plain_error: known("plainError"),
        bounds_error: known("boundsError"),
        assertion_error: program.types[known("TypeAssertionError").0 as usize].ptr_to,
        nil_panic: program.types[known("PanicNilError").0 as usize].ptr_to,
        string: plain(Kind::String).unwrap_or_default(),
    };
    let byte_type = plain(Kind::Uint8);
    Tables { methods, closure_shapes, types, map_types, well_known, byte_type }
}

/// The natives that a program calls.
fn find_natives(program: &Program, natives: &[NativeEntry]) -> Result<Vec<Native>, String> {
    // There are many natives, and most programs need few.
    let mut wanted: FxHashMap<&str, Option<Native>> = program.natives.iter().map(|n| (n.name.as_str(), None)).collect();
    let mut lens = 0u64;
    wanted.keys().for_each(|name| lens |= 1 << name.len().min(63));
    for &(name, native) in natives.iter().filter(|n| lens >> n.0.len().min(63) & 1 != 0) {
        if let Some(place) = wanted.get_mut(name) {
            *place = Some(native);
        }
    }
    let find = |n: &NativeRef| {
        let found = wanted.get(n.name.as_str()).copied().flatten();
        found.ok_or_else(|| format!("native function {} is not there", n.name))
    };
    program.natives.iter().map(find).collect()
}

/// The words of the constants from `from` on. What they point to outside the heap is added to `statics`.
fn constants(program: &Program, from: usize, code: *const u64, statics: &mut Vec<Box<[u64]>>) -> Vec<u64> {
    let mut keep = |words: Vec<u64>| {
        statics.push(words.into_boxed_slice());
        statics.last().map_or(0, |b| b.as_ptr() as u64)
    };
    let mut string = |s: &Arc<[u8]>| {
        if s.is_empty() {
            return 0;
        }
        // The bytes belong to the program, which lives as long as its words.
        keep(vec![s.as_ptr() as u64, s.len() as u64])
    };
    let mut words: Vec<u64> = program.consts[from..]
        .iter()
        .map(|c| match c {
            Constant::Word(w) => *w,
            Constant::Str(s) => string(s),
            Constant::StrIface(ty, s) => (ty.0 as u64) << iface::TYPE_SHIFT | string(s),
            Constant::Func(_) => 0,
        })
        .collect();
    let mut funcs: FxHashMap<u32, u64> = FxHashMap::default();
    for (word, c) in words.iter_mut().zip(&program.consts[from..]) {
        if let Constant::Func(f) = c {
            let entry = program.funcs[f.0 as usize].entry as usize;
            *word = *funcs.entry(f.0).or_insert_with(|| keep(vec![code.wrapping_add(entry) as u64]));
        }
    }
    words
}

/// Replaces a session's program by a longer one that begins with it.
///
/// # Safety
/// The world is stopped.
///
/// # Errors
/// It does not fit, or a native is not there; nothing has changed.
pub unsafe fn extend(
    rt: &Rt,
    mut program: Program,
    natives: &[NativeEntry],
    sources: Arc<SourceMap>,
    hash_seed: u64,
) -> Result<(), String> {
    let natives = find_natives(&program, natives)?;
    let stubs_at = rt.stubs.g_exit as usize - 1;
    let fits = program.code.len() < stubs_at
        && program.consts.len() <= rt.consts.len()
        && program.types.len() <= SESSION_TYPES
        && program.global_words as usize <= rt.globals.len();
    if !fits {
        return Err("the session has become too large".into());
    }
    let (code_from, consts_from) = (rt.program.code.len(), rt.program.consts.len());
    let mut tables = tables(&program, &rt.env.heap, hash_seed);
    program.types.share_later(&rt.program.types);
    tables.types.share_later(&rt.env.types);
    tables.map_types.share_later(&rt.env.map_types);
    // SAFETY: the world is stopped; what is written lies behind all that anybody has a number of. Old code is left alone:
    // its inline caches are in use.
    unsafe {
        let new = constants(&program, consts_from, rt.code.as_ptr(), rt.statics.get_mut());
        std::ptr::copy_nonoverlapping(new.as_ptr(), (rt.consts.as_ptr() as *mut u64).add(consts_from), new.len());
        let mut code = program.code[code_from..].to_vec();
        settle(&program, &tables.types, &mut code, code_from);
        std::ptr::copy_nonoverlapping(code.as_ptr(), (rt.code.as_ptr() as *mut u64).add(code_from), code.len());
        let program = Arc::new(program);
        rt.program.set(program.clone());
        rt.env.program.set(program);
        rt.env.types.set(tables.types);
        rt.methods.set(tables.methods);
        rt.closure_shapes.set(tables.closure_shapes);
        rt.env.map_types.set(tables.map_types);
        rt.well_known.set(tables.well_known);
        rt.natives.set(natives);
        rt.sources.set(sources);
    }
    Ok(())
}
