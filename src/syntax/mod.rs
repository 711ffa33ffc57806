//! Text to tree. Knows nothing of types.
pub mod ast;
pub mod build;
pub mod lex;
pub mod literal;
pub mod parse;
pub mod token;

pub use parse::{is_incomplete, parse_file};
