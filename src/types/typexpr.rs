//! Types as written in the source.
use super::check::*;
use super::info::*;
use super::instantiate::{Subst, subst};
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;
use rustc_hash::FxHashMap;
use std::sync::Arc;

impl<'a> Checker<'a> {
    /// The type `e` denotes; a generic type must be instantiated.
    pub fn typ(&mut self, e: ExprId) -> TypeId {
        let ty = self.type_or_generic(e);
        if let Some(text) = self.is_generic_use(e, ty) {
            let d = Diagnostic::error(
                "generic-type",
                self.span(e),
                format!("cannot use generic type {text} without instantiation"),
            );
            self.report(d.help("give type arguments in brackets"));
            self.record(e, Mode::Invalid, TypeId::INVALID, None);
            return TypeId::INVALID;
        }
        if self.t().depth(ty) > MAX_TYPE_DEPTH {
            self.err("nesting", self.span(e), "type is nested too deeply");
            return TypeId::INVALID;
        }
        ty
    }

    /// The type of a variable: constraint interfaces are refused.
    pub fn var_type(&mut self, e: ExprId) -> TypeId {
        let ty = self.typ(e);
        self.not_a_constraint(e, ty);
        ty
    }

    pub fn not_a_constraint(&mut self, e: ExprId, ty: TypeId) {
        if matches!(self.t().get(ty), Type::TypeParam(_)) {
            return;
        }
        match self.t().underlying(ty) {
            Type::Interface(i) if Types::is_basic_interface(i) => return,
            Type::Interface(_) => {}
            Type::Invalid if ty != TypeId::INVALID => {}
            _ => return,
        }
        self.defer(move |c| {
            let Type::Interface(i) = c.t().underlying(ty) else { return };
            if Types::is_basic_interface(i) {
                return;
            }
            let why = if i.terms.is_some() { "contains type constraints" } else { "is (or embeds) comparable" };
            let message = format!("cannot use type {} outside a type constraint: interface {why}", c.ts(ty));
            c.err("constraint-as-type", c.span(e), message);
        });
    }

    /// The text of a generic type if `ty`, denoted by `e`, is one that is not instantiated.
    fn is_generic_use(&self, e: ExprId, ty: TypeId) -> Option<String> {
        if let Some(n) = self.t().as_named(ty)
            && !self.t().named(n).tparams.is_empty()
        {
            return Some(self.ts(ty));
        }
        let inner = self.ast.unparen(e);
        let obj = self.info.uses.get(&inner)?;
        if !matches!(self.ast.expr(inner).kind, ExprKind::Ident(_) | ExprKind::Selector { .. }) {
            return None;
        }
        self.generic_aliases.contains_key(obj).then(|| self.es(e))
    }

    /// The generic type `e` denotes, uninstantiated.
    pub fn generic_type(&mut self, e: ExprId) -> Option<NamedId> {
        let ty = self.type_or_generic(e);
        if ty == TypeId::INVALID {
            return None;
        }
        match self.t().as_named(ty) {
            Some(n) if !self.t().named(n).tparams.is_empty() => Some(n),
            _ => {
                let inner = self.ast.unparen(e);
                if self.info.uses.get(&inner).is_some_and(|o| self.generic_aliases.contains_key(o)) {
                    let message = format!("cannot define new methods on generic alias type {}", self.es(e));
                    self.err("receiver", self.span(e), message);
                    return None;
                }
                let message = format!("{} is not a generic type", self.ts(ty));
                self.err("not-generic", self.span(e), message);
                None
            }
        }
    }

    fn type_or_generic(&mut self, e: ExprId) -> TypeId {
        if !self.enter(self.span(e)) {
            return TypeId::INVALID;
        }
        let ty = self.type_inner(e);
        self.leave();
        let mode = if ty == TypeId::INVALID { Mode::Invalid } else { Mode::Type };
        self.record(e, mode, ty, None);
        ty
    }

    fn type_inner(&mut self, e: ExprId) -> TypeId {
        let ast = self.ast;
        match &ast.expr(e).kind {
            ExprKind::Bad => TypeId::INVALID,
            ExprKind::Ident(_) | ExprKind::Selector { .. } => {
                let x = if let ExprKind::Ident(name) = ast.expr(e).kind {
                    self.ident(e, name, true)
                } else {
                    self.selector(e, true)
                };
                match x.mode {
                    Mode::Type => x.ty,
                    Mode::Invalid => {
                        let used = self.info.uses.get(&e).copied();
                        if used.is_some_and(|o| matches!(self.obj(o).kind, crate::types::info::ObjKind::Local)) {
                            let message = format!("{} (local variable) is not a type", self.es(e));
                            self.err("not-a-type", self.span(e), message);
                        }
                        TypeId::INVALID
                    }
                    Mode::NoValue => {
                        let message = format!("{} used as type", self.operand_string(&x));
                        self.err("not-a-type", self.span(e), message);
                        TypeId::INVALID
                    }
                    _ => {
                        let mut message = format!("{} is not a type", self.operand_string(&x));
                        let used = self.info.uses.get(&e).copied();
                        if used.is_some_and(|o| matches!(self.obj(o).kind, crate::types::info::ObjKind::Local)) {
                            message = format!("{} (local variable) is not a type", self.es(e));
                        }
                        self.err("not-a-type", self.span(e), message);
                        TypeId::INVALID
                    }
                }
            }
            ExprKind::Paren(x) => self.type_or_generic(*x),
            ExprKind::Star(x) => {
                let elem = self.var_type(*x);
                if elem == TypeId::INVALID {
                    return elem;
                }
                self.types().pointer(elem)
            }
            ExprKind::ArrayType { len, elem } => {
                let Some(len) = len else {
                    self.err("array-length", self.span(e), "invalid use of [...] array (outside a composite literal)");
                    self.var_type(*elem);
                    return TypeId::INVALID;
                };
                let n = self.array_length(*len);
                let elem = self.var_type(*elem);
                match n {
                    Some(n) if elem != TypeId::INVALID => self.types().intern(Type::Array(elem, n)),
                    _ => TypeId::INVALID,
                }
            }
            ExprKind::SliceType { elem } => {
                let elem = self.var_type(*elem);
                if elem == TypeId::INVALID {
                    return elem;
                }
                self.types().slice(elem)
            }
            ExprKind::MapType { key, value } => {
                let (key_expr, value) = (*key, *value);
                let key = self.var_type(key_expr);
                let value = self.var_type(value);
                if key == TypeId::INVALID || value == TypeId::INVALID {
                    return TypeId::INVALID;
                }
                if matches!(self.t().underlying(key), Type::Basic(_) | Type::Pointer(_)) {
                    return self.types().intern(Type::Map(key, value));
                }
                self.defer(move |c| {
                    if !c.comparable(key) {
                        let why = if c.t().is_tparam(key) { " (missing comparable constraint)" } else { "" };
                        let message = format!("invalid map key type {}{why}", c.ts(key));
                        c.err("map-key", c.span(key_expr), message);
                    }
                });
                self.types().intern(Type::Map(key, value))
            }
            ExprKind::ChanType { dir, elem } => {
                let elem = self.var_type(*elem);
                if elem == TypeId::INVALID {
                    return elem;
                }
                let dir = match dir {
                    ChanDir::Both => Dir::Both,
                    ChanDir::Send => Dir::Send,
                    ChanDir::Recv => Dir::Recv,
                };
                self.types().intern(Type::Chan(dir, elem))
            }
            ExprKind::FuncType(sig) => {
                let outer = self.open_scope();
                let ty = self.type_of_signature(sig);
                self.env.scope = outer;
                ty
            }
            ExprKind::StructType { fields } => self.struct_type(fields),
            ExprKind::InterfaceType { elems } => {
                self.interfaces.push(e);
                let ty = self.interface_type(elems);
                self.interfaces.pop();
                ty
            }
            ExprKind::Index { x, indices } => self.instantiated_type(e, *x, indices),
            ExprKind::Tilde(_) => {
                self.err("tilde", self.span(e), "cannot use ~ outside of interface or type constraint");
                TypeId::INVALID
            }
            _ => {
                let message = format!("{} is not a type", self.es(e));
                self.err("not-a-type", self.span(e), message);
                self.use_exprs(&[e]);
                TypeId::INVALID
            }
        }
    }

    fn array_length(&mut self, e: ExprId) -> Option<u64> {
        // a name that is no constant: perhaps a type parameter list was meant
        if let ExprKind::Ident(name) = self.ast.expr(e).kind {
            match self.lookup(name) {
                None => {
                    let message = format!("undefined array length {} or missing type constraint", self.name(name));
                    self.err("array-length", self.span(e), message);
                    return None;
                }
                Some(o) if !matches!(self.obj(o).kind, ObjKind::Const(_)) => {
                    let message = format!("invalid array length {}", self.name(name));
                    self.err("array-length", self.span(e), message);
                    return None;
                }
                _ => {}
            }
        }
        let x = self.expr(None, e);
        if x.mode != Mode::Const {
            if x.mode != Mode::Invalid {
                let message = format!("array length {} must be constant", self.operand_string(&x));
                self.err("array-length", self.span(e), message);
            }
            return None;
        }
        let val = x.val.as_ref()?;
        if (self.t().is_untyped(x.ty) || self.t().basic(x.ty, |b| b.is_integer()))
            && let Some(i) = val.as_int()
        {
            if self.t().is_untyped(x.ty) {
                self.update_type(e, TypeId::INT, true);
            }
            if let Ok(n) = i64::try_from(i.clone())
                && n >= 0
            {
                return Some(n as u64);
            }
            let message = format!("invalid array length {}", self.operand_string(&x));
            self.err("array-length", self.span(e), message);
            return None;
        }
        let message = if self.t().basic(x.ty, |b| b.is_integer()) {
            format!("invalid array length {}", self.operand_string(&x))
        } else {
            format!("array length {} must be integer", self.operand_string(&x))
        };
        self.err("array-length", self.span(e), message);
        None
    }

    /// The type of a signature without a body, whose parameters are not declared, but have different names.
    fn type_of_signature(&mut self, sig: &'a Signature) -> TypeId {
        let mut seen: FxHashMap<Sym, Span> = FxHashMap::default();
        for name in sig.params.iter().chain(&sig.results).filter_map(|p| p.name) {
            if name.name == Sym::BLANK {
                continue;
            }
            if let Some(&first) = seen.get(&name.name) {
                let text = self.name(name.name).to_string();
                let d = Diagnostic::error("redeclared", name.span, format!("{text} redeclared in this block"));
                self.report(d.related(first, format!("other declaration of {text}")));
            } else {
                seen.insert(name.name, name.span);
            }
        }
        self.signature_types(sig)
    }

    /// The type of a signature; parameters are not declared.
    pub fn signature_types(&mut self, sig: &'a Signature) -> TypeId {
        let mut params = Vec::with_capacity(sig.params.len());
        let mut variadic = false;
        for (i, p) in sig.params.iter().enumerate() {
            let mut ty = match i.checked_sub(1) {
                Some(j) if sig.params[j].ty == p.ty && !sig.params[j].variadic => params[j],
                _ => self.var_type(p.ty),
            };
            if p.variadic {
                if i + 1 == sig.params.len() {
                    variadic = true;
                    ty = if ty == TypeId::INVALID { ty } else { self.types().slice(ty) };
                } else {
                    // The parser has reported it.
                    ty = if ty == TypeId::INVALID { ty } else { self.types().slice(ty) };
                }
            }
            params.push(ty);
        }
        let mut results: Vec<TypeId> = Vec::with_capacity(sig.results.len());
        for (i, p) in sig.results.iter().enumerate() {
            if p.variadic {
                self.err("variadic", p.span, "can only use ... with final parameter in list");
            }
            let ty = match i.checked_sub(1) {
                Some(j) if sig.results[j].ty == p.ty => results[j],
                _ => self.var_type(p.ty),
            };
            results.push(ty);
        }
        self.types().func(params, results, variadic)
    }

    // --- structs

    fn struct_type(&mut self, decls: &'a [FieldDecl]) -> TypeId {
        let mut fields: Vec<Field> = Vec::with_capacity(decls.len());
        let mut seen: FxHashMap<Sym, Span> = FxHashMap::default();
        let mut last: Option<(ExprId, TypeId)> = None;
        for d in decls {
            let ty = match last {
                Some((e, t)) if e == d.ty && d.name.is_some() => t,
                _ if d.name.is_some() => self.var_type(d.ty),
                _ => self.typ(d.ty),
            };
            last = Some((d.ty, ty));
            let (name, span) = match d.name {
                Some(n) => (n.name, n.span),
                None => match self.embedded_name(d.ty) {
                    Some(n) => (n.name, n.span),
                    None => {
                        let message = format!("invalid embedded field type {}", self.es(d.ty));
                        self.err("embedded", self.span(d.ty), message);
                        (Sym::BLANK, d.span)
                    }
                },
            };
            if d.name.is_none() {
                self.check_embedded(d.ty, ty);
            }
            if name != Sym::BLANK
                && let Some(&first) = seen.get(&name)
            {
                let text = self.name(name).to_string();
                self.report(
                    Diagnostic::error("redeclared", span, format!("{text} redeclared"))
                        .related(first, format!("other declaration of {text}")),
                );
                continue;
            }
            seen.insert(name, span);
            let tag = match d.tag {
                Some((lit, at)) => match super::constant::parse_string(self.name(lit)) {
                    Some(c) => {
                        let text = c.as_bytes().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
                        self.names.intern(&text)
                    }
                    None => {
                        self.err("tag", at, "incorrect tag syntax");
                        Sym::EMPTY
                    }
                },
                None => Sym::EMPTY,
            };
            let pkg = self.id_pkg(name);
            fields.push(Field { name, pkg, ty, embedded: d.name.is_none(), tag });
        }
        self.types().intern(Type::Struct(fields.into()))
    }

    /// The name of an embedded field: that of its type.
    fn embedded_name(&self, mut e: ExprId) -> Option<Ident> {
        loop {
            match &self.ast.expr(e).kind {
                ExprKind::Paren(x) | ExprKind::Star(x) => e = *x,
                ExprKind::Index { x, .. } => e = *x,
                ExprKind::Selector { sel, .. } => return Some(*sel),
                ExprKind::Ident(name) => return Some(Ident { name: *name, span: self.span(e) }),
                _ => return None,
            }
        }
    }

    fn check_embedded(&mut self, e: ExprId, ty: TypeId) {
        self.defer(move |c| {
            let (base, is_pointer) = c.t().deref(ty);
            let message = match c.t().underlying(base) {
                Type::Invalid => return,
                Type::Pointer(_) => "embedded field type cannot be a pointer",
                Type::TypeParam(_) => "embedded field type cannot be a (pointer to a) type parameter",
                Type::Interface(_) if is_pointer => "embedded field type cannot be a pointer to an interface",
                Type::Interface(i) if !Types::is_basic_interface(i) => {
                    let why = if i.terms.is_some() { "contains type constraints" } else { "is (or embeds) comparable" };
                    let message = format!("cannot use type {} outside a type constraint: interface {why}", c.ts(base));
                    c.err("constraint-as-type", c.span(e), message);
                    return;
                }
                _ => return,
            };
            c.err("embedded", c.span(e), message);
        });
    }

    // --- interfaces

    fn interface_type(&mut self, elems: &'a [InterfaceElem]) -> TypeId {
        let mut methods: Vec<(IfaceMethod, Span)> = Vec::new();
        let mut terms: Option<Vec<Term>> = None;
        let mut comparable = false;
        for elem in elems {
            let InterfaceElem::Method { name, sig } = elem else { continue };
            if name.name == Sym::BLANK {
                self.err("method-name", name.span, "methods must have a unique non-blank name");
                continue;
            }
            let outer = self.open_scope();
            let ty = self.type_of_signature(sig);
            self.env.scope = outer;
            let pkg = self.id_pkg(name.name);
            if let Some((_, first)) = methods.iter().find(|(m, _)| m.name == name.name) {
                let (text, first) = (self.name(name.name).to_string(), *first);
                self.report(
                    Diagnostic::error("redeclared", name.span, format!("duplicate method {text}"))
                        .related(first, format!("other declaration of method {text}")),
                );
                continue;
            }
            methods.push((IfaceMethod { name: name.name, pkg, sig: ty }, name.span));
        }
        for elem in elems {
            let InterfaceElem::Embed(e) = elem else { continue };
            let Some(embedded) = self.embedded_interface(*e) else { continue };
            for m in &embedded.methods {
                match methods.iter().find(|(own, _)| own.name == m.name && own.pkg == m.pkg) {
                    Some((own, _)) if own.sig == m.sig => {}
                    Some(_) => {
                        let message = format!("duplicate method {}", self.name(m.name));
                        self.err("redeclared", self.span(*e), message);
                    }
                    None => methods.push((m.clone(), self.span(*e))),
                }
            }
            comparable |= embedded.comparable;
            terms = self.t().intersect_terms(terms.take(), embedded.terms.clone());
        }
        if comparable && let Some(list) = &mut terms {
            let types = &self.info.types;
            list.retain(|t| types.comparable(t.ty, false));
            comparable = false;
        }
        let mut methods: Vec<IfaceMethod> = methods.into_iter().map(|(m, _)| m).collect();
        let names = &*self.names;
        methods.sort_by(|a, b| names.name(a.name).cmp(names.name(b.name)).then(a.pkg.cmp(&b.pkg)));
        self.types().intern(Type::Interface(Arc::new(InterfaceType { methods, terms, comparable })))
    }

    /// What an embedded element adds: an interface's methods and terms, or the terms of a type or union.
    fn embedded_interface(&mut self, e: ExprId) -> Option<Arc<InterfaceType>> {
        let inner = self.ast.unparen(e);
        if matches!(self.ast.expr(inner).kind, ExprKind::Tilde(_) | ExprKind::Binary { op: BinaryOp::Or, .. }) {
            let terms = self.union_terms(inner)?;
            return Some(Arc::new(InterfaceType { methods: Vec::new(), terms, comparable: false }));
        }
        let ty = self.typ(e);
        if ty == TypeId::INVALID {
            return None;
        }
        if self.t().is_tparam(ty) {
            self.err("type-parameter", self.span(e), "term cannot be a type parameter");
            return None;
        }
        match self.t().underlying(ty) {
            Type::Interface(i) => Some(i.clone()),
            Type::Invalid => {
                self.wait_for(ty);
                None
            }
            _ => {
                let terms = Some(vec![Term { tilde: false, ty }]);
                Some(Arc::new(InterfaceType { methods: Vec::new(), terms, comparable: false }))
            }
        }
    }

    /// `ty` is a declared type without underlying type: if that is because it is being declared, the declaration
    /// around must wait.
    fn wait_for(&mut self, ty: TypeId) {
        let Some(n) = self.t().as_named(ty) else { return };
        let n = self.t().named(n).origin.unwrap_or(n);
        let in_progress = self.path.contains(&self.t().named(n).obj)
            || self.pending.iter().any(|&(p, _)| p == n)
            || self.retries.iter().any(|r| r.named_id() == n);
        if in_progress {
            if let Some(&interface) = self.interfaces.last() {
                self.waits.push(super::decl::Wait { named: n, interface });
            }
            self.incomplete = true;
        }
    }

    /// The terms of a union (`None` inside: all types); `None`: it is wrong.
    fn union_terms(&mut self, e: ExprId) -> Option<Option<Vec<Term>>> {
        let mut parts = Vec::new();
        let mut at = e;
        loop {
            match &self.ast.expr(at).kind {
                ExprKind::Binary { op: BinaryOp::Or, x, y, .. } => {
                    parts.push(*y);
                    at = *x;
                }
                ExprKind::Paren(x) if matches!(self.ast.expr(*x).kind, ExprKind::Binary { op: BinaryOp::Or, .. }) => {
                    at = *x;
                }
                _ => {
                    parts.push(at);
                    break;
                }
            }
        }
        parts.reverse();
        if parts.len() > 100 {
            let message = "cannot handle more than 100 union terms (implementation limitation)";
            self.err("union", self.span(e), message);
            return None;
        }
        let mut terms: Vec<Term> = Vec::new();
        let mut written: Vec<Term> = Vec::new();
        let mut all = false;
        let mut ok = true;
        let several = parts.len() > 1;
        for part in parts {
            let (tilde, te) = match &self.ast.expr(self.ast.unparen(part)).kind {
                ExprKind::Tilde(x) => (true, *x),
                _ => (false, part),
            };
            let ty = self.typ(te);
            if ty == TypeId::INVALID {
                ok = false;
                continue;
            }
            if tilde {
                self.record(part, Mode::Type, ty, None);
            }
            let span = self.span(part);
            if self.t().is_tparam(ty) {
                if several || tilde {
                    let message = if several {
                        "term cannot be a type parameter".to_string()
                    } else {
                        format!("type in term ~{} cannot be a type parameter", self.ts(ty))
                    };
                    self.err("union", span, message);
                }
                ok = false;
                continue;
            }
            let under = self.t().underlying_id(ty);
            if under == TypeId::INVALID {
                self.wait_for(ty);
                ok = false;
                continue;
            }
            if let Type::Interface(i) = self.t().get(under).clone() {
                let text = self.ts(ty);
                if tilde {
                    self.err("union", span, format!("invalid use of ~ ({text} is an interface)"));
                    ok = false;
                } else if several && !i.methods.is_empty() {
                    self.err("union", span, format!("cannot use {text} in union ({text} contains methods)"));
                    ok = false;
                } else if several && ty == self.comparable_type {
                    self.err("union", span, "cannot use comparable in union");
                    ok = false;
                } else if several && i.comparable {
                    self.err("union", span, format!("cannot use {text} in union ({text} embeds comparable)"));
                    ok = false;
                } else {
                    match &i.terms {
                        None => all = true,
                        Some(t) => terms.extend(t),
                    }
                }
                continue;
            }
            if tilde && under != ty {
                let message = format!("invalid use of ~ (underlying type of {} is {})", self.ts(ty), self.ts(under));
                self.err("union", span, message);
                ok = false;
                continue;
            }
            let term = Term { tilde, ty };
            if let Some(other) = written.iter().find(|t| {
                let (a, b) = (**t, term);
                self.t().term_includes(&a, b.ty) || self.t().term_includes(&b, a.ty)
            }) {
                let show = |c: &Self, t: &Term| format!("{}{}", if t.tilde { "~" } else { "" }, c.ts(t.ty));
                let message = format!("overlapping terms {} and {}", show(self, &term), show(self, other));
                self.err("union", span, message);
                continue;
            }
            written.push(term);
            terms.push(term);
        }
        if !ok {
            return None;
        }
        Some((!all).then(|| self.t().normalize_terms(&terms)))
    }

    /// A constraint as written.
    pub fn bound(&mut self, e: ExprId) -> TypeId {
        let inner = self.ast.unparen(e);
        if matches!(self.ast.expr(inner).kind, ExprKind::Tilde(_) | ExprKind::Binary { op: BinaryOp::Or, .. }) {
            let Some(terms) = self.union_terms(inner) else { return TypeId::INVALID };
            let iface = InterfaceType { methods: Vec::new(), terms, comparable: false };
            let ty = self.types().intern(Type::Interface(Arc::new(iface)));
            self.record(e, Mode::Type, ty, None);
            return ty;
        }
        let ty = self.typ(e);
        if self.t().is_tparam(ty) {
            self.err("type-parameter", self.span(e), "cannot use a type parameter as constraint");
            return TypeId::INVALID;
        }
        ty
    }

    /// A constraint as an interface: any other type is the set of just itself.
    pub fn as_bound(&mut self, ty: TypeId) -> TypeId {
        match self.t().underlying(ty) {
            Type::Interface(_) | Type::Invalid => ty,
            _ => {
                let terms = Some(vec![Term { tilde: false, ty }]);
                let iface = InterfaceType { methods: Vec::new(), terms, comparable: false };
                self.types().intern(Type::Interface(Arc::new(iface)))
            }
        }
    }

    // --- instantiation

    fn instantiated_type(&mut self, e: ExprId, x: ExprId, indices: &'a [ExprId]) -> TypeId {
        let generic = self.type_or_generic(x);
        let args: Vec<TypeId> = indices.iter().map(|&i| self.var_type(i)).collect();
        if generic == TypeId::INVALID {
            return generic;
        }
        let inner = self.ast.unparen(x);
        let alias = self.info.uses.get(&inner).copied().filter(|o| self.generic_aliases.contains_key(o));
        let named = self.t().as_named(generic).filter(|&n| !self.t().named(n).tparams.is_empty());
        let params = match (alias, named) {
            (Some(o), _) => self.generic_aliases[&o].tparams.clone(),
            (None, Some(n)) => self.t().named(n).tparams.clone(),
            (None, None) => {
                let list: Vec<String> = indices.iter().map(|&i| self.es(i)).collect();
                let text = self.es(x);
                let message = format!(
                    "invalid operation: {text}[{}] ({} is not a generic type)",
                    list.join(", "),
                    self.ts(generic)
                );
                self.err("not-generic", self.span(x), message);
                return TypeId::INVALID;
            }
        };
        if args.contains(&TypeId::INVALID) {
            return TypeId::INVALID;
        }
        if args.len() != params.len() {
            let (qualifier, at) = if args.len() < params.len() {
                ("not enough", indices[indices.len() - 1])
            } else {
                ("too many", indices[params.len()])
            };
            let name = self.es(x);
            let message =
                format!("{qualifier} type arguments for type {name}: have {}, want {}", args.len(), params.len());
            self.err("type-arguments", self.span(at), message);
            return TypeId::INVALID;
        }
        let ty = match (alias, named) {
            (Some(o), _) => {
                let body = self.generic_aliases[&o].ty;
                let map = Subst::new(&params, &args);
                subst(self.types(), body, &map)
            }
            (None, Some(n)) => {
                let ty = self.types().instantiate(n, args.clone());
                if let Some(instance) = self.t().as_named(ty) {
                    let span = self.span(e);
                    self.instance_spans.entry(instance).or_insert(span);
                }
                ty
            }
            _ => TypeId::INVALID,
        };
        let spans: Vec<Span> = indices.iter().map(|&i| self.span(i)).collect();
        let at = self.span(e);
        self.defer(move |c| c.verify_instance(at, &params, &args, &spans));
        ty
    }
}
