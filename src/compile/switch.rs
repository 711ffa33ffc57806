//! Switches on values and types.
use super::Compiler;
use super::emit::Label;
use super::regs::Reg;
use super::stmt::Ctrl;
use crate::base::intern::Sym;
use crate::bytecode::op::Op;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::TypeId;

/// From this many integer constants on, a switch searches instead of trying each.
const SEARCH_FROM: usize = 8;

impl Compiler<'_> {
    pub fn switch(&mut self, init: Option<StmtId>, tag: Option<ExprId>, cases: &[Case], label: Option<Sym>) {
        if let Some(i) = init {
            self.stmt(i);
        }
        let labels: Vec<Label> = cases.iter().map(|_| self.f.code.label()).collect();
        let end = self.f.code.label();
        let rest = cases.iter().position(|c| c.is_default).map_or(end, |i| labels[i]);
        match tag {
            None => {
                for (c, &l) in cases.iter().zip(&labels) {
                    for &e in &c.exprs {
                        self.set_pos(self.ast.span(e).lo);
                        self.cond(e, l, true);
                    }
                }
            }
            Some(t) => self.switch_value(t, cases, &labels, rest),
        }
        self.f.code.jump(rest);
        self.f.ctrl.push(Ctrl { label, brk: end, cont: None });
        for (i, (c, &l)) in cases.iter().zip(&labels).enumerate() {
            self.f.code.bind(l);
            self.count_empty(c.colon);
            let (body, falls) = match c.body.split_last() {
                Some((last, body)) if matches!(self.ast.stmt(*last).kind, StmtKind::Fallthrough) => (body, true),
                _ => (&c.body[..], false),
            };
            self.block_stmts(body);
            if falls {
                self.count_before(c.body[body.len()]);
            }
            // after `fallthrough` the next body follows at once
            if !falls && i + 1 < labels.len() {
                self.f.code.jump(end);
            }
        }
        self.f.ctrl.pop();
        self.f.code.bind(end);
    }

    fn switch_value(&mut self, tag: ExprId, cases: &[Case], labels: &[Label], rest: Label) {
        let tt = self.ty(tag);
        let tt = self.info.types.default_type(tt);
        let v = self.expr_as(tag, tt, None);
        let v = self.hold(v, tt);
        let l = self.lay(tt);
        if l.is_int() && self.search_switch(v, cases, labels, rest) {
            return;
        }
        for (c, &target) in cases.iter().zip(labels) {
            for &e in &c.exprs {
                let mark = self.f.regs.mark();
                self.set_pos(self.ast.span(e).lo);
                let et = self.ty(e);
                let nil = et == TypeId::UNTYPED_NIL;
                if nil {
                    self.f.code.jump_rk(Op::JEqK, v, 0, target);
                } else if l.is_int()
                    && let Some(k) = self.small_const(e)
                {
                    self.f.code.jump_rk(Op::JEqK, v, k, target);
                } else {
                    // an interface on either side makes both interfaces
                    let ty =
                        if self.info.types.is_interface(et) && !self.info.types.is_interface(tt) { et } else { tt };
                    let r = self.expr_as(e, ty, None);
                    let v = if ty != tt && self.info.types.is_interface(ty) && !self.info.types.is_interface(tt) {
                        self.box_value(v, tt, ty, None)
                    } else {
                        v
                    };
                    self.jump_compare(BinaryOp::Eq, ty, v, r, target, true);
                }
                self.f.regs.release(mark);
            }
        }
    }

    /// A binary search over constant integer cases; false if the switch is no such one.
    fn search_switch(&mut self, v: Reg, cases: &[Case], labels: &[Label], rest: Label) -> bool {
        let mut keys = Vec::new();
        for (c, &l) in cases.iter().zip(labels) {
            for &e in &c.exprs {
                match self.int_const(e) {
                    Some(k) if i16::try_from(k).is_ok() => keys.push((k, l)),
                    _ => return false,
                }
            }
        }
        if keys.len() < SEARCH_FROM {
            return false;
        }
        keys.sort_by_key(|k| k.0);
        // the registers of unsigned types are compared as signed: all keys are small, and so is what equals them
        self.search(v, &keys, rest);
        true
    }

    fn search(&mut self, v: Reg, keys: &[(i64, Label)], rest: Label) {
        if keys.len() <= 3 {
            for &(k, l) in keys {
                self.f.code.jump_rk(Op::JEqK, v, k, l);
            }
            return self.f.code.jump(rest);
        }
        let (low, high) = keys.split_at(keys.len() / 2);
        let right = self.f.code.label();
        self.f.code.jump_rk(Op::JGeK, v, high[0].0, right);
        self.search(v, low, rest);
        self.f.code.bind(right);
        self.search(v, high, rest);
    }

    pub fn type_switch(&mut self, init: Option<StmtId>, x: ExprId, cases: &[Case], label: Option<Sym>) {
        if let Some(i) = init {
            self.stmt(i);
        }
        // `x.(type)`, or the operand itself
        let x = match self.ast.expr(self.ast.unparen(x)).kind {
            ExprKind::TypeAssert { x, ty: None } => x,
            _ => x,
        };
        let xt = self.ty(x);
        let v = self.held(x);
        let labels: Vec<Label> = cases.iter().map(|_| self.f.code.label()).collect();
        let end = self.f.code.label();
        let rest = cases.iter().position(|c| c.is_default).map_or(end, |i| labels[i]);
        for (c, &target) in cases.iter().zip(&labels) {
            for &e in &c.exprs {
                self.set_pos(self.ast.span(e).lo);
                if self.is_nil(e) {
                    self.f.code.jump_rk(Op::JEqK, v, 0, target);
                    continue;
                }
                let t = self.ty(e);
                let rt = self.rtype(t);
                if self.info.types.is_interface(t) {
                    let mark = self.f.regs.mark();
                    let is = self.scalar();
                    self.f.code.rri(Op::IsI, is, v, rt.0 as i64);
                    self.f.code.jump_if(is, true, target);
                    self.f.regs.release(mark);
                } else {
                    self.f.code.jump_rk(Op::JIs, v, rt.0 as i64, target);
                }
            }
        }
        self.f.code.jump(rest);
        self.f.ctrl.push(Ctrl { label, brk: end, cont: None });
        for (c, &l) in cases.iter().zip(&labels) {
            self.f.code.bind(l);
            let mark = self.f.regs.mark();
            if let Some(&obj) = self.info.implicits.get(&c.span.lo) {
                let ty = match c.exprs[..] {
                    [one] if !self.is_nil(one) => self.ty(one),
                    _ => xt,
                };
                self.set_pos(c.span.lo);
                let place = self.declare_uninit(obj, ty);
                let inner = self.f.regs.mark();
                let r = if self.info.types.is_interface(ty) { v } else { self.unbox(v, ty, None) };
                self.store(place, ty, r);
                self.f.regs.release(inner);
            }
            self.count_empty(c.colon);
            self.block_stmts(&c.body);
            self.f.regs.release(mark);
            self.f.code.jump(end);
        }
        self.f.ctrl.pop();
        self.f.code.bind(end);
    }

    fn is_nil(&self, e: ExprId) -> bool {
        let e = self.ast.unparen(e);
        self.info.mode(e) == Mode::Nil || self.info.type_of(e) == TypeId::UNTYPED_NIL
    }
}
