//! The syntax tree. Nodes lie in the vectors of one `Ast`, shared by all files of a program, and refer to each
//! other by index: no recursive drops, and side tables are plain vectors. Types are expressions, as in go/ast:
//! the checker decides what an expression denotes.
//!
//! A declaring identifier is named by the position of its first byte (`Ident::span.lo`), which is unique in the
//! program.
use crate::base::intern::Sym;
use crate::base::span::{FileId, Span};
use rustc_hash::FxHashSet;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ExprId(pub u32);
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct StmtId(pub u32);
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct FuncId(pub u32);

#[derive(Default)]
pub struct Ast {
    pub exprs: Vec<Expr>,
    pub stmts: Vec<Stmt>,
    /// Function and method declarations and function literals.
    pub funcs: Vec<Func>,
    pub files: Vec<File>,
    /// The files in which the iterations of a loop share its variables: written for a release before Go 1.22.
    shared_loops: Vec<Span>,
    /// Functions that are marked `//go:noinline`.
    pub noinline: FxHashSet<FuncId>,
}

impl Ast {
    /// Notes for which release of Go, 1.N, the files from this index on are written.
    pub fn set_release(&mut self, from: usize, release: u32) {
        if release < 22 {
            self.shared_loops.extend(self.files[from..].iter().map(|f| f.span));
        }
    }

    /// Whether the iterations of a loop at this place share its variables.
    pub fn shares_loop_variables(&self, pos: u32) -> bool {
        self.shared_loops.iter().any(|s| (s.lo..s.hi).contains(&pos))
    }

    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.0 as usize]
    }
    pub fn func(&self, id: FuncId) -> &Func {
        &self.funcs[id.0 as usize]
    }
    pub fn span(&self, id: ExprId) -> Span {
        self.exprs[id.0 as usize].span
    }
    /// `id` without enclosing parentheses.
    pub fn unparen(&self, mut id: ExprId) -> ExprId {
        while let ExprKind::Paren(inner) = self.expr(id).kind {
            id = inner;
        }
        id
    }
}

pub struct File {
    pub id: FileId,
    /// `None`: a script.
    pub package: Option<Ident>,
    /// In source order.
    pub items: Vec<TopItem>,
    /// The whole file.
    pub span: Span,
}

pub enum TopItem {
    Import(ImportSpec),
    Func(FuncId),
    /// A declaration (`StmtKind::Decl`) or, in a script, any statement.
    Stmt(StmtId),
}

pub struct ImportSpec {
    /// The local name: `None`, a name, `_` or `.`.
    pub name: Option<Ident>,
    /// The unquoted path.
    pub path: Sym,
    pub path_span: Span,
    pub span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ident {
    pub name: Sym,
    pub span: Span,
}

/// A function declaration, method declaration or function literal.
pub struct Func {
    /// `None` for a literal.
    pub name: Option<Ident>,
    /// The receiver list as written; the checker reports a count other than one.
    pub recv: Option<Vec<Param>>,
    pub tparams: Vec<TypeParam>,
    pub sig: Signature,
    /// `None`: declared without a body.
    pub body: Option<Block>,
    pub span: Span,
}

pub struct TypeParam {
    pub name: Ident,
    /// The constraint, a type or union expression; `[K, V any]` gives both the same one.
    pub constraint: ExprId,
}

#[derive(Clone)]
pub struct Signature {
    pub params: Vec<Param>,
    pub results: Vec<Param>,
    /// From `(` of the parameters to the end of the results.
    pub span: Span,
}

/// One parameter or result: `a, b int` gives two with the same type expression.
#[derive(Clone)]
pub struct Param {
    pub name: Option<Ident>,
    pub ty: ExprId,
    /// `...T`; `ty` is then `T`.
    pub variadic: bool,
    pub span: Span,
}

#[derive(Clone)]
pub struct Block {
    pub stmts: Vec<StmtId>,
    /// From `{` to `}`.
    pub span: Span,
}

pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
    /// 1 + the largest depth of its parts: the parser refuses more than `limits::MAX_NESTING`.
    pub depth: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LitKind {
    Int,
    Float,
    Imag,
    Char,
    /// Interpreted or raw.
    String,
}

pub enum ExprKind {
    /// Where a syntax error was; never reported again.
    Bad,
    Ident(Sym),
    /// `text` is the literal as written.
    Lit {
        kind: LitKind,
        text: Sym,
    },
    /// `T{...}`; without a type only inside another composite literal. `[...]T{}` has an `ArrayType` with `Ellipsis`.
    Composite {
        ty: Option<ExprId>,
        elems: Vec<Element>,
        braces: Span,
    },
    FuncLit(FuncId),
    Paren(ExprId),
    Selector {
        x: ExprId,
        sel: Ident,
    },
    /// Index expression or instantiation: at least one index.
    Index {
        x: ExprId,
        indices: Vec<ExprId>,
    },
    Slice {
        x: ExprId,
        lo: Option<ExprId>,
        hi: Option<ExprId>,
        max: Option<ExprId>,
        full: bool,
    },
    /// `x.(T)`; `None`: `x.(type)`.
    TypeAssert {
        x: ExprId,
        ty: Option<ExprId>,
    },
    /// `spread`: the call's last argument is followed by `...`.
    Call {
        fun: ExprId,
        args: Vec<ExprId>,
        spread: bool,
        parens: Span,
    },
    /// `*x`: dereference or pointer type.
    Star(ExprId),
    Unary {
        op: UnaryOp,
        x: ExprId,
    },
    Binary {
        op: BinaryOp,
        op_span: Span,
        x: ExprId,
        y: ExprId,
    },
    /// Array type `[len]elem`; `None` is `[...]elem`.
    ArrayType {
        len: Option<ExprId>,
        elem: ExprId,
    },
    SliceType {
        elem: ExprId,
    },
    MapType {
        key: ExprId,
        value: ExprId,
    },
    ChanType {
        dir: ChanDir,
        elem: ExprId,
    },
    FuncType(Box<Signature>),
    StructType {
        fields: Vec<FieldDecl>,
    },
    InterfaceType {
        elems: Vec<InterfaceElem>,
    },
    /// `~T` in constraints; a union is a `Binary` with `BinaryOp::Or`.
    Tilde(ExprId),
}

#[derive(Clone, Copy)]
pub struct Element {
    pub key: Option<ExprId>,
    pub value: ExprId,
}

/// One field: `a, b int` gives two.
#[derive(Clone)]
pub struct FieldDecl {
    /// `None`: embedded.
    pub name: Option<Ident>,
    pub ty: ExprId,
    /// The tag's literal as written.
    pub tag: Option<(Sym, Span)>,
    pub span: Span,
}

pub enum InterfaceElem {
    Method {
        name: Ident,
        sig: Signature,
    },
    /// An embedded type or union.
    Embed(ExprId),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChanDir {
    Both,
    Send,
    Recv,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    Plus,
    Neg,
    Not,
    BitNot,
    Addr,
    Recv,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    LOr,
    LAnd,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Or,
    Xor,
    Mul,
    Div,
    Rem,
    Shl,
    Shr,
    And,
    AndNot,
}

pub struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

pub enum StmtKind {
    Bad,
    Empty,
    Decl(Decl),
    Expr(ExprId),
    Send {
        chan: ExprId,
        value: ExprId,
    },
    /// `x++`, `x--`
    IncDec {
        x: ExprId,
        inc: bool,
    },
    Assign {
        lhs: Vec<ExprId>,
        rhs: Vec<ExprId>,
        op_span: Span,
    },
    /// `lhs op= rhs`
    OpAssign {
        op: BinaryOp,
        lhs: ExprId,
        rhs: ExprId,
        op_span: Span,
    },
    /// `lhs := rhs`; the left sides are expressions, which the checker requires to be identifiers.
    Define {
        lhs: Vec<ExprId>,
        rhs: Vec<ExprId>,
        op_span: Span,
    },
    Go(ExprId),
    Defer(ExprId),
    Return(Vec<ExprId>),
    Break(Option<Ident>),
    Continue(Option<Ident>),
    Goto(Ident),
    Fallthrough,
    Block(Block),
    If {
        init: Option<StmtId>,
        cond: ExprId,
        then: Block,
        els: Option<StmtId>,
    },
    /// Expression switch; no tag: `switch { ... }`.
    Switch {
        init: Option<StmtId>,
        tag: Option<ExprId>,
        cases: Vec<Case>,
        body: Span,
    },
    /// `switch init; bind := x.(type) { ... }`
    TypeSwitch {
        init: Option<StmtId>,
        bind: Option<Ident>,
        x: ExprId,
        cases: Vec<Case>,
        body: Span,
    },
    Select {
        cases: Vec<CommCase>,
        body: Span,
    },
    For {
        init: Option<StmtId>,
        cond: Option<ExprId>,
        post: Option<StmtId>,
        body: Block,
    },
    /// `define`: `:=`. At most two left sides are legal; more are kept for the report.
    Range {
        lhs: Vec<ExprId>,
        define: bool,
        x: ExprId,
        body: Block,
    },
    Labeled {
        label: Ident,
        stmt: StmtId,
    },
}

pub struct Case {
    /// Expressions or types; empty with `default`.
    pub exprs: Vec<ExprId>,
    pub is_default: bool,
    pub body: Vec<StmtId>,
    /// From `case` or `default` to the clause's end.
    pub span: Span,
    pub colon: u32,
}

pub struct CommCase {
    /// A send statement, a receive expression, or an assignment or definition whose one right side is a receive; `None`: default.
    pub comm: Option<StmtId>,
    pub body: Vec<StmtId>,
    pub span: Span,
    pub colon: u32,
}

/// The specs of one `const`, `type` or `var` declaration.
pub enum Decl {
    Var(Vec<VarSpec>),
    Const(Vec<ConstSpec>),
    Type(Vec<TypeSpec>),
}

pub struct VarSpec {
    pub names: Vec<Ident>,
    pub ty: Option<ExprId>,
    pub values: Vec<ExprId>,
    pub span: Span,
}

/// `iota` counts the specs of its group; a spec without type and values repeats those of the last one that has.
pub struct ConstSpec {
    pub names: Vec<Ident>,
    pub ty: Option<ExprId>,
    pub values: Vec<ExprId>,
    pub iota: u32,
    pub span: Span,
}

pub struct TypeSpec {
    pub name: Ident,
    pub tparams: Vec<TypeParam>,
    /// `type A = T`
    pub alias: bool,
    pub ty: ExprId,
    pub span: Span,
}
