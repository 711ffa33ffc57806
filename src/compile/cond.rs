//! Jumping code: conditions that lead to a label instead of a value.
use super::Compiler;
use super::arith::Class;
use super::emit::Label;
use super::regs::Reg;
use crate::bytecode::op::Op;
use crate::syntax::ast::*;
use crate::types::constant::Const;
use crate::types::ty::TypeId;

impl Compiler<'_> {
    /// Jumps to `to` if the condition is `sense`, else goes on.
    pub fn cond(&mut self, e: ExprId, to: Label, sense: bool) {
        let ast = self.ast;
        let e = ast.unparen(e);
        if let Some(Const::Bool(b)) = self.info.consts.get(&e) {
            if *b == sense {
                self.f.code.jump(to);
            }
            return;
        }
        if let Some(r) = self.ahead(e) {
            return self.f.code.jump_if(r, sense, to);
        }
        let mark = self.f.regs.mark();
        match ast.expr(e).kind {
            ExprKind::Unary { op: UnaryOp::Not, x } => self.cond(x, to, !sense),
            ExprKind::Binary { op: op @ (BinaryOp::LAnd | BinaryOp::LOr), x, y, .. } => {
                if (op == BinaryOp::LOr) == sense {
                    self.cond(x, to, sense);
                    self.cond(y, to, sense);
                } else {
                    let over = self.f.code.label();
                    self.cond(x, over, !sense);
                    self.cond(y, to, sense);
                    self.f.code.bind(over);
                }
            }
            ExprKind::Binary { op, op_span, x, y } if is_comparison(op) => {
                self.cond_compare(op, op_span.lo, x, y, to, sense);
            }
            ExprKind::Call { .. } if self.inline_cond(e, to, sense) => {}
            _ => {
                let r = self.expr(e, None);
                self.f.code.jump_if(r, sense, to);
            }
        }
        self.f.regs.release(mark);
    }

    fn cond_compare(&mut self, op: BinaryOp, pos: u32, x: ExprId, y: ExprId, to: Label, sense: bool) {
        use BinaryOp::*;
        if matches!(op, Eq | Ne)
            && let Some((v, k)) = self.compared_with(x, y)
        {
            let r = self.expr(v, None);
            self.set_pos(pos);
            let op = if (op == Eq) == sense { Op::JEqK } else { Op::JNeK };
            return self.f.code.jump_rk(op, r, k, to);
        }
        let ty = self.compare_type(x, y);
        let class = Class::of(self.lay(ty));
        if class == Class::Signed {
            // an immediate on either side
            if self.small_const(y).is_none()
                && let Some(k) = self.int_const(y)
            {
                let r = self.expr(x, None);
                self.set_pos(pos);
                return self.jump_x(op, r, k, to, sense);
            }
            if let Some(k) = self.small_const(y) {
                let r = self.expr(x, None);
                self.set_pos(pos);
                return self.jump_k(op, r, k, to, sense);
            }
            if let Some(k) = self.small_const(x) {
                let r = self.expr(y, None);
                self.set_pos(pos);
                return self.jump_k(mirrored(op), r, k, to, sense);
            }
        }
        let (a, b) = self.operands_as(x, ty, y, ty);
        self.set_pos(pos);
        self.jump_compare(op, ty, a, b, to, sense);
    }

    fn jump_k(&mut self, op: BinaryOp, r: Reg, k: i64, to: Label, sense: bool) {
        use BinaryOp::*;
        let op = if sense { op } else { negated(op) };
        let op = match op {
            Lt => Op::JLtK,
            Le => Op::JLeK,
            Gt => Op::JGtK,
            Ge => Op::JGeK,
            Eq => Op::JEqK,
            _ => Op::JNeK,
        };
        self.f.code.jump_rk(op, r, k, to);
    }

    fn jump_x(&mut self, op: BinaryOp, r: Reg, k: i64, to: Label, sense: bool) {
        use BinaryOp::*;
        let op = match if sense { op } else { negated(op) } {
            Lt => Op::JLtX,
            Le => Op::JLeX,
            Gt => Op::JGtX,
            Ge => Op::JGeX,
            Eq => Op::JEqX,
            _ => Op::JNeX,
        };
        self.f.code.jump_rx(op, r, k, to);
    }

    /// Jumps if `a op b` is `sense`.
    pub fn jump_compare(&mut self, op: BinaryOp, ty: TypeId, a: Reg, b: Reg, to: Label, sense: bool) {
        use BinaryOp::*;
        let class = Class::of(self.lay(ty));
        let (a, b, op) = match op {
            Gt => (b, a, Lt),
            Ge => (b, a, Le),
            _ => (a, b, op),
        };
        let (jump, a, b) = match (class, op, sense) {
            (Class::Signed | Class::Unsigned, Eq, true) | (Class::Signed | Class::Unsigned, Ne, false) => {
                (Op::JEq, a, b)
            }
            (Class::Signed | Class::Unsigned, Ne, true) | (Class::Signed | Class::Unsigned, Eq, false) => {
                (Op::JNe, a, b)
            }
            (Class::Signed, Lt, true) => (Op::JLt, a, b),
            (Class::Signed, Lt, false) => (Op::JLe, b, a),
            (Class::Signed, Le, true) => (Op::JLe, a, b),
            (Class::Signed, Le, false) => (Op::JLt, b, a),
            (Class::Unsigned, Lt, true) => (Op::JLtU, a, b),
            (Class::Unsigned, Lt, false) => (Op::JLeU, b, a),
            (Class::Unsigned, Le, true) => (Op::JLeU, a, b),
            (Class::Unsigned, Le, false) => (Op::JLtU, b, a),
            (Class::Float, Lt, true) => (Op::JLtF, a, b),
            (Class::Float, Lt, false) => (Op::JNltF, a, b),
            (Class::Float, Le, true) => (Op::JLeF, a, b),
            (Class::Float, Le, false) => (Op::JNleF, a, b),
            (Class::Float, Eq, true) | (Class::Float, Ne, false) => (Op::JEqF, a, b),
            (Class::Float, Ne, true) | (Class::Float, Eq, false) => (Op::JNeF, a, b),
            (Class::Str, Eq, true) | (Class::Str, Ne, false) => (Op::JEqS, a, b),
            (Class::Str, Ne, true) | (Class::Str, Eq, false) => (Op::JNeS, a, b),
            _ => {
                let d = self.scalar();
                let (op, sense) = if op == Ne { (Eq, !sense) } else { (op, sense) };
                let d = self.compare(op, ty, a, b, Some(d));
                return self.f.code.jump_if(d, sense, to);
            }
        };
        self.f.code.jump_rr(jump, a, b, to);
    }
}

pub fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge)
}

fn mirrored(op: BinaryOp) -> BinaryOp {
    use BinaryOp::*;
    match op {
        Lt => Gt,
        Le => Ge,
        Gt => Lt,
        Ge => Le,
        _ => op,
    }
}

fn negated(op: BinaryOp) -> BinaryOp {
    use BinaryOp::*;
    match op {
        Lt => Ge,
        Le => Gt,
        Gt => Le,
        Ge => Lt,
        Eq => Ne,
        _ => Eq,
    }
}
