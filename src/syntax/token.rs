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
