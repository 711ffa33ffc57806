//! What a syntax error is called: from the token that does not fit, the tokens the grammar would take there and the
//! place it stands in to the sentence that Go's compiler writes, with a help line for the common slips.
use super::build::STRAY;
use super::lex::Spanned;
use super::outline::{Frame, Place};
use super::token::Tok;
use crate::base::diag::Diagnostic;
use crate::base::intern::{Interner, Sym};
use crate::base::span::Span;
use crate::syntax::ast::BinaryOp;

/// Characters of a literal that a message shows.
const MAX_SHOWN_CHARS: usize = 60;

/// A token that does not fit.
pub struct Misfit<'a> {
    pub tokens: &'a [Spanned],
    /// Where the top-level item begins.
    pub from: usize,
    /// The token; the number of tokens at the end of the file.
    pub at: usize,
    pub frames: &'a [Frame],
    /// The grammar's names of the tokens it would take.
    pub expected: &'a [String],
    /// The file has a package clause.
    pub package: bool,
    pub after_bodiless_function: bool,
    pub names: &'a Interner,
    /// Position of the file's end.
    pub end: u32,
}

/// Where a report points, in tokens, and what it says.
struct Verdict {
    at: usize,
    message: String,
}

impl Misfit<'_> {
    pub fn diagnostic(&self) -> Diagnostic {
        let verdict = self.verdict();
        let span = match self.tokens.get(verdict.at) {
            Some(&(lo, _, hi)) => Span::new(lo, hi.max(lo + 1).min(self.end.max(lo))),
            None => Span::new(self.end, self.end),
        };
        let mut d = Diagnostic::error("syntax", span, verdict.message);
        if let Some(help) = self.help() {
            d = d.help(help);
        }
        if let (None, Some(frame)) = (self.tokens.get(self.at), self.frames.last())
            && frame.place != Place::Top
            && let Some(&(lo, _, hi)) = self.tokens.get(frame.open)
        {
            d = d.related(Span::new(lo, hi), "opened here");
        }
        d
    }

    fn tok(&self, i: usize) -> Option<Tok> {
        self.tokens.get(i).map(|t| t.1)
    }

    fn found(&self) -> Option<Tok> {
        self.tok(self.at)
    }

    /// The token before, within the top-level item.
    fn prev(&self) -> Option<Tok> {
        if self.at > self.from { self.tok(self.at - 1) } else { None }
    }

    fn expects(&self, name: &str) -> bool {
        self.expected.iter().any(|e| e.trim_matches('"') == name)
    }

    fn unexpected(&self, rest: &str) -> String {
        let found = self.found().map_or("EOF".into(), |t| describe(t, self.names));
        format!("syntax error: unexpected {found}{rest}")
    }

    fn frame(&self) -> &Frame {
        &self.frames[self.frames.len() - 1]
    }

    fn verdict(&self) -> Verdict {
        let here = |message: String| Verdict { at: self.at, message };
        if let Some(v) = self.stray().or_else(|| self.plain()) {
            return v;
        }
        if let Some(h) = self.frame().header
            && let Some(v) = self.header(h)
        {
            return v;
        }
        here(self.unexpected(&self.rest()))
    }

    /// A statement outside of functions.
    fn stray(&self) -> Option<Verdict> {
        let at = self.frames[0].start;
        if !self.package {
            return None;
        }
        let message = match self.tok(at) {
            Some(Tok::Import | Tok::Const | Tok::Type | Tok::Var | Tok::FuncDecl | Tok::Bad) | None => return None,
            Some(Tok::Package) if at == 0 => return None,
            Some(Tok::LBrace) if self.after_bodiless_function => {
                "syntax error: unexpected semicolon or newline before {"
            }
            _ => STRAY,
        };
        Some(Verdict { at, message: message.into() })
    }

    /// The token before may end an operand.
    fn after_operand(&self) -> bool {
        self.prev().is_some_and(|p| p.ends_operand() || matches!(p, Tok::Inc | Tok::Dec))
    }

    /// Sentences that do not name the token.
    fn plain(&self) -> Option<Verdict> {
        let error = |at: usize, text: &str| Some(Verdict { at, message: format!("syntax error: {text}") });
        let frame = self.frame();
        let at_start = self.at == frame.start;
        let found = self.found();
        match (found, self.prev()) {
            (Some(Tok::Package), _) if frame.place == Place::Top && at_start && !self.package => {
                return error(self.at, "package statement must be first");
            }
            (Some(Tok::Tilde), _) if self.expects("int") && !self.after_operand() => {
                return Some(Verdict {
                    at: self.at,
                    message: "cannot use ~ outside of interface or type constraint".into(),
                });
            }
            (Some(t), Some(Tok::Else)) if t != Tok::If => {
                return error(self.at, "else must be followed by if or statement block");
            }
            (Some(Tok::RBrack), Some(Tok::LBrack)) if frame.place == Place::TypeParams => {
                return error(self.at, "empty type parameter list");
            }
            (_, Some(Tok::Dots)) if frame.place == Place::Params => return error(self.at, "... is missing type"),
            (_, Some(Tok::Chan)) if !self.expects("int") => return error(self.at, "missing channel element type"),
            (Some(t), _) if t != Tok::Semi(true) && self.in_generic_method() => {
                return Some(Verdict {
                    at: frame.open,
                    message: "interface method must have no type parameters".into(),
                });
            }
            _ => {}
        }
        let imports = self.unit(Tok::Import) && frame.place != Place::Block;
        if imports && found.is_some_and(|t| matches!(t, Tok::Int(_) | Tok::Float(_) | Tok::Imag(_) | Tok::Char(_))) {
            return error(self.at, "import path must be a string");
        }
        if imports && self.expects("str") && (at_start || frame.place != Place::Group || self.at == frame.start + 1) {
            return error(self.at, "missing import path");
        }
        None
    }

    /// Whether the entry belongs to a declaration of this kind.
    fn unit(&self, keyword: Tok) -> bool {
        let frame = self.frame();
        match frame.place {
            Place::Group => frame.open > 0 && self.tok(frame.open - 1) == Some(keyword),
            place if place.is_block() => self.tok(frame.start) == Some(keyword),
            _ => false,
        }
    }

    /// `interface { m[T any]() }`
    fn in_generic_method(&self) -> bool {
        let [.., outer, inner] = self.frames else { return false };
        outer.place == Place::Interface
            && inner.place == Place::Index
            && inner.open == outer.start + 1
            && self.at > inner.open + 1
    }

    /// Between `if`, `for`, `switch` or `select` and its block.
    fn header(&self, h: usize) -> Option<Verdict> {
        let keyword = self.tok(h)?;
        let here = |message: String| Some(Verdict { at: self.at, message });
        let plain = |at: usize, text: &str| Some(Verdict { at, message: format!("syntax error: {text}") });
        let clause = match keyword {
            Tok::If => "if clause",
            Tok::For => "for clause",
            Tok::Switch => "switch clause",
            _ => "select clause",
        };
        let found = self.found();
        let semis = (h..self.at.min(self.tokens.len())).filter(|&i| self.at_level(h, i)).count();
        match (found, self.prev()) {
            (Some(Tok::Var), Some(p)) if p == keyword => {
                let name = symbol(keyword).map_or("", |s| s.0);
                return plain(self.at, &format!("var declaration not allowed in {name} initializer"));
            }
            (Some(Tok::LBody), Some(Tok::If)) => return plain(self.at, "missing condition in if statement"),
            (Some(Tok::LBody), Some(Tok::Semi(newline))) if keyword == Tok::If => {
                let text = if newline {
                    "unexpected newline, expected { after if clause"
                } else {
                    "missing condition in if statement"
                };
                return plain(self.at - 1, text);
            }
            (Some(Tok::LBody), Some(Tok::Semi(_))) if keyword == Tok::For => {
                return here(self.unexpected(", expected for loop condition"));
            }
            _ => {}
        }
        if keyword == Tok::Select {
            return plain(self.at, "missing { after select clause");
        }
        if !self.after_operand() && self.expects("int") {
            return None;
        }
        if self.expects(":=") && self.has_list(h + 1) {
            return here(self.unexpected(", expected := or = or comma"));
        }
        if !self.expects("{body") {
            if keyword == Tok::For && semis == 1 && self.expects(";") {
                return here(self.unexpected(", expected semicolon or newline"));
            }
            return None;
        }
        if self.expects(";") && found != Some(Tok::Semi(true)) && semis == 0 {
            // Go asks for the brace here, whatever else could stand.
            return here(self.unexpected(", expected {"));
        }
        match keyword {
            Tok::Switch => plain(self.at, "missing { after switch clause"),
            _ => here(self.unexpected(&format!(", expected {{ after {clause}"))),
        }
    }

    /// A semicolon of the header itself.
    fn at_level(&self, _h: usize, i: usize) -> bool {
        // Semicolons inside of brackets belong to function literals: rare enough to be taken for the header's own.
        matches!(self.tok(i), Some(Tok::Semi(_)))
    }

    /// What follows `unexpected X`.
    fn rest(&self) -> String {
        let frame = self.frame();
        let found = self.found();
        let prev = self.prev();
        let at_start = self.at == frame.start;
        let after_operand = self.after_operand();
        if found.is_none() {
            match frame.place {
                Place::Args => return ", expected )".into(),
                Place::Composite => return ", expected }".into(),
                _ => {}
            }
        }
        if self.tok(frame.start) == Some(Tok::Package) && after_operand {
            return ", expected semicolon or newline".into();
        }
        if found == Some(Tok::Define) && self.expects("=") && !self.expects(":=") {
            return ", expected =".into();
        }
        if frame.place.is_block() && at_start {
            return match frame.place {
                Place::Cases => ", expected case or default or }".into(),
                Place::Block => ", expected }".into(),
                _ => ", expected statement".into(),
            };
        }
        match prev {
            Some(Tok::Dot) if !self.expects("(") => return ", expected name".into(),
            Some(Tok::Dot) => return ", expected name or (".into(),
            Some(Tok::FuncDecl) => return ", expected name or (".into(),
            Some(Tok::Func) if at_start || frame.place == Place::Top && self.package => {
                return ", expected name or (".into();
            }
            Some(Tok::Func) => return ", expected (".into(),
            Some(Tok::Struct | Tok::Interface) => return ", expected {".into(),
            Some(Tok::Map) => return ", expected [".into(),
            Some(Tok::Goto | Tok::Var | Tok::Const | Tok::Type | Tok::Package) => return ", expected name".into(),
            _ => {}
        }
        if frame.place == Place::Group && at_start && self.expects("id") && !self.expects("int") {
            return ", expected name".into();
        }
        if frame.place == Place::Struct && self.at == frame.start + 1 && matches!(prev, Some(Tok::Ident(_))) {
            return ", expected type".into();
        }
        if !after_operand {
            if self.expects("int") {
                return match frame.place {
                    Place::Index if prev == Some(Tok::LBrack) && found == Some(Tok::RBrack) => {
                        ", expected operand".into()
                    }
                    _ => ", expected expression".into(),
                };
            }
            if frame.place == Place::Params && (at_start || prev == Some(Tok::Comma)) {
                return ", expected )".into();
            }
            if frame.place == Place::TypeParams && (at_start || prev == Some(Tok::Comma)) {
                return ", expected ]".into();
            }
            if frame.place == Place::Struct && at_start {
                return ", expected field name or embedded type".into();
            }
            if frame.place == Place::Interface && at_start {
                return ", expected interface element".into();
            }
        }
        if found == Some(Tok::RBrack) && prev == Some(Tok::LBrack) && frame.place == Place::Index {
            return ", expected type argument list".into();
        }
        if self.unit(Tok::Type) && self.expects("struct") && !self.expects("int") && !self.expects(";") {
            return " in type declaration".into();
        }
        let after_names = frame.place == Place::Struct && !self.expects("}");
        let only_type = !self.expects(",") && !self.expects(";") && !self.expects(")");
        if self.expects("struct") && !self.expects("int") && (after_names || only_type) {
            return ", expected type".into();
        }
        if let Some(text) = self.in_list() {
            return text;
        }
        if (self.unit(Tok::Var) || self.unit(Tok::Const)) && self.expects("=") && !self.expects(";") {
            return ", expected type".into();
        }
        if frame.place.is_block() {
            if self.tok(frame.start) == Some(Tok::Case) && self.expects(":") {
                return ", expected :".into();
            }
            if self.expects(":=") && self.has_list(frame.start) {
                return ", expected := or = or comma".into();
            }
            if self.expects(";") {
                let declaration = frame.place == Place::Top
                    && matches!(
                        self.tok(frame.start),
                        Some(Tok::Import | Tok::Const | Tok::Type | Tok::Var | Tok::FuncDecl | Tok::Package)
                    );
                return if declaration { " after top level declaration" } else { " at end of statement" }.into();
            }
            if self.tok(frame.start) == Some(Tok::FuncDecl) && self.expects("(") {
                return ", expected (".into();
            }
        }
        self.few()
    }

    /// After an element of a list in brackets.
    fn in_list(&self) -> Option<String> {
        let frame = self.frame();
        let missing = |context: &str, separator: &str, close: &str| {
            Some(format!(" in {context}; possibly missing {separator} or {close}"))
        };
        let semi = "semicolon or newline";
        match frame.place {
            Place::Args if self.expects(")") && !self.expects(",") => Some(", expected )".into()),
            Place::Args => missing("argument list", "comma", ")"),
            Place::Composite => missing("composite literal", "comma", "}"),
            Place::Params => missing("parameter list", "comma", ")"),
            Place::TypeParams => missing("parameter list", "comma", "]"),
            Place::Struct if self.expects(";") => missing("struct type", semi, "}"),
            Place::Interface if self.expects(";") => missing("interface type", semi, "}"),
            Place::Group if self.expects(";") => missing("grouped declaration", semi, ")"),
            Place::Paren if self.expects(")") => Some(", expected )".into()),
            Place::Index if self.expects("]") && self.expects(":") && !self.has_colon(frame) => {
                Some(", expected comma, : or ]".into())
            }
            Place::Index if self.expects("]") => Some(", expected ]".into()),
            _ => None,
        }
    }

    /// A comma of this level since token `start` or the last semicolon: the statement began with a list.
    fn has_list(&self, start: usize) -> bool {
        let mut depth = 0u32;
        for (_, t, _) in self.tokens[start.min(self.at)..self.at].iter().rev() {
            match t {
                Tok::RParen | Tok::RBrack | Tok::RBrace => depth += 1,
                Tok::LParen | Tok::LBrack | Tok::LBrace | Tok::LBody if depth == 0 => return false,
                Tok::LParen | Tok::LBrack | Tok::LBrace | Tok::LBody => depth -= 1,
                Tok::Semi(_) if depth == 0 => return false,
                Tok::Comma if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }

    fn has_colon(&self, frame: &Frame) -> bool {
        self.tokens[frame.open.min(self.at)..self.at].iter().any(|t| t.1 == Tok::Colon)
    }

    /// When the grammar would take one thing only.
    fn few(&self) -> String {
        match self.expected {
            [one] => format!(", expected {}", expected_name(one.trim_matches('"'))),
            _ if self.expects("id") && !self.expects("int") && !self.expects("struct") => ", expected name".into(),
            _ => String::new(),
        }
    }

    /// What the writer may have meant.
    fn help(&self) -> Option<String> {
        let frame = self.frame();
        let found = self.found();
        let word = |i: usize| match self.tok(i) {
            Some(Tok::Ident(s)) => self.names.name(s),
            _ => "",
        };
        let text = match (found, self.prev()) {
            (Some(Tok::Else), _) if self.at == frame.start => "else stands on the line of the closing }",
            (Some(Tok::LBody | Tok::LBrace), Some(Tok::Semi(true))) => "the { stands on the line of its header",
            (Some(Tok::Semi(true)), _) if frame.header.is_some() && self.expects("{body") => {
                "the { stands on the line of its header"
            }
            (Some(Tok::Ident(_)), Some(Tok::Func)) if frame.place != Place::Top => {
                "functions are declared outside of functions: use name := func(...) { ... } here, or is a } missing above?"
            }
            (Some(Tok::Inc | Tok::Dec), _) => "++ and -- are statements, not expressions",
            (Some(Tok::Define), _) if self.expects("=") => "a declaration takes =",
            (Some(Tok::Semi(true)), _) if matches!(frame.place, Place::Args | Place::Composite) && self.in_rest() => {
                "a line that does not end the list ends in a comma"
            }
            (Some(Tok::Colon), _) if frame.header.is_some() => "a block is written in braces: { ... }",
            (Some(Tok::Var), _) if frame.header.is_some() => "use := here",
            (None, _) if frame.place != Place::Top => "a bracket is not closed",
            _ => match word(frame.start) {
                "while" | "loop" | "until" | "foreach" => "every loop is a for: for condition { ... }",
                "let" | "auto" => "use name := value",
                "fn" | "def" | "function" | "fun" | "sub" => "use func",
                "elif" | "elseif" | "elsif" => "use else if",
                "try" | "catch" | "throw" | "raise" => "errors are values; panic, defer and recover do the rest",
                "class" => "use type Name struct { ... }",
                "switch" | "match" => "use switch",
                "print" | "echo" => "calls take parentheses: print(...)",
                _ => match word(self.at) {
                    "and" => "use &&",
                    "or" => "use ||",
                    "is" => "use ==",
                    "in" => "use for name := range ...",
                    _ => return None,
                },
            },
        };
        Some(text.into())
    }

    fn in_rest(&self) -> bool {
        self.prev().is_some_and(Tok::ends_operand)
    }
}

/// A token in Go's words.
pub fn describe(t: Tok, names: &Interner) -> String {
    let literal = |s: Sym| format!("literal {}", short(names.name(s)));
    match t {
        Tok::Ident(s) => format!("name {}", names.name(s)),
        Tok::Int(s) | Tok::Float(s) | Tok::Imag(s) | Tok::Char(s) | Tok::Str(s) => literal(s),
        Tok::Semi(true) => "newline".into(),
        Tok::Semi(false) => "semicolon".into(),
        Tok::Comma => "comma".into(),
        Tok::OpAssign(op) => format!("{}=", operator(op)),
        t => match symbol(t) {
            Some((text, true)) => format!("keyword {text}"),
            Some((text, false)) => text.into(),
            None => "token".into(),
        },
    }
}

/// A literal as it is shown: its first line, and not more of that than reads well.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let mut shown: String = line.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
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

/// The operator of an assignment operation.
fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::LOr => "||",
        BinaryOp::LAnd => "&&",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::And => "&",
        BinaryOp::AndNot => "&^",
    }
}
