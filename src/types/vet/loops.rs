//! Loops that do not do what they seem to: that spin, go one too far, or start goroutines which get in each other's way.
use super::Vet;
use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use crate::syntax::ast::*;
use crate::syntax::walk::{self, Visit};
use crate::types::info::*;
use crate::types::ty::Type;

pub fn stmt(cx: &mut Vet, s: StmtId) {
    let st = cx.ast.stmt(s);
    match &st.kind {
        StmtKind::For { init, cond, post, body } => {
            if let (None, Some(cond), None, true) = (init, cond, post, body.stmts.is_empty()) {
                busy_wait(cx, *cond);
            }
            if let Some(cond) = cond {
                one_too_far(cx, *cond, body);
            }
            breaks(cx, body);
            started(cx, body, st.span);
            deferred(cx, body, st.span);
        }
        StmtKind::Range { body, .. } => {
            breaks(cx, body);
            started(cx, body, st.span);
            deferred(cx, body, st.span);
        }
        _ => {}
    }
}

/// `for !done {}`.
fn busy_wait(cx: &mut Vet, cond: ExprId) {
    let mut plain = Plain { cx, variables: 0, other: false };
    walk::expr(cx.ast, cond, &mut plain);
    if plain.variables > 0 && !plain.other {
        let text = cx.text(cond);
        let d = Diagnostic::warning("busy-wait", cx.ast.span(cond), "the loop waits for a variable to change")
            .label("a race: nothing says that another goroutine's write is ever seen")
            .help(format!(
                "wait for a channel that is closed (<-done) or a sync.WaitGroup; to ask now and then, make {text} a sync/atomic value"
            ));
        cx.warn(d);
    }
}

/// An expression of variables, constants and operators only.
struct Plain<'c, 'a> {
    cx: &'c Vet<'a>,
    variables: u32,
    other: bool,
}

impl Visit for Plain<'_, '_> {
    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        match &ast.expr(e).kind {
            ExprKind::Ident(_) => self.variables += self.cx.variable(e).is_some() as u32,
            ExprKind::Lit { .. } | ExprKind::Paren(_) | ExprKind::Selector { .. } | ExprKind::Star(_) => {}
            ExprKind::Unary { op, .. } => self.other |= *op == UnaryOp::Recv,
            ExprKind::Binary { .. } => {}
            _ => self.other = true,
        }
        !self.other
    }
}

/// `for i := 0; i <= len(s); i++ { ... s[i] ... }`, where nothing in the body looks at `i` before.
fn one_too_far(cx: &mut Vet, cond: ExprId, body: &Block) {
    let ExprKind::Binary { op: BinaryOp::Le, x, y, .. } = cx.ast.expr(cx.ast.unparen(cond)).kind else { return };
    let (Some(index), Some(Builtin::Len)) = (cx.variable(x), cx.builtin(y)) else { return };
    let Some(&list) = cx.args(y).first() else { return };
    let Some(obj) = cx.variable(list) else { return };
    if matches!(cx.under(cx.info.type_of(list)), Type::Map(..) | Type::Chan(..)) {
        return;
    }
    let mut indexed = Indexed { cx, list: obj, index, at: None, compared: false };
    walk::block(cx.ast, body, &mut indexed);
    if let (Some(at), false) = (indexed.at, indexed.compared) {
        let (i, s) = (cx.text(x), cx.text(list));
        let d = Diagnostic::warning(
            "one-too-far",
            cx.ast.span(cond),
            format!("the last {i} is len({s}), which is no index"),
        )
        .label(format!("goes on to {i} == len({s})"))
        .related(at, "panics then")
        .help(format!("compare with {i} < len({s}), or write for {i} := range {s}"));
        cx.warn(d);
    }
}

struct Indexed<'c, 'a> {
    cx: &'c Vet<'a>,
    list: ObjId,
    index: ObjId,
    at: Option<Span>,
    /// The index is compared or set: the body may know what it does.
    compared: bool,
}

impl Visit for Indexed<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match &ast.stmt(s).kind {
            StmtKind::Assign { lhs, .. } => {
                self.compared |= lhs.iter().any(|&l| self.cx.variable(l) == Some(self.index));
            }
            StmtKind::IncDec { x, .. } => self.compared |= self.cx.variable(*x) == Some(self.index),
            StmtKind::OpAssign { lhs, .. } => self.compared |= self.cx.variable(*lhs) == Some(self.index),
            StmtKind::Switch { .. } => self.compared = true,
            _ => {}
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        match &ast.expr(e).kind {
            ExprKind::Binary { op, x, y, .. } => {
                use BinaryOp::*;
                let is_index = |&e: &ExprId| self.cx.variable(e) == Some(self.index);
                self.compared |= matches!(op, Eq | Ne | Lt | Le | Gt | Ge) && [*x, *y].iter().any(is_index);
            }
            ExprKind::Index { x, indices } => {
                let by_index = indices.first().is_some_and(|&i| self.cx.variable(i) == Some(self.index));
                if by_index && self.cx.variable(*x) == Some(self.list) {
                    self.at.get_or_insert(ast.span(e));
                }
            }
            _ => {}
        }
        true
    }
}

/// `for { select { case <-done: break } }`: the break leaves the select only, which ends there anyway.
fn breaks(cx: &mut Vet, body: &Block) {
    for &s in &body.stmts {
        let StmtKind::Select { cases, .. } = &cx.ast.stmt(s).kind else { continue };
        for case in cases.iter().filter(|c| c.comm.is_some()) {
            let Some(&last) = case.body.last() else { continue };
            if matches!(cx.ast.stmt(last).kind, StmtKind::Break(None)) {
                let d = Diagnostic::warning(
                    "break-in-select",
                    cx.ast.stmt(last).span,
                    "break leaves the select, not the loop around it",
                )
                .label("goes on with the next round")
                .help("return, or give the loop a label: loop: for { ... break loop ... }");
                cx.warn(d);
            }
        }
    }
}

/// What each round should have done before the next: closing what it has opened, unlocking what it has locked. A deferred
/// call that is made in one round only, or for what goes on from round to round, is as it should be.
fn deferred(cx: &mut Vet, body: &Block, whole: Span) {
    let leaves =
        body.stmts.last().is_some_and(|&s| matches!(cx.ast.stmt(s).kind, StmtKind::Return(_) | StmtKind::Break(_)));
    for &s in body.stmts.iter().filter(|_| !leaves) {
        let StmtKind::Defer(call) = cx.ast.stmt(s).kind else { continue };
        let ExprKind::Call { fun, .. } = cx.ast.expr(cx.ast.unparen(call)).kind else { continue };
        let ExprKind::Selector { x, sel } = cx.ast.expr(cx.ast.unparen(fun)).kind else { continue };
        let Some(root) = cx.root(x) else { continue };
        let declared = cx.info.obj(root).span.lo;
        let inside = body.span.lo < declared && declared < body.span.hi;
        let outside = declared < whole.lo || declared >= whole.hi;
        let due = match cx.name(sel.name) {
            "Close" => inside,
            "Unlock" | "RUnlock" => outside,
            _ => false,
        };
        if due {
            let span = cx.ast.stmt(s).span;
            let d = Diagnostic::warning("defer-in-loop", span, "defer in a loop waits for the end of the function")
                .label("runs when the function returns, once for each round")
                .help("put the body of the loop into a function of its own");
            cx.warn(d);
        }
    }
}

/// Goroutines of a loop that all change one variable from outside it, with nothing that keeps them apart.
fn started(cx: &mut Vet, body: &Block, whole: Span) {
    let mut literals = Vec::new();
    for &s in &body.stmts {
        let call = match cx.ast.stmt(s).kind {
            StmtKind::Go(e) => e,
            StmtKind::Expr(e) if cx.callee(e).is_some_and(|c| c == "sync.WaitGroup.Go") => e,
            _ => {
                let mut orders = Orders { cx, found: false, inside: false };
                walk::stmt(cx.ast, s, &mut orders);
                if orders.found {
                    // The loop may let one go on after the other.
                    return;
                }
                continue;
            }
        };
        let ExprKind::Call { fun, ref args, .. } = cx.ast.expr(cx.ast.unparen(call)).kind else { continue };
        let run = if matches!(cx.ast.stmt(s).kind, StmtKind::Go(_)) { Some(fun) } else { args.first().copied() };
        let Some(run) = run else { continue };
        if let ExprKind::FuncLit(f) = cx.ast.expr(cx.ast.unparen(run)).kind
            && let Some(block) = &cx.ast.func(f).body
        {
            literals.push(block);
        }
    }
    for block in literals {
        let mut orders = Orders { cx, found: false, inside: true };
        walk::block(cx.ast, block, &mut orders);
        if orders.found {
            continue;
        }
        let mut writes = Writes { cx, whole, found: Vec::new() };
        walk::block(cx.ast, block, &mut writes);
        let Some(&(target, root)) = writes.found.first() else { continue };
        let text = cx.text(root);
        let is_map = cx.ast.unparen(target) != cx.ast.unparen(root);
        let d = Diagnostic::warning(
            "unguarded-write",
            cx.ast.span(target),
            format!("the goroutines of this loop all change {text} at the same time"),
        )
        .label("a race: changes get lost")
        .help(if is_map {
            "lock a sync.Mutex around it, or send the entries over a channel to one goroutine that has the map"
        } else {
            "lock a sync.Mutex around it, use sync/atomic (atomic.Int64), or send the results over a channel"
        });
        cx.warn(d);
    }
}

/// Whether something orders what goroutines do: a lock, a channel, or a call that may.
struct Orders<'c, 'a> {
    cx: &'c Vet<'a>,
    found: bool,
    /// What a goroutine does itself: that it says it is done orders nothing for the others.
    inside: bool,
}

impl Visit for Orders<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        self.found |= match &ast.stmt(s).kind {
            StmtKind::Send { .. } | StmtKind::Select { .. } => true,
            // Only one of several may come to the write.
            StmtKind::If { .. } | StmtKind::Switch { .. } | StmtKind::TypeSwitch { .. } => self.inside,
            StmtKind::Break(_) | StmtKind::Return(_) | StmtKind::Goto(_) => !self.inside,
            StmtKind::Range { x, .. } => matches!(self.cx.under(self.cx.info.type_of(*x)), Type::Chan(..)),
            _ => false,
        };
        !self.found
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        match &ast.expr(e).kind {
            ExprKind::Unary { op: UnaryOp::Recv, .. } => self.found = true,
            ExprKind::Call { .. } => {
                let callee = self.cx.callee(e).unwrap_or_default();
                let order = ["sync.", "context.", "time.", "golang.org/"].iter().any(|p| callee.starts_with(p));
                let counts = matches!(&callee[..], "sync.WaitGroup.Add" | "sync.WaitGroup.Done" | "time.Sleep");
                let own = callee.is_empty() && self.cx.builtin(e).is_none() && !self.cx.is_conversion(e);
                self.found |= (order && !counts) || own;
            }
            _ => {}
        }
        !self.found
    }
}

/// Assignments to plain variables, and to entries of maps, from outside the loop.
struct Writes<'c, 'a> {
    cx: &'c Vet<'a>,
    whole: Span,
    found: Vec<(ExprId, ExprId)>,
}

impl Writes<'_, '_> {
    fn target(&mut self, e: ExprId) {
        let e = self.cx.ast.unparen(e);
        let root = match self.cx.ast.expr(e).kind {
            ExprKind::Index { x, .. } if matches!(self.cx.under(self.cx.info.type_of(x)), Type::Map(..)) => x,
            _ => e,
        };
        let Some(obj) = self.cx.variable(root) else { return };
        let at = self.cx.info.obj(obj).span.lo;
        if at < self.whole.lo || at >= self.whole.hi {
            self.found.push((e, root));
        }
    }
}

impl Visit for Writes<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match &ast.stmt(s).kind {
            StmtKind::IncDec { x, .. } => self.target(*x),
            StmtKind::OpAssign { lhs, .. } => self.target(*lhs),
            // A plain `found = true` may be meant: the last one wins, whichever it is.
            StmtKind::Assign { lhs, rhs, .. } => {
                for (&l, &r) in lhs.iter().zip(rhs) {
                    let is_entry = matches!(ast.expr(ast.unparen(l)).kind, ExprKind::Index { .. });
                    let grows = self.cx.builtin(r) == Some(Builtin::Append)
                        && self.cx.args(r).first().is_some_and(|&a| self.cx.variable(a) == self.cx.variable(l));
                    if is_entry || grows {
                        self.target(l);
                    }
                }
            }
            _ => {}
        }
        true
    }
}
