//! Readable listings of a compiled program.
