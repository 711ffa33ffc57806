//! What Gs wait on: channels, select, semaphores and notify lists. Operates on words of heap objects and on wait
//! nodes; knows the scheduler's Gs, nothing of values' types.
pub mod chan;
pub mod select;
pub mod sema;
