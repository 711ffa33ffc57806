//! Labels and jumps, and which statements end a function.
use super::check::*;
use super::info::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;
use rustc_hash::FxHashMap;

struct Label {
    span: Span,
    used: bool,
}

/// A block, for jumps: the labels declared directly in it, and its variable declarations.
struct BlockInfo {
    parent: Option<usize>,
    labels: FxHashMap<Sym, Span>,
    /// Where variables are declared, in order.
    vars: Vec<(Sym, u32)>,
}

struct Jump {
    label: Ident,
    block: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Loop,
    Breakable,
    Other,
}

struct Walk {
    labels: FxHashMap<Sym, Label>,
    blocks: Vec<BlockInfo>,
    gotos: Vec<Jump>,
    /// Labels of enclosing statements.
    enclosing: Vec<(Sym, Target)>,
}

impl<'a> Checker<'a> {
    /// Checks labels and the jumps to them in a function body.
    pub fn labels(&mut self, body: &[StmtId]) {
        let mut w = Walk { labels: FxHashMap::default(), blocks: Vec::new(), gotos: Vec::new(), enclosing: Vec::new() };
        self.collect_labels(&mut w, body);
        self.label_block(&mut w, None, body);
        let gotos = std::mem::take(&mut w.gotos);
        for jump in gotos {
            self.check_goto(&mut w, &jump);
        }
        let mut unused: Vec<(Span, Sym)> =
            w.labels.iter().filter(|(_, l)| !l.used).map(|(n, l)| (l.span, *n)).collect();
        unused.sort();
        for (span, name) in unused {
            let message = format!("label {} defined and not used", self.name(name));
            self.err("unused-label", span, message);
        }
    }

    /// All labels of the function, wherever they are.
    fn collect_labels(&mut self, w: &mut Walk, list: &[StmtId]) {
        let ast = self.ast;
        for &id in list {
            self.each_inner(ast.stmt(id), &mut |c, s| {
                let StmtKind::Labeled { label, .. } = &s.kind else { return };
                if label.name == Sym::BLANK {
                    return;
                }
                if let Some(first) = w.labels.get(&label.name).map(|l| l.span) {
                    let message = format!("label {} already declared at {}", c.name(label.name), c.place(first));
                    c.report(
                        Diagnostic::error("redeclared", label.span, message).related(first, "first declared here"),
                    );
                } else {
                    w.labels.insert(label.name, Label { span: label.span, used: false });
                }
            });
        }
    }

    /// Calls `f` for the statement and all statements inside it, but not inside function literals.
    fn each_inner(&mut self, s: &'a Stmt, f: &mut dyn FnMut(&mut Self, &'a Stmt)) {
        let ast = self.ast;
        let mut work = vec![s];
        while let Some(s) = work.pop() {
            f(self, s);
            let at = work.len();
            let mut push = |id: StmtId| work.push(ast.stmt(id));
            match &s.kind {
                StmtKind::Block(b) => b.stmts.iter().copied().for_each(&mut push),
                StmtKind::If { then, els, .. } => {
                    then.stmts.iter().copied().for_each(&mut push);
                    els.iter().copied().for_each(&mut push);
                }
                StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => {
                    cases.iter().flat_map(|c| c.body.iter().copied()).for_each(&mut push);
                }
                StmtKind::Select { cases, .. } => {
                    cases.iter().flat_map(|c| c.body.iter().copied()).for_each(&mut push);
                }
                StmtKind::For { body, .. } | StmtKind::Range { body, .. } => {
                    body.stmts.iter().copied().for_each(&mut push);
                }
                StmtKind::Labeled { stmt, .. } => push(*stmt),
                _ => {}
            }
            work[at..].reverse();
        }
    }

    fn label_block(&mut self, w: &mut Walk, parent: Option<usize>, list: &[StmtId]) {
        let block = w.blocks.len();
        w.blocks.push(BlockInfo { parent, labels: FxHashMap::default(), vars: Vec::new() });
        for &s in list {
            self.label_stmt(w, block, s);
        }
    }

    fn label_stmt(&mut self, w: &mut Walk, block: usize, id: StmtId) {
        let ast = self.ast;
        let s = ast.stmt(id);
        match &s.kind {
            StmtKind::Decl(Decl::Var(specs)) => {
                for spec in specs {
                    w.blocks[block].vars.extend(spec.names.iter().map(|n| (n.name, n.span.lo)));
                }
            }
            StmtKind::Define { lhs, .. } => {
                for &e in lhs {
                    if let ExprKind::Ident(name) = ast.expr(e).kind {
                        let lo = ast.span(e).lo;
                        // only what is declared here; the others are assigned
                        if self.info.defs.contains_key(&lo) {
                            w.blocks[block].vars.push((name, lo));
                        }
                    }
                }
            }
            StmtKind::Labeled { label, stmt } => {
                w.blocks[block].labels.entry(label.name).or_insert(label.span);
                let target = match &ast.stmt(*stmt).kind {
                    StmtKind::For { .. } | StmtKind::Range { .. } => Target::Loop,
                    StmtKind::Switch { .. } | StmtKind::TypeSwitch { .. } | StmtKind::Select { .. } => {
                        Target::Breakable
                    }
                    _ => Target::Other,
                };
                w.enclosing.push((label.name, target));
                self.label_stmt(w, block, *stmt);
                w.enclosing.pop();
            }
            StmtKind::Break(Some(label)) | StmtKind::Continue(Some(label)) => {
                let is_break = matches!(s.kind, StmtKind::Break(_));
                let word = if is_break { "break" } else { "continue" };
                let known = w.labels.get_mut(&label.name);
                let Some(l) = known else {
                    let message = format!("{word} label not defined: {}", self.name(label.name));
                    self.err("label", label.span, message);
                    return;
                };
                let target = w.enclosing.iter().rev().find(|(n, _)| *n == label.name).map(|(_, t)| *t);
                let ok = match target {
                    Some(Target::Loop) => true,
                    Some(Target::Breakable) => is_break,
                    _ => false,
                };
                // One that was declared before counts as used, even if it is no valid target.
                if target.is_some() || l.span.lo < label.span.lo {
                    l.used = true;
                }
                if !ok {
                    let name = self.name(label.name);
                    let message = match target {
                        Some(_) => format!("invalid {word} label {name}"),
                        None => format!("{word} label not defined: {name}"),
                    };
                    self.err("label", label.span, message);
                }
            }
            StmtKind::Goto(label) => w.gotos.push(Jump { label: *label, block }),
            StmtKind::Block(b) => self.label_block(w, Some(block), &b.stmts),
            StmtKind::If { then, els, .. } => {
                self.label_block(w, Some(block), &then.stmts);
                if let Some(e) = els {
                    self.label_block(w, Some(block), std::slice::from_ref(e));
                }
            }
            StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => {
                for c in cases {
                    self.label_block(w, Some(block), &c.body);
                }
            }
            StmtKind::Select { cases, .. } => {
                for c in cases {
                    self.label_block(w, Some(block), &c.body);
                }
            }
            StmtKind::For { body, .. } | StmtKind::Range { body, .. } => {
                self.label_block(w, Some(block), &body.stmts);
            }
            _ => {}
        }
    }

    fn check_goto(&mut self, w: &mut Walk, jump: &Jump) {
        let name = jump.label.name;
        let text = self.name(name).to_string();
        let Some(l) = w.labels.get_mut(&name) else {
            self.err("label", jump.label.span, format!("label {text} not defined"));
            return;
        };
        l.used = true;
        let mut at = Some(jump.block);
        while let Some(b) = at {
            if let Some(&target) = w.blocks[b].labels.get(&name) {
                if target.lo > jump.label.span.lo {
                    // a jump forward must not skip a variable's declaration
                    let skipped =
                        w.blocks[b].vars.iter().find(|(_, lo)| *lo > jump.label.span.lo && *lo < target.lo).copied();
                    if let Some((_, lo)) = skipped {
                        let line = self.sources.locate(lo).map_or(0, |(_, line, _)| line);
                        let message = format!("goto {text} jumps over variable declaration at line {line}");
                        self.report(
                            Diagnostic::error("goto", jump.label.span, message)
                                .related(Span::new(lo, lo + 1), "declared here"),
                        );
                    }
                }
                return;
            }
            at = w.blocks[b].parent;
        }
        self.err("goto", jump.label.span, format!("goto {text} jumps into block"));
    }

    // --- terminating statements

    pub fn terminates_list(&self, list: &[StmtId]) -> bool {
        let last = list.iter().rev().find(|&&s| !matches!(self.ast.stmt(s).kind, StmtKind::Empty));
        last.is_some_and(|&s| self.terminates(s, None))
    }

    fn terminates(&self, id: StmtId, label: Option<Sym>) -> bool {
        match &self.ast.stmt(id).kind {
            StmtKind::Return(_) | StmtKind::Goto(_) | StmtKind::Fallthrough => true,
            StmtKind::Expr(e) => {
                let ExprKind::Call { fun, .. } = self.ast.expr(self.ast.unparen(*e)).kind else { return false };
                let fun = self.ast.unparen(fun);
                self.info.uses.get(&fun).is_some_and(|o| matches!(self.obj(*o).kind, ObjKind::Builtin(Builtin::Panic)))
            }
            StmtKind::Block(b) => self.terminates_list(&b.stmts),
            StmtKind::If { then, els, .. } => {
                els.is_some_and(|e| self.terminates_list(&then.stmts) && self.terminates(e, None))
            }
            StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => {
                cases.iter().any(|c| c.is_default)
                    && cases.iter().all(|c| self.terminates_list(&c.body) && !self.breaks_list(&c.body, label, true))
            }
            StmtKind::Select { cases, .. } => {
                cases.iter().all(|c| self.terminates_list(&c.body) && !self.breaks_list(&c.body, label, true))
            }
            StmtKind::For { cond, body, .. } => cond.is_none() && !self.breaks_list(&body.stmts, label, true),
            StmtKind::Labeled { label, stmt } => self.terminates(*stmt, Some(label.name)),
            _ => false,
        }
    }

    /// A break in `list` leaves the statement around, which has `label`; `implicit`: also one without label.
    fn breaks_list(&self, list: &[StmtId], label: Option<Sym>, implicit: bool) -> bool {
        list.iter().any(|&s| self.breaks(s, label, implicit))
    }

    fn breaks(&self, id: StmtId, label: Option<Sym>, implicit: bool) -> bool {
        match &self.ast.stmt(id).kind {
            StmtKind::Break(None) => implicit,
            StmtKind::Break(Some(l)) => Some(l.name) == label,
            StmtKind::Block(b) => self.breaks_list(&b.stmts, label, implicit),
            StmtKind::If { then, els, .. } => {
                self.breaks_list(&then.stmts, label, implicit) || els.is_some_and(|e| self.breaks(e, label, implicit))
            }
            StmtKind::Labeled { stmt, .. } => self.breaks(*stmt, label, implicit),
            StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => {
                label.is_some() && cases.iter().any(|c| self.breaks_list(&c.body, label, false))
            }
            StmtKind::Select { cases, .. } => {
                label.is_some() && cases.iter().any(|c| self.breaks_list(&c.body, label, false))
            }
            StmtKind::For { body, .. } | StmtKind::Range { body, .. } => {
                label.is_some() && self.breaks_list(&body.stmts, label, false)
            }
            _ => false,
        }
    }
}
