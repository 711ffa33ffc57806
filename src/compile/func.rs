//! One function: its frame, parameters, variables, returns.
use super::closure::{self, ADDR, Body, CAPTURED, CHANGES};
use super::emit::{Code, Label};
use super::iter::IterBody;
use super::lvalue::Place;
use super::regs::{MapId, Reg, Regs};
use super::stmt::Ctrl;
use super::{Capture, Compiler};
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::{ObjId, ObjKind, PkgId};
use crate::types::instantiate::Subst;
use crate::types::ty::{Type, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

/// Values up to this many words are captured as copies if they never change.
const MAX_CAPTURED_WORDS: u32 = 4;

/// Where a local variable lives.
#[derive(Clone, Copy, Debug)]
pub enum Var {
    Slot(Reg),
    /// The slot holds the address of its memory.
    Boxed(Reg),
}

/// The function being compiled.
pub struct FuncState {
    pub code: Code,
    pub regs: Regs,
    pub subst: Subst,
    pub sub_memo: FxHashMap<TypeId, TypeId>,
    pub vars: FxHashMap<ObjId, Var>,
    /// Those of loops that are declared before the loop: its iterations share them.
    pub shared: FxHashSet<ObjId>,
    pub func: FuncIdx,
    pub body: Body,
    pub package: PkgId,
    /// Of the function as declared, not of a loop body inside.
    pub results: Vec<TypeId>,
    /// Where results are kept until the function returns, if they are.
    pub result_places: Vec<(Place, TypeId)>,
    /// A closure or a pointer may look at the result variables after the function has returned.
    pub shared_results: bool,
    /// Set if the function has defers: returns what is in `result_places`, when they have been run.
    pub epilogue: Option<Label>,
    pub ctrl: Vec<Ctrl>,
    /// Labels of `goto`.
    pub labels: FxHashMap<Sym, Label>,
    pub iter: Option<IterBody>,
    pub lits: u32,
    pub ranges: u32,
    /// This is a function literal: literals inside it are named differently.
    pub is_lit: bool,
    /// Label of the statement about to be compiled.
    pub pending_label: Option<Sym>,
    /// Expressions that have been evaluated before their turn, and where their values are (see `order`).
    pub ahead: Vec<(ExprId, Reg)>,
}

impl Default for FuncState {
    fn default() -> Self {
        FuncState {
            code: Code::default(),
            regs: Regs::default(),
            subst: Subst::default(),
            sub_memo: FxHashMap::default(),
            vars: FxHashMap::default(),
            shared: FxHashSet::default(),
            func: FuncIdx(0),
            body: Body::Top(PkgId::NONE),
            package: PkgId::NONE,
            results: Vec::new(),
            result_places: Vec::new(),
            shared_results: false,
            epilogue: None,
            ctrl: Vec::new(),
            labels: FxHashMap::default(),
            iter: None,
            lits: 0,
            ranges: 0,
            is_lit: false,
            pending_label: None,
            ahead: Vec::new(),
        }
    }
}

impl Compiler<'_> {
    pub fn signature(&self, sig: TypeId) -> (Vec<TypeId>, Vec<TypeId>, bool) {
        match self.info.types.underlying(sig) {
            Type::Func(f) => (f.params.clone(), f.results.clone(), f.variadic),
            _ => (Vec::new(), Vec::new(), false),
        }
    }

    pub fn slot_count(&mut self, types: &[TypeId]) -> u32 {
        types.iter().map(|&t| self.lay(t).slots).sum()
    }

    /// Lays out the fixed slots of a frame; returns the parameters' slots and the closure's.
    pub fn fixed_slots(&mut self, params: &[TypeId], results: &[TypeId], closure: bool) -> (Vec<Reg>, Reg) {
        let r = self.slot_count(results);
        let mut at = r;
        let mut slots = Vec::with_capacity(params.len());
        for &p in params {
            let l = self.lay(p);
            slots.push(Reg::fixed(at));
            let map = self.maps[l.fmap.0 as usize].clone();
            map.iter().for_each(|i| self.f.regs.fixed_ptrs.set(at as usize + i));
            at += l.slots;
        }
        let out = &mut self.prog.funcs[self.f.func.0 as usize];
        out.results = r;
        out.params = at - r;
        let closure_slot = Reg::fixed(at);
        if closure {
            self.f.regs.fixed_ptrs.set(at as usize);
            at += 1;
        }
        self.f.regs.fixed = at;
        (slots, closure_slot)
    }

    pub fn begin(&mut self, idx: FuncIdx, body: Body, package: PkgId, subst: Subst) {
        let pos = self.prog.funcs[idx.0 as usize].pos;
        self.f = FuncState { func: idx, body, package, subst, ..FuncState::default() };
        self.f.code.pos = pos;
    }

    pub fn decl_body(&mut self, idx: FuncIdx, obj: ObjId, func: FuncId, subst: Subst) {
        let ast = self.ast;
        closure::function(ast, self.info, &mut self.analysis, func);
        let o = self.info.obj(obj);
        let (sig, pkg) = (o.ty, o.pkg);
        self.begin(idx, Body::Func(func), pkg, subst);
        let sig = self.sub(sig);
        let f = ast.func(func);
        let recv = f.recv.as_ref().and_then(|r| r.first());
        let recv_ty = recv.map(|_| self.receiver_type(obj));
        let (mut params, results, _) = self.signature(sig);
        let mut names: Vec<Option<Ident>> = f.sig.params.iter().map(|p| p.name).collect();
        if let (Some(r), Some(t)) = (recv, recv_ty) {
            params.insert(0, t);
            names.insert(0, r.name);
        }
        self.function_body(f, &params, &names, results, &[]);
    }

    /// The receiver type of a declared method under the current substitution.
    fn receiver_type(&mut self, obj: ObjId) -> TypeId {
        let (recv, tparams) = match &self.info.obj(obj).kind {
            ObjKind::Func(f) => match f.recv {
                Some(r) => (r, f.tparams.clone()),
                None => return TypeId::INVALID,
            },
            _ => return TypeId::INVALID,
        };
        let mut t = recv.base;
        if !tparams.is_empty()
            && let Some(n) = self.info.types.as_named(recv.base)
        {
            let args = tparams.iter().map(|&p| self.info.types.tparam_type(p)).collect::<Vec<_>>();
            let args = args.into_iter().map(|a| self.sub(a)).collect();
            t = self.info.types.instantiate(n, args);
        }
        if recv.pointer { self.info.types.pointer(t) } else { t }
    }

    pub fn lit_body(&mut self, idx: FuncIdx, func: FuncId, sig: TypeId, subst: Subst, captures: Vec<Capture>) {
        let ast = self.ast;
        let pkg = self.package_named(&self.prog.funcs[idx.0 as usize].package.clone());
        self.begin(idx, Body::Func(func), pkg, subst);
        self.f.is_lit = true;
        let f = ast.func(func);
        let (params, results, _) = self.signature(sig);
        let names: Vec<Option<Ident>> = f.sig.params.iter().map(|p| p.name).collect();
        self.function_body(f, &params, &names, results, &captures);
    }

    fn package_named(&self, path: &str) -> PkgId {
        let found = self.info.packages.iter().position(|p| self.names.name(p.path) == path);
        found.map_or(PkgId::NONE, |i| PkgId(i as u32))
    }

    fn function_body(
        &mut self,
        f: &Func,
        params: &[TypeId],
        names: &[Option<Ident>],
        results: Vec<TypeId>,
        captures: &[Capture],
    ) {
        let (slots, closure_slot) = self.fixed_slots(params, &results, !captures.is_empty());
        self.f.results = results;
        for ((&slot, &ty), name) in slots.iter().zip(params).zip(names) {
            if let Some(name) = name
                && let Some(&obj) = self.info.defs.get(&name.span.lo)
            {
                self.bind_param(obj, ty, slot);
            }
        }
        self.load_captures(captures, closure_slot);
        self.result_variables(&f.sig);
        if let Some(b) = &f.body {
            self.block(b);
            self.f.code.pos = b.span.hi.saturating_sub(1);
        }
        self.end_function(f.span);
    }

    pub fn bind_param(&mut self, obj: ObjId, ty: TypeId, slot: Reg) {
        let l = self.lay(ty);
        let var = if l.big() {
            Var::Boxed(slot)
        } else if self.is_boxed(obj, ty) {
            let b = self.new_box(ty);
            self.store(Place::boxed(b), ty, slot);
            Var::Boxed(b)
        } else {
            Var::Slot(slot)
        };
        self.f.vars.insert(obj, var);
    }

    /// Copies what a closure holds into slots of the frame.
    pub fn load_captures(&mut self, captures: &[Capture], closure: Reg) {
        let mut at = 0;
        for c in captures {
            let l = self.lay(c.ty);
            let reg = if c.by_ref || l.big() { self.ptr_slot() } else { self.slots_for(c.ty) };
            let n = if c.by_ref { 1 } else { l.slots };
            for i in 0..n {
                self.f.code.rir(Op::LdCap, reg.add(i), at as i64, closure);
                at += 1;
            }
            self.f.vars.insert(c.obj, if c.by_ref { Var::Boxed(reg) } else { Var::Slot(reg) });
        }
    }

    /// Makes room for results that must outlive single statements.
    pub fn result_variables(&mut self, sig: &Signature) {
        let info = self.analysis.bodies.get(&self.f.body).cloned().unwrap_or_default();
        let named = sig.results.iter().any(|p| p.name.is_some());
        if let Some(token) = info.token {
            let r = self.scalar();
            self.f.code.r(Op::DeferTok, r);
            self.f.vars.insert(token, Var::Slot(r));
        }
        if info.defers {
            self.f.epilogue = Some(self.f.code.label());
        }
        if !named && !info.defers && info.results.is_empty() {
            return;
        }
        let types = self.f.results.clone();
        for (i, (p, &ty)) in sig.results.iter().zip(&types).enumerate() {
            let obj = p.name.and_then(|n| self.info.defs.get(&n.span.lo).copied()).or(info.results.get(i).copied());
            let place = match obj {
                Some(obj) => {
                    self.f.shared_results |= self.analysis.flags(obj) & (ADDR | CAPTURED) != 0;
                    self.declare_zero(obj, ty)
                }
                None => {
                    let l = self.lay(ty);
                    if l.big() {
                        Place::boxed(self.new_box(ty))
                    } else {
                        let r = self.slots_for(ty);
                        self.f.code.zero(r, l.slots);
                        Place::Slot(r)
                    }
                }
            };
            self.f.result_places.push((place, ty));
        }
    }

    /// Ends the function's code: what falls off the end returns.
    pub fn end_function(&mut self, span: Span) {
        match self.f.epilogue {
            Some(label) => {
                // A recovered panic goes on here, whether the body does or not.
                let run = self.f.code.label();
                self.f.code.plain(Op::Nop);
                self.f.code.bind(run);
                self.f.code.mark_defer_return(run);
                self.f.code.plain(Op::RetDefer);
                self.f.code.bind(label);
                self.return_places();
            }
            None if self.f.results.is_empty() => self.f.code.plain(Op::Ret),
            None if self.f.code.dead => {}
            None => self.f.code.plain(Op::Unreachable),
        }
        let idx = self.f.func;
        self.finish_code(idx, span);
    }

    /// Runs the function's defers. Its frame stands meanwhile at what comes before.
    pub fn run_defers(&mut self) {
        self.f.code.plain(Op::Nop);
        self.f.code.plain(Op::RetDefer);
    }

    /// Returns what the result variables hold.
    pub fn return_places(&mut self) {
        let places = self.f.result_places.clone();
        if let [(Place::Slot(r), ty)] = places[..]
            && self.lay(ty).slots == 1
        {
            self.disown_value(r, ty);
            return self.f.code.ret_word(r);
        }
        let mut at = 0;
        for (place, ty) in places {
            let l = self.lay(ty);
            let mark = self.f.regs.mark();
            let r = self.load(place, ty, None);
            let r = if l.big() { self.fresh_copy(r, ty) } else { r };
            self.f.code.mov_n(Reg::fixed(at), r, l.slots);
            self.disown_value(Reg::fixed(at), ty);
            self.f.regs.release(mark);
            at += l.slots;
        }
        self.f.code.plain(Op::Ret);
    }

    /// The variable needs memory of its own.
    pub fn is_boxed(&mut self, obj: ObjId, ty: TypeId) -> bool {
        let flags = self.analysis.flags(obj);
        let l = self.lay(ty);
        flags & ADDR != 0 || l.big() || flags & CAPTURED != 0 && (flags & CHANGES != 0 || l.words > MAX_CAPTURED_WORDS)
    }

    /// Memory for a value, zeroed.
    pub fn new_box(&mut self, ty: TypeId) -> Reg {
        let b = self.ptr_slot();
        self.new_box_in(ty, b);
        b
    }

    pub fn new_box_in(&mut self, ty: TypeId, slot: Reg) {
        let t = self.rtype(ty);
        self.f.code.rx(Op::New, slot, t.0 as i32);
    }

    /// Declares a variable with its zero value.
    pub fn declare_zero(&mut self, obj: ObjId, ty: TypeId) -> Place {
        let var = if self.is_boxed(obj, ty) {
            Var::Boxed(self.new_box(ty))
        } else {
            let r = self.slots_for(ty);
            let n = self.lay(ty).slots;
            self.f.code.zero(r, n);
            Var::Slot(r)
        };
        self.f.vars.insert(obj, var);
        Place::of(var)
    }

    /// Makes room for a variable whose value will be stored at once; a script's own has it.
    pub fn declare_uninit(&mut self, obj: ObjId, ty: TypeId) -> Place {
        if matches!(self.info.obj(obj).kind, ObjKind::Global) {
            return Place::Global(self.global(obj));
        }
        let var = if self.is_boxed(obj, ty) { Var::Boxed(self.new_box(ty)) } else { Var::Slot(self.slots_for(ty)) };
        self.f.vars.insert(obj, var);
        Place::of(var)
    }

    /// How a closure made here gets at variables of this function and those around it.
    pub fn capture_list(&mut self, body: Body) -> Vec<Capture> {
        let objs = self.analysis.bodies.get(&body).map(|b| b.captures.clone()).unwrap_or_default();
        objs.into_iter()
            .map(|obj| {
                let ty = self.sub(self.info.obj(obj).ty);
                let by_ref = matches!(self.f.vars.get(&obj), Some(Var::Boxed(_)));
                Capture { obj, ty, by_ref }
            })
            .collect()
    }

    /// Makes a closure over variables of this function.
    pub fn make_closure(&mut self, func: FuncIdx, captures: &[Capture], want: Option<Reg>) -> Reg {
        let dst = match want {
            Some(w) => w,
            None => self.ptr_slot(),
        };
        if captures.is_empty() {
            let k = self.constant(Constant::Func(func));
            self.f.code.rx(Op::LdK, dst, k);
            return dst;
        }
        let mut values = Vec::new();
        for c in captures {
            let l = self.lay(c.ty);
            let (reg, n, map) = match self.f.vars.get(&c.obj) {
                Some(&Var::Boxed(r)) => (r, 1, MapId::ONE),
                Some(&Var::Slot(r)) => (r, l.slots, l.fmap),
                None => continue,
            };
            values.push((reg, n, map));
        }
        self.closure_of(func, &values, dst);
        dst
    }

    /// A closure object with copies of slots: `(first slot, count, pointers)`.
    pub fn closure_of(&mut self, func: FuncIdx, values: &[(Reg, u32, MapId)], dst: Reg) {
        let total: u32 = values.iter().map(|v| v.1).sum();
        let mut ptr_map = BitMap::default();
        let mut at = 0;
        for v in values {
            let map = self.maps[v.2.0 as usize].clone();
            map.iter().for_each(|i| ptr_map.set(at as usize + i));
            at += v.1;
        }
        let shape = self.shape(ClosureShape { func, captures: total, ptr_map });
        let first = if let [(r, ..)] = values {
            *r
        } else {
            // no safepoint comes before they are copied: scalar slots will do
            let top = self.f.regs.top;
            let first = self.f.regs.scalars(total);
            let mut at = 0;
            for v in values {
                self.f.code.mov_n(first.add(at), v.0, v.1);
                at += v.1;
            }
            self.f.regs.top = top;
            first
        };
        self.f.code.rr(Op::MkClosure, dst, first);
        self.f.code.extra(shape as u64);
    }

    /// The name of the next function literal in this function.
    pub fn lit_name(&mut self) -> String {
        self.f.lits += 1;
        let outer = &self.prog.funcs[self.f.func.0 as usize].name;
        if self.f.is_lit { format!("{outer}.{}", self.f.lits) } else { format!("{outer}.func{}", self.f.lits) }
    }

    pub fn func_lit(&mut self, func: FuncId, sig: TypeId, want: Option<Reg>) -> Reg {
        let captures = self.capture_list(Body::Func(func));
        let name = self.lit_name();
        let package = self.prog.funcs[self.f.func.0 as usize].package.clone();
        let pos = self.ast.func(func).span.lo;
        let idx = self.new_func(name, pos, package, false);
        self.work.push(super::Work::Lit { idx, func, sig, subst: self.f.subst.clone(), captures: captures.clone() });
        self.make_closure(idx, &captures, want)
    }
}
