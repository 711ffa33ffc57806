//! The interpreter: one handler an opcode, threaded by tail calls, on frames that lie in the G.
//!
//! A handler gets the address behind its instruction, the frame, the context of its P, the budget and the table of
//! handlers; it ends by entering the next instruction's handler in tail position. When the running G parks or ends,
//! the handler enters the next G of the local queue; only when there is none it returns to the M's loop.
//!
//! The *portable driver* passes a table in which every entry is one function that writes the state back and returns:
//! the same handlers then run one at a time under a small loop, with no need for tail calls.
pub mod advice;
pub mod call;
pub mod ctx;
pub mod elem;
pub mod explain;
pub mod fail;
pub mod gc;
pub mod limits;
pub mod load;
pub mod look;
pub mod marking;
pub mod memory;
pub mod ops;
pub mod profile;
pub mod roots;
pub mod run;
pub mod sampling;
pub mod session;
pub mod slow;
pub mod symbols;
pub mod traceback;
pub mod unwind;
pub mod watch;
