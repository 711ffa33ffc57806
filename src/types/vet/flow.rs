//! What statements do together: in a function's body, and in one statement.
use super::Vet;
use crate::base::diag::Diagnostic;
use crate::syntax::ast::*;
use crate::syntax::walk::{self, Visit};
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

/// A function's body, functions inside it not counted.
pub fn body(cx: &mut Vet, list: &[StmtId], is_main: bool) {
    block(cx, list);
    if is_main {
        ends_early(cx, list);
    }
    let mut blocks = Blocks { lists: Vec::new() };
    walk::stmts(cx.ast, list, &mut blocks);
    for inner in blocks.lists {
        block(cx, &inner);
    }
    cancels(cx, list);
    nil_maps(cx, list);
}

/// The lists of statements inside a body.
struct Blocks {
    lists: Vec<Vec<StmtId>>,
}

impl Visit for Blocks {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match &ast.stmt(s).kind {
            StmtKind::Block(b) => self.lists.push(b.stmts.clone()),
            StmtKind::If { then, .. } => self.lists.push(then.stmts.clone()),
            StmtKind::For { body, .. } | StmtKind::Range { body, .. } => self.lists.push(body.stmts.clone()),
            StmtKind::Switch { cases, .. } | StmtKind::TypeSwitch { cases, .. } => {
                self.lists.extend(cases.iter().map(|c| c.body.clone()));
            }
            StmtKind::Select { cases, .. } => self.lists.extend(cases.iter().map(|c| c.body.clone())),
            _ => {}
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        !matches!(ast.expr(e).kind, ExprKind::FuncLit(_))
    }
}

/// One list of statements.
fn block(cx: &mut Vet, list: &[StmtId]) {
    unreachable(cx, list);
    shadowed(cx, list);
    to_self(cx, list);
    super::locks::deferred(cx, list);
}

fn unreachable(cx: &mut Vet, list: &[StmtId]) {
    for pair in list.windows(2) {
        let ends = match &cx.ast.stmt(pair[0]).kind {
            StmtKind::Return(_) | StmtKind::Break(_) | StmtKind::Continue(_) | StmtKind::Goto(_) => true,
            StmtKind::Expr(e) => {
                let panics = match cx.ast.expr(cx.ast.unparen(*e)).kind {
                    ExprKind::Call { fun, .. } => {
                        let builtin = cx.object(fun).map(|o| &cx.info.obj(o).kind);
                        matches!(builtin, Some(ObjKind::Builtin(Builtin::Panic)))
                    }
                    _ => false,
                };
                panics
                    || cx
                        .callee(*e)
                        .is_some_and(|c| matches!(&c[..], "os.Exit" | "runtime.Goexit" | "log.Fatal" | "log.Fatalf"))
            }
            _ => false,
        };
        let next = cx.ast.stmt(pair[1]);
        let harmless = matches!(
            next.kind,
            StmtKind::Labeled { .. } | StmtKind::Empty | StmtKind::Decl(Decl::Type(_) | Decl::Const(_))
        );
        // A panic behind which a result is returned is a habit, no mistake.
        let habit = matches!(cx.ast.stmt(pair[0]).kind, StmtKind::Expr(_)) && matches!(next.kind, StmtKind::Return(_));
        if ends && !harmless && !habit {
            let d = Diagnostic::warning("unreachable", next.span, "this statement is never reached")
                .label("never reached")
                .related(cx.ast.stmt(pair[0]).span, "leaves here");
            cx.warn(d);
            return;
        }
    }
}

/// `err := f()`, then a block with an `err :=` of its own whose value nobody outside it sees, then `err` again.
fn shadowed(cx: &mut Vet, list: &[StmtId]) {
    for (i, &s) in list.iter().enumerate() {
        let StmtKind::Define { lhs, .. } = &cx.ast.stmt(s).kind else { continue };
        for &l in lhs {
            let Some(outer) = cx.info.defs.get(&cx.ast.span(l).lo).copied() else { continue };
            if cx.text(l) != "err" || !is_error(cx, cx.info.obj(outer).ty) {
                continue;
            }
            for (j, &inner) in list.iter().enumerate().skip(i + 1) {
                let name = cx.info.obj(outer).name;
                let mut defs = Defines { cx, name, found: Vec::new() };
                walk::stmt(cx.ast, inner, &mut defs);
                let found = defs.found;
                // It is read later, before it is set again.
                let read = first_use(cx, &list[j + 1..], outer);
                for at in found {
                    if read {
                        let span = cx.ast.span(at);
                        let d = Diagnostic::warning("shadowed-error", span, "this err is a new variable")
                            .label("hides the one outside, which stays as it was")
                            .related(cx.info.obj(outer).span, "the err that is looked at later")
                            .help("use = instead of := (and declare the other variables before)");
                        cx.warn(d);
                    }
                }
            }
        }
    }
}

fn is_error(cx: &Vet, ty: TypeId) -> bool {
    cx.info.types.as_named(ty).is_some_and(|n| {
        let d = cx.info.types.named(n);
        d.pkg == PkgId::NONE && cx.name(d.name) == "error"
    })
}

/// Whether a variable is read by these statements before the first that sets it.
fn first_use(cx: &Vet, list: &[StmtId], obj: ObjId) -> bool {
    for &s in list {
        if let StmtKind::Assign { lhs, rhs, .. } | StmtKind::Define { lhs, rhs, .. } = &cx.ast.stmt(s).kind
            && lhs.iter().any(|&l| cx.object(l) == Some(obj))
        {
            let mut reads = super::Mentions { cx, obj, found: false };
            rhs.iter().for_each(|&e| walk::expr(cx.ast, e, &mut reads));
            return reads.found;
        }
        if cx.mentions(&[s], obj) {
            // `if err = f(); err != nil` sets it first.
            if let StmtKind::If { init: Some(init), .. } = cx.ast.stmt(s).kind
                && let StmtKind::Assign { lhs, .. } = &cx.ast.stmt(init).kind
                && lhs.iter().any(|&l| cx.object(l) == Some(obj))
            {
                return false;
            }
            return true;
        }
    }
    false
}

/// Blocks that declare the name again, together with another, and do no more there than ask whether it is nil, without
/// leaving then: `x, err := ...`.
struct Defines<'c, 'a> {
    cx: &'c Vet<'a>,
    name: crate::base::intern::Sym,
    found: Vec<ExprId>,
}

impl Defines<'_, '_> {
    /// The statement does not mention the variable but in the condition of an `if` that goes on behind it.
    fn only_asks(&self, s: StmtId, obj: ObjId) -> bool {
        if !self.cx.mentions(&[s], obj) {
            return true;
        }
        let StmtKind::If { init: None, then, els: None, .. } = &self.cx.ast.stmt(s).kind else { return false };
        let leaves = then.stmts.last().is_some_and(|&l| {
            let kind = &self.cx.ast.stmt(l).kind;
            !matches!(kind, StmtKind::Assign { .. } | StmtKind::OpAssign { .. } | StmtKind::IncDec { .. })
        });
        !leaves && !self.cx.mentions(&then.stmts, obj)
    }

    fn list(&mut self, list: &[StmtId]) {
        for (i, &s) in list.iter().enumerate() {
            let StmtKind::Define { lhs, .. } = &self.cx.ast.stmt(s).kind else { continue };
            for &l in lhs {
                let is_name = matches!(self.cx.ast.expr(l).kind, ExprKind::Ident(n) if n == self.name);
                let Some(&obj) = self.cx.info.defs.get(&self.cx.ast.span(l).lo) else { continue };
                if is_name && list[i + 1..].iter().all(|&s| self.only_asks(s, obj)) {
                    self.found.push(l);
                }
            }
        }
    }
}

impl Visit for Defines<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match &ast.stmt(s).kind {
            StmtKind::Block(b) => self.list(&b.stmts),
            StmtKind::If { then, .. } => self.list(&then.stmts),
            StmtKind::For { body, .. } | StmtKind::Range { body, .. } => self.list(&body.stmts),
            _ => {}
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        !matches!(ast.expr(e).kind, ExprKind::FuncLit(_))
    }
}

/// `ch := make(chan T)`.
fn made_unbuffered(cx: &Vet, e: ExprId) -> bool {
    let ExprKind::Call { fun, args, .. } = &cx.ast.expr(cx.ast.unparen(e)).kind else { return false };
    let builtin = cx.object(*fun).map(|o| &cx.info.obj(o).kind);
    args.len() == 1
        && matches!(builtin, Some(ObjKind::Builtin(Builtin::Make)))
        && matches!(cx.under(cx.info.type_of(e)), Type::Chan(..))
}

/// A variable that is declared as an unbuffered channel.
pub fn unbuffered(cx: &Vet, obj: ObjId) -> bool {
    let at = cx.info.obj(obj).span.lo;
    let mut found = false;
    for s in &cx.ast.stmts {
        if at < s.span.lo || at >= s.span.hi {
            continue;
        }
        let (names, values): (Vec<u32>, &[ExprId]) = match &s.kind {
            StmtKind::Define { lhs, rhs, .. } => (lhs.iter().map(|&l| cx.ast.span(l).lo).collect(), rhs),
            StmtKind::Decl(Decl::Var(specs)) => match specs.iter().find(|s| s.names.iter().any(|n| n.span.lo == at)) {
                Some(spec) => (spec.names.iter().map(|n| n.span.lo).collect(), &spec.values),
                None => continue,
            },
            _ => continue,
        };
        if let Some(i) = names.iter().position(|&n| n == at) {
            found = values.get(i).is_some_and(|&v| made_unbuffered(cx, v));
        }
    }
    found
}

/// A send on an unbuffered channel before anybody else can know of it.
fn to_self(cx: &mut Vet, list: &[StmtId]) {
    for (i, &s) in list.iter().enumerate() {
        let StmtKind::Define { lhs, rhs, .. } = &cx.ast.stmt(s).kind else { continue };
        let ([l], [r]) = (&lhs[..], &rhs[..]) else { continue };
        let Some(&obj) = cx.info.defs.get(&cx.ast.span(*l).lo) else { continue };
        if !made_unbuffered(cx, *r) {
            continue;
        }
        for &next in &list[i + 1..] {
            if let StmtKind::Send { chan, .. } = cx.ast.stmt(next).kind
                && cx.variable(chan) == Some(obj)
            {
                let name = cx.text(chan);
                let d = Diagnostic::warning(
                    "send-to-self",
                    cx.ast.stmt(next).span,
                    format!("nobody can receive from {name} yet"),
                )
                .label("waits for ever: an unbuffered channel needs a receiver")
                .related(cx.ast.span(*r), "made without a buffer")
                .help(format!(
                    "send in a goroutine of its own, start the receiver first, or make room: make({}, 1)",
                    chan_text(cx, *r)
                ));
                cx.warn(d);
                break;
            }
            if cx.mentions(&[next], obj) {
                break;
            }
        }
    }
}

fn chan_text<'a>(cx: &Vet<'a>, make: ExprId) -> &'a str {
    cx.args(make).first().map_or("chan T", |&a| cx.text(a))
}

/// What a goroutine could be waited for with.
struct Waits<'c, 'a> {
    cx: &'c Vet<'a>,
    after: u32,
    found: bool,
}

impl Visit for Waits<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        let st = ast.stmt(s);
        match &st.kind {
            // The calls of go and defer are made elsewhere; their arguments wait for nothing.
            StmtKind::Go(_) => return false,
            StmtKind::Send { .. } | StmtKind::Select { .. } | StmtKind::Goto(_) if st.span.lo >= self.after => {
                self.found = true
            }
            StmtKind::For { cond: None, .. } => self.found = true,
            // Asks for something again and again.
            StmtKind::For { body, .. } if body.stmts.is_empty() => self.found = true,
            StmtKind::Range { x, .. } => match self.cx.under(self.cx.info.type_of(*x)) {
                Type::Chan(..) | Type::Func(_) => self.found = true,
                _ => {}
            },
            _ => {}
        }
        !self.found
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        if ast.span(e).lo < self.after && !matches!(ast.expr(e).kind, ExprKind::Call { .. }) {
            return !self.found;
        }
        match &ast.expr(e).kind {
            ExprKind::Unary { op: UnaryOp::Recv, .. } => self.found = true,
            ExprKind::Call { fun, .. } if ast.span(e).lo >= self.after => {
                let harmless = self.cx.callee(e).is_some_and(|c| {
                    ["fmt.", "strings.", "strconv.", "math.", "errors."].iter().any(|p| c.starts_with(p))
                        && !c.starts_with("fmt.Scan")
                });
                let plain = matches!(self.cx.info.mode(*fun), Mode::Builtin | Mode::Type);
                self.found |= !harmless && !plain;
            }
            _ => {}
        }
        !self.found
    }
}

/// A go statement of main behind which nothing waits.
fn ends_early(cx: &mut Vet, list: &[StmtId]) {
    let last = list.iter().enumerate().filter_map(|(i, &s)| {
        let s = match cx.ast.stmt(s).kind {
            StmtKind::Go(_) => s,
            // A loop that starts several.
            StmtKind::For { ref body, .. } | StmtKind::Range { ref body, .. } => {
                *body.stmts.iter().find(|&&s| matches!(cx.ast.stmt(s).kind, StmtKind::Go(_)))?
            }
            _ => return None,
        };
        Some((i, s))
    });
    let Some((i, go)) = last.last() else { return };
    // Deferred calls and those before may wait or arrange for it: only a plain sequence is judged.
    let after = cx.ast.stmt(go).span.hi;
    let mut waits = Waits { cx, after, found: false };
    walk::stmts(cx.ast, &list[i..], &mut waits);
    let mut found = waits.found;
    for &s in list {
        found |= matches!(cx.ast.stmt(s).kind, StmtKind::Defer(_) | StmtKind::Labeled { .. });
    }
    if !found {
        let d =
            Diagnostic::warning("main-ends", cx.ast.stmt(go).span, "the program may end before this goroutine has run")
                .label("nothing waits for it")
                .help("wait with a sync.WaitGroup (wg.Go, wg.Wait), or receive from a channel that it closes");
        cx.warn(d);
    }
}

/// The cancel functions of contexts: thrown away, or called only on some ways out.
fn cancels(cx: &mut Vet, list: &[StmtId]) {
    let mut finder = Contexts { cx, found: Vec::new() };
    walk::stmts(cx.ast, list, &mut finder);
    for (cancel, call) in finder.found {
        let with = cx.callee(call).unwrap_or_default();
        let name = cx.text(cancel);
        if name == "_" {
            let d = Diagnostic::warning(
                "lost-cancel",
                cx.ast.span(cancel),
                format!("the cancel function of {with} is thrown away"),
            )
            .label("what the context holds is freed only when its parent ends")
            .help("ctx, cancel := ..., then defer cancel()");
            cx.warn(d);
            continue;
        }
        let Some(obj) = cx.variable(cancel) else { continue };
        let mut uses = CancelUses { cx, obj, after: cx.ast.span(call).hi, called: None, other: false, returns: None };
        walk::stmts(cx.ast, list, &mut uses);
        let CancelUses { called, other, returns, .. } = uses;
        if let (Some(last), false, Some(way_out)) = (called, other, returns)
            && way_out.lo < last
        {
            let d = Diagnostic::warning("lost-cancel", way_out, format!("{name} is not called on this way out"))
                .label("leaves without it")
                .related(cx.ast.span(cancel), format!("from {with}"))
                .help(format!("write `defer {name}()` right behind the call"));
            cx.warn(d);
        }
    }
}

struct Contexts<'c, 'a> {
    cx: &'c Vet<'a>,
    found: Vec<(ExprId, ExprId)>,
}

impl Visit for Contexts<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        if let StmtKind::Define { lhs, rhs, .. } | StmtKind::Assign { lhs, rhs, .. } = &ast.stmt(s).kind
            && let (&[_, cancel], &[call]) = (&lhs[..], &rhs[..])
            && self.cx.callee(call).is_some_and(|c| {
                matches!(
                    &c[..],
                    "context.WithCancel" | "context.WithTimeout" | "context.WithDeadline" | "context.WithCancelCause"
                )
            })
        {
            self.found.push((cancel, call));
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        !matches!(ast.expr(e).kind, ExprKind::FuncLit(_))
    }
}

/// How a cancel function is used.
struct CancelUses<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    after: u32,
    /// Where it is called last, as a statement.
    called: Option<u32>,
    /// It is deferred, passed on, stored or captured: somebody will call it.
    other: bool,
    /// The first return behind the place where it was made.
    returns: Option<crate::base::span::Span>,
}

impl Visit for CancelUses<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        let st = ast.stmt(s);
        match &st.kind {
            StmtKind::Expr(e) => {
                if let ExprKind::Call { fun, .. } = ast.expr(ast.unparen(*e)).kind
                    && self.cx.variable(fun) == Some(self.obj)
                {
                    self.called = Some(st.span.lo);
                    return false;
                }
            }
            StmtKind::Return(_) if st.span.lo > self.after && self.called.is_none() => {
                self.returns.get_or_insert(st.span);
            }
            _ => {}
        }
        true
    }

    fn expr(&mut self, _ast: &Ast, e: ExprId) -> bool {
        if self.cx.variable(e) == Some(self.obj) && self.cx.ast.span(e).lo > self.after {
            self.other = true;
        }
        true
    }
}

/// `var m map[K]V`, which nobody makes, then `m[k] = v`.
fn nil_maps(cx: &mut Vet, list: &[StmtId]) {
    let mut vars = Vec::new();
    let mut declared = NilMaps { cx, vars: &mut vars };
    walk::stmts(cx.ast, list, &mut declared);
    for (name, obj) in vars {
        let mut uses = MapUses { cx, obj, put: None, made: false };
        walk::stmts(cx.ast, list, &mut uses);
        if let (Some(put), false) = (uses.put, uses.made) {
            let text = cx.name(name.name);
            let d = Diagnostic::warning(
                "nil-map",
                cx.ast.span(put),
                format!("{text} is nil: an assignment to its entry panics"),
            )
            .label("no map is there")
            .related(name.span, "declared without a map")
            .help(format!("{text} := make(map[...]...), or {text} = map[...]...{{}} before"));
            cx.warn(d);
        }
    }
}

struct NilMaps<'c, 'a, 'v> {
    cx: &'c Vet<'a>,
    vars: &'v mut Vec<(Ident, ObjId)>,
}

impl Visit for NilMaps<'_, '_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        if let StmtKind::Decl(Decl::Var(specs)) = &ast.stmt(s).kind {
            for spec in specs.iter().filter(|s| s.values.is_empty()) {
                for &n in &spec.names {
                    if let Some(&obj) = self.cx.info.defs.get(&n.span.lo)
                        && matches!(self.cx.under(self.cx.info.obj(obj).ty), Type::Map(..))
                        && matches!(self.cx.info.obj(obj).kind, ObjKind::Local)
                    {
                        self.vars.push((n, obj));
                    }
                }
            }
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        !matches!(ast.expr(e).kind, ExprKind::FuncLit(_))
    }
}

struct MapUses<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    put: Option<ExprId>,
    made: bool,
}

impl MapUses<'_, '_> {
    fn target(&mut self, e: ExprId) {
        let e = self.cx.ast.unparen(e);
        if self.cx.variable(e) == Some(self.obj) {
            self.made = true;
        } else if let ExprKind::Index { x, .. } = self.cx.ast.expr(e).kind
            && self.cx.variable(x) == Some(self.obj)
        {
            self.put.get_or_insert(e);
        }
    }
}

impl Visit for MapUses<'_, '_> {
    fn stmt(&mut self, ast: &Ast, s: StmtId) -> bool {
        match &ast.stmt(s).kind {
            StmtKind::Assign { lhs, .. } | StmtKind::Define { lhs, .. } | StmtKind::Range { lhs, .. } => {
                lhs.iter().for_each(|&l| self.target(l));
            }
            StmtKind::IncDec { x, .. } => self.target(*x),
            StmtKind::OpAssign { lhs, .. } => self.target(*lhs),
            _ => {}
        }
        true
    }

    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        // Its address, or a function that sets it: somebody may make it.
        match &ast.expr(e).kind {
            ExprKind::Unary { op: UnaryOp::Addr, x } => self.made |= self.cx.variable(*x) == Some(self.obj),
            ExprKind::FuncLit(f) => {
                if let Some(body) = &ast.func(*f).body {
                    self.made |= self.cx.mentions(&body.stmts, self.obj);
                }
            }
            _ => {}
        }
        true
    }
}

/// What one statement shows by itself.
pub fn stmt(cx: &mut Vet, s: StmtId) {
    let st = cx.ast.stmt(s);
    match &st.kind {
        StmtKind::Assign { lhs, rhs, .. } if lhs.len() == rhs.len() => {
            for (&l, &r) in lhs.iter().zip(rhs) {
                if cx.variable(l).is_some() && cx.variable(l) == cx.variable(r) {
                    let d = Diagnostic::warning(
                        "self-assignment",
                        st.span,
                        format!("{} is assigned to itself", cx.text(l)),
                    )
                    .label("changes nothing");
                    cx.warn(d);
                }
            }
        }
        StmtKind::For { cond: None, body, .. } => {
            let [only] = body.stmts[..] else { return };
            let StmtKind::Select { cases, .. } = &cx.ast.stmt(only).kind else { return };
            if let Some(empty) = cases.iter().find(|c| c.comm.is_none() && c.body.is_empty()) {
                let d = Diagnostic::warning("busy-loop", empty.span, "the loop spins while no channel is ready")
                    .label("goes on at once, again and again")
                    .help("leave out the default: select then waits");
                cx.warn(d);
            }
        }
        StmtKind::Range { lhs, define: true, body, .. } => {
            let Some(&value) = lhs.get(1) else { return };
            let Some(&obj) = cx.info.defs.get(&cx.ast.span(value).lo) else { return };
            if matches!(cx.under(cx.info.obj(obj).ty), Type::Struct(_)) {
                super::values::changed_copy(cx, value, obj, body);
            }
        }
        _ => {}
    }
}
