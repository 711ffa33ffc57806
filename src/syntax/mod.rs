//! Text to tree. Knows nothing of types.
pub mod ast;
