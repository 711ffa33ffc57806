//! Text to tree. Knows nothing of types.
pub mod ast;
mod build;
mod context;
mod explain;
pub mod lex;
pub mod literal;
mod nesting;
mod outline;
pub mod parse;
mod repair;
mod scan_literal;
mod signature;
mod statement;
#[cfg(test)]
mod tests;
pub mod token;
pub mod walk;

pub use parse::{is_incomplete, parse_file};
