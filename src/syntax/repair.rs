//! Recovery: takes out of the tokens what a syntax error has made unreadable, so that the rest of the top-level item
//! can be parsed again and reports its own errors. The smallest part that is surely broken goes: a header, a
//! signature, a case's expressions, else the statement, field or group entry.
//!
//! Every repair makes the tokens fewer or puts `Tok::Bad` in place of others, so repeated repairs end.
//!
//! Rejected: LALRPOP's own `!` recovery. It tries each state of the stack for each token it drops (quadratic in both),
//! and it knows neither lines nor braces, so one missing bracket brings a train of further reports.
use super::lex::Spanned;
use super::outline::{Frame, Place};
use super::token::Tok;
use crate::base::span::SourceFile;

/// Repairs the item of which token `at` does not fit. False: nothing can be done.
pub fn repair(tokens: &mut Vec<Spanned>, at: usize, frames: &[Frame], package: bool, source: &SourceFile) -> bool {
    if at >= tokens.len() {
        return false;
    }
    let Some(k) = frames.iter().rposition(|f| f.place.has_units()) else { return false };
    let unit = frames[k];
    if unit.place == Place::Top && package && !declares(tokens[unit.start].1) {
        return drop_stray(tokens, unit.start, at);
    }
    if let Some(first) = cut_off(tokens, at, frames, source) {
        close_all(tokens, first, frames);
        return true;
    }
    if let Some(h) = unit.header {
        if k == frames.len() - 1 && insert_brace(tokens, at, source) {
            return true;
        }
        if repair_header(tokens, h, at, source) {
            return true;
        }
    }
    if tokens[unit.start].1 == Tok::FuncDecl && repair_signature(tokens, unit.start, at) {
        return true;
    }
    if tokens[unit.start].1 == Tok::Case && repair_case(tokens, unit.start, at) {
        return true;
    }
    if join_lines(tokens, at, frames) {
        return true;
    }
    if k == frames.len() - 1 && unit.header.is_none() && unit.place.is_block() && end_before(tokens, unit.start, at) {
        return true;
    }
    repair_unit(tokens, unit, &frames[k + 1..], at)
}

/// A list whose next line goes on or ends it: only the newline is wrong.
fn join_lines(tokens: &mut Vec<Spanned>, at: usize, frames: &[Frame]) -> bool {
    let closer = match frames[frames.len() - 1].place {
        Place::Composite => Tok::RBrace,
        Place::Args | Place::Params | Place::Paren => Tok::RParen,
        Place::Index => Tok::RBrack,
        _ => return false,
    };
    let Some(&(_, next, _)) = tokens.get(at + 1) else { return false };
    let goes_on = next == closer || matches!(next, Tok::Comma | Tok::Dot) || next.is_binary_operator();
    let joins = tokens[at].1 == Tok::Semi(true) && goes_on;
    if joins {
        tokens.remove(at);
    }
    joins
}

/// A keyword that begins a statement, within one: that one ends before it.
#[rustfmt::skip]
fn end_before(tokens: &mut Vec<Spanned>, start: usize, at: usize) -> bool {
    let begins = matches!(
        tokens[at].1,
        Tok::Break | Tok::Const | Tok::Continue | Tok::Defer | Tok::Fallthrough | Tok::For | Tok::Go | Tok::Goto
            | Tok::If | Tok::Return | Tok::Select | Tok::Switch | Tok::Type | Tok::Var
    );
    if begins && start < at {
        let (lo, hi) = (tokens[start].0, tokens[at - 1].2);
        tokens.splice(start..at, [(lo, Tok::Bad, hi), (hi, Tok::Semi(true), hi)]);
    }
    begins && start < at
}

fn declares(t: Tok) -> bool {
    matches!(t, Tok::Import | Tok::Const | Tok::Type | Tok::Var | Tok::FuncDecl | Tok::Bad)
}

/// Puts one `Bad` in place of the tokens `lo..hi`; false if that would change nothing.
fn replace(tokens: &mut Vec<Spanned>, lo: usize, hi: usize) -> bool {
    if hi == lo + 1 && tokens[lo].1 == Tok::Bad {
        return false;
    }
    let at = if lo < hi { (tokens[lo].0, tokens[hi - 1].2) } else { (tokens[lo].0, tokens[lo].0) };
    tokens.splice(lo..hi, [(at.0, Tok::Bad, at.1.max(at.0))]);
    true
}

/// Statements outside of functions: all up to the next declaration go, as in Go.
fn drop_stray(tokens: &mut Vec<Spanned>, start: usize, at: usize) -> bool {
    let next = |i: usize| {
        let (lo, t, _) = tokens[i];
        let begins_line = i == 0 || tokens[i - 1].2 <= lo && matches!(tokens[i - 1].1, Tok::Semi(_) | Tok::RBrace);
        begins_line && (matches!(t, Tok::Import | Tok::Const | Tok::Type | Tok::Var | Tok::Func) || t == Tok::FuncDecl)
    };
    let end = (at.max(start + 1)..tokens.len()).find(|&i| next(i)).unwrap_or(tokens.len());
    tokens.drain(start..end);
    true
}

/// A declaration at a line's very beginning, inside of brackets: those were to be closed above. Its index.
pub fn cut_off(tokens: &[Spanned], at: usize, frames: &[Frame], source: &SourceFile) -> Option<usize> {
    let after_func = at > 0 && tokens[at - 1].1 == Tok::Func;
    let unit = frames.iter().rfind(|f| f.place.has_units())?;
    let first = match tokens.get(at)?.1 {
        _ if unit.open < unit.start && unit.start < at && tokens[unit.start].1 == Tok::Func => unit.start,
        Tok::Ident(_) | Tok::LParen if after_func => at - 1,
        Tok::Func | Tok::Type | Tok::Var | Tok::Const | Tok::Import => at,
        _ => return None,
    };
    let inner = frames[frames.len() - 1];
    (begins_line(tokens, first, source) && frames.len() > 1 && first > inner.open).then_some(first)
}

fn begins_line(tokens: &[Spanned], i: usize, source: &SourceFile) -> bool {
    let offset = (tokens[i].0 - source.base) as usize;
    offset > 0 && source.text.as_bytes()[offset - 1] == b'\n'
}

/// Whether a line ends between two tokens.
fn line_between(tokens: &[Spanned], a: usize, b: usize, source: &SourceFile) -> bool {
    let offset = |p: u32| (p - source.base) as usize;
    source.text.as_bytes()[offset(tokens[a].0)..offset(tokens[b].0)].contains(&b'\n')
}

/// Closes what is open before a declaration that was cut off from the top level.
fn close_all(tokens: &mut Vec<Spanned>, first: usize, frames: &[Frame]) {
    let pos = tokens[first].0;
    let mut closers = Vec::new();
    for f in frames[1..].iter().rev() {
        closers.push(match tokens[f.open].1 {
            Tok::LParen => Tok::RParen,
            Tok::LBrack | Tok::TpLBrack => Tok::RBrack,
            _ => Tok::RBrace,
        });
    }
    closers.push(Tok::Semi(true));
    tokens.splice(first..first, closers.into_iter().map(|t| (pos, t, pos)));
}

/// A header whose line ends without a brace, or with a colon: the brace is put there.
fn insert_brace(tokens: &mut [Spanned], at: usize, source: &SourceFile) -> bool {
    let Some(next) = tokens.get(at + 1) else { return false };
    let whole = at > 0 && (tokens[at - 1].1.ends_operand() || matches!(tokens[at - 1].1, Tok::Inc | Tok::Dec));
    let ends = match tokens[at].1 {
        Tok::Semi(true) => !matches!(next.1, Tok::LBrace | Tok::LBody),
        Tok::Colon => line_between(tokens, at, at + 1, source),
        _ => false,
    };
    if whole && ends {
        tokens[at].1 = Tok::LBrace;
    }
    whole && ends
}

/// Between the keyword at `h` and its block: the header goes, the block stays.
fn repair_header(tokens: &mut Vec<Spanned>, h: usize, at: usize, source: &SourceFile) -> bool {
    let Some(body) = header_end(tokens, at, source) else { return false };
    if tokens[h].1 == Tok::Select {
        tokens.drain(h + 1..body);
        return body > h + 1;
    }
    replace(tokens, h + 1, body)
}

/// The block's brace after a broken header: on its line, or first on the next.
fn header_end(tokens: &[Spanned], at: usize, source: &SourceFile) -> Option<usize> {
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.1 {
            Tok::LBody => return (!line_between(tokens, at, i, source)).then_some(i),
            Tok::Semi(true) => {
                return matches!(tokens.get(i + 1)?.1, Tok::LBody | Tok::LBrace).then_some(i + 1);
            }
            Tok::RBrace => return None,
            _ => {}
        }
    }
    None
}

/// After `func name`: the signature becomes `()`, the body stays.
fn repair_signature(tokens: &mut Vec<Spanned>, start: usize, at: usize) -> bool {
    let mut i = start + 1;
    if tokens.get(i).is_some_and(|t| t.1 == Tok::LParen) {
        // The receiver.
        while i < at && tokens[i].1 != Tok::RParen {
            i += 1;
        }
        i += 1;
    }
    if i >= at || !matches!(tokens[i].1, Tok::Ident(_)) {
        return false;
    }
    let mut body = None;
    for (j, token) in tokens.iter().enumerate().skip(i + 1) {
        match token.1 {
            Tok::LBrace if !matches!(tokens[j - 1].1, Tok::Struct | Tok::Interface) => {
                body = Some(j);
                break;
            }
            Tok::Semi(true) | Tok::RBrace => break,
            _ => {}
        }
    }
    let Some(body) = body else { return false };
    if body < at {
        return false;
    }
    let (lo, hi) = (tokens[i].2, tokens[body].0);
    if body == i + 3 && tokens[i + 1].1 == Tok::LParen && tokens[i + 2].1 == Tok::RParen {
        return false;
    }
    tokens.splice(i + 1..body, [(lo, Tok::LParen, lo), (hi, Tok::RParen, hi)]);
    true
}

/// After `case`: its expressions go, the colon and the statements stay.
fn repair_case(tokens: &mut Vec<Spanned>, start: usize, at: usize) -> bool {
    for i in at..tokens.len() {
        match tokens[i].1 {
            Tok::Colon => return replace(tokens, start + 1, i),
            Tok::Semi(_) | Tok::LBrace | Tok::LBody | Tok::RBrace => {
                let pos = tokens[i].0;
                let newline = matches!(tokens[i].1, Tok::Semi(_));
                let end = if newline { i + 1 } else { i };
                tokens.splice(start + 1..end, [(pos, Tok::Bad, pos), (pos, Tok::Colon, pos)]);
                return true;
            }
            _ => {}
        }
    }
    false
}

/// The entry goes, up to the semicolon or bracket that ends it. `inner`: the brackets open in it.
fn repair_unit(tokens: &mut Vec<Spanned>, unit: Frame, inner: &[Frame], at: usize) -> bool {
    let opened = |f: &&Frame| tokens[f.open].1 == Tok::LBrace;
    let mut braces = inner.iter().filter(opened).count();
    let mut parens = 0u32;
    let mut end = tokens.len();
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.1 {
            Tok::LBrace | Tok::LBody => braces += 1,
            Tok::RBrace if braces == 0 => {
                end = i;
                break;
            }
            Tok::RBrace => braces -= 1,
            Tok::LParen => parens += 1,
            Tok::RParen if braces == 0 && parens == 0 && unit.place == Place::Group => {
                end = i;
                break;
            }
            Tok::RParen => parens = parens.saturating_sub(1),
            Tok::Semi(_) if braces == 0 => {
                end = i;
                break;
            }
            Tok::Case | Tok::Default if braces == 0 && unit.place == Place::Cases && i > unit.start => {
                end = i;
                break;
            }
            _ => {}
        }
    }
    if unit.start >= end || unit.start + 1 == end && tokens[unit.start].1 == Tok::Bad {
        // The entry is well, the token after it is not.
        tokens.remove(at);
        return true;
    }
    let end_of_cases = tokens.get(end).is_some_and(|t| matches!(t.1, Tok::Case | Tok::Default));
    if unit.place == Place::Cases && !end_of_cases && unit.start == at {
        // Neither case nor default: no statement may stand here.
        let semi = tokens.get(end).is_some_and(|t| matches!(t.1, Tok::Semi(_)));
        tokens.drain(unit.start..if semi { end + 1 } else { end });
        return true;
    }
    replace(tokens, unit.start, end)
}
