//! The joint of the two wings: opcodes, functions, runtime types, layouts, line tables. Data only.
pub mod cover;
pub mod disasm;
pub mod live;
#[macro_use]
pub mod op;
pub mod program;
