//! Where a token stands: the open brackets around it, what each of them holds, and the statement, field or group entry
//! it belongs to. Read from the tokens alone, and only after a syntax error, so the tokens before it are well-formed.
use super::lex::Spanned;
use super::token::Tok;

/// What a bracket (or the file) holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Top,
    Block,
    /// The body of a switch or select.
    Cases,
    Struct,
    Interface,
    /// `import (`, `var (`, `const (`, `type (`.
    Group,
    Composite,
    Args,
    Params,
    TypeParams,
    /// `(` around an expression or type.
    Paren,
    /// `[` of an index, slice, array length or type argument list.
    Index,
}

impl Place {
    /// Holds statements.
    pub fn is_block(self) -> bool {
        matches!(self, Place::Top | Place::Block | Place::Cases)
    }

    /// Holds entries that semicolons separate.
    pub fn has_units(self) -> bool {
        self.is_block() || matches!(self, Place::Struct | Place::Interface | Place::Group)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub place: Place,
    /// The bracket's index; of no use for `Top`.
    pub open: usize,
    /// Where the entry that is being read begins.
    pub start: usize,
    /// The `if`, `for`, `switch` or `select` whose block is still to come.
    pub header: Option<usize>,
    /// A `func` literal or type whose body may still come.
    func: bool,
    /// What the bracket that was closed last held, and the index of its closer.
    closed: Option<(Place, usize)>,
}

impl Frame {
    fn new(place: Place, open: usize, start: usize) -> Frame {
        Frame { place, open, start, header: None, func: false, closed: None }
    }
}

/// The brackets around token `to`, outermost first; the first is `Top`. `from`: where its top-level item begins.
pub fn outline(tokens: &[Spanned], from: usize, to: usize) -> Vec<Frame> {
    let mut frames = vec![Frame::new(Place::Top, from, from)];
    for i in from..to.min(tokens.len()) {
        let tok = tokens[i].1;
        let prev = if i > from { tokens[i - 1].1 } else { Tok::Semi(true) };
        let last = frames.len() - 1;
        let frame = &mut frames[last];
        match tok {
            Tok::If | Tok::For | Tok::Switch | Tok::Select => frame.header = Some(i),
            Tok::Func => frame.func = true,
            Tok::LParen => {
                let place = paren(tokens, frame, prev, i);
                frames.push(Frame::new(place, i, i + 1));
            }
            Tok::LBrack | Tok::TpLBrack => {
                let declares = tokens[frame.start.min(i)].1 == Tok::FuncDecl && matches!(prev, Tok::Ident(_));
                let place = if tok == Tok::TpLBrack || declares { Place::TypeParams } else { Place::Index };
                frames.push(Frame::new(place, i, i + 1));
            }
            Tok::LBody => {
                let cases = matches!(frame.header.map(|h| tokens[h].1), Some(Tok::Switch | Tok::Select));
                frame.header = None;
                let place = if cases { Place::Cases } else { Place::Block };
                frames.push(Frame::new(place, i, i + 1));
            }
            Tok::LBrace => {
                let place = brace(tokens, frame, prev, i);
                frame.func = false;
                frames.push(Frame::new(place, i, i + 1));
            }
            Tok::RParen | Tok::RBrack | Tok::RBrace => {
                if frames.len() > 1 {
                    let place = frames.pop().map(|f| f.place);
                    if let (Some(outer), Some(place)) = (frames.last_mut(), place) {
                        outer.closed = Some((place, i));
                    }
                }
            }
            Tok::Semi(_) => {
                frame.func = false;
                if frame.place.has_units() && frame.header.is_none() {
                    frame.start = i + 1;
                }
            }
            Tok::Colon => {
                frame.func = false;
                if frame.place.is_block() {
                    frame.start = i + 1;
                }
            }
            Tok::Case | Tok::Default if frame.place == Place::Cases => frame.start = i,
            Tok::Comma | Tok::Assign | Tok::Define => frame.func = false,
            _ => {}
        }
    }
    frames
}

fn paren(tokens: &[Spanned], frame: &Frame, prev: Tok, i: usize) -> Place {
    let result = frame.func && frame.closed == Some((Place::Params, i.wrapping_sub(1)));
    let method = frame.place == Place::Interface && i == frame.start + 1;
    match prev {
        Tok::Func | Tok::FuncDecl => Place::Params,
        Tok::Import | Tok::Var | Tok::Const | Tok::Type => Place::Group,
        _ if result || method || tokens[frame.start.min(i)].1 == Tok::FuncDecl => Place::Params,
        t if t.ends_operand() => Place::Args,
        _ => Place::Paren,
    }
}

fn brace(tokens: &[Spanned], frame: &Frame, prev: Tok, i: usize) -> Place {
    let declares = tokens[frame.start.min(i)].1 == Tok::FuncDecl;
    match prev {
        Tok::Struct => Place::Struct,
        Tok::Interface => Place::Interface,
        Tok::Else => Place::Block,
        _ if frame.place.is_block() && (i == frame.start || declares) => Place::Block,
        _ if frame.func => Place::Block,
        _ => Place::Composite,
    }
}
