//! The second pass over the tokens: makes the contextual tokens that the grammar needs (block braces, type-parameter
//! brackets, function declarations). One pass, with a stack of brackets; may be repeated on tokens it has marked.
use super::lex::Spanned;
use super::token::Tok;

/// Where we are: in a statement header whose block is still to come, and in it behind an open composite type.
#[derive(Clone, Copy)]
struct Context {
    /// The bracket that closes it.
    closer: Tok,
    header: bool,
    type_open: bool,
    /// Inside `type ( ... )`.
    type_group: bool,
}

impl Context {
    fn new(closer: Tok) -> Context {
        Context { closer, header: false, type_open: false, type_group: false }
    }
}

/// How many of the open brackets (`closer_of` the innermost is index 0) a closer ends: in a broken text a brace ends the
/// brackets in it too, another closer is ignored where it does not fit.
fn closed(closer: Tok, open: impl Iterator<Item = Tok>) -> usize {
    let mut open = open.enumerate();
    match closer {
        Tok::RBrace => open.find(|&(_, t)| t == Tok::RBrace).map_or(0, |(i, _)| i + 1),
        _ => open.next().map_or(0, |(_, t)| (t == closer) as usize),
    }
}

fn closer_of(t: Tok) -> Tok {
    match t {
        Tok::LParen => Tok::RParen,
        Tok::LBrack | Tok::TpLBrack => Tok::RBrack,
        _ => Tok::RBrace,
    }
}

/// Takes back what [`contextual`] has marked.
pub fn plain(tokens: &mut [Spanned]) {
    for (_, t, _) in tokens {
        *t = match *t {
            Tok::LBody => Tok::LBrace,
            Tok::TpLBrack => Tok::LBrack,
            Tok::FuncDecl => Tok::Func,
            other => other,
        };
    }
}

/// The second pass over tokens that begin at a top-level item. `package`: in a file with a package clause every `func`
/// at the beginning of an item declares a function; in a script it may be a literal that is called.
pub fn contextual(tokens: &mut [Spanned], package: bool) {
    let closers = closers(tokens);
    let mut stack = vec![Context::new(Tok::Bad)];
    for i in 0..tokens.len() {
        let tok = tokens[i].1;
        let prev = i.checked_sub(1).map(|p| tokens[p].1);
        let Some(top) = stack.last_mut() else { return };
        match tok {
            Tok::If | Tok::For | Tok::Switch | Tok::Select => {
                top.header = true;
                top.type_open = false;
            }
            Tok::Map | Tok::Struct | Tok::Interface if top.header => top.type_open = true,
            Tok::Func => {
                if top.header {
                    top.type_open = true;
                }
                let at_start = stack.len() == 1 && matches!(prev, None | Some(Tok::Semi(_)));
                if at_start && (package || declares_function(tokens, &closers, i)) {
                    tokens[i].1 = Tok::FuncDecl;
                }
            }
            Tok::LParen => {
                if top.header && !matches!(prev, Some(Tok::Func | Tok::RParen)) {
                    top.type_open = false;
                }
                let type_group = matches!(prev, Some(Tok::Type));
                stack.push(Context { type_group, ..Context::new(Tok::RParen) });
            }
            Tok::LBrack => {
                if top.header && !prev.is_some_and(Tok::ends_operand) {
                    top.type_open = true;
                }
                let named = matches!(prev, Some(Tok::Ident(_)));
                let before = i.checked_sub(2).map(|p| tokens[p].1);
                let spec_start = match before {
                    Some(Tok::Type) => true,
                    Some(Tok::Semi(_)) | Some(Tok::LParen) => stack.last().is_some_and(|t| t.type_group),
                    _ => false,
                };
                if named && spec_start && opens_type_params(tokens, &closers, i) {
                    tokens[i].1 = Tok::TpLBrack;
                }
                stack.push(Context::new(Tok::RBrack));
            }
            Tok::LBrace => {
                if top.header {
                    if matches!(prev, Some(Tok::Struct | Tok::Interface)) {
                        // The type's own brace.
                    } else if top.type_open {
                        top.type_open = false;
                    } else {
                        top.header = false;
                        tokens[i].1 = Tok::LBody;
                    }
                }
                stack.push(Context::new(Tok::RBrace));
            }
            Tok::RParen | Tok::RBrack | Tok::RBrace => {
                let n = closed(tok, stack.iter().rev().map(|c| c.closer));
                stack.truncate(stack.len() - n);
            }
            _ => {}
        }
    }
}

/// For each opening bracket the index of its closer (or the end).
fn closers(tokens: &[Spanned]) -> Vec<u32> {
    let mut out = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (i, (_, t, _)) in tokens.iter().enumerate() {
        match t {
            Tok::LParen | Tok::LBrack | Tok::LBrace => open.push(i),
            Tok::RParen | Tok::RBrack | Tok::RBrace => {
                let n = closed(*t, open.iter().rev().map(|&o: &usize| closer_of(tokens[o].1)));
                for o in open.drain(open.len() - n..) {
                    out[o] = i as u32;
                }
            }
            _ => {}
        }
    }
    for o in open {
        out[o] = tokens.len() as u32;
    }
    out
}

/// `func name`, or `func (receiver) name (` or `[...] (`.
fn declares_function(tokens: &[Spanned], closers: &[u32], i: usize) -> bool {
    let at = |k: usize| tokens.get(k).map(|t| t.1);
    match at(i + 1) {
        Some(Tok::Ident(_)) => true,
        Some(Tok::LParen) => {
            let close = closers[i + 1] as usize;
            if !matches!(at(close + 1), Some(Tok::Ident(_))) {
                return false;
            }
            match at(close + 2) {
                Some(Tok::LParen) => true,
                Some(Tok::LBrack) => matches!(at(closers[close + 2] as usize + 1), Some(Tok::LParen)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Go's rule for `type X [`: type parameters or an array's length.
fn opens_type_params(tokens: &[Spanned], closers: &[u32], i: usize) -> bool {
    let at = |k: usize| tokens.get(k).map(|t| t.1);
    if !matches!(at(i + 1), Some(Tok::Ident(_))) {
        return false;
    }
    let close = closers[i] as usize;
    match at(i + 2) {
        Some(
            Tok::Ident(_)
            | Tok::Comma
            | Tok::Interface
            | Tok::Tilde
            | Tok::Map
            | Tok::Func
            | Tok::Chan
            | Tok::Struct
            | Tok::Arrow,
        ) => true,
        Some(Tok::LBrack) => {
            let inner = closers[i + 2] as usize;
            inner == i + 3 || !at(inner + 1).is_some_and(continues_length)
        }
        Some(Tok::Star | Tok::LParen) => {
            let inside = (i + 2).min(tokens.len())..close.min(tokens.len());
            holds_type_element(tokens, closers, inside)
        }
        _ => false,
    }
}

/// Whether `*` or a parenthesis behind a name starts a constraint: a comma or what can only be a type follows.
fn holds_type_element(tokens: &[Spanned], closers: &[u32], inside: std::ops::Range<usize>) -> bool {
    let mut k = inside.start;
    let (mut parens, mut first) = (0, true);
    while k < inside.end {
        let operand = !first && matches!(tokens[k - 1].1, Tok::Ident(_) | Tok::RParen | Tok::RBrack | Tok::RBrace);
        match tokens[k].1 {
            Tok::Comma if parens == 0 => return true,
            Tok::Tilde | Tok::Interface | Tok::Struct | Tok::Map | Tok::Func | Tok::Chan | Tok::Arrow => return true,
            Tok::LBrack if !operand => return true,
            Tok::LParen if !operand => parens += 1,
            Tok::RParen => parens -= 1,
            // arguments and indices say nothing
            Tok::LParen | Tok::LBrack | Tok::LBrace => k = closers[k] as usize,
            _ => {}
        }
        first = false;
        k += 1;
    }
    false
}

/// After `[N[i]`: the bracket's content is an expression.
fn continues_length(t: Tok) -> bool {
    matches!(t, Tok::RBrack | Tok::Dot | Tok::Add | Tok::Sub | Tok::Star | Tok::And | Tok::Xor)
        || t.is_binary_operator()
}
