//! Methods as values and in tables: wrappers that reach a promoted method or unpack an interface, method values, method
//! expressions, and the method tables of types that reach interfaces.
use super::call::{Callee, Target};
use super::closure::Body;
use super::lvalue::Place;
use super::regs::{MapId, Reg};
use super::{BoundCall, Compiler, FuncRef, Key, Work};
use crate::base::span::Span;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::instantiate::{Subst, method_signature};
use crate::types::lookup::{Entry, MethodEntry, is_exported, method_set};
use crate::types::ty::{Type, TypeId};

impl Compiler<'_> {
    /// `x.M` as a value: the receiver is evaluated now.
    pub fn method_value(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let ExprKind::Selector { x, sel } = self.ast.expr(e).kind else { return Reg(0) };
        let Some(target) = self.target(e) else { return Reg(0) };
        let xt = self.ty(x);
        let (call, recv, sig, value, map) = match target {
            Target::Iface { id, sig, path } => {
                let place = self.place(x);
                let (place, t) = self.select(place, xt, &path);
                let word = self.load(place, t, None);
                self.set_pos(sel.span.lo);
                self.f.code.r(Op::NilChk, word);
                (BoundCall::Iface(id), t, sig, word, MapId::ONE)
            }
            Target::Static { obj, targs, path, pointer } => {
                let sig = self.decl_sig(obj, &targs);
                let f = self.func_ref(obj, targs);
                let ty = self.recv_type(x, &path, pointer);
                let l = self.lay(ty);
                let r = self.slots_for(ty);
                self.set_pos(sel.span.lo);
                self.receiver(x, &path, pointer, ty, r);
                (BoundCall::Func(f), ty, sig, r, l.fmap)
            }
        };
        let slots = self.lay(recv).slots;
        let key = Key::Bound { recv, call };
        let idx = match self.funcs.get(&key) {
            Some(&idx) => idx,
            None => {
                let name = match call {
                    BoundCall::Func(FuncRef::Code(f)) => format!("{}-fm", self.prog.funcs[f.0 as usize].name),
                    _ => format!("{}-fm", self.names.name(sel.name)),
                };
                let package = self.prog.funcs[self.f.func.0 as usize].package.clone();
                let idx = self.new_func(name, sel.span.lo, package, true);
                self.funcs.insert(key, idx);
                self.work.push(Work::Bound { idx, recv, call, sig });
                idx
            }
        };
        let d = match want {
            Some(w) => w,
            None => self.ptr_slot(),
        };
        if slots == 0 {
            let k = self.constant(Constant::Func(idx));
            self.f.code.rx(Op::LdK, d, k);
        } else {
            self.closure_of(idx, &[(value, slots, map)], d);
        }
        d
    }

    /// `T.M`: a function whose first parameter is the receiver.
    pub fn method_expr(&mut self, e: ExprId, want: Option<Reg>) -> Reg {
        let Some(s) = self.info.selections.get(&e).cloned() else { return Reg(0) };
        let recv = self.sub(s.recv);
        let Some(target) = self.target(e) else { return Reg(0) };
        let idx = self.wrapper(recv, false, target);
        let d = match want {
            Some(w) => w,
            None => self.ptr_slot(),
        };
        let k = self.constant(Constant::Func(idx));
        self.f.code.rx(Op::LdK, d, k);
        d
    }

    /// The function that takes a `recv` (or, `boxed`, an interface that holds one) and calls the method.
    fn wrapper(&mut self, recv: TypeId, boxed: bool, target: Target) -> FuncIdx {
        if !boxed
            && let Target::Static { obj, targs, path, pointer } = &target
            && path.is_empty()
            && *pointer == matches!(self.info.types.get(recv), Type::Pointer(_))
        {
            return self.func_code_of(*obj, targs.clone());
        }
        let key = Key::Wrapper { recv, boxed, target: target.clone() };
        if let Some(&idx) = self.funcs.get(&key) {
            return idx;
        }
        let (name, pos) = match &target {
            Target::Static { obj, .. } => (self.func_name(*obj).0, self.info.obj(*obj).span.lo),
            Target::Iface { id, .. } => (self.prog.methods[id.0 as usize].name.clone(), self.f.code.pos),
        };
        let idx = self.new_func(name, pos, String::new(), true);
        self.funcs.insert(key, idx);
        self.work.push(Work::Wrapper { idx, recv, boxed, target });
        idx
    }

    pub fn wrapper_body(&mut self, idx: FuncIdx, recv: TypeId, boxed: bool, target: Target) {
        self.begin(idx, Body::Top(PkgId::NONE), PkgId::NONE, Subst::default());
        let sig = match &target {
            Target::Static { obj, targs, .. } => self.decl_sig(*obj, targs),
            Target::Iface { sig, .. } => *sig,
        };
        let (params, results, _) = self.signature(sig);
        let mut all = vec![if boxed { self.any } else { recv }];
        all.extend(&params);
        let (slots, _) = self.fixed_slots(&all, &results, false);
        let value = if boxed { self.unbox(slots[0], recv, None) } else { slots[0] };
        let place = if self.lay(recv).big() { Place::boxed(value) } else { Place::Slot(value) };
        match target {
            Target::Static { obj, targs, path, pointer } => {
                if path.is_empty() && !pointer {
                    self.refuse_nil(obj, recv, slots[0]);
                }
                let f = self.func_ref(obj, targs);
                let (place, t) = self.select(place, recv, &path);
                let base_ty = self.info.types.deref(t).0;
                let ty = if pointer { self.info.types.pointer(base_ty) } else { base_ty };
                self.forward(Callee::Static(f), Some((place, t, pointer, ty)), &slots[1..], &params, &results);
            }
            Target::Iface { id, path, .. } => {
                let (place, t) = self.select(place, recv, &path);
                let word = self.load(place, t, None);
                self.forward(Callee::Iface(word, id), None, &slots[1..], &params, &results);
            }
        }
        let pos = self.f.code.pos;
        self.finish_code(idx, Span::new(pos, pos + 1));
    }

    /// In a wrapper of a value's method: says so where the receiver is a nil pointer.
    fn refuse_nil(&mut self, method: ObjId, recv: TypeId, slot: Reg) {
        let (base, true) = self.info.types.deref(recv) else { return };
        let Some(named) = self.info.types.as_named(base) else { return };
        let name = self.names.name(self.info.types.named(named).name);
        let text = format!("value method {} called using nil *{name} pointer", self.func_name(method).0);
        let there = self.f.code.label();
        self.f.code.jump_if(slot, true, there);
        self.panic_text(&text);
        self.f.code.bind(there);
    }

    pub fn bound_body(&mut self, idx: FuncIdx, recv: TypeId, call: BoundCall, sig: TypeId) {
        self.begin(idx, Body::Top(PkgId::NONE), PkgId::NONE, Subst::default());
        let (params, results, _) = self.signature(sig);
        let l = self.lay(recv);
        let (slots, closure) = self.fixed_slots(&params, &results, l.slots > 0);
        let r = self.slots_for(recv);
        for i in 0..l.slots {
            self.f.code.rir(Op::LdCap, r.add(i), i as i64, closure);
        }
        match call {
            BoundCall::Iface(id) => self.forward(Callee::Iface(r, id), None, &slots, &params, &results),
            BoundCall::Func(f) => {
                let place = if l.big() { Place::boxed(r) } else { Place::Slot(r) };
                let pointer = matches!(self.info.types.get(recv), Type::Pointer(_));
                self.forward(Callee::Static(f), Some((place, recv, pointer, recv)), &slots, &params, &results);
            }
        }
        let pos = self.f.code.pos;
        self.finish_code(idx, Span::new(pos, pos + 1));
    }

    /// Calls with a receiver and this function's own parameters, and returns the results.
    fn forward(
        &mut self,
        callee: Callee,
        recv: Option<(Place, TypeId, bool, TypeId)>,
        slots: &[Reg],
        params: &[TypeId],
        results: &[TypeId],
    ) {
        let r = self.slot_count(results);
        let mut n = self.slot_count(params);
        n += match &recv {
            Some((_, _, _, ty)) => self.lay(*ty).slots,
            None => 1,
        };
        let base = self.begin_window(r, n);
        let mut at = base + r;
        match recv {
            Some((place, t, pointer, ty)) => {
                self.receiver_from(place, t, pointer, ty, Reg::scalar(at));
                at += self.lay(ty).slots;
            }
            None => at += 1,
        }
        for (&s, &t) in slots.iter().zip(params) {
            let k = self.lay(t).slots;
            self.f.code.mov_n(Reg::scalar(at), s, k);
            at += k;
        }
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
        if r == 1 {
            return self.f.code.ret_word(w);
        }
        self.f.code.mov_n(Reg::fixed(0), w, r);
        self.f.code.plain(Op::Ret);
    }

    pub fn native_body(&mut self, idx: FuncIdx, native: u32, recv: Option<TypeId>, sig: TypeId) {
        self.begin(idx, Body::Top(PkgId::NONE), PkgId::NONE, Subst::default());
        let (mut params, results, _) = self.signature(sig);
        if let Some(r) = recv {
            params.insert(0, r);
        }
        self.fixed_slots(&params, &results, false);
        let r = self.slot_count(&results);
        // the parameters lie where the native wants them
        if self.prog.natives[native as usize].name == "reflect.call" {
            // the callee's results lie in the window, where the native finds them
            let at = REFLECT_WINDOW - self.f.regs.fixed;
            self.f.regs.set_top(at);
            self.f.code.r(Op::CallR, Reg::scalar(at));
        }
        self.f.code.rii(Op::CallN, Reg::fixed(0), native as i64, r as i64);
        self.f.code.plain(Op::Ret);
        let pos = self.f.code.pos;
        self.finish_code(idx, Span::new(pos, pos + 1));
    }

    /// Adds to the method tables what has been asked for since; false if there was nothing.
    pub fn fill_methods(&mut self) -> bool {
        if self.new_reached.is_empty() && self.new_method_ids.is_empty() {
            return false;
        }
        for t in std::mem::take(&mut self.new_reached) {
            if self.info.types.is_interface(t) {
                continue;
            }
            for m in method_set(self.info, self.names, t) {
                self.offer_method(t, m);
            }
        }
        for key in std::mem::take(&mut self.new_method_ids) {
            let Some(&id) = self.method_ids.get(&key) else { continue };
            for (t, m) in self.waiting_methods.remove(&key).unwrap_or_default() {
                self.add_method(t, id, m);
            }
        }
        true
    }

    /// A method of a reached type: it is compiled once an interface has it.
    fn offer_method(&mut self, t: TypeId, m: MethodEntry) {
        let Some(sig) = self.entry_sig(&m.found.entry) else { return };
        let key = (m.name, m.pkg, sig);
        if self.keeps_methods && is_exported(self.names.name(m.name)) {
            self.method_id(m.name, m.pkg, sig);
        }
        match self.method_ids.get(&key) {
            Some(&id) => self.add_method(t, id, m),
            None => self.waiting_methods.entry(key).or_default().push((t, m)),
        }
    }

    /// Types that were reached before have got methods since.
    pub fn offer_attached(&mut self, attached: &[ObjId]) {
        let mut reached: Vec<TypeId> = self.reached.iter().copied().filter(|t| !self.new_reached.contains(t)).collect();
        reached.sort();
        for t in reached {
            if self.info.types.is_interface(t) {
                continue;
            }
            for m in method_set(self.info, self.names, t) {
                if matches!(m.found.entry, Entry::Method { obj, .. } if attached.contains(&obj)) {
                    self.offer_method(t, m);
                }
            }
        }
    }

    /// Gives function types the bodies that `reflect.MakeFunc` needs; false if there was nothing to do.
    pub fn fill_stubs(&mut self) -> bool {
        if !self.native_ids.contains_key("reflect.makeClosure") || self.stubbed == self.rtype_order.len() {
            return false;
        }
        for i in std::mem::replace(&mut self.stubbed, self.rtype_order.len())..self.rtype_order.len() {
            let t = self.rtype_order[i];
            if self.prog.types[i + 1].kind == Kind::Func {
                let idx = self.new_func("reflect.makeFuncStub".into(), 0, "reflect".into(), true);
                self.prog.types[i + 1].stub = Some(idx);
                self.work.push(Work::Stub { idx, sig: t });
            }
        }
        true
    }

    /// An unexported function of package reflect.
    fn reflect_func(&mut self, name: &str) -> Option<(u32, TypeId)> {
        let reflect = (0..self.info.packages.len()).find(|&p| self.pkg_path(PkgId(p as u32)) == "reflect")?;
        let obj = *self.info.packages[reflect].scope.get(&self.names.lookup(name)?)?;
        let id = self.native_id(obj, format!("reflect.{name}"));
        Some((id, self.info.obj(obj).ty))
    }

    /// Packs the parameters, calls the function in the closure with them, unpacks the results.
    pub fn stub_body(&mut self, idx: FuncIdx, sig: TypeId) {
        self.begin(idx, Body::Top(PkgId::NONE), PkgId::NONE, Subst::default());
        let (params, results, _) = self.signature(sig);
        let (slots, closure) = self.fixed_slots(&params, &results, true);
        let (Some((gather, _)), Some((scatter, _))) = (self.reflect_func("gather"), self.reflect_func("scatter"))
        else {
            self.f.code.plain(Op::Unreachable);
            return self.finish_code(idx, Span::new(0, 1));
        };
        let (f, args) = (self.ptr_slot(), self.ptr_slot());
        let n = self.slot_count(&params);
        let base = self.begin_window(2, 1 + n);
        self.f.code.mov(Reg::scalar(base + 2), closure);
        let mut at = base + 3;
        for (&s, &t) in slots.iter().zip(&params) {
            let k = self.lay(t).slots;
            self.f.code.mov_n(Reg::scalar(at), s, k);
            at += k;
        }
        self.f.code.rii(Op::CallN, Reg::scalar(base), gather as i64, 2);
        self.f.code.mov(f, Reg::scalar(base));
        self.f.code.mov(args, Reg::scalar(base + 1));
        self.f.code.mov(Reg::scalar(base + 1), args);
        self.f.code.rri(Op::CallC, Reg::scalar(base), f, 2);
        self.f.code.mov(args, Reg::scalar(base));
        let r = self.slot_count(&results);
        self.f.regs.set_top(base + r + 2);
        self.f.code.mov(Reg::scalar(base + r), closure);
        self.f.code.mov(Reg::scalar(base + r + 1), args);
        self.f.code.rii(Op::CallN, Reg::scalar(base), scatter as i64, r as i64);
        self.f.code.mov_n(Reg::fixed(0), Reg::scalar(base), r);
        self.f.code.plain(Op::Ret);
        self.finish_code(idx, Span::new(0, 1));
    }

    fn entry_sig(&mut self, entry: &Entry) -> Option<TypeId> {
        match *entry {
            Entry::Method { obj, recv, .. } => {
                let generic = matches!(&self.info.obj(obj).kind, ObjKind::Func(f) if !f.method_tparams.is_empty());
                (!generic).then(|| method_signature(self.info, recv, obj))
            }
            Entry::Interface { sig, .. } => Some(sig),
            Entry::Field { .. } => None,
        }
    }

    fn add_method(&mut self, t: TypeId, id: MethodId, m: MethodEntry) {
        let target = match m.found.entry {
            Entry::Method { obj, recv, pointer } => {
                let targs = self.info.types.named(recv).args.clone();
                Target::Static { obj, targs, path: m.found.path, pointer }
            }
            Entry::Interface { iface, index, sig } => {
                let Some(im) = self.info.types.interface_of(iface).and_then(|i| i.methods.get(index as usize)).cloned()
                else {
                    return;
                };
                Target::Iface { id: self.method_id(im.name, im.pkg, sig), sig, path: m.found.path }
            }
            Entry::Field { .. } => return,
        };
        let direct = self.lay(t).boxing == Boxing::Direct;
        let func = self.wrapper(t, !direct, target);
        let rt = self.rtype(t);
        self.prog.types[rt.0 as usize].methods.push(RMethod { id, func, direct });
    }
}
