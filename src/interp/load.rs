//! Makes a program ready to run: code with stubs, constant words, globals, method tables, natives.
use super::ctx::{Entry, MethodTable, Rt, Stubs, WellKnown};
use super::limits::{LimitOptions, Limits};
use crate::base::span::SourceMap;
use crate::bytecode::op::{self, Op, abc};
use crate::bytecode::program::{BitMap, Constant, Kind, Program, RTypeId, iface};
use crate::heap::Heap;
use crate::sched::decide::Decide;
use crate::sched::idle::Sched;
use crate::sync::chan;
use crate::value::env::{Env, Host, TypeInfo};
use crate::value::map::MapType;
use crate::value::native::{Native, NativeEntry};
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
    pub max_stack_slots: usize,
    pub limits: LimitOptions,
    pub output_full: Arc<AtomicBool>,
    pub gctrace: bool,
}

/// Puts into each `New` the shape that it allocates instead of the type.
fn name_shapes(program: &Program, types: &[TypeInfo], code: &mut [u64]) {
    let extra: Vec<usize> = op::TABLE.iter().map(|t| t.0.extra()).collect();
    for f in &program.funcs {
        let mut i = f.entry as usize;
        while i < f.end as usize {
            let word = code[i];
            if word as u16 == Op::New as u16 {
                let shape = types[op::x(word) as u32 as usize].shape;
                code[i] = op::ax(Op::New, op::a(word), shape.0 as i32);
            }
            i += 1 + extra.get(word as u16 as usize).copied().unwrap_or(0);
        }
    }
}

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
    let registry: FxHashMap<&str, Native> = natives.iter().copied().collect();
    let mut found = Vec::new();
    for n in &program.natives {
        match registry.get(n.name.as_str()) {
            Some(f) => found.push(*f),
            None => return Err(format!("native function {} is not there", n.name)),
        }
    }
    let mut code = program.code.clone();
    let mut stub = |op: Op| {
        // A word that is no frame header stands before each stub.
        code.push(0);
        code.push(abc(op, 0, 0, 0));
        code.len() as u32 - 1
    };
    let stubs = Stubs {
        g_exit: stub(Op::GExit),
        halt: stub(Op::Halt),
        panic_ret: stub(Op::PanicRet),
        panic_text: stub(Op::PanicText),
    };
    code.push(0);
    let types = Env::prepare_types(&program, &heap);
    name_shapes(&program, &types, &mut code);
    let code = code.into_boxed_slice();
    let pc_of = |f: u32| &code[program.funcs[f as usize].entry as usize] as *const u64 as u64;

    let mut statics: Vec<Box<[u64]>> = Vec::new();
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
    let mut funcs: FxHashMap<u32, u64> = FxHashMap::default();
    let consts = program
        .consts
        .iter()
        .map(|c| match c {
            Constant::Word(w) => *w,
            Constant::Str(s) => string(s),
            Constant::StrIface(ty, s) => (ty.0 as u64) << iface::TYPE_SHIFT | string(s),
            Constant::Func(_) => 0,
        })
        .collect::<Vec<u64>>();
    let mut consts = consts;
    for (i, c) in program.consts.iter().enumerate() {
        if let Constant::Func(f) = c {
            consts[i] = *funcs.entry(f.0).or_insert_with(|| keep(vec![pc_of(f.0)]));
        }
    }

    let methods: Vec<MethodTable> = program
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
    let decide = Decide::new(options.seed);
    let hash_seed = decide.random();
    let map_types = program
        .types
        .iter()
        .enumerate()
        .map(|(i, t)| {
            (t.kind == Kind::Map).then(|| MapType::new(&heap, &program, &types, RTypeId(i as u32), hash_seed))
        })
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
    let globals = vec![0u64; program.global_words.max(1) as usize].into_boxed_slice();
    let program = Arc::new(program);
    let sched = Box::new(Sched::new(options.procs, decide));
    let decide: *const Decide = &sched.decide;
    let decide = decide as usize;
    // SAFETY: the scheduler lives in its box as long as the environment that holds these closures.
    let clock = Box::new(move || unsafe { (*(decide as *const Decide)).read_clock() });
    let random = Box::new(move || unsafe { (*(decide as *const Decide)).random() });
    let env = Env {
        code: code.as_ptr() as usize,
        tracer: Default::default(),
        program: program.clone(),
        types,
        map_types,
        hash_seed,
        chan_shape: chan::shape(&heap),
        made_types: Mutex::default(),
        string_view: string::view_shape(&heap),
        slice_header: slice::header_shape(&heap),
        scalar_box: heap.shape(1, &BitMap::default()),
        host,
        state: Mutex::default(),
        clock,
        random,
        heap,
    };
    let rt = Box::new(Rt {
        chan_shape: chan::shape(&env.heap),
        program,
        code,
        consts: consts.into_boxed_slice(),
        statics,
        globals,
        natives: found,
        methods,
        closure_shapes,
        stubs,
        well_known,
        byte_type,
        env,
        sched,
        sema: Default::default(),
        sources,
        exit: Mutex::new(None),
        dying: Mutex::new(()),
        portable: options.portable,
        max_stack_slots: options.max_stack_slots,
        gctrace: options.gctrace,
        started: std::time::Instant::now(),
        limits: Limits::new(options.limits.clone(), options.output_full.clone()),
        threads: Mutex::default(),
        ctxs: Mutex::default(),
        main_exited: Default::default(),
    });
    // The address is that of the box: it does not change.
    let _ = rt.env.tracer.set(super::traceback::tracer(&rt));
    Ok(rt)
}
