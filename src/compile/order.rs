//! The order in which the operands of an expression are evaluated, where the specification leaves it open: as Go's compiler
//! has it. Calls come first, in order, and with them what counts as one there: built-in functions, slicing, most type
//! assertions, `&&` and `||`. Variables, elements and what is reached through pointers are read after the last of them.
use super::Compiler;
use super::func::Var;
use super::regs::Reg;
use crate::bytecode::program::Kind;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

/// Something that happens when operands are evaluated.
enum Event {
    /// A value that is taken where it stands; `effects`: what other operands are may change.
    Call { e: ExprId, effects: bool },
    /// Something is read that a call may change.
    Read,
}

impl Compiler<'_> {
    /// Evaluates the calls in these operands ahead of them, if the order shows: then [`Compiler::expr`] finds their values.
    /// To be given to `end_ahead` when all operands have been evaluated.
    pub fn calls_ahead(&mut self, operands: &[ExprId]) -> usize {
        self.calls_ahead_of_args(operands, &[])
    }

    pub fn calls_ahead_of_lists(&mut self, lhs: &[ExprId], rhs: &[ExprId]) -> usize {
        self.calls_ahead(&[lhs, rhs].concat())
    }

    pub fn end_ahead(&mut self, before: usize) {
        self.f.ahead.truncate(before);
    }

    /// The value of an expression that has been evaluated ahead.
    #[inline]
    pub fn ahead(&self, e: ExprId) -> Option<Reg> {
        self.f.ahead.iter().rev().find(|a| a.0 == e).map(|a| a.1)
    }

    /// As `calls_ahead`, with the arguments of a call and the types that they are passed as.
    pub fn calls_ahead_of_args(&mut self, operands: &[ExprId], args: &[(ExprId, TypeId)]) -> usize {
        let before = self.f.ahead.len();
        let all = operands.len() + args.len();
        let has_calls = |c: &mut Self, e| c.has_safepoint(e);
        if all < 2 && operands.iter().chain(args.iter().map(|a| &a.0)).all(|&e| self.is_single(e))
            || !operands.iter().any(|&e| has_calls(self, e)) && !args.iter().any(|&(e, _)| has_calls(self, e))
        {
            return before;
        }
        let mut events = Vec::new();
        for &e in operands {
            self.events(e, &mut events);
        }
        for &(e, to) in args {
            if self.is_copied_at_once(e, to) {
                let effects = self.has_safepoint(e);
                events.push(Event::Call { e: self.ast.unparen(e), effects });
            } else {
                self.events(e, &mut events);
            }
        }
        let Some(last) = events.iter().rposition(|e| matches!(e, Event::Call { effects: true, .. })) else {
            return before;
        };
        // One after the other, calls with effects are in order as they are.
        if events[..last].iter().all(|e| matches!(e, Event::Call { effects: true, .. })) {
            return before;
        }
        self.evaluate_ahead(&events[..=last]);
        before
    }

    /// Evaluates all calls in an operand ahead of it.
    pub fn all_calls_ahead(&mut self, operand: ExprId) -> usize {
        let before = self.f.ahead.len();
        let mut events = Vec::new();
        self.events(operand, &mut events);
        self.evaluate_ahead(&events);
        before
    }

    fn evaluate_ahead(&mut self, events: &[Event]) {
        for event in events {
            if let Event::Call { e, .. } = *event {
                let ty = self.ty(e);
                let ty = self.info.types.default_type(ty);
                let d = self.slots_for(ty);
                self.expr_as(e, ty, Some(d));
                self.f.ahead.push((e, d));
            }
        }
    }

    /// A call or a name: nothing beside it.
    fn is_single(&self, e: ExprId) -> bool {
        matches!(self.ast.expr(self.ast.unparen(e)).kind, ExprKind::Call { .. } | ExprKind::Ident(_))
    }

    /// What is no variable and has no size that Go's run-time system converts by value is copied when it becomes an
    /// interface value.
    pub fn is_copied_at_once(&mut self, e: ExprId, to: TypeId) -> bool {
        if !self.info.types.is_interface(to) || self.info.mode(self.ast.unparen(e)) != Mode::Value {
            return false;
        }
        let from = self.ty(e);
        let from = self.info.types.default_type(from);
        use Kind::*;
        matches!(self.lay(from).kind, Struct | Array | Bool | Int8 | Uint8 | Complex64 | Complex128)
    }

    fn events(&mut self, e: ExprId, out: &mut Vec<Event>) {
        let ast = self.ast;
        let e = ast.unparen(e);
        if self.info.consts.contains_key(&e) || self.info.mode(e) == Mode::Type || self.ahead(e).is_some() {
            return;
        }
        let call = |c: &mut Self, out: &mut Vec<Event>| {
            let effects = c.has_safepoint(e);
            out.push(Event::Call { e, effects });
        };
        match &ast.expr(e).kind {
            ExprKind::Ident(_) => {
                if let Some(&obj) = self.info.uses.get(&e)
                    && matches!(self.info.obj(obj).kind, ObjKind::Local | ObjKind::Global)
                    && !matches!(self.f.vars.get(&obj), Some(Var::Slot(_)))
                {
                    out.push(Event::Read);
                }
            }
            ExprKind::Composite { ty, elems, .. } => {
                let t = self.ty(e);
                match self.under(t) {
                    Type::Map(..) if ty.is_some() => call(self, out),
                    _ => elems.iter().for_each(|el| self.events(el.value, out)),
                }
            }
            ExprKind::Selector { x, .. } => match self.info.selections.get(&e).map(|s| (s.kind, s.path.len())) {
                Some((SelectionKind::Field, depth)) => {
                    self.events(*x, out);
                    let t = self.ty(*x);
                    if depth > 1 || matches!(self.under(t), Type::Pointer(_)) {
                        out.push(Event::Read);
                    }
                }
                Some((SelectionKind::Method { .. } | SelectionKind::Interface { .. }, _)) => self.events(*x, out),
                Some(_) => {}
                None => {
                    let of_package = self.info.uses.get(&e);
                    if of_package.is_some_and(|&obj| matches!(self.info.obj(obj).kind, ObjKind::Global)) {
                        out.push(Event::Read);
                    }
                }
            },
            ExprKind::Index { x, indices } => {
                if indices.iter().any(|&i| self.info.mode(i) == Mode::Type) {
                    return;
                }
                self.events(*x, out);
                indices.iter().for_each(|&i| self.events(i, out));
                out.push(Event::Read);
            }
            ExprKind::Slice { .. } => call(self, out),
            ExprKind::TypeAssert { x, ty: Some(t) } => {
                let to = self.ty(*t);
                if matches!(self.lay(to).kind, Kind::Pointer | Kind::Map | Kind::Chan | Kind::Func) {
                    self.events(*x, out);
                    out.push(Event::Read);
                } else {
                    call(self, out);
                }
            }
            ExprKind::Call { fun, args, .. } => {
                if self.info.mode(ast.unparen(*fun)) != Mode::Type {
                    return call(self, out);
                }
                let (Some(&x), to) = (args.first(), self.ty(e)) else { return };
                let from = self.ty(x);
                if matches!(self.under(to), Type::Slice(_)) && self.lay(from).kind == Kind::String {
                    return call(self, out);
                }
                self.events(x, out);
            }
            ExprKind::Star(x) => {
                self.events(*x, out);
                out.push(Event::Read);
            }
            ExprKind::Unary { op: UnaryOp::Recv, .. } | ExprKind::Binary { op: BinaryOp::LAnd | BinaryOp::LOr, .. } => {
                call(self, out)
            }
            ExprKind::Unary { x, .. } => self.events(*x, out),
            ExprKind::Binary { x, y, .. } => {
                self.events(*x, out);
                self.events(*y, out);
            }
            _ => {}
        }
    }
}
