//! Samples for profiles: where the time goes, what is allocated, who waits for whom.
//!
//! A run that is not profiled pays nothing: its Ms run with the plain tables of handlers. A profiled one has a table of its
//! own for each P (in its [`Sampler`]), in which some handlers first note where they are.
//!
//! # CPU
//! A thread *arms* the table of each running P a hundred times a second: it writes [`sample`] into every entry. So the next
//! instruction, whatever it is, takes a sample, puts the table right and goes on as itself. A native that was running
//! meanwhile is noticed when it returns, and the sample is its. What a sample weighs is the CPU time that its M has used
//! since the last one. By instructions there is no thread: every time slice used up is a sample.
//!
//! # Memory
//! The heap's cache cuts its runs of free cells where the next sample is due (`heap/cache.rs`) and calls [`allocated`].
//! Handlers that may allocate write the G's state first ([`noted`]); others fail by way of `fail`, which does.
//!
//! # Waiting
//! Handlers that may park note the time. Who readies a G that waited has it to itself and records the wait ([`woke`]).
//!
//! # Safety
//! As in `ops`. A table's entries are written by others as relaxed atomics are.
use super::ctx::{Ctx, Rt};
use super::marking;
use super::ops::{self, H};
use super::traceback::{self, Step};
use super::unwind::extra;
use crate::bytecode::op::{self, Op};
use crate::heap::Cache;
use crate::profile::record::{CPU_HZ, Cpu, Key, Kind, Labels, MAX_FRAMES, NATIVE, Recorder, Table, WAIT};
use crate::sched::g::{G, Status};
use crate::sched::p::{P, PStatus};
use crate::sched::wait::WaitReason;
use crate::value::native::resume;
use crate::value::{slice, string};
use crossbeam_channel::{RecvTimeoutError, Sender};
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a P needs to be profiled. Its M's, but for the table and `armed`, which the timer's thread writes.
pub struct Sampler {
    table: Box<[AtomicUsize]>,
    armed: AtomicBool,
    /// What the table is when it is not armed: outside marking, and while others mark.
    plain: RefCell<[Vec<H>; 2]>,
    waits: Cell<bool>,
    /// One more than the number of the native that runs; 0: none.
    native: Cell<u32>,
    /// CPU time of the M at the last sample, and what it weighed too little.
    last_cpu: Cell<Option<i64>>,
    carry: Cell<i64>,
    /// Instructions of the P at the last sample.
    last_used: Cell<u64>,
    random: Cell<u64>,
}

/// The thread that asks for samples of the CPU's time.
#[derive(Default)]
pub struct Timer(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl Sampler {
    fn new() -> Sampler {
        Sampler {
            table: (0..Op::COUNT).map(|_| AtomicUsize::new(0)).collect(),
            armed: AtomicBool::new(false),
            plain: RefCell::default(),
            waits: Cell::new(false),
            native: Cell::new(0),
            last_cpu: Cell::new(None),
            carry: Cell::new(0),
            last_used: Cell::new(0),
            random: Cell::new(1),
        }
    }

    /// The table as the M runs with it, put right for what it is to do.
    pub fn table(&self, marking: bool) -> *const H {
        let plain = self.plain.borrow();
        self.table.iter().zip(&plain[marking as usize]).for_each(|(entry, h)| entry.store(h.0 as usize, Relaxed));
        self.table.as_ptr() as *const H
    }

    /// Has the next instruction take a sample.
    fn arm(&self) {
        self.armed.store(true, Relaxed);
        self.table.iter().for_each(|entry| entry.store(sample as *const () as usize, Relaxed));
    }

    /// A number below `n`.
    fn below(&self, n: i64) -> i64 {
        let x = self.random.get().wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        self.random.set(x);
        ((x >> 33) as i64) % n.max(1)
    }
}

/// Whether a handler neither allocates nor parks nor calls what does. Its failures go by way of `fail`.
#[rustfmt::skip]
fn is_quiet(op: Op) -> bool {
    use Op::*;
    op as usize <= LeS as usize || (op as usize >= Jmp as usize && op as usize <= CapChan as usize)
        || matches!(op, UnP | UnI | UnU | UnF | UnN | IsT | Call | CallC | CallI | Ret | RetW | LdCap)
        || matches!(op, AtLoad | AtStore | AtAdd | AtCas)
}

/// Whether a handler may park or wake others, and does not allocate.
fn only_waits(op: Op) -> bool {
    use Op::*;
    matches!(op, Send | Recv | Select | Forever | Go | GoC | MuLock | MuUnlock | WgAdd | WgDone | Gosched)
}

/// Fits the P of a context to what is to be noted now.
///
/// # Safety
/// The world is stopped, or the context is new; the list of contexts is locked.
pub unsafe fn fit(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        let recorder = &rt.env.recorder;
        let (memory, waits) = (recorder.memory.load(Relaxed), recorder.notes_waits());
        (*cx).p.note_waits(waits);
        if !(memory || waits || recorder.cpu.lock().is_some() || (*cx).sampler.is_some()) {
            return;
        }
        let s = (*cx).sampler.get_or_insert_with(|| Box::new(Sampler::new()));
        s.waits.set(waits);
        s.last_cpu.set(None);
        s.carry.set(0);
        s.last_used.set((*cx).p.instructions());
        for (plain, table) in s.plain.borrow_mut().iter_mut().zip([&ops::TABLE, &marking::TABLE]) {
            *plain = table.to_vec();
            plain[Op::CallN as usize] = H(native);
            if memory || waits {
                let is_loud = |op: Op| !is_quiet(op) && (waits || !only_waits(op)) && op != Op::CallN;
                let loud = op::TABLE.iter().map(|t| t.0).filter(|&op| is_loud(op));
                loud.for_each(|op| plain[op as usize] = H(noted));
            }
        }
        (*cx).cache.sample(memory.then_some(allocated), recorder.memory_rate_at.load(Relaxed), (*cx).p.id as u64);
        super::gc::set_marking(cx, (*cx).p.is_marking());
    }
}

/// Changes what is to be noted, and fits all Ps and the timer's thread to it.
///
/// # Safety
/// The world is stopped, or the run has not begun.
pub unsafe fn switch(rt: &Rt, change: &dyn Fn(&Recorder)) {
    change(&rt.env.recorder);
    let hz = rt.env.recorder.cpu.lock().as_ref().map_or(0, |c| c.hz);
    if hz == 0 {
        stop_timer(rt);
    }
    // SAFETY: the caller's.
    unsafe {
        let ctxs = rt.ctxs.lock();
        ctxs.iter().for_each(|&cx| fit(cx as *mut Ctx));
    }
    if hz > 0 {
        start_timer(rt, hz);
    }
}

/// Natives that read what was noted of the heap: a program without them need not have it noted.
const READERS: &[&str] = &["runtime.records", "runtime/pprof.snapshot"];

/// Before the run: begins to note what it is asked for.
///
/// # Safety
/// The run has its Ps and has not begun.
pub unsafe fn begin(rt: &Rt) {
    let recorder = &rt.env.recorder;
    let reads = rt.program.natives.iter().any(|n| READERS.contains(&n.name.as_str()));
    let cpu = recorder.is_asked_for(Kind::Cpu);
    if reads || cpu || recorder.notes_waits() || recorder.memory.load(Relaxed) {
        let hz = if recorder.by_instructions { 0 } else { CPU_HZ };
        let change = |r: &Recorder| {
            r.memory.fetch_or(reads, Relaxed);
            *r.cpu.lock() = cpu.then(|| Cpu::new(hz, (rt.env.clock)()));
        };
        // SAFETY: the caller's.
        unsafe { switch(rt, &change) }
    }
}

/// The program ends itself: what is not in use any more is not to be shown as if it were.
///
/// # Safety
/// On the M of `cx`, whose running G stands in an instruction, or behind its last.
pub unsafe fn before_exit(cx: *mut Ctx) {
    unsafe {
        if (*cx).rt().env.recorder.is_asked_for(Kind::Memory) {
            super::memory::collect_midway(cx);
        }
    }
}

fn start_timer(rt: &Rt, hz: i64) {
    let mut timer = rt.sampling.0.lock();
    if timer.is_some() {
        return;
    }
    let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
    let at = rt as *const Rt as usize;
    let tick = Duration::from_nanos(1_000_000_000 / hz as u64);
    let ask = move || {
        let mut next = Instant::now() + tick;
        while stopped.recv_deadline(next) == Err(RecvTimeoutError::Timeout) {
            next = (next + tick).max(Instant::now());
            // SAFETY: the run stops this thread before `Rt` and the contexts go; samplers stay where they are.
            unsafe {
                let rt = &*(at as *const Rt);
                for &cx in rt.ctxs.lock().iter() {
                    let cx = cx as *mut Ctx;
                    if (*cx).p.status.load(Relaxed) == PStatus::Running as u8
                        && let Some(s) = &(*cx).sampler
                    {
                        s.arm();
                    }
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("gmpl-profile".into()).stack_size(128 << 10).spawn(ask);
    *timer = thread.ok().map(|thread| (stop, thread));
}

/// No more samples are asked for; waits until that is so.
pub fn stop_timer(rt: &Rt) {
    let timer = rt.sampling.0.lock().take();
    if let Some((stop, thread)) = timer {
        drop(stop);
        let _ = thread.join();
    }
}

/// CPU time of the calling thread in nanoseconds.
pub fn thread_cpu_ns() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: only writes the time.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

/// Of a P that runs with its own table.
unsafe fn sampler<'a>(cx: *mut Ctx) -> &'a Sampler {
    // SAFETY: the table is the sampler's, which stays where it is.
    unsafe { (*cx).sampler.as_deref().unwrap_unchecked() }
}

// ---- handlers

/// In the place of every handler while a P is armed.
unsafe extern "C" fn sample(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe { (put_right(cx, pc, r).0)(pc, r, cx, n, t) }
}

/// Takes the sample that was asked for; returns the handler of the instruction before `pc`.
#[inline(never)]
unsafe fn put_right(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> H {
    unsafe {
        let marking = (*cx).p.is_marking();
        let s = sampler(cx);
        s.table(marking);
        // Not if the timer's thread was slow to write the whole table.
        if s.armed.swap(false, Relaxed) {
            let g = (*cx).side.g;
            (*g).base = r;
            note_cpu(cx, pc, None, 0);
        }
        s.plain.borrow()[marking as usize][*(pc.sub(1) as *const u16) as usize]
    }
}

/// Before a handler that may allocate or park.
unsafe extern "C" fn noted(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe { (note(cx, pc, r).0)(pc, r, cx, n, t) }
}

#[inline(always)]
unsafe fn note(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> H {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        note_time(cx);
        let table = if (*cx).p.is_marking() { &marking::TABLE } else { &ops::TABLE };
        *table.get_unchecked(*(pc.sub(1) as *const u16) as usize)
    }
}

/// Should the running G wait now, it is known since when.
#[inline(always)]
unsafe fn note_time(cx: *mut Ctx) {
    unsafe {
        if (*cx).sampler.as_ref().is_some_and(|s| s.waits.get()) {
            (*cx).p.look_at_clock();
        }
    }
}

/// Calls a native as `CallN` does, and knows that it runs.
unsafe extern "C" fn native(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        (*(*cx).side.g).base = r;
        let what = call_native(cx, pc);
        ops::native_called!(pc, r, cx, n - 8, t, what)
    }
}

#[inline(never)]
unsafe fn call_native(cx: *mut Ctx, pc: *const u64) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let w = *pc.sub(1);
        (*g).pc = pc.sub(1);
        note_time(cx);
        let index = op::b(w);
        // What it did on another thread.
        let spent = match (*g).resume == resume::FINISH {
            true => std::mem::take(&mut extra(g).job_ns),
            false => 0,
        };
        let s = sampler(cx);
        s.native.set(index as u32 + 1);
        let what = super::call::native(cx, (*g).base.add(op::a(w) as usize), index as usize, op::c(w) as usize);
        s.native.set(0);
        // A G that has parked may run elsewhere already.
        if what != super::call::NATIVE_PARKED && (s.armed.swap(false, Relaxed) || spent > 0) {
            note_cpu(cx, pc, Some(index), spent);
        }
        what
    }
}

// ---- samples

/// The running G has used the CPU up to here; `spent`: and more on another thread.
unsafe fn note_cpu(cx: *mut Ctx, pc: *const u64, native: Option<u16>, spent: i64) {
    unsafe {
        let rt = (*cx).rt();
        let mut cpu = rt.env.recorder.cpu.lock();
        let (Some(cpu), Some(s)) = (&mut *cpu, &(*cx).sampler) else { return };
        if cpu.hz == 0 {
            return;
        }
        let (now, period) = (thread_cpu_ns(), cpu.period_ns());
        let since = s.last_cpu.replace(Some(now)).map_or(period, |last| now - last);
        let due = s.carry.get() + since + spent;
        let count = (due + period / 2).div_euclid(period);
        let key = key(rt, (*cx).side.g, pc, native.map(|i| NATIVE | i as u32));
        if count > 0 && !key.stack.is_empty() {
            s.carry.set(due - count * period);
            cpu.table.add(key, [count, count * period, 0, 0]);
        } else {
            s.carry.set(due);
        }
    }
}

/// A time slice has been used up.
///
/// # Safety
/// At a safepoint of a P with a sampler, the running G's state being written back.
#[cold]
#[inline(never)]
pub unsafe fn at_safepoint(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        let mut cpu = rt.env.recorder.cpu.lock();
        let (Some(cpu), Some(s)) = (&mut *cpu, &(*cx).sampler) else { return };
        if cpu.hz == 0 {
            let used = (*cx).p.instructions();
            let spent = used.wrapping_sub(s.last_used.replace(used)) as i64;
            let g = (*cx).side.g;
            // The instruction at the G's pc is the next.
            let key = key(rt, g, (*g).pc.add(1), None);
            cpu.table.add(key, [1, spent.max(0), 0, 0]);
        }
    }
}

/// An object was allocated that is to be noted.
///
/// # Safety
/// The cache is that of a context, whose running G's state says where it is.
unsafe fn allocated(cache: *mut Cache, at: u64, bytes: usize) {
    unsafe {
        let cx = (cache as *mut u8).sub(std::mem::offset_of!(Ctx, cache)) as *mut Ctx;
        let (rt, g) = ((*cx).rt(), (*cx).side.g);
        if g.is_null() {
            return;
        }
        let native = (*cx).sampler.as_ref().and_then(|s| s.native.get().checked_sub(1));
        let pc = if native.is_some() { (*g).pc.add(1) } else { (*g).pc };
        let key = Key { size: bytes as u64, labels: None, ..key(rt, g, pc, native.map(|i| NATIVE | i)) };
        let i = rt.env.recorder.heap.lock().add(key, [1, bytes as i64, 0, 0]);
        rt.env.heap.watch_sample(at, i, bytes as u64);
    }
}

/// A G that waited is readied.
///
/// # Safety
/// The G was just taken off its queue by the P's M.
pub unsafe fn woke(p: &mut P, g: *mut G) {
    unsafe {
        let cx = Ctx::of(p);
        let rt = (*cx).rt();
        let Some(s) = &(*cx).sampler else { return };
        let shown = rt.env.door.shows_clock();
        let waited = if shown { (rt.sched.decide.now() - (*g).since_ns).max(1) } else { 1 };
        let recorder = &rt.env.recorder;
        use WaitReason as W;
        let reason = (*g).wait_reason();
        let locks = matches!(reason, W::MutexLock | W::RWMutexRLock | W::RWMutexLock);
        let noted = locks
            || matches!(
                reason,
                W::ChanReceive | W::ChanSend | W::Select | W::WaitGroupWait | W::CondWait | W::Semacquire
            );
        let rate = recorder.block_rate.load(Relaxed);
        if noted && rate > 0 && (waited >= rate || s.below(rate) <= waited) {
            // Short waits stand for those that were not noted.
            let n = if waited < rate { rate / waited } else { 1 };
            recorder.block.lock().add(waiting(rt, g), [n, waited.max(rate.min(n * waited)), 0, 0]);
        }
        let (rate, me) = (recorder.mutex_rate.load(Relaxed), (*cx).side.g);
        if locks && rate > 0 && s.below(rate) == 0 && !me.is_null() {
            let native = s.native.get().checked_sub(1).map(|i| NATIVE | i).or(called(rt, (*me).pc));
            let key = Key { labels: None, ..key(rt, me, (*me).pc.add(1), native) };
            recorder.mutex.lock().add(key, [rate, waited.saturating_mul(rate), 0, 0]);
        }
    }
}

/// The native that the instruction at `pc` calls.
unsafe fn called(rt: &Rt, pc: *const u64) -> Option<u32> {
    let known = rt.program.func_at(rt.index_of(pc)).is_some();
    // SAFETY: within the code.
    let w = unsafe { *pc };
    (known && Op::from_word(w).is_some_and(Op::calls_native)).then(|| NATIVE | op::b(w) as u32)
}

/// Where a G stands: its innermost frame is at the instruction before `pc`, perhaps in `leaf`.
unsafe fn key(rt: &Rt, g: *mut G, pc: *const u64, leaf: Option<u32>) -> Key {
    unsafe {
        let mut stack: Vec<u32> = leaf.into_iter().collect();
        traceback::walk_until(rt, g, pc, &mut |step| {
            match step {
                Step::Frame(func, at, _) if !func.hidden => stack.extend(func.frames_at(at)),
                _ => {}
            }
            if stack.len() < MAX_FRAMES { Continue(()) } else { Break(()) }
        });
        Key { stack: stack.into(), labels: labels(g), size: 0 }
    }
}

/// As [`key`], of a G that does not run.
///
/// # Safety
/// The caller may look at the G.
pub unsafe fn waiting(rt: &Rt, g: *mut G) -> Key {
    unsafe {
        use WaitReason as W;
        // Who is to do its instruction again stands before it.
        let again = (*g).status() != Status::Runnable && (*g).resume != resume::NONE;
        let pc = if again { (*g).pc.add(1) } else { (*g).pc };
        let leaf = match (*g).wait_reason() {
            _ if (*g).status() != Status::Waiting => None,
            W::ChanReceive | W::ChanSend | W::ChanReceiveNil | W::ChanSendNil | W::Select | W::SelectNoCases => {
                Some(WAIT | (*g).wait_reason() as u32)
            }
            _ => called(rt, pc.sub(1)),
        };
        key(rt, g, pc, leaf)
    }
}

/// The labels that package `runtime/pprof` has given a G: a slice of keys and values.
unsafe fn labels(g: *mut G) -> Labels {
    unsafe {
        if (*g).labels == 0 {
            return None;
        }
        let list = slice::parts((*g).labels);
        let text = |i: usize| {
            let word = slice::load((list.data as *const u64).add(i));
            String::from_utf8_lossy(string::bytes(word)).into_owned()
        };
        Some((0..list.len / 2).map(|i| (text(2 * i), text(2 * i + 1))).collect())
    }
}

/// All goroutines, those that stand at one place together.
///
/// # Safety
/// The world is stopped.
pub unsafe fn goroutines(rt: &Rt) -> Table {
    let mut table = Table::default();
    rt.sched.slabs.each(&mut |g| {
        // SAFETY: a G of a slab; the world is stopped.
        unsafe {
            if (*g).status() != Status::Dead {
                table.add(waiting(rt, g), [1, 0, 0, 0]);
            }
        }
    });
    table
}
