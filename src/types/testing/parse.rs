//! A small recursive-descent parser for the checker's own tests, independent of the grammar: it only has to read
//! correct programs, and panics on others.
use crate::base::diag::Diagnostics;
use crate::base::intern::{Interner, Sym};
use crate::base::span::{FileId, SourceMap, Span};
use crate::syntax::ast::*;

#[derive(Clone, Debug, PartialEq)]
enum T {
    Ident(String),
    Lit(LitKind, String),
    Op(&'static str),
    Kw(&'static str),
    Semi,
    Eof,
}

const KEYWORDS: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];
const OPS: &[&str] = &[
    "<<=", ">>=", "&^=", "...", "&&", "||", "<-", "++", "--", "==", "!=", "<=", ">=", ":=", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "<<", ">>", "&^", "+", "-", "*", "/", "%", "&", "|", "^", "<", ">", "=", "!", "(", ")",
    "[", "]", "{", "}", ",", ".", ":", ";", "~",
];

fn lex(text: &str, base: u32) -> Vec<(T, Span)> {
    let b = text.as_bytes();
    let mut out: Vec<(T, Span)> = Vec::new();
    let mut i = 0;
    let mut insert = false;
    let at = |i: usize, j: usize| Span::new(base + i as u32, base + j as u32);
    while i < b.len() {
        let c = b[i];
        if c == b'\n' {
            if insert {
                out.push((T::Semi, at(i, i + 1)));
                insert = false;
            }
            i += 1;
            continue;
        }
        if c == b' ' || c == b'\t' || c == b'\r' {
            i += 1;
            continue;
        }
        if b[i..].starts_with(b"//") || (i == 0 && b.starts_with(b"#!")) {
            while i < b.len() && b[i] != b'\n' {
                i += 1;
            }
            continue;
        }
        if b[i..].starts_with(b"/*") {
            let end = text[i + 2..].find("*/").map(|e| i + 2 + e + 2).expect("comment");
            if insert && text[i..end].contains('\n') {
                out.push((T::Semi, at(i, i + 1)));
                insert = false;
            }
            i = end;
            continue;
        }
        let start = i;
        let ch = text[i..].chars().next().unwrap();
        if ch.is_alphabetic() || ch == '_' {
            while let Some(c) = text[i..].chars().next() {
                if c.is_alphanumeric() || c == '_' {
                    i += c.len_utf8();
                } else {
                    break;
                }
            }
            let word = &text[start..i];
            if let Some(k) = KEYWORDS.iter().find(|k| **k == word) {
                insert = matches!(*k, "break" | "continue" | "fallthrough" | "return");
                out.push((T::Kw(k), at(start, i)));
            } else {
                insert = true;
                out.push((T::Ident(word.to_string()), at(start, i)));
            }
            continue;
        }
        insert = true;
        if c.is_ascii_digit() || (c == b'.' && b.get(i + 1).is_some_and(u8::is_ascii_digit)) {
            let hex = b[i..].starts_with(b"0x") || b[i..].starts_with(b"0X");
            let mut float = false;
            while i < b.len() {
                let c = b[i];
                if c == b'.' {
                    float = true;
                } else if !hex && (c == b'e' || c == b'E') || hex && (c == b'p' || c == b'P') {
                    float = true;
                    if matches!(b.get(i + 1), Some(b'+' | b'-')) {
                        i += 1;
                    }
                } else if !(c.is_ascii_alphanumeric() || c == b'_') {
                    break;
                }
                i += 1;
            }
            let s = &text[start..i];
            let kind = if s.ends_with('i') {
                LitKind::Imag
            } else if float {
                LitKind::Float
            } else {
                LitKind::Int
            };
            out.push((T::Lit(kind, s.to_string()), at(start, i)));
            continue;
        }
        if c == b'"' || c == b'\'' {
            i += 1;
            while b[i] != c {
                i += if b[i] == b'\\' { 2 } else { 1 };
            }
            i += 1;
            let kind = if c == b'"' { LitKind::String } else { LitKind::Char };
            out.push((T::Lit(kind, text[start..i].to_string()), at(start, i)));
            continue;
        }
        if c == b'`' {
            i += 1 + text[i + 1..].find('`').expect("raw string") + 1;
            out.push((T::Lit(LitKind::String, text[start..i].to_string()), at(start, i)));
            continue;
        }
        let op = OPS.iter().find(|o| text[i..].starts_with(**o)).unwrap_or_else(|| panic!("bad character {ch:?}"));
        i += op.len();
        insert = matches!(*op, ")" | "]" | "}" | "++" | "--");
        out.push((if *op == ";" { T::Semi } else { T::Op(op) }, at(start, i)));
    }
    if insert {
        out.push((T::Semi, at(i, i)));
    }
    out.push((T::Eof, at(i, i)));
    out
}

struct P<'a> {
    toks: Vec<(T, Span)>,
    pos: usize,
    ast: &'a mut Ast,
    names: &'a mut Interner,
    /// Below zero, composite literals need parentheses.
    level: i32,
    place: String,
}

pub fn parse_file(file: FileId, sources: &SourceMap, names: &mut Interner, ast: &mut Ast, _diags: &mut Diagnostics) {
    let f = sources.file(file);
    let toks = lex(&f.text, f.base);
    let span = Span::new(f.base, f.base + f.text.len() as u32);
    let mut p = P { toks, pos: 0, ast, names, level: 0, place: f.name.clone() };
    let mut package = None;
    if p.got_kw("package") {
        package = Some(p.ident());
        p.semi();
    }
    let mut items = Vec::new();
    while !p.is(&T::Eof) {
        if p.got(&T::Semi) {
            continue;
        }
        p.item(&mut items);
        if !p.is(&T::Eof) {
            p.semi();
        }
    }
    p.ast.files.push(File { id: file, package, items, span });
}

impl P<'_> {
    fn tok(&self) -> &T {
        &self.toks[self.pos].0
    }
    fn peek(&self, n: usize) -> &T {
        &self.toks[(self.pos + n).min(self.toks.len() - 1)].0
    }
    fn span(&self) -> Span {
        self.toks[self.pos].1
    }
    fn last(&self) -> Span {
        self.toks[self.pos.saturating_sub(1)].1
    }
    fn from(&self, start: Span) -> Span {
        Span::new(start.lo, self.last().hi.max(start.lo))
    }
    fn is(&self, t: &T) -> bool {
        self.tok() == t
    }
    fn is_op(&self, o: &str) -> bool {
        matches!(self.tok(), T::Op(x) if *x == o)
    }
    fn is_kw(&self, k: &str) -> bool {
        matches!(self.tok(), T::Kw(x) if *x == k)
    }
    fn next(&mut self) -> T {
        let t = self.tok().clone();
        if self.pos + 1 < self.toks.len() {
            self.pos += 1;
        }
        t
    }
    fn got(&mut self, t: &T) -> bool {
        let ok = self.is(t);
        if ok {
            self.next();
        }
        ok
    }
    fn got_op(&mut self, o: &str) -> bool {
        let ok = self.is_op(o);
        if ok {
            self.next();
        }
        ok
    }
    fn got_kw(&mut self, o: &str) -> bool {
        let ok = self.is_kw(o);
        if ok {
            self.next();
        }
        ok
    }
    fn fail(&self, what: &str) -> ! {
        panic!("syntax: {}: expected {what}, have {:?} at {:?}", self.place, self.tok(), self.span())
    }
    fn op(&mut self, o: &str) -> Span {
        let s = self.span();
        if !self.got_op(o) {
            self.fail(o);
        }
        s
    }
    fn kw(&mut self, o: &str) {
        if !self.got_kw(o) {
            self.fail(o);
        }
    }
    fn semi(&mut self) {
        if self.is_op(")") || self.is_op("}") {
            return;
        }
        if !self.got(&T::Semi) {
            self.fail("semicolon");
        }
    }
    fn sym(&mut self, s: &str) -> Sym {
        self.names.intern(s)
    }
    fn ident(&mut self) -> Ident {
        let span = self.span();
        match self.next() {
            T::Ident(s) => Ident { name: self.names.intern(&s), span },
            _ => {
                self.pos -= 1;
                self.fail("identifier")
            }
        }
    }
    fn expr_at(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.ast.exprs.push(Expr { kind, span, depth: 1 });
        ExprId(self.ast.exprs.len() as u32 - 1)
    }
    fn stmt_at(&mut self, kind: StmtKind, span: Span) -> StmtId {
        self.ast.stmts.push(Stmt { kind, span });
        StmtId(self.ast.stmts.len() as u32 - 1)
    }

    fn item(&mut self, items: &mut Vec<TopItem>) {
        if self.got_kw("import") {
            if self.got_op("(") {
                while !self.got_op(")") {
                    let spec = self.import();
                    items.push(TopItem::Import(spec));
                    self.semi();
                }
            } else {
                let spec = self.import();
                items.push(TopItem::Import(spec));
            }
        } else if self.is_kw("func") && (matches!(self.peek(1), T::Ident(_)) || self.method_ahead()) {
            let f = self.func_decl();
            items.push(TopItem::Func(f));
        } else {
            let s = self.stmt();
            items.push(TopItem::Stmt(s));
        }
    }

    /// `func (r T) name(`, not a function literal.
    fn method_ahead(&self) -> bool {
        if !matches!(self.peek(1), T::Op("(")) {
            return false;
        }
        let mut depth = 0;
        let mut i = 1;
        loop {
            match self.peek(i) {
                T::Op("(") => depth += 1,
                T::Op(")") => {
                    depth -= 1;
                    if depth == 0 {
                        return matches!(self.peek(i + 1), T::Ident(_));
                    }
                }
                T::Eof => return false,
                _ => {}
            }
            i += 1;
        }
    }

    fn import(&mut self) -> ImportSpec {
        let start = self.span();
        let mut name = None;
        if let T::Ident(_) = self.tok() {
            name = Some(self.ident());
        } else if self.is_op(".") {
            let span = self.op(".");
            name = Some(Ident { name: self.sym("."), span });
        }
        let path_span = self.span();
        let T::Lit(_, text) = self.next() else { self.fail("path") };
        let path = self.sym(text.trim_matches(['"', '`']));
        ImportSpec { name, path, path_span, span: self.from(start) }
    }

    fn func_decl(&mut self) -> FuncId {
        let start = self.span();
        self.kw("func");
        let mut recv = None;
        if self.is_op("(") {
            recv = Some(self.params());
        }
        let name = self.ident();
        let mut tparams = Vec::new();
        if self.is_op("[") {
            self.next();
            tparams = self.tparams();
        }
        let sig = self.signature();
        let body = self.is_op("{").then(|| self.func_body());
        let span = self.from(start);
        self.ast.funcs.push(Func { name: Some(name), recv, tparams, sig, body, span });
        FuncId(self.ast.funcs.len() as u32 - 1)
    }

    fn func_body(&mut self) -> Block {
        let level = std::mem::replace(&mut self.level, 0);
        let b = self.block();
        self.level = level;
        b
    }

    /// After `[`, through `]`.
    fn tparams(&mut self) -> Vec<TypeParam> {
        let mut out: Vec<TypeParam> = Vec::new();
        let mut names: Vec<Ident> = Vec::new();
        while !self.is_op("]") {
            names.push(self.ident());
            if self.got_op(",") {
                continue;
            }
            let constraint = self.constraint();
            out.extend(names.drain(..).map(|name| TypeParam { name, constraint }));
            if !self.got_op(",") {
                break;
            }
        }
        self.op("]");
        out
    }

    fn constraint(&mut self) -> ExprId {
        let start = self.span();
        let mut x = self.term();
        while self.is_op("|") {
            let op_span = self.op("|");
            let y = self.term();
            let span = self.from(start);
            x = self.expr_at(ExprKind::Binary { op: BinaryOp::Or, op_span, x, y }, span);
        }
        x
    }

    fn term(&mut self) -> ExprId {
        let start = self.span();
        if self.got_op("~") {
            let t = self.typ();
            let span = self.from(start);
            return self.expr_at(ExprKind::Tilde(t), span);
        }
        self.typ()
    }

    fn signature(&mut self) -> Signature {
        let start = self.span();
        let params = self.params();
        let mut results = Vec::new();
        if self.is_op("(") {
            results = self.params();
        } else if self.type_ahead() {
            let s = self.span();
            let ty = self.typ();
            results.push(Param { name: None, ty, variadic: false, span: self.from(s) });
        }
        Signature { params, results, span: self.from(start) }
    }

    fn type_ahead(&self) -> bool {
        match self.tok() {
            T::Ident(_) => true,
            T::Op(o) => matches!(*o, "*" | "[" | "(" | "<-"),
            T::Kw(k) => matches!(*k, "func" | "struct" | "interface" | "map" | "chan"),
            _ => false,
        }
    }

    fn params(&mut self) -> Vec<Param> {
        self.op("(");
        struct Entry {
            name: Option<Ident>,
            ty: Option<ExprId>,
            variadic: bool,
            span: Span,
        }
        let mut list: Vec<Entry> = Vec::new();
        while !self.is_op(")") {
            let start = self.span();
            // a name followed by a type, or only a type
            let named = matches!(self.tok(), T::Ident(_))
                && match self.peek(1) {
                    T::Op(o) => match *o {
                        "," | ")" | "." => false,
                        "[" => self.name_then_array(),
                        _ => true,
                    },
                    T::Semi | T::Eof => false,
                    _ => true,
                };
            if named {
                let name = self.ident();
                let variadic = self.got_op("...");
                let ty = self.typ();
                list.push(Entry { name: Some(name), ty: Some(ty), variadic, span: self.from(start) });
            } else {
                let variadic = self.got_op("...");
                let ty = self.typ();
                list.push(Entry { name: None, ty: Some(ty), variadic, span: self.from(start) });
            }
            if !self.got_op(",") {
                break;
            }
        }
        self.op(")");
        if list.iter().any(|e| e.name.is_some()) {
            // entries without a type are names of a group
            let mut ty = None;
            let mut variadic = false;
            for e in list.iter_mut().rev() {
                if e.name.is_some() {
                    ty = e.ty;
                    variadic = e.variadic;
                } else {
                    let id = e.ty.unwrap();
                    let ExprKind::Ident(name) = self.ast.expr(id).kind else { panic!("mixed parameters") };
                    e.name = Some(Ident { name, span: self.ast.span(id) });
                    e.ty = ty;
                    e.variadic = variadic;
                }
            }
        }
        list.into_iter()
            .map(|e| Param { name: e.name, ty: e.ty.unwrap(), variadic: e.variadic, span: e.span })
            .collect()
    }

    /// `name [...]T` or `name []T` as against `name[T]`.
    fn name_then_array(&self) -> bool {
        // find the matching bracket: a type must follow it
        let mut depth = 0;
        let mut i = 1;
        loop {
            match self.peek(i) {
                T::Op("[") => depth += 1,
                T::Op("]") => {
                    depth -= 1;
                    if depth == 0 {
                        return match self.peek(i + 1) {
                            T::Ident(_) => true,
                            T::Kw(_) => true,
                            T::Op(o) => matches!(*o, "*" | "[" | "(" | "<-"),
                            _ => false,
                        };
                    }
                }
                T::Eof => return false,
                _ => {}
            }
            i += 1;
        }
    }

    // --- types

    fn typ(&mut self) -> ExprId {
        let start = self.span();
        let kind = match self.tok().clone() {
            T::Ident(_) => return self.type_name(),
            T::Op("*") => {
                self.next();
                ExprKind::Star(self.typ())
            }
            T::Op("(") => {
                self.next();
                let t = self.typ();
                self.op(")");
                ExprKind::Paren(t)
            }
            T::Op("[") => {
                self.next();
                if self.got_op("]") {
                    ExprKind::SliceType { elem: self.typ() }
                } else {
                    let len = if self.got_op("...") {
                        None
                    } else {
                        let level = std::mem::replace(&mut self.level, 0);
                        let e = self.expr();
                        self.level = level;
                        Some(e)
                    };
                    self.op("]");
                    ExprKind::ArrayType { len, elem: self.typ() }
                }
            }
            T::Op("<-") => {
                self.next();
                self.kw("chan");
                ExprKind::ChanType { dir: ChanDir::Recv, elem: self.typ() }
            }
            T::Kw("chan") => {
                self.next();
                let dir = if self.got_op("<-") { ChanDir::Send } else { ChanDir::Both };
                ExprKind::ChanType { dir, elem: self.typ() }
            }
            T::Kw("map") => {
                self.next();
                self.op("[");
                let key = self.typ();
                self.op("]");
                ExprKind::MapType { key, value: self.typ() }
            }
            T::Kw("func") => {
                self.next();
                ExprKind::FuncType(Box::new(self.signature()))
            }
            T::Kw("struct") => {
                self.next();
                self.op("{");
                let mut fields = Vec::new();
                while !self.got_op("}") {
                    self.fields(&mut fields);
                    self.semi();
                }
                ExprKind::StructType { fields }
            }
            T::Kw("interface") => {
                self.next();
                self.op("{");
                let mut elems = Vec::new();
                while !self.got_op("}") {
                    if matches!(self.tok(), T::Ident(_)) && matches!(self.peek(1), T::Op("(")) {
                        let name = self.ident();
                        let sig = self.signature();
                        elems.push(InterfaceElem::Method { name, sig });
                    } else {
                        let e = self.constraint();
                        elems.push(InterfaceElem::Embed(e));
                    }
                    self.semi();
                }
                ExprKind::InterfaceType { elems }
            }
            _ => self.fail("type"),
        };
        let span = self.from(start);
        self.expr_at(kind, span)
    }

    fn type_name(&mut self) -> ExprId {
        let start = self.span();
        let id = self.ident();
        let mut x = self.expr_at(ExprKind::Ident(id.name), id.span);
        if self.got_op(".") {
            let sel = self.ident();
            let span = self.from(start);
            x = self.expr_at(ExprKind::Selector { x, sel }, span);
        }
        if self.is_op("[") {
            self.next();
            let indices = self.type_args();
            let span = self.from(start);
            x = self.expr_at(ExprKind::Index { x, indices }, span);
        }
        x
    }

    /// After `[`, through `]`.
    fn type_args(&mut self) -> Vec<ExprId> {
        let mut list = vec![self.typ()];
        while self.got_op(",") {
            if self.is_op("]") {
                break;
            }
            list.push(self.typ());
        }
        self.op("]");
        list
    }

    fn fields(&mut self, fields: &mut Vec<FieldDecl>) {
        let start = self.span();
        let embedded = match self.tok() {
            T::Op("*") | T::Op("(") => true,
            T::Ident(_) => match self.peek(1) {
                T::Op(".") | T::Op("}") | T::Semi | T::Lit(..) => true,
                T::Op("[") => !self.name_then_array(),
                _ => false,
            },
            _ => false,
        };
        let at = fields.len();
        if embedded {
            let ty = self.typ();
            fields.push(FieldDecl { name: None, ty, tag: None, span: self.from(start) });
        } else {
            let mut names = vec![self.ident()];
            while self.got_op(",") {
                names.push(self.ident());
            }
            let ty = self.typ();
            let span = self.from(start);
            fields.extend(names.into_iter().map(|n| FieldDecl { name: Some(n), ty, tag: None, span }));
        }
        if let T::Lit(_, text) = self.tok().clone() {
            let span = self.span();
            self.next();
            let sym = self.sym(&text);
            for f in &mut fields[at..] {
                f.tag = Some((sym, span));
            }
        }
    }

    // --- expressions

    fn expr(&mut self) -> ExprId {
        self.binary(1)
    }

    fn exprs(&mut self) -> Vec<ExprId> {
        let mut list = vec![self.expr()];
        while self.got_op(",") {
            list.push(self.expr());
        }
        list
    }

    fn binary_op(&self) -> Option<(BinaryOp, u32)> {
        use BinaryOp::*;
        let T::Op(o) = self.tok() else { return None };
        Some(match *o {
            "||" => (LOr, 1),
            "&&" => (LAnd, 2),
            "==" => (Eq, 3),
            "!=" => (Ne, 3),
            "<" => (Lt, 3),
            "<=" => (Le, 3),
            ">" => (Gt, 3),
            ">=" => (Ge, 3),
            "+" => (Add, 4),
            "-" => (Sub, 4),
            "|" => (Or, 4),
            "^" => (Xor, 4),
            "*" => (Mul, 5),
            "/" => (Div, 5),
            "%" => (Rem, 5),
            "<<" => (Shl, 5),
            ">>" => (Shr, 5),
            "&" => (And, 5),
            "&^" => (AndNot, 5),
            _ => return None,
        })
    }

    fn binary(&mut self, min: u32) -> ExprId {
        let start = self.span();
        let mut x = self.unary();
        while let Some((op, prec)) = self.binary_op() {
            if prec < min {
                break;
            }
            let op_span = self.span();
            self.next();
            let y = self.binary(prec + 1);
            let span = self.from(start);
            x = self.expr_at(ExprKind::Binary { op, op_span, x, y }, span);
        }
        x
    }

    fn unary(&mut self) -> ExprId {
        let start = self.span();
        let op = match self.tok() {
            T::Op("+") => UnaryOp::Plus,
            T::Op("-") => UnaryOp::Neg,
            T::Op("!") => UnaryOp::Not,
            T::Op("^") => UnaryOp::BitNot,
            T::Op("&") => UnaryOp::Addr,
            T::Op("~") => {
                self.next();
                let x = self.unary();
                let span = self.from(start);
                return self.expr_at(ExprKind::Tilde(x), span);
            }
            T::Op("*") => {
                self.next();
                let x = self.unary();
                let span = self.from(start);
                return self.expr_at(ExprKind::Star(x), span);
            }
            T::Op("<-") => {
                if matches!(self.peek(1), T::Kw("chan")) {
                    let t = self.typ();
                    return self.suffixes(start, t);
                }
                UnaryOp::Recv
            }
            _ => return self.primary(),
        };
        self.next();
        let x = self.unary();
        let span = self.from(start);
        self.expr_at(ExprKind::Unary { op, x }, span)
    }

    fn primary(&mut self) -> ExprId {
        let start = self.span();
        let x = match self.tok().clone() {
            T::Ident(_) => {
                let id = self.ident();
                self.expr_at(ExprKind::Ident(id.name), id.span)
            }
            T::Lit(kind, text) => {
                self.next();
                let text = self.sym(&text);
                self.expr_at(ExprKind::Lit { kind, text }, start)
            }
            T::Op("(") => {
                self.next();
                let level = std::mem::replace(&mut self.level, 0);
                let x = if self.only_type_ahead() { self.typ() } else { self.expr() };
                self.level = level;
                self.op(")");
                let span = self.from(start);
                self.expr_at(ExprKind::Paren(x), span)
            }
            T::Kw("func") => {
                self.next();
                let sig = self.signature();
                let span = self.from(start);
                if self.is_op("{") {
                    let body = self.func_body();
                    let span = self.from(start);
                    self.ast.funcs.push(Func {
                        name: None,
                        recv: None,
                        tparams: Vec::new(),
                        sig,
                        body: Some(body),
                        span,
                    });
                    let f = FuncId(self.ast.funcs.len() as u32 - 1);
                    self.expr_at(ExprKind::FuncLit(f), span)
                } else {
                    self.expr_at(ExprKind::FuncType(Box::new(sig)), span)
                }
            }
            _ => self.typ(),
        };
        self.suffixes(start, x)
    }

    fn only_type_ahead(&self) -> bool {
        matches!(self.tok(), T::Kw("chan" | "map" | "struct" | "interface")) || self.is_op("[")
    }

    fn literal_type(&self, x: ExprId) -> bool {
        match &self.ast.expr(x).kind {
            ExprKind::Ident(_) => self.level >= 0,
            ExprKind::Selector { x, .. } => self.level >= 0 && matches!(self.ast.expr(*x).kind, ExprKind::Ident(_)),
            ExprKind::Index { x, .. } => self.level >= 0 && self.literal_type(*x),
            ExprKind::ArrayType { .. }
            | ExprKind::SliceType { .. }
            | ExprKind::MapType { .. }
            | ExprKind::StructType { .. } => true,
            _ => false,
        }
    }

    fn suffixes(&mut self, start: Span, mut x: ExprId) -> ExprId {
        loop {
            let T::Op(o) = *self.tok() else { return x };
            let kind = match o {
                "." => {
                    self.next();
                    if self.got_op("(") {
                        let ty = if self.got_kw("type") { None } else { Some(self.typ()) };
                        self.op(")");
                        ExprKind::TypeAssert { x, ty }
                    } else {
                        let sel = self.ident();
                        ExprKind::Selector { x, sel }
                    }
                }
                "[" => {
                    self.next();
                    let level = std::mem::replace(&mut self.level, 0);
                    let kind = self.index(x);
                    self.level = level;
                    kind
                }
                "(" => {
                    let open = self.span();
                    self.next();
                    let level = std::mem::replace(&mut self.level, 0);
                    let mut args = Vec::new();
                    let mut spread = false;
                    while !self.is_op(")") {
                        args.push(self.expr_or_type());
                        spread = self.got_op("...");
                        if !self.got_op(",") {
                            break;
                        }
                    }
                    self.level = level;
                    self.op(")");
                    let parens = self.from(open);
                    ExprKind::Call { fun: x, args, spread, parens }
                }
                "{" if self.literal_type(x) => {
                    let (elems, braces) = self.elements();
                    ExprKind::Composite { ty: Some(x), elems, braces }
                }
                _ => return x,
            };
            let span = self.from(start);
            x = self.expr_at(kind, span);
        }
    }

    fn expr_or_type(&mut self) -> ExprId {
        self.expr()
    }

    fn index(&mut self, x: ExprId) -> ExprKind {
        let mut parts: [Option<ExprId>; 3] = [None; 3];
        let mut colons = 0;
        if !self.is_op(":") {
            parts[0] = Some(self.expr_or_type());
        }
        if self.is_op(",") {
            let mut indices = vec![parts[0].unwrap()];
            while self.got_op(",") {
                if self.is_op("]") {
                    break;
                }
                indices.push(self.expr_or_type());
            }
            self.op("]");
            return ExprKind::Index { x, indices };
        }
        while colons < 2 && self.got_op(":") {
            colons += 1;
            if !self.is_op(":") && !self.is_op("]") {
                parts[colons] = Some(self.expr());
            }
        }
        self.op("]");
        if colons == 0 {
            return ExprKind::Index { x, indices: vec![parts[0].unwrap()] };
        }
        ExprKind::Slice { x, lo: parts[0], hi: parts[1], max: parts[2], full: colons == 2 }
    }

    fn elements(&mut self) -> (Vec<Element>, Span) {
        let start = self.span();
        self.op("{");
        let level = std::mem::replace(&mut self.level, 0);
        let mut elems = Vec::new();
        while !self.is_op("}") {
            let mut value = self.element();
            let mut key = None;
            if self.got_op(":") {
                key = Some(value);
                value = self.element();
            }
            elems.push(Element { key, value });
            if !self.got_op(",") {
                break;
            }
        }
        self.level = level;
        self.op("}");
        (elems, self.from(start))
    }

    fn element(&mut self) -> ExprId {
        let start = self.span();
        if self.is_op("{") {
            let (elems, braces) = self.elements();
            let span = self.from(start);
            return self.expr_at(ExprKind::Composite { ty: None, elems, braces }, span);
        }
        self.expr()
    }

    // --- statements

    fn block(&mut self) -> Block {
        let start = self.span();
        self.op("{");
        let stmts = self.stmts();
        self.op("}");
        Block { stmts, span: self.from(start) }
    }

    fn stmts(&mut self) -> Vec<StmtId> {
        let mut list = Vec::new();
        while !self.is_op("}") && !self.is_kw("case") && !self.is_kw("default") && !self.is(&T::Eof) {
            let s = self.stmt();
            list.push(s);
            if self.is_op("}") {
                break;
            }
            self.semi();
        }
        list
    }

    fn label(&mut self) -> Option<Ident> {
        matches!(self.tok(), T::Ident(_)).then(|| self.ident())
    }

    fn stmt(&mut self) -> StmtId {
        let start = self.span();
        let kind = match self.tok().clone() {
            T::Semi => return self.stmt_at(StmtKind::Empty, start),
            T::Op("}") => return self.stmt_at(StmtKind::Empty, start),
            T::Op("{") => StmtKind::Block(self.block()),
            T::Ident(_) if matches!(self.peek(1), T::Op(":")) => {
                let label = self.ident();
                self.op(":");
                let stmt = self.stmt();
                StmtKind::Labeled { label, stmt }
            }
            T::Kw(k) => match k {
                "var" | "const" | "type" => StmtKind::Decl(self.decl()),
                "go" => {
                    self.next();
                    StmtKind::Go(self.expr())
                }
                "defer" => {
                    self.next();
                    StmtKind::Defer(self.expr())
                }
                "return" => {
                    self.next();
                    let list = if self.is(&T::Semi) || self.is_op("}") { Vec::new() } else { self.exprs() };
                    StmtKind::Return(list)
                }
                "break" => {
                    self.next();
                    StmtKind::Break(self.label())
                }
                "continue" => {
                    self.next();
                    StmtKind::Continue(self.label())
                }
                "goto" => {
                    self.next();
                    StmtKind::Goto(self.ident())
                }
                "fallthrough" => {
                    self.next();
                    StmtKind::Fallthrough
                }
                "if" => self.if_stmt(),
                "switch" => self.switch_stmt(),
                "select" => self.select_stmt(),
                "for" => self.for_stmt(),
                _ => self.simple(false),
            },
            _ => self.simple(false),
        };
        let span = self.from(start);
        self.stmt_at(kind, span)
    }

    /// With `range`, `x, y := range z` comes back as a `Range` without body.
    fn simple(&mut self, range: bool) -> StmtKind {
        if range && self.got_kw("range") {
            let x = self.expr();
            return StmtKind::Range {
                lhs: Vec::new(),
                define: false,
                x,
                body: Block { stmts: vec![], span: Span::NONE },
            };
        }
        let mut lhs = self.exprs();
        let op_span = self.span();
        let T::Op(o) = *self.tok() else { return StmtKind::Expr(lhs.remove(0)) };
        let op = match o {
            ":=" | "=" => {
                self.next();
                if range && self.got_kw("range") {
                    let x = self.expr();
                    let body = Block { stmts: vec![], span: Span::NONE };
                    return StmtKind::Range { lhs, define: o == ":=", x, body };
                }
                let rhs = self.exprs();
                return if o == ":=" {
                    StmtKind::Define { lhs, rhs, op_span }
                } else {
                    StmtKind::Assign { lhs, rhs, op_span }
                };
            }
            "++" | "--" => {
                self.next();
                return StmtKind::IncDec { x: lhs[0], inc: o == "++" };
            }
            "<-" => {
                self.next();
                let value = self.expr();
                return StmtKind::Send { chan: lhs[0], value };
            }
            "+=" => BinaryOp::Add,
            "-=" => BinaryOp::Sub,
            "*=" => BinaryOp::Mul,
            "/=" => BinaryOp::Div,
            "%=" => BinaryOp::Rem,
            "&=" => BinaryOp::And,
            "|=" => BinaryOp::Or,
            "^=" => BinaryOp::Xor,
            "<<=" => BinaryOp::Shl,
            ">>=" => BinaryOp::Shr,
            "&^=" => BinaryOp::AndNot,
            _ => return StmtKind::Expr(lhs.remove(0)),
        };
        self.next();
        let rhs = self.expr();
        StmtKind::OpAssign { op, lhs: lhs[0], rhs, op_span }
    }

    fn simple_stmt(&mut self, range: bool) -> StmtId {
        let start = self.span();
        let kind = self.simple(range);
        let span = self.from(start);
        self.stmt_at(kind, span)
    }

    /// `init; main` of a header, before `{`.
    fn header(&mut self, range: bool) -> (Option<StmtId>, Option<StmtId>) {
        let mut init = None;
        let mut main = None;
        if !self.is(&T::Semi) && !self.is_op("{") {
            main = Some(self.simple_stmt(range));
        }
        if self.got(&T::Semi) {
            init = main.take();
            if !self.is_op("{") && !self.is(&T::Semi) {
                main = Some(self.simple_stmt(false));
            }
        }
        (init, main)
    }

    fn cond(&self, s: Option<StmtId>) -> Option<ExprId> {
        s.map(|s| match self.ast.stmt(s).kind {
            StmtKind::Expr(e) => e,
            _ => self.fail("condition"),
        })
    }

    fn if_stmt(&mut self) -> StmtKind {
        self.kw("if");
        let level = std::mem::replace(&mut self.level, -1);
        let (init, main) = self.header(false);
        self.level = level;
        let cond = self.cond(main).unwrap_or_else(|| self.fail("condition"));
        let then = self.block();
        let mut els = None;
        if self.got_kw("else") {
            els = Some(self.stmt());
        }
        StmtKind::If { init, cond, then, els }
    }

    fn switch_stmt(&mut self) -> StmtKind {
        self.kw("switch");
        let level = std::mem::replace(&mut self.level, -1);
        let (init, main) = self.header(false);
        self.level = level;
        let start = self.span();
        let mut guard = None;
        if let Some(m) = main {
            let is_guard = |p: &Self, e: ExprId| match p.ast.expr(e).kind {
                ExprKind::TypeAssert { x, ty: None } => Some(x),
                _ => None,
            };
            match &self.ast.stmt(m).kind {
                StmtKind::Define { lhs, rhs, .. } if rhs.len() == 1 && is_guard(self, rhs[0]).is_some() => {
                    let ExprKind::Ident(name) = self.ast.expr(lhs[0]).kind else { panic!() };
                    let id = Ident { name, span: self.ast.span(lhs[0]) };
                    guard = is_guard(self, rhs[0]).map(|x| (Some(id), x));
                }
                StmtKind::Expr(e) => guard = is_guard(self, *e).map(|x| (None, x)),
                _ => {}
            }
        }
        self.op("{");
        let mut cases = Vec::new();
        while !self.is_op("}") {
            let s = self.span();
            let mut exprs = Vec::new();
            let is_default = self.got_kw("default");
            if !is_default {
                self.kw("case");
                exprs = self.exprs();
            }
            let colon = self.op(":").lo;
            let body = self.stmts();
            cases.push(Case { exprs, is_default, body, span: self.from(s), colon });
        }
        self.op("}");
        let body = self.from(start);
        match guard {
            Some((bind, x)) => StmtKind::TypeSwitch { init, bind, x, cases, body },
            None => StmtKind::Switch { init, tag: self.cond(main), cases, body },
        }
    }

    fn select_stmt(&mut self) -> StmtKind {
        self.kw("select");
        let start = self.span();
        self.op("{");
        let mut cases = Vec::new();
        while !self.is_op("}") {
            let s = self.span();
            let mut comm = None;
            if !self.got_kw("default") {
                self.kw("case");
                comm = Some(self.simple_stmt(false));
            }
            let colon = self.op(":").lo;
            let body = self.stmts();
            cases.push(CommCase { comm, body, span: self.from(s), colon });
        }
        self.op("}");
        StmtKind::Select { cases, body: self.from(start) }
    }

    fn for_stmt(&mut self) -> StmtKind {
        self.kw("for");
        let level = std::mem::replace(&mut self.level, -1);
        let mut init = None;
        let mut cond = None;
        let mut post = None;
        let mut range = None;
        if !self.is_op("{") {
            let first = if self.is(&T::Semi) { None } else { Some(self.simple_stmt(true)) };
            if let Some(f) = first
                && let StmtKind::Range { lhs, define, x, .. } = &self.ast.stmt(f).kind
            {
                range = Some((lhs.clone(), *define, *x));
            } else if self.got(&T::Semi) {
                init = first;
                if !self.is(&T::Semi) && !self.is_op("{") {
                    let c = self.simple_stmt(false);
                    cond = self.cond(Some(c));
                }
                self.got(&T::Semi);
                if !self.is_op("{") {
                    post = Some(self.simple_stmt(false));
                }
            } else {
                cond = self.cond(first);
            }
        }
        self.level = level;
        let body = self.block();
        match range {
            Some((lhs, define, x)) => StmtKind::Range { lhs, define, x, body },
            None => StmtKind::For { init, cond, post, body },
        }
    }

    // --- declarations

    fn group(&mut self, mut one: impl FnMut(&mut Self, u32)) {
        self.next();
        if self.got_op("(") {
            let mut i = 0;
            while !self.got_op(")") {
                one(self, i);
                i += 1;
                self.semi();
            }
        } else {
            one(self, 0);
        }
    }

    fn idents(&mut self) -> Vec<Ident> {
        let mut list = vec![self.ident()];
        while self.got_op(",") {
            list.push(self.ident());
        }
        list
    }

    fn decl(&mut self) -> Decl {
        match self.tok().clone() {
            T::Kw("var") => {
                let mut specs = Vec::new();
                self.group(|p, _| {
                    let s = p.span();
                    let names = p.idents();
                    let ty = p.type_ahead().then(|| p.typ());
                    let values = if p.got_op("=") { p.exprs() } else { Vec::new() };
                    specs.push(VarSpec { names, ty, values, span: p.from(s) });
                });
                Decl::Var(specs)
            }
            T::Kw("const") => {
                let mut specs = Vec::new();
                self.group(|p, iota| {
                    let s = p.span();
                    let names = p.idents();
                    let ty = p.type_ahead().then(|| p.typ());
                    let values = if p.got_op("=") { p.exprs() } else { Vec::new() };
                    specs.push(ConstSpec { names, ty, values, iota, span: p.from(s) });
                });
                Decl::Const(specs)
            }
            _ => {
                let mut specs = Vec::new();
                self.group(|p, _| {
                    let s = p.span();
                    let name = p.ident();
                    let mut tparams = Vec::new();
                    if p.is_op("[") && p.tparams_ahead() {
                        p.next();
                        tparams = p.tparams();
                    }
                    let alias = p.got_op("=");
                    let ty = p.typ();
                    specs.push(TypeSpec { name, tparams, alias, ty, span: p.from(s) });
                });
                Decl::Type(specs)
            }
        }
    }

    /// `[P ...` type parameters as against an array type's length.
    fn tparams_ahead(&self) -> bool {
        matches!(self.peek(1), T::Ident(_))
            && match self.peek(2) {
                T::Op("]") => false,
                T::Op(o) => match *o {
                    "," | "~" | "[" | "<-" => true,
                    "*" => {
                        // [P *T] is an array length unless a comma or constraint syntax follows
                        !matches!(self.peek(4), T::Op("]")) || matches!(self.peek(4), T::Op(",") | T::Op("|"))
                    }
                    "(" => false,
                    _ => false,
                },
                _ => true,
            }
    }
}

/// Where the tokens of a text begin, without inserted semicolons.
pub fn token_offsets(text: &str) -> Vec<(u32, u32)> {
    lex(text, 0)
        .into_iter()
        .filter(|(t, s)| *t != T::Eof && !(*t == T::Semi && !text[s.lo as usize..].starts_with(';')))
        .map(|(_, s)| (s.lo, s.hi))
        .collect()
}
