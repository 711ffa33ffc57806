//! The interface between natives (std) and the interpreter. A native reads its parameters and writes its results
//! through a [`Cx`]; it never calls back into bytecode and never blocks (a blocking job is handed over with
//! [`Outcome::Block`]).
use crate::bytecode::program::{Kind, Program, RType, RTypeId};

/// Why a native stopped.
pub enum Trap {
    /// A Go run-time panic with a `runtime.Error` of this text (without `runtime error: `).
    Runtime(String),
    /// A Go panic whose value is a plain string.
    Panic(String),
    /// A Go panic whose value is this interface word.
    Value(u64),
    /// `fatal error: ` and this text: not recoverable.
    Fatal(String),
    /// The memory limit is reached.
    OutOfMemory,
    /// `os.Exit`.
    Exit(i32),
}

pub enum Outcome {
    /// The results are written.
    Done,
    /// Run the closure on a thread that may block; the G parks meanwhile. Its answer is run with a fresh `Cx` on the
    /// same parameters when the G goes on, and writes the results.
    Block(Box<dyn FnOnce() -> Finish + Send>),
    /// The G has been put on a wait queue by the native and goes on with the next instruction when it is readied.
    Parked,
    /// Likewise, but the native is called again when the G goes on.
    ParkedRetry,
    /// The G gives its P up and goes on later.
    Yield,
}

pub type Finish = Box<dyn FnOnce(&mut Cx) -> Result<Outcome, Trap> + Send>;

pub type Native = fn(&mut Cx) -> Result<Outcome, Trap>;

/// A native by the name under which the gmpl half declares it: `path.Name` or `path.Type.Name`.
pub type NativeEntry = (&'static str, Native);
