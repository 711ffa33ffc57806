//! Tracebacks: a G's frames in source lines, in Go's form.
use super::ctx::Rt;
use super::unwind::extra;
use super::{sampling, symbols};
use crate::bytecode::program::{Function, iface};
use crate::bytecode::program::{index_of, pc_of};
use crate::profile::build::Place;
use crate::sched::g::{G, Status};
use crate::value::env::{FramePlace, Tracer};
use crate::value::string;
use std::ops::ControlFlow::{self, Break, Continue};

/// One frame: its function and its source position.
pub struct Frame<'a> {
    pub func: &'a Function,
    pub pos: u32,
}

/// The frames of a G that does not run, innermost first, inlined ones among them, hidden ones left out.
///
/// # Safety
/// The caller may look at the G: its own, or with the world stopped or the run ended.
pub unsafe fn frames(rt: &Rt, g: *mut G) -> Vec<Frame<'_>> {
    unsafe {
        let mut out = Vec::new();
        walk(rt, g, &mut |func, at, _| {
            if !func.hidden {
                out.extend(
                    func.frames_at(at).filter_map(|f| rt.program.frame_at(f)).map(|(func, pos)| Frame { func, pos }),
                );
            }
        });
        out
    }
}

/// Calls `f` on each frame of a G, innermost first: function, code index of the current instruction, first slot.
///
/// # Safety
/// As [`frames`].
pub unsafe fn walk<'a>(rt: &'a Rt, g: *mut G, f: &mut dyn FnMut(&'a Function, u32, *mut u64)) {
    let mut all = |step: Step<'a>| {
        if let Step::Frame(func, at, base) = step {
            f(func, at, base);
        }
        Continue(())
    };
    // SAFETY: the caller's.
    unsafe { walk_until(rt, g, (*g).pc, &mut all) }
}

/// What a walk over a stack comes to.
pub enum Step<'a> {
    Frame(&'a Function, u32, *mut u64),
    /// A panic runs the frames before this one, and began in the next.
    Panic(u64),
    /// Nothing more.
    Bottom,
}

/// Calls `f` on what a walk over the stack of a G comes to, until it wants no more. The innermost frame is at the
/// instruction before `pc`.
///
/// # Safety
/// As [`frames`].
pub unsafe fn walk_until<'a>(
    rt: &'a Rt,
    g: *mut G,
    mut pc: *const u64,
    f: &mut dyn FnMut(Step<'a>) -> ControlFlow<()>,
) {
    unsafe {
        let mut base = (*g).base;
        let panics = if (*g).extra.is_null() { &[][..] } else { &extra(g).panics[..] };
        // Where the frame begins that was called last: a panic's deferred call is known by it.
        let mut called = 0;
        loop {
            let at = rt.index_of(pc);
            let found = rt.program.func_at(at.wrapping_sub(1)).filter(|f| f.entry < at);
            match found.or_else(|| rt.program.func_at(at)) {
                Some(func) => {
                    if f(Step::Frame(func, at.saturating_sub(1).max(func.entry), base)).is_break() {
                        return;
                    }
                }
                None if at == rt.stubs.panic_ret || at == rt.stubs.panic_text => {
                    // Below a deferred call that a panic runs lies the frame that panicked.
                    let p = panics.iter().find(|p| p.calls_at(called)).or(panics.last());
                    let Some(p) = p else { return };
                    if f(Step::Panic(p.value)).is_break() {
                        return;
                    }
                    pc = rt.pc_at(p.resume_at());
                    continue;
                }
                None => return,
            }
            if base <= (*g).stack.add(1) {
                let _ = f(Step::Bottom);
                return;
            }
            let link = *base.sub(1);
            called = base.offset_from((*g).stack) as usize;
            pc = (link & iface::PAYLOAD) as *const u64;
            base = base.sub((link >> 48) as usize);
        }
    }
}

/// Frames that are looked at for one of the program's own.
const NEAR_FRAMES: usize = 16;

/// Where a G stands: the code index in its innermost frame that is no standard package's, or is not far below.
///
/// # Safety
/// As [`frames`].
pub unsafe fn own_place(rt: &Rt, g: *mut G) -> u32 {
    let (mut first, mut own, mut seen) = (None, None, 0);
    unsafe {
        walk(rt, g, &mut |func, at, _| {
            seen += 1;
            first = first.or(Some(at));
            let is_own = || rt.sources.find(func.pos).is_some_and(|f| !f.name.starts_with("$std/"));
            if own.is_none() && seen <= NEAR_FRAMES && !func.hidden && is_own() {
                own = Some(at);
            }
        })
    };
    own.or(first).unwrap_or(0)
}

/// Appends one goroutine's traceback. `running`: it is the one that failed.
///
/// # Safety
/// As [`frames`].
pub unsafe fn goroutine(rt: &Rt, g: *mut G, running: bool, out: &mut Vec<u8>) {
    unsafe { below(rt, g, None, running, out) }
}

/// As [`goroutine`]; `callee` is a function that it was about to enter.
///
/// # Safety
/// As [`frames`].
pub unsafe fn below(rt: &Rt, g: *mut G, callee: Option<&Function>, running: bool, out: &mut Vec<u8>) {
    unsafe {
        let state = if running {
            "running".to_string()
        } else {
            match (*g).status() {
                Status::Waiting => {
                    let waited = rt.sched.decide.now() - (*g).since_ns;
                    match waited / 60_000_000_000 {
                        0 => (*g).wait_reason().text().to_string(),
                        minutes => format!("{}, {minutes} minutes", (*g).wait_reason().text()),
                    }
                }
                Status::Runnable => "runnable".into(),
                Status::Running => "running".into(),
                Status::Dead => "dead".into(),
            }
        };
        let mut text = format!("goroutine {} [{state}]:\n", (*g).id);
        let mut frames = frames(rt, g);
        if let Some(func) = callee {
            // It stands at its `func` line.
            frames.insert(0, Frame { func, pos: func.pos });
        }
        let limit = 100;
        for (i, frame) in frames.iter().enumerate() {
            if frames.len() > limit && i == limit / 2 {
                text.push_str(&format!("...{} frames elided...\n", frames.len() - limit));
            }
            if frames.len() > limit && i >= limit / 2 && i < frames.len() - limit / 2 {
                continue;
            }
            text.push_str(&format!("{}(...)\n\t{}\n", frame.func.name, place(rt, frame.pos)));
        }
        if (*g).id != 1
            && (*g).made_at != 0
            && let Some(func) = rt.program.func_at((*g).made_at)
        {
            text.push_str(&format!(
                "created by {} in goroutine {}\n\t{}\n",
                func.name,
                (*g).parent,
                place(rt, func.pos_at((*g).made_at))
            ));
        }
        out.extend_from_slice(text.as_bytes());
    }
}

/// `file:line` of a source position.
pub fn place(rt: &Rt, pos: u32) -> String {
    match rt.sources.locate(pos) {
        Some((file, line, _)) => format!("{file}:{line}"),
        None => "?:0".into(),
    }
}

/// All goroutines that are alive, the given one first.
///
/// # Safety
/// The world is stopped or the run has ended.
pub unsafe fn all(rt: &Rt, first: *mut G, out: &mut Vec<u8>) {
    let mut gs = Vec::new();
    rt.sched.slabs.each(&mut |g| {
        // SAFETY: a G of a slab.
        if unsafe { (*g).status() } != Status::Dead && g != first {
            gs.push(g);
        }
    });
    // SAFETY: as above.
    unsafe {
        gs.sort_by_key(|&g| (*g).id);
        if !first.is_null() {
            goroutine(rt, first, true, out);
        }
        for (i, &g) in gs.iter().enumerate() {
            if i > 0 || !first.is_null() {
                out.push(b'\n');
            }
            goroutine(rt, g, false, out);
        }
    }
}

/// Go's run-time system stands on the stack with functions of its own: where it begins a goroutine, and where it panics.
/// Programs that count callers count on them. Their places are these numbers.
const OF_RUNTIME: u64 = 1 << 40;
#[rustfmt::skip]
const RUNTIME: &[&str] = &["runtime.goexit", "runtime.main", "runtime.gopanic", "runtime.panicmem", "runtime.sigpanic", "runtime.panicBounds64",
    "runtime.panicBounds", "runtime.panicdivide", "runtime.panicdottypeE", "runtime.getitab", "runtime.typeAssert"];

/// The functions of the run-time system through which a panic with this value began.
fn panicking(rt: &Rt, value: u64) -> &'static [&'static str] {
    let (known, ty) = (&rt.well_known, iface::type_of(value));
    if ty == known.bounds_error.0 {
        &["runtime.panicBounds64", "runtime.panicBounds"]
    } else if ty == known.assertion_error.0 {
        // SAFETY: it points to its text.
        let text = unsafe { string::bytes(*((value & iface::PAYLOAD) as *const u64)) };
        match text.windows(14).any(|w| w == b"missing method") {
            true => &["runtime.getitab", "runtime.typeAssert"],
            false => &["runtime.panicdottypeE"],
        }
    } else if ty == known.runtime_error.0 {
        // SAFETY: its type is a string's.
        match unsafe { string::bytes(value & iface::PAYLOAD) } {
            b"integer divide by zero" => &["runtime.panicdivide"],
            b"invalid memory address or nil pointer dereference" => &["runtime.panicmem", "runtime.sigpanic"],
            _ => &[],
        }
    } else {
        &[]
    }
}

/// The places of a goroutine's frames, as [`Tracer::callers`] gives them.
///
/// # Safety
/// As [`frames`].
unsafe fn callers(rt: &Rt, g: *mut G, skip: usize, most: usize) -> Vec<u64> {
    let (mut seen, mut out) = (0, Vec::new());
    let mut add = |place: u64| {
        seen += 1;
        if seen > skip && out.len() < most {
            out.push(place);
        }
        if out.len() < most { Continue(()) } else { Break(()) }
    };
    let of_runtime = |name: &str| OF_RUNTIME + pc_of(RUNTIME.iter().position(|n| *n == name).unwrap_or(0) as u32);
    // SAFETY: the caller's.
    unsafe {
        walk_until(rt, g, (*g).pc, &mut |step| match step {
            Step::Frame(func, _, _) if func.hidden => Continue(()),
            Step::Frame(func, at, _) => func.frames_at(at).try_for_each(|f| add(pc_of(f))),
            Step::Panic(value) => {
                add(of_runtime("runtime.gopanic"))?;
                panicking(rt, value).iter().try_for_each(|name| add(of_runtime(name)))
            }
            Step::Bottom => {
                if (*g).id == 1 {
                    add(of_runtime("runtime.main"))?;
                }
                add(of_runtime("runtime.goexit"))
            }
        });
    }
    out
}

/// What natives call to see the stack of the goroutine that runs them.
pub fn tracer(rt: &Rt) -> Tracer {
    // SAFETY: natives run while the Rt lives, and pass the goroutine they run on.
    Tracer {
        rt: rt as *const Rt as usize,
        callers: |rt, g, skip, most| unsafe { callers(&*(rt as *const Rt), g, skip, most) },
        place: |rt, place| unsafe {
            let rt = &*(rt as *const Rt);
            if let Some(name) = place.checked_sub(OF_RUNTIME).and_then(index_of).and_then(|i| RUNTIME.get(i as usize)) {
                let file = "$std/runtime/runtime.gm".to_string();
                return Some(FramePlace { entry: (place - 1) | 1, function: name.to_string(), file, line: 1 });
            }
            let Place { function, file, line, entry, .. } = symbols::place(rt, index_of(place)?);
            (!function.is_empty()).then_some(FramePlace { entry, function, file, line })
        },
        frame: |rt, frame| unsafe { symbols::place(&*(rt as *const Rt), frame) },
        goroutines: |rt| unsafe { sampling::goroutines(&*(rt as *const Rt)) },
        counts: |rt| unsafe {
            let rt = &*(rt as *const Rt);
            let Some(cover) = &rt.env.program.coverage else { return Vec::new() };
            let first = rt.globals.as_ptr().add(cover.first as usize);
            (0..cover.blocks.len()).map(|i| crate::value::slice::load(first.add(i) as *mut u64)).collect()
        },
        switch: |rt, change| unsafe { sampling::switch(&*(rt as *const Rt), change) },
        text: |rt, g| unsafe {
            let mut out = Vec::new();
            goroutine(&*(rt as *const Rt), g, true, &mut out);
            out
        },
        all: |rt, g| unsafe {
            let mut out = Vec::new();
            all(&*(rt as *const Rt), g, &mut out);
            out
        },
    }
}
