//! Calls: windows, arguments, results.
//!
//! Arguments are evaluated in the order of Go's compiler: those that contain calls first, in order, then the others. A
//! pointer goes straight to the window if no safepoint comes between it and the call.
use super::lvalue::Place;
use super::regs::Reg;
use super::{Compiler, FuncRef};
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::instantiate::{Subst, subst};
use crate::types::lookup::{Entry, is_exported, lookup_field_or_method};
use crate::types::ty::{Type, TypeId};

/// A method, found for the types at hand.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Target {
    /// A declared method; `path` leads from the operand to the receiver.
    Static { obj: ObjId, targs: Vec<TypeId>, path: Vec<u32>, pointer: bool },
    /// A method of the interface that `path` leads to.
    Iface { id: MethodId, sig: TypeId, path: Vec<u32> },
}

/// What is called.
pub enum Callee {
    Static(FuncRef),
    Closure(Reg),
    Iface(Reg, MethodId),
}

/// One argument.
pub enum Arg {
    Expr(ExprId, TypeId),
    /// A receiver reached over a path.
    Recv {
        x: ExprId,
        path: Vec<u32>,
        pointer: bool,
        ty: TypeId,
    },
    /// The rest of a variadic call, packed into a slice of the type.
    Rest(Vec<ExprId>, TypeId),
    /// A value that lies in slots already, with its type, converted to the second.
    Slot(Reg, TypeId, TypeId),
    /// Likewise, packed into a slice.
    RestSlots(Vec<(Reg, TypeId)>, TypeId),
}

/// Natives that are single ops.
pub fn op_of_native(name: &str) -> Option<Op> {
    Some(match name {
        "math.Sqrt" | "math.sqrt" => Op::SqrtF,
        "math.Abs" => Op::AbsF,
        "math.Floor" | "math.floor" => Op::FloorF,
        "math.Ceil" | "math.ceil" => Op::CeilF,
        "math.Trunc" | "math.trunc" => Op::TruncF,
        _ => return None,
    })
}

impl Compiler<'_> {
    /// The type at the end of a path of fields.
    pub fn path_type(&mut self, ty: TypeId, path: &[u32]) -> TypeId {
        let mut ty = ty;
        for &i in path {
            if let Type::Pointer(e) = self.under(ty) {
                ty = e;
            }
            ty = self.fields(ty).get(i as usize).map_or(TypeId::INVALID, |f| f.0);
        }
        ty
    }

    /// The method that a selector denotes.
    pub fn target(&mut self, e: ExprId) -> Option<Target> {
        let s = self.info.selections.get(&e)?.clone();
        let ExprKind::Selector { sel, .. } = self.ast.expr(e).kind else { return None };
        let recv = self.sub(s.recv);
        match s.kind {
            SelectionKind::Method { obj } | SelectionKind::MethodExpr { obj } => {
                let t = self.path_type(recv, &s.path);
                let t = self.info.types.deref(t).0;
                let mut targs = match self.info.types.as_named(t) {
                    Some(n) => self.info.types.named(n).args.clone(),
                    None => Vec::new(),
                };
                targs.extend(self.type_args(e));
                let pointer = matches!(&self.info.obj(obj).kind, ObjKind::Func(f) if f.recv.is_some_and(|r| r.pointer));
                Some(Target::Static { obj, targs, path: s.path, pointer })
            }
            SelectionKind::Interface { index } | SelectionKind::InterfaceExpr { index } => {
                let t = self.path_type(recv, &s.path);
                if !self.info.types.parameterized(s.recv)
                    && let Type::Interface(i) = self.under(t)
                {
                    let m = i.methods.get(index as usize)?;
                    let id = self.method_id(m.name, m.pkg, m.sig);
                    return Some(Target::Iface { id, sig: m.sig, path: s.path });
                }
                let mut found = self.find_method(t, sel.name)?;
                match &mut found {
                    Target::Static { path, targs, .. } => {
                        path.splice(0..0, s.path.iter().copied());
                        targs.extend(self.type_args(e));
                    }
                    Target::Iface { path, .. } => {
                        path.splice(0..0, s.path.iter().copied());
                    }
                }
                Some(found)
            }
            SelectionKind::Field => None,
        }
    }

    /// Method `name` of a concrete or interface type.
    pub fn find_method(&mut self, t: TypeId, name: crate::base::intern::Sym) -> Option<Target> {
        let pkg = if is_exported(self.names.name(name)) { PkgId::NONE } else { self.f.package };
        self.find_method_in(t, name, pkg)
    }

    pub fn find_method_in(&mut self, t: TypeId, name: crate::base::intern::Sym, pkg: PkgId) -> Option<Target> {
        let found = lookup_field_or_method(self.info, t, true, name, pkg, None).found()?;
        match found.entry {
            Entry::Method { obj, recv, pointer } => {
                let targs = self.info.types.named(recv).args.clone();
                Some(Target::Static { obj, targs, path: found.path, pointer })
            }
            Entry::Interface { iface, index, sig } => {
                let m = self.info.types.interface_of(iface)?.methods.get(index as usize)?.clone();
                let id = self.method_id(m.name, m.pkg, sig);
                Some(Target::Iface { id, sig, path: found.path })
            }
            Entry::Field { .. } => None,
        }
    }

    /// The signature of a declared function for given type arguments, without receiver.
    pub fn decl_sig(&mut self, obj: ObjId, targs: &[TypeId]) -> TypeId {
        let map: Subst = self.func_subst(obj, targs);
        let ty = self.info.obj(obj).ty;
        subst(&mut self.info.types, ty, &map)
    }

    /// The declared function that an expression names, if it does.
    pub fn static_callee(&mut self, fun: ExprId) -> Option<(ObjId, Vec<TypeId>)> {
        let ast = self.ast;
        let mut e = ast.unparen(fun);
        if let ExprKind::Index { x, .. } = ast.expr(e).kind {
            e = ast.unparen(x);
            self.info.instances.get(&e)?;
        }
        if self.info.selections.contains_key(&e) {
            return None;
        }
        let obj = *self.info.uses.get(&e)?;
        matches!(self.info.obj(obj).kind, ObjKind::Func(_)).then(|| (obj, self.type_args(e)))
    }

    /// Reserves a window: `r` result slots, `a` parameter slots.
    pub fn begin_window(&mut self, r: u32, a: u32) -> u32 {
        let regs = &mut self.f.regs;
        let base = if regs.free_link == Some(regs.top) { regs.top } else { regs.top + 1 };
        regs.free_link = None;
        regs.set_top(base + r + a);
        base
    }

    /// The value of a call with one result.
    pub fn call_value(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let ast = self.ast;
        let ExprKind::Call { fun, args, .. } = &ast.expr(e).kind else { return Reg(0) };
        match self.info.mode(ast.unparen(*fun)) {
            Mode::Type => {
                let to = self.ty(e);
                return match args.first() {
                    Some(&a) => self.conversion(a, to, want),
                    None => self.zero_value(to, want),
                };
            }
            Mode::Builtin => return self.builtin_call(e, want),
            _ => {}
        }
        if let Some((obj, _)) = self.static_callee(*fun)
            && matches!(&self.info.obj(obj).kind, ObjKind::Func(f) if f.native && f.recv.is_none())
            && let (_, name, _) = self.func_name(obj)
            && let Some(op) = op_of_native(&name)
            && let [x] = args[..]
        {
            let mark = self.f.regs.mark();
            let r = self.expr_as(x, TypeId::FLOAT64, None);
            self.f.regs.release(mark);
            let d = self.dst(want, TypeId::FLOAT64);
            self.f.code.rr(op, d, r);
            return d;
        }
        let ahead = self.call_operands_ahead(*fun, args);
        if let Some(call) = self.inlined(e) {
            let r = self.inline_call(call, want);
            self.end_ahead(ahead);
            return r;
        }
        let top = self.f.regs.top;
        let (base, results) = self.call(e);
        self.end_ahead(ahead);
        match want {
            Some(w) => {
                let n = self.slot_count(&results);
                self.f.code.mov_n(w, base, n);
                self.f.regs.top = top;
                w
            }
            None => base,
        }
    }

    /// A call; the results lie at the returned slot, in the window.
    pub fn call(&mut self, e: ExprId) -> (Reg, Vec<TypeId>) {
        let ast = self.ast;
        let ExprKind::Call { fun, args, spread, parens } = &ast.expr(e).kind else { return (Reg(0), Vec::new()) };
        let pos = parens.lo;
        let ahead = self.call_operands_ahead(*fun, args);
        let (callee, sig, mut list) = self.callee(*fun, args);
        let (params, results, variadic) = self.signature(sig);
        self.arguments(args, &params, variadic && !spread, &mut list);
        let base = self.call_with(callee, &list, &results, pos);
        self.end_ahead(ahead);
        (base, results)
    }

    /// `calls_ahead` for what a call is made of.
    pub fn call_operands_ahead(&mut self, fun: ExprId, args: &[ExprId]) -> usize {
        if !args.iter().any(|&a| self.has_safepoint(a)) {
            return self.f.ahead.len();
        }
        if matches!(self.info.mode(self.ast.unparen(fun)), Mode::Type | Mode::Builtin) {
            return self.calls_ahead(args);
        }
        if let &[one] = args
            && let t = self.ty(one)
            && matches!(self.info.types.get(t), Type::Tuple(_))
        {
            // Several results are evaluated before the window is there.
            return self.all_calls_ahead(fun);
        }
        let sig = self.ty(fun);
        let (params, _, variadic) = self.signature(sig);
        let rest = match params.last() {
            Some(&p) if variadic => self.element_type(p),
            _ => TypeId::INVALID,
        };
        let fixed = params.len() - variadic as usize;
        let args: Vec<_> =
            args.iter().enumerate().map(|(i, &a)| (a, if i < fixed { params[i] } else { rest })).collect();
        self.calls_ahead_of_args(&[fun], &args)
    }

    /// What is called, its signature and, for a method, the receiver argument.
    pub fn callee(&mut self, fun: ExprId, args: &[ExprId]) -> (Callee, TypeId, Vec<Arg>) {
        let ast = self.ast;
        if let Some((obj, targs)) = self.static_callee(fun) {
            let sig = self.decl_sig(obj, &targs);
            let f = self.func_ref(obj, targs);
            return (Callee::Static(f), sig, Vec::new());
        }
        let inner = {
            let mut e = ast.unparen(fun);
            if let ExprKind::Index { x, .. } = ast.expr(e).kind
                && let x = ast.unparen(x)
                && self.info.instances.contains_key(&x)
            {
                e = x;
            }
            e
        };
        let kind = self.info.selections.get(&inner).map(|s| s.kind);
        if let (Some(SelectionKind::Method { .. } | SelectionKind::Interface { .. }), ExprKind::Selector { x, .. }) =
            (kind, &ast.expr(inner).kind)
        {
            let x = *x;
            match self.target(inner) {
                Some(Target::Static { obj, targs, path, pointer }) => {
                    let sig = self.decl_sig(obj, &targs);
                    let ty = self.recv_type(x, &path, pointer);
                    let f = self.func_ref(obj, targs);
                    return (Callee::Static(f), sig, vec![Arg::Recv { x, path, pointer, ty }]);
                }
                Some(Target::Iface { id, sig, path }) => {
                    let xt = self.ty(x);
                    let place = self.place(x);
                    let (place, t) = self.select(place, xt, &path);
                    let mut word = self.load(place, t, None);
                    if args.iter().any(|&a| self.has_safepoint(a)) {
                        word = self.hold_ptr(word);
                    }
                    return (Callee::Iface(word, id), sig, Vec::new());
                }
                None => {}
            }
        }
        let sig = self.ty(fun);
        let mut r = self.expr(fun, None);
        if args.iter().any(|&a| self.has_safepoint(a)) {
            r = self.hold_ptr(r);
        }
        (Callee::Closure(r), sig, Vec::new())
    }

    /// The type of the receiver parameter of a method reached from `x`.
    pub fn recv_type(&mut self, x: ExprId, path: &[u32], pointer: bool) -> TypeId {
        let t = self.ty(x);
        let t = self.path_type(t, path);
        let (base, _) = self.info.types.deref(t);
        if pointer { self.info.types.pointer(base) } else { base }
    }

    /// Adds the arguments of a call.
    pub fn arguments(&mut self, args: &[ExprId], params: &[TypeId], pack: bool, out: &mut Vec<Arg>) {
        // f(g()) with several results
        if let [one] = args
            && let t = self.ty(*one)
            && let Type::Tuple(list) = self.info.types.get(t).clone()
            && (params.len() != 1 || list.len() != 1)
        {
            let (mut at, types) = self.call(self.ast.unparen(*one));
            let mut slots = Vec::new();
            for t in types {
                slots.push((at, t));
                at = at.add(self.lay(t).slots);
            }
            let fixed = if pack { params.len() - 1 } else { params.len() };
            let rest = slots.split_off(fixed.min(slots.len()));
            for ((r, t), &p) in slots.into_iter().zip(params) {
                out.push(Arg::Slot(r, t, p));
            }
            if pack && let Some(&p) = params.last() {
                out.push(Arg::RestSlots(rest, p));
            }
            return;
        }
        let fixed = if pack { params.len() - 1 } else { params.len() };
        for (&a, &p) in args.iter().zip(&params[..fixed.min(params.len())]) {
            out.push(Arg::Expr(a, p));
        }
        if pack && let Some(&p) = params.last() {
            out.push(Arg::Rest(args.get(fixed..).unwrap_or_default().to_vec(), p));
        }
    }

    pub fn arg_type(&self, a: &Arg) -> TypeId {
        match a {
            Arg::Expr(_, t) | Arg::Recv { ty: t, .. } | Arg::Rest(_, t) | Arg::Slot(_, _, t) | Arg::RestSlots(_, t) => {
                *t
            }
        }
    }

    pub fn arg_has_safepoint(&mut self, a: &Arg) -> bool {
        match a {
            Arg::Expr(e, _) | Arg::Recv { x: e, .. } => self.has_safepoint(*e),
            Arg::Rest(list, _) => list.iter().any(|&e| self.has_safepoint(e)),
            Arg::Slot(..) | Arg::RestSlots(..) => false,
        }
    }

    /// Evaluates the arguments and calls.
    pub fn call_with(&mut self, callee: Callee, args: &[Arg], results: &[TypeId], pos: u32) -> Reg {
        let r = self.slot_count(results);
        let types: Vec<TypeId> = args.iter().map(|a| self.arg_type(a)).collect();
        let own = matches!(callee, Callee::Iface(..)) as u32;
        let n = self.slot_count(&types) + own;
        let base = self.begin_window(r, n);
        let mark = self.f.regs.mark();
        self.window_args(base + r + own, args);
        self.set_pos(pos);
        let w = Reg::scalar(base);
        match callee {
            Callee::Static(FuncRef::Code(idx)) => self.f.code.call(w, idx),
            Callee::Static(FuncRef::Native(id)) => self.f.code.rii(Op::CallN, w, id as i64, r as i64),
            Callee::Closure(c) => self.f.code.rri(Op::CallC, w, c, (r + n) as i64),
            Callee::Iface(i, id) => {
                self.f.code.rri(Op::CallI, w, i, r as i64);
                self.f.code.extra(id.0 as u64);
                self.f.code.extra(0);
            }
        }
        self.f.regs.release_ptrs(mark);
        self.f.regs.top = base + r;
        w
    }

    /// Evaluates arguments into the parameter slots of a window.
    pub fn window_args(&mut self, first: u32, args: &[Arg]) {
        let mut places = Vec::with_capacity(args.len());
        let mut at = first;
        let mut last = None;
        for (i, a) in args.iter().enumerate() {
            places.push(Reg::scalar(at));
            let t = self.arg_type(a);
            at += self.lay(t).slots;
            if self.arg_has_safepoint(a) {
                last = Some(i);
            }
        }
        let end = self.f.regs.top;
        let mut early = vec![false; args.len()];
        let mut parked = Vec::new();
        if let Some(last) = last {
            for (i, a) in args.iter().enumerate() {
                early[i] = match a {
                    Arg::Expr(e, t) => self.is_early(*e, *t),
                    _ => self.arg_has_safepoint(a),
                };
            }
            let earliest = early.iter().position(|&e| e);
            for (i, a) in args.iter().enumerate().filter(|&(i, _)| early[i]) {
                let t = self.arg_type(a);
                let l = self.lay(t);
                if l.has_ptr() && i < last {
                    let d = self.slots_for(t);
                    self.argument(a, d);
                    parked.push((i, d));
                    self.f.regs.top = end;
                    continue;
                }
                if i == 0 && earliest == Some(0) && self.is_plain_call(a) {
                    // the inner call's result may lie where this argument is wanted
                    self.f.regs.top = first;
                    self.f.regs.free_link = Some(first);
                }
                self.argument(a, places[i]);
                self.f.regs.free_link = None;
                self.f.regs.top = end;
            }
        }
        for (i, a) in args.iter().enumerate() {
            if !early[i] {
                let mark = self.f.regs.mark();
                self.argument(a, places[i]);
                self.f.regs.release(mark);
            }
        }
        for (i, d) in parked {
            let t = self.arg_type(&args[i]);
            let n = self.lay(t).slots;
            self.f.code.mov_n(places[i], d, n);
        }
    }

    /// Beside calls, the value is evaluated in its turn and not after them.
    pub fn is_early(&mut self, e: ExprId, to: TypeId) -> bool {
        self.has_safepoint(e) || self.is_copied_at_once(e, to)
    }

    /// A call whose one result is the argument as it is.
    fn is_plain_call(&mut self, a: &Arg) -> bool {
        let Arg::Expr(e, to) = a else { return false };
        let inner = self.ast.unparen(*e);
        let ExprKind::Call { fun, .. } = self.ast.expr(inner).kind else { return false };
        !matches!(self.info.mode(self.ast.unparen(fun)), Mode::Type | Mode::Builtin) && self.ty(*e) == *to
    }

    /// Evaluates one argument into its slots.
    pub fn argument(&mut self, a: &Arg, d: Reg) {
        match a {
            Arg::Expr(e, t) => self.expr_fresh(*e, *t, d),
            Arg::Recv { x, path, pointer, ty } => self.receiver(*x, path, *pointer, *ty, d),
            Arg::Rest(list, t) => self.pack(list, *t, d),
            Arg::Slot(r, from, to) => self.slot_as(*r, *from, *to, d),
            Arg::RestSlots(list, t) => {
                if list.is_empty() {
                    return self.f.code.rx(Op::LdI, d, 0);
                }
                let elem = self.element_type(*t);
                self.new_slice(d, elem, list.len() as u64);
                let data = self.slice_data(d);
                let array = self.info.types.intern(Type::Array(elem, list.len() as u64));
                for (i, &(r, from)) in list.iter().enumerate() {
                    let v = if from == elem { r } else { self.box_value(r, from, elem, None) };
                    let p = self.const_element(Place::boxed(data), array, elem, list.len() as u64, i as u64);
                    self.store(p, elem, v);
                }
            }
        }
    }

    /// A value in slots, converted to an interface if that is wanted.
    pub fn slot_as(&mut self, r: Reg, from: TypeId, to: TypeId, d: Reg) {
        if self.info.types.is_interface(to) && !self.info.types.is_interface(from) {
            self.box_value(r, from, to, Some(d));
        } else {
            let n = self.lay(to).slots;
            self.f.code.mov_n(d, r, n);
        }
    }

    /// The rest arguments of a variadic call as a slice.
    fn pack(&mut self, list: &[ExprId], ty: TypeId, d: Reg) {
        if list.is_empty() {
            return self.f.code.rx(Op::LdI, d, 0);
        }
        let elem = self.element_type(ty);
        let n = list.len() as u64;
        let calls = list.iter().any(|&e| self.has_safepoint(e));
        let s = if calls { self.ptr_slot() } else { d };
        if calls {
            // calls first, as for other arguments
            let mut values = vec![Reg::NONE; list.len()];
            for round in [true, false] {
                for (v, &e) in values.iter_mut().zip(list) {
                    if self.is_early(e, elem) == round {
                        *v = self.held_value(e, elem);
                    }
                }
            }
            self.new_slice(s, elem, n);
            let data = self.slice_data(s);
            let array = self.info.types.intern(Type::Array(elem, n));
            for (i, v) in values.into_iter().enumerate() {
                let p = self.const_element(Place::boxed(data), array, elem, n, i as u64);
                self.store(p, elem, v);
            }
            return self.f.code.mov(d, s);
        }
        self.new_slice(s, elem, n);
        let data = self.slice_data(s);
        let array = self.info.types.intern(Type::Array(elem, n));
        for (i, &e) in list.iter().enumerate() {
            let mark = self.f.regs.mark();
            let v = self.value(e, elem);
            let p = self.const_element(Place::boxed(data), array, elem, n, i as u64);
            self.store(p, elem, v);
            self.f.regs.release(mark);
        }
    }

    /// Evaluates a method's receiver into a parameter slot.
    pub fn receiver(&mut self, x: ExprId, path: &[u32], pointer: bool, ty: TypeId, d: Reg) {
        let xt = self.ty(x);
        if path.is_empty() && xt == ty {
            self.expr(x, Some(d));
            return;
        }
        let place = self.place(x);
        self.set_pos(self.ast.span(x).hi);
        let (place, t) = self.select(place, xt, path);
        self.receiver_from(place, t, pointer, ty, d);
    }

    /// The receiver of type `ty` from a place of type `t`, which is that type, a pointer to it or what it points to.
    pub fn receiver_from(&mut self, place: Place, t: TypeId, pointer: bool, ty: TypeId, d: Reg) {
        let is_ptr = matches!(self.info.types.get(t), Type::Pointer(_));
        if pointer {
            let r = if is_ptr { self.load(place, t, Some(d)) } else { self.address(place, t) };
            return self.f.code.mov(d, r);
        }
        let place = if is_ptr {
            let base = self.load(place, t, None);
            Place::behind(base)
        } else {
            place
        };
        let big = self.lay(ty).big();
        let r = self.load(place, ty, if big { None } else { Some(d) });
        if big {
            let r = self.fresh_copy(r, ty);
            self.f.code.mov(d, r);
        } else {
            self.disown_value(d, ty);
        }
    }
}
