//! The handlers, in the order of the opcode table.
//!
//! Rules for a handler: no local with a destructor, no local whose address leaves it, and nothing after the tail call;
//! what is slow or may allocate goes to a function in `slow`, `call` or `unwind` marked cold or never inlined. A
//! handler that ends in `fail!` goes to `fail` in tail position.
//!
//! # Safety
//! Handlers are only entered with a pc into loaded code, whose operands the compiler has kept inside the frame, on the
//! M that owns the context. Heap words are accessed one at a time, as relaxed atomics are on the machines we run
//! on; every word is valid for its slot's type whenever it is read.
#![allow(non_snake_case)]
use super::ctx::{Ctx, Entry};
use super::{call, fail, slow, unwind};
use crate::bytecode::op::Op;
use crate::bytecode::program::iface;
use crate::heap::ShapeId;
use crate::sched::solo::Solo;
use crate::sched::trace::Kind;
use crate::sched::wait::WaitReason;
use crate::sync::chan::{Chan, Received, Sent};
use crate::sync::sema::SemaTable;
use crate::value::{iface as ifv, slice, string};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

/// Compare-and-swap of a lock's word.
#[inline(always)]
unsafe fn swap(w: *const AtomicU64, old: u64, new: u64, solo: &Solo) -> bool {
    unsafe {
        if !solo.enter() {
            return (*w).compare_exchange(old, new, SeqCst, Relaxed).is_ok();
        }
        let is_old = (*w).load(Relaxed) == old;
        if is_old {
            (*w).store(new, Relaxed);
        }
        solo.leave();
        is_old
    }
}

/// Changes a lock's word, if `to` gives what it becomes.
#[inline(always)]
unsafe fn update(w: *const AtomicU64, solo: &Solo, to: impl Fn(u64) -> Option<u64>) -> bool {
    unsafe {
        let s = (*w).load(Relaxed);
        to(s).is_some_and(|new| swap(w, s, new, solo))
    }
}

/// Adds to a WaitGroup's counter, if nobody is to be woken and nothing is wrong.
#[inline(always)]
unsafe fn group_add(w: *const AtomicU64, delta: i64, solo: &Solo) -> bool {
    unsafe {
        if w.is_null() {
            return false;
        }
        let old = (*w).load(Relaxed);
        let new = (old as i64).wrapping_add(delta);
        let plain = 1..=i32::MAX as i64;
        plain.contains(&(old as i64)) && plain.contains(&new) && swap(w, old, new as u64, solo)
    }
}

pub type HandlerFn = unsafe extern "C" fn(*const u64, *mut u64, *mut Ctx, i64, *const H) -> u64;

#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct H(pub HandlerFn);

/// What a handler returns to the M's loop.
pub mod back {
    /// This P has no G to run: find one.
    pub const NEED_G: u64 = 0;
    /// The portable driver: enter the instruction at `Ctx::pc`.
    pub const CONTINUE: u64 = 1;
    /// The run has ended.
    pub const EXIT: u64 = 2;
}

#[macro_export]
macro_rules! next {
    ($pc:expr, $r:expr, $cx:expr, $n:expr, $t:expr) => {{
        let pc: *const u64 = $pc;
        let op = *(pc as *const u16) as usize;
        return ((*$t.add(op)).0)(pc.add(1), $r, $cx, $n, $t);
    }};
}

/// Enters a G that is to run.
#[macro_export]
macro_rules! enter {
    ($g:expr, $cx:expr, $t:expr) => {{
        let g: *mut $crate::sched::g::G = $g;
        if (*$cx).p.is_away(g) {
            return $crate::interp::call::send_home($cx, g);
        }
        (*g).set_status($crate::sched::g::Status::Running);
        (*$cx).side.g = g;
        (*$cx).stack_end = (*g).stack_end;
        if (*$cx).p.unusual {
            $crate::interp::gc::before_run($cx, g);
        }
        $crate::next!((*g).pc, (*g).base, $cx, (*$cx).p.budget, $t)
    }};
}

/// The running G has parked or ended: on to the next.
#[macro_export]
macro_rules! resched {
    ($cx:expr, $t:expr) => {{
        let g = (*$cx).p.next_local();
        if !g.is_null() {
            $crate::enter!(g, $cx, $t)
        }
        return $crate::interp::ops::back::NEED_G;
    }};
}

macro_rules! a {
    ($pc:ident) => {
        *($pc as *const u16).sub(3) as usize
    };
}
macro_rules! b {
    ($pc:ident) => {
        *($pc as *const u16).sub(2) as usize
    };
}
macro_rules! c {
    ($pc:ident) => {
        *($pc as *const u16).sub(1) as usize
    };
}
macro_rules! sb {
    ($pc:ident) => {
        *($pc as *const i16).sub(2) as i64
    };
}
macro_rules! sc {
    ($pc:ident) => {
        *($pc as *const i16).sub(1) as i64
    };
}
macro_rules! x {
    ($pc:ident) => {
        *($pc as *const i32).sub(1) as isize
    };
}
macro_rules! ra {
    ($pc:ident, $r:ident) => {
        *$r.add(a!($pc))
    };
}
/// Clears the pointer slots of a frame that begins, as the function's header word says.
macro_rules! clear_pointers {
    ($base:ident, $header:ident) => {
        let zero = ($header >> 48) as usize;
        if zero != 0 {
            let z = $base.add(($header >> 32) as u16 as usize);
            for i in 0..zero {
                z.add(i).write_volatile(0);
            }
        }
    };
}

macro_rules! rb {
    ($pc:ident, $r:ident) => {
        *$r.add(b!($pc))
    };
}
macro_rules! rc {
    ($pc:ident, $r:ident) => {
        *$r.add(c!($pc))
    };
}
/// A slot as a float.
macro_rules! f {
    ($e:expr) => {
        f64::from_bits($e)
    };
}
/// Keeps LLVM from turning the two arms of a branch into a conditional move.
macro_rules! keep {
    ($pc:ident) => {
        #[cfg(not(miri))]
        core::arch::asm!("/* {0} */", inout(reg) $pc, options(pure, nomem, nostack, preserves_flags));
    };
}
macro_rules! fail {
    ($f:ident, $pc:ident, $r:ident, $cx:ident, $n:ident, $t:ident) => {
        return fail::$f($pc, $r, $cx, $n, $t)
    };
}

/// Goes on after an instruction that may have allocated much, or taken long.
macro_rules! grown {
    ($pc:expr, $r:ident, $cx:ident, $n:ident, $t:ident) => {{
        let pc: *const u64 = $pc;
        if (*$cx).cache.overdue {
            return call::overdue(pc, $r, $cx, $n, $t);
        }
        next!(pc, $r, $cx, $n, $t)
    }};
}

/// Goes on after a native, as what it gave says.
macro_rules! native_called {
    ($pc:ident, $r:ident, $cx:ident, $n:expr, $t:ident, $what:ident) => {{
        let n: i64 = $n;
        match $what {
            $crate::interp::call::NATIVE_DONE => {
                if n < 0 {
                    return $crate::interp::call::safepoint($pc, $r, $cx, n, $t);
                }
                $crate::next!($pc, $r, $cx, n, $t)
            }
            $crate::interp::call::NATIVE_PARKED => {
                (*$cx).p.budget = n;
                $crate::resched!($cx, $t)
            }
            other => $crate::interp::call::native_rest($pc, $r, $cx, n, $t, other),
        }
    }};
}
pub(super) use native_called;

macro_rules! handlers {
    ($($name:ident($pc:ident, $r:ident, $cx:ident, $n:ident, $t:ident) $body:block)*) => {
        $(pub unsafe extern "C" fn $name($pc: *const u64, $r: *mut u64, $cx: *mut Ctx, $n: i64, $t: *const H) -> u64 {
            unsafe { $body }
        })*
    };
}

/// `R[a] = f(R[b], R[c])`
macro_rules! binary {
    ($($name:ident |$x:ident, $y:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $y) = (rb!(pc, r), rc!(pc, r));
        ra!(pc, r) = $e;
        next!(pc, r, cx, n, t)
    })* } };
}
/// `R[a] = f(R[b], c)` with a signed immediate.
macro_rules! immediate {
    ($($name:ident |$x:ident, $k:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $k) = (rb!(pc, r), sc!(pc));
        ra!(pc, r) = $e;
        next!(pc, r, cx, n, t)
    })* } };
}
/// `R[a] = f(R[b])`
macro_rules! unary {
    ($($name:ident |$x:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let $x = rb!(pc, r);
        ra!(pc, r) = $e;
        next!(pc, r, cx, n, t)
    })* } };
}
/// Compare two slots and jump forward.
macro_rules! jumps {
    ($($name:ident |$x:ident, $y:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $y) = (ra!(pc, r), rb!(pc, r));
        if $e {
            let mut pc = pc.offset(sc!(pc) as isize);
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc, r, cx, n, t)
    })* } };
}
/// Compare a slot with an immediate and jump forward.
macro_rules! jumps_k {
    ($($name:ident |$x:ident, $k:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $k) = (ra!(pc, r) as i64, sb!(pc));
        if $e {
            let mut pc = pc.offset(sc!(pc) as isize);
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc, r, cx, n, t)
    })* } };
}
macro_rules! back_edge {
    ($pc:ident, $r:ident, $cx:ident, $n:ident, $t:ident, $off:expr) => {{
        let off: isize = $off;
        let pc = $pc.offset(off);
        let n = $n + off as i64;
        if n < 0 {
            return call::safepoint(pc, $r, $cx, n, $t);
        }
        next!(pc, $r, $cx, n, $t)
    }};
}
/// The next iteration of a loop over a slice, which is as long as it was when the loop began.
macro_rules! next_element {
    ($pc:ident, $r:ident, $cx:ident, $n:ident, $t:ident, $ty:ty) => {{
        let loop_slots = $r.add(a!($pc));
        let i = (*loop_slots.add(1)).wrapping_add(1);
        *loop_slots.add(1) = i;
        if (i as i64) < *loop_slots as i64 {
            let data = *(rb!($pc, $r) as *const u64) as *const $ty;
            *loop_slots.add(2) = element!($ty, data.add(i as usize));
            back_edge!($pc, $r, $cx, $n, $t, sc!($pc) as isize)
        }
        next!($pc, $r, $cx, $n, $t)
    }};
}
/// The word of an element of a slice.
macro_rules! element {
    (u64, $p:expr) => {
        slice::load($p)
    };
    ($ty:ty, $p:expr) => {
        *$p as i64 as u64
    };
}
/// The element of a slice in a slice.
macro_rules! element_2 {
    ($pc:ident, $r:ident, $cx:ident, $n:ident, $t:ident, $ty:ty) => {{
        let (h, i) = (rb!($pc, $r) as *const u64, rc!($pc, $r));
        if h.is_null() || i >= slice::load(h.add(1)) {
            fail!(index_slice, $pc, $r, $cx, $n, $t)
        }
        let (row, j) = (slice::load((*h as *const u64).add(i as usize)) as *const u64, *$r.add(*$pc as usize));
        let pc = $pc.add(1);
        if row.is_null() || j >= slice::load(row.add(1)) {
            fail!(index_second, pc, $r, $cx, $n, $t)
        }
        ra!($pc, $r) = element!($ty, (*row as *const $ty).add(j as usize));
        next!(pc, $r, $cx, $n, $t)
    }};
}
/// Compare two slots and jump back.
macro_rules! loops {
    ($($name:ident |$x:ident, $y:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $y) = (ra!(pc, r), rb!(pc, r));
        if $e { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    })* } };
}
macro_rules! loops_k {
    ($($name:ident |$x:ident, $k:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $k) = (ra!(pc, r) as i64, sb!(pc));
        if $e { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    })* } };
}

/// Compare a slot with the extra word and jump forward.
macro_rules! jumps_x {
    ($($name:ident |$x:ident, $k:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $k) = (ra!(pc, r) as i64, *pc as i64);
        if $e {
            let mut pc = pc.offset(sc!(pc) as isize + 1);
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc.add(1), r, cx, n, t)
    })* } };
}
macro_rules! loops_x {
    ($($name:ident |$x:ident, $k:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $k) = (ra!(pc, r) as i64, *pc as i64);
        if $e { back_edge!(pc, r, cx, n, t, sc!(pc) as isize + 1) }
        next!(pc.add(1), r, cx, n, t)
    })* } };
}

binary! {
    Add |x, y| x.wrapping_add(y);
    Sub |x, y| x.wrapping_sub(y);
    Mul |x, y| x.wrapping_mul(y);
    And |x, y| x & y;
    Or |x, y| x | y;
    Xor |x, y| x ^ y;
    AndNot |x, y| x & !y;
    Shl |x, y| if y < 64 { x << y } else { 0 };
    ShrI |x, y| (x as i64 >> y.min(63)) as u64;
    ShrU |x, y| if y < 64 { x >> y } else { 0 };
    AddF |x, y| (f!(x) + f!(y)).to_bits();
    SubF |x, y| (f!(x) - f!(y)).to_bits();
    MulF |x, y| (f!(x) * f!(y)).to_bits();
    DivF |x, y| (f!(x) / f!(y)).to_bits();
    Eq |x, y| (x == y) as u64;
    Ne |x, y| (x != y) as u64;
    LtI |x, y| ((x as i64) < y as i64) as u64;
    LeI |x, y| (x as i64 <= y as i64) as u64;
    LtU |x, y| (x < y) as u64;
    LeU |x, y| (x <= y) as u64;
    EqF |x, y| (f!(x) == f!(y)) as u64;
    NeF |x, y| (f!(x) != f!(y)) as u64;
    LtF |x, y| (f!(x) < f!(y)) as u64;
    LeF |x, y| (f!(x) <= f!(y)) as u64;
    EqS |x, y| slow::str_eq(x, y) as u64;
    NeS |x, y| !slow::str_eq(x, y) as u64;
    LtS |x, y| (string::bytes(x) < string::bytes(y)) as u64;
    LeS |x, y| (string::bytes(x) <= string::bytes(y)) as u64;
}

/// What a negative number needs for a division by 2^k that shifts: such shifts round down, Go rounds toward zero.
#[inline(always)]
fn toward_zero(x: u64, k: i64) -> i64 {
    ((x as i64 >> 63) as u64 >> (64 - k & 63)) as i64
}

/// The quotient by the constant that `m` and `shift` were made for: see `compile::divide`.
#[inline(always)]
fn quotient(x: u64, m: u64, shift: usize) -> u64 {
    let high = (x as i64 as i128 * m as i64 as i128 >> 64) as i64;
    let q = high.wrapping_add(x as i64 & (m as i64 >> 63)) >> (shift & 63);
    (q as u64).wrapping_add(q as u64 >> 63)
}

/// `R[a] = f(R[b], extra word)`
macro_rules! long {
    ($($name:ident |$x:ident, $k:ident| $e:expr;)*) => { handlers! { $($name(pc, r, cx, n, t) {
        let ($x, $k) = (rb!(pc, r), *pc);
        ra!(pc, r) = $e;
        next!(pc.add(1), r, cx, n, t)
    })* } };
}

long! {
    AddL |x, k| x.wrapping_add(k);
    MulL |x, k| x.wrapping_mul(k);
    AndL |x, k| x & k;
    OrL |x, k| x | k;
    XorL |x, k| x ^ k;
}

handlers! {
    DivM(pc, r, cx, n, t) {
        ra!(pc, r) = quotient(rb!(pc, r), *pc, c!(pc));
        next!(pc.add(1), r, cx, n, t)
    }
    RemM(pc, r, cx, n, t) {
        let x = rb!(pc, r);
        ra!(pc, r) = x.wrapping_sub(quotient(x, *pc, c!(pc)).wrapping_mul(*pc.add(1)));
        next!(pc.add(2), r, cx, n, t)
    }
}

immediate! {
    AddK |x, k| x.wrapping_add(k as u64);
    RsbK |x, k| (k as u64).wrapping_sub(x);
    MulK |x, k| x.wrapping_mul(k as u64);
    DivIK |x, k| (x as i64).wrapping_div(if k == 0 { 1 } else { k }) as u64;
    RemIK |x, k| (x as i64).wrapping_rem(if k == 0 { 1 } else { k }) as u64;
    DivP2 |x, k| ((x as i64).wrapping_add(toward_zero(x, k)) >> (k & 63)) as u64;
    RemP2 |x, k| {
        let up = toward_zero(x, k);
        ((x as i64).wrapping_add(up) & ((1 << (k & 63)) - 1)).wrapping_sub(up) as u64
    };
    DivUK |x, k| x / (k as u16 as u64).max(1);
    RemUK |x, k| x % (k as u16 as u64).max(1);
    AndK |x, k| x & k as u64;
    OrK |x, k| x | k as u64;
    XorK |x, k| x ^ k as u64;
    ShlK |x, k| x << (k & 63);
    ShrIK |x, k| (x as i64 >> (k & 63)) as u64;
    ShrUK |x, k| x >> (k & 63);
    EqK |x, k| (x as i64 == k) as u64;
    NeK |x, k| (x as i64 != k) as u64;
}

unary! {
    Mov |x| x;
    Neg |x| x.wrapping_neg();
    Not |x| x ^ 1;
    ExtI8 |x| x as i8 as i64 as u64;
    ExtI16 |x| x as i16 as i64 as u64;
    ExtI32 |x| x as i32 as i64 as u64;
    ExtU8 |x| x as u8 as u64;
    ExtU16 |x| x as u16 as u64;
    ExtU32 |x| x as u32 as u64;
    NegF |x| x ^ 1 << 63;
    RoundF32 |x| (f!(x) as f32 as f64).to_bits();
    WidenF32 |x| (f32::from_bits(x as u32) as f64).to_bits();
    NarrowF32 |x| (f!(x) as f32).to_bits() as u64;
    I2F |x| (x as i64 as f64).to_bits();
    U2F |x| (x as f64).to_bits();
    I2F32 |x| (x as i64 as f32 as f64).to_bits();
    U2F32 |x| (x as f32 as f64).to_bits();
    F2I |x| slow::f2i(f!(x)) as u64;
    F2U |x| slow::f2u(f!(x));
    SqrtF |x| f!(x).sqrt().to_bits();
    AbsF |x| x & !(1 << 63);
    FloorF |x| f!(x).floor().to_bits();
    CeilF |x| f!(x).ceil().to_bits();
    TruncF |x| f!(x).trunc().to_bits();
    LenStr |x| string::len(x) as u64;
    LenSlice |x| if x == 0 { 0 } else { slice::load((x as *const u64).add(1)) };
    CapSlice |x| if x == 0 { 0 } else { slice::load((x as *const u64).add(2)) & !slice::OWNED };
    LenChan |x| if x == 0 { 0 } else { (*(x as *const Chan)).len() };
    CapChan |x| if x == 0 { 0 } else { (*(x as *const Chan)).capacity() };
    UnP |x| x & iface::PAYLOAD;
    UnI |x| ifv::as_int(x) as u64;
    UnU |x| ifv::as_uint(x);
    UnF |x| ifv::as_float(x).to_bits();
}

jumps! {
    JLt |x, y| (x as i64) < y as i64;
    JLe |x, y| x as i64 <= y as i64;
    JLtU |x, y| x < y;
    JLeU |x, y| x <= y;
    JEq |x, y| x == y;
    JNe |x, y| x != y;
    JLtF |x, y| f!(x) < f!(y);
    JLeF |x, y| f!(x) <= f!(y);
    JNltF |x, y| !(f!(x) < f!(y));
    JNleF |x, y| !(f!(x) <= f!(y));
    JEqF |x, y| f!(x) == f!(y);
    JNeF |x, y| f!(x) != f!(y);
    JEqS |x, y| slow::str_eq(x, y);
    JNeS |x, y| !slow::str_eq(x, y);
}
jumps_k! {
    JLtK |x, k| x < k;
    JLeK |x, k| x <= k;
    JGtK |x, k| x > k;
    JGeK |x, k| x >= k;
    JEqK |x, k| x == k;
    JNeK |x, k| x != k;
}
jumps_x! {
    JLtX |x, k| x < k;
    JLeX |x, k| x <= k;
    JGtX |x, k| x > k;
    JGeX |x, k| x >= k;
    JEqX |x, k| x == k;
    JNeX |x, k| x != k;
}
loops_x! {
    LLtX |x, k| x < k;
    LLeX |x, k| x <= k;
    LGtX |x, k| x > k;
    LGeX |x, k| x >= k;
    LEqX |x, k| x == k;
    LNeX |x, k| x != k;
}
loops! {
    LLt |x, y| (x as i64) < y as i64;
    LLe |x, y| x as i64 <= y as i64;
    LLtU |x, y| x < y;
    LLeU |x, y| x <= y;
    LEq |x, y| x == y;
    LNe |x, y| x != y;
}
loops_k! {
    LLtK |x, k| x < k;
    LLeK |x, k| x <= k;
    LGtK |x, k| x > k;
    LGeK |x, k| x >= k;
    LEqK |x, k| x == k;
    LNeK |x, k| x != k;
}

// What is left of instructions that are quickly done most often.

#[inline(never)]
unsafe extern "C" fn map_get_rest(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        if !slow::map_get(cx, *pc as u32, rb!(pc, r), r.add(c!(pc)), r.add(a!(pc)), false) {
            fail!(trapped, pc, r, cx, n, t)
        }
        next!(pc.add(1), r, cx, n, t)
    }
}

#[inline(never)]
unsafe extern "C" fn map_set_rest(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        if !slow::map_set(cx, pc, rb!(pc, r), r.add(c!(pc)), r.add(a!(pc))) {
            fail!(trapped, pc, r, cx, n, t)
        }
        grown!(pc.add(1), r, cx, n, t)
    }
}

handlers! {
    Nop(pc, r, cx, n, t) { next!(pc, r, cx, n, t) }
    Mov2(pc, r, cx, n, t) {
        let (x, y) = (rb!(pc, r), *r.add(b!(pc) + 1));
        ra!(pc, r) = x;
        *r.add(a!(pc) + 1) = y;
        next!(pc, r, cx, n, t)
    }
    MovN(pc, r, cx, n, t) {
        let (d, s, k) = (r.add(a!(pc)), r.add(b!(pc)), c!(pc));
        slow::move_words(d, s, k);
        next!(pc, r, cx, n, t)
    }
    LdI(pc, r, cx, n, t) {
        ra!(pc, r) = x!(pc) as i64 as u64;
        next!(pc, r, cx, n, t)
    }
    LdK(pc, r, cx, n, t) {
        ra!(pc, r) = *(*cx).consts.add(x!(pc) as u32 as usize);
        next!(pc, r, cx, n, t)
    }
    ZeroN(pc, r, cx, n, t) {
        let (d, k) = (r.add(a!(pc)), b!(pc));
        for i in 0..k {
            d.add(i).write_volatile(0);
        }
        next!(pc, r, cx, n, t)
    }
    LdG(pc, r, cx, n, t) {
        ra!(pc, r) = slice::load((*cx).globals.add(x!(pc) as u32 as usize));
        next!(pc, r, cx, n, t)
    }
    StG(pc, r, cx, n, t) {
        slice::store((*cx).globals.add(x!(pc) as u32 as usize), ra!(pc, r));
        next!(pc, r, cx, n, t)
    }
    GAddr(pc, r, cx, n, t) {
        ra!(pc, r) = (*cx).globals.add(x!(pc) as u32 as usize) as u64;
        next!(pc, r, cx, n, t)
    }
    DivI(pc, r, cx, n, t) {
        let d = rc!(pc, r) as i64;
        if d == 0 { fail!(divide, pc, r, cx, n, t) }
        ra!(pc, r) = (rb!(pc, r) as i64).wrapping_div(d) as u64;
        next!(pc, r, cx, n, t)
    }
    DivU(pc, r, cx, n, t) {
        let d = rc!(pc, r);
        if d == 0 { fail!(divide, pc, r, cx, n, t) }
        ra!(pc, r) = rb!(pc, r) / d;
        next!(pc, r, cx, n, t)
    }
    RemI(pc, r, cx, n, t) {
        let d = rc!(pc, r) as i64;
        if d == 0 { fail!(divide, pc, r, cx, n, t) }
        ra!(pc, r) = (rb!(pc, r) as i64).wrapping_rem(d) as u64;
        next!(pc, r, cx, n, t)
    }
    RemU(pc, r, cx, n, t) {
        let d = rc!(pc, r);
        if d == 0 { fail!(divide, pc, r, cx, n, t) }
        ra!(pc, r) = rb!(pc, r) % d;
        next!(pc, r, cx, n, t)
    }
    ChkShift(pc, r, cx, n, t) {
        if (ra!(pc, r) as i64) < 0 { fail!(negative_shift, pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    AddC(pc, r, cx, n, t) { slow::complex(pc, r, Op::AddC); next!(pc, r, cx, n, t) }
    SubC(pc, r, cx, n, t) { slow::complex(pc, r, Op::SubC); next!(pc, r, cx, n, t) }
    MulC(pc, r, cx, n, t) { slow::complex(pc, r, Op::MulC); next!(pc, r, cx, n, t) }
    DivC(pc, r, cx, n, t) { slow::complex(pc, r, Op::DivC); next!(pc, r, cx, n, t) }
    EqC(pc, r, cx, n, t) {
        let (x, y) = (r.add(b!(pc)), r.add(c!(pc)));
        ra!(pc, r) = (f!(*x) == f!(*y) && f!(*x.add(1)) == f!(*y.add(1))) as u64;
        next!(pc, r, cx, n, t)
    }
    WidenC64(pc, r, cx, n, t) {
        let w = rb!(pc, r);
        ra!(pc, r) = (f32::from_bits(w as u32) as f64).to_bits();
        *r.add(a!(pc) + 1) = (f32::from_bits((w >> 32) as u32) as f64).to_bits();
        next!(pc, r, cx, n, t)
    }
    NarrowC64(pc, r, cx, n, t) {
        let (re, im) = (f!(rb!(pc, r)) as f32, f!(*r.add(b!(pc) + 1)) as f32);
        ra!(pc, r) = re.to_bits() as u64 | (im.to_bits() as u64) << 32;
        next!(pc, r, cx, n, t)
    }
    EqIface(pc, r, cx, n, t) {
        let (x, y) = (rb!(pc, r), rc!(pc, r));
        match slow::eq_iface(cx, x, y) {
            Some(eq) => ra!(pc, r) = eq as u64,
            None => fail!(trapped, pc, r, cx, n, t),
        }
        next!(pc, r, cx, n, t)
    }
    EqT(pc, r, cx, n, t) {
        match slow::eq_values(cx, *pc as u32, r.add(b!(pc)), r.add(c!(pc))) {
            Some(eq) => ra!(pc, r) = eq as u64,
            None => fail!(trapped, pc, r, cx, n, t),
        }
        next!(pc.add(1), r, cx, n, t)
    }
    MacF(pc, r, cx, n, t) {
        ra!(pc, r) = (f!(ra!(pc, r)) + f!(rb!(pc, r)) * f!(rc!(pc, r))).to_bits();
        next!(pc, r, cx, n, t)
    }
    MsbF(pc, r, cx, n, t) {
        ra!(pc, r) = (f!(ra!(pc, r)) - f!(rb!(pc, r)) * f!(rc!(pc, r))).to_bits();
        next!(pc, r, cx, n, t)
    }
    Mac(pc, r, cx, n, t) {
        ra!(pc, r) = ra!(pc, r).wrapping_add(rb!(pc, r).wrapping_mul(rc!(pc, r)));
        next!(pc, r, cx, n, t)
    }
    Jmp(pc, r, cx, n, t) { next!(pc.offset(x!(pc)), r, cx, n, t) }
    JT(pc, r, cx, n, t) {
        if ra!(pc, r) != 0 {
            let mut pc = pc.offset(x!(pc));
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc, r, cx, n, t)
    }
    JF(pc, r, cx, n, t) {
        if ra!(pc, r) == 0 {
            let mut pc = pc.offset(x!(pc));
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc, r, cx, n, t)
    }
    JIs(pc, r, cx, n, t) {
        if iface::type_of(ra!(pc, r)) as usize == b!(pc) {
            let mut pc = pc.offset(sc!(pc) as isize);
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc, r, cx, n, t)
    }
    JIsNot(pc, r, cx, n, t) {
        if iface::type_of(ra!(pc, r)) as usize != b!(pc) {
            let mut pc = pc.offset(sc!(pc) as isize);
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        next!(pc, r, cx, n, t)
    }
    Loop(pc, r, cx, n, t) { back_edge!(pc, r, cx, n, t, x!(pc)) }
    LT(pc, r, cx, n, t) {
        if ra!(pc, r) != 0 { back_edge!(pc, r, cx, n, t, x!(pc)) }
        next!(pc, r, cx, n, t)
    }
    LF(pc, r, cx, n, t) {
        if ra!(pc, r) == 0 { back_edge!(pc, r, cx, n, t, x!(pc)) }
        next!(pc, r, cx, n, t)
    }
    LIncLtX(pc, r, cx, n, t) {
        let v = ra!(pc, r).wrapping_add(1);
        ra!(pc, r) = v;
        if (v as i64) < *pc as i64 { back_edge!(pc, r, cx, n, t, sc!(pc) as isize + 1) }
        next!(pc.add(1), r, cx, n, t)
    }
    LIncLtLen(pc, r, cx, n, t) {
        let v = ra!(pc, r).wrapping_add(1);
        ra!(pc, r) = v;
        let h = rb!(pc, r) as *const u64;
        if !h.is_null() && (v as i64) < slice::load(h.add(1)) as i64 { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    }
    LIncLtStr(pc, r, cx, n, t) {
        let v = ra!(pc, r).wrapping_add(1);
        ra!(pc, r) = v;
        if (v as i64) < string::len(rb!(pc, r)) as i64 { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    }
    LIncLt(pc, r, cx, n, t) {
        let v = ra!(pc, r).wrapping_add(1);
        ra!(pc, r) = v;
        if (v as i64) < rb!(pc, r) as i64 { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    }
    LIncLe(pc, r, cx, n, t) {
        let v = ra!(pc, r).wrapping_add(1);
        ra!(pc, r) = v;
        if v as i64 <= rb!(pc, r) as i64 { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    }
    LIncLtK(pc, r, cx, n, t) {
        let v = ra!(pc, r).wrapping_add(1);
        ra!(pc, r) = v;
        if (v as i64) < sb!(pc) { back_edge!(pc, r, cx, n, t, sc!(pc) as isize) }
        next!(pc, r, cx, n, t)
    }
    LNextW(pc, r, cx, n, t) {
        next_element!(pc, r, cx, n, t, u64)
    }
    LNextU8(pc, r, cx, n, t) {
        next_element!(pc, r, cx, n, t, u8)
    }
    LNextI32(pc, r, cx, n, t) {
        next_element!(pc, r, cx, n, t, i32)
    }
    NilChk(pc, r, cx, n, t) {
        if ra!(pc, r) == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    LdN(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let src = (p as *const u8).add(c!(pc)) as *const u64;
        slow::move_words(r.add(a!(pc)), src, *pc as usize);
        next!(pc.add(1), r, cx, n, t)
    }
    StN(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let dst = (p as *mut u8).add(c!(pc)) as *mut u64;
        slow::move_words(dst, r.add(a!(pc)), *pc as usize);
        next!(pc.add(1), r, cx, n, t)
    }
    AddM(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let at = (p as *mut u8).add(c!(pc)) as *mut u64;
        slice::store(at, slice::load(at).wrapping_add(ra!(pc, r)));
        next!(pc, r, cx, n, t)
    }
    AddMF(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let at = (p as *mut u8).add(c!(pc)) as *mut u64;
        slice::store(at, (f!(slice::load(at)) + f!(ra!(pc, r))).to_bits());
        next!(pc, r, cx, n, t)
    }
    SubMF(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let at = (p as *mut u8).add(c!(pc)) as *mut u64;
        slice::store(at, (f!(slice::load(at)) - f!(ra!(pc, r))).to_bits());
        next!(pc, r, cx, n, t)
    }
    IncM(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let at = (p as *mut u8).add(c!(pc)) as *mut u64;
        slice::store(at, slice::load(at).wrapping_add(a!(pc) as i16 as i64 as u64));
        next!(pc, r, cx, n, t)
    }
    Ix2W(pc, r, cx, n, t) {
        element_2!(pc, r, cx, n, t, u64)
    }
    Ix2U8(pc, r, cx, n, t) {
        element_2!(pc, r, cx, n, t, u8)
    }
    IxWK(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, c!(pc));
        if h.is_null() || i as u64 >= slice::load(h.add(1)) { fail!(index_constant, pc, r, cx, n, t) }
        ra!(pc, r) = slice::load((*h as *const u64).add(i));
        next!(pc, r, cx, n, t)
    }
    SxWK(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, c!(pc));
        if h.is_null() || i as u64 >= slice::load(h.add(1)) { fail!(index_constant, pc, r, cx, n, t) }
        slice::store((*h as *mut u64).add(i), ra!(pc, r));
        next!(pc, r, cx, n, t)
    }
    AddX(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, rc!(pc, r));
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        let at = (*h as *mut u64).add(i as usize);
        slice::store(at, slice::load(at).wrapping_add(ra!(pc, r)));
        next!(pc, r, cx, n, t)
    }
    AddXF(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, rc!(pc, r));
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        let at = (*h as *mut u64).add(i as usize);
        slice::store(at, (f!(slice::load(at)) + f!(ra!(pc, r))).to_bits());
        next!(pc, r, cx, n, t)
    }
    SubXF(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, rc!(pc, r));
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        let at = (*h as *mut u64).add(i as usize);
        slice::store(at, (f!(slice::load(at)) - f!(ra!(pc, r))).to_bits());
        next!(pc, r, cx, n, t)
    }
    IncX(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, rc!(pc, r));
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        let at = (*h as *mut u64).add(i as usize);
        slice::store(at, slice::load(at).wrapping_add(a!(pc) as i16 as i64 as u64));
        next!(pc, r, cx, n, t)
    }
    Lea(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        ra!(pc, r) = p + *pc;
        next!(pc.add(1), r, cx, n, t)
    }
    LdB(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let (to, bytes) = (r.add(a!(pc)), *pc as usize);
        *to.add((bytes - 1) / 8) = 0;
        std::ptr::copy((p as *const u8).add(c!(pc)), to as *mut u8, bytes);
        next!(pc.add(1), r, cx, n, t)
    }
    StB(pc, r, cx, n, t) {
        let p = rb!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        std::ptr::copy(r.add(a!(pc)) as *const u8, (p as *mut u8).add(c!(pc)), *pc as usize);
        next!(pc.add(1), r, cx, n, t)
    }
    CopyB(pc, r, cx, n, t) {
        let (d, s) = (ra!(pc, r), rb!(pc, r));
        if d == 0 || s == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        std::ptr::copy(s as *const u8, d as *mut u8, *pc as usize);
        next!(pc.add(1), r, cx, n, t)
    }
    CopyN(pc, r, cx, n, t) {
        let (d, s) = (ra!(pc, r), rb!(pc, r));
        if d == 0 || s == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        slow::move_words(d as *mut u64, s as *const u64, *pc as usize);
        next!(pc.add(1), r, cx, n, t)
    }
    IxN(pc, r, cx, n, t) {
        let (h, i, k) = (rb!(pc, r) as *const u64, rc!(pc, r), *pc as usize);
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        slow::move_words(r.add(a!(pc)), (*h as *const u64).add(i as usize * k), k);
        next!(pc.add(1), r, cx, n, t)
    }
    SxN(pc, r, cx, n, t) {
        let (h, i, k) = (rb!(pc, r) as *const u64, rc!(pc, r), *pc as usize);
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        slow::move_words((*h as *mut u64).add(i as usize * k), r.add(a!(pc)), k);
        next!(pc.add(1), r, cx, n, t)
    }
    IxAddr(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, rc!(pc, r));
        if h.is_null() || i >= slice::load(h.add(1)) { fail!(index_slice, pc, r, cx, n, t) }
        ra!(pc, r) = *h + i * *pc;
        next!(pc.add(1), r, cx, n, t)
    }
    IxStr(pc, r, cx, n, t) {
        let (h, i) = (rb!(pc, r) as *const u64, rc!(pc, r));
        if h.is_null() || i >= *h.add(1) { fail!(index_string, pc, r, cx, n, t) }
        ra!(pc, r) = *(*h as *const u8).add(i as usize) as u64;
        next!(pc, r, cx, n, t)
    }
    ChkIx(pc, r, cx, n, t) {
        if ra!(pc, r) >= rb!(pc, r) { fail!(index_checked, pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    ChkIxK(pc, r, cx, n, t) {
        if ra!(pc, r) >= x!(pc) as u32 as u64 { fail!(index_checked_k, pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    ArrAddr(pc, r, cx, n, t) {
        let (p, i, w) = (rb!(pc, r), rc!(pc, r), *pc);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        if i >= w >> 32 { fail!(index_array, pc, r, cx, n, t) }
        ra!(pc, r) = p + i * (w as u32 as u64);
        next!(pc.add(1), r, cx, n, t)
    }
    FxN(pc, r, cx, n, t) {
        let (i, w) = (rc!(pc, r), *pc);
        if i >= w as u32 as u64 { fail!(index_array_low, pc, r, cx, n, t) }
        let k = (w >> 32) as usize;
        slow::move_words(r.add(a!(pc)), r.add(b!(pc) + i as usize * k), k);
        next!(pc.add(1), r, cx, n, t)
    }
    FsN(pc, r, cx, n, t) {
        let (i, w) = (rc!(pc, r), *pc);
        if i >= w as u32 as u64 { fail!(index_array_low, pc, r, cx, n, t) }
        let k = (w >> 32) as usize;
        slow::move_words(r.add(b!(pc) + i as usize * k), r.add(a!(pc)), k);
        next!(pc.add(1), r, cx, n, t)
    }
    LenMap(pc, r, cx, n, t) {
        ra!(pc, r) = slow::map_len(rb!(pc, r));
        next!(pc, r, cx, n, t)
    }
    Concat(pc, r, cx, n, t) {
        let w = slow::concat(cx, r.add(b!(pc)), rb!(pc, r), rc!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    ConcatN(pc, r, cx, n, t) {
        let w = slow::concat_n(cx, r.add(b!(pc)), c!(pc));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    SubStr(pc, r, cx, n, t) {
        let s = rb!(pc, r);
        let (lo, hi) = (rc!(pc, r), *r.add(c!(pc) + 1));
        let len = string::len(s) as u64;
        if hi > len || lo > hi { fail!(slice_string, pc, r, cx, n, t) }
        let w = slow::substr(cx, s, lo as usize, hi as usize);
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    StrOfRune(pc, r, cx, n, t) {
        let w = slow::str_of_rune(cx, rb!(pc, r) as i64);
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    StrOfBytes(pc, r, cx, n, t) {
        let w = slow::str_of_bytes(cx, rb!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    BytesOfStr(pc, r, cx, n, t) {
        let w = slow::bytes_of_str(cx, rb!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    StrOfRunes(pc, r, cx, n, t) {
        let w = slow::str_of_runes(cx, rb!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    RunesOfStr(pc, r, cx, n, t) {
        let w = slow::runes_of_str(cx, rb!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    RangeStr(pc, r, cx, n, t) {
        let (s, i) = (rb!(pc, r), rc!(pc, r) as usize);
        if i >= string::len(s) {
            let mut pc = pc.add(1).offset(*pc as i64 as isize);
            keep!(pc);
            next!(pc, r, cx, n, t)
        }
        let data = *(s as *const u64) as *const u8;
        let first = *data.add(i);
        if first < 0x80 {
            ra!(pc, r) = first as u64;
            *r.add(a!(pc) + 1) = i as u64 + 1;
        } else {
            slow::decode_at(s, i, r.add(a!(pc)));
        }
        next!(pc.add(1), r, cx, n, t)
    }
    New(pc, r, cx, n, t) {
        // The loader has put the shape here.
        let p = (*cx).cache.alloc(ShapeId(x!(pc) as u32));
        if p.is_null() { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = p as u64;
        next!(pc, r, cx, n, t)
    }
    MkSlice(pc, r, cx, n, t) {
        let w = slow::make_slice(cx, *pc as u32, rb!(pc, r) as i64, rc!(pc, r) as i64);
        if w >= slow::FAILED { fail!(make_slice, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    SliceLit(pc, r, cx, n, t) {
        let len = *pc as i64;
        let w = slow::make_slice(cx, x!(pc) as u32, len, len);
        if w >= slow::FAILED { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    SliceArr(pc, r, cx, n, t) {
        let w = slow::slice_array(cx, rb!(pc, r), r.add(c!(pc)), *pc);
        if w >= slow::FAILED { fail!(slice_bounds, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc.add(1), r, cx, n, t)
    }
    SliceOf(pc, r, cx, n, t) {
        let w = slow::slice_slice(cx, rb!(pc, r), r.add(c!(pc)), *pc);
        if w >= slow::FAILED { fail!(slice_bounds, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc.add(1), r, cx, n, t)
    }
    SliceToArr(pc, r, cx, n, t) {
        let s = slice::parts(rb!(pc, r));
        if (s.len as u64) < *pc { fail!(slice_to_array, pc, r, cx, n, t) }
        ra!(pc, r) = if s.data.is_null() && rb!(pc, r) != 0 { rb!(pc, r) } else { s.data as u64 };
        next!(pc.add(1), r, cx, n, t)
    }
    Append(pc, r, cx, n, t) {
        let w = slow::append(cx, *pc as u32, rb!(pc, r), r.add(c!(pc)), false);
        if w == slow::NO_MEMORY { fail!(append, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    AppendOwn(pc, r, cx, n, t) {
        let w = slow::append(cx, *pc as u32, ra!(pc, r), r.add(c!(pc)), true);
        if w == slow::NO_MEMORY { fail!(append, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    AppendSlice(pc, r, cx, n, t) {
        let w = slow::append_slice(cx, *pc as u32, rb!(pc, r), rc!(pc, r));
        if w == slow::NO_MEMORY { fail!(append, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    AppendStr(pc, r, cx, n, t) {
        let w = slow::append_str(cx, rb!(pc, r), rc!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc, r, cx, n, t)
    }
    Disown(pc, r, cx, n, t) {
        let w = rb!(pc, r);
        slice::disown(w);
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    DisownT(pc, r, cx, n, t) {
        let p = ra!(pc, r);
        if p == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        slow::disown_value(cx, *pc as u32, p as *const u64);
        next!(pc.add(1), r, cx, n, t)
    }
    CopySlice(pc, r, cx, n, t) {
        let k = slow::copy_slice(cx, *pc as u32, rb!(pc, r), rc!(pc, r));
        if a!(pc) != 0xffff { ra!(pc, r) = k; }
        grown!(pc.add(1), r, cx, n, t)
    }
    CopyStr(pc, r, cx, n, t) {
        let k = slow::copy_str(rb!(pc, r), rc!(pc, r));
        if a!(pc) != 0xffff { ra!(pc, r) = k; }
        next!(pc, r, cx, n, t)
    }
    ClearSlice(pc, r, cx, n, t) {
        slow::clear_slice(cx, *pc as u32, ra!(pc, r));
        grown!(pc.add(1), r, cx, n, t)
    }
    MkMap(pc, r, cx, n, t) {
        let w = slow::map_make(cx, *pc as u32, rb!(pc, r) as i64);
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    MapGet(pc, r, cx, n, t) {
        let Some(v) = slow::map_quick(cx, *pc as u32, rb!(pc, r), rc!(pc, r)) else {
            return map_get_rest(pc, r, cx, n, t);
        };
        ra!(pc, r) = v.load(Relaxed);
        next!(pc.add(1), r, cx, n, t)
    }
    MapGet2(pc, r, cx, n, t) {
        if !slow::map_get(cx, *pc as u32, rb!(pc, r), r.add(c!(pc)), r.add(a!(pc)), true) {
            fail!(trapped, pc, r, cx, n, t)
        }
        next!(pc.add(1), r, cx, n, t)
    }
    MapSet(pc, r, cx, n, t) {
        if !slow::map_set_quick(cx, pc, rb!(pc, r), rc!(pc, r), ra!(pc, r)) { return map_set_rest(pc, r, cx, n, t) }
        next!(pc.add(1), r, cx, n, t)
    }
    MapDel(pc, r, cx, n, t) {
        if !slow::map_delete(cx, pc, ra!(pc, r), r.add(b!(pc))) { fail!(trapped, pc, r, cx, n, t) }
        next!(pc.add(1), r, cx, n, t)
    }
    MapClear(pc, r, cx, n, t) {
        if !slow::map_clear(cx, pc, ra!(pc, r)) { fail!(trapped, pc, r, cx, n, t) }
        next!(pc.add(1), r, cx, n, t)
    }
    MapIter(pc, r, cx, n, t) {
        let w = slow::map_iter(cx, *pc as u32, rb!(pc, r));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc.add(1), r, cx, n, t)
    }
    MapNext(pc, r, cx, n, t) {
        let key = if b!(pc) == 0xffff { std::ptr::null_mut() } else { r.add(b!(pc)) };
        let value = if c!(pc) == 0xffff { std::ptr::null_mut() } else { r.add(c!(pc)) };
        match slow::map_next(cx, *pc as u32, ra!(pc, r), key, value) {
            1 => next!(pc.add(2), r, cx, n, t),
            0 => {
                let mut pc = pc.add(2).offset(*pc.add(1) as i64 as isize);
                keep!(pc);
                next!(pc, r, cx, n, t)
            }
            _ => fail!(trapped, pc, r, cx, n, t),
        }
    }
    IfP(pc, r, cx, n, t) {
        ra!(pc, r) = (c!(pc) as u64) << iface::TYPE_SHIFT | rb!(pc, r);
        next!(pc, r, cx, n, t)
    }
    IfI(pc, r, cx, n, t) {
        let v = rb!(pc, r) as i64;
        if v << 16 >> 16 == v {
            ra!(pc, r) = iface::INLINE | (c!(pc) as u64) << iface::TYPE_SHIFT | (v as u64 & iface::PAYLOAD);
            next!(pc, r, cx, n, t)
        }
        let w = slow::box_word(cx, c!(pc) as u32, v as u64);
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    IfU(pc, r, cx, n, t) {
        let v = rb!(pc, r);
        if v <= iface::PAYLOAD {
            ra!(pc, r) = iface::INLINE | (c!(pc) as u64) << iface::TYPE_SHIFT | v;
            next!(pc, r, cx, n, t)
        }
        let w = slow::box_word(cx, c!(pc) as u32, v);
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    IfF(pc, r, cx, n, t) {
        let v = rb!(pc, r);
        if v & 0xffff == 0 {
            ra!(pc, r) = iface::INLINE | (c!(pc) as u64) << iface::TYPE_SHIFT | v >> 16;
            next!(pc, r, cx, n, t)
        }
        let w = slow::box_word(cx, c!(pc) as u32, v);
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    IfN(pc, r, cx, n, t) {
        let w = slow::box_words(cx, c!(pc) as u32, r.add(b!(pc)));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc, r, cx, n, t)
    }
    UnN(pc, r, cx, n, t) {
        slow::unbox_words(cx, c!(pc) as u32, rb!(pc, r), r.add(a!(pc)));
        next!(pc, r, cx, n, t)
    }
    AssertT(pc, r, cx, n, t) {
        if iface::type_of(ra!(pc, r)) as usize != b!(pc) { fail!(assertion, pc, r, cx, n, t) }
        next!(pc.add(1), r, cx, n, t)
    }
    AssertI(pc, r, cx, n, t) {
        if !slow::implements(cx, ra!(pc, r), b!(pc) as u32) { fail!(assertion, pc, r, cx, n, t) }
        next!(pc.add(1), r, cx, n, t)
    }
    IsT(pc, r, cx, n, t) {
        ra!(pc, r) = (iface::type_of(rb!(pc, r)) as usize == c!(pc)) as u64;
        next!(pc, r, cx, n, t)
    }
    IsI(pc, r, cx, n, t) {
        ra!(pc, r) = slow::implements(cx, rb!(pc, r), c!(pc) as u32) as u64;
        next!(pc, r, cx, n, t)
    }
    Call(pc, r, cx, n, t) {
        let a = a!(pc);
        let entry = pc.offset(x!(pc));
        let base = r.add(a);
        let header = *entry.sub(1);
        if base.add(header as u32 as usize) > (*cx).stack_end { return call::grow(pc, r, cx, n, t, header as u32 as usize + a) }
        *base.sub(1) = pc as u64 | (a as u64) << 48;
        clear_pointers!(base, header);
        let n = n - 4;
        if n < 0 { return call::safepoint(entry, base, cx, n, t) }
        next!(entry, base, cx, n, t)
    }
    CallC(pc, r, cx, n, t) {
        let a = a!(pc);
        let closure = rb!(pc, r);
        if closure == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        let entry = *(closure as *const u64) as *const u64;
        let base = r.add(a);
        let header = *entry.sub(1);
        if base.add(header as u32 as usize) > (*cx).stack_end { return call::grow(pc, r, cx, n, t, header as u32 as usize + a) }
        *base.sub(1) = pc as u64 | (a as u64) << 48;
        *base.add(c!(pc)) = closure;
        clear_pointers!(base, header);
        let n = n - 4;
        if n < 0 { return call::safepoint(entry, base, cx, n, t) }
        next!(entry, base, cx, n, t)
    }
    CallI(pc, r, cx, n, t) {
        let a = a!(pc);
        let word = rb!(pc, r);
        let ty = iface::type_of(word);
        let mut cache = slice::load(pc.add(1));
        if (cache >> 48) as u32 != ty || ty == 0 {
            cache = call::find_method(cx, pc, ty);
            if cache == 0 { fail!(nil_deref, pc, r, cx, n, t) }
        }
        let entry = (*(*cx).rt).code.as_ptr().add(cache as u32 as usize);
        let base = r.add(a);
        let header = *entry.sub(1);
        if base.add(header as u32 as usize) > (*cx).stack_end { return call::grow(pc, r, cx, n, t, header as u32 as usize + a) }
        *base.add(c!(pc)) = if cache & Entry::DIRECT != 0 { word & iface::PAYLOAD } else { word };
        *base.sub(1) = pc.add(2) as u64 | (a as u64) << 48;
        clear_pointers!(base, header);
        let n = n - 4;
        if n < 0 { return call::safepoint(entry, base, cx, n, t) }
        next!(entry, base, cx, n, t)
    }
    CallR(pc, r, cx, n, t) {
        let a = a!(pc);
        let entry = call::reflected(cx, *r.add(1), *r.add(2));
        if entry.is_null() { fail!(nil_deref, pc, r, cx, n, t) }
        let base = r.add(a);
        let header = *entry.sub(1);
        if base.add(header as u32 as usize) > (*cx).stack_end { return call::grow(pc, r, cx, n, t, header as u32 as usize + a) }
        *base.sub(1) = pc as u64 | (a as u64) << 48;
        call::unpack(base, *r.add(3));
        clear_pointers!(base, header);
        let n = n - 8;
        if n < 0 { return call::safepoint(entry, base, cx, n, t) }
        next!(entry, base, cx, n, t)
    }
    CallN(pc, r, cx, n, t) {
        let g = (*cx).side.g;
        (*g).pc = pc.sub(1);
        (*g).base = r;
        let what = call::native(cx, r.add(a!(pc)), b!(pc), c!(pc));
        native_called!(pc, r, cx, n - 8, t, what)
    }
    Gosched(pc, r, cx, n, t) {
        if n < 8 { return CallN(pc, r, cx, n, t) }
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        (*cx).p.budget = n - 8;
        (*cx).p.requeue(g, Kind::Yield);
        resched!(cx, t)
    }
    MuLock(pc, r, cx, n, t) {
        let w = ra!(pc, r) as *const AtomicU64;
        let g = (*cx).side.g;
        // A G that has waited comes here again.
        if w.is_null() || (*g).resume != 0 || !update(w, &(*cx).p.solo, SemaTable::locked) { return CallN(pc, r, cx, n, t) }
        (*w.add(1)).store((*g).id, Relaxed);
        next!(pc, r, cx, n, t)
    }
    MuUnlock(pc, r, cx, n, t) {
        let w = ra!(pc, r) as *const AtomicU64;
        if w.is_null() || !update(w, &(*cx).p.solo, SemaTable::unlocked) { return CallN(pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    WgAdd(pc, r, cx, n, t) {
        let w = ra!(pc, r) as *const AtomicU64;
        if !group_add(w, *r.add(a!(pc) + 1) as i64, &(*cx).p.solo) { return CallN(pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    WgDone(pc, r, cx, n, t) {
        if !group_add(ra!(pc, r) as *const AtomicU64, -1, &(*cx).p.solo) { return CallN(pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    AtLoad(pc, r, cx, n, t) {
        let w = *r.add(a!(pc) + 1) as *const AtomicU64;
        if w.is_null() { return CallN(pc, r, cx, n, t) }
        ra!(pc, r) = (*w).load(SeqCst);
        next!(pc, r, cx, n, t)
    }
    AtStore(pc, r, cx, n, t) {
        let w = ra!(pc, r) as *const AtomicU64;
        if w.is_null() { return CallN(pc, r, cx, n, t) }
        (*w).store(*r.add(a!(pc) + 1), SeqCst);
        next!(pc, r, cx, n, t)
    }
    AtAdd(pc, r, cx, n, t) {
        let w = *r.add(a!(pc) + 1) as *const AtomicU64;
        if w.is_null() { return CallN(pc, r, cx, n, t) }
        let by = *r.add(a!(pc) + 2);
        ra!(pc, r) = (*w).fetch_add(by, SeqCst).wrapping_add(by);
        next!(pc, r, cx, n, t)
    }
    AtCas(pc, r, cx, n, t) {
        let w = *r.add(a!(pc) + 1) as *const AtomicU64;
        if w.is_null() { return CallN(pc, r, cx, n, t) }
        let (old, new) = (*r.add(a!(pc) + 2), *r.add(a!(pc) + 3));
        ra!(pc, r) = (*w).compare_exchange(old, new, SeqCst, SeqCst).is_ok() as u64;
        next!(pc, r, cx, n, t)
    }
    Ret(pc, r, cx, n, t) {
        let _ = pc;
        let link = *r.sub(1);
        next!((link & iface::PAYLOAD) as *const u64, r.sub((link >> 48) as usize), cx, n, t)
    }
    RetW(pc, r, cx, n, t) {
        let link = *r.sub(1);
        *r = ra!(pc, r);
        next!((link & iface::PAYLOAD) as *const u64, r.sub((link >> 48) as usize), cx, n, t)
    }
    MkClosure(pc, r, cx, n, t) {
        let w = slow::make_closure(cx, *pc as usize, r.add(b!(pc)));
        if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
        ra!(pc, r) = w;
        next!(pc.add(1), r, cx, n, t)
    }
    LdCap(pc, r, cx, n, t) {
        let closure = rc!(pc, r) as *const u64;
        ra!(pc, r) = *closure.add(1 + b!(pc));
        next!(pc, r, cx, n, t)
    }
    Go(pc, r, cx, n, t) {
        if !call::go_func(cx, *pc as usize, r.add(a!(pc) + b!(pc)), b!(pc), c!(pc), pc) {
            if (*(*cx).rt).limits.goroutines_are_many() { fail!(too_many_goroutines, pc, r, cx, n, t) }
            fail!(out_of_memory, pc, r, cx, n, t)
        }
        let n = n - 16;
        next!(pc.add(1), r, cx, n, t)
    }
    GoC(pc, r, cx, n, t) {
        let closure = rb!(pc, r);
        if closure == 0 { fail!(go_nil, pc, r, cx, n, t) }
        let k = c!(pc);
        if !call::go_closure(cx, closure, r.add(a!(pc) + (k & 0xff)), k & 0xff, k >> 8, pc) {
            if (*(*cx).rt).limits.goroutines_are_many() { fail!(too_many_goroutines, pc, r, cx, n, t) }
            fail!(out_of_memory, pc, r, cx, n, t)
        }
        let n = n - 16;
        next!(pc, r, cx, n, t)
    }
    Defer(pc, r, cx, n, t) {
        if !unwind::push_defer(cx, r, ra!(pc, r)) { fail!(out_of_memory, pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    DeferTok(pc, r, cx, n, t) {
        ra!(pc, r) = r.offset_from((*(*cx).side.g).stack) as u64;
        next!(pc, r, cx, n, t)
    }
    DeferTo(pc, r, cx, n, t) {
        unwind::push_defer_to(cx, rb!(pc, r) as usize, ra!(pc, r));
        next!(pc, r, cx, n, t)
    }
    RetDefer(pc, r, cx, n, t) { fail::return_defers(pc, r, cx, n - 8, t) }
    Recover(pc, r, cx, n, t) {
        ra!(pc, r) = unwind::recover(cx, pc, r);
        next!(pc, r, cx, n, t)
    }
    Panic(pc, r, cx, n, t) { fail!(explicit_panic, pc, r, cx, n, t) }
    PanicRt(pc, r, cx, n, t) { fail!(constant_panic, pc, r, cx, n, t) }
    MkChan(pc, r, cx, n, t) {
        let w = slow::make_chan(cx, *pc as u32, rb!(pc, r) as i64);
        if w >= slow::FAILED {
            if w == slow::NO_MEMORY { fail!(out_of_memory, pc, r, cx, n, t) }
            fail!(make_chan, pc, r, cx, n, t)
        }
        ra!(pc, r) = w;
        grown!(pc.add(1), r, cx, n, t)
    }
    Send(pc, r, cx, n, t) {
        let ch = ra!(pc, r) as *mut Chan;
        let n = n - 8;
        if n >= 0 && !ch.is_null() && Chan::send_word(ch, *r.add(b!(pc)), &(*cx).p.solo) {
            next!(pc, r, cx, n, t)
        }
        send(pc, r, cx, n, t)
    }
    Recv(pc, r, cx, n, t) {
        let ch = rb!(pc, r) as *mut Chan;
        let n = n - 8;
        let a = a!(pc);
        if n >= 0 && a != 0xffff && !ch.is_null()
            && let Some(value) = Chan::recv_word(ch, &(*cx).p.solo)
        {
            let value_slot = r.add(a);
            *value_slot = value;
            if c!(pc) != 0 { *value_slot.add(1) = 1; }
            next!(pc, r, cx, n, t)
        }
        recv(pc, r, cx, n, t)
    }
    Close(pc, r, cx, n, t) {
        let ch = ra!(pc, r);
        if ch == 0 { fail!(close_nil, pc, r, cx, n, t) }
        if (*(ch as *const Chan)).is_foreign((*cx).side.g) { fail!(close_foreign, pc, r, cx, n, t) }
        // Whom it wakes may be told where.
        (*(*cx).side.g).pc = pc;
        (*(*cx).side.g).base = r;
        if !slow::close(cx, ch) { fail!(close_closed, pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    Select(pc, r, cx, n, t) { call::select(pc, r, cx, n, t) }
    Forever(pc, r, cx, n, t) { call::park_forever(pc, r, cx, n, t, WaitReason::SelectNoCases) }
    Count(pc, r, cx, n, t) {
        let w = (*cx).globals.add(x!(pc) as u32 as usize) as *const AtomicU64;
        if a!(pc) == 0 {
            (*w).fetch_add(1, Relaxed);
        } else if (*w).load(Relaxed) == 0 {
            // Other Ps keep the line.
            (*w).store(1, Relaxed);
        }
        next!(pc, r, cx, n, t)
    }
    PrintW(pc, r, cx, n, t) {
        slow::print(cx, b!(pc) as u32, r.add(a!(pc)), c!(pc));
        next!(pc, r, cx, n, t)
    }
    Unreachable(pc, r, cx, n, t) { fail!(our_bug, pc, r, cx, n, t) }
    Halt(pc, r, cx, n, t) {
        let _ = (pc, r);
        if (*(*cx).rt).session.is_some() {
            (*cx).p.budget = n;
            call::end_g(cx);
            resched!(cx, t)
        }
        call::end_main(cx);
        back::EXIT
    }
    GExit(pc, r, cx, n, t) {
        let _ = (pc, r);
        (*cx).p.budget = n;
        call::end_g(cx);
        resched!(cx, t)
    }
    PanicRet(pc, r, cx, n, t) { fail::panic_ret(pc, r, cx, n, t) }
    PanicText(pc, r, cx, n, t) { fail::panic_text(pc, r, cx, n, t) }
}

// What the short ways of channel operations leave over; the cost has been counted.
handlers! {
    send(pc, r, cx, n, t) {
        let ch = ra!(pc, r) as *mut Chan;
        if ch.is_null() { return call::park_forever(pc, r, cx, n, t, WaitReason::ChanSendNil) }
        let g = (*cx).side.g;
        if (*ch).is_foreign(g) { fail!(send_foreign, pc, r, cx, n, t) }
        (*g).pc = pc;
        (*g).base = r;
        match Chan::send(ch, g, r.add(b!(pc)), &(*cx).p.solo, || (*cx).p.park(g, WaitReason::ChanSend)) {
            Sent::Done => {}
            Sent::Woke(other) => (*cx).p.ready(other),
            Sent::Parked => {
                (*cx).p.budget = n;
                resched!(cx, t)
            }
            Sent::Closed => fail!(send_closed, pc, r, cx, n, t),
        }
        if n < 0 { return call::safepoint(pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
    recv(pc, r, cx, n, t) {
        let ch = rb!(pc, r) as *mut Chan;
        if ch.is_null() { return call::park_forever(pc, r, cx, n, t, WaitReason::ChanReceiveNil) }
        let g = (*cx).side.g;
        if (*ch).is_foreign(g) { fail!(recv_foreign, pc, r, cx, n, t) }
        (*g).pc = pc;
        (*g).base = r;
        let a = a!(pc);
        let (mut value, mut ok) = (std::ptr::null_mut(), std::ptr::null_mut());
        if a != 0xffff {
            value = r.add(a);
            if c!(pc) != 0 { ok = value.add((*ch).elem_words() as usize); }
        }
        match Chan::recv(ch, g, value, ok, &(*cx).p.solo, || (*cx).p.park(g, WaitReason::ChanReceive)) {
            Received::Done { .. } => {}
            Received::Woke(other) => (*cx).p.ready(other),
            Received::Parked => {
                (*cx).p.budget = n;
                resched!(cx, t)
            }
        }
        if n < 0 { return call::safepoint(pc, r, cx, n, t) }
        next!(pc, r, cx, n, t)
    }
}

pub use super::elem::*;

macro_rules! table {
    ($($name:ident)*) => {
        pub const HANDLERS: [H; Op::COUNT] = [$(H($name)),*];
        pub static TABLE: [H; Op::COUNT] = HANDLERS;
    };
}
for_each_op!(table);
