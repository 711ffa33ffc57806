//! Builds functions, parameters, type parameters and struct fields: tells names from types where the grammar cannot.
use super::build::Builder;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;

/// A parameter before names are told from types.
pub enum RawParam {
    /// An identifier alone: a type, or a name that shares the type of a later one.
    Name(Ident),
    Type {
        ty: ExprId,
        variadic: bool,
        span: Span,
    },
    Named {
        name: Ident,
        ty: ExprId,
        variadic: bool,
    },
}

pub fn unboxed<T>(list: Vec<Box<T>>) -> Vec<T> {
    list.into_iter().map(|x| *x).collect()
}

pub fn tagged(mut fields: Vec<FieldDecl>, tag: Sym, span: Span) -> Vec<FieldDecl> {
    for f in &mut fields {
        f.tag = Some((tag, span));
    }
    fields
}

impl Builder<'_> {
    pub fn raw_type(&mut self, ty: ExprId) -> RawParam {
        RawParam::Type { ty, variadic: false, span: self.ast.span(ty) }
    }

    pub fn raw_variadic(&mut self, lo: u32, ty: ExprId) -> RawParam {
        RawParam::Type { ty, variadic: true, span: Span::new(lo, self.ast.span(ty).hi) }
    }

    pub fn raw_named(&mut self, name: Ident, ty: ExprId, variadic: bool) -> RawParam {
        RawParam::Named { name, ty, variadic }
    }

    pub fn one_result(&mut self, ty: ExprId) -> Vec<RawParam> {
        vec![self.raw_type(ty)]
    }

    /// Tells names from types: if any entry has both, all must be names. `end`: just after the list.
    pub fn params(&mut self, raw: Vec<RawParam>, results: bool, end: u32) -> Vec<Param> {
        let named = raw.iter().any(|p| matches!(p, RawParam::Named { .. }));
        let out = if named { self.named_params(raw, end) } else { self.unnamed_params(raw) };
        self.check_variadic(&out, results);
        out
    }

    fn unnamed_params(&mut self, raw: Vec<RawParam>) -> Vec<Param> {
        let mut out = Vec::with_capacity(raw.len());
        for p in raw {
            let (ty, variadic, span) = match p {
                RawParam::Name(i) => (self.ident(i), false, i.span),
                RawParam::Type { ty, variadic, span } => (ty, variadic, span),
                RawParam::Named { ty, variadic, .. } => (ty, variadic, self.ast.span(ty)),
            };
            out.push(Param { name: None, ty, variadic, span });
        }
        out
    }

    /// From the end: a bare name takes the type of the entry after it.
    fn named_params(&mut self, raw: Vec<RawParam>, end: u32) -> Vec<Param> {
        let mut out = Vec::with_capacity(raw.len());
        let mut shared = None;
        let mut nameless = None;
        let mut typeless = false;
        for p in raw.into_iter().rev() {
            match p {
                RawParam::Named { name, ty, variadic } => {
                    let span = name.span.to(self.ast.span(ty));
                    shared = Some((ty, variadic));
                    out.push(Param { name: Some(name), ty, variadic, span });
                }
                RawParam::Name(name) => {
                    let (ty, variadic) = shared.unwrap_or_else(|| {
                        typeless = true;
                        (self.bad(name.span), false)
                    });
                    out.push(Param { name: Some(name), ty, variadic, span: name.span });
                }
                RawParam::Type { ty, variadic, span } => {
                    shared = Some((ty, variadic));
                    nameless = Some(span);
                    out.push(Param { name: None, ty, variadic, span });
                }
            }
        }
        if let Some(span) = nameless {
            self.error(span, "syntax error: missing parameter name");
        } else if typeless {
            let close = end.saturating_sub(1);
            self.error(Span::new(close, end), "syntax error: missing parameter type");
        }
        out.reverse();
        out
    }

    fn check_variadic(&mut self, params: &[Param], results: bool) {
        let last = params.len().saturating_sub(1);
        let Some((_, p)) = params.iter().enumerate().find(|(i, p)| p.variadic && (results || *i < last)) else {
            return;
        };
        let message = if results { "invalid use of ..." } else { "can only use ... with final parameter" };
        self.soft_error(p.span, message);
    }

    /// `span`: from `(` of the parameters, which end before `results_at`, to the end of the results.
    pub fn signature(
        &mut self,
        params: Vec<RawParam>,
        results: Option<Vec<RawParam>>,
        params_end: u32,
        span: Span,
    ) -> Signature {
        let params = self.params(params, false, params_end);
        let results = self.params(results.unwrap_or_default(), true, span.hi);
        Signature { params, results, span }
    }

    pub fn func_type(
        &mut self,
        params: Vec<RawParam>,
        results: Option<Vec<RawParam>>,
        params_end: u32,
        lo: u32,
        hi: u32,
    ) -> ExprId {
        let sig = self.signature(params, results, params_end, Span::new(lo, hi));
        self.expr(ExprKind::FuncType(Box::new(sig)), lo, hi)
    }

    pub fn func(&mut self, func: Func) -> FuncId {
        self.ast.funcs.push(func);
        FuncId(self.ast.funcs.len() as u32 - 1)
    }

    pub fn func_lit(&mut self, sig: Signature, body: Block, span: Span) -> ExprId {
        let f = self.func(Func { name: None, recv: None, tparams: Vec::new(), sig, body: Some(body), span });
        self.expr(ExprKind::FuncLit(f), span.lo, span.hi)
    }

    /// `K, V any` gives both the constraint.
    pub fn type_params(&mut self, raw: Vec<(Ident, Option<ExprId>)>, end: u32) -> Vec<TypeParam> {
        let mut out = Vec::with_capacity(raw.len());
        let mut constraint = None;
        for (name, own) in raw.into_iter().rev() {
            constraint = own.or(constraint);
            let constraint = match constraint {
                Some(c) => c,
                None => {
                    let close = Span::new(end.saturating_sub(1), end);
                    self.error(close, "syntax error: missing type constraint");
                    let bad = self.bad(name.span);
                    constraint = Some(bad);
                    bad
                }
            };
            out.push(TypeParam { name, constraint });
        }
        out.reverse();
        out
    }

    pub fn embedded(&mut self, ty: ExprId) -> Vec<FieldDecl> {
        vec![FieldDecl { name: None, ty, tag: None, span: self.ast.span(ty) }]
    }

    pub fn paren_embedded(&mut self, ty: ExprId, lo: u32, hi: u32) -> Vec<FieldDecl> {
        self.error(Span::new(lo, hi), "syntax error: cannot parenthesize embedded type");
        self.embedded(ty)
    }

    pub fn fields(&mut self, names: Vec<Ident>, ty: ExprId) -> Vec<FieldDecl> {
        let field = |n: Ident| FieldDecl { name: Some(n), ty, tag: None, span: n.span };
        names.into_iter().map(field).collect()
    }
}
