//! Tree to typed program. Knows the tree, nothing of bytecode.
mod assign;
mod builtin;
mod call;
pub mod check;
pub mod constant;
mod conversion;
mod cycles;
mod decl;
mod expr;
mod index;
mod infer;
pub mod info;
mod init_order;
pub mod instantiate;
mod labels;
mod literal;
pub mod load;
pub mod lookup;
mod operand;
mod predicates;
pub mod print;
mod range;
mod resolve;
mod selector;
pub mod session;
mod stmt;
mod teach;
#[cfg(test)]
mod testing;
pub mod ty;
mod typexpr;
mod unify;
mod universe;
pub mod vet;

pub use check::{CheckOptions, check_program};
