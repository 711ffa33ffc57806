//! Loops over functions. The body becomes a function of its own that the iterator calls; what leaves the loop sets the
//! hidden variable `next` and returns false, and the code after the iterator's call goes on from there. A state
//! variable finds iterators that break the rules, as Go's rewrite does.
use super::closure::{Body, LoopVars};
use super::func::FuncState;
use super::regs::Reg;
use super::{Compiler, closure};
use crate::base::intern::Sym;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::TypeId;

/// A way out of a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Break(Option<Sym>),
    Continue(Option<Sym>),
    Goto(Sym),
    Return,
}

/// What the function made of a loop body knows of its loop.
pub struct IterBody {
    pub stmt: StmtId,
    pub vars: LoopVars,
    pub label: Option<Sym>,
    /// Ways out that the code after the loop must go: number in `next`, where to.
    pub exits: Vec<(i32, Exit)>,
    /// The declared function around.
    pub root: Body,
}

const DONE: i32 = 0;
const READY: i32 = 1;
const PANIC: i32 = 2;
const EXHAUSTED: i32 = 3;

impl Compiler<'_> {
    /// `break`, `continue`, `goto` or the end of a `return`.
    pub fn leave(&mut self, exit: Exit) {
        if self.jump_to(exit) {
            return;
        }
        let Some(iter) = &self.f.iter else {
            if exit == Exit::Return {
                self.return_kept();
            }
            return;
        };
        let own = |name: Option<Sym>| name.is_none() || name == iter.label;
        let vars = iter.vars;
        match exit {
            Exit::Break(name) if own(name) => self.finish_body(vars, DONE, false),
            Exit::Continue(name) if own(name) => self.finish_body(vars, READY, true),
            _ => {
                let known = iter.exits.iter().find(|e| e.1 == exit).map(|e| e.0);
                let number = known.unwrap_or_else(|| {
                    self.exit_count += 1;
                    self.exit_count
                });
                if known.is_none()
                    && let Some(iter) = &mut self.f.iter
                {
                    iter.exits.push((number, exit));
                }
                self.set_hidden(vars.next, number);
                self.finish_body(vars, DONE, false);
            }
        }
    }

    fn set_hidden(&mut self, obj: ObjId, value: i32) {
        let Some(place) = self.var_place(obj) else { return };
        let mark = self.f.regs.mark();
        let r = self.scalar();
        self.f.code.rx(Op::LdI, r, value);
        self.store(place, TypeId::INT, r);
        self.f.regs.release(mark);
    }

    fn get_hidden(&mut self, obj: ObjId) -> Reg {
        match self.var_place(obj) {
            Some(place) => self.load(place, TypeId::INT, None),
            None => self.zero_value(TypeId::INT, None),
        }
    }

    /// Returns from the body's function.
    fn finish_body(&mut self, vars: LoopVars, state: i32, more: bool) {
        self.set_hidden(vars.state, state);
        let mark = self.f.regs.mark();
        let r = self.scalar();
        self.f.code.rx(Op::LdI, r, more as i32);
        self.f.code.ret_word(r);
        self.f.regs.release(mark);
    }

    /// Panics with a `runtime.Error` of this text.
    pub fn panic_text(&mut self, text: &str) {
        let k = self.constant(Constant::Str(text.as_bytes().into()));
        self.f.code.rx(Op::PanicRt, Reg(0), k);
    }

    pub fn range_func(
        &mut self,
        id: StmtId,
        lhs: &[ExprId],
        define: bool,
        x: ExprId,
        body: &Block,
        label: Option<Sym>,
    ) {
        let Some(&vars) = self.analysis.loops.get(&id) else { return };
        let pos = self.f.code.pos;
        let xt = self.ty(x);
        let f = self.held(x);
        self.declare_hidden(vars.state, READY);
        let exits_used = self.analysis.flags(vars.next) & closure::CAPTURED != 0;
        if exits_used && !self.f.vars.contains_key(&vars.next) {
            self.declare_hidden(vars.next, 0);
        }
        let (params, ..) = self.signature(xt);
        let yield_ty = params.first().copied().unwrap_or(TypeId::INVALID);
        let captures = self.capture_list(Body::Range(id));
        let root = match &self.f.iter {
            Some(i) => i.root,
            None => self.f.body,
        };
        self.f.ranges += 1;
        let name = format!("{}-range{}", self.prog.funcs[self.f.func.0 as usize].name, self.f.ranges);
        let package = self.prog.funcs[self.f.func.0 as usize].package.clone();
        let idx = self.new_func(name, pos, package, false);

        let results = self.f.results.clone();
        let pkg = self.f.package;
        let subst = self.f.subst.clone();
        let outer = std::mem::take(&mut self.f);
        self.begin(idx, Body::Range(id), pkg, subst);
        self.f.is_lit = true;
        self.f.iter = Some(IterBody { stmt: id, vars, label, exits: Vec::new(), root });
        let (params, rets, _) = self.signature(yield_ty);
        let (slots, closure_slot) = self.fixed_slots(&params, &rets, !captures.is_empty());
        self.load_captures(&captures, closure_slot);
        self.f.results = results;
        for (obj, &ty) in self
            .analysis
            .bodies
            .get(&root)
            .map(|b| b.results.clone())
            .unwrap_or_default()
            .iter()
            .zip(&self.f.results.clone())
        {
            if let Some(place) = self.var_place(*obj) {
                self.f.result_places.push((place, ty));
            }
        }
        self.set_pos(pos);
        self.check_state(vars);
        for (i, (&slot, &ty)) in slots.iter().zip(&params).enumerate() {
            let Some(&l) = lhs.get(i) else { continue };
            if !define {
                self.bind_value(l, define, slot, ty);
            } else if let Some(&obj) = self.info.defs.get(&self.ast.span(l).lo) {
                self.bind_param(obj, ty, slot);
            }
        }
        self.block(body);
        self.set_pos(body.span.hi.saturating_sub(1));
        if !self.f.code.dead {
            self.finish_body(vars, READY, true);
        }
        self.finish_code(idx, body.span);
        let done: FuncState = std::mem::replace(&mut self.f, outer);
        let exits = done.iter.map(|i| i.exits).unwrap_or_default();

        let clo = self.make_closure(idx, &captures, None);
        let w = self.begin_window(0, 1);
        self.f.code.mov(Reg::scalar(w), clo);
        self.set_pos(pos);
        self.f.code.rri(Op::CallC, Reg::scalar(w), f, 1);
        let over = self.f.code.label();
        let s = self.get_hidden(vars.state);
        self.f.code.jump_rk(Op::JNeK, s, PANIC as i64, over);
        self.panic_text("runtime error: range function recovered a loop body panic and did not resume panicking");
        self.f.code.bind(over);
        self.set_hidden(vars.state, EXHAUSTED);
        self.dispatch(vars, exits);
        if exits_used && self.f.iter.is_none() {
            self.f.vars.remove(&vars.next);
        }
    }

    fn declare_hidden(&mut self, obj: ObjId, value: i32) {
        let place = self.declare_uninit(obj, TypeId::INT);
        let mark = self.f.regs.mark();
        let r = self.scalar();
        self.f.code.rx(Op::LdI, r, value);
        self.store(place, TypeId::INT, r);
        self.f.regs.release(mark);
    }

    /// At the start of the body: the loop must be ready for another round.
    fn check_state(&mut self, vars: LoopVars) {
        let mark = self.f.regs.mark();
        let s = self.get_hidden(vars.state);
        let (ok, done, panicked) = (self.f.code.label(), self.f.code.label(), self.f.code.label());
        self.f.code.jump_rk(Op::JEqK, s, READY as i64, ok);
        self.f.code.jump_rk(Op::JEqK, s, DONE as i64, done);
        self.f.code.jump_rk(Op::JEqK, s, PANIC as i64, panicked);
        self.panic_text("runtime error: range function continued iteration after whole loop exit");
        self.f.code.bind(done);
        self.panic_text(
            "runtime error: range function continued iteration after function for loop body returned false",
        );
        self.f.code.bind(panicked);
        self.panic_text("runtime error: range function continued iteration after loop body panic");
        self.f.code.bind(ok);
        self.f.regs.release(mark);
        self.set_hidden(vars.state, PANIC);
    }

    /// After the loop: goes where the body wanted to go.
    fn dispatch(&mut self, vars: LoopVars, exits: Vec<(i32, Exit)>) {
        if exits.is_empty() {
            return;
        }
        let mark = self.f.regs.mark();
        let next = self.get_hidden(vars.next);
        let end = self.f.code.label();
        self.f.code.jump_rk(Op::JEqK, next, 0, end);
        for (number, exit) in exits {
            let skip = self.f.code.label();
            match i16::try_from(number) {
                Ok(k) => self.f.code.jump_rk(Op::JNeK, next, k as i64, skip),
                Err(_) => {
                    let k = self.scalar();
                    self.f.code.rx(Op::LdI, k, number);
                    self.f.code.jump_rr(Op::JNe, next, k, skip);
                }
            }
            self.pass_on(number, exit, vars);
            self.f.code.bind(skip);
        }
        self.f.code.bind(end);
        self.f.regs.release(mark);
    }

    /// Goes on with a way out that began in an inner body.
    fn pass_on(&mut self, number: i32, exit: Exit, inner: LoopVars) {
        // an unlabelled one belongs to a statement inside the body and never comes here
        let reset = match &self.f.iter {
            None => true,
            Some(iter) => match exit {
                Exit::Break(l) | Exit::Continue(l) => l == iter.label || self.f.ctrl.iter().any(|c| c.label == l),
                Exit::Goto(l) => self.label_is_here(l),
                Exit::Return => false,
            },
        };
        if reset {
            self.set_hidden(inner.next, 0);
            return self.leave(exit);
        }
        let Some(iter) = &mut self.f.iter else { return };
        let vars = iter.vars;
        if !iter.exits.iter().any(|e| e.0 == number) {
            iter.exits.push((number, exit));
        }
        self.finish_body(vars, DONE, false);
    }

    /// A label of this function, not of one around it.
    pub fn label_is_here(&self, name: Sym) -> bool {
        let Some(iter) = &self.f.iter else { return true };
        match &self.ast.stmt(iter.stmt).kind {
            StmtKind::Range { body, .. } => body.stmts.iter().any(|&s| self.holds_label(s, name)),
            _ => false,
        }
    }

    fn holds_label(&self, s: StmtId, name: Sym) -> bool {
        let any = |list: &[StmtId]| list.iter().any(|&s| self.holds_label(s, name));
        match &self.ast.stmt(s).kind {
            StmtKind::Labeled { label, stmt } => label.name == name || self.holds_label(*stmt, name),
            StmtKind::Block(b) => any(&b.stmts),
            StmtKind::If { then, els, .. } => any(&then.stmts) || els.is_some_and(|e| self.holds_label(e, name)),
            StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => cases.iter().any(|c| any(&c.body)),
            StmtKind::Select { cases, .. } => cases.iter().any(|c| any(&c.body)),
            StmtKind::For { body, .. } => any(&body.stmts),
            StmtKind::Range { body, x, .. } => {
                let over = self.info.type_of(*x);
                !matches!(self.info.types.underlying(over), crate::types::ty::Type::Func(_)) && any(&body.stmts)
            }
            _ => false,
        }
    }
}
