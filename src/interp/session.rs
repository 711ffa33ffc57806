//! A VM that runs the inputs of a session, one after the other, each in a G of its own. What they leave behind lives on:
//! variables, and goroutines, which run while the next input is awaited. A panic, a fatal error or a deadlock ends the G
//! it happens in, not the run.
//!
//! # Who touches what
//! The VM belongs to its Ms. The thread that gives inputs (the *driver*) changes it only inside
//! `Sched::stop_from_outside`. While no input runs, the driver counts as something outside that may ready a G, so that
//! sleeping goroutines are no deadlock.
//!
//! # Interrupting
//! The input's G is *doomed*. If it runs, it finds that out at its next safepoint. If it waits, the driver takes it off
//! what it waits on, for good. Either way it then goes the way of Goexit: its deferred calls run.
use super::call;
use super::ctx::{Ctx, Rt};
use super::load;
use super::traceback;
use super::unwind::{self, Then, extra};
use crate::base::span::SourceMap;
use crate::bytecode::program::{FuncIdx, Program};
use crate::sched::g::{G, Status};
use crate::sched::wait::WaitReason;
use crate::sync::chan::Chan;
use crate::value::native::{NativeEntry, resume};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::Duration;

/// How an input came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Its statements have run, or its G has called Goexit.
    Done,
    /// A panic or a fatal error, which has been printed.
    Died,
    /// It can never go on; that has been printed. Its G waits to be interrupted.
    Deadlocked,
    Interrupted,
    /// The whole run has ended, by os.Exit.
    Exited(i32),
}

#[derive(Default)]
struct State {
    /// The Ms can be given work.
    ready: bool,
    ended: bool,
    /// The G of the input that runs.
    input: Option<u64>,
    /// The G of the last input, whether it runs or not.
    last: Option<u64>,
    outcome: Option<Outcome>,
}

pub struct Session {
    state: Mutex<State>,
    changed: Condvar,
    /// The id of the G that is to end; 0: none.
    doomed: AtomicU64,
    hash_seed: u64,
}

impl Session {
    pub fn new(hash_seed: u64) -> Session {
        Session { state: Mutex::default(), changed: Condvar::new(), doomed: AtomicU64::new(0), hash_seed }
    }

    // ---- called by Ms

    /// The Ms are about to look for work.
    pub fn begin(&self) {
        self.state.lock().ready = true;
        self.changed.notify_all();
    }

    /// The run is over.
    pub fn end(&self) {
        self.state.lock().ended = true;
        self.changed.notify_all();
    }

    #[cold]
    pub fn is_doomed(&self, g: *mut G) -> bool {
        // SAFETY: the running G of the caller.
        self.doomed.load(Relaxed) == unsafe { (*g).id }
    }

    /// A G has ended.
    pub fn ended(&self, rt: &Rt, g: *mut G) {
        // SAFETY: the caller's own.
        let id = unsafe { (*g).id };
        if self.doomed.compare_exchange(id, 0, SeqCst, Relaxed).is_ok() {
            self.finish(rt, id, Outcome::Interrupted);
        } else {
            self.finish(rt, id, Outcome::Done);
        }
    }

    fn finish(&self, rt: &Rt, id: u64, outcome: Outcome) {
        let mut state = self.state.lock();
        if state.input == Some(id) {
            state.input = None;
            state.outcome = Some(outcome);
            rt.sched.outside.fetch_add(1, SeqCst);
            self.changed.notify_all();
        }
    }

    /// All Gs wait, and nothing can ready one: the input will never end by itself.
    pub fn deadlock(&self, rt: &Rt) {
        let input = self.state.lock().input;
        let Some(id) = input else {
            // The driver has just been told of the end: it counts from now on.
            return;
        };
        let mut out = b"fatal error: all goroutines are asleep - deadlock!\n\n".to_vec();
        let mut found = std::ptr::null_mut();
        rt.sched.slabs.each(&mut |g| {
            // SAFETY: a G of a slab; every P is idle.
            if unsafe { (*g).id == id && (*g).status() != Status::Dead } {
                found = g;
            }
        });
        if !found.is_null() {
            // SAFETY: every P is idle, and only this M found the deadlock.
            unsafe {
                traceback::goroutine(rt, found, false, &mut out);
                super::explain::why_input(rt, found, &mut out);
                super::advice::add_for_waits(&[found], &mut out);
            }
        }
        let _ = rt.env.host.flush_stdout();
        let _ = rt.env.host.stderr(&out);
        self.finish(rt, id, Outcome::Deadlocked);
    }
}

/// Prints the last words of the running G. Without a session they are those of the whole run.
///
/// # Safety
/// As in `unwind`: on the context's own M.
pub unsafe fn die(cx: *mut Ctx, mut out: Vec<u8>) -> Then {
    // SAFETY: the context's own M.
    unsafe {
        let rt = (*cx).rt();
        let g = (*cx).side.g;
        super::advice::add(&mut out);
        match &rt.session {
            Some(session) if !g.is_null() => {
                let _ = rt.env.host.flush_stdout();
                let _ = rt.env.host.stderr(&out);
                session.finish(rt, (*g).id, Outcome::Died);
                call::end_g(cx);
                Then::Resched
            }
            _ => {
                out.extend_from_slice(b"exit status 2\n");
                rt.die(&out, 2);
                Then::Exit
            }
        }
    }
}

/// The running G, at a safepoint, is doomed.
///
/// # Safety
/// On the context's own M, with the G's state written back: its pc is that of the next instruction.
#[cold]
#[inline(never)]
pub unsafe fn interrupt_running(cx: *mut Ctx) -> Then {
    // SAFETY: the caller vouches for it.
    unsafe {
        let g = (*cx).side.g;
        if extra(g).panics.iter().any(|p| p.goexit) {
            // It is on its way already, and its deferred calls do not end: without them, then.
            call::end_g(cx);
            return Then::Resched;
        }
        (*g).pc = (*g).pc.add(1);
        unwind::start_panic(cx, 0, true)
    }
}

/// What the driver knows a session's VM by.
pub struct Driver {
    rt: *const Rt,
    thread: Option<std::thread::JoinHandle<()>>,
}

// SAFETY: the VM is touched as the file's head says.
unsafe impl Send for Driver {}

/// A goroutine as a list shows it.
#[derive(Clone, Debug)]
pub struct Goroutine {
    pub id: u64,
    /// Its traceback, the first line of which says what it does.
    pub text: String,
}

impl Driver {
    /// Starts the Ms of a VM that was loaded for a session.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(rt: Box<Rt>) -> Result<Driver, String> {
        rt.sched.outside.fetch_add(1, SeqCst);
        let rt = Box::into_raw(rt) as *const Rt;
        let address = rt as usize;
        let thread = std::thread::Builder::new().name("gmpl-m0".into()).stack_size(256 << 10).spawn(move || {
            // SAFETY: the VM is freed only after this thread has been joined.
            unsafe { super::run::run_shared(address as *const Rt) };
        });
        match thread {
            Ok(thread) => {
                let driver = Driver { rt, thread: Some(thread) };
                let mut state = driver.session().state.lock();
                while !state.ready {
                    driver.session().changed.wait(&mut state);
                }
                drop(state);
                Ok(driver)
            }
            Err(e) => {
                // SAFETY: nobody else has it.
                drop(unsafe { Box::from_raw(rt as *mut Rt) });
                Err(format!("cannot start a thread: {e}"))
            }
        }
    }

    fn rt(&self) -> &Rt {
        // SAFETY: it lives until the driver is dropped.
        unsafe { &*self.rt }
    }

    fn session(&self) -> &Session {
        match &self.rt().session {
            Some(session) => session,
            None => unreachable!("the VM was loaded for a session"),
        }
    }

    /// Replaces the program by a longer one that begins with it.
    ///
    /// # Errors
    /// It does not fit; the session goes on as it was.
    pub fn extend(&self, program: Program, natives: &[NativeEntry], sources: Arc<SourceMap>) -> Result<(), String> {
        let rt = self.rt();
        let mut result = Ok(());
        rt.sched.stop_from_outside(|_| {
            // SAFETY: the world is stopped.
            result = unsafe { load::extend(rt, program, natives, sources, self.session().hash_seed) };
        });
        result
    }

    /// Makes a G run a function without parameters, as the session's input.
    ///
    /// # Errors
    /// There is no memory.
    pub fn begin(&self, entry: FuncIdx) -> Result<(), String> {
        let rt = self.rt();
        let mut started = true;
        rt.sched.stop_from_outside(|_| {
            // SAFETY: the world is stopped, so this thread may use the first P's context.
            unsafe {
                let cx = rt.ctxs.lock()[0] as *mut Ctx;
                let running = std::mem::replace(&mut (*cx).side.g, std::ptr::null_mut());
                let entry = rt.pc_at(rt.program.funcs[entry.0 as usize].entry);
                let made = call::new_g(cx, entry, rt.stubs.halt, 0);
                (*cx).side.g = running;
                let Some((g, _)) = made else {
                    started = false;
                    return;
                };
                let mut state = self.session().state.lock();
                state.input = Some((*g).id);
                state.last = state.input;
                state.outcome = None;
                self.session().doomed.store(0, SeqCst);
                (*g).set_status(Status::Runnable);
                rt.sched.push_global(g);
                rt.sched.outside.fetch_sub(1, SeqCst);
            }
        });
        rt.sched.wake_one(None);
        if started { Ok(()) } else { Err("out of memory".into()) }
    }

    /// Waits for the end of the input, at most so long.
    pub fn wait(&self, time: Duration) -> Option<Outcome> {
        let mut state = self.session().state.lock();
        if state.outcome.is_none() && !state.ended {
            self.session().changed.wait_for(&mut state, time);
        }
        if state.ended {
            return Some(Outcome::Exited(self.rt().exit.lock().map_or(0, |e| e.status)));
        }
        state.outcome
    }

    /// Whether the whole run has ended, by a goroutine that called os.Exit.
    pub fn exited(&self) -> Option<i32> {
        let ended = self.session().state.lock().ended;
        ended.then(|| self.rt().exit.lock().map_or(0, |e| e.status))
    }

    /// Dooms the input's G, or the one that is deadlocked. To be called again while it does not end: it may be on its way
    /// into a wait. `false`: it waits for something that cannot be taken from it.
    pub fn interrupt(&self, id: u64) -> bool {
        let rt = self.rt();
        let mut can = true;
        self.session().doomed.store(id, SeqCst);
        let mut ready = false;
        rt.sched.stop_from_outside(|_| {
            let mut found = None;
            rt.sched.slabs.each(&mut |g| {
                // SAFETY: a G of a slab, with the world stopped.
                if unsafe { (*g).id == id && (*g).status() == Status::Waiting } {
                    found = Some(g);
                }
            });
            if let Some(g) = found {
                // SAFETY: the world is stopped.
                unsafe {
                    can = self.forget_wait(g);
                    ready = can && self.unwind_waiting(g);
                }
            }
        });
        if ready {
            rt.sched.wake_one(None);
        }
        can
    }

    /// Takes a waiting G off what it waits on.
    unsafe fn forget_wait(&self, g: *mut G) -> bool {
        let rt = self.rt();
        use WaitReason::*;
        // SAFETY: the world is stopped, and the G waits for this reason.
        unsafe {
            match (*g).wait_reason() {
                ChanReceive => Chan::forget(g, false),
                ChanSend => Chan::forget(g, true),
                ChanReceiveNil | ChanSendNil | SelectNoCases => true,
                Select => extra(g).waiting.forget(g),
                Sleep => rt.sched.timers.forget(g),
                IoWait => rt.sched.netpoll.forget(&rt.sched, g),
                MutexLock | RWMutexRLock | RWMutexLock | WaitGroupWait | CondWait | Semacquire => rt.sema.forget(g),
                _ => false,
            }
        }
    }

    /// Starts the end of a G that waits on nothing any more. `true`: it has deferred calls to run, and is in a queue.
    unsafe fn unwind_waiting(&self, g: *mut G) -> bool {
        let rt = self.rt();
        // SAFETY: the world is stopped, so this thread may use the first P's context for the G, which nobody has.
        unsafe {
            let cx = rt.ctxs.lock()[0] as *mut Ctx;
            let saved = ((*cx).side.g, (*cx).stack_end);
            (*cx).side.g = g;
            (*cx).stack_end = (*g).stack_end;
            // An instruction that would be tried again has its pc left at itself.
            if (*g).resume != resume::NONE {
                (*g).resume = resume::NONE;
                (*g).pc = (*g).pc.add(1);
            }
            (*g).handed = false;
            let again = extra(g).panics.iter().any(|p| p.goexit);
            let then = if again {
                call::end_g(cx);
                Then::Resched
            } else {
                unwind::start_panic(cx, 0, true)
            };
            ((*cx).side.g, (*cx).stack_end) = saved;
            if matches!(then, Then::Run) {
                (*g).set_status(Status::Runnable);
                rt.sched.push_global(g);
                return true;
            }
            false
        }
    }

    /// The input is left to itself: the session goes on without its end.
    pub fn abandon(&self) {
        if let Some(id) = self.input() {
            self.session().finish(self.rt(), id, Outcome::Interrupted);
        }
    }

    /// The G of the input that runs.
    pub fn input(&self) -> Option<u64> {
        self.session().state.lock().input
    }

    /// The G of the last input, which may have come to its end.
    pub fn last_input(&self) -> Option<u64> {
        self.session().state.lock().last
    }

    /// The goroutines that are alive, in order.
    pub fn goroutines(&self) -> Vec<Goroutine> {
        let rt = self.rt();
        let mut list = Vec::new();
        rt.sched.stop_from_outside(|_| {
            rt.sched.slabs.each(&mut |g| {
                // SAFETY: the world is stopped.
                unsafe {
                    if (*g).status() != Status::Dead {
                        let mut out = Vec::new();
                        traceback::goroutine(rt, g, false, &mut out);
                        list.push(Goroutine { id: (*g).id, text: String::from_utf8_lossy(&out).into_owned() });
                    }
                }
            });
        });
        list.sort_by_key(|g| g.id);
        list
    }

    /// Writes out what the program has printed.
    pub fn flush(&self) {
        let _ = self.rt().env.host.flush_stdout();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.rt().end(0);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // SAFETY: all Ms have been joined.
        drop(unsafe { Box::from_raw(self.rt as *mut Rt) });
    }
}
