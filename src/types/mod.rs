//! Tree to typed program. Knows the tree, nothing of bytecode.
pub mod constant;
pub mod info;
pub mod ty;
