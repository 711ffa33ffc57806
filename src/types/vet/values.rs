//! Values that are lost: changes of copies that nobody sees, slices that grow for nobody, a nil that is none.
use super::Vet;
use crate::base::diag::Diagnostic;
use crate::base::span::Span;
use crate::syntax::ast::*;
use crate::syntax::walk::{self, Visit};
use crate::types::info::*;
use crate::types::ty::Type;

/// A function as a whole: its parameters, and what it returns.
pub fn function(cx: &mut Vet, func: &Func) {
    let Some(body) = &func.body else { return };
    let recv = func.recv.iter().flatten().map(|p| (p, true));
    for (p, is_recv) in recv.chain(func.sig.params.iter().map(|p| (p, false))) {
        let Some(name) = p.name else { continue };
        let Some(&obj) = cx.info.defs.get(&name.span.lo) else { continue };
        match cx.under(cx.info.obj(obj).ty) {
            Type::Slice(_) => lost_append(cx, name, obj, body),
            Type::Struct(_) if is_recv => changed_receiver(cx, p, name, obj, body),
            _ => {}
        }
    }
    typed_nil(cx, func, body);
}

/// A parameter that is appended to, and not looked at otherwise.
fn lost_append(cx: &mut Vet, name: Ident, obj: ObjId, body: &Block) {
    let mut uses = AppendUses { cx, obj, first: None, other: false };
    walk::block(cx.ast, body, &mut uses);
    if let (Some(at), false) = (uses.first, uses.other) {
        let text = cx.name(name.name);
        let d = Diagnostic::warning(
            "lost-append",
            at,
            format!("the caller's slice does not get what is appended to {text}"),
        )
        .label("makes a new slice, which nobody looks at")
        .related(name.span, "a copy of the caller's slice")
        .help(format!(
            "return {text}, and assign it where the function is called: s = f(s); or take a pointer to the slice"
        ));
        cx.warn(d);
    }
}

struct AppendUses<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    first: Option<Span>,
    other: bool,
}

impl Visit for AppendUses<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        let st = ast.stmt(s);
        if let StmtKind::Assign { lhs, rhs, .. } = &st.kind
            && let (&[l], &[r]) = (&lhs[..], &rhs[..])
            && self.cx.variable(l) == Some(self.obj)
            && self.cx.builtin(r) == Some(Builtin::Append)
            && let Some((&first, rest)) = self.cx.args(r).split_first()
            && self.cx.variable(first) == Some(self.obj)
        {
            self.first.get_or_insert(st.span);
            rest.iter().for_each(|&e| walk::expr(ast, e, self));
            return false;
        }
        true
    }

    fn expr(&mut self, _ast: &Ast, e: ExprId) -> bool {
        self.other |= self.cx.variable(e) == Some(self.obj);
        true
    }
}

/// `func (c Counter) Inc() { c.n++ }`.
fn changed_receiver(cx: &mut Vet, p: &Param, name: Ident, obj: ObjId, body: &Block) {
    let mut uses = CopyUses { cx, obj, set: None, other: false };
    walk::block(cx.ast, body, &mut uses);
    if let (Some(set), false) = (uses.set, uses.other) {
        let (text, ty) = (cx.name(name.name), cx.text(p.ty));
        let d = Diagnostic::warning(
            "changed-copy",
            cx.ast.span(set),
            format!("{text} is a copy: the caller's {ty} does not change"),
        )
        .label("sets a field of the copy")
        .related(p.span, "the method gets a copy")
        .help(format!("let the method have a pointer: func ({text} *{ty}) ..."));
        cx.warn(d);
    }
}

/// `var e *E`, perhaps set inside an `if`, then `return e` where the result is an interface.
fn typed_nil(cx: &mut Vet, func: &Func, body: &Block) {
    for (i, &s) in body.stmts.iter().enumerate() {
        let StmtKind::Decl(Decl::Var(specs)) = &cx.ast.stmt(s).kind else { continue };
        for spec in specs.iter().filter(|s| s.values.is_empty()) {
            for name in &spec.names {
                let Some(&obj) = cx.info.defs.get(&name.span.lo) else { continue };
                if matches!(cx.under(cx.info.obj(obj).ty), Type::Pointer(_)) {
                    nil_in_interface(cx, func, name, obj, &body.stmts[i + 1..]);
                }
            }
        }
    }
}

fn nil_in_interface(cx: &mut Vet, func: &Func, name: &Ident, obj: ObjId, list: &[StmtId]) {
    for &s in list {
        let st = cx.ast.stmt(s);
        match &st.kind {
            StmtKind::Return(values) if values.len() == func.sig.results.len() => {
                for (&v, result) in values.iter().zip(&func.sig.results) {
                    let ty = cx.info.type_of(result.ty);
                    if cx.variable(v) != Some(obj) || !matches!(cx.under(ty), Type::Interface(_)) {
                        continue;
                    }
                    let (text, shown) = (cx.name(name.name), cx.text(result.ty));
                    let message = format!("a nil {text} in {} {shown} is not nil", article(shown));
                    let d = Diagnostic::warning("typed-nil", cx.ast.span(v), message)
                        .label("holds a type even if the pointer is nil: != nil is true")
                        .related(name.span, "nil so far")
                        .help(format!("declare it as `var {text} {shown}`, or return nil where there is no value"));
                    cx.warn(d);
                }
                return;
            }
            // Set on one way only, and looked at.
            StmtKind::If { init: None, els: None, .. } if !cx.addressed(s, obj) => {}
            _ if cx.mentions(&[s], obj) => return,
            _ => {}
        }
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}

/// Fields of a loop's copy that are set, and the copy is not looked at otherwise.
pub fn changed_copy(cx: &mut Vet, value: ExprId, obj: ObjId, body: &Block) {
    let mut uses = CopyUses { cx, obj, set: None, other: false };
    walk::block(cx.ast, body, &mut uses);
    if let (Some(set), false) = (uses.set, uses.other) {
        let name = cx.text(value);
        let d = Diagnostic::warning(
            "changed-copy",
            cx.ast.span(set),
            format!("{name} is a copy: the element does not change"),
        )
        .label("sets a field of the copy")
        .related(cx.ast.span(value), "a new copy in each round")
        .help("assign through the index: for i := range list { list[i]... = ... }");
        cx.warn(d);
    }
}

struct CopyUses<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    set: Option<ExprId>,
    other: bool,
}

impl CopyUses<'_, '_> {
    /// `v.f`, `v.f.g`.
    fn is_field(&self, mut e: ExprId) -> bool {
        let mut deep = false;
        loop {
            e = self.cx.ast.unparen(e);
            match self.cx.ast.expr(e).kind {
                ExprKind::Selector { x, .. } if matches!(self.cx.under(self.cx.info.type_of(x)), Type::Struct(_)) => {
                    e = x;
                    deep = true;
                }
                _ => return deep && self.cx.variable(e) == Some(self.obj),
            }
        }
    }
}

impl Visit for CopyUses<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        let (targets, values): (&[ExprId], &[ExprId]) = match &ast.stmt(s).kind {
            StmtKind::Assign { lhs, rhs, .. } => (lhs, rhs),
            StmtKind::OpAssign { lhs, rhs, .. } => (std::slice::from_ref(lhs), std::slice::from_ref(rhs)),
            StmtKind::IncDec { x, .. } => (std::slice::from_ref(x), &[]),
            _ => return true,
        };
        for &t in targets {
            if self.is_field(t) {
                self.set.get_or_insert(t);
            } else {
                walk::expr(ast, t, self);
            }
        }
        // What is computed from the copy's own fields is lost with it, unless it goes elsewhere.
        let own = targets.iter().all(|&t| self.is_field(t));
        if !own {
            values.iter().for_each(|&v| walk::expr(ast, v, self));
        }
        false
    }

    fn expr(&mut self, _ast: &Ast, e: ExprId) -> bool {
        self.other |= self.cx.variable(e) == Some(self.obj);
        true
    }
}
