//! Profiles: what a run is asked to note of itself (`record`), pprof's form of it (`pprof`, on `wire`), and what can be
//! read out of one (`graph`). Where samples come from is the interpreter's business (`interp/sampling.rs`).
//!
//! The encoder and decoder are written by hand: the format has six small messages, and prost with its derive macros would
//! be a dozen more crates for two hundred lines.
pub mod build;
pub mod graph;
pub mod pprof;
pub mod record;
pub mod text;
pub mod wire;
