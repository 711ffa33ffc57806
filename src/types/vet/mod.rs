//! Warnings that teach: programs that are legal and most likely wrong. Each has a code by which it can be silenced, on
//! the command line or by a comment `//gmpl:allow CODE` on its line or the one above.
//!
//! A warning is given only where the tree shows the mistake: none of these guesses.
mod calls;
mod flow;
mod locks;
mod loops;
mod values;

use super::info::*;
use super::ty::{Type, TypeId};
use crate::base::diag::{Diagnostic, Diagnostics, Severity};
use crate::base::intern::{Interner, Sym};
use crate::base::span::{SourceMap, Span};
use crate::syntax::ast::*;
use crate::syntax::walk::{self, Visit};

/// Every warning: its code and what it is about.
pub const WARNINGS: &[(&str, &str)] = &[
    ("copied-lock", "a mutex, wait group or the like is copied"),
    ("wait-group-add", "wg.Add is called by the goroutine that is to be waited for"),
    ("lost-cancel", "the cancel function of a context is not called on every way out"),
    ("ignored-result", "the result of a function that does nothing else is not used"),
    ("shadowed-error", "an inner err hides the one that is looked at later"),
    ("defer-in-loop", "deferred calls of a loop run when the function ends"),
    ("deferred-lock", "Lock is deferred where Unlock was meant"),
    ("self-assignment", "a variable is assigned to itself"),
    ("format", "a format and its arguments do not agree"),
    ("short-sleep", "a duration without a unit counts nanoseconds"),
    ("unbuffered-signal", "signal.Notify does not wait for a receiver"),
    ("busy-loop", "a select with an empty default spins"),
    ("nil-map", "a value is put into a map that was not made"),
    ("busy-wait", "a loop waits for a variable to change"),
    ("one-too-far", "a loop counts up to len, which is no index"),
    ("break-in-select", "break leaves the select, not the loop"),
    ("unguarded-write", "goroutines of a loop change one variable at the same time"),
    ("lost-unlock", "a lock is still held on a way out"),
    ("changed-copy", "a field of a copy is assigned: of a loop's, or of a method's receiver"),
    ("lost-append", "the caller's slice does not get what is appended to a parameter"),
    ("typed-nil", "a nil pointer in an interface is not nil"),
    ("endless-string", "a String or Error method formats its own receiver"),
    ("unreachable", "statements behind a return or panic"),
    ("main-ends", "the program ends without waiting for a goroutine"),
    ("send-to-self", "a send on an unbuffered channel that nobody can receive from yet"),
    ("string-of-int", "string(n) is a character, not digits"),
    ("compared-nan", "nothing is equal to NaN"),
];

/// Looks through the program's own files: through those functions that have no errors.
pub fn vet(files: &[usize], ast: &Ast, info: &Info, names: &Interner, sources: &SourceMap, diags: &mut Diagnostics) {
    let mut cx = Vet { ast, info, names, sources, found: Vec::new() };
    let errors = diags.list.iter().filter(|d| d.severity == Severity::Error);
    let mut errors: Vec<u32> = errors.map(|d| d.span.lo).collect();
    errors.sort_unstable();
    let before = |at: u32| errors.partition_point(|&e| e < at);
    let is_sound = |span: Span| before(span.lo) == before(span.hi);
    for &file in files {
        let mut top = Vec::new();
        for item in &ast.files[file].items {
            match item {
                TopItem::Import(_) => {}
                TopItem::Stmt(s) => top.push(*s),
                TopItem::Func(f) if !is_sound(ast.func(*f).span) => {}
                TopItem::Func(f) => {
                    let func = ast.func(*f);
                    cx.func(func);
                    if let Some(body) = &func.body {
                        let is_main = func.recv.is_none() && func.name.is_some_and(|n| names.name(n.name) == "main");
                        cx.body(&body.stmts, is_main);
                    }
                }
            }
        }
        let is_script = ast.files[file].package.is_none();
        if top.iter().all(|&s| is_sound(ast.stmt(s).span)) {
            cx.body(&top, is_script);
        }
    }
    let found = std::mem::take(&mut cx.found);
    let mut seen = rustc_hash::FxHashSet::default();
    diags.list.extend(found.into_iter().filter(|d| seen.insert((d.span, d.code)) && !allowed(d, sources)));
}

/// A comment on the line of a warning, or alone on the one above, silences it.
fn allowed(d: &Diagnostic, sources: &SourceMap) -> bool {
    let Some(file) = sources.find(d.span.lo) else { return false };
    let (line, _) = file.line_col(d.span.lo);
    let says = |line: u32, alone: bool| {
        let text = file.line_text(line);
        let Some((before, comment)) = text.split_once("//gmpl:allow") else { return false };
        (!alone || before.trim().is_empty())
            && comment.split([' ', ',', '\t']).any(|code| code == d.code || code == "all")
    };
    says(line, false) || (line > 1 && says(line - 1, true))
}

pub(super) struct Vet<'a> {
    pub ast: &'a Ast,
    pub info: &'a Info,
    pub names: &'a Interner,
    pub sources: &'a SourceMap,
    found: Vec<Diagnostic>,
}

impl<'a> Vet<'a> {
    pub fn warn(&mut self, d: Diagnostic) {
        self.found.push(d);
    }

    /// What a function's head and body say together.
    fn func(&mut self, func: &Func) {
        locks::signature(self, func);
        locks::held(self, func);
        values::function(self, func);
        calls::method(self, func);
    }

    /// The body of a function, and of each one inside it.
    fn body(&mut self, list: &[StmtId], is_main: bool) {
        flow::body(self, list, is_main);
        let mut walker = Walker { cx: self };
        walk::stmts(walker.cx.ast, list, &mut walker);
    }

    pub fn name(&self, sym: Sym) -> &'a str {
        self.names.name(sym)
    }

    /// The object that an identifier or a qualified identifier stands for, without parentheses.
    pub fn object(&self, e: ExprId) -> Option<ObjId> {
        let e = self.ast.unparen(e);
        if let Some(&obj) = self.info.uses.get(&e) {
            return Some(obj);
        }
        match self.ast.expr(e).kind {
            ExprKind::Ident(_) => self.info.defs.get(&self.ast.span(e).lo).copied(),
            _ => None,
        }
    }

    /// The variable that an expression names.
    pub fn variable(&self, e: ExprId) -> Option<ObjId> {
        let obj = self.object(e)?;
        matches!(self.info.obj(obj).kind, ObjKind::Local | ObjKind::Global).then_some(obj)
    }

    /// The variable that `x.f`, `x[i]`, `*x` begin with.
    pub fn root(&self, mut e: ExprId) -> Option<ObjId> {
        loop {
            e = self.ast.unparen(e);
            if let Some(obj) = self.variable(e) {
                return Some(obj);
            }
            e = match self.ast.expr(e).kind {
                ExprKind::Selector { x, .. } | ExprKind::Index { x, .. } | ExprKind::Star(x) => x,
                _ => return None,
            };
        }
    }

    /// What a call calls, as `path.Name` or `path.Type.Name`, if it is declared in a standard package.
    pub fn callee(&self, call: ExprId) -> Option<String> {
        let ExprKind::Call { fun, .. } = &self.ast.expr(self.ast.unparen(call)).kind else { return None };
        let mut fun = self.ast.unparen(*fun);
        if let ExprKind::Index { x, .. } = self.ast.expr(fun).kind {
            fun = self.ast.unparen(x);
        }
        let obj = match self.info.selections.get(&fun) {
            Some(Selection { kind: SelectionKind::Method { obj }, .. }) => *obj,
            Some(_) => return None,
            None => self.object(fun)?,
        };
        let o = self.info.obj(obj);
        let ObjKind::Func(f) = &o.kind else { return None };
        if o.pkg == PkgId::NONE || !self.info.pkg(o.pkg).std {
            return None;
        }
        let path = self.name(self.info.pkg(o.pkg).path);
        let name = self.name(o.name);
        Some(match f.recv.map(|r| self.info.types.get(r.base)) {
            Some(Type::Named(n)) => format!("{path}.{}.{name}", self.name(self.info.types.named(*n).name)),
            _ => format!("{path}.{name}"),
        })
    }

    pub fn args(&self, call: ExprId) -> &'a [ExprId] {
        match &self.ast.expr(self.ast.unparen(call)).kind {
            ExprKind::Call { args, .. } => args,
            _ => &[],
        }
    }

    /// The built-in function that an expression calls.
    pub fn builtin(&self, call: ExprId) -> Option<Builtin> {
        let ExprKind::Call { fun, .. } = self.ast.expr(self.ast.unparen(call)).kind else { return None };
        match self.info.obj(self.object(fun)?).kind {
            ObjKind::Builtin(b) => Some(b),
            _ => None,
        }
    }

    /// `T(x)`.
    pub fn is_conversion(&self, call: ExprId) -> bool {
        let ExprKind::Call { fun, .. } = self.ast.expr(self.ast.unparen(call)).kind else { return false };
        self.info.mode(fun) == Mode::Type
    }

    /// Whether a variable's address is taken in a statement, or a function there knows it.
    pub fn addressed(&self, s: StmtId, obj: ObjId) -> bool {
        let mut a = Addressed { cx: self, obj, found: false };
        walk::stmt(self.ast, s, &mut a);
        a.found
    }

    /// `x` of a call `x.Method()`.
    pub fn receiver(&self, call: ExprId) -> Option<ExprId> {
        let ExprKind::Call { fun, .. } = self.ast.expr(self.ast.unparen(call)).kind else { return None };
        match self.ast.expr(self.ast.unparen(fun)).kind {
            ExprKind::Selector { x, .. } => Some(x),
            _ => None,
        }
    }

    pub fn text(&self, e: ExprId) -> &'a str {
        self.sources.text(self.ast.span(e))
    }

    pub fn under(&self, ty: TypeId) -> &'a Type {
        self.info.types.underlying(ty)
    }

    /// Whether a variable is named somewhere below these statements.
    pub fn mentions(&self, list: &[StmtId], obj: ObjId) -> bool {
        let mut m = Mentions { cx: self, obj, found: false };
        walk::stmts(self.ast, list, &mut m);
        m.found
    }
}

struct Mentions<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    found: bool,
}

impl Visit for Mentions<'_, '_> {
    fn expr(&mut self, _ast: &Ast, e: ExprId) -> bool {
        self.found |= self.cx.object(e) == Some(self.obj);
        !self.found
    }
}

struct Addressed<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    found: bool,
}

impl Visit for Addressed<'_, '_> {
    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        self.found |= match &ast.expr(e).kind {
            ExprKind::Unary { op: UnaryOp::Addr, x } => self.cx.variable(*x) == Some(self.obj),
            ExprKind::FuncLit(f) => ast.func(*f).body.as_ref().is_some_and(|b| self.cx.mentions(&b.stmts, self.obj)),
            _ => false,
        };
        !self.found
    }
}

/// Everything that is seen at one node.
struct Walker<'c, 'a> {
    cx: &'c mut Vet<'a>,
}

impl Visit for Walker<'_, '_> {
    fn stmt(&mut self, _ast: &Ast, s: StmtId) -> bool {
        locks::stmt(self.cx, s);
        calls::stmt(self.cx, s);
        flow::stmt(self.cx, s);
        loops::stmt(self.cx, s);
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        locks::expr(self.cx, e);
        calls::expr(self.cx, e);
        if let ExprKind::FuncLit(f) = ast.expr(e).kind {
            let func = ast.func(f);
            self.cx.func(func);
            if let Some(body) = &func.body {
                flow::body(self.cx, &body.stmts, false);
                walk::block(ast, body, self);
            }
            return false;
        }
        true
    }
}
