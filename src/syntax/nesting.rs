//! How deeply the tokens read so far are nested: open brackets, and what stands before an operand that has not come
//! yet (`- - - x`, `[][][]T`, `func() func() T`, `else if`, labels). Bounds the parser's stack and every recursive walk
//! over the tree, at a few instructions a token; chains that lean to the left are bounded by `Expr::depth`.
use super::token::Tok;
use crate::base::limits::MAX_NESTING;

#[derive(Clone, Copy, Default)]
struct Level {
    /// Prefixes of the operand that is being read.
    chain: u32,
    /// `else` and labels of the statement that is being read.
    branch: u32,
}

#[derive(Default)]
pub struct Nesting {
    outer: Vec<Level>,
    level: Level,
    total: u32,
}

impl Nesting {
    /// Takes the next token (`prev` is the one before it); true when it is nested too deeply.
    pub fn token(&mut self, tok: Tok, prev: Tok) -> bool {
        match tok {
            Tok::LParen | Tok::LBrace => self.open(),
            Tok::LBrack => {
                self.chain();
                self.open();
            }
            Tok::RParen | Tok::RBrack | Tok::RBrace => {
                if let Some(outer) = self.outer.pop() {
                    self.total -= 1 + self.level.chain + self.level.branch;
                    self.level = outer;
                }
            }
            Tok::Semi(_) => {
                self.end_operand();
                if tok == Tok::Semi(true) {
                    self.end_branch();
                }
            }
            Tok::Case | Tok::Default => self.end_branch(),
            Tok::Colon => {
                self.end_operand();
                self.branch();
            }
            Tok::Else => self.branch(),
            Tok::Map | Tok::Chan | Tok::Func | Tok::Not | Tok::Tilde => self.chain(),
            Tok::Star | Tok::Arrow => {
                if !prev.ends_operand() {
                    self.chain();
                }
            }
            Tok::Add | Tok::Sub | Tok::Xor | Tok::And => {
                if prev.ends_operand() {
                    self.end_operand();
                } else {
                    self.chain();
                }
            }
            Tok::Comma | Tok::Assign | Tok::Define | Tok::OpAssign(_) => {
                self.end_operand();
                if tok == Tok::Comma {
                    self.end_branch();
                }
            }
            t if t.is_binary_operator() => self.end_operand(),
            _ => {}
        }
        self.total > MAX_NESTING
    }

    fn open(&mut self) {
        self.outer.push(std::mem::take(&mut self.level));
        self.total += 1;
    }

    fn chain(&mut self) {
        self.level.chain += 1;
        self.total += 1;
    }

    fn branch(&mut self) {
        self.level.branch += 1;
        self.total += 1;
    }

    fn end_operand(&mut self) {
        self.total -= std::mem::take(&mut self.level.chain);
    }

    fn end_branch(&mut self) {
        self.total -= std::mem::take(&mut self.level.branch);
    }
}
