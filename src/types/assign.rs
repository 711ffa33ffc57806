//! Assignments and initialisations.
use super::check::*;
use super::constant::Unfit;
use super::expr::Target;
use super::info::*;
use super::operand::*;
use super::ty::*;
use crate::base::diag::Diagnostic;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::syntax::ast::*;

impl<'a> Checker<'a> {
    /// `x` is assigned to a variable of type `target` (`None`: any), as `context` says in messages.
    pub fn assignment(&mut self, x: &mut Operand, target: Option<TypeId>, context: &str) {
        self.single_value(x);
        match x.mode {
            Mode::Invalid => return,
            Mode::Const | Mode::Variable | Mode::MapIndex | Mode::Value | Mode::CommaOk | Mode::Nil => {}
            _ => {
                let to = target.map_or("_".into(), |t| self.ts(t));
                let message = format!("cannot assign {} to {to} in {context}", self.operand_string(x));
                self.err("assignment", self.operand_span(x), message);
                x.invalidate();
                return;
            }
        }
        if self.t().is_untyped(x.ty) {
            let mut want = target;
            if x.is_nil() {
                if target.is_none() {
                    self.err("nil", self.operand_span(x), format!("use of untyped nil in {context}"));
                    x.invalidate();
                    return;
                }
            } else if target.is_none_or(|t| self.t().is_interface(t)) {
                want = Some(self.t().default_type(x.ty));
            }
            let want = want.unwrap_or(TypeId::INVALID);
            match self.implicit_type(x, want) {
                Ok((ty, val)) => self.set_implicit_type(x, ty, val),
                Err(unfit) => {
                    let suffix = match unfit {
                        Unfit::Truncated => " (truncated)",
                        Unfit::Overflows => " (overflows)",
                        Unfit::Other => "",
                    };
                    let message = format!(
                        "cannot use {} as {} value in {context}{suffix}",
                        self.operand_string(x),
                        self.ts(want)
                    );
                    self.err("assignment", self.operand_span(x), message);
                    x.invalidate();
                    return;
                }
            }
        }
        if x.is_generic() {
            let target = target.and_then(|t| self.target(t, context));
            self.non_generic(target.as_ref(), x);
            if !x.ok() {
                return;
            }
        }
        let Some(target) = target else { return };
        let mut cause = String::new();
        if !self.assignable(x, target, &mut cause) {
            let mut message =
                format!("cannot use {} as {} value in {context}", self.operand_string(x), self.ts(target));
            if !cause.is_empty() {
                message = format!("{message}: {cause}");
            }
            self.err("assignment", self.operand_span(x), message);
            x.invalidate();
        }
    }

    pub fn init_const(&mut self, o: ObjId, ty: Option<TypeId>, x: &mut Operand) {
        if !x.ok() || x.ty == TypeId::INVALID || ty == Some(TypeId::INVALID) {
            self.set_type(o, TypeId::INVALID);
            return;
        }
        if x.mode != Mode::Const {
            let message = format!("{} is not constant", self.operand_string(x));
            self.err("not-constant", self.operand_span(x), message);
            self.set_type(o, TypeId::INVALID);
            return;
        }
        let target = ty.unwrap_or(x.ty);
        self.set_type(o, target);
        if !self.t().is_untyped(target) {
            self.assignment(x, Some(target), "constant declaration");
        }
        match (x.ok(), x.val.take()) {
            (true, Some(v)) => self.set_const(o, v),
            // the value is unknown: uses are not reported
            _ => self.set_type(o, TypeId::INVALID),
        }
    }

    pub fn init_var(&mut self, o: ObjId, typed: bool, x: &mut Operand, context: &str) {
        if !x.ok() || x.ty == TypeId::INVALID || typed && self.obj(o).ty == TypeId::INVALID {
            if !typed {
                self.set_type(o, TypeId::INVALID);
                self.aux(o).used = true;
            }
            x.invalidate();
            return;
        }
        if !typed {
            let mut ty = x.ty;
            if self.t().is_untyped(ty) {
                if ty == TypeId::UNTYPED_NIL {
                    self.err("nil", self.operand_span(x), format!("use of untyped nil in {context}"));
                    self.set_type(o, TypeId::INVALID);
                    self.aux(o).used = true;
                    x.invalidate();
                    return;
                }
                ty = self.t().default_type(ty);
            }
            if self.t().get(ty) == &Type::Tuple([].into()) {
                ty = TypeId::INVALID;
            }
            self.set_type(o, ty);
        }
        let ty = self.obj(o).ty;
        self.assignment(x, Some(ty), context);
    }

    /// `var o = e` with one variable and one expression.
    pub fn init_single(&mut self, o: ObjId, typed: bool, e: ExprId, context: &str) {
        let target = if typed {
            let name = self.name(self.obj(o).name).to_string();
            self.target(self.obj(o).ty, &name)
        } else {
            None
        };
        let is_call = matches!(self.ast.expr(self.ast.unparen(e)).kind, ExprKind::Call { .. });
        if is_call {
            // a call may have several results: the count is what is wrong then
            self.init_vars(&[o], typed, &[e], None);
            let _ = context;
            return;
        }
        let mut x = self.expr(target.as_ref(), e);
        self.init_var(o, typed, &mut x, context);
    }

    /// Initialises variables; `returns` is the place of a return statement whose results they are.
    pub fn init_vars(&mut self, lhs: &[ObjId], typed: bool, rhs: &[ExprId], returns: Option<Span>) {
        let (l, r) = (lhs.len(), rhs.len());
        let context = if returns.is_some() {
            "return statement"
        } else if l > 1 {
            "multiple assignment"
        } else {
            "variable declaration"
        };
        let is_call = r == 1 && matches!(self.ast.expr(self.ast.unparen(rhs[0])).kind, ExprKind::Call { .. });
        if l == r && !is_call {
            for (&o, &e) in lhs.iter().zip(rhs) {
                let target = if typed {
                    let name = self.name(self.obj(o).name).to_string();
                    self.target(self.obj(o).ty, &name)
                } else {
                    None
                };
                let mut x = self.expr(target.as_ref(), e);
                self.init_var(o, typed, &mut x, context);
            }
            return;
        }
        if r != 1 {
            if self.use_exprs(rhs) {
                self.count_mismatch(rhs, l, r);
            }
            self.invalidate_vars(lhs, typed);
            return;
        }
        let (mut values, comma_ok) = self.multi_expr(rhs[0], l == 2 && returns.is_none());
        if values.len() == l {
            for (&o, x) in lhs.iter().zip(&mut values) {
                self.init_var(o, typed, x, context);
            }
            if comma_ok && values.iter().all(Operand::ok) {
                self.record_comma_ok(rhs[0], values[0].ty, values[1].ty);
            }
            return;
        }
        if values[0].ok() {
            self.count_mismatch(rhs, l, values.len());
        }
        self.invalidate_vars(lhs, typed);
    }

    fn invalidate_vars(&mut self, lhs: &[ObjId], typed: bool) {
        for &o in lhs {
            if !typed {
                self.set_type(o, TypeId::INVALID);
            }
            self.aux(o).used = true;
        }
    }

    fn count_mismatch(&mut self, rhs: &[ExprId], l: usize, r: usize) {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (vars, vals) = (count(l, "variable"), count(r, "value"));
        let message = match &self.ast.expr(self.ast.unparen(rhs[0])).kind {
            ExprKind::Call { fun, .. } if rhs.len() == 1 => {
                format!("assignment mismatch: {vars} but {} returns {vals}", self.es(*fun))
            }
            _ => format!("assignment mismatch: {vars} but {vals}"),
        };
        self.err("assignment-count", self.span(rhs[0]), message);
    }

    /// The results of a return statement.
    pub fn return_values(&mut self, at: Span, rhs: &[ExprId]) {
        let results = match self.env.sig.map(|s| self.t().get(s).clone()) {
            Some(Type::Func(f)) => f.results.clone(),
            _ => Vec::new(),
        };
        let (l, r) = (results.len(), rhs.len());
        let is_call = r == 1 && matches!(self.ast.expr(self.ast.unparen(rhs[0])).kind, ExprKind::Call { .. });
        if l == r && !is_call {
            let names = self.env.results.clone();
            for (i, (&ty, &e)) in results.iter().zip(rhs).enumerate() {
                let text = names.get(i).map_or("result variable".into(), |&o| self.name(self.obj(o).name).to_string());
                let target = self.target(ty, &text);
                let mut x = self.expr(target.as_ref(), e);
                self.assignment(&mut x, Some(ty), "return statement");
            }
            return;
        }
        let mut values = Vec::new();
        if r == 1 {
            values = self.multi_expr(rhs[0], false).0;
        } else {
            for &e in rhs {
                values.push(self.expr(None, e));
            }
        }
        if values.len() == l {
            for (x, &ty) in values.iter_mut().zip(&results) {
                self.assignment(x, Some(ty), "return statement");
            }
            return;
        }
        if values.iter().any(|x| !x.ok()) {
            return;
        }
        let n = values.len();
        let (place, qualifier) = if n > l {
            (self.operand_span(&values[l]), "too many")
        } else if n > 0 {
            (self.operand_span(&values[n - 1]), "not enough")
        } else {
            (at, "not enough")
        };
        let have: Vec<TypeId> = values.iter().map(|x| x.ty).collect();
        let message = format!(
            "{qualifier} return values\n\thave {}\n\twant {}",
            self.types_summary(&have, false, false),
            self.types_summary(&results, false, false)
        );
        self.err("return-count", place, message);
    }

    /// `(number, string, ...T)` for messages.
    pub fn types_summary(&self, list: &[TypeId], variadic: bool, spread: bool) -> String {
        let mut parts = Vec::new();
        for (i, &t) in list.iter().enumerate() {
            let mut s = if t == TypeId::INVALID {
                "unknown type".to_string()
            } else if self.t().is_untyped(t) {
                if self.t().basic(t, |b| b.is_numeric()) { "number".into() } else { self.ts(t).replace("untyped ", "") }
            } else {
                self.ts(t)
            };
            if i + 1 == list.len() {
                if variadic {
                    if let Type::Slice(e) = self.t().get(t) {
                        s = self.ts(*e);
                    }
                    s = format!("...{s}");
                } else if spread {
                    s.push_str("...");
                }
            }
            parts.push(s);
        }
        format!("({})", parts.join(", "))
    }

    /// The type of a two-valued expression: `(T, bool)`, also for the parentheses around it.
    pub fn record_comma_ok(&mut self, mut e: ExprId, value: TypeId, ok: TypeId) {
        let ok = if ok == TypeId::INVALID { TypeId::BOOL } else { self.t().default_type(ok) };
        let tuple = self.types().results_type(&[value, ok]);
        loop {
            self.info.expr_types[e.0 as usize] = tuple;
            self.info.modes[e.0 as usize] = Mode::CommaOk;
            match self.ast.expr(e).kind {
                ExprKind::Paren(x) => e = x,
                _ => break,
            }
        }
    }

    // --- left sides

    /// The type of a left side; `None` for `_`. It is not a use of the variable.
    fn lhs_type(&mut self, e: ExprId) -> Option<TypeId> {
        let inner = self.ast.unparen(e);
        let mut kept = None;
        if let ExprKind::Ident(name) = self.ast.expr(inner).kind {
            if name == Sym::BLANK {
                return None;
            }
            if let Some(o) = self.lookup(name)
                && matches!(self.obj(o).kind, ObjKind::Local | ObjKind::Global)
                && self.obj(o).pkg == self.env.pkg
            {
                kept = Some((o, self.aux[o.0 as usize].used));
            }
        }
        let x = self.expr(None, e);
        if let Some((o, used)) = kept {
            self.aux(o).used = used;
        }
        if !x.ok() || x.ty == TypeId::INVALID {
            return Some(TypeId::INVALID);
        }
        if !matches!(x.mode, Mode::Variable | Mode::MapIndex) {
            let text = self.es(e);
            if let ExprKind::Selector { x: base, .. } = self.ast.expr(inner).kind
                && self.info.mode(self.ast.unparen(base)) == Mode::MapIndex
            {
                let message = format!("cannot assign to struct field {text} in map");
                self.report(
                    Diagnostic::error("assignment", self.span(e), message)
                        .help("assign the whole struct: m[k] = value"),
                );
                return Some(TypeId::INVALID);
            }
            let message = format!("cannot assign to {text} (neither addressable nor a map index expression)");
            self.err("assignment", self.span(e), message);
            return Some(TypeId::INVALID);
        }
        Some(x.ty)
    }

    /// `lhs = x`, or `lhs = rhs` evaluated here.
    pub fn assign_var(&mut self, lhs: ExprId, rhs: Option<ExprId>, x: Option<&mut Operand>, context: &str) {
        let ty = self.lhs_type(lhs);
        if ty == Some(TypeId::INVALID) {
            match (x, rhs) {
                (Some(x), _) => x.invalidate(),
                (None, Some(rhs)) => {
                    self.use_exprs(&[rhs]);
                }
                _ => {}
            }
            return;
        }
        let context = if ty.is_none() && context == "assignment" { "assignment to _ identifier" } else { context };
        match (x, rhs) {
            (Some(x), _) => self.assignment(x, ty, context),
            (None, Some(rhs)) => {
                let target: Option<Target> = ty.and_then(|t| {
                    let text = self.es(lhs);
                    self.target(t, &text)
                });
                let mut x = self.expr(target.as_ref(), rhs);
                self.assignment(&mut x, ty, context);
            }
            _ => {}
        }
    }

    pub fn assign_vars(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let (l, r) = (lhs.len(), rhs.len());
        let context = if l > 1 { "multiple assignment" } else { "assignment" };
        let is_call = r == 1 && matches!(self.ast.expr(self.ast.unparen(rhs[0])).kind, ExprKind::Call { .. });
        if l == r && !is_call {
            for (&a, &b) in lhs.iter().zip(rhs) {
                self.assign_var(a, Some(b), None, context);
            }
            return;
        }
        if r != 1 {
            let ok = self.use_lhs(lhs);
            if self.use_exprs(rhs) && ok {
                self.count_mismatch(rhs, l, r);
            }
            return;
        }
        let (mut values, comma_ok) = self.multi_expr(rhs[0], l == 2);
        if values.len() == l {
            for (&a, x) in lhs.iter().zip(&mut values) {
                self.assign_var(a, None, Some(x), context);
            }
            if comma_ok && values.iter().all(Operand::ok) {
                self.record_comma_ok(rhs[0], values[0].ty, values[1].ty);
            }
            return;
        }
        let ok = values[0].ok();
        if self.use_lhs(lhs) && ok {
            self.count_mismatch(rhs, l, values.len());
        }
    }

    /// `lhs := rhs`
    pub fn short_var_decl(&mut self, at: Span, lhs: &[ExprId], rhs: &[ExprId]) {
        let scope = self.decl_scope();
        let mut vars: Vec<ObjId> = Vec::new();
        let mut new: Vec<ObjId> = Vec::new();
        let mut seen: Vec<Sym> = Vec::new();
        let mut fault = false;
        for &e in lhs {
            let ExprKind::Ident(name) = self.ast.expr(e).kind else {
                self.use_lhs(&[e]);
                let message = format!("non-name {} on left side of :=", self.es(e));
                self.err("short-declaration", self.span(e), message);
                fault = true;
                vars.push(self.dummy_var(e));
                continue;
            };
            if name != Sym::BLANK {
                if seen.contains(&name) {
                    let message = format!("{} repeated on left side of :=", self.name(name));
                    self.err("short-declaration", self.span(e), message);
                    fault = true;
                    vars.push(self.dummy_var(e));
                    continue;
                }
                seen.push(name);
            }
            if let Some(&o) = self.scopes[scope.0 as usize].names.get(&name) {
                self.info.uses.insert(e, o);
                if matches!(self.obj(o).kind, ObjKind::Local | ObjKind::Global) {
                    let ty = self.obj(o).ty;
                    self.record(e, if ty == TypeId::INVALID { Mode::Invalid } else { Mode::Variable }, ty, None);
                    vars.push(o);
                } else {
                    let message = format!("cannot assign to {}", self.es(e));
                    self.err("assignment", self.span(e), message);
                    fault = true;
                    vars.push(self.dummy_var(e));
                }
                continue;
            }
            let kind = self.var_kind();
            let span = self.span(e);
            let o = self.new_object(name, kind, TypeId::INVALID, span);
            vars.push(o);
            if name != Sym::BLANK {
                new.push(o);
            } else {
                self.info.defs.insert(span.lo, o);
            }
        }
        // variables that exist already keep their types
        self.init_mixed(&vars, &new, rhs);
        for (&e, &o) in lhs.iter().zip(&vars) {
            if new.contains(&o) {
                let ty = self.obj(o).ty;
                self.record(e, if ty == TypeId::INVALID { Mode::Invalid } else { Mode::Variable }, ty, None);
            }
        }
        if !new.is_empty() {
            for o in new {
                self.declare(scope, o);
            }
        } else if !fault {
            self.report(
                Diagnostic::error("short-declaration", at, "no new variables on left side of :=")
                    .help("use `=` to assign"),
            );
        }
    }

    fn dummy_var(&mut self, e: ExprId) -> ObjId {
        let span = self.span(e);
        let o = self.new_object(Sym::BLANK, ObjKind::Local, TypeId::INVALID, Span::new(span.lo, span.lo));
        self.aux(o).used = true;
        o
    }

    fn init_mixed(&mut self, vars: &[ObjId], new: &[ObjId], rhs: &[ExprId]) {
        let (l, r) = (vars.len(), rhs.len());
        let context = if l > 1 { "multiple assignment" } else { "assignment" };
        let typed = |c: &Self, o: ObjId| !new.contains(&o) && c.obj(o).name != Sym::BLANK;
        let is_call = r == 1 && matches!(self.ast.expr(self.ast.unparen(rhs[0])).kind, ExprKind::Call { .. });
        if l == r && !is_call {
            for (&o, &e) in vars.iter().zip(rhs) {
                let t = typed(self, o);
                let target = if t {
                    let name = self.name(self.obj(o).name).to_string();
                    self.target(self.obj(o).ty, &name)
                } else {
                    None
                };
                let mut x = self.expr(target.as_ref(), e);
                self.init_var(o, t, &mut x, context);
            }
            return;
        }
        let count = if r == 1 {
            let (mut values, comma_ok) = self.multi_expr(rhs[0], l == 2);
            if values.len() == l {
                for (&o, x) in vars.iter().zip(&mut values) {
                    let t = typed(self, o);
                    self.init_var(o, t, x, context);
                }
                if comma_ok && values.iter().all(Operand::ok) {
                    self.record_comma_ok(rhs[0], values[0].ty, values[1].ty);
                }
                return;
            }
            values[0].ok().then_some(values.len())
        } else {
            self.use_exprs(rhs).then_some(r)
        };
        if let Some(n) = count {
            self.count_mismatch(rhs, l, n);
        }
        for &o in vars {
            if !typed(self, o) {
                self.set_type(o, TypeId::INVALID);
            }
            self.aux(o).used = true;
        }
    }

    // --- evaluation for its own sake, after a fault

    /// Evaluates expressions so that what they use counts as used; `false` if one is wrong.
    pub fn use_exprs(&mut self, list: &[ExprId]) -> bool {
        let mut ok = true;
        for &e in list {
            if let ExprKind::Ident(name) = self.ast.expr(self.ast.unparen(e)).kind
                && name == Sym::BLANK
            {
                continue;
            }
            let (x, _) = self.raw_expr(None, e, TypeId::INVALID, true);
            ok &= x.ok();
        }
        ok
    }

    pub fn use_lhs(&mut self, list: &[ExprId]) -> bool {
        let mut ok = true;
        for &e in list {
            let inner = self.ast.unparen(e);
            let mut kept = None;
            if let ExprKind::Ident(name) = self.ast.expr(inner).kind {
                if name == Sym::BLANK {
                    continue;
                }
                if let Some(o) = self.lookup(name)
                    && matches!(self.obj(o).kind, ObjKind::Local | ObjKind::Global)
                {
                    kept = Some((o, self.aux[o.0 as usize].used));
                }
            }
            let (x, _) = self.raw_expr(None, e, TypeId::INVALID, true);
            if let Some((o, used)) = kept {
                self.aux(o).used = used;
            }
            ok &= x.ok();
        }
        ok
    }
}
