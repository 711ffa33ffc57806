//! What the grammar's actions call: makes nodes, keeps their depth, sorts names from types, turns simple statements
//! into conditions, and reports what the grammar lets through.
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::{Interner, Sym};
use crate::base::limits::MAX_NESTING;
use crate::base::span::Span;
use crate::syntax::ast::*;
use crate::syntax::literal;
use crate::syntax::token::Tok;
use lalrpop_util::{ErrorRecovery, ParseError};

pub struct Builder<'a> {
    pub ast: &'a mut Ast,
    pub names: &'a mut Interner,
    pub diags: &'a mut Diagnostics,
    pub package: Option<Ident>,
    pub items: Vec<TopItem>,
    /// Nesting of `else if` and labels, by statement: the brackets do not bound it.
    depths: rustc_hash::FxHashMap<StmtId, u32>,
    too_deep: bool,
    /// Position of the last syntax error that was reported.
    last_error: u32,
    /// A declaration has been seen.
    declared: bool,
    pub incomplete: bool,
    pub end: u32,
}

/// A parameter before names are told from types.
pub enum RawParam {
    /// An identifier alone: a type, or a name that shares the type of a later one.
    Name(Ident),
    Type { ty: ExprId, variadic: bool, span: Span },
    Named { name: Ident, ty: ExprId, variadic: bool },
}

pub struct RawCase {
    pub head: Option<StmtId>,
    pub body: Vec<StmtId>,
    pub span: Span,
    pub colon: u32,
}

pub enum RawFor {
    Clause(Option<StmtId>, Option<StmtId>, Option<StmtId>),
    Range { lhs: Vec<ExprId>, define: bool, x: ExprId },
}

pub fn tagged(mut fields: Vec<FieldDecl>, tag: Sym, span: Span) -> Vec<FieldDecl> {
    for f in &mut fields {
        f.tag = Some((tag, span));
    }
    fields
}

pub fn const_group(mut specs: Vec<ConstSpec>) -> Decl {
    for (i, spec) in specs.iter_mut().enumerate() {
        spec.iota = i as u32;
    }
    Decl::Const(specs)
}

impl<'a> Builder<'a> {
    pub fn new(ast: &'a mut Ast, names: &'a mut Interner, diags: &'a mut Diagnostics) -> Builder<'a> {
        Builder {
            ast,
            names,
            diags,
            package: None,
            items: Vec::new(),
            depths: Default::default(),
            too_deep: false,
            last_error: 0,
            declared: false,
            incomplete: false,
            end: 0,
        }
    }

    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.diags.push(Diagnostic::error("syntax", span, message));
    }

    // ---- expressions

    pub fn expr(&mut self, kind: ExprKind, lo: u32, hi: u32) -> ExprId {
        let depth = 1 + self.depth_of(&kind);
        let span = Span::new(lo, hi);
        let kind = if depth > MAX_NESTING { self.deep(span) } else { kind };
        let depth = if matches!(kind, ExprKind::Bad) { 1 } else { depth };
        self.ast.exprs.push(Expr { kind, span, depth });
        ExprId(self.ast.exprs.len() as u32 - 1)
    }

    fn deep(&mut self, span: Span) -> ExprKind {
        if !self.too_deep {
            self.too_deep = true;
            self.error(span, "nested too deeply");
        }
        ExprKind::Bad
    }

    /// An expression that ends where `last` ends.
    pub fn to(&mut self, kind: ExprKind, lo: u32, last: ExprId) -> ExprId {
        let hi = self.ast.span(last).hi;
        self.expr(kind, lo, hi)
    }

    /// An expression that begins where `first` begins.
    pub fn from(&mut self, kind: ExprKind, first: ExprId, hi: u32) -> ExprId {
        let lo = self.ast.span(first).lo;
        self.expr(kind, lo, hi)
    }

    fn depth_of(&self, kind: &ExprKind) -> u32 {
        let d = |e: ExprId| self.ast.expr(e).depth;
        let o = |e: Option<ExprId>| e.map_or(0, d);
        let all = |v: &[ExprId]| v.iter().map(|&e| d(e)).max().unwrap_or(0);
        let sig = |s: &Signature| s.params.iter().chain(&s.results).map(|p| d(p.ty)).max().unwrap_or(0);
        match kind {
            ExprKind::Bad | ExprKind::Ident(_) | ExprKind::Lit { .. } => 0,
            ExprKind::FuncLit(f) => sig(&self.ast.func(*f).sig),
            ExprKind::Composite { ty, elems, .. } => {
                let parts = elems.iter().map(|e| d(e.value).max(o(e.key))).max().unwrap_or(0);
                parts.max(o(*ty))
            }
            ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Tilde(x) => d(*x),
            ExprKind::Selector { x, .. } | ExprKind::Unary { x, .. } => d(*x),
            ExprKind::Index { x, indices } => d(*x).max(all(indices)),
            ExprKind::Slice { x, lo, hi, max, .. } => d(*x).max(o(*lo)).max(o(*hi)).max(o(*max)),
            ExprKind::TypeAssert { x, ty } => d(*x).max(o(*ty)),
            ExprKind::Call { fun, args, .. } => d(*fun).max(all(args)),
            ExprKind::Binary { x, y, .. } => d(*x).max(d(*y)),
            ExprKind::ArrayType { len, elem } => d(*elem).max(o(*len)),
            ExprKind::SliceType { elem } | ExprKind::ChanType { elem, .. } => d(*elem),
            ExprKind::MapType { key, value } => d(*key).max(d(*value)),
            ExprKind::FuncType(s) => sig(s),
            ExprKind::StructType { fields } => fields.iter().map(|f| d(f.ty)).max().unwrap_or(0),
            ExprKind::InterfaceType { elems } => {
                let part = |e: &InterfaceElem| match e {
                    InterfaceElem::Method { sig: s, .. } => sig(s),
                    InterfaceElem::Embed(x) => d(*x),
                };
                elems.iter().map(part).max().unwrap_or(0)
            }
        }
    }

    pub fn ident(&mut self, i: Ident) -> ExprId {
        self.expr(ExprKind::Ident(i.name), i.span.lo, i.span.hi)
    }

    pub fn literal(&mut self, kind: LitKind, text: Sym, lo: u32, hi: u32) -> ExprId {
        self.expr(ExprKind::Lit { kind, text }, lo, hi)
    }

    pub fn selector(&mut self, x: ExprId, sel: Ident) -> ExprId {
        self.from(ExprKind::Selector { x, sel }, x, sel.span.hi)
    }

    pub fn qualified(&mut self, package: Ident, sel: Ident) -> ExprId {
        let x = self.ident(package);
        self.selector(x, sel)
    }

    pub fn index(&mut self, x: ExprId, indices: Vec<ExprId>, hi: u32) -> ExprId {
        self.from(ExprKind::Index { x, indices }, x, hi)
    }

    pub fn binary(&mut self, op: BinaryOp, op_span: Span, x: ExprId, y: ExprId) -> ExprId {
        let lo = self.ast.span(x).lo;
        self.to(ExprKind::Binary { op, op_span, x, y }, lo, y)
    }

    pub fn call(&mut self, fun: ExprId, args: Vec<ExprId>, spread: bool, paren: u32, hi: u32) -> ExprId {
        self.from(ExprKind::Call { fun, args, spread, parens: Span::new(paren, hi) }, fun, hi)
    }

    pub fn composite(&mut self, ty: Option<ExprId>, elems: Vec<Element>, brace: u32, hi: u32) -> ExprId {
        let lo = ty.map_or(brace, |t| self.ast.span(t).lo);
        self.expr(ExprKind::Composite { ty, elems, braces: Span::new(brace, hi) }, lo, hi)
    }

    /// The array type `[n]elem` whose bracket was read as an index list.
    pub fn array_of(&mut self, lo: u32, mut bracket: Vec<ExprId>, elem: ExprId) -> ExprId {
        if bracket.len() > 1 {
            let span = self.ast.span(bracket[1]);
            self.error(span, "syntax error: unexpected comma; expecting ]");
        }
        let len = bracket.drain(..1).next();
        self.to(ExprKind::ArrayType { len, elem }, lo, elem)
    }

    // ---- functions

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

    /// Tells names from types: if any entry has both, all are names.
    pub fn params(&mut self, raw: Vec<RawParam>, _results: bool) -> Vec<Param> {
        let named = raw.iter().any(|p| matches!(p, RawParam::Named { .. }));
        let mut out: Vec<Param> = Vec::with_capacity(raw.len());
        if !named {
            for p in raw {
                match p {
                    RawParam::Name(i) => {
                        let ty = self.ident(i);
                        out.push(Param { name: None, ty, variadic: false, span: i.span });
                    }
                    RawParam::Type { ty, variadic, span } => out.push(Param { name: None, ty, variadic, span }),
                    RawParam::Named { .. } => {}
                }
            }
            return out;
        }
        // From the end: a bare name takes the type of the entry after it.
        let mut ty = None;
        let mut mixed = None;
        for p in raw.into_iter().rev() {
            match p {
                RawParam::Named { name, ty: t, variadic } => {
                    let span = name.span.to(self.ast.span(t));
                    ty = Some((t, variadic));
                    out.push(Param { name: Some(name), ty: t, variadic, span });
                }
                RawParam::Name(name) => match ty {
                    Some((t, variadic)) => {
                        if variadic {
                            self.error(name.span, "can only use ... with final parameter in list");
                        }
                        out.push(Param { name: Some(name), ty: t, variadic: false, span: name.span });
                    }
                    None => {
                        mixed = Some(name.span);
                        let t = self.ident(name);
                        out.push(Param { name: None, ty: t, variadic: false, span: name.span });
                    }
                },
                RawParam::Type { ty: t, variadic, span } => {
                    mixed = Some(span);
                    out.push(Param { name: None, ty: t, variadic, span });
                }
            }
        }
        if let Some(span) = mixed {
            self.error(span, "syntax error: mixed named and unnamed parameters");
        }
        out.reverse();
        out
    }

    pub fn signature(&mut self, params: Vec<RawParam>, results: Option<Vec<RawParam>>, span: Span) -> Signature {
        let params = self.params(params, false);
        let results = self.params(results.unwrap_or_default(), true);
        Signature { params, results, span }
    }

    pub fn func_type(&mut self, params: Vec<RawParam>, results: Option<Vec<RawParam>>, lo: u32, hi: u32) -> ExprId {
        let sig = self.signature(params, results, Span::new(lo, hi));
        self.expr(ExprKind::FuncType(Box::new(sig)), lo, hi)
    }

    pub fn func(
        &mut self,
        name: Option<Ident>,
        recv: Option<Vec<Param>>,
        tparams: Vec<TypeParam>,
        sig: Signature,
        body: Option<Block>,
        span: Span,
    ) -> FuncId {
        self.ast.funcs.push(Func { name, recv, tparams, sig, body, span });
        FuncId(self.ast.funcs.len() as u32 - 1)
    }

    pub fn func_lit(
        &mut self,
        params: Vec<RawParam>,
        results: Option<Vec<RawParam>>,
        sig_end: u32,
        body: Block,
        lo: u32,
        hi: u32,
    ) -> ExprId {
        let sig = self.signature(params, results, Span::new(lo, sig_end));
        let f = self.func(None, None, Vec::new(), sig, Some(body), Span::new(lo, hi));
        self.expr(ExprKind::FuncLit(f), lo, hi)
    }

    /// `K, V any` gives both the constraint.
    pub fn type_params(&mut self, raw: Vec<(Ident, Option<ExprId>)>) -> Vec<TypeParam> {
        let mut out = Vec::with_capacity(raw.len());
        let mut constraint = None;
        for (name, own) in raw.into_iter().rev() {
            constraint = own.or(constraint);
            let constraint = match constraint {
                Some(c) => c,
                None => {
                    self.error(name.span, "syntax error: missing type constraint");
                    self.expr(ExprKind::Bad, name.span.lo, name.span.hi)
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

    pub fn paren_embedded(&mut self, ty: ExprId, lo: u32, hi: u32) -> ExprId {
        self.error(Span::new(lo, hi), "syntax error: cannot parenthesize embedded type");
        ty
    }

    pub fn fields(&mut self, names: Vec<Ident>, ty: ExprId) -> Vec<FieldDecl> {
        let field = |n: Ident| FieldDecl { name: Some(n), ty, tag: None, span: n.span };
        names.into_iter().map(field).collect()
    }

    // ---- top level

    pub fn package(&mut self, name: Ident) {
        self.package = Some(name);
    }

    pub fn top(&mut self, item: TopItem) {
        self.declared = true;
        self.items.push(item);
    }

    pub fn top_stmt(&mut self, s: StmtId) {
        let stmt = self.ast.stmt(s);
        let span = stmt.span;
        match stmt.kind {
            StmtKind::Decl(_) => self.declared = true,
            StmtKind::Bad => {}
            _ if self.package.is_some() => {
                self.error(span, "syntax error: non-declaration statement outside function body");
                return;
            }
            _ => {}
        }
        self.items.push(TopItem::Stmt(s));
    }

    pub fn top_import(&mut self, spec: ImportSpec) {
        if self.declared && self.package.is_some() {
            self.error(spec.span, "syntax error: imports must appear before other declarations");
        }
        self.items.push(TopItem::Import(spec));
    }

    pub fn dot(&mut self, lo: u32, hi: u32) -> Ident {
        Ident { name: self.names.intern("."), span: Span::new(lo, hi) }
    }

    pub fn import(&mut self, name: Option<Ident>, path: Sym, path_span: Span, lo: u32) -> ImportSpec {
        let text = self.names.name(path).to_string();
        let path = match literal::unquote_string(&text).and_then(|b| String::from_utf8(b).ok()) {
            Some(p) if !p.is_empty() => self.names.intern(&p),
            _ => {
                self.error(path_span, format!("invalid import path: {text}"));
                self.names.intern("")
            }
        };
        ImportSpec { name, path, path_span, span: Span::new(lo, path_span.hi) }
    }

    // ---- statements

    pub fn stmt(&mut self, kind: StmtKind, lo: u32, hi: u32) -> StmtId {
        self.ast.stmts.push(Stmt { kind, span: Span::new(lo, hi) });
        StmtId(self.ast.stmts.len() as u32 - 1)
    }

    fn nested(&mut self, s: StmtId, inner: Option<StmtId>) -> StmtId {
        let depth = 1 + inner.and_then(|i| self.depths.get(&i).copied()).unwrap_or(0);
        if depth > MAX_NESTING {
            let span = self.ast.stmt(s).span;
            self.deep(span);
            self.ast.stmts[s.0 as usize].kind = StmtKind::Bad;
            return s;
        }
        self.depths.insert(s, depth);
        s
    }

    pub fn labeled(&mut self, label: Ident, stmt: Option<StmtId>, hi: u32) -> StmtId {
        let inner = match stmt {
            Some(s) => s,
            None => self.stmt(StmtKind::Empty, hi, hi),
        };
        let s = self.stmt(StmtKind::Labeled { label, stmt: inner }, label.span.lo, hi);
        self.nested(s, stmt)
    }

    pub fn expr_stmt(&mut self, mut list: Vec<ExprId>, lo: u32, hi: u32) -> StmtId {
        if list.len() == 1 {
            let x = list.remove(0);
            return self.stmt(StmtKind::Expr(x), lo, hi);
        }
        // Kept as an assignment without right sides: a case's list, or an error.
        self.stmt(StmtKind::Assign { lhs: list, rhs: Vec::new(), op_span: Span::NONE }, lo, hi)
    }

    pub fn op_assign(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        mut lhs: Vec<ExprId>,
        mut rhs: Vec<ExprId>,
        lo: u32,
        hi: u32,
    ) -> StmtId {
        if lhs.len() > 1 || rhs.len() > 1 {
            self.error(op_span, "syntax error: unexpected op=, expected := or = or comma");
        }
        let (lhs, rhs) = (lhs.remove(0), rhs.remove(0));
        self.stmt(StmtKind::OpAssign { op, lhs, rhs, op_span }, lo, hi)
    }

    /// A simple statement that is to be a condition.
    fn condition(&mut self, s: StmtId, what: &str) -> ExprId {
        let span = self.ast.stmt(s).span;
        match &self.ast.stmt(s).kind {
            StmtKind::Expr(x) => *x,
            StmtKind::Bad => self.expr(ExprKind::Bad, span.lo, span.hi),
            kind => {
                let assign = matches!(kind, StmtKind::Assign { rhs, .. } if !rhs.is_empty());
                let mut d = Diagnostic::error("syntax", span, format!("cannot use this statement as value in {what}"));
                if assign {
                    d.message = format!("cannot use assignment as value in {what}");
                    d = d.help("use == to compare");
                }
                self.diags.push(d);
                self.expr(ExprKind::Bad, span.lo, span.hi)
            }
        }
    }

    pub fn if_stmt(
        &mut self,
        (init, cond): (Option<StmtId>, Option<StmtId>),
        then: Block,
        els: Option<StmtId>,
        lo: u32,
        hi: u32,
    ) -> StmtId {
        let cond = match cond {
            Some(s) => self.condition(s, "if condition"),
            None => self.expr(ExprKind::Bad, lo, lo),
        };
        let s = self.stmt(StmtKind::If { init, cond, then, els }, lo, hi);
        self.nested(s, els)
    }

    /// A case's list of expressions or types.
    fn case_exprs(&mut self, head: Option<StmtId>) -> Vec<ExprId> {
        let Some(s) = head else { return Vec::new() };
        let span = self.ast.stmt(s).span;
        match &self.ast.stmt(s).kind {
            StmtKind::Expr(x) => vec![*x],
            StmtKind::Assign { lhs, rhs, .. } if rhs.is_empty() => lhs.clone(),
            _ => {
                self.error(span, "syntax error: unexpected statement in case; expecting a list of expressions");
                Vec::new()
            }
        }
    }

    pub fn switch(
        &mut self,
        (init, head): (Option<StmtId>, Option<StmtId>),
        raw: Vec<RawCase>,
        body: Span,
        lo: u32,
        hi: u32,
    ) -> StmtId {
        let mut cases = Vec::with_capacity(raw.len());
        for c in raw {
            let exprs = self.case_exprs(c.head);
            cases.push(Case { exprs, is_default: c.head.is_none(), body: c.body, span: c.span, colon: c.colon });
        }
        // `x.(type)`, alone or bound.
        let type_switch = head.and_then(|s| {
            let (bind, x) = match &self.ast.stmt(s).kind {
                StmtKind::Expr(x) => (None, *x),
                StmtKind::Define { lhs, rhs, .. } if lhs.len() == 1 && rhs.len() == 1 => (Some(lhs[0]), rhs[0]),
                _ => return None,
            };
            let ExprKind::TypeAssert { x, ty: None } = self.ast.expr(x).kind else { return None };
            let bind = bind.and_then(|b| match self.ast.expr(b).kind {
                ExprKind::Ident(name) => Some(Ident { name, span: self.ast.span(b) }),
                _ => None,
            });
            Some((bind, x))
        });
        if let Some((bind, x)) = type_switch {
            return self.stmt(StmtKind::TypeSwitch { init, bind, x, cases, body }, lo, hi);
        }
        let tag = head.map(|s| self.condition(s, "switch expression"));
        self.stmt(StmtKind::Switch { init, tag, cases, body }, lo, hi)
    }

    pub fn select(&mut self, raw: Vec<RawCase>, body: Span, lo: u32, hi: u32) -> StmtId {
        let case = |c: RawCase| CommCase { comm: c.head, body: c.body, span: c.span, colon: c.colon };
        let cases = raw.into_iter().map(case).collect();
        self.stmt(StmtKind::Select { cases, body }, lo, hi)
    }

    pub fn for_stmt(&mut self, head: RawFor, body: Block, lo: u32, hi: u32) -> StmtId {
        match head {
            RawFor::Range { lhs, define, x } => self.stmt(StmtKind::Range { lhs, define, x, body }, lo, hi),
            RawFor::Clause(init, cond, post) => {
                let cond = cond.map(|s| self.condition(s, "for condition"));
                if let Some(p) = post
                    && let StmtKind::Define { .. } = self.ast.stmt(p).kind
                {
                    let span = self.ast.stmt(p).span;
                    self.error(span, "syntax error: cannot declare in post statement of for loop");
                }
                self.stmt(StmtKind::For { init, cond, post, body }, lo, hi)
            }
        }
    }

    // ---- errors

    pub fn recovered(&mut self, e: ErrorRecovery<u32, Tok, ()>, lo: u32, hi: u32) -> StmtId {
        self.parse_error(e.error);
        self.stmt(StmtKind::Bad, lo, hi)
    }

    pub fn parse_error(&mut self, e: ParseError<u32, Tok, ()>) {
        let (span, found, expected) = match e {
            ParseError::UnrecognizedToken { token: (l, t, r), expected } => {
                (Span::new(l, r.max(l + 1)), self.describe(t), expected)
            }
            ParseError::UnrecognizedEof { location, expected } => {
                self.incomplete = true;
                (Span::new(location, location), "end of file".to_string(), expected)
            }
            ParseError::ExtraToken { token: (l, t, r) } => (Span::new(l, r.max(l + 1)), self.describe(t), Vec::new()),
            ParseError::InvalidToken { location } => (Span::new(location, location + 1), "token".into(), Vec::new()),
            ParseError::User { .. } => return,
        };
        if span.lo != 0 && span.lo <= self.last_error {
            return;
        }
        self.last_error = span.lo;
        let expects = |what: &str| expected.iter().any(|e| e.trim_matches('"') == what);
        let mut message = format!("syntax error: unexpected {found}");
        if expects("{body") && !expects("}") && expected.len() > 20 {
            message.push_str(", expected { after header");
        } else if expected.len() <= 3 && !expected.is_empty() {
            let list: Vec<String> =
                expected.iter().map(|e| expected_name(e.trim_matches('"')).to_string()).collect();
            message.push_str(&format!(", expected {}", list.join(" or ")));
        } else if found == "newline" && expects(")") && expects(",") {
            message.push_str(" in argument list; possibly missing comma or )");
        } else if found == "newline" && expects("}") && expects(",") {
            message.push_str(" in composite literal; possibly missing comma or }");
        } else if expects("}") && expects(";") {
            message.push_str(" at end of statement");
        } else if expects("id") && expects("int") && expects("func") {
            message.push_str(", expected expression");
        }
        self.diags.push(Diagnostic::error("syntax", span, message));
    }

    fn describe(&self, t: Tok) -> String {
        let literal = |s: Sym| format!("literal {}", self.names.name(s));
        match t {
            Tok::Ident(s) => format!("name {}", self.names.name(s)),
            Tok::Int(s) | Tok::Float(s) | Tok::Imag(s) | Tok::Char(s) | Tok::Str(s) => literal(s),
            Tok::Semi(true) => "newline".into(),
            Tok::Semi(false) => "semicolon".into(),
            Tok::Comma => "comma".into(),
            t => match symbol(t) {
                Some((text, true)) => format!("keyword {text}"),
                Some((text, false)) => text.into(),
                None => "token".into(),
            },
        }
    }
}

fn expected_name(name: &str) -> &str {
    match name {
        "id" => "name",
        "str" => "string literal",
        "{body" => "{",
        "[tp" => "[",
        "func decl" => "func",
        ";" => "semicolon or newline",
        "," => "comma",
        other => other,
    }
}

/// A token's text, and whether it is a keyword.
fn symbol(t: Tok) -> Option<(&'static str, bool)> {
    Some(match t {
        Tok::Break => ("break", true),
        Tok::Case => ("case", true),
        Tok::Chan => ("chan", true),
        Tok::Const => ("const", true),
        Tok::Continue => ("continue", true),
        Tok::Default => ("default", true),
        Tok::Defer => ("defer", true),
        Tok::Else => ("else", true),
        Tok::Fallthrough => ("fallthrough", true),
        Tok::For => ("for", true),
        Tok::Func | Tok::FuncDecl => ("func", true),
        Tok::Go => ("go", true),
        Tok::Goto => ("goto", true),
        Tok::If => ("if", true),
        Tok::Import => ("import", true),
        Tok::Interface => ("interface", true),
        Tok::Map => ("map", true),
        Tok::Package => ("package", true),
        Tok::Range => ("range", true),
        Tok::Return => ("return", true),
        Tok::Select => ("select", true),
        Tok::Struct => ("struct", true),
        Tok::Switch => ("switch", true),
        Tok::Type => ("type", true),
        Tok::Var => ("var", true),
        Tok::Add => ("+", false),
        Tok::Sub => ("-", false),
        Tok::Star => ("*", false),
        Tok::Div => ("/", false),
        Tok::Rem => ("%", false),
        Tok::And => ("&", false),
        Tok::Or => ("|", false),
        Tok::Xor => ("^", false),
        Tok::Shl => ("<<", false),
        Tok::Shr => (">>", false),
        Tok::AndNot => ("&^", false),
        Tok::OpAssign(_) => ("op=", false),
        Tok::LAnd => ("&&", false),
        Tok::LOr => ("||", false),
        Tok::Arrow => ("<-", false),
        Tok::Inc => ("++", false),
        Tok::Dec => ("--", false),
        Tok::Eq => ("==", false),
        Tok::Lt => ("<", false),
        Tok::Gt => (">", false),
        Tok::Assign => ("=", false),
        Tok::Not => ("!", false),
        Tok::Tilde => ("~", false),
        Tok::Ne => ("!=", false),
        Tok::Le => ("<=", false),
        Tok::Ge => (">=", false),
        Tok::Define => (":=", false),
        Tok::Dots => ("...", false),
        Tok::LParen => ("(", false),
        Tok::RParen => (")", false),
        Tok::LBrack | Tok::TpLBrack => ("[", false),
        Tok::RBrack => ("]", false),
        Tok::LBrace | Tok::LBody => ("{", false),
        Tok::RBrace => ("}", false),
        Tok::Dot => (".", false),
        Tok::Colon => (":", false),
        _ => return None,
    })
}
