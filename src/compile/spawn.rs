//! `go` and `defer`. A call that is not simply a function with arguments becomes a hidden function without parameters that
//! holds what has been evaluated.
use super::call::{Arg, Callee};
use super::regs::{MapId, Reg};
use super::{Compiler, FuncRef, Work};
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::instantiate::Subst;
use crate::types::ty::TypeId;

/// The call that a hidden function makes.
pub enum Deferred {
    Static(FuncRef, Vec<TypeId>),
    /// The first captured value is the closure.
    Closure(Vec<TypeId>),
    /// The first captured value is the interface.
    Iface(MethodId, Vec<TypeId>),
    Builtin(Builtin),
    /// A conversion: nothing is left to do.
    Nothing,
}

/// Result and parameter slots that `GoC` has room for.
const MAX_GO_SLOTS: u32 = 255;

impl Compiler<'_> {
    /// `go`, or `defer` if it is one.
    pub fn go_or_defer(&mut self, e: ExprId, defer: bool) {
        let e = self.ast.unparen(e);
        let ExprKind::Call { fun, args, .. } = &self.ast.expr(e).kind else { return };
        let ahead = self.call_operands_ahead(*fun, args);
        match defer {
            true => self.defer_stmt(e),
            false => self.go_stmt(e),
        }
        self.end_ahead(ahead);
    }

    fn go_stmt(&mut self, e: ExprId) {
        let ast = self.ast;
        let ExprKind::Call { fun, args, spread, .. } = &ast.expr(e).kind else { return };
        let pos = ast.span(e).lo;
        if !matches!(self.info.mode(ast.unparen(*fun)), Mode::Type | Mode::Builtin) {
            let (callee, sig, mut list) = self.callee(*fun, args);
            let (params, results, variadic) = self.signature(sig);
            self.arguments(args, &params, variadic && !spread, &mut list);
            let r = self.slot_count(&results);
            let types: Vec<TypeId> = list.iter().map(|a| self.arg_type(a)).collect();
            let n = self.slot_count(&types);
            if matches!(callee, Callee::Static(FuncRef::Code(_)) | Callee::Closure(_))
                && r <= MAX_GO_SLOTS
                && n <= MAX_GO_SLOTS
            {
                let base = self.begin_window(r, n);
                self.window_args(base + r, &list);
                self.set_pos(pos);
                let w = Reg::scalar(base);
                match callee {
                    Callee::Static(FuncRef::Code(idx)) => {
                        self.f.code.rii(Op::Go, w, r as i64, n as i64);
                        self.f.code.extra(idx.0 as u64);
                    }
                    Callee::Closure(c) => self.f.code.rri(Op::GoC, w, c, (r | n << 8) as i64),
                    _ => {}
                }
                return;
            }
            let clo = self.thunk(callee, &list, results, pos, "gowrap");
            return self.go_closure(clo, pos);
        }
        let clo = self.builtin_thunk(*fun, args, pos, "gowrap");
        self.go_closure(clo, pos);
    }

    fn go_closure(&mut self, clo: Reg, pos: u32) {
        let base = self.begin_window(0, 0);
        self.set_pos(pos);
        self.f.code.rri(Op::GoC, Reg::scalar(base), clo, 0);
    }

    fn defer_stmt(&mut self, e: ExprId) {
        let ast = self.ast;
        let ExprKind::Call { fun, args, spread, parens } = &ast.expr(e).kind else { return };
        let pos = parens.lo;
        if matches!(self.info.mode(ast.unparen(*fun)), Mode::Type | Mode::Builtin) {
            let clo = self.builtin_thunk(*fun, args, pos, "deferwrap");
            return self.push_defer(clo, pos);
        }
        let (callee, sig, mut list) = self.callee(*fun, args);
        let (params, results, variadic) = self.signature(sig);
        self.arguments(args, &params, variadic && !spread, &mut list);
        let plain = list.is_empty() && self.slot_count(&results) == 0;
        let clo = match callee {
            Callee::Static(FuncRef::Code(idx)) if plain => {
                let d = self.ptr_slot();
                let k = self.constant(Constant::Func(idx));
                self.f.code.rx(Op::LdK, d, k);
                d
            }
            Callee::Closure(c) if plain => c,
            callee => self.thunk(callee, &list, results, pos, "deferwrap"),
        };
        self.push_defer(clo, pos);
    }

    fn push_defer(&mut self, clo: Reg, pos: u32) {
        self.set_pos(pos);
        let root = match &self.f.iter {
            None => return self.f.code.r(Op::Defer, clo),
            Some(i) => i.root,
        };
        let token = self.analysis.bodies.get(&root).and_then(|b| b.token);
        if let Some(place) = token.and_then(|t| self.var_place(t)) {
            let t = self.load(place, TypeId::INT, None);
            self.f.code.rr(Op::DeferTo, clo, t);
        }
    }

    /// A closure that makes the call.
    fn thunk(&mut self, callee: Callee, args: &[Arg], results: Vec<TypeId>, pos: u32, kind: &str) -> Reg {
        let mut values = Vec::new();
        let mut types = Vec::new();
        let call = match callee {
            Callee::Static(f) => Deferred::Static(f, results),
            Callee::Closure(c) => {
                let c = self.hold_ptr(c);
                // a nil function panics when it is called, by `defer` and `go` alike
                values.push((c, 1, MapId::ONE));
                types.push(self.any);
                Deferred::Closure(results)
            }
            Callee::Iface(i, id) => {
                // a nil interface panics at the statement
                self.set_pos(pos);
                let i = self.hold_ptr(i);
                self.f.code.r(Op::NilChk, i);
                values.push((i, 1, MapId::ONE));
                types.push(self.any);
                Deferred::Iface(id, results)
            }
        };
        for a in args {
            let t = self.arg_type(a);
            let l = self.lay(t);
            let d = self.slots_for(t);
            self.argument(a, d);
            values.push((d, l.slots, l.fmap));
            types.push(t);
        }
        self.thunk_closure(call, values, types, pos, kind)
    }

    fn thunk_closure(
        &mut self,
        call: Deferred,
        values: Vec<(Reg, u32, MapId)>,
        args: Vec<TypeId>,
        pos: u32,
        kind: &str,
    ) -> Reg {
        self.f.lits += 1;
        let name = format!("{}.{kind}{}", self.prog.funcs[self.f.func.0 as usize].name, self.f.lits);
        self.f.lits -= 1;
        let package = self.prog.funcs[self.f.func.0 as usize].package.clone();
        let idx = self.new_func(name, pos, package, true);
        self.work.push(Work::Thunk { idx, call, args });
        let d = self.ptr_slot();
        if values.iter().all(|v| v.1 == 0) {
            let k = self.constant(Constant::Func(idx));
            self.f.code.rx(Op::LdK, d, k);
        } else {
            self.set_pos(pos);
            self.closure_of(idx, &values, d);
        }
        d
    }

    fn builtin_thunk(&mut self, fun: ExprId, args: &[ExprId], pos: u32, kind: &str) -> Reg {
        let mut values = Vec::new();
        let mut types = Vec::new();
        let builtin = self.builtin(fun);
        if let (Some(b), Some(operands)) = (builtin, self.results_as_operands(args)) {
            for (r, t) in operands {
                let l = self.lay(t);
                values.push((r, l.slots, l.fmap));
                types.push(t);
            }
            return self.thunk_closure(Deferred::Builtin(b), values, types, pos, kind);
        }
        let (call, list) = match builtin {
            Some(b) => (Deferred::Builtin(b), self.builtin_args(b, args)),
            None => {
                let list = args.iter().map(|&a| (a, self.info.type_of(a))).collect::<Vec<_>>();
                (Deferred::Nothing, list.into_iter().map(|(a, t)| (a, self.sub(t))).collect())
            }
        };
        for (e, t) in list {
            let l = self.lay(t);
            let d = self.slots_for(t);
            self.expr_as(e, t, Some(d));
            values.push((d, l.slots, l.fmap));
            types.push(t);
        }
        self.thunk_closure(call, values, types, pos, kind)
    }

    pub fn thunk_body(&mut self, idx: FuncIdx, call: Deferred, args: Vec<TypeId>) {
        self.begin(idx, super::closure::Body::Top(PkgId::NONE), PkgId::NONE, Subst::default());
        let total = self.slot_count(&args);
        let (_, closure) = self.fixed_slots(&[], &[], total > 0);
        let pos = self.f.code.pos;
        match call {
            Deferred::Nothing => {}
            Deferred::Builtin(b) => {
                let mut regs = Vec::new();
                let mut at = 0;
                for &t in &args {
                    let r = self.slots_for(t);
                    for i in 0..self.lay(t).slots {
                        self.f.code.rir(Op::LdCap, r.add(i), at, closure);
                        at += 1;
                    }
                    regs.push(r);
                }
                self.builtin_stmt(b, &regs, &args);
            }
            Deferred::Static(f, results) => {
                let r = self.slot_count(&results);
                let base = self.begin_window(r, total);
                for i in 0..total {
                    self.f.code.rir(Op::LdCap, Reg::scalar(base + r + i), i as i64, closure);
                }
                let w = Reg::scalar(base);
                match f {
                    FuncRef::Code(idx) => self.f.code.call(w, idx),
                    FuncRef::Native(id) => self.f.code.rii(Op::CallN, w, id as i64, r as i64),
                }
            }
            Deferred::Closure(results) => {
                let c = self.ptr_slot();
                self.f.code.rir(Op::LdCap, c, 0, closure);
                let r = self.slot_count(&results);
                let base = self.begin_window(r, total - 1);
                for i in 1..total {
                    self.f.code.rir(Op::LdCap, Reg::scalar(base + r + i - 1), i as i64, closure);
                }
                self.f.code.rri(Op::CallC, Reg::scalar(base), c, (r + total - 1) as i64);
            }
            Deferred::Iface(id, results) => {
                let c = self.ptr_slot();
                self.f.code.rir(Op::LdCap, c, 0, closure);
                let r = self.slot_count(&results);
                let base = self.begin_window(r, total);
                for i in 1..total {
                    self.f.code.rir(Op::LdCap, Reg::scalar(base + r + i), i as i64, closure);
                }
                self.f.code.rri(Op::CallI, Reg::scalar(base), c, r as i64);
                self.f.code.extra(id.0 as u64);
                self.f.code.extra(0);
            }
        }
        self.f.code.plain(Op::Ret);
        self.finish_code(idx, crate::base::span::Span::new(pos, pos + 1));
    }
}
