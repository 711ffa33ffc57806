//! Calls that do not do what they seem to.
use super::Vet;
use crate::base::diag::Diagnostic;
use crate::syntax::ast::*;
use crate::syntax::walk::{self, Visit};
use crate::types::constant::Const;
use crate::types::info::*;
use crate::types::ty::{Type, TypeId};

/// Functions that do nothing but return a result. A name that ends in a dot stands for all functions of a package.
const PURE: &[&str] = &[
    "fmt.Sprint",
    "fmt.Sprintf",
    "fmt.Sprintln",
    "fmt.Errorf",
    "fmt.Append",
    "fmt.Appendf",
    "fmt.Appendln",
    "errors.New",
    "errors.Is",
    "errors.Join",
    "errors.Unwrap",
    "context.Background",
    "context.TODO",
    "context.WithValue",
    "context.WithCancel",
    "context.WithTimeout",
    "context.WithDeadline",
    "context.WithoutCancel",
    "sort.Reverse",
    "slices.Sorted",
    "slices.Collect",
    "slices.Clone",
    "slices.Contains",
    "slices.Index",
    "slices.Max",
    "slices.Min",
    "slices.Equal",
    "slices.Concat",
    "slices.Delete",
    "slices.Insert",
    "slices.Compact",
    "slices.Repeat",
    "maps.Clone",
    "maps.Keys",
    "maps.Values",
    "time.Now",
    "time.Since",
    "time.Until",
    "time.After",
    "time.Time.Add",
    "time.Time.Sub",
    "time.Time.Format",
    "time.Time.Truncate",
    "strconv.Itoa",
    "strconv.Quote",
    "strconv.FormatInt",
    "bytes.Clone",
    "math.",
    "strings.",
    "unicode.",
    "cmp.",
];

/// Functions of those packages that do more.
const IMPURE: &[&str] = &["strings.Map", "strings.ContainsFunc", "strings.IndexFunc", "strings.FieldsFunc"];

fn is_pure(callee: &str) -> bool {
    let function = |p: &str| {
        callee.strip_prefix(p).is_some_and(|rest| !rest.contains('.') && rest.starts_with(|c: char| c.is_uppercase()))
    };
    let known = PURE.iter().any(|p| if p.ends_with('.') { function(p) } else { callee == *p });
    known && !IMPURE.contains(&callee) && !callee.ends_with("Func")
}

pub fn stmt(cx: &mut Vet, s: StmtId) {
    match cx.ast.stmt(s).kind {
        StmtKind::Expr(e) => unused(cx, e),
        StmtKind::Go(e) => waited_for(cx, e),
        _ => {}
    }
}

fn unused(cx: &mut Vet, e: ExprId) {
    if let Some(callee) = cx.callee(e)
        && is_pure(&callee)
    {
        let shown = cx.receiver(e).map_or(callee.clone(), |_| {
            let ExprKind::Call { fun, .. } = cx.ast.expr(cx.ast.unparen(e)).kind else { return callee.clone() };
            cx.text(fun).to_string()
        });
        let help = match callee.as_str() {
            "fmt.Sprintf" | "fmt.Sprint" | "fmt.Sprintln" => {
                format!("to print it use fmt.{}", callee["fmt.S".len()..].replacen('p', "P", 1))
            }
            "fmt.Errorf" | "errors.New" => "return the error, or handle it".to_string(),
            c if c.starts_with("strings.") => format!("strings do not change: s = {shown}(...)"),
            _ => "assign the result".to_string(),
        };
        let d = Diagnostic::warning("ignored-result", cx.ast.span(e), format!("the result of {shown} is not used"))
            .label("does nothing else than return it")
            .help(help);
        cx.warn(d);
    }
}

/// `go func() { wg.Add(1) ... }()`: Wait may come first.
fn waited_for(cx: &mut Vet, e: ExprId) {
    let ExprKind::Call { fun, .. } = cx.ast.expr(cx.ast.unparen(e)).kind else { return };
    let ExprKind::FuncLit(f) = cx.ast.expr(cx.ast.unparen(fun)).kind else { return };
    let Some(body) = &cx.ast.func(f).body else { return };
    for &s in &body.stmts {
        let StmtKind::Expr(call) = cx.ast.stmt(s).kind else { continue };
        if cx.callee(call).as_deref() != Some("sync.WaitGroup.Add") {
            continue;
        }
        // A group of the goroutine's own may be added to anywhere.
        let own = cx.receiver(call).and_then(|x| cx.variable(x)).is_some_and(|o| {
            let at = cx.info.obj(o).span.lo;
            at >= body.span.lo && at < body.span.hi
        });
        if !own {
            let wg = cx.receiver(call).map_or("wg", |x| cx.text(x));
            let message = format!("{wg}.Add inside the goroutine that {wg}.Wait is to wait for");
            let d = Diagnostic::warning("wait-group-add", cx.ast.span(call), message)
                .label("may run after Wait has returned")
                .help(format!("call {wg}.Add before the go statement, or use {wg}.Go(func() {{ ... }})"));
            cx.warn(d);
        }
    }
}

pub fn expr(cx: &mut Vet, e: ExprId) {
    match &cx.ast.expr(e).kind {
        ExprKind::Call { fun, args, .. } => {
            if cx.info.mode(*fun) == Mode::Type {
                conversion(cx, e, *fun, args);
            } else if let Some(callee) = cx.callee(e) {
                known(cx, e, &callee, args);
            }
        }
        ExprKind::Binary { op, x, y, .. } => {
            let nan = |e: ExprId| cx.callee(e).as_deref() == Some("math.NaN");
            if matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge)
                && (nan(*x) || nan(*y))
            {
                let other = if nan(*x) { *y } else { *x };
                let always = if *op == BinaryOp::Ne { "true" } else { "false" };
                let d = Diagnostic::warning(
                    "compared-nan",
                    cx.ast.span(e),
                    format!("the comparison with NaN is always {always}"),
                )
                .label("NaN is not equal to itself")
                .help(format!("use math.IsNaN({})", cx.text(other)));
                cx.warn(d);
            }
        }
        _ => {}
    }
}

fn is_integer(cx: &Vet, ty: TypeId) -> bool {
    match cx.under(ty) {
        Type::Basic(b) => b.is_integer(),
        _ => false,
    }
}

fn is_string(cx: &Vet, ty: TypeId) -> bool {
    matches!(cx.under(ty), Type::Basic(b) if b.is_string())
}

/// `string(n)`.
fn conversion(cx: &mut Vet, e: ExprId, fun: ExprId, args: &[ExprId]) {
    let &[arg] = args else { return };
    let from = cx.info.type_of(arg);
    let rune = matches!(cx.info.types.underlying_id(from), TypeId::INT32 | TypeId::UINT8);
    if is_string(cx, cx.info.type_of(fun)) && is_integer(cx, from) && !rune && cx.info.mode(arg) != Mode::Const {
        let text = cx.text(arg);
        let d = Diagnostic::warning(
            "string-of-int",
            cx.ast.span(e),
            "the conversion makes a character of the number, not digits",
        )
        .label(format!("the character whose number is {text}"))
        .help(format!("for digits: strconv.Itoa({text}) or fmt.Sprint({text}); for a character: string(rune({text}))"));
        cx.warn(d);
    }
}

fn known(cx: &mut Vet, e: ExprId, callee: &str, args: &[ExprId]) {
    match callee {
        "time.Sleep" | "time.After" | "time.Tick" | "time.NewTimer" | "time.NewTicker" | "time.AfterFunc" => {
            let Some(&d) = args.first() else { return };
            let literal = matches!(cx.ast.expr(cx.ast.unparen(d)).kind, ExprKind::Lit { .. });
            if let (true, Some(Const::Int(n))) = (literal, cx.info.consts.get(&d))
                && *n > 0.into()
                && *n < 1_000_000.into()
            {
                let text = cx.text(d);
                let w = Diagnostic::warning("short-sleep", cx.ast.span(d), format!("{text} are nanoseconds"))
                    .label("a duration without a unit")
                    .help(format!("write {text} * time.Millisecond, or time.Second"));
                cx.warn(w);
            }
        }
        "os/signal.Notify" => {
            let Some(&ch) = args.first() else { return };
            let Some(obj) = cx.variable(ch) else { return };
            if super::flow::unbuffered(cx, obj) {
                let w = Diagnostic::warning(
                    "unbuffered-signal",
                    cx.ast.span(ch),
                    "signal.Notify does not wait for a receiver",
                )
                .label("a signal that comes while nobody receives is lost")
                .help("make the channel with room: make(chan os.Signal, 1)");
                cx.warn(w);
            }
        }
        _ => {
            let at = match callee {
                "fmt.Printf" | "fmt.Sprintf" | "fmt.Errorf" | "log.Printf" | "log.Fatalf" | "log.Panicf" => 0,
                "fmt.Fprintf" | "fmt.Appendf" => 1,
                _ => return,
            };
            let spread = matches!(cx.ast.expr(cx.ast.unparen(e)).kind, ExprKind::Call { spread: true, .. });
            let several =
                args.len() == at + 2 && matches!(cx.info.types.get(cx.info.type_of(args[at + 1])), Type::Tuple(_));
            if !spread && !several && args.len() > at {
                format(cx, e, callee, args[at], &args[at + 1..]);
            }
        }
    }
}

/// `func (t T) String() string { return fmt.Sprintf("%v", t) }`.
pub fn method(cx: &mut Vet, func: &Func) {
    let (Some(name), Some(body)) = (func.name, &func.body) else { return };
    let Some(recv) = func.recv.as_ref().and_then(|r| r.first()) else { return };
    let plain = func.sig.params.is_empty() && func.sig.results.len() == 1;
    if !plain || !matches!(cx.name(name.name), "String" | "Error") {
        return;
    }
    let Some(obj) = recv.name.and_then(|n| cx.info.defs.get(&n.span.lo).copied()) else { return };
    let mut own = OwnText { cx, obj, found: Vec::new() };
    walk::block(cx.ast, body, &mut own);
    for arg in own.found {
        let (text, method) = (cx.text(arg), cx.name(name.name));
        let message = format!("to show {text}, this call calls {method} again, without end");
        let d = Diagnostic::warning("endless-string", cx.ast.span(arg), message)
            .label(format!("its text comes from {method} itself"))
            .help("show its fields, or convert it to a type without the method: type plain T, then plain(t)");
        cx.warn(d);
    }
}

/// Calls that show the value of a variable by its method.
struct OwnText<'c, 'a> {
    cx: &'c Vet<'a>,
    obj: ObjId,
    found: Vec<ExprId>,
}

impl Visit for OwnText<'_, '_> {
    fn expr(&mut self, ast: &Ast, e: ExprId) -> bool {
        let callee = if matches!(ast.expr(e).kind, ExprKind::Call { .. }) { self.cx.callee(e) } else { None };
        let args = self.cx.args(e);
        let (cx, obj) = (self.cx, self.obj);
        let own = |a: &ExprId| cx.variable(*a) == Some(obj);
        match callee.as_deref() {
            Some("fmt.Sprint" | "fmt.Sprintln") => self.found.extend(args.iter().copied().find(own)),
            Some("fmt.Sprintf") => {
                let Some((format, args)) = args.split_first() else { return true };
                let Some(Const::Str(text)) = self.cx.info.consts.get(format) else { return true };
                let Some(list) = directives(&String::from_utf8_lossy(text)) else { return true };
                let mut next = 0;
                for d in list {
                    next += d.stars;
                    let calls = matches!(d.verb, 'v' | 's' | 'q') && !d.text.contains('#');
                    self.found.extend(args.get(next).copied().filter(own).filter(|_| calls));
                    next += 1;
                }
            }
            _ => {}
        }
        true
    }
}

/// One directive of a format: its text, its verb, and the arguments that it takes (widths come first).
struct Directive {
    text: String,
    verb: char,
    stars: usize,
}

/// The directives; `None`: explicit argument indexes, which are not looked into.
fn directives(format: &str) -> Option<Vec<Directive>> {
    let mut list = Vec::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        let (mut text, mut stars) = (String::from("%"), 0);
        loop {
            let Some(c) = chars.next() else {
                list.push(Directive { text, verb: '\0', stars });
                return Some(list);
            };
            text.push(c);
            match c {
                '[' => return None,
                '*' => stars += 1,
                '+' | '-' | '#' | ' ' | '0'..='9' | '.' => {}
                '%' => break,
                verb => {
                    list.push(Directive { text, verb, stars });
                    break;
                }
            }
        }
    }
    Some(list)
}

fn format(cx: &mut Vet, e: ExprId, callee: &str, format: ExprId, args: &[ExprId]) {
    let Some(Const::Str(text)) = cx.info.consts.get(&format) else { return };
    let text = String::from_utf8_lossy(text).into_owned();
    let Some(list) = directives(&text) else { return };
    let name = callee.rsplit('/').next().unwrap_or(callee);
    let mut next = 0;
    for d in &list {
        next += d.stars;
        if d.verb == '\0' {
            let w =
                Diagnostic::warning("format", cx.ast.span(format), format!("{name} format ends in a % without a verb"))
                    .help("write %% for a percent sign");
            return cx.warn(w);
        }
        let known = "vTtbcdoOqxXUeEfFgGspw".contains(d.verb);
        if !known || (d.verb == 'w' && callee != "fmt.Errorf") {
            let why = if d.verb == 'w' { "only fmt.Errorf wraps with %w" } else { "there is no such verb" };
            let w =
                Diagnostic::warning("format", cx.ast.span(format), format!("{name} format has {}", d.text)).label(why);
            return cx.warn(w);
        }
        let Some(&arg) = args.get(next) else {
            let message = format!("{name} format reads argument {}, but there are {}", next + 1, args.len());
            let w = Diagnostic::warning("format", cx.ast.span(e), message).label(format!("{} has no value", d.text));
            return cx.warn(w);
        };
        next += 1;
        let ty = cx.info.type_of(arg);
        let wrong = match cx.under(ty) {
            Type::Basic(_) if has_methods(cx, ty) => false,
            Type::Basic(b) if b.is_string() => "tbcdoOUeEfFgG".contains(d.verb),
            Type::Basic(b) if b.is_integer() => "tseEfFgG".contains(d.verb),
            Type::Basic(b) if b.is_float() => "tscdoOqU".contains(d.verb),
            Type::Basic(b) if b.is_boolean() => !"tvT".contains(d.verb),
            _ => false,
        };
        if wrong {
            let shown = super::super::print::type_string(cx.info, cx.names, ty, super::super::print::Style::Runtime);
            let message = format!("{name} format {} has argument {} of type {shown}", d.text, cx.text(arg));
            let w = Diagnostic::warning("format", cx.ast.span(arg), message)
                .label(format!("of type {shown}"))
                .help("%v shows a value of any type");
            return cx.warn(w);
        }
    }
    if next < args.len() {
        let message = format!("{name} call needs {next} arguments, but has {}", args.len());
        let w = Diagnostic::warning("format", cx.ast.span(args[next]), message)
            .label("no directive of the format takes it")
            .help("add a %v to the format");
        cx.warn(w);
    }
}

/// A declared type may format itself.
fn has_methods(cx: &Vet, ty: TypeId) -> bool {
    cx.info.types.as_named(ty).is_some_and(|n| !cx.info.types.named(n).methods.is_empty())
}
