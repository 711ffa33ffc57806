//! Values: how strings, slices, maps and interfaces lie in slots, and the operations on them. Knows the heap and the
//! runtime types, never the interpreter.
pub mod env;
pub mod eq;
pub mod iface;
pub mod make_type;
pub mod map;
pub mod native;
pub mod number;
pub mod profiles;
pub mod reflect;
pub mod slice;
pub mod slice_ops;
pub mod string;
pub mod world;
