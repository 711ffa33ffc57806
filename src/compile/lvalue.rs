//! Places: where values lie, and how they are read, written and addressed.
use super::Compiler;
use super::func::Var;
use super::regs::{MapId, Reg};
use super::types::Lay;
use crate::bytecode::op::Op;
use crate::bytecode::program::Mem;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

/// A place that can be read and, if it is assignable, written. Computing one has evaluated its operands.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A variable or temporary of its own: scalars are registers.
    Slot(Reg),
    /// Words of a struct or array in the frame: scalars have their memory form.
    Word(Reg),
    /// Memory at a pointer and byte offset; `known`: the pointer is not nil.
    Mem {
        base: Reg,
        off: u32,
        known: bool,
    },
    /// Word offset of a package-level variable or part of one.
    Global(u32),
    Elem {
        slice: Reg,
        index: Reg,
    },
    /// Scalar element of an array in the frame.
    FrameElem {
        array: Reg,
        index: Reg,
        len: u64,
    },
    MapElem {
        map: Reg,
        key: Reg,
        ty: TypeId,
    },
    Blank,
}

impl Place {
    /// All of a box.
    pub fn boxed(r: Reg) -> Place {
        Place::Mem { base: r, off: 0, known: true }
    }

    /// What a pointer leads to.
    pub fn behind(r: Reg) -> Place {
        Place::Mem { base: r, off: 0, known: false }
    }

    pub fn of(v: Var) -> Place {
        match v {
            Var::Slot(r) => Place::Slot(r),
            Var::Boxed(r) => Place::boxed(r),
        }
    }
}

pub fn load_op(m: Mem) -> Op {
    match m {
        Mem::I8 => Op::LdI8,
        Mem::I16 => Op::LdI16,
        Mem::I32 => Op::LdI32,
        Mem::U8 => Op::LdU8,
        Mem::U16 => Op::LdU16,
        Mem::U32 => Op::LdU32,
        Mem::F32 => Op::LdF32,
        Mem::W => Op::LdW,
        Mem::N => Op::LdN,
    }
}

pub fn store_op(m: Mem) -> Op {
    match m {
        Mem::I8 | Mem::U8 => Op::StI8,
        Mem::I16 | Mem::U16 => Op::StI16,
        Mem::I32 | Mem::U32 => Op::StI32,
        Mem::F32 => Op::StF32,
        Mem::W => Op::StW,
        Mem::N => Op::StN,
    }
}

fn index_op(m: Mem) -> Op {
    match m {
        Mem::I8 => Op::IxI8,
        Mem::I16 => Op::IxI16,
        Mem::I32 => Op::IxI32,
        Mem::U8 => Op::IxU8,
        Mem::U16 => Op::IxU16,
        Mem::U32 => Op::IxU32,
        Mem::F32 => Op::IxF32,
        Mem::W => Op::IxW,
        Mem::N => Op::IxN,
    }
}

fn set_index_op(m: Mem) -> Op {
    match m {
        Mem::I8 | Mem::U8 => Op::SxI8,
        Mem::I16 | Mem::U16 => Op::SxI16,
        Mem::I32 | Mem::U32 => Op::SxI32,
        Mem::F32 => Op::SxF32,
        Mem::W => Op::SxW,
        Mem::N => Op::SxN,
    }
}

fn frame_op(m: Mem) -> Op {
    match m {
        Mem::I8 => Op::FxI8,
        Mem::I16 => Op::FxI16,
        Mem::I32 => Op::FxI32,
        Mem::U8 => Op::FxU8,
        Mem::U16 => Op::FxU16,
        Mem::U32 => Op::FxU32,
        Mem::F32 => Op::FxF32,
        Mem::W => Op::FxW,
        Mem::N => Op::FxN,
    }
}

fn set_frame_op(m: Mem) -> Op {
    match m {
        Mem::I8 | Mem::U8 => Op::FsI8,
        Mem::I16 | Mem::U16 => Op::FsI16,
        Mem::I32 | Mem::U32 => Op::FsI32,
        Mem::F32 => Op::FsF32,
        Mem::W => Op::FsW,
        Mem::N => Op::FsN,
    }
}

/// The op that makes a register of a word in memory form; none if they are the same.
pub fn extend_op(m: Mem) -> Option<Op> {
    Some(match m {
        Mem::I8 => Op::ExtI8,
        Mem::I16 => Op::ExtI16,
        Mem::I32 => Op::ExtI32,
        Mem::U8 => Op::ExtU8,
        Mem::U16 => Op::ExtU16,
        Mem::U32 => Op::ExtU32,
        Mem::F32 => Op::WidenF32,
        Mem::W | Mem::N => return None,
    })
}

/// A struct or array of one word is moved as a word.
fn one_word(l: Lay) -> Mem {
    if l.words == 1 && l.mem == Mem::N { Mem::W } else { l.mem }
}

const MAX_OFFSET: u32 = u16::MAX as u32;

impl Compiler<'_> {
    /// The wanted slot, or fresh ones.
    pub fn dst(&mut self, want: Option<Reg>, ty: TypeId) -> Reg {
        match want {
            Some(w) => w,
            None => self.slots_for(ty),
        }
    }

    /// Evaluates the operands of a place. Works for every expression: what is no variable is put in temporaries.
    pub fn place(&mut self, e: ExprId) -> Place {
        let ast = self.ast;
        match &ast.expr(e).kind {
            ExprKind::Paren(x) => self.place(*x),
            ExprKind::Ident(name) => {
                if *name == crate::base::intern::Sym::BLANK {
                    return Place::Blank;
                }
                let obj = self.info.uses.get(&e).copied().or_else(|| self.info.defs.get(&ast.span(e).lo).copied());
                match obj {
                    Some(obj) => self.var_place(obj).unwrap_or_else(|| self.value_place(e)),
                    None => self.value_place(e),
                }
            }
            ExprKind::Selector { x, .. } => match self.info.selections.get(&e) {
                Some(s) if s.kind == SelectionKind::Field => {
                    let path = s.path.clone();
                    let place = self.place(*x);
                    let ty = self.ty(*x);
                    self.set_pos(ast.span(*x).hi);
                    self.select(place, ty, &path).0
                }
                Some(_) => self.value_place(e),
                None => match self.info.uses.get(&e).copied().and_then(|o| self.var_place(o)) {
                    Some(p) => p,
                    None => self.value_place(e),
                },
            },
            ExprKind::Index { x, indices } if !self.info.instances.contains_key(&ast.unparen(*x)) => {
                let Some(&i) = indices.first() else { return Place::Blank };
                self.index_place(e, *x, i)
            }
            ExprKind::Star(x) => {
                let base = self.held(*x);
                self.set_pos(ast.span(e).lo);
                Place::behind(base)
            }
            _ => self.value_place(e),
        }
    }

    /// A place that holds an expression's value.
    fn value_place(&mut self, e: ExprId) -> Place {
        let ty = self.ty(e);
        let r = self.held(e);
        if self.lay(ty).big() { Place::boxed(r) } else { Place::Slot(r) }
    }

    pub fn var_place(&mut self, obj: ObjId) -> Option<Place> {
        match self.info.obj(obj).kind {
            ObjKind::Local => self.f.vars.get(&obj).map(|&v| Place::of(v)),
            ObjKind::Global => Some(Place::Global(self.global(obj))),
            _ => None,
        }
    }

    /// Follows field indices, through pointers where there are some.
    pub fn select(&mut self, place: Place, ty: TypeId, path: &[u32]) -> (Place, TypeId) {
        let (mut place, mut ty) = (place, ty);
        for &i in path {
            if let Type::Pointer(e) = self.under(ty) {
                let base = self.load(place, ty, None);
                let base = self.hold(base, ty);
                place = Place::behind(base);
                ty = e;
            }
            let Some(&(fty, off)) = self.fields(ty).get(i as usize) else { break };
            place = self.part(place, ty, off);
            ty = fty;
        }
        (place, ty)
    }

    /// The part of a struct or array that begins `words` words on.
    pub fn part(&mut self, place: Place, whole: TypeId, words: u32) -> Place {
        match place {
            Place::Slot(r) | Place::Word(r) => Place::Word(r.add(words)),
            Place::Mem { base, off, known } => {
                let far = off as u64 + words as u64 * 8;
                match u32::try_from(far) {
                    Ok(off) => Place::Mem { base, off, known },
                    Err(_) => Place::Mem { base: self.lea(base, far), off: 0, known: true },
                }
            }
            Place::Global(at) => Place::Global(at + words),
            Place::Elem { slice, index } => {
                let p = self.elem_addr(slice, index, whole);
                Place::Mem { base: p, off: words * 8, known: true }
            }
            Place::FrameElem { .. } | Place::MapElem { .. } | Place::Blank => {
                let r = self.load(place, whole, None);
                if self.lay(whole).big() {
                    Place::Mem { base: r, off: words * 8, known: true }
                } else {
                    Place::Word(r.add(words))
                }
            }
        }
    }

    fn lea(&mut self, base: Reg, off: u64) -> Reg {
        let p = self.ptr_slot();
        self.f.code.rr(Op::Lea, p, base);
        self.f.code.extra(off);
        p
    }

    fn elem_addr(&mut self, slice: Reg, index: Reg, elem: TypeId) -> Reg {
        let p = self.ptr_slot();
        self.elem_addr_in(p, slice, index, elem);
        p
    }

    pub fn elem_addr_in(&mut self, p: Reg, slice: Reg, index: Reg, elem: TypeId) {
        let l = self.lay(elem);
        self.f.code.rrr(Op::IxAddr, p, slice, index);
        self.f.code.extra(l.stride() as u64);
    }

    /// Where `x[i]` is said to be.
    pub fn index_pos(&mut self, x: ExprId, i: ExprId) -> u32 {
        let unsigned = self.is_unsigned_index(i);
        self.ast.span(x).hi | if unsigned { crate::bytecode::program::UNSIGNED_INDEX } else { 0 }
    }

    /// Whether an index that is too large is shown as an unsigned number.
    pub fn is_unsigned_index(&mut self, i: ExprId) -> bool {
        use crate::bytecode::program::Kind;
        let ty = self.ty(i);
        matches!(self.lay(ty).kind, Kind::Uint | Kind::Uint64 | Kind::Uintptr)
    }

    fn index_place(&mut self, e: ExprId, x: ExprId, i: ExprId) -> Place {
        let xt = self.ty(x);
        let pos = self.index_pos(x, i);
        match self.under(xt) {
            Type::Slice(_) => {
                let (slice, index) = self.operands(x, i);
                self.set_pos(pos);
                Place::Elem { slice, index }
            }
            Type::Map(k, _) => {
                let early = self.has_safepoint(i);
                let map = if early { self.held(x) } else { self.expr(x, None) };
                let map = self.hold(map, xt);
                let key = self.expr_as(i, k, None);
                let key = self.hold(key, k);
                let key = self.spread(key, k);
                self.set_pos(pos);
                Place::MapElem { map, key, ty: xt }
            }
            Type::Pointer(a) => {
                let base = self.held(x);
                self.element(Place::behind(base), a, i, pos)
            }
            Type::Array(..) => {
                let place = self.place(x);
                self.element(place, xt, i, pos)
            }
            _ => self.value_place(e),
        }
    }

    /// Element `i` of the array at a place.
    fn element(&mut self, place: Place, array: TypeId, i: ExprId, pos: u32) -> Place {
        let Type::Array(elem, len) = self.under(array) else { return Place::Blank };
        if let Some(k) = self.int_const(i) {
            self.set_pos(pos);
            return self.const_element(place, array, elem, len, k as u64);
        }
        let index = self.expr(i, None);
        self.set_pos(pos);
        self.dyn_element(place, array, elem, len, index)
    }

    pub fn const_element(&mut self, place: Place, array: TypeId, elem: TypeId, len: u64, k: u64) -> Place {
        let l = self.lay(elem);
        if l.mem == Mem::N {
            return self.part(place, array, (k * l.words as u64) as u32);
        }
        match place {
            Place::Slot(r) | Place::Word(r) if l.mem == Mem::W => Place::Word(r.add(k as u32)),
            Place::Slot(_) | Place::Word(_) | Place::FrameElem { .. } | Place::MapElem { .. } | Place::Blank => {
                let index = self.scalar();
                self.f.code.rx(Op::LdI, index, k as i32);
                self.dyn_element(place, array, elem, len, index)
            }
            Place::Global(at) if l.mem == Mem::W => Place::Global(at + k as u32),
            Place::Mem { .. } | Place::Elem { .. } | Place::Global(_) => {
                let place = match place {
                    Place::Mem { .. } => place,
                    _ => self.part_in_memory(place, array),
                };
                let Place::Mem { base, off, known } = place else { return Place::Blank };
                let far = off as u64 + k * l.mem.bytes() as u64;
                match u32::try_from(far) {
                    Ok(off) => Place::Mem { base, off, known },
                    Err(_) => Place::Mem { base: self.lea(base, far), off: 0, known: true },
                }
            }
        }
    }

    fn part_in_memory(&mut self, place: Place, ty: TypeId) -> Place {
        match place {
            Place::Mem { .. } => place,
            _ => Place::boxed(self.address(place, ty)),
        }
    }

    pub fn dyn_element(&mut self, place: Place, array: TypeId, elem: TypeId, len: u64, index: Reg) -> Place {
        let l = self.lay(elem);
        match place {
            Place::Slot(r) | Place::Word(r) => {
                if l.mem == Mem::N {
                    let dst = self.slots_for(elem);
                    self.f.code.rrr(Op::FxN, dst, r, index);
                    self.f.code.extra(len | (l.words as u64) << 32);
                    return Place::Slot(dst);
                }
                Place::FrameElem { array: r, index, len }
            }
            Place::Mem { .. } | Place::Global(_) | Place::Elem { .. } => {
                let base = match place {
                    // the address op checks for nil itself
                    Place::Mem { base, off: 0, .. } => base,
                    _ => self.address(place, array),
                };
                let p = self.ptr_slot();
                self.f.code.rrr(Op::ArrAddr, p, base, index);
                self.f.code.extra(l.stride() as u64 | len << 32);
                Place::Mem { base: p, off: 0, known: true }
            }
            Place::FrameElem { .. } | Place::MapElem { .. } | Place::Blank => {
                let r = self.load(place, array, None);
                let whole = if self.lay(array).big() { Place::boxed(r) } else { Place::Slot(r) };
                self.dyn_element(whole, array, elem, len, index)
            }
        }
    }

    /// The base and offset to use in a memory op.
    pub fn near(&mut self, base: Reg, off: u32) -> (Reg, i64) {
        if off <= MAX_OFFSET { (base, off as i64) } else { (self.lea(base, off as u64), 0) }
    }

    /// The bytes of an array whose elements are smaller than words.
    fn packed_bytes(&mut self, ty: TypeId) -> Option<u64> {
        let Type::Array(elem, n) = self.under(ty) else { return None };
        let l = self.lay(elem);
        let bytes = n * l.mem.bytes() as u64;
        (bytes > 0 && l.mem != Mem::W).then_some(bytes)
    }

    /// Likewise of one behind a pointer: that may lead into the middle of a slice's elements (`(*[4]byte)(s)`), where words
    /// are not aligned, and the last one is not all the array's.
    pub fn exact_bytes(&mut self, place: Place, ty: TypeId) -> Option<u64> {
        if matches!(place, Place::Mem { known: false, .. }) { self.packed_bytes(ty) } else { None }
    }

    /// Reads a place. Without `want` the result may be the place's own slot; a big value gives the address of the place.
    pub fn load(&mut self, place: Place, ty: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(ty);
        let exact = self.exact_bytes(place, ty);
        if l.big() {
            let mut r = self.big_address(place, ty, l);
            if exact.is_some() {
                r = self.fresh_copy(r, ty);
            }
            return match want {
                Some(w) => {
                    self.f.code.mov(w, r);
                    w
                }
                None => r,
            };
        }
        if let (Some(bytes), Place::Mem { base, off, .. }) = (exact, place) {
            let (base, off) = self.near(base, off);
            let d = self.dst(want, ty);
            self.f.code.rri(Op::LdB, d, base, off);
            self.f.code.extra(bytes);
            return d;
        }
        match place {
            Place::Slot(r) => self.loaded(r, want, l),
            Place::Word(r) => match extend_op(l.mem) {
                None => self.loaded(r, want, l),
                Some(op) => {
                    let d = self.dst(want, ty);
                    self.f.code.rr(op, d, r);
                    d
                }
            },
            Place::Mem { base, off, known } => {
                if l.words == 0 {
                    if !known {
                        self.f.code.r(Op::NilChk, base);
                    }
                    return self.dst(want, ty);
                }
                let (base, off) = self.near(base, off);
                let d = self.dst(want, ty);
                let m = one_word(l);
                self.f.code.rri(load_op(m), d, base, off);
                if m == Mem::N {
                    self.f.code.extra(l.words as u64);
                }
                d
            }
            Place::Global(at) => {
                let d = self.dst(want, ty);
                match l.words {
                    0 => {}
                    1 => {
                        self.f.code.rx(Op::LdG, d, at as i32);
                        if let Some(op) = extend_op(l.mem) {
                            self.f.code.rr(op, d, d);
                        }
                    }
                    _ => {
                        let p = self.global_addr(at);
                        self.f.code.rri(Op::LdN, d, p, 0);
                        self.f.code.extra(l.words as u64);
                    }
                }
                d
            }
            Place::Elem { slice, index } => {
                let d = self.dst(want, ty);
                let m = one_word(l);
                self.f.code.rrr(index_op(m), d, slice, index);
                if m == Mem::N {
                    self.f.code.extra(l.words as u64);
                }
                d
            }
            Place::FrameElem { array, index, len } => {
                let d = self.dst(want, ty);
                self.f.code.rrr(frame_op(l.mem), d, array, index);
                self.f.code.extra(len | (l.words as u64) << 32);
                d
            }
            Place::MapElem { map, key, ty: mt } => {
                let d = self.dst(want, ty);
                let t = self.rtype(mt);
                self.f.code.rrr(Op::MapGet, d, map, key);
                self.f.code.extra(t.0 as u64);
                d
            }
            Place::Blank => self.dst(want, ty),
        }
    }

    fn loaded(&mut self, r: Reg, want: Option<Reg>, l: Lay) -> Reg {
        match want {
            Some(w) => {
                self.f.code.mov_n(w, r, l.slots);
                w
            }
            None => r,
        }
    }

    fn global_addr(&mut self, at: u32) -> Reg {
        let p = self.ptr_slot();
        self.f.code.rx(Op::GAddr, p, at as i32);
        p
    }

    /// The address of memory that holds the big value at a place.
    fn big_address(&mut self, place: Place, ty: TypeId, l: Lay) -> Reg {
        match place {
            Place::Slot(r) | Place::Word(r) => r,
            Place::Mem { base, off: 0, .. } => base,
            Place::Mem { base, off, .. } => self.lea(base, off as u64),
            Place::Global(at) => self.global_addr(at),
            Place::Elem { slice, index } => self.elem_addr(slice, index, ty),
            Place::MapElem { map, key, ty: mt } => {
                let words = self.raw_words(l);
                let t = self.rtype(mt);
                self.f.code.rrr(Op::MapGet, words, map, key);
                self.f.code.extra(t.0 as u64);
                self.box_words(words, ty)
            }
            Place::FrameElem { .. } | Place::Blank => self.new_box(ty),
        }
    }

    /// Slots for all words of a big value.
    pub fn raw_words(&mut self, l: Lay) -> Reg {
        let words = l.words.min(crate::base::limits::MAX_FRAME_SLOTS as u32 + 1);
        self.f.regs.range(l.map, &self.maps[l.map.0 as usize], words)
    }

    /// The words of a big value in the frame, as ops that take words need them.
    pub fn spread(&mut self, r: Reg, ty: TypeId) -> Reg {
        let l = self.lay(ty);
        if !l.big() {
            return r;
        }
        let words = self.raw_words(l);
        self.f.code.rri(Op::LdN, words, r, 0);
        self.f.code.extra(l.words as u64);
        words
    }

    /// New memory with words that lie in the frame.
    pub fn box_words(&mut self, words: Reg, ty: TypeId) -> Reg {
        let l = self.lay(ty);
        let b = self.new_box(ty);
        self.f.code.rri(Op::StN, words, b, 0);
        self.f.code.extra(l.words as u64);
        b
    }

    /// A copy of the big value at an address, in new memory.
    pub fn fresh_copy(&mut self, from: Reg, ty: TypeId) -> Reg {
        let from = self.hold_ptr(from);
        let b = self.new_box(ty);
        self.copy_words(b, from, ty);
        b
    }

    fn copy_words(&mut self, to: Reg, from: Reg, ty: TypeId) {
        let l = self.lay(ty);
        if let Some(bytes) = self.packed_bytes(ty) {
            self.f.code.rr(Op::CopyB, to, from);
            self.f.code.extra(bytes);
            return;
        }
        self.f.code.rr(Op::CopyN, to, from);
        self.f.code.extra(l.words as u64);
        if l.has_slice {
            self.disown_memory(to, ty);
        }
    }

    pub fn disown_memory(&mut self, at: Reg, ty: TypeId) {
        let t = self.rtype(ty);
        self.f.code.r(Op::DisownT, at);
        self.f.code.extra(t.0 as u64);
    }

    /// Writes a value to a place. A big value is copied from its address.
    pub fn store(&mut self, place: Place, ty: TypeId, src: Reg) {
        let l = self.lay(ty);
        if l.big() {
            return match place {
                Place::Blank => {}
                Place::Slot(r) | Place::Word(r) => self.f.code.mov(r, src),
                Place::MapElem { map, key, ty: mt } => {
                    let words = self.spread(src, ty);
                    let t = self.rtype(mt);
                    self.f.code.rrr(Op::MapSet, words, map, key);
                    self.f.code.extra(t.0 as u64);
                }
                _ => {
                    let to = self.big_address(place, ty, l);
                    self.copy_words(to, src, ty);
                }
            };
        }
        if let (Some(bytes), Place::Mem { base, off, .. }) = (self.exact_bytes(place, ty), place) {
            let (base, off) = self.near(base, off);
            self.f.code.rri(Op::StB, src, base, off);
            self.f.code.extra(bytes);
            return;
        }
        match place {
            Place::Slot(r) => self.f.code.mov_n(r, src, l.slots),
            Place::Word(r) => {
                if l.mem == Mem::F32 {
                    self.f.code.rr(Op::NarrowF32, r, src);
                } else {
                    self.f.code.mov_n(r, src, l.slots);
                }
            }
            Place::Mem { base, off, known } => {
                if l.words == 0 {
                    if !known {
                        self.f.code.r(Op::NilChk, base);
                    }
                    return;
                }
                let (base, off) = self.near(base, off);
                let m = one_word(l);
                self.f.code.rri(store_op(m), src, base, off);
                if m == Mem::N {
                    self.f.code.extra(l.words as u64);
                }
            }
            Place::Global(at) => match l.words {
                0 => {}
                1 if l.mem == Mem::F32 => {
                    let t = self.scalar();
                    self.f.code.rr(Op::NarrowF32, t, src);
                    self.f.code.rx(Op::StG, t, at as i32);
                }
                1 => self.f.code.rx(Op::StG, src, at as i32),
                _ => {
                    let p = self.global_addr(at);
                    self.f.code.rri(Op::StN, src, p, 0);
                    self.f.code.extra(l.words as u64);
                }
            },
            Place::Elem { slice, index } => {
                let m = one_word(l);
                self.f.code.rrr(set_index_op(m), src, slice, index);
                if m == Mem::N {
                    self.f.code.extra(l.words as u64);
                }
            }
            Place::FrameElem { array, index, len } => {
                self.f.code.rrr(set_frame_op(l.mem), src, array, index);
                self.f.code.extra(len | (l.words as u64) << 32);
            }
            Place::MapElem { map, key, ty: mt } => {
                let t = self.rtype(mt);
                self.f.code.rrr(Op::MapSet, src, map, key);
                self.f.code.extra(t.0 as u64);
            }
            Place::Blank => {}
        }
    }

    /// Stores the zero value.
    pub fn store_zero(&mut self, place: Place, ty: TypeId) {
        let l = self.lay(ty);
        match place {
            Place::Slot(r) | Place::Word(r) if !l.big() => self.f.code.zero(r, l.slots),
            _ => {
                let z = self.zero_value(ty, None);
                self.store(place, ty, z);
            }
        }
    }

    /// The zero value of a type; without `want` in temporaries.
    pub fn zero_value(&mut self, ty: TypeId, want: Option<Reg>) -> Reg {
        let l = self.lay(ty);
        let d = self.dst(want, ty);
        if l.big() {
            self.new_box_in(ty, d);
        } else {
            self.f.code.zero(d, l.slots);
        }
        d
    }

    /// The address of a place in memory.
    pub fn address(&mut self, place: Place, ty: TypeId) -> Reg {
        match place {
            Place::Mem { base, off: 0, known: true } => base,
            Place::Mem { base, off: 0, known: false } => {
                self.f.code.r(Op::NilChk, base);
                base
            }
            Place::Mem { base, off, .. } => self.lea(base, off as u64),
            Place::Global(at) => self.global_addr(at),
            Place::Elem { slice, index } => self.elem_addr(slice, index, ty),
            Place::Slot(_) | Place::Word(_) | Place::FrameElem { .. } | Place::MapElem { .. } | Place::Blank => {
                // what is not addressable is copied: receivers and composite literals
                let r = self.load(place, ty, None);
                let b = self.new_box(ty);
                self.store(Place::boxed(b), ty, r);
                b
            }
        }
    }

    /// Makes a place safe to keep over a safepoint.
    pub fn hold_place(&mut self, place: Place) -> Place {
        match place {
            Place::Mem { base, off, known } => Place::Mem { base: self.hold_ptr(base), off, known },
            Place::Elem { slice, index } => Place::Elem { slice: self.hold_ptr(slice), index },
            Place::MapElem { map, key, ty } => {
                let map = self.hold_ptr(map);
                let key = match self.under(ty) {
                    Type::Map(k, _) if !self.lay(k).big() => self.hold(key, k),
                    _ => key,
                };
                Place::MapElem { map, key, ty }
            }
            _ => place,
        }
    }

    /// A pointer that lies in a window is moved to a pointer slot.
    pub fn hold_ptr(&mut self, r: Reg) -> Reg {
        if !r.is_scalar() {
            return r;
        }
        let p = self.ptr_slot();
        self.f.code.mov(p, r);
        p
    }

    /// A value with pointers that lies in scalar slots is moved to pointer slots.
    pub fn hold(&mut self, r: Reg, ty: TypeId) -> Reg {
        let l = self.lay(ty);
        if l.fmap == MapId::NONE || !r.is_scalar() {
            return r;
        }
        let p = self.slots_for(ty);
        self.f.code.mov_n(p, r, l.slots);
        p
    }

    /// Takes the owned mark from the slices of a value in the frame.
    pub fn disown_value(&mut self, r: Reg, ty: TypeId) {
        let l = self.lay(ty);
        if !l.has_slice || l.big() {
            return;
        }
        let mut at = Vec::new();
        self.slice_words(ty, 0, &mut at);
        for w in at {
            self.f.code.rr(Op::Disown, r.add(w), r.add(w));
        }
    }
}
