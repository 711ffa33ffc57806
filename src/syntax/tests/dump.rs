//! The tree as S-expressions.
use super::Text;
use crate::syntax::ast::*;

pub fn file(t: &Text) -> String {
    let mut out = Vec::new();
    for item in &t.ast.files[0].items {
        out.push(match item {
            TopItem::Import(i) => {
                let name = i.name.map_or(String::new(), |n| format!("{} ", t.names.name(n.name)));
                format!("(import {name}{})", t.names.name(i.path))
            }
            TopItem::Func(f) => func(t, *f),
            TopItem::Stmt(s) => stmt(t, *s),
        });
    }
    out.join(" ")
}

fn id(t: &Text, i: Ident) -> String {
    assert_eq!(
        t.sources.text(i.span).trim_matches('.'),
        t.names.name(i.name).trim_matches('.'),
        "an identifier's span"
    );
    t.names.name(i.name).to_string()
}

fn ids(t: &Text, list: &[Ident]) -> String {
    list.iter().map(|&i| id(t, i)).collect::<Vec<_>>().join(" ")
}

fn func(t: &Text, f: FuncId) -> String {
    let f = t.ast.func(f);
    let mut out = String::from("(func");
    if let Some(r) = &f.recv {
        out += &format!(" recv{}", params(t, r));
    }
    if let Some(n) = f.name {
        out += &format!(" {}", id(t, n));
    }
    out += &tparams(t, &f.tparams);
    out += &signature(t, &f.sig);
    if let Some(b) = &f.body {
        out += &format!(" {}", block(t, b));
    }
    out + ")"
}

fn tparams(t: &Text, list: &[TypeParam]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let one = |p: &TypeParam| format!("{} {}", id(t, p.name), expr(t, p.constraint));
    format!(" [{}]", list.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn signature(t: &Text, s: &Signature) -> String {
    let mut out = params(t, &s.params);
    if !s.results.is_empty() {
        out += &params(t, &s.results);
    }
    out
}

fn params(t: &Text, list: &[Param]) -> String {
    let one = |p: &Param| {
        let name = p.name.map_or(String::new(), |n| format!("{} ", id(t, n)));
        format!("{name}{}{}", if p.variadic { "..." } else { "" }, expr(t, p.ty))
    };
    format!("({})", list.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn block(t: &Text, b: &Block) -> String {
    let text = t.sources.text(b.span);
    assert!(text.starts_with('{') && text.ends_with('}'), "a block's span: {text}");
    format!("{{{}}}", stmts(t, &b.stmts))
}

fn stmts(t: &Text, list: &[StmtId]) -> String {
    list.iter().map(|&s| stmt(t, s)).collect::<Vec<_>>().join(" ")
}

fn exprs(t: &Text, list: &[ExprId]) -> String {
    list.iter().map(|&e| expr(t, e)).collect::<Vec<_>>().join(" ")
}

fn or(x: Option<String>) -> String {
    x.unwrap_or_else(|| "-".into())
}

fn stmt(t: &Text, s: StmtId) -> String {
    let e = |x: ExprId| expr(t, x);
    let s_ = |s: &Option<StmtId>| or(s.map(|s| stmt(t, s)));
    let o = |x: &Option<ExprId>| or(x.map(e));
    let name = |i: &Option<Ident>| i.map_or(String::new(), |i| format!(" {}", id(t, i)));
    match &t.ast.stmt(s).kind {
        StmtKind::Bad => "BAD".into(),
        StmtKind::Empty => "empty".into(),
        StmtKind::Decl(d) => decl(t, d),
        StmtKind::Expr(x) => e(*x),
        StmtKind::Send { chan, value } => format!("(send {} {})", e(*chan), e(*value)),
        StmtKind::IncDec { x, inc } => format!("({} {})", if *inc { "++" } else { "--" }, e(*x)),
        StmtKind::Assign { lhs, rhs, .. } => format!("(= {} | {})", exprs(t, lhs), exprs(t, rhs)),
        StmtKind::OpAssign { op, lhs, rhs, .. } => format!("({op:?}= {} {})", e(*lhs), e(*rhs)),
        StmtKind::Define { lhs, rhs, .. } => format!("(:= {} | {})", exprs(t, lhs), exprs(t, rhs)),
        StmtKind::Go(x) => format!("(go {})", e(*x)),
        StmtKind::Defer(x) => format!("(defer {})", e(*x)),
        StmtKind::Return(v) => format!("(return{}{})", if v.is_empty() { "" } else { " " }, exprs(t, v)),
        StmtKind::Break(l) => format!("(break{})", name(l)),
        StmtKind::Continue(l) => format!("(continue{})", name(l)),
        StmtKind::Goto(l) => format!("(goto {})", id(t, *l)),
        StmtKind::Fallthrough => "fallthrough".into(),
        StmtKind::Block(b) => block(t, b),
        StmtKind::If { init, cond, then, els } => {
            format!("(if {} {} {} {})", s_(init), e(*cond), block(t, then), s_(els))
        }
        StmtKind::Switch { init, tag, cases, .. } => format!("(switch {} {}{})", s_(init), o(tag), all_cases(t, cases)),
        StmtKind::TypeSwitch { init, bind, x, cases, .. } => {
            format!("(typeswitch {}{} {}{})", s_(init), name(bind), e(*x), all_cases(t, cases))
        }
        StmtKind::Select { cases, .. } => {
            let one = |c: &CommCase| {
                assert_eq!(t.sources.text(crate::base::span::Span::new(c.colon, c.colon + 1)), ":");
                format!(" ({}: {})", s_(&c.comm), stmts(t, &c.body))
            };
            format!("(select{})", cases.iter().map(one).collect::<String>())
        }
        StmtKind::For { init, cond, post, body } => {
            format!("(for {} {} {} {})", s_(init), o(cond), s_(post), block(t, body))
        }
        StmtKind::Range { lhs, define, x, body } => {
            let op = if *define { ":=" } else { "=" };
            format!("(range {} {op} {} {})", exprs(t, lhs), e(*x), block(t, body))
        }
        StmtKind::Labeled { label, stmt: inner } => format!("({}: {})", id(t, *label), stmt(t, *inner)),
    }
}

fn all_cases(t: &Text, cases: &[Case]) -> String {
    let one = |c: &Case| {
        assert_eq!(t.sources.text(crate::base::span::Span::new(c.colon, c.colon + 1)), ":");
        let head = if c.is_default { "default".into() } else { exprs(t, &c.exprs) };
        format!(" ({head}: {})", stmts(t, &c.body))
    };
    cases.iter().map(one).collect()
}

fn decl(t: &Text, d: &Decl) -> String {
    let o = |x: &Option<ExprId>| or(x.map(|x| expr(t, x)));
    let specs: Vec<String> = match d {
        Decl::Var(v) => {
            v.iter().map(|v| format!("{} : {} = {}", ids(t, &v.names), o(&v.ty), exprs(t, &v.values))).collect()
        }
        Decl::Const(v) => v
            .iter()
            .map(|v| format!("{}@{} : {} = {}", ids(t, &v.names), v.iota, o(&v.ty), exprs(t, &v.values)))
            .collect(),
        Decl::Type(v) => v
            .iter()
            .map(|v| {
                let alias = if v.alias { " =" } else { "" };
                format!("{}{}{alias} {}", id(t, v.name), tparams(t, &v.tparams), expr(t, v.ty))
            })
            .collect(),
    };
    let word = match d {
        Decl::Var(_) => "var",
        Decl::Const(_) => "const",
        Decl::Type(_) => "type",
    };
    format!("({word} {})", specs.join("; "))
}

fn expr(t: &Text, x: ExprId) -> String {
    let e = |x: ExprId| expr(t, x);
    let o = |x: &Option<ExprId>| or(x.map(e));
    let node = t.ast.expr(x);
    match &node.kind {
        ExprKind::Bad => "BAD".into(),
        ExprKind::Ident(n) => {
            assert_eq!(t.sources.text(node.span), t.names.name(*n));
            t.names.name(*n).into()
        }
        ExprKind::Lit { text, .. } => {
            assert_eq!(t.sources.text(node.span), t.names.name(*text));
            t.names.name(*text).into()
        }
        ExprKind::Composite { ty, elems, .. } => {
            let one = |el: &Element| match el.key {
                Some(k) => format!("{}:{}", e(k), e(el.value)),
                None => e(el.value),
            };
            format!("{}{{{}}}", ty.map_or(String::new(), e), elems.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        ExprKind::FuncLit(f) => func(t, *f),
        ExprKind::Paren(x) => format!("(paren {})", e(*x)),
        ExprKind::Selector { x, sel } => format!("{}.{}", e(*x), id(t, *sel)),
        ExprKind::Index { x, indices } => format!("{}[{}]", e(*x), exprs(t, indices)),
        ExprKind::Slice { x, lo, hi, max, full } => {
            let max = if *full { format!(":{}", o(max)) } else { String::new() };
            format!("{}[{}:{}{max}]", e(*x), o(lo), o(hi))
        }
        ExprKind::TypeAssert { x, ty } => format!("{}.({})", e(*x), ty.map_or("type".into(), e)),
        ExprKind::Call { fun, args, spread, .. } => {
            format!(
                "(call {}{}{}{})",
                e(*fun),
                if args.is_empty() { "" } else { " " },
                exprs(t, args),
                if *spread { "..." } else { "" }
            )
        }
        ExprKind::Star(x) => format!("*{}", e(*x)),
        ExprKind::Unary { op, x } => format!("({op:?} {})", e(*x)),
        ExprKind::Binary { op, x, y, op_span } => {
            assert!(!t.sources.text(*op_span).is_empty());
            format!("({op:?} {} {})", e(*x), e(*y))
        }
        ExprKind::ArrayType { len, elem } => format!("[{}]{}", len.map_or("...".into(), e), e(*elem)),
        ExprKind::SliceType { elem } => format!("[]{}", e(*elem)),
        ExprKind::MapType { key, value } => format!("map[{}]{}", e(*key), e(*value)),
        ExprKind::ChanType { dir, elem } => format!("(chan {dir:?} {})", e(*elem)),
        ExprKind::FuncType(s) => format!("(functype {})", signature(t, s)),
        ExprKind::StructType { fields } => {
            let one = |f: &FieldDecl| {
                let tag = f.tag.map_or(String::new(), |(s, _)| format!(" {}", t.names.name(s)));
                format!("{}{}{tag}", f.name.map_or(String::new(), |n| format!("{} ", id(t, n))), e(f.ty))
            };
            format!("struct{{{}}}", fields.iter().map(one).collect::<Vec<_>>().join("; "))
        }
        ExprKind::InterfaceType { elems } => {
            let one = |el: &InterfaceElem| match el {
                InterfaceElem::Method { name, sig } => format!("{}{}", id(t, *name), signature(t, sig)),
                InterfaceElem::Embed(x) => e(*x),
            };
            format!("interface{{{}}}", elems.iter().map(one).collect::<Vec<_>>().join("; "))
        }
        ExprKind::Tilde(x) => format!("~{}", e(*x)),
    }
}
