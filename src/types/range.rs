//! `for ... range`: over arrays, slices, strings, maps, channels, integers and functions.
use super::check::*;
use super::info::*;
use super::operand::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;

impl<'a> Checker<'a> {
    pub fn range_stmt(&mut self, ctx: u32, span: Span, lhs: &'a [ExprId], define: bool, e: ExprId, body: &'a Block) {
        let (key_expr, value_expr) = (lhs.first().copied(), lhs.get(1).copied());
        let mut x = self.expr(None, e);
        let (mut key, mut value) = (None, None);
        if x.ok() {
            let text = self.operand_string(&x);
            match self.range_types(x.ty) {
                Err(cause) => {
                    let message = if cause.is_empty() {
                        format!("cannot range over {text}")
                    } else {
                        format!("cannot range over {text}: {cause}")
                    };
                    self.err("range", self.span(e), message);
                    key = Some(TypeId::INVALID);
                    value = Some(TypeId::INVALID);
                    x.invalidate();
                }
                Ok((k, v)) => {
                    if k.is_none() && key_expr.is_some() {
                        let at = key_expr.unwrap_or(e);
                        let message = format!("range over {text} permits no iteration variables");
                        self.err("range", self.span(at), message);
                    } else if v.is_none() && value_expr.is_some() {
                        let at = value_expr.unwrap_or(e);
                        let message = format!("range over {text} permits only one iteration variable");
                        self.err("range", self.span(at), message);
                    } else if let Some(&extra) = lhs.get(2) {
                        self.err("range", self.span(extra), "range clause permits at most two iteration variables");
                    }
                    (key, value) = (k, v);
                }
            }
        }
        let over_int = x.ok() && self.t().all_basic(x.ty, |b| b.is_integer());
        if x.ok() && !over_int && self.t().is_untyped(x.ty) {
            let ty = self.t().default_type(x.ty);
            self.convert_untyped(&mut x, ty);
        }
        let outer = self.open_scope();
        let parts = [(key_expr, key), (value_expr, value)];
        if define {
            let mut vars = Vec::new();
            for (l, ty) in parts {
                let Some(l) = l else { continue };
                let ExprKind::Ident(name) = self.ast.expr(l).kind else {
                    let message = format!("cannot declare {}", self.es(l));
                    self.err("range", self.span(l), message);
                    continue;
                };
                let at = self.span(l);
                let o = self.new_object(name, ObjKind::Local, TypeId::INVALID, at);
                if name != Sym::BLANK {
                    vars.push(o);
                } else {
                    self.info.defs.insert(at.lo, o);
                }
                let ty = ty.unwrap_or(TypeId::INVALID);
                if ty == TypeId::INVALID {
                    self.aux(o).used = true;
                    continue;
                }
                if over_int {
                    self.init_var(o, false, &mut x, "range clause");
                } else {
                    self.set_type(o, ty);
                }
                let ty = self.obj(o).ty;
                self.record(l, Mode::Variable, ty, None);
            }
            if vars.is_empty() && !lhs.is_empty() {
                self.report(
                    Diagnostic::error("short-declaration", span, "no new variables on left side of :=")
                        .help("leave out the left side: `for range x`"),
                );
            }
            for o in vars {
                let scope = self.env.scope;
                self.declare(scope, o);
            }
        } else if key_expr.is_some() {
            for (l, ty) in parts {
                let Some(l) = l else { continue };
                let ty = ty.unwrap_or(TypeId::INVALID);
                if ty == TypeId::INVALID {
                    self.use_lhs(&[l]);
                    continue;
                }
                if over_int {
                    self.assign_var(l, None, Some(&mut x), "range clause");
                    if x.ok() && !self.t().all_basic(x.ty, |b| b.is_integer()) {
                        let message = format!("cannot use iteration variable of type {}", self.ts(x.ty));
                        self.err("range", self.span(l), message);
                    }
                } else {
                    let mut y = Operand::at(Mode::Value, ty, l);
                    self.assign_var(l, None, Some(&mut y), "assignment");
                }
            }
        }
        if over_int && x.ok() && self.t().is_untyped(x.ty) {
            self.assignment(&mut x, None, "range clause");
        }
        self.loop_body(ctx, body);
        self.close_scope(outer);
    }

    /// Key and value types of ranging over `ty`, or why one cannot (empty: just not).
    fn range_types(&mut self, ty: TypeId) -> Result<(Option<TypeId>, Option<TypeId>), String> {
        let mut send_only = None;
        self.t().all(ty, |t| {
            if let Some((t, u)) = t
                && let Type::Chan(Dir::Send, _) = self.t().get(u)
            {
                send_only = Some(t);
                return false;
            }
            true
        });
        if let Some(t) = send_only {
            return Err(format!("receive from send-only channel {}", self.ts(t)));
        }
        let under = self.common_under(ty)?;
        let int = TypeId::INT;
        let under = match self.t().get(under) {
            Type::Pointer(p) if matches!(self.t().underlying(*p), Type::Array(..)) => self.t().underlying_id(*p),
            _ => under,
        };
        match self.t().get(under).clone() {
            Type::Basic(b) if b.is_string() => Ok((Some(int), Some(TypeId::INT32))),
            Type::Basic(b) if b.is_integer() => Ok((Some(ty), None)),
            // a constant like 1e3 is an integer in a range clause only if its type is
            Type::Array(elem, _) | Type::Slice(elem) => Ok((Some(int), Some(elem))),
            Type::Map(k, v) => Ok((Some(k), Some(v))),
            Type::Chan(_, elem) => Ok((Some(elem), None)),
            Type::Func(f) => {
                const FORM: &str = "func must be func(yield func(...) bool)";
                if f.params.len() != 1 {
                    return Err(format!("{FORM}: wrong argument count"));
                }
                if !f.results.is_empty() {
                    return Err(format!("{FORM}: unexpected results"));
                }
                let callback = match self.common_under(f.params[0]) {
                    Ok(u) => u,
                    Err(cause) => return Err(format!("{FORM}: in yield type, {cause}")),
                };
                let Type::Func(y) = self.t().get(callback).clone() else {
                    return Err(format!("{FORM}: argument is not func"));
                };
                if f.variadic {
                    return Err(format!("{FORM}: argument is not func"));
                }
                if y.params.len() > 2 {
                    return Err(format!("{FORM}: yield func has too many parameters"));
                }
                match y.results[..] {
                    [TypeId::BOOL] => {}
                    [t] if self.t().basic(t, |b| b.is_boolean()) => {
                        return Err(format!("{FORM}: yield func returns user-defined boolean, not bool"));
                    }
                    _ => return Err(format!("{FORM}: yield func does not return bool")),
                }
                if y.variadic {
                    return Err(format!("yield func of type {} cannot be variadic", self.ts(callback)));
                }
                Ok((y.params.first().copied(), y.params.get(1).copied()))
            }
            _ => Err(String::new()),
        }
    }
}
