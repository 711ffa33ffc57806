//! Copies of what must not be copied: mutexes, wait groups, conditions, atomics, and structs that hold them. A copy
//! has a state of its own: it protects nothing, and waits for nobody. And locks that are held for ever.
use super::Vet;
use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use crate::syntax::ast::*;
use crate::syntax::walk::{self, Visit};
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

const DEPTH: u32 = 20;

/// The type of a lock that a value of this type holds by value.
fn lock_in(cx: &Vet, ty: TypeId, depth: u32) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    if let Some(n) = cx.info.types.as_named(ty) {
        let d = cx.info.types.named(n);
        if d.pkg != PkgId::NONE && cx.info.pkg(d.pkg).std {
            let (path, name) = (cx.name(cx.info.pkg(d.pkg).path), cx.name(d.name));
            let lock = match path {
                "sync" => matches!(name, "Mutex" | "RWMutex" | "WaitGroup" | "Once" | "Cond" | "Pool" | "Map"),
                "sync/atomic" => !matches!(cx.under(ty), Type::Interface(_)),
                "strings" => false,
                _ => false,
            };
            return lock.then(|| format!("{}.{name}", path.rsplit('/').next().unwrap_or(path)));
        }
    }
    match cx.under(ty) {
        Type::Struct(fields) => fields.iter().find_map(|f| lock_in(cx, f.ty, depth + 1)),
        Type::Array(elem, _) => lock_in(cx, *elem, depth + 1),
        _ => None,
    }
}

/// Whether an expression is a value that lies somewhere: a literal or a call's result is no copy of anything.
fn is_place(cx: &Vet, e: ExprId) -> bool {
    matches!(cx.info.mode(e), Mode::Variable | Mode::MapIndex)
}

fn copied(cx: &mut Vet, e: ExprId, how: &str) {
    let ty = cx.info.type_of(e);
    if !is_place(cx, e) || !matches!(cx.info.mode(e), Mode::Variable | Mode::MapIndex) {
        return;
    }
    if let Some(lock) = lock_in(cx, ty, 0) {
        let message = format!("{how} copies {}, which holds a {lock}", cx.text(e));
        let d = Diagnostic::warning("copied-lock", cx.ast.span(e), message)
            .label("the copy has a state of its own")
            .help(format!("use a pointer: &{}", cx.text(e)));
        cx.warn(d);
    }
}

/// Parameters, results and receivers.
pub fn signature(cx: &mut Vet, func: &Func) {
    let recv = func.recv.iter().flatten().map(|p| (p, "receiver"));
    let params = func.sig.params.iter().map(|p| (p, "parameter"));
    let list: Vec<(ExprId, Option<Ident>, &str)> = recv.chain(params).map(|(p, what)| (p.ty, p.name, what)).collect();
    for (ty, name, what) in list {
        if let Some(lock) = lock_in(cx, cx.info.type_of(ty), 0) {
            let called = name.map_or(String::new(), |n| format!(" {}", cx.name(n.name)));
            let message = format!("{what}{called} gets a copy of a {lock}");
            let d = Diagnostic::warning("copied-lock", cx.ast.span(ty), message)
                .label("the copy has a state of its own")
                .help(format!("let it be a pointer: *{}", cx.text(ty)));
            cx.warn(d);
        }
    }
}

pub fn stmt(cx: &mut Vet, s: StmtId) {
    match &cx.ast.stmt(s).kind {
        StmtKind::Assign { lhs, rhs, .. } | StmtKind::Define { lhs, rhs, .. } => {
            for (i, &e) in rhs.iter().enumerate() {
                let blank = lhs.get(i).is_some_and(|&l| cx.text(l) == "_");
                if !blank {
                    copied(cx, e, "the assignment");
                }
            }
        }
        StmtKind::Decl(Decl::Var(specs)) => {
            for e in specs.iter().flat_map(|s| s.values.clone()).collect::<Vec<_>>() {
                copied(cx, e, "the assignment");
            }
        }
        StmtKind::Return(list) => list.clone().into_iter().for_each(|e| copied(cx, e, "return")),
        StmtKind::Send { value, .. } => copied(cx, *value, "the send"),
        StmtKind::Range { lhs, .. } => {
            let Some(&value) = lhs.get(1) else { return };
            let Some(obj) = cx.variable(value) else { return };
            if let Some(lock) = lock_in(cx, cx.info.obj(obj).ty, 0) {
                let message = format!("the loop copies a {lock} into {}", cx.text(value));
                let d = Diagnostic::warning("copied-lock", cx.ast.span(value), message)
                    .label("the copy has a state of its own")
                    .help("range over the indexes, and take the element's address");
                cx.warn(d);
            }
        }
        _ => {}
    }
}

pub fn expr(cx: &mut Vet, e: ExprId) {
    match &cx.ast.expr(e).kind {
        ExprKind::Call { fun, args, .. } => {
            let builtin = matches!(cx.info.mode(*fun), Mode::Builtin);
            let quiet = builtin && !matches!(cx.text(*fun), "append" | "print" | "println" | "panic");
            if !quiet && cx.info.mode(*fun) != Mode::Type {
                args.clone().into_iter().for_each(|a| copied(cx, a, "the call"));
            }
        }
        ExprKind::Composite { elems, .. } => {
            elems.clone().into_iter().for_each(|el| copied(cx, el.value, "the literal"));
        }
        _ => {}
    }
}

/// `mu.Lock()`, a return in between, then `mu.Unlock()` in the same list of statements.
pub fn held(cx: &mut Vet, func: &Func) {
    let Some(body) = &func.body else { return };
    let list = &body.stmts;
    for (i, &s) in list.iter().enumerate() {
        let Some((lock, name)) = locking(cx, s, &["Lock", "RLock"]) else { continue };
        let undo = if name == "Lock" { "Unlock" } else { "RUnlock" };
        let end = list[i + 1..].iter().position(|&s| locking(cx, s, &[undo]).is_some_and(|l| l.0 == lock));
        let Some(n) = end else { continue };
        let mut between = Between { cx, lock, undo, unlocks: false, returns: None };
        walk::stmts(cx.ast, &list[i + 1..i + 1 + n], &mut between);
        let (unlocks, returns) = (between.unlocks, between.returns);
        if let (false, Some(way_out)) = (unlocks, returns) {
            let d = Diagnostic::warning("lost-unlock", way_out, format!("{lock} is still locked on this way out"))
                .label("leaves without unlocking: the next Lock waits for ever")
                .related(cx.ast.stmt(s).span, "locked here")
                .help(format!("write `defer {lock}.{undo}()` right behind {name}"));
            cx.warn(d);
        }
    }
}

/// `defer mu.Lock()`, where it was not unlocked just before to be locked again.
pub fn deferred(cx: &mut Vet, list: &[StmtId]) {
    for (i, &s) in list.iter().enumerate() {
        let StmtKind::Defer(e) = cx.ast.stmt(s).kind else { continue };
        let callee = cx.callee(e).filter(|c| c.starts_with("sync."));
        let Some(wrong) =
            callee.as_deref().and_then(|c| ["Lock", "RLock"].into_iter().find(|l| c.ends_with(&format!(".{l}"))))
        else {
            continue;
        };
        let right = wrong.replace("Lock", "Unlock");
        let lock = cx.receiver(e).map_or("", |x| cx.text(x));
        let again = list[..i].iter().any(|&s| locking(cx, s, &["Unlock", "RUnlock"]).is_some_and(|l| l.0 == lock));
        if !again {
            let message = format!("{wrong} is deferred: the function ends by locking");
            let d = Diagnostic::warning("deferred-lock", cx.ast.stmt(s).span, message)
                .label(format!("{right} was meant"))
                .help(format!("write defer {}", cx.text(e).replace(wrong, &right)));
            cx.warn(d);
        }
    }
}

/// The receiver and the method of a statement that calls one of these methods of a mutex.
fn locking<'a>(cx: &Vet<'a>, s: StmtId, methods: &[&'static str]) -> Option<(&'a str, &'static str)> {
    let StmtKind::Expr(call) = cx.ast.stmt(s).kind else { return None };
    let callee = cx.callee(call)?;
    let method = callee.strip_prefix("sync.Mutex.").or(callee.strip_prefix("sync.RWMutex."))?;
    let method = methods.iter().copied().find(|m| *m == method)?;
    Some((cx.text(cx.receiver(call)?), method))
}

struct Between<'c, 'a> {
    cx: &'c Vet<'a>,
    lock: &'a str,
    undo: &'static str,
    unlocks: bool,
    returns: Option<Span>,
}

impl Visit for Between<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match ast.stmt(s).kind {
            StmtKind::Return(_) if self.returns.is_none() => self.returns = Some(ast.stmt(s).span),
            // Where it goes is not followed.
            StmtKind::Goto(_) => self.unlocks = true,
            _ => {}
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        match &ast.expr(e).kind {
            // A call, deferred or not, or a method value; also in a function: somebody unlocks it.
            ExprKind::Selector { x, sel } => {
                self.unlocks |= self.cx.name(sel.name) == self.undo && self.cx.text(*x) == self.lock;
            }
            ExprKind::FuncLit(f) => {
                // A return in there does not leave this function.
                let mut inner = Between { returns: None, unlocks: false, ..*self };
                if let Some(body) = &ast.func(*f).body {
                    walk::block(ast, body, &mut inner);
                }
                self.unlocks |= inner.unlocks;
                return false;
            }
            _ => {}
        }
        true
    }
}
