//! Declarations: constants, variables, types and functions, in any order and in cycles where Go allows them.
use super::check::*;
use super::constant::Const;
use super::info::*;
use super::instantiate::{Subst, subst};
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::{self, *};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// A package-level declaration.
pub(super) struct Decl<'a> {
    pub kind: DeclKind<'a>,
    /// The file's scope.
    pub scope: ScopeId,
    pub pkg: PkgId,
    /// Package-level objects it refers to.
    pub deps: FxHashSet<ObjId>,
}

#[derive(Clone)]
pub(super) enum DeclKind<'a> {
    /// `lhs`: all variables of `var a, b = f()`, otherwise one.
    Var {
        lhs: Vec<ObjId>,
        ty: Option<ExprId>,
        init: Option<ExprId>,
    },
    Const(ConstDecl),
    Type(&'a TypeSpec),
    Func(FuncId),
}

#[derive(Clone, Copy)]
pub(super) struct ConstDecl {
    pub ty: Option<ExprId>,
    pub init: Option<ExprId>,
    pub iota: u32,
    /// The expression belongs to an earlier spec: its faults are reported here.
    pub inherited: Option<Span>,
}

/// The `i`th constant of `spec`, which may repeat `last`.
pub(super) fn decl_of(spec: &ConstSpec, last: Option<&ConstSpec>, i: usize) -> ConstDecl {
    let inherited = spec.ty.is_none() && spec.values.is_empty();
    ConstDecl {
        ty: last.and_then(|s| s.ty),
        init: last.and_then(|s| s.values.get(i).copied()),
        iota: spec.iota,
        inherited: inherited.then(|| spec.names[i].span),
    }
}

pub(super) struct GenericAlias {
    pub tparams: Vec<TypeParamId>,
    pub ty: TypeId,
}

/// A declared type whose right side met a type that was not resolved yet.
pub(super) struct Retry<'a> {
    named: NamedId,
    spec: &'a TypeSpec,
    env: Env,
    waits: Vec<Wait>,
}

/// What an interface that embeds a type of unknown underlying type waits for.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    pub named: NamedId,
    pub interface: ExprId,
}

impl Retry<'_> {
    pub fn named_id(&self) -> NamedId {
        self.named
    }
}

/// A function's scope with its parameters, ready for its body.
#[derive(Clone)]
pub(super) struct FuncScope {
    pub scope: ScopeId,
    pub sig: TypeId,
    pub results: Rc<[ObjId]>,
    pub outer: Rc<[TypeParamId]>,
}

impl<'a> Checker<'a> {
    /// Makes sure a package-level object has its type.
    pub fn resolve(&mut self, o: ObjId) {
        match self.aux[o.0 as usize].state {
            State::Done => return,
            State::InProgress => return self.met_in_progress(o),
            State::Unresolved => {}
        }
        let Some(d) = self.aux[o.0 as usize].decl else { return };
        if !self.enter(self.obj(o).span) {
            self.aux(o).state = State::Done;
            return;
        }
        self.aux(o).state = State::InProgress;
        self.path.push(o);
        let (scope, pkg, kind) = {
            let d = &self.decls[d as usize];
            (d.scope, d.pkg, d.kind.clone())
        };
        let env = Env::new(pkg, scope, Some(d));
        let saved = std::mem::replace(&mut self.env, env);
        match kind {
            DeclKind::Const(c) => self.const_decl(o, c),
            DeclKind::Var { lhs, ty, init, .. } => self.package_var(o, &lhs, ty, init),
            DeclKind::Type(spec) => self.type_decl(o, spec),
            DeclKind::Func(f) => self.func_decl(o, f),
        }
        self.env = saved;
        self.path.pop();
        if self.aux[o.0 as usize].state == State::InProgress {
            self.aux(o).state = State::Done;
        }
        self.leave();
    }

    fn met_in_progress(&mut self, o: ObjId) {
        if !self.valid_cycle(o) {
            if !matches!(self.obj(o).kind, ObjKind::Func(_)) {
                self.set_type(o, TypeId::INVALID);
            }
            return;
        }
        if matches!(self.obj(o).kind, ObjKind::TypeName) && self.obj(o).ty == TypeId::INVALID {
            // an alias that is not resolved yet: what is being declared now must wait for it
            self.incomplete = true;
        }
    }

    /// Cycles through declared types are fine, those through variables are reported with the order of initialisation.
    fn valid_cycle(&mut self, o: ObjId) -> bool {
        let Some(start) = self.path.iter().position(|&p| p == o) else { return true };
        let cycle: Vec<ObjId> = self.path[start..].to_vec();
        let (mut values, mut defined) = (0, 0);
        for &p in &cycle {
            match self.obj(p).kind {
                ObjKind::Const(_) | ObjKind::Global => values += 1,
                ObjKind::TypeName => {
                    let alias = match self.aux[p.0 as usize].decl.map(|d| &self.decls[d as usize].kind) {
                        Some(DeclKind::Type(spec)) => spec.alias,
                        _ => self.t().as_named(self.obj(p).ty).is_none(),
                    };
                    defined += !alias as usize;
                }
                _ => {}
            }
        }
        if values == cycle.len() || (values == 0 && defined > 0) {
            return true;
        }
        self.cycle_error(&cycle);
        false
    }

    pub fn cycle_error(&mut self, cycle: &[ObjId]) {
        let Some(first) = (0..cycle.len()).min_by_key(|&i| self.obj(cycle[i]).span.lo) else { return };
        let is_type = cycle.iter().any(|&o| matches!(self.obj(o).kind, ObjKind::TypeName));
        let what = if is_type { "invalid recursive type" } else { "invalid cycle in declaration" };
        let span = self.obj(cycle[first]).span;
        let name = self.name(self.obj(cycle[first]).name).to_string();
        if cycle.len() == 1 {
            self.err("cycle", span, format!("{what}: {name} refers to itself"));
            return;
        }
        let message = if is_type { format!("{what} {name}") } else { format!("{what} of {name}") };
        let mut d = Diagnostic::error("cycle", span, message);
        for i in 0..cycle.len() {
            let o = self.obj(cycle[(first + i) % cycle.len()]);
            let next = self.obj(cycle[(first + i + 1) % cycle.len()]);
            d = d.related(o.span, format!("{} refers to {}", self.name(o.name), self.name(next.name)));
        }
        self.report(d);
    }

    // --- constants and variables

    fn const_decl(&mut self, o: ObjId, c: ConstDecl) {
        self.env.iota = Some(c.iota);
        let mut ty = None;
        if let Some(e) = c.ty {
            let t = self.typ(e);
            if t != TypeId::INVALID && !self.t().basic(t, |b| b.is_const_type()) {
                let message = format!("invalid constant type {}", self.ts(t));
                self.err("constant-type", self.span(e), message);
                self.set_type(o, TypeId::INVALID);
                return;
            }
            ty = Some(t);
            self.set_type(o, t);
        }
        let Some(init) = c.init else {
            self.set_type(o, TypeId::INVALID);
            return;
        };
        self.env.errors_at = c.inherited;
        let mut x = self.expr(None, init);
        self.init_const(o, ty, &mut x);
        self.env.errors_at = None;
    }

    pub fn set_const(&mut self, o: ObjId, val: Const) {
        self.info.objects[o.0 as usize].kind = ObjKind::Const(val);
    }

    fn package_var(&mut self, o: ObjId, lhs: &[ObjId], ty: Option<ExprId>, init: Option<ExprId>) {
        if let Some(e) = ty {
            let t = self.var_type(e);
            for &v in lhs {
                self.set_type(v, t);
            }
        }
        let Some(init) = init else {
            if ty.is_none() {
                self.set_type(o, TypeId::INVALID);
            }
            return;
        };
        if lhs.len() <= 1 {
            self.init_single(o, ty.is_some(), init, "variable declaration");
            return;
        }
        for &v in lhs {
            self.aux(v).state = State::InProgress;
        }
        self.init_vars(lhs, ty.is_some(), &[init], None);
        for &v in lhs {
            self.aux(v).state = State::Done;
        }
    }

    // --- types

    /// `o` is a type name with its declaration, package-level or local.
    pub fn type_decl(&mut self, o: ObjId, spec: &'a TypeSpec) {
        let saved = std::mem::replace(&mut self.incomplete, false);
        self.type_depth += 1;
        if spec.alias {
            self.alias_decl(o, spec);
        } else {
            self.defined_type(o, spec);
        }
        self.type_depth -= 1;
        self.incomplete |= saved;
        if self.type_depth == 0 {
            self.flush_types();
        }
    }

    fn alias_decl(&mut self, o: ObjId, spec: &'a TypeSpec) {
        if !spec.tparams.is_empty() {
            let outer = self.open_scope();
            let tparams = self.collect_tparams(&spec.tparams);
            let ty = self.typ(spec.ty);
            if self.t().as_tparam(ty).is_some_and(|p| tparams.contains(&p)) {
                self.err(
                    "type-parameter",
                    self.span(spec.ty),
                    "cannot use type parameter declared in alias declaration as RHS",
                );
            }
            self.set_type(o, ty);
            self.generic_aliases.insert(o, GenericAlias { tparams, ty });
            self.env.scope = outer;
        } else {
            let ty = self.typ(spec.ty);
            self.set_type(o, ty);
        }
        if self.incomplete && self.aux[o.0 as usize].decl.is_some() {
            // a part is not resolved yet: resolve it again when asked for
            self.aux(o).state = State::Unresolved;
            self.set_type(o, TypeId::INVALID);
        }
    }

    fn defined_type(&mut self, o: ObjId, spec: &'a TypeSpec) {
        let (name, pkg) = (self.obj(o).name, self.env.pkg);
        let local = self.env.sig.is_some() && !self.at_script_top();
        let outer = self.env.outer.to_vec();
        let (n, ty) = self.types().new_named(NamedData {
            obj: o,
            name,
            pkg,
            tparams: Vec::new(),
            origin: None,
            args: Vec::new(),
            underlying: TypeId::INVALID,
            methods: Vec::new(),
            local,
            outer,
        });
        self.set_type(o, ty);
        self.declared.push(n);
        if let Some(list) = self.methods.remove(&o) {
            self.attach(n, list);
        }
        let mut outer_scope = None;
        if !spec.tparams.is_empty() {
            outer_scope = Some(self.open_scope());
            self.named_tparams(n, &spec.tparams);
        }
        self.right_side(n, spec);
        if let Some(s) = outer_scope {
            self.env.scope = s;
        }
    }

    fn attach(&mut self, n: NamedId, list: Vec<ObjId>) {
        let base = self.types().intern(Type::Named(n));
        let type_name = self.t().named(n).name;
        let mut seen: FxHashMap<Sym, ObjId> = FxHashMap::default();
        let mut kept = Vec::new();
        for m in list {
            if let ObjKind::Func(f) = &mut self.info.objects[m.0 as usize].kind
                && let Some(recv) = &mut f.recv
            {
                recv.base = base;
            }
            let (name, span) = (self.obj(m).name, self.obj(m).span);
            if let Some(&first) = seen.get(&name) {
                let first = self.obj(first).span;
                let message = format!(
                    "method {}.{} already declared at {}",
                    self.name(type_name),
                    self.name(name),
                    self.place(first)
                );
                self.report(Diagnostic::error("redeclared", span, message).related(first, "first declared here"));
                continue;
            }
            seen.insert(name, m);
            kept.push(m);
        }
        self.info.types.named[n.0 as usize].methods = kept;
        // fields are known only later
        self.defer(move |c| {
            let Type::Struct(fields) = c.t().underlying(base).clone() else { return };
            for m in c.t().named(n).methods.clone() {
                let name = c.obj(m).name;
                if fields.iter().any(|f| f.name == name) {
                    let message = format!("field and method with the same name {}", c.name(name));
                    let span = c.obj(m).span;
                    c.err("redeclared", span, message);
                }
            }
        });
    }

    /// Evaluates the right side of a type definition.
    fn right_side(&mut self, n: NamedId, spec: &'a TypeSpec) {
        self.waits.clear();
        let rhs = self.typ(spec.ty);
        if self.incomplete {
            let env = self.env.clone();
            let waits = std::mem::take(&mut self.waits);
            self.retries.push(Retry { named: n, spec, env, waits });
            self.incomplete = false;
            return;
        }
        match self.t().get(rhs) {
            Type::TypeParam(_) => {
                self.err(
                    "type-parameter",
                    self.span(spec.ty),
                    "cannot use a type parameter as RHS in type declaration",
                );
            }
            Type::Named(m) => {
                let m = *m;
                self.right_sides.insert(n, m);
                let underlying = self.t().named(m).underlying;
                if underlying == TypeId::INVALID {
                    self.pending.push((n, m));
                } else {
                    self.types().set_underlying(n, underlying);
                }
            }
            Type::Invalid => {}
            _ => self.types().set_underlying(n, rhs),
        }
    }

    /// Completes types that waited for others; what is left when nothing is in progress is a cycle.
    pub fn flush_types(&mut self) {
        if self.type_depth > 0 {
            return;
        }
        loop {
            let mut progress = false;
            for (n, m) in std::mem::take(&mut self.pending) {
                let underlying = self.t().named(m).underlying;
                if underlying == TypeId::INVALID {
                    self.pending.push((n, m));
                } else {
                    self.types().set_underlying(n, underlying);
                    progress = true;
                }
            }
            let retries = std::mem::take(&mut self.retries);
            let before = retries.len();
            for r in retries {
                self.type_depth += 1;
                let saved = std::mem::replace(&mut self.env, r.env);
                self.incomplete = false;
                self.right_side(r.named, r.spec);
                self.env = saved;
                self.type_depth -= 1;
            }
            progress |= self.retries.len() < before;
            if !progress {
                break;
            }
        }
        // constraints that are no interfaces stand for the set of just themselves
        for p in std::mem::take(&mut self.open_bounds) {
            let bound = self.t().tparam(p).constraint;
            let wrapped = self.as_bound(bound);
            self.info.types.tparams[p.0 as usize].constraint = wrapped;
        }
        self.embedding_cycles();
        let pending = std::mem::take(&mut self.pending);
        // an instance waits for its generic type
        let origin = |m: NamedId| self.t().named(m).origin.unwrap_or(m);
        let next: FxHashMap<NamedId, NamedId> = pending.iter().map(|&(n, m)| (n, origin(m))).collect();
        let mut reported: FxHashSet<NamedId> = FxHashSet::default();
        for &(n, _) in &pending {
            let mut cycle = vec![n];
            let mut at = n;
            while let Some(&m) = next.get(&at) {
                if let Some(start) = cycle.iter().position(|&c| c == m) {
                    if cycle.iter().all(|c| !reported.contains(c)) {
                        let objects: Vec<ObjId> = cycle[start..].iter().map(|&c| self.t().named(c).obj).collect();
                        self.cycle_error(&objects);
                    }
                    break;
                }
                cycle.push(m);
                at = m;
            }
            reported.extend(cycle);
        }
    }

    /// Interfaces that still wait for what they embed wait for each other.
    fn embedding_cycles(&mut self) {
        let left = std::mem::take(&mut self.retries);
        let edge = |n: NamedId| {
            let r = left.iter().find(|r| r.named == n)?;
            let w = r.waits.iter().find(|w| left.iter().any(|l| l.named == w.named)).or(r.waits.first())?;
            Some((*w, self.ast.unparen(r.spec.ty) != w.interface))
        };
        let mut done: FxHashSet<NamedId> = FxHashSet::default();
        let mut cycles: Vec<(Vec<ObjId>, Option<Span>)> = Vec::new();
        for r in &left {
            let (mut path, mut anonymous, mut at) = (Vec::new(), None, r.named);
            while !done.contains(&at) && !path.contains(&at) {
                path.push(at);
                let Some((w, inner)) = edge(at) else { break };
                let spec = left.iter().find(|r| r.named == at).map_or(w.interface, |r| r.spec.ty);
                anonymous = anonymous.or(inner.then(|| self.span(spec)));
                at = w.named;
            }
            let start = path.iter().position(|&p| p == at);
            if let Some(start) = start.filter(|_| !done.contains(&at)) {
                let objects = path[start..].iter().map(|&p| self.t().named(p).obj).collect();
                cycles.push((objects, anonymous));
            }
            done.extend(path);
        }
        for (objects, anonymous) in cycles {
            match anonymous {
                Some(span) => {
                    self.err("anonymous-cycle", span, "invalid recursive type: anonymous interface refers to itself");
                }
                None => self.cycle_error(&objects),
            }
        }
    }

    fn named_tparams(&mut self, n: NamedId, list: &'a [TypeParam]) {
        // declared first, so that constraints may mention the generic type itself
        let tparams = self.declare_tparams(list);
        self.info.types.named[n.0 as usize].tparams = tparams.clone();
        self.bound_tparams(list, &tparams);
    }

    pub fn collect_tparams(&mut self, list: &'a [TypeParam]) -> Vec<TypeParamId> {
        let tparams = self.declare_tparams(list);
        self.bound_tparams(list, &tparams);
        tparams
    }

    fn declare_tparams(&mut self, list: &'a [TypeParam]) -> Vec<TypeParamId> {
        let mut tparams = Vec::with_capacity(list.len());
        for (i, p) in list.iter().enumerate() {
            tparams.push(self.declare_tparam(p.name, i as u32));
        }
        tparams
    }

    fn declare_tparam(&mut self, name: Ident, index: u32) -> TypeParamId {
        let obj = self.new_object(name.name, ObjKind::TypeName, TypeId::INVALID, name.span);
        let any = self.any_type;
        let (p, ty) = self.types().new_tparam(name.name, obj, index, any);
        self.set_type(obj, ty);
        let scope = self.env.scope;
        self.declare(scope, obj);
        p
    }

    fn bound_tparams(&mut self, list: &'a [TypeParam], tparams: &[TypeParamId]) {
        self.type_depth += 1;
        let mut last: Option<(ExprId, TypeId)> = None;
        for (p, &id) in list.iter().zip(tparams) {
            let bound = match last {
                Some((e, t)) if e == p.constraint => t,
                _ => self.bound(p.constraint),
            };
            last = Some((p.constraint, bound));
            self.info.types.tparams[id.0 as usize].constraint = bound;
            self.open_bounds.push(id);
        }
        self.type_depth -= 1;
        self.flush_types();
    }

    // --- functions

    fn func_decl(&mut self, o: ObjId, id: FuncId) {
        let ast = self.ast;
        let func = ast.func(id);
        let fs = self.function(func, Some(o));
        self.set_type(o, fs.sig);
        if let Some(body) = &func.body {
            self.defer(move |c| c.func_body(&fs, body));
        }
    }

    /// A function's signature, with its parameters declared in a new scope.
    pub fn function(&mut self, func: &'a Func, obj: Option<ObjId>) -> FuncScope {
        let outer_scope = self.open_scope();
        let mut outer: Vec<TypeParamId> = self.env.outer.to_vec();
        let mut recv = None;
        if let Some(list) = &func.recv {
            let at = func.name.map_or(func.span, |n| n.span);
            match &list[..] {
                [] => self.err("receiver", at, "method has no receiver"),
                [one] => {
                    let (ty, rparams) = self.receiver(one);
                    outer.extend(&rparams);
                    recv = Some((one, ty));
                    if let Some(o) = obj
                        && let ObjKind::Func(f) = &mut self.info.objects[o.0 as usize].kind
                    {
                        f.tparams = rparams;
                    }
                }
                [_, more, ..] => self.err("receiver", more.span, "method has multiple receivers"),
            }
        }
        if !func.tparams.is_empty() {
            let own = self.collect_tparams(&func.tparams);
            outer.extend(&own);
            if let Some(o) = obj
                && let ObjKind::Func(f) = &mut self.info.objects[o.0 as usize].kind
            {
                if func.recv.is_some() {
                    f.method_tparams = own;
                } else {
                    f.tparams = own;
                }
            }
        }
        let sig = self.signature_types(&func.sig);
        let (params, results) = match self.t().get(sig) {
            Type::Func(f) => (f.params.clone(), f.results.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        if let Some((p, ty)) = recv {
            self.declare_param(p, ty);
        }
        for (p, &ty) in func.sig.params.iter().zip(&params) {
            self.declare_param(p, ty);
        }
        let mut named = Vec::new();
        for (p, &ty) in func.sig.results.iter().zip(&results) {
            named.extend(self.declare_param(p, ty));
        }
        let scope = self.env.scope;
        self.env.scope = outer_scope;
        FuncScope { scope, sig, results: named.into(), outer: outer.into() }
    }

    fn declare_param(&mut self, p: &Param, ty: TypeId) -> Option<ObjId> {
        let name = p.name?;
        let obj = self.new_object(name.name, ObjKind::Local, ty, name.span);
        self.aux(obj).param = true;
        let scope = self.env.scope;
        self.declare(scope, obj);
        Some(obj)
    }

    /// A receiver's type, with the type parameters it declares.
    fn receiver(&mut self, p: &'a Param) -> (TypeId, Vec<TypeParamId>) {
        let mut e = p.ty;
        let mut pointer = false;
        loop {
            match &self.ast.expr(e).kind {
                ExprKind::Paren(x) => e = *x,
                ExprKind::Star(x) if !pointer => {
                    pointer = true;
                    e = *x;
                }
                _ => break,
            }
        }
        let ExprKind::Index { x: base, indices } = &self.ast.expr(e).kind else {
            let ty = self.var_type(p.ty);
            let at = e;
            self.defer(move |c| c.valid_receiver(at, ty));
            return (ty, Vec::new());
        };
        let (base, indices) = (*base, indices.clone());
        let generic = self.generic_type(base);
        let mut rparams = Vec::new();
        for (i, &arg) in indices.iter().enumerate() {
            let ExprKind::Ident(name) = self.ast.expr(arg).kind else {
                let message = format!("receiver type parameter {} must be an identifier", self.es(arg));
                self.err("receiver", self.span(arg), message);
                let blank = Ident { name: Sym::BLANK, span: self.span(arg) };
                rparams.push(self.declare_tparam(blank, i as u32));
                continue;
            };
            let p = self.declare_tparam(Ident { name, span: self.span(arg) }, i as u32);
            let ty = self.types().tparam_type(p);
            self.record(arg, Mode::Type, ty, None);
            let obj = self.t().tparam(p).obj;
            self.info.uses.insert(arg, obj);
            rparams.push(p);
        }
        let Some(n) = generic else { return (TypeId::INVALID, rparams) };
        let own = self.t().named(n).tparams.clone();
        if own.len() != rparams.len() {
            let plural = if rparams.len() == 1 { "" } else { "s" };
            let message = format!(
                "receiver declares {} type parameter{plural}, but receiver base type declares {}",
                rparams.len(),
                own.len()
            );
            self.err("receiver", self.span(base), message);
            return (TypeId::INVALID, rparams);
        }
        let args: Vec<TypeId> = rparams.iter().map(|&p| self.types().tparam_type(p)).collect();
        let map = Subst::new(&own, &args);
        for (&p, &q) in rparams.iter().zip(&own) {
            let bound = self.t().tparam(q).constraint;
            let bound = subst(self.types(), bound, &map);
            self.info.types.tparams[p.0 as usize].constraint = bound;
            self.open_bounds.push(p);
            self.canonical.insert(p, q);
        }
        self.flush_types();
        let mut ty = self.types().instantiate(n, args);
        self.record(e, Mode::Type, ty, None);
        if pointer {
            ty = self.types().pointer(ty);
            self.record(p.ty, Mode::Type, ty, None);
        }
        let at = base;
        self.defer(move |c| c.valid_receiver(at, ty));
        (ty, rparams)
    }

    fn valid_receiver(&mut self, at: ExprId, ty: TypeId) {
        if ty == TypeId::INVALID {
            return;
        }
        let (base, _) = self.t().deref(ty);
        let span = self.span(at);
        let Some(n) = self.t().as_named(base) else {
            let message = match self.t().get(base) {
                Type::Basic(_) => format!("cannot define new methods on non-local type {}", self.ts(base)),
                _ => format!("invalid receiver type {}", self.ts(ty)),
            };
            self.err("receiver", span, message);
            return;
        };
        if self.t().named(n).pkg != self.env.pkg {
            let message = format!("cannot define new methods on non-local type {}", self.ts(base));
            self.err("receiver", span, message);
            return;
        }
        if self.t().named(n).origin.is_some() && !self.t().parameterized(base) {
            let message = format!("cannot define new methods on instantiated type {}", self.ts(base));
            self.err("receiver", span, message);
            return;
        }
        let cause = match self.t().underlying(base) {
            Type::Pointer(_) | Type::Interface(_) => "pointer or interface type",
            Type::TypeParam(_) => "type parameter",
            _ => return,
        };
        let message = format!("invalid receiver type {} ({cause})", self.ts(base));
        self.err("receiver", span, message);
    }

    pub fn func_body(&mut self, fs: &FuncScope, body: &'a Block) {
        let saved = self.env.clone();
        self.env.scope = fs.scope;
        self.env.sig = Some(fs.sig);
        self.env.results = fs.results.clone();
        self.env.outer = fs.outer.clone();
        self.env.iota = None;
        self.env.script = false;
        self.env.has_call = false;
        let had_label = std::mem::replace(&mut self.has_label, false);
        self.stmt_list(0, &body.stmts);
        if self.has_label {
            self.labels(&body.stmts);
        }
        self.has_label = had_label;
        let has_results = matches!(self.t().get(fs.sig), Type::Func(f) if !f.results.is_empty());
        if has_results && !self.terminates_list(&body.stmts) {
            let at = Span::new(body.span.hi.saturating_sub(1), body.span.hi);
            self.report(
                Diagnostic::error("missing-return", at, "missing return")
                    .label("the function can end here without returning a value"),
            );
        }
        self.usage(fs.scope);
        self.env = saved;
    }

    pub fn func_lit(&mut self, id: FuncId) -> TypeId {
        let ast = self.ast;
        let func = ast.func(id);
        let fs = self.function(func, None);
        let Some(body) = &func.body else { return fs.sig };
        let sig = fs.sig;
        if self.env.sig.is_some() {
            let has_call = self.env.has_call;
            self.func_body(&fs, body);
            self.env.has_call = has_call;
        } else {
            self.defer(move |c| c.func_body(&fs, body));
        }
        sig
    }

    // --- declarations inside functions

    pub fn local_decl(&mut self, d: &'a ast::Decl) {
        match d {
            ast::Decl::Var(specs) => {
                for spec in specs {
                    self.local_vars(spec);
                }
            }
            ast::Decl::Const(_) | ast::Decl::Type(_) if self.at_script_top() => {}
            ast::Decl::Const(specs) => self.local_consts(specs),
            ast::Decl::Type(specs) => {
                for spec in specs {
                    let obj = self.new_object(spec.name.name, ObjKind::TypeName, TypeId::INVALID, spec.name.span);
                    let scope = self.env.scope;
                    self.declare(scope, obj);
                    self.aux(obj).state = State::InProgress;
                    self.path.push(obj);
                    self.type_decl(obj, spec);
                    self.path.pop();
                    self.aux(obj).state = State::Done;
                }
            }
        }
    }

    fn local_consts(&mut self, specs: &'a [ConstSpec]) {
        let mut last: Option<&'a ConstSpec> = None;
        for spec in specs {
            let inherited = spec.ty.is_none() && spec.values.is_empty();
            if !inherited {
                last = Some(spec);
            }
            let mut objects = Vec::new();
            for (i, name) in spec.names.iter().enumerate() {
                let obj = self.new_object(name.name, ObjKind::Const(Const::int(0)), TypeId::INVALID, name.span);
                let saved = self.env.clone();
                self.const_decl(obj, decl_of(spec, last, i));
                self.env = saved;
                objects.push(obj);
            }
            self.const_arity(spec, last, inherited);
            let scope = self.env.scope;
            for obj in objects {
                self.declare(scope, obj);
            }
        }
    }

    /// The kind of a variable declared here.
    pub fn var_kind(&self) -> ObjKind {
        if self.at_script_top() { ObjKind::Global } else { ObjKind::Local }
    }

    fn local_vars(&mut self, spec: &'a VarSpec) {
        let mut objects = Vec::new();
        for name in &spec.names {
            let kind = self.var_kind();
            objects.push(self.new_object(name.name, kind, TypeId::INVALID, name.span));
        }
        let typed = spec.ty.is_some();
        if let Some(e) = spec.ty {
            let t = self.var_type(e);
            for &o in &objects {
                self.set_type(o, t);
            }
        }
        let (l, r) = (objects.len(), spec.values.len());
        if l == r || r == 1 {
            if l == 1 {
                self.init_single(objects[0], typed, spec.values[0], "variable declaration");
            } else {
                self.init_vars(&objects, typed, &spec.values, None);
            }
        } else if r > 0 {
            for (i, &v) in spec.values.iter().enumerate() {
                match objects.get(i) {
                    Some(&o) => self.init_single(o, typed, v, "variable declaration"),
                    None => {
                        self.use_exprs(&[v]);
                    }
                }
            }
            self.var_arity(spec);
        }
        let scope = self.decl_scope();
        for o in objects {
            self.declare(scope, o);
        }
    }
}
