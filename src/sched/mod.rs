//! The scheduler: goroutines (G), logical processors (P) and the OS threads that run them (M), as in Go.
//!
//! A G is a header with a stack of slots; what the slots mean is the interpreter's business. A P holds a run queue and
//! belongs to one M for life; an M whose P has nothing to do looks for work elsewhere, then parks. Natives that
//! block run on extra threads (`jobs`) while their G is parked, so no P is ever held up and none has to be
//! retaken: that is Go's hand-off with the thread, instead of the P, changing hands.
//!
//! Rejected: handing the P from M to M (each hand-off moves the hot state to another core, and nothing but blocking
//! natives needs it); counting Ms apart from Ps; freeing Ps when their number falls (others may be looking at them).
pub mod bubble;
pub mod decide;
pub mod g;
pub mod idle;
pub mod inbox;
pub mod jobs;
pub mod netpoll;
pub mod p;
pub mod procs;
pub mod runq;
pub mod solo;
pub mod stops;
pub mod timer;
pub mod wait;
