//! What every room needs: spans, diagnostics, interned names, limits. Knows no other room.
pub mod atomics;
pub mod diag;
pub mod grow;
pub mod intern;
pub mod limits;
pub mod render;
pub mod span;
