//! gmpl: Go's concurrency as a script. A program is parsed, type-checked and compiled to typed bytecode, and runs
//! on a scheduler built like Go's.
pub mod base;
#[macro_use]
pub mod bytecode;
pub mod cli;
pub mod compile;
pub mod door;
pub mod heap;
pub mod interp;
pub mod profile;
pub mod sched;
pub mod std;
pub mod sync;
pub mod syntax;
pub mod types;
pub mod value;
pub mod vm;
