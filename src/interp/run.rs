//! The M's loop, the portable driver, and a whole run from the first G to the last thread.
use super::call;
use super::ctx::{Ctx, Exit, Rt};
use super::ops::{H, back};
use super::profile::OpProfile;
use super::{explain, roots, sampling, traceback, unwind, watch};
use crate::bytecode::op::Op;
use crate::sched::Hooks;
use crate::sched::find::Found;
use crate::sched::g::G;
use crate::sched::p::P;
use crate::sched::trace::{Event, Kind};
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;

/// The portable driver's table: every entry writes the state back and returns.
pub static RETURNING: [H; Op::COUNT] = [H(give_back); Op::COUNT];

unsafe extern "C" fn give_back(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, _t: *const H) -> u64 {
    // SAFETY: entered like a handler.
    unsafe {
        (*cx).pc = pc.sub(1);
        (*cx).base = r;
        (*cx).budget = n;
    }
    back::CONTINUE
}

/// Runs the G that was found, and those it makes way for, until the P has none.
///
/// # Safety
/// On the context's own M.
unsafe fn execute(cx: *mut Ctx, g: *mut crate::sched::g::G) -> u64 {
    unsafe {
        (*g).set_status(crate::sched::g::Status::Running);
        (*cx).side.g = g;
        (*cx).stack_end = (*g).stack_end;
        if (*cx).p.unusual {
            super::gc::before_run(cx, g);
        }
        if !(*(*cx).rt).portable {
            let pc = (*g).pc;
            let op = *(pc as *const u16) as usize;
            let table = (*cx).table;
            return ((*table.add(op)).0)(pc.add(1), (*g).base, cx, (*cx).p.budget, table);
        }
        (*cx).pc = (*g).pc;
        (*cx).base = (*g).base;
        (*cx).budget = (*cx).p.budget;
        loop {
            let pc = (*cx).pc;
            let op = *(pc as *const u16) as usize;
            if let Some(profile) = &mut (*cx).profile {
                profile.count(op);
            }
            let handler = *(*cx).table.add(op);
            let what = (handler.0)(pc.add(1), (*cx).base, cx, (*cx).budget, RETURNING.as_ptr());
            if what != back::CONTINUE {
                return what;
            }
        }
    }
}

/// The loop of an M: find a G, run it.
///
/// # Safety
/// `cx` belongs to the calling thread until it returns.
pub unsafe fn m_loop(cx: *mut Ctx, fresh: bool) {
    unsafe {
        let rt = (*cx).rt();
        let mut fresh = fresh;
        (*cx).p.note(Event::new(Kind::ThreadStart));
        loop {
            (*cx).side.g = null_mut();
            if rt.sched.idle_soon(&(*cx).p) {
                if rt.sched.nothing_waits(&(*cx).p) {
                    rt.lasts();
                }
                let _ = rt.env.host.flush_stdout();
            }
            match rt.sched.find(&mut (*cx).p, fresh) {
                Found::Run(g) if (*cx).p.is_away(g) => (*cx).p.send_home(g),
                Found::Run(g) => {
                    if execute(cx, g) == back::EXIT {
                        break;
                    }
                }
                Found::Done => break,
                Found::Deadlock => match &rt.session {
                    None => {
                        deadlock(rt);
                        break;
                    }
                    Some(session) => {
                        session.deadlock(rt);
                        fresh = rt.sched.go_on((*cx).p.id);
                        continue;
                    }
                },
            }
            fresh = false;
        }
        (*cx).p.status.store(crate::sched::p::PStatus::Idle as u8, SeqCst);
    }
}

unsafe fn deadlock(rt: &Rt) {
    let mut out = Vec::new();
    if rt.main_exited.load(SeqCst) {
        out.extend_from_slice(b"fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n\n");
    } else {
        out.extend_from_slice(b"fatal error: all goroutines are asleep - deadlock!\n\n");
    }
    // SAFETY: every P is idle.
    unsafe {
        traceback::all(rt, null_mut(), &mut out);
        if rt.session.is_none() {
            explain::why(rt, explain::waiting(rt), &mut out);
        }
    }
    out.extend_from_slice(b"exit status 2\n");
    rt.die(&out, 2);
}

impl Rt {
    /// Prints the program's last words after its output, and ends the run. Only the first to die speaks.
    pub fn die(&self, text: &[u8], status: i32) {
        let _one = self.dying.lock();
        if self.exit.lock().is_none() {
            let _ = self.env.host.flush_stdout();
            let _ = self.env.host.last_words(text);
        }
        self.end(status);
    }
}

impl Hooks for Rt {
    fn start_closure(&self, p: &mut P, closure: u64, group: u32) {
        // SAFETY: the P of the calling M, which lies in its context.
        unsafe { call::start_timer_closure(Ctx::of(p), closure, group) }
    }

    fn call_ready(&self, p: &mut P) {
        // SAFETY: as above, between two Gs.
        unsafe { roots::call_ready(Ctx::of(p)) }
    }

    fn woke(&self, p: &mut P, g: *mut G) {
        // SAFETY: the P of the calling M, which has taken the G off its queue.
        unsafe { sampling::woke(p, g) }
    }

    fn waits_on(&self, g: *mut G, group: u32) -> bool {
        // SAFETY: a G that waits, and the world is stopped.
        unsafe { explain::waits_on(g, group) }
    }

    fn place(&self, g: *mut G) -> u32 {
        // SAFETY: the running G of the M that asks.
        unsafe { traceback::own_place(self, g) }
    }

    fn code_index(&self, pc: *const u64) -> u32 {
        self.index_of(pc)
    }

    fn make_p(&self, id: usize) -> *mut P {
        let cx = Ctx::for_p(self, id);
        self.ctxs.lock().push(cx as usize);
        // SAFETY: just made.
        unsafe { &raw mut (*cx).p }
    }

    fn start_m(&self, p: usize) -> bool {
        let limit = self.sched.jobs.max_threads.load(SeqCst);
        if self.sched.started_ms() + self.sched.jobs.threads() > limit {
            let text = format!("runtime: program exceeds {limit}-thread limit\nfatal error: thread exhaustion\n\n");
            self.die(format!("{text}exit status 2\n").as_bytes(), 2);
            return false;
        }
        let cx = self.ctxs.lock()[p];
        let started = std::thread::Builder::new()
            .name(format!("gmpl-m{p}"))
            // For natives that walk nested values; untouched pages cost nothing.
            .stack_size(8 << 20)
            // SAFETY: from here on the context belongs to this thread; `run` joins it before the context goes.
            .spawn(move || unsafe { m_loop(cx as *mut Ctx, true) });
        match started {
            Ok(handle) => {
                self.threads.lock().push(handle);
                true
            }
            Err(_) => false,
        }
    }
}

/// Runs the program to its end on the calling thread and others.
pub fn run(rt: &mut Rt) -> Exit {
    // SAFETY: nobody else has the VM.
    unsafe { run_shared(rt) }
}

/// As [`run`]. A session begins without a G: others give it inputs meanwhile.
///
/// # Safety
/// `rt` outlives the call; others touch it only as `session` says.
pub unsafe fn run_shared(rt: *const Rt) -> Exit {
    // SAFETY: the caller vouches for it.
    let rt = unsafe { &*rt };
    // SAFETY: `rt` outlives the run; all Ms are joined below, then the contexts are freed.
    unsafe {
        rt.sched.attach(rt);
        sampling::begin(rt);
        let _ = rt.first_thread.set(std::thread::current().id());
        let first = rt.ctxs.lock()[0] as *mut Ctx;
        if let Some(session) = &rt.session {
            session.begin();
        } else if !call::start_main(first) {
            rt.die(b"fatal error: out of memory\n", 2);
        }
        let rt: &Rt = rt;
        std::thread::scope(|scope| {
            let (end, ended) = crossbeam_channel::bounded::<()>(1);
            if watch::is_needed(rt) {
                let watch = move || {
                    let watched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watch::watch(rt, &ended)));
                    if watched.is_err() {
                        rt.die(
                            b"gmpl: internal error (this is a bug in gmpl, not in your program): the watch failed\n",
                            2,
                        );
                    }
                };
                let _ = std::thread::Builder::new().name("gmpl-watch".into()).spawn_scoped(scope, watch);
            }
            rt.handle.set(rt);
            m_loop(first, false);
            rt.sched.finish();
            drop(end);
        });
    }
    rt.handle.forget();
    rt.sched.jobs.close();
    rt.gc.abort();
    sampling::stop_timer(rt);
    // Whoever ended the run has called `finish`; this M may also have left because another did.
    rt.sched.finish();
    loop {
        let Some(handle) = rt.threads.lock().pop() else { break };
        let _ = handle.join();
    }
    let _ = rt.env.host.flush_stdout();
    if rt.opcode_profile {
        let mut all = OpProfile::default();
        for &cx in rt.ctxs.lock().iter() {
            // SAFETY: no M is left.
            unsafe { &*(cx as *const Ctx) }.profile.iter().for_each(|p| all.add(p));
        }
        let _ = rt.env.host.stderr(all.text().as_bytes());
    }
    if rt.gcpauses {
        let _ = rt.env.host.stderr(rt.sched.stops.report().as_bytes());
    }
    // SAFETY: no M is left.
    rt.sched.slabs.each(&mut |g| unsafe { unwind::drop_extra(g) });
    for cx in std::mem::take(&mut *rt.ctxs.lock()) {
        // SAFETY: made by `make_p`; no M is left.
        drop(unsafe { Box::from_raw(cx as *mut Ctx) });
    }
    if let Some(session) = &rt.session {
        session.end();
    }
    rt.exit.lock().unwrap_or(Exit { status: 0 })
}
