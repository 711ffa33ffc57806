//! Operands: what an expression under evaluation is, and expressions as messages show them.
use super::check::*;
use super::constant::Const;
use super::info::*;
use super::ty::*;
use crate::base::span::Span;
use crate::syntax::ast::*;

#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub mode: Mode,
    pub ty: TypeId,
    pub expr: Option<ExprId>,
    /// With `Mode::Const`.
    pub val: Option<Const>,
    pub builtin: Option<Builtin>,
    /// Type parameters of a generic function that is not instantiated.
    pub tparams: Vec<TypeParamId>,
    /// How messages call it if it is no expression.
    pub text: Option<String>,
}

impl Operand {
    pub fn invalid(e: ExprId) -> Operand {
        Operand { expr: Some(e), ..Operand::new(Mode::Invalid, TypeId::INVALID) }
    }

    pub fn new(mode: Mode, ty: TypeId) -> Operand {
        Operand { mode, ty, expr: None, val: None, builtin: None, tparams: Vec::new(), text: None }
    }

    pub fn at(mode: Mode, ty: TypeId, e: ExprId) -> Operand {
        Operand { expr: Some(e), ..Operand::new(mode, ty) }
    }

    pub fn ok(&self) -> bool {
        self.mode != Mode::Invalid
    }

    pub fn invalidate(&mut self) {
        self.mode = Mode::Invalid;
        self.ty = TypeId::INVALID;
        self.val = None;
        self.tparams = Vec::new();
    }

    pub fn is_nil(&self) -> bool {
        self.mode == Mode::Nil
    }

    pub fn is_generic(&self) -> bool {
        !self.tparams.is_empty()
    }
}

impl Checker<'_> {
    pub fn operand_span(&self, x: &Operand) -> Span {
        x.expr.map_or(Span::NONE, |e| self.span(e))
    }

    /// The operand's expression, as written.
    pub fn operand_expr(&self, x: &Operand) -> String {
        match (&x.text, x.expr) {
            (Some(t), _) => t.clone(),
            (None, Some(e)) => self.es(e),
            (None, None) => String::new(),
        }
    }

    /// As Go's messages describe an operand: `x (variable of type int)`.
    pub fn operand_string(&self, x: &Operand) -> String {
        if x.mode == Mode::Nil {
            return match x.ty {
                TypeId::INVALID => "nil (with invalid type)".into(),
                TypeId::UNTYPED_NIL => "nil".into(),
                ty => format!("nil (of type {})", self.ts(ty)),
            };
        }
        let expr = self.operand_expr(x);
        let mut s = String::new();
        let mut typed = false;
        if !matches!(x.mode, Mode::Invalid | Mode::NoValue | Mode::Builtin | Mode::Type | Mode::Package) {
            if self.t().is_untyped(x.ty) {
                s.push_str(&self.ts(x.ty));
                s.push(' ');
            } else {
                typed = true;
            }
        }
        s.push_str(match x.mode {
            Mode::Invalid => "invalid operand",
            Mode::NoValue => "no value",
            Mode::Builtin => "built-in",
            Mode::Type => "type",
            Mode::Const => "constant",
            Mode::Variable => "variable",
            Mode::MapIndex => "map index expression",
            Mode::Value => "value",
            Mode::Nil => "nil",
            Mode::CommaOk => "comma, ok expression",
            Mode::Package => "package",
        });
        if x.mode == Mode::Const
            && let Some(v) = &x.val
        {
            let v = v.show();
            if v != expr {
                s.push(' ');
                s.push_str(&v);
            }
        }
        if typed {
            if x.ty == TypeId::INVALID {
                s.push_str(" with invalid type");
            } else {
                s.push_str(" of ");
                if x.is_generic() {
                    s.push_str("generic ");
                }
                if matches!(self.t().get(x.ty), Type::Named(_)) {
                    let kind = self.t().composite_kind(x.ty);
                    match self.t().as_basic(x.ty) {
                        Some(b) if kind.is_empty() => s.push_str(&self.ts(TypeId::basic(b))),
                        _ => s.push_str(kind),
                    }
                    s.push(' ');
                }
                s.push_str("type ");
                s.push_str(&self.ts(x.ty));
                if let Some(p) = self.t().as_tparam(x.ty) {
                    let bound = self.t().tparam(p).constraint;
                    s.push_str(" constrained by ");
                    s.push_str(&self.ts(bound));
                    if self.t().has_empty_type_set(x.ty) {
                        s.push_str(" with empty type set");
                    }
                }
            }
        }
        if expr.is_empty() { s } else { format!("{expr} ({s})") }
    }

    /// An expression in short form, as Go's messages show it.
    pub fn es(&self, e: ExprId) -> String {
        let mut out = String::new();
        self.write_expr(&mut out, e);
        out
    }

    fn write_list(&self, out: &mut String, list: &[ExprId]) {
        for (i, &e) in list.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            self.write_expr(out, e);
        }
    }

    fn write_expr(&self, out: &mut String, e: ExprId) {
        if out.len() > 500 {
            return;
        }
        let write = |out: &mut String, e: ExprId| self.write_expr(out, e);
        match &self.ast.expr(e).kind {
            ExprKind::Bad => out.push('_'),
            ExprKind::Ident(name) => out.push_str(self.name(*name)),
            ExprKind::Lit { text, .. } => out.push_str(self.name(*text)),
            ExprKind::Composite { ty, elems, .. } => {
                if let Some(t) = ty {
                    write(out, *t);
                }
                out.push_str(if elems.is_empty() { "{}" } else { "{…}" });
            }
            ExprKind::FuncLit(f) => {
                out.push_str("func");
                self.write_signature(out, &self.ast.func(*f).sig);
                out.push_str(" {…}");
            }
            ExprKind::Paren(x) => {
                out.push('(');
                write(out, *x);
                out.push(')');
            }
            ExprKind::Selector { x, sel } => {
                write(out, *x);
                out.push('.');
                out.push_str(self.name(sel.name));
            }
            ExprKind::Index { x, indices } => {
                write(out, *x);
                out.push('[');
                self.write_list(out, indices);
                out.push(']');
            }
            ExprKind::Slice { x, lo, hi, max, full } => {
                write(out, *x);
                out.push('[');
                if let Some(e) = lo {
                    write(out, *e);
                }
                out.push(':');
                if let Some(e) = hi {
                    write(out, *e);
                }
                if *full {
                    out.push(':');
                    if let Some(e) = max {
                        write(out, *e);
                    }
                }
                out.push(']');
            }
            ExprKind::TypeAssert { x, ty } => {
                write(out, *x);
                out.push_str(".(");
                match ty {
                    Some(t) => write(out, *t),
                    None => out.push_str("type"),
                }
                out.push(')');
            }
            ExprKind::Call { fun, args, spread, .. } => {
                write(out, *fun);
                out.push('(');
                self.write_list(out, args);
                if *spread {
                    out.push_str("...");
                }
                out.push(')');
            }
            ExprKind::Star(x) => {
                out.push('*');
                write(out, *x);
            }
            ExprKind::Unary { op, x } => {
                out.push_str(unary_text(*op));
                write(out, *x);
            }
            ExprKind::Binary { op, x, y, .. } => {
                write(out, *x);
                out.push(' ');
                out.push_str(binary_text(*op));
                out.push(' ');
                write(out, *y);
            }
            ExprKind::ArrayType { len, elem } => {
                out.push('[');
                match len {
                    Some(n) => write(out, *n),
                    None => out.push_str("..."),
                }
                out.push(']');
                write(out, *elem);
            }
            ExprKind::SliceType { elem } => {
                out.push_str("[]");
                write(out, *elem);
            }
            ExprKind::MapType { key, value } => {
                out.push_str("map[");
                write(out, *key);
                out.push(']');
                write(out, *value);
            }
            ExprKind::ChanType { dir, elem } => {
                out.push_str(match dir {
                    ChanDir::Both => "chan ",
                    ChanDir::Send => "chan<- ",
                    ChanDir::Recv => "<-chan ",
                });
                write(out, *elem);
            }
            ExprKind::FuncType(sig) => {
                out.push_str("func");
                self.write_signature(out, sig);
            }
            ExprKind::StructType { fields } => {
                if fields.is_empty() {
                    out.push_str("struct{}");
                } else {
                    out.push_str("struct{…}");
                }
            }
            ExprKind::InterfaceType { elems } => {
                out.push_str(if elems.is_empty() { "interface{}" } else { "interface{…}" });
            }
            ExprKind::Tilde(x) => {
                out.push('~');
                write(out, *x);
            }
        }
    }

    fn write_signature(&self, out: &mut String, sig: &Signature) {
        let params = |out: &mut String, list: &[Param]| {
            out.push('(');
            for (i, p) in list.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                if let Some(n) = p.name {
                    out.push_str(self.name(n.name));
                    if list.get(i + 1).is_some_and(|q| q.ty == p.ty) {
                        continue;
                    }
                    out.push(' ');
                }
                if p.variadic {
                    out.push_str("...");
                }
                self.write_expr(out, p.ty);
            }
            out.push(')');
        };
        params(out, &sig.params);
        match &sig.results[..] {
            [] => {}
            [one] if one.name.is_none() => {
                out.push(' ');
                self.write_expr(out, one.ty);
            }
            list => {
                out.push(' ');
                params(out, list);
            }
        }
    }
}

pub(super) fn unary_text(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Plus => "+",
        UnaryOp::Neg => "-",
        UnaryOp::Not => "!",
        UnaryOp::BitNot => "^",
        UnaryOp::Addr => "&",
        UnaryOp::Recv => "<-",
    }
}

pub(super) fn binary_text(op: BinaryOp) -> &'static str {
    use BinaryOp::*;
    match op {
        LOr => "||",
        LAnd => "&&",
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Le => "<=",
        Gt => ">",
        Ge => ">=",
        Add => "+",
        Sub => "-",
        Or => "|",
        Xor => "^",
        Mul => "*",
        Div => "/",
        Rem => "%",
        Shl => "<<",
        Shr => ">>",
        And => "&",
        AndNot => "&^",
    }
}
