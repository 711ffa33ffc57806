//! The handlers that run while others mark: those that overwrite pointers in objects or variables shade the old ones first
//! and go on to the plain handler. All others are the plain ones themselves.
//!
//! What a handler does not know to be a number is shaded: to take a number for a pointer keeps an object too long,
//! nothing worse. [`overwrites`] is exhaustive, so that nobody adds an opcode without thinking of this.
//!
//! # Safety
//! As in `ops`.
#![allow(non_snake_case)]
use super::call;
use super::ctx::Ctx;
use super::ops::{self, H};
use crate::bytecode::op::Op;
use crate::bytecode::program::Mem;
use crate::sched::wait::WaitReason;
use crate::sync::chan::{Chan, Received};
use crate::value::slice;
use crate::{next, resched};

/// Operand `i` (1: a) of the instruction before `pc`.
#[inline(always)]
unsafe fn field(pc: *const u64, i: usize) -> usize {
    unsafe { *(pc as *const u16).sub(4 - i) as usize }
}

#[inline(always)]
unsafe fn reg(pc: *const u64, r: *mut u64, i: usize) -> u64 {
    unsafe { *r.add(field(pc, i)) }
}

#[inline(never)]
unsafe fn shade(cx: *mut Ctx, at: u64, words: usize) {
    unsafe { (*cx).cache.heap().shade_words(at as *const u64, words) }
}

/// `words` at element `i` of a slice.
#[inline(always)]
unsafe fn shade_elem(cx: *mut Ctx, s: u64, i: u64, words: u64) {
    unsafe {
        if s != 0 && i < slice::load((s as *const u64).add(1)) {
            shade(cx, *(s as *const u64) + i * words * 8, words as usize);
        }
    }
}

/// `n` elements of a type from element `from` of a slice on, as far as its capacity reaches.
#[inline(never)]
unsafe fn shade_elems(cx: *mut Ctx, ty: u32, s: u64, from: usize, n: usize) {
    unsafe {
        let t = (*(*cx).rt).env.ty(ty);
        if s == 0 || t.ptr_map.is_empty() || !matches!(t.mem, Mem::W | Mem::N) {
            return;
        }
        let p = slice::parts(s);
        let n = n.min(p.cap.saturating_sub(from));
        let words = t.words as usize;
        if n > 0 {
            shade(cx, p.data as u64 + (from * words * 8) as u64, n * words);
        }
    }
}

macro_rules! shading {
    ($($name:ident |$pc:ident, $r:ident, $cx:ident| $e:expr;)*) => { $(
        pub unsafe extern "C" fn $name($pc: *const u64, $r: *mut u64, $cx: *mut Ctx, n: i64, t: *const H) -> u64 {
            unsafe {
                $e;
                ops::$name($pc, $r, $cx, n, t)
            }
        }
    )* };
}

shading! {
    StG |pc, _r, cx| shade(cx, (*cx).globals.add(*(pc as *const u32).sub(1) as usize) as u64, 1);
    StW |pc, r, cx| {
        let p = reg(pc, r, 2);
        if p != 0 { shade(cx, p + field(pc, 3) as u64, 1) }
    };
    StN |pc, r, cx| {
        let p = reg(pc, r, 2);
        if p != 0 { shade(cx, p + field(pc, 3) as u64, *pc as usize) }
    };
    CopyN |pc, r, cx| {
        let p = reg(pc, r, 1);
        if p != 0 { shade(cx, p, *pc as usize) }
    };
    SxW |pc, r, cx| shade_elem(cx, reg(pc, r, 2), reg(pc, r, 3), 1);
    SxWK |pc, r, cx| shade_elem(cx, reg(pc, r, 2), field(pc, 3) as u64, 1);
    SxN |pc, r, cx| shade_elem(cx, reg(pc, r, 2), reg(pc, r, 3), *pc);
    Append |pc, r, cx| {
        let s = reg(pc, r, 2);
        shade_elems(cx, *pc as u32, s, slice::parts(s).len, 1)
    };
    AppendOwn |pc, r, cx| {
        let s = reg(pc, r, 1);
        shade_elems(cx, *pc as u32, s, slice::parts(s).len, 1)
    };
    AppendSlice |pc, r, cx| {
        let (s, more) = (reg(pc, r, 2), reg(pc, r, 3));
        shade_elems(cx, *pc as u32, s, slice::parts(s).len, slice::parts(more).len)
    };
    CopySlice |pc, r, cx| {
        let (dst, src) = (reg(pc, r, 2), reg(pc, r, 3));
        shade_elems(cx, *pc as u32, dst, 0, slice::parts(dst).len.min(slice::parts(src).len))
    };
    ClearSlice |pc, r, cx| {
        let s = reg(pc, r, 1);
        shade_elems(cx, *pc as u32, s, 0, slice::parts(s).len)
    };
}

/// As the plain one; what is taken out of the buffer is shaded.
pub unsafe extern "C" fn Recv(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let ch = reg(pc, r, 2) as *mut Chan;
        if ch.is_null() {
            return call::park_forever(pc, r, cx, n, t, WaitReason::ChanReceiveNil);
        }
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        let n = n - 8;
        let a = field(pc, 1);
        let words = (*ch).elem_words() as usize;
        let (mut value, mut ok) = (std::ptr::null_mut(), std::ptr::null_mut());
        if a != 0xffff {
            value = r.add(a);
            if field(pc, 3) != 0 {
                ok = value.add(words);
            }
        }
        match Chan::recv(ch, g, value, ok, &(*cx).p.solo, || (*cx).p.park(g, WaitReason::ChanReceive)) {
            Received::Done { .. } => {}
            Received::Woke(other) => (*cx).p.ready(other),
            Received::Parked => {
                (*cx).p.budget = n;
                resched!(cx, t)
            }
        }
        if !value.is_null() {
            shade(cx, value as u64, words);
        }
        if n < 0 {
            return call::safepoint(pc, r, cx, n, t);
        }
        next!(pc, r, cx, n, t)
    }
}

/// As [`ops::TABLE`].
pub static TABLE: [H; Op::COUNT] = {
    let mut table = ops::HANDLERS;
    macro_rules! shading {
        ($($name:ident)*) => { $(table[Op::$name as usize] = H($name);)* };
    }
    shading!(StG StW StN CopyN SxW SxWK SxN Append AppendOwn AppendSlice CopySlice ClearSlice Recv);
    table
};

/// Whether the handler itself may overwrite a pointer in an object or a variable, or take one out of a channel. What
/// maps, natives and selects overwrite they shade themselves.
#[cfg(test)]
#[rustfmt::skip]
fn overwrites(op: Op) -> bool {
    use Op::*;
    match op {
            StG | StW | StN | CopyN | SxW | SxWK | SxN | Append | AppendOwn | AppendSlice | CopySlice |
            ClearSlice | Recv => true,
            Nop | Mov | Mov2 | MovN | LdI | LdK | ZeroN | LdG | GAddr | Add | Sub | Mul | DivI | DivU |
            RemI | RemU | And | Or | Xor | AndNot | Shl | ShrI | ShrU | ChkShift | AddK | RsbK | MulK |
            AddL | MulL | AndL | OrL | XorL | Mac | DivIK | RemIK | DivP2 | RemP2 | DivM | RemM | DivUK | RemUK | AndK | OrK | XorK | ShlK | ShrIK | ShrUK | Neg | Not |
            ExtI8 | ExtI16 | ExtI32 | ExtU8 | ExtU16 | ExtU32 | AddF | SubF | MulF | DivF | MacF | MsbF |
            NegF | RoundF32 | WidenF32 | NarrowF32 | I2F | U2F | I2F32 | U2F32 | F2I | F2U | SqrtF | AbsF
            | FloorF | CeilF | TruncF | AddC | SubC | MulC | DivC | EqC | WidenC64 | NarrowC64 | Eq | Ne
            | LtI | LeI | LtU | LeU | EqK | NeK | EqF | NeF | LtF | LeF | EqS | NeS | LtS | LeS | EqIface
            | EqT | Jmp | JT | JF | JLt | JLe | JLtU | JLeU | JEq | JNe | JLtK | JLeK | JGtK | JGeK |
            JEqK | JNeK | JLtX | JLeX | JGtX | JGeX | JEqX | JNeX | JLtF | JLeF | JNltF | JNleF | JEqF |
            JNeF | JEqS | JNeS | JIs | JIsNot | Loop | LT | LF | LLt | LLe | LLtU | LLeU | LEq | LNe |
            LLtK | LLeK | LGtK | LGeK | LEqK | LNeK | LLtX | LLeX | LGtX | LGeX | LEqX | LNeX | LIncLtX |
            LIncLtLen | LIncLtStr | LIncLt | LIncLe | LIncLtK | LNextW | LNextU8 | LNextI32 | NilChk | LdI8 | LdI16 | LdI32 | LdU8 |
            LdU16 | LdU32 | LdF32 | LdW | LdN | LdB | StB | CopyB | StI8 | StI16 | StI32 | StF32 | AddM | AddMF | SubMF |
            IncM | Lea | IxI8 | IxI16 | IxI32 | IxU8 | IxU16 | IxU32 | IxF32 | IxW | Ix2W | Ix2U8 | IxWK | AddX | AddXF
            | SubXF | IncX | IxN | SxI8 | SxI16 | SxI32 | SxF32 | IxAddr | IxStr | ChkIx | ChkIxK |
            ArrAddr | FxI8 | FxI16 | FxI32 | FxU8 | FxU16 | FxU32 | FxF32 | FxW | FxN | FsI8 | FsI16 |
            FsI32 | FsF32 | FsW | FsN | LenSlice | CapSlice | LenStr | LenMap | LenChan | CapChan |
            Concat | ConcatN | SubStr | StrOfRune | StrOfBytes | BytesOfStr | StrOfRunes | RunesOfStr |
            RangeStr | New | MkSlice | SliceLit | SliceArr | SliceOf | SliceToArr | AppendStr | CopyStr |
            Disown | DisownT | MkMap | MapGet | MapGet2 | MapSet | MapDel | MapClear | MapIter | MapNext
            | IfP | IfI | IfU | IfF | IfN | UnP | UnI | UnU | UnF | UnN | AssertT | AssertI | IsT | IsI |
            Call | CallC | CallI | CallN | MuLock | MuUnlock | WgAdd | WgDone | AtLoad | AtStore | AtAdd | AtCas | Gosched | CallR | Ret | RetW | MkClosure | LdCap | Go | GoC | Defer |
            DeferTok | DeferTo | RetDefer | Recover | Panic | PanicRt | MkChan | Send | Close | Select |
            Forever | Count | PrintW | Unreachable | Halt | GExit | PanicRet | PanicText => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_that_overwrite_pointers_shade_them() {
        for &(op, name, ..) in crate::bytecode::op::TABLE {
            let other = TABLE[op as usize].0 as usize != ops::TABLE[op as usize].0 as usize;
            assert_eq!(other, overwrites(op), "{name}");
        }
    }
}
