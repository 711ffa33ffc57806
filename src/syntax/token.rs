//! Tokens.
use crate::base::intern::Sym;
use crate::syntax::ast::BinaryOp;
use logos::Logos;

/// What logos tells apart; the adaptor in `lex` makes [`Tok`]s of it.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip r"[ \t\r]+")]
pub enum Raw {
    #[token("\n")]
    Newline,
    #[regex(r"//[^\n]*", allow_greedy = true)]
    LineComment,
    /// The rest is scanned by hand, as that of literals.
    #[token("/*")]
    BlockComment,
    #[regex(r"[\p{L}_][\p{L}\p{Nd}_]*")]
    Word,
    #[regex(r"[0-9]")]
    #[regex(r"\.[0-9]")]
    Number,
    #[token("\"")]
    Quote,
    #[token("`")]
    Backquote,
    #[token("'")]
    Tick,
    #[token("+")]
    Add,
    #[token("-")]
    Sub,
    #[token("*")]
    Star,
    #[token("/")]
    Div,
    #[token("%")]
    Rem,
    #[token("&")]
    And,
    #[token("|")]
    Or,
    #[token("^")]
    Xor,
    #[token("<<")]
    Shl,
    #[token(">>")]
    Shr,
    #[token("&^")]
    AndNot,
    #[token("+=")]
    AddAssign,
    #[token("-=")]
    SubAssign,
    #[token("*=")]
    MulAssign,
    #[token("/=")]
    DivAssign,
    #[token("%=")]
    RemAssign,
    #[token("&=")]
    AndAssign,
    #[token("|=")]
    OrAssign,
    #[token("^=")]
    XorAssign,
    #[token("<<=")]
    ShlAssign,
    #[token(">>=")]
    ShrAssign,
    #[token("&^=")]
    AndNotAssign,
    #[token("&&")]
    LAnd,
    #[token("||")]
    LOr,
    #[token("<-")]
    Arrow,
    #[token("++")]
    Inc,
    #[token("--")]
    Dec,
    #[token("==")]
    Eq,
    #[token("<")]
    Lt,
    #[token(">")]
    Gt,
    #[token("=")]
    Assign,
    #[token("!")]
    Not,
    #[token("~")]
    Tilde,
    #[token("!=")]
    Ne,
    #[token("<=")]
    Le,
    #[token(">=")]
    Ge,
    #[token(":=")]
    Define,
    #[token("...")]
    Dots,
    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("[")]
    LBrack,
    #[token("]")]
    RBrack,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token(",")]
    Comma,
    #[token(";")]
    Semi,
    #[token(".")]
    Dot,
    #[token(":")]
    Colon,
}

/// What the parser reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tok {
    Ident(Sym),
    Int(Sym),
    Float(Sym),
    Imag(Sym),
    Char(Sym),
    Str(Sym),
    Break,
    Case,
    Chan,
    Const,
    Continue,
    Default,
    Defer,
    Else,
    Fallthrough,
    For,
    Func,
    /// `func` that begins a function or method declaration.
    FuncDecl,
    Go,
    Goto,
    If,
    Import,
    Interface,
    Map,
    Package,
    Range,
    Return,
    Select,
    Struct,
    Switch,
    Type,
    Var,
    Add,
    Sub,
    Star,
    Div,
    Rem,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    AndNot,
    OpAssign(BinaryOp),
    LAnd,
    LOr,
    Arrow,
    Inc,
    Dec,
    Eq,
    Lt,
    Gt,
    Assign,
    Not,
    Tilde,
    Ne,
    Le,
    Ge,
    Define,
    Dots,
    LParen,
    RParen,
    LBrack,
    /// `[` that opens the type parameters of a type declaration.
    TpLBrack,
    RBrack,
    LBrace,
    /// `{` that opens the block of `if`, `for`, `switch` or `select`.
    LBody,
    RBrace,
    Comma,
    /// `true`: inserted at a line's end.
    Semi(bool),
    Dot,
    Colon,
    /// In place of what could not be parsed; made by `repair` only.
    Bad,
}

impl Tok {
    /// The token of an operator or bracket.
    pub fn punctuation(raw: Raw) -> Tok {
        match raw {
            Raw::Add => Tok::Add,
            Raw::Sub => Tok::Sub,
            Raw::Star => Tok::Star,
            Raw::Div => Tok::Div,
            Raw::Rem => Tok::Rem,
            Raw::And => Tok::And,
            Raw::Or => Tok::Or,
            Raw::Xor => Tok::Xor,
            Raw::Shl => Tok::Shl,
            Raw::Shr => Tok::Shr,
            Raw::AndNot => Tok::AndNot,
            Raw::AddAssign => Tok::OpAssign(BinaryOp::Add),
            Raw::SubAssign => Tok::OpAssign(BinaryOp::Sub),
            Raw::MulAssign => Tok::OpAssign(BinaryOp::Mul),
            Raw::DivAssign => Tok::OpAssign(BinaryOp::Div),
            Raw::RemAssign => Tok::OpAssign(BinaryOp::Rem),
            Raw::AndAssign => Tok::OpAssign(BinaryOp::And),
            Raw::OrAssign => Tok::OpAssign(BinaryOp::Or),
            Raw::XorAssign => Tok::OpAssign(BinaryOp::Xor),
            Raw::ShlAssign => Tok::OpAssign(BinaryOp::Shl),
            Raw::ShrAssign => Tok::OpAssign(BinaryOp::Shr),
            Raw::AndNotAssign => Tok::OpAssign(BinaryOp::AndNot),
            Raw::LAnd => Tok::LAnd,
            Raw::LOr => Tok::LOr,
            Raw::Arrow => Tok::Arrow,
            Raw::Inc => Tok::Inc,
            Raw::Dec => Tok::Dec,
            Raw::Eq => Tok::Eq,
            Raw::Lt => Tok::Lt,
            Raw::Gt => Tok::Gt,
            Raw::Assign => Tok::Assign,
            Raw::Not => Tok::Not,
            Raw::Tilde => Tok::Tilde,
            Raw::Ne => Tok::Ne,
            Raw::Le => Tok::Le,
            Raw::Ge => Tok::Ge,
            Raw::Define => Tok::Define,
            Raw::Dots => Tok::Dots,
            Raw::LParen => Tok::LParen,
            Raw::RParen => Tok::RParen,
            Raw::LBrack => Tok::LBrack,
            Raw::RBrack => Tok::RBrack,
            Raw::LBrace => Tok::LBrace,
            Raw::RBrace => Tok::RBrace,
            Raw::Comma => Tok::Comma,
            Raw::Semi => Tok::Semi(false),
            Raw::Dot => Tok::Dot,
            _ => Tok::Colon,
        }
    }

    /// An operand may end with this token: what follows is no operand, and a newline ends the statement.
    #[rustfmt::skip]
    pub fn ends_operand(self) -> bool {
        matches!(
            self,
            Tok::Ident(_) | Tok::Int(_) | Tok::Float(_) | Tok::Imag(_) | Tok::Char(_) | Tok::Str(_) | Tok::RParen
                | Tok::RBrack | Tok::RBrace | Tok::Bad
        )
    }

    /// An operator that stands only between operands.
    #[rustfmt::skip]
    pub fn is_binary_operator(self) -> bool {
        matches!(
            self,
            Tok::Div | Tok::Rem | Tok::Or | Tok::Shl | Tok::Shr | Tok::AndNot | Tok::LAnd | Tok::LOr | Tok::Eq
                | Tok::Ne | Tok::Lt | Tok::Le | Tok::Gt | Tok::Ge
        )
    }
}

pub fn keyword(word: &str) -> Option<Tok> {
    Some(match word {
        "break" => Tok::Break,
        "case" => Tok::Case,
        "chan" => Tok::Chan,
        "const" => Tok::Const,
        "continue" => Tok::Continue,
        "default" => Tok::Default,
        "defer" => Tok::Defer,
        "else" => Tok::Else,
        "fallthrough" => Tok::Fallthrough,
        "for" => Tok::For,
        "func" => Tok::Func,
        "go" => Tok::Go,
        "goto" => Tok::Goto,
        "if" => Tok::If,
        "import" => Tok::Import,
        "interface" => Tok::Interface,
        "map" => Tok::Map,
        "package" => Tok::Package,
        "range" => Tok::Range,
        "return" => Tok::Return,
        "select" => Tok::Select,
        "struct" => Tok::Struct,
        "switch" => Tok::Switch,
        "type" => Tok::Type,
        "var" => Tok::Var,
        _ => return None,
    })
}
