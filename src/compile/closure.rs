//! Capture analysis: one walk over each top-level function before it is compiled finds which variables are assigned,
//! have their address taken or are used by inner functions, and what each inner function captures.
//!
//! The body of a loop that may range over a function counts as an inner function of its own. What such bodies need of
//! the function around them (result slots, the loop's state, where to go on after it) are hidden variables made here.
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::ty::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Assigned after its declaration, as a whole or in part.
pub const ASSIGNED: u8 = 1;
/// Its address is needed.
pub const ADDR: u8 = 2;
/// Used by an inner function.
pub const CAPTURED: u8 = 4;
/// Assigned when a closure may hold it already, or by an inner function: a copy will not do for the closure.
pub const CHANGES: u8 = 16;
/// `append` results are stored in it or a part of it: its slices may have owned headers.
pub const APPEND: u8 = 8;

/// Something with a frame of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Body {
    Func(FuncId),
    /// The body of a loop over a function.
    Range(StmtId),
    /// A package's variable initialisers, or a script's statements.
    Top(PkgId),
}

#[derive(Default, Clone, Debug)]
pub struct BodyInfo {
    /// Variables of enclosing functions, in the order of the closure's capture words.
    pub captures: Vec<ObjId>,
    pub defers: bool,
    /// Hidden variables for results that inner loop bodies return.
    pub results: Vec<ObjId>,
    /// Names the frame's defers, for inner loop bodies.
    pub token: Option<ObjId>,
}

/// Hidden variables of a loop over a function.
#[derive(Clone, Copy, Debug)]
pub struct LoopVars {
    pub state: ObjId,
    /// Where to go on after the loop; shared by nested loops.
    pub next: ObjId,
}

#[derive(Default)]
pub struct Analysis {
    flags: Vec<u8>,
    pub bodies: FxHashMap<Body, BodyInfo>,
    pub loops: FxHashMap<StmtId, LoopVars>,
}

impl Analysis {
    pub fn flags(&self, obj: ObjId) -> u8 {
        self.flags.get(obj.0 as usize).copied().unwrap_or(0)
    }

    fn add(&mut self, obj: ObjId, bits: u8) {
        let i = obj.0 as usize;
        if self.flags.len() <= i {
            self.flags.resize(i + 64, 0);
        }
        self.flags[i] |= bits;
    }
}

struct Level {
    body: Body,
    info: BodyInfo,
    seen: FxHashSet<ObjId>,
    /// The outermost loop body in this function.
    next: Option<ObjId>,
    /// Loops around what is walked, by number.
    loops: Vec<u32>,
    declared: Vec<ObjId>,
    jumps_back: bool,
}

/// Where a variable is declared: level, and number of loops around it there.
#[derive(Clone, Copy)]
struct Home {
    level: usize,
    depth: usize,
}

pub struct Walker<'a> {
    ast: &'a Ast,
    info: &'a mut Info,
    out: &'a mut Analysis,
    levels: Vec<Level>,
    declared: FxHashMap<ObjId, Home>,
    /// Variables assigned in a loop that begins behind their declaration: the outermost of such loops.
    assigned_in: FxHashMap<ObjId, u32>,
    loops: u32,
}

/// Analyses a function declaration, and all functions inside it.
pub fn function(ast: &Ast, info: &mut Info, out: &mut Analysis, func: FuncId) {
    if out.bodies.contains_key(&Body::Func(func)) {
        return;
    }
    Walker::new(ast, info, out).func(func);
}

/// Analyses initialisers or the statements of a script.
pub fn top(ast: &Ast, info: &mut Info, out: &mut Analysis, pkg: PkgId, exprs: &[ExprId], stmts: &[StmtId]) {
    let mut w = Walker::new(ast, info, out);
    w.push(Body::Top(pkg));
    exprs.iter().for_each(|&e| w.expr(e));
    stmts.iter().for_each(|&s| w.stmt(s));
    w.pop();
}

impl<'a> Walker<'a> {
    fn new(ast: &'a Ast, info: &'a mut Info, out: &'a mut Analysis) -> Walker<'a> {
        Walker {
            ast,
            info,
            out,
            levels: Vec::new(),
            declared: FxHashMap::default(),
            assigned_in: FxHashMap::default(),
            loops: 0,
        }
    }

    fn push(&mut self, body: Body) {
        self.levels.push(Level {
            body,
            info: BodyInfo::default(),
            seen: FxHashSet::default(),
            next: None,
            loops: Vec::new(),
            declared: Vec::new(),
            jumps_back: false,
        });
    }

    fn pop(&mut self) {
        if let Some(l) = self.levels.pop() {
            for obj in l.declared.into_iter().filter(|_| l.jumps_back) {
                if self.out.flags(obj) & ASSIGNED != 0 {
                    self.out.add(obj, CHANGES);
                }
            }
            self.out.bodies.insert(l.body, l.info);
        }
    }

    fn hidden(&mut self, ty: TypeId, level: usize) -> ObjId {
        let id = ObjId(self.info.objects.len() as u32);
        self.info.objects.push(Object {
            name: Sym::EMPTY,
            kind: ObjKind::Local,
            ty,
            span: Span::NONE,
            pkg: PkgId::NONE,
        });
        self.declare_at(id, level);
        id
    }

    fn declare(&mut self, name: Ident) {
        if let Some(&obj) = self.info.defs.get(&name.span.lo) {
            self.declare_obj(obj);
        }
    }

    fn declare_obj(&mut self, obj: ObjId) {
        self.declare_at(obj, self.levels.len() - 1);
    }

    fn declare_at(&mut self, obj: ObjId, level: usize) {
        let l = &mut self.levels[level];
        l.declared.push(obj);
        self.declared.insert(obj, Home { level, depth: l.loops.len() });
    }

    fn in_loop(&mut self, f: impl FnOnce(&mut Self)) {
        self.loops += 1;
        let now = self.levels.len() - 1;
        self.levels[now].loops.push(self.loops);
        f(self);
        self.levels[now].loops.pop();
    }

    fn use_var(&mut self, obj: ObjId, bits: u8) {
        if !matches!(self.info.obj(obj).kind, ObjKind::Local) {
            return;
        }
        let mut bits = bits;
        let now = self.levels.len() - 1;
        let here = Home { level: now, depth: self.levels[now].loops.len() };
        let home = self.declared.get(&obj).copied().unwrap_or(here);
        let outermost = self.levels[home.level].loops.get(home.depth).copied();
        if home.level < now {
            bits |= CAPTURED;
            if bits & ASSIGNED != 0 || outermost.is_some_and(|l| self.assigned_in.get(&obj) == Some(&l)) {
                bits |= CHANGES;
            }
            for l in &mut self.levels[home.level + 1..=now] {
                if l.seen.insert(obj) {
                    l.info.captures.push(obj);
                }
            }
        } else if bits & ASSIGNED != 0 {
            if self.out.flags(obj) & CAPTURED != 0 {
                bits |= CHANGES;
            }
            if let Some(l) = outermost {
                self.assigned_in.insert(obj, l);
            }
        }
        if bits != 0 {
            self.out.add(obj, bits);
        }
    }

    /// Level of the function (not loop body) that is being walked.
    fn real(&self) -> usize {
        self.levels.iter().rposition(|l| !matches!(l.body, Body::Range(_))).unwrap_or(0)
    }

    fn func(&mut self, id: FuncId) {
        let ast = self.ast;
        let f = ast.func(id);
        self.push(Body::Func(id));
        for p in f.recv.iter().flatten().chain(&f.sig.params).chain(&f.sig.results) {
            if let Some(name) = p.name {
                self.declare(name);
            }
        }
        if let Some(b) = &f.body {
            self.block(b);
        }
        self.pop();
    }

    fn block(&mut self, b: &Block) {
        b.stmts.iter().for_each(|&s| self.stmt(s));
    }

    fn opt(&mut self, s: Option<StmtId>) {
        if let Some(s) = s {
            self.stmt(s);
        }
    }

    /// What is assigned to; what is assigned has been walked.
    fn target(&mut self, e: ExprId, bits: u8) {
        self.expr(e);
        if let Some(obj) = self.root(e) {
            self.use_var(obj, ASSIGNED | bits);
        }
    }

    /// The local variable that holds the memory of `e`.
    fn root(&self, e: ExprId) -> Option<ObjId> {
        let e = self.ast.unparen(e);
        match &self.ast.expr(e).kind {
            ExprKind::Ident(_) => self.info.uses.get(&e).copied(),
            ExprKind::Selector { x, .. } => {
                let s = self.info.selections.get(&e)?;
                if s.kind != SelectionKind::Field {
                    return None;
                }
                self.through(*x, &s.path[..s.path.len().saturating_sub(1)])
            }
            ExprKind::Index { x, .. } => match self.info.types.underlying(self.info.type_of(*x)) {
                Type::Array(..) => self.root(*x),
                _ => None,
            },
            _ => None,
        }
    }

    /// The local variable that holds the fields of `x` along a path; none if a pointer is on the way.
    fn through(&self, x: ExprId, path: &[u32]) -> Option<ObjId> {
        let mut t = self.info.type_of(x);
        if matches!(self.info.types.underlying(t), Type::Pointer(_)) {
            return None;
        }
        for &i in path {
            t = match self.info.types.underlying(t) {
                Type::Struct(f) => f.get(i as usize)?.ty,
                _ => return None,
            };
            if matches!(self.info.types.underlying(t), Type::Pointer(_)) {
                return None;
            }
        }
        self.root(x)
    }

    fn address(&mut self, e: ExprId) {
        if let Some(obj) = self.root(e) {
            self.use_var(obj, ADDR);
        }
    }

    fn is_append(&self, e: ExprId) -> bool {
        let ExprKind::Call { fun, .. } = self.ast.expr(self.ast.unparen(e)).kind else { return false };
        let fun = self.ast.unparen(fun);
        let obj = self.info.uses.get(&fun);
        obj.is_some_and(|&o| matches!(self.info.obj(o).kind, ObjKind::Builtin(Builtin::Append)))
    }

    fn exit(&mut self) {
        let real = self.real();
        if real + 1 < self.levels.len()
            && let Some(next) = self.levels[real].next
        {
            self.use_var(next, ASSIGNED);
        }
    }

    fn stmt(&mut self, id: StmtId) {
        let ast = self.ast;
        match &ast.stmt(id).kind {
            StmtKind::Bad | StmtKind::Empty | StmtKind::Fallthrough => {}
            StmtKind::Goto(_) => {
                self.exit();
                self.levels.iter_mut().for_each(|l| l.jumps_back = true);
            }
            StmtKind::Break(l) | StmtKind::Continue(l) => {
                if l.is_some() {
                    self.exit();
                }
            }
            StmtKind::Decl(Decl::Var(specs)) => {
                for s in specs {
                    s.values.iter().for_each(|&v| self.expr(v));
                    s.names.iter().for_each(|&n| self.declare(n));
                }
            }
            StmtKind::Decl(_) => {}
            StmtKind::Expr(e) | StmtKind::Go(e) => self.expr(*e),
            StmtKind::Defer(e) => {
                self.expr(*e);
                let real = self.real();
                self.levels[real].info.defers = true;
                if real + 1 < self.levels.len() {
                    let token = match self.levels[real].info.token {
                        Some(t) => t,
                        None => {
                            let t = self.hidden(TypeId::INT, real);
                            self.levels[real].info.token = Some(t);
                            t
                        }
                    };
                    self.use_var(token, 0);
                }
            }
            StmtKind::Send { chan, value } => {
                self.expr(*chan);
                self.expr(*value);
            }
            StmtKind::IncDec { x, .. } => self.target(*x, 0),
            StmtKind::Assign { lhs, rhs, .. } => {
                rhs.iter().for_each(|&r| self.expr(r));
                for (i, &l) in lhs.iter().enumerate() {
                    let append = rhs.get(i).is_some_and(|&r| self.is_append(r));
                    self.target(l, if append { APPEND } else { 0 });
                }
            }
            StmtKind::OpAssign { lhs, rhs, .. } => {
                self.expr(*rhs);
                self.target(*lhs, 0);
            }
            StmtKind::Define { lhs, rhs, .. } => {
                rhs.iter().for_each(|&r| self.expr(r));
                for &l in lhs {
                    self.define(l);
                }
            }
            StmtKind::Return(values) => {
                values.iter().for_each(|&v| self.expr(v));
                self.exit();
                let real = self.real();
                if values.is_empty() {
                    return;
                }
                if real + 1 < self.levels.len() {
                    for obj in self.result_vars(real) {
                        self.use_var(obj, ASSIGNED);
                    }
                } else if let Body::Func(f) = self.levels[real].body {
                    let ast = self.ast;
                    for name in ast.func(f).sig.results.iter().filter_map(|p| p.name) {
                        if let Some(&obj) = self.info.defs.get(&name.span.lo) {
                            self.use_var(obj, ASSIGNED);
                        }
                    }
                }
            }
            StmtKind::Block(b) => self.block(b),
            StmtKind::If { init, cond, then, els } => {
                self.opt(*init);
                self.expr(*cond);
                self.block(then);
                self.opt(*els);
            }
            StmtKind::Switch { init, tag, cases, .. } => {
                self.opt(*init);
                if let Some(t) = tag {
                    self.expr(*t);
                }
                for c in cases {
                    c.exprs.iter().for_each(|&e| self.expr(e));
                    c.body.iter().for_each(|&s| self.stmt(s));
                }
            }
            StmtKind::TypeSwitch { init, x, cases, .. } => {
                self.opt(*init);
                self.expr(*x);
                for c in cases {
                    if let Some(&obj) = self.info.implicits.get(&c.span.lo) {
                        self.declare_obj(obj);
                    }
                    c.body.iter().for_each(|&s| self.stmt(s));
                }
            }
            StmtKind::Select { cases, .. } => {
                for c in cases {
                    self.opt(c.comm);
                    c.body.iter().for_each(|&s| self.stmt(s));
                }
            }
            StmtKind::For { init, cond, post, body } => {
                let shared = self.ast.shares_loop_variables(ast.stmt(id).span.lo);
                let init = if shared {
                    self.opt(*init);
                    None
                } else {
                    *init
                };
                // Each iteration has variables of its own: the copies are made before the last statement, which closures made
                // earlier do not see.
                self.in_loop(|w| {
                    w.opt(init);
                    if let Some(c) = cond {
                        w.expr(*c);
                    }
                    w.opt(*post);
                    w.block(body);
                });
            }
            StmtKind::Range { lhs, define, x, body } => self.range(id, lhs, *define, *x, body),
            StmtKind::Labeled { stmt, .. } => self.stmt(*stmt),
        }
    }

    fn define(&mut self, l: ExprId) {
        match self.info.uses.get(&l).copied() {
            Some(obj) => self.use_var(obj, ASSIGNED),
            None => {
                if let Some(&obj) = self.info.defs.get(&self.ast.span(l).lo) {
                    self.declare_obj(obj);
                }
            }
        }
    }

    fn range(&mut self, id: StmtId, lhs: &[ExprId], define: bool, x: ExprId, body: &Block) {
        self.expr(x);
        let over = self.info.type_of(x);
        let inner = matches!(self.info.types.underlying(over), Type::Func(_) | Type::TypeParam(_));
        if inner {
            let (now, real) = (self.levels.len() - 1, self.real());
            let state = self.hidden(TypeId::INT, now);
            let next = match self.levels[real].next {
                Some(next) => next,
                None => {
                    let next = self.hidden(TypeId::INT, real);
                    self.levels[real].next = Some(next);
                    next
                }
            };
            self.out.loops.insert(id, LoopVars { state, next });
            self.push(Body::Range(id));
            self.use_var(state, ASSIGNED);
        }
        let shared = define && lhs.first().is_some_and(|&l| self.ast.shares_loop_variables(self.ast.span(l).lo));
        if shared {
            lhs.iter().for_each(|&l| self.define(l));
        }
        self.in_loop(|w| {
            for &l in lhs {
                if !define {
                    w.target(l, 0);
                } else if !shared {
                    w.define(l);
                } else if let Some(&obj) = w.info.defs.get(&w.ast.span(l).lo) {
                    w.use_var(obj, ASSIGNED);
                }
            }
            w.block(body);
        });
        if inner {
            self.pop();
            // the enclosing body passes exits on
            let real = self.real();
            if real == self.levels.len() - 1 {
                self.levels[real].next = None;
            }
        }
    }

    /// The variables that hold the results of the function at `level`.
    fn result_vars(&mut self, level: usize) -> Vec<ObjId> {
        let Body::Func(f) = self.levels[level].body else { return Vec::new() };
        if self.levels[level].info.results.is_empty() {
            let ast = self.ast;
            let mut out = Vec::new();
            for p in &ast.func(f).sig.results {
                let named = p.name.filter(|n| n.name != Sym::BLANK);
                let obj = match named.and_then(|n| self.info.defs.get(&n.span.lo).copied()) {
                    Some(obj) => obj,
                    None => {
                        let ty = self.info.type_of(p.ty);
                        self.hidden(ty, level)
                    }
                };
                out.push(obj);
            }
            self.levels[level].info.results = out;
        }
        self.levels[level].info.results.clone()
    }

    fn expr(&mut self, e: ExprId) {
        let ast = self.ast;
        if self.info.mode(e) == Mode::Type || self.info.consts.contains_key(&e) {
            return;
        }
        match &ast.expr(e).kind {
            ExprKind::Ident(_) => {
                if let Some(&obj) = self.info.uses.get(&e) {
                    self.use_var(obj, 0);
                }
            }
            ExprKind::Composite { elems, .. } => {
                for el in elems {
                    if let Some(k) = el.key {
                        self.expr(k);
                    }
                    self.expr(el.value);
                }
            }
            ExprKind::FuncLit(f) => self.func(*f),
            ExprKind::Paren(x) | ExprKind::Star(x) => self.expr(*x),
            ExprKind::Selector { x, .. } => {
                if let Some(s) = self.info.selections.get(&e) {
                    if let SelectionKind::Method { obj } = s.kind
                        && matches!(&self.info.obj(obj).kind, ObjKind::Func(f) if f.recv.is_some_and(|r| r.pointer))
                        && let Some(var) = self.through(*x, &s.path.clone())
                    {
                        self.use_var(var, ADDR);
                    }
                    self.expr(*x);
                }
            }
            ExprKind::Index { x, indices } => {
                self.expr(*x);
                indices.iter().for_each(|&i| self.expr(i));
                if let (Type::Array(elem, _), Some(i)) =
                    (self.info.types.underlying(self.info.type_of(*x)), indices.first())
                    && !self.info.consts.contains_key(i)
                    && matches!(
                        self.info.types.underlying(*elem),
                        Type::Array(..)
                            | Type::Struct(_)
                            | Type::TypeParam(_)
                            | Type::Basic(Basic::Complex128 | Basic::UntypedComplex)
                    )
                {
                    self.address(*x);
                }
            }
            ExprKind::Slice { x, lo, hi, max, .. } => {
                self.expr(*x);
                for i in [lo, hi, max].into_iter().flatten() {
                    self.expr(*i);
                }
                if matches!(self.info.types.underlying(self.info.type_of(*x)), Type::Array(..)) {
                    self.address(*x);
                }
            }
            ExprKind::TypeAssert { x, .. } => self.expr(*x),
            ExprKind::Call { fun, args, .. } => {
                self.expr(*fun);
                args.iter().for_each(|&a| self.expr(a));
            }
            ExprKind::Unary { op, x } => {
                self.expr(*x);
                if *op == UnaryOp::Addr {
                    self.address(*x);
                }
            }
            ExprKind::Binary { x, y, .. } => {
                self.expr(*x);
                self.expr(*y);
            }
            _ => {}
        }
    }
}
