//! Native halves of the standard packages. The gmpl halves lie in `stdlib/`.
use crate::value::native::NativeEntry;

/// All natives, by name.
pub fn natives() -> Vec<NativeEntry> {
    Vec::new()
}
