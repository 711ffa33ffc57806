//! Composite literals, built in the place where they are wanted: a frame, fresh memory, a new slice or map.
use super::Compiler;
use super::lvalue::Place;
use super::regs::Reg;
use crate::base::intern::Sym;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::constant::Const;
use crate::types::info::SelectionKind;
use crate::types::ty::{Type, TypeId};

impl Compiler<'_> {
    /// The value of a composite literal.
    pub fn composite_lit(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let ty = self.ty(e);
        let l = self.lay(ty);
        match self.under(ty) {
            // in a literal's elements `{...}` may stand for `&T{...}`
            Type::Pointer(t) => self.new_literal(e, t, want),
            Type::Slice(elem) => self.slice_lit(e, elem, want),
            Type::Map(k, v) => self.map_lit(e, ty, k, v, want),
            _ if l.big() => self.new_literal(e, ty, want),
            _ => {
                // the wanted slots may be read by the elements, or be no place for pointers
                let r = self.slots_for(ty);
                self.fill(Place::Slot(r), ty, e, false);
                match want {
                    Some(w) => {
                        self.f.code.mov_n(w, r, l.slots);
                        w
                    }
                    None => r,
                }
            }
        }
    }

    /// Evaluates an expression into slots that nothing else uses yet.
    pub fn expr_fresh(&mut self, e: ExprId, to: TypeId, d: Reg) {
        let inner = self.ast.unparen(e);
        let ty = self.ty(e);
        if ty == to
            && matches!(self.ast.expr(inner).kind, ExprKind::Composite { .. })
            && matches!(self.under(ty), Type::Struct(_) | Type::Array(..))
        {
            let l = self.lay(ty);
            let safe = !l.has_ptr() || d.is_ptr() || !self.has_safepoint(e);
            // temporaries of the elements must not lie in the slots themselves
            let apart = !d.is_scalar() || d.index() + l.slots <= self.f.regs.top;
            if !l.big() && safe && apart {
                return self.fill(Place::Slot(d), ty, inner, false);
            }
        }
        if ty == to && d.is_ptr() && matches!(self.ast.expr(inner).kind, ExprKind::Composite { .. }) {
            match self.under(ty) {
                Type::Slice(elem) => return self.slice_lit_in(inner, elem, d),
                Type::Map(k, v) => return self.map_lit_in(inner, ty, k, v, d),
                _ => {}
            }
        }
        if ty == to
            && d.is_ptr()
            && let ExprKind::Unary { op: UnaryOp::Addr, x } = self.ast.expr(inner).kind
        {
            let x = self.ast.unparen(x);
            let t = self.ty(x);
            if matches!(self.ast.expr(x).kind, ExprKind::Composite { .. }) {
                if matches!(self.under(t), Type::Struct(_) | Type::Array(..)) {
                    self.new_box_in(t, d);
                    return self.fill(Place::boxed(d), t, x, true);
                }
            } else {
                let place = self.place(x);
                self.set_pos(self.ast.span(inner).lo);
                if let Place::Elem { slice, index } = place {
                    return self.elem_addr_in(d, slice, index, t);
                }
                let r = self.address(place, t);
                return self.f.code.mov(d, r);
            }
        }
        self.expr_as(e, to, Some(d));
    }

    /// New memory with a literal's value; gives its address.
    pub fn new_literal(&mut self, e: ExprId, ty: TypeId, want: Option<Reg>) -> Reg {
        // the elements may read the variable that will hold the pointer
        let b = self.new_box(ty);
        match self.under(ty) {
            Type::Struct(_) | Type::Array(..) => self.fill(Place::boxed(b), ty, e, true),
            _ => {
                let v = self.literal_of(e, ty);
                self.store(Place::boxed(b), ty, v);
            }
        }
        match want {
            Some(w) => {
                self.f.code.mov(w, b);
                w
            }
            None => b,
        }
    }

    fn literal_of(&mut self, e: ExprId, ty: TypeId) -> Reg {
        match self.under(ty) {
            Type::Slice(elem) => self.slice_lit(e, elem, None),
            Type::Map(k, v) => self.map_lit(e, ty, k, v, None),
            _ => self.expr(e, None),
        }
    }

    pub fn address_of(&mut self, e: ExprId, x: ExprId, want: Option<Reg>) -> Reg {
        let inner = self.ast.unparen(x);
        let ty = self.ty(x);
        if let ExprKind::Composite { .. } = self.ast.expr(inner).kind {
            return self.new_literal(inner, ty, want);
        }
        let place = self.place(x);
        self.set_pos(self.ast.span(e).lo);
        let r = self.address(place, ty);
        match want {
            Some(w) => {
                self.f.code.mov(w, r);
                w
            }
            None => r,
        }
    }

    /// Writes a struct or array literal to a place of its own. `zeroed`: the place holds the zero value.
    fn fill(&mut self, place: Place, ty: TypeId, e: ExprId, zeroed: bool) {
        let ExprKind::Composite { elems, .. } = &self.ast.expr(e).kind else { return };
        if self.exact_bytes(place, ty).is_some() {
            let b = self.new_box(ty);
            self.fill(Place::boxed(b), ty, e, true);
            let v = self.load(Place::boxed(b), ty, None);
            return self.store(place, ty, v);
        }
        match self.under(ty) {
            Type::Struct(fields) => {
                let full = elems.len() == fields.len();
                if !zeroed && !full {
                    self.store_zero(place, ty);
                }
                let zeroed = zeroed || !full;
                let values: Vec<ExprId> = elems.iter().map(|el| el.value).collect();
                let ahead = self.calls_ahead(&values);
                for i in self.calls_first(elems.iter().map(|el| el.value)) {
                    let el = elems[i];
                    let mark = self.f.regs.mark();
                    let path = match el.key {
                        Some(k) => match self.info.selections.get(&k) {
                            Some(s) if s.kind == SelectionKind::Field => s.path.clone(),
                            _ => vec![self.field_named(&fields, k).unwrap_or(i as u32)],
                        },
                        None => vec![i as u32],
                    };
                    let (p, fty) = self.select(place, ty, &path);
                    if el.key.is_none() && fields.get(i).is_some_and(|f| f.name == Sym::BLANK) {
                        self.discard(el.value);
                        self.store_zero(p, fty);
                    } else {
                        self.fill_part(p, fty, el.value, zeroed);
                    }
                    self.f.regs.release(mark);
                }
                self.end_ahead(ahead);
            }
            Type::Array(elem, n) => {
                let full = elems.len() as u64 == n && elems.iter().all(|el| el.key.is_none());
                let packed = self.lay(elem).mem.bytes() < 8 && self.lay(elem).is_scalar();
                if !zeroed && (!full || packed) {
                    self.store_zero(place, ty);
                }
                let zeroed = zeroed || !full || packed;
                self.fill_elements(place, ty, elem, n, elems, zeroed);
            }
            _ => {}
        }
    }

    fn field_named(&self, fields: &[crate::types::ty::Field], key: ExprId) -> Option<u32> {
        match self.ast.expr(key).kind {
            ExprKind::Ident(name) => fields.iter().position(|f| f.name == name).map(|i| i as u32),
            _ => None,
        }
    }

    fn fill_elements(&mut self, place: Place, array: TypeId, elem: TypeId, n: u64, elems: &[Element], zeroed: bool) {
        let l = self.lay(elem);
        let place = match place {
            Place::Global(_) => Place::boxed(self.address(place, array)),
            p => p,
        };
        let mut index = Vec::with_capacity(elems.len());
        let mut at = 0u64;
        for el in elems {
            if let Some(k) = el.key {
                at = self.int_const(k).unwrap_or(at as i64) as u64;
            }
            index.push(at);
            at += 1;
        }
        let mut stored = 0;
        let values: Vec<ExprId> = elems.iter().map(|el| el.value).collect();
        let ahead = self.calls_ahead(&values);
        for i in self.calls_first(elems.iter().map(|el| el.value)) {
            if i < stored {
                continue;
            }
            let (el, at) = (elems[i], index[i]);
            let mark = self.f.regs.mark();
            // runs of constants narrower than a word are stored as words
            let per_word = 8 / l.mem.bytes().max(1) as u64;
            if l.is_scalar() && per_word > 1 && at.is_multiple_of(per_word) {
                let mut word = 0u64;
                let mut count = 0;
                while count < per_word
                    && let Some(el) = elems.get(i + count as usize)
                    && (count == 0 || el.key.is_none())
                    && let Some(bits) = self.element_bits(el.value, elem)
                {
                    word |= bits << (count as u32 * l.mem.bytes() * 8);
                    count += 1;
                }
                if count == per_word || count > 1 && at + count == n {
                    if word != 0 || !zeroed {
                        let part = match place {
                            Place::Slot(r) | Place::Word(r) => Place::Slot(r.add((at / per_word) as u32)),
                            Place::Mem { base, off, known } => {
                                Place::Mem { base, off: off + (at / per_word) as u32 * 8, known }
                            }
                            p => p,
                        };
                        let r = self.scalar();
                        self.load_word(word, r);
                        self.store(part, TypeId::INT, r);
                    }
                    stored = i + count as usize;
                    self.f.regs.release(mark);
                    continue;
                }
            }
            let p = self.const_element(place, array, elem, n, at);
            self.fill_part(p, elem, el.value, zeroed);
            self.f.regs.release(mark);
        }
        self.end_ahead(ahead);
    }

    /// The bits in memory of a constant element.
    fn element_bits(&mut self, e: ExprId, elem: TypeId) -> Option<u64> {
        let l = self.lay(elem);
        let c = self.info.consts.get(&e)?;
        let word = self.const_word(c, l.kind);
        let word = if l.mem == Mem::F32 { (f64::from_bits(word) as f32).to_bits() as u64 } else { word };
        let bits = l.mem.bytes() * 8;
        Some(if bits < 64 { word & ((1 << bits) - 1) } else { word })
    }

    /// Stores one element or field.
    fn fill_part(&mut self, place: Place, ty: TypeId, e: ExprId, zeroed: bool) {
        let inner = self.ast.unparen(e);
        if let ExprKind::Composite { .. } = self.ast.expr(inner).kind
            && self.ty(e) == ty
            && matches!(self.under(ty), Type::Struct(_) | Type::Array(..))
            && matches!(place, Place::Slot(_) | Place::Word(_) | Place::Mem { .. })
        {
            return self.fill(place, ty, inner, zeroed);
        }
        if zeroed && self.is_zero_value(e, ty) {
            return;
        }
        let l = self.lay(ty);
        match place {
            Place::Slot(r) | Place::Word(r) if l.mem != Mem::F32 && !l.big() => self.expr_fresh(e, ty, r),
            _ => {
                let r = self.value(e, ty);
                self.store(place, ty, r);
            }
        }
    }

    /// A constant whose words are all zero.
    fn is_zero_value(&mut self, e: ExprId, ty: TypeId) -> bool {
        if self.info.types.is_interface(ty) {
            return false;
        }
        match self.info.consts.get(&e) {
            Some(Const::Bool(b)) => !b,
            Some(Const::Str(s)) => s.is_empty(),
            Some(c) => c.is_zero(),
            None => false,
        }
    }

    fn slice_lit(&mut self, e: ExprId, elem: TypeId, want: Option<Reg>) -> Reg {
        let s = self.ptr_slot();
        self.slice_lit_in(e, elem, s);
        self.moved(s, want)
    }

    fn slice_lit_in(&mut self, e: ExprId, elem: TypeId, s: Reg) {
        let ExprKind::Composite { elems, .. } = &self.ast.expr(e).kind else { return };
        let (mut n, mut at) = (0u64, 0u64);
        for el in elems {
            if let Some(k) = el.key {
                at = self.int_const(k).unwrap_or(at as i64) as u64;
            }
            at += 1;
            n = n.max(at);
        }
        self.new_slice(s, elem, n);
        if n > 0 {
            let data = self.slice_data(s);
            let array = self.info.types.intern(Type::Array(elem, n));
            self.fill_elements(Place::boxed(data), array, elem, n, elems, true);
        }
    }

    /// A value, moved to where it is wanted.
    pub fn moved(&mut self, r: Reg, want: Option<Reg>) -> Reg {
        match want {
            Some(w) => {
                self.f.code.mov(w, r);
                w
            }
            None => r,
        }
    }

    pub fn new_slice(&mut self, s: Reg, elem: TypeId, n: u64) {
        let t = self.rtype(elem);
        self.f.code.rx(Op::SliceLit, s, t.0 as i32);
        self.f.code.extra(n);
    }

    /// The address of a slice's first element.
    pub fn slice_data(&mut self, s: Reg) -> Reg {
        let p = self.ptr_slot();
        self.f.code.rri(Op::LdW, p, s, 0);
        p
    }

    fn map_lit(&mut self, e: ExprId, ty: TypeId, k: TypeId, v: TypeId, want: Option<Reg>) -> Reg {
        let m = self.ptr_slot();
        self.map_lit_in(e, ty, k, v, m);
        self.moved(m, want)
    }

    /// A constant, nil, or a struct or array of such.
    fn is_literal(&self, e: ExprId) -> bool {
        let e = self.ast.unparen(e);
        if self.info.consts.contains_key(&e) {
            return true;
        }
        match &self.ast.expr(e).kind {
            ExprKind::Ident(_) => self
                .info
                .uses
                .get(&e)
                .is_some_and(|o| matches!(self.info.obj(*o).kind, crate::types::info::ObjKind::Nil)),
            ExprKind::Composite { elems, .. } => {
                let ty = self.info.type_of(e);
                matches!(self.info.types.underlying(ty), Type::Struct(_) | Type::Array(..))
                    && elems.iter().all(|el| self.is_literal(el.value))
            }
            _ => false,
        }
    }

    fn map_lit_in(&mut self, e: ExprId, ty: TypeId, k: TypeId, v: TypeId, m: Reg) {
        let ExprKind::Composite { elems, .. } = &self.ast.expr(e).kind else { return };
        let t = self.rtype(ty);
        let mark = self.f.regs.mark();
        let hint = self.scalar();
        self.f.code.rx(Op::LdI, hint, elems.len() as i32);
        self.f.code.rr(Op::MkMap, m, hint);
        self.f.code.extra(t.0 as u64);
        self.f.regs.release(mark);
        // As under Go, what is known beforehand is there before the rest: it shows where keys are equal.
        let known = |e: Option<ExprId>| e.is_some_and(|e| self.is_literal(e));
        let mut order: Vec<&Element> = elems.iter().collect();
        order.sort_by_key(|el| !(known(el.key) && known(Some(el.value))));
        for el in order {
            let mark = self.f.regs.mark();
            let Some(key) = el.key else { continue };
            let ahead = self.calls_ahead(&[key, el.value]);
            let kr = self.value(key, k);
            let kr = if self.has_safepoint(el.value) { self.hold(kr, k) } else { kr };
            let kr = self.spread(kr, k);
            let vr = self.value(el.value, v);
            self.set_pos(self.ast.span(key).lo);
            self.store(Place::MapElem { map: m, key: kr, ty }, v, vr);
            self.end_ahead(ahead);
            self.f.regs.release(mark);
        }
    }
}
