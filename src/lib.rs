//! gmpl: Go's concurrency as a script. A program is parsed, type-checked and compiled to typed bytecode, and runs
//! on a scheduler built like Go's.
pub mod base;
pub mod syntax;
pub mod types;
pub mod bytecode;
pub mod heap;
pub mod value;
pub mod std;
pub mod sched;
pub mod sync;
