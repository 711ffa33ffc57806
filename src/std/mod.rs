//! Native halves of the standard packages. The gmpl halves lie in `stdlib/`.
use crate::value::native::NativeEntry;

pub mod atomic;
pub mod runtime;
pub mod sync;
pub mod timers;

/// All natives, by name.
pub fn natives() -> Vec<NativeEntry> {
    [
        atomic::NATIVES,
        runtime::NATIVES,
        sync::NATIVES,
        timers::NATIVES,
    ]
    .concat()
}
