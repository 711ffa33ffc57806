//! Native halves of the standard packages. The gmpl halves lie in `stdlib/`.
use crate::value::native::NativeEntry;

pub mod atomic;
pub mod binary;
pub mod bits;
mod buffer;
pub mod bytes;
pub mod digest;
pub mod errors;
pub mod flag;
pub mod fmt;
pub mod math;
pub mod number;
pub mod os;
pub mod rand;
pub mod reflect;
mod reflect_equal;
mod reflect_types;
pub mod runtime;
pub mod small;
pub mod sort;
pub mod strconv;
pub mod strings;
pub mod sync;
mod text;
pub mod timers;
pub mod unicode;

/// All natives, by name.
pub fn natives() -> Vec<NativeEntry> {
    [
        atomic::NATIVES,
        binary::NATIVES,
        bits::NATIVES,
        bytes::NATIVES,
        math::NATIVES,
        digest::NATIVES,
        errors::NATIVES,
        flag::NATIVES,
        fmt::NATIVES,
        os::NATIVES,
        rand::NATIVES,
        reflect::NATIVES,
        reflect_types::NATIVES,
        runtime::NATIVES,
        small::NATIVES,
        sort::NATIVES,
        strconv::NATIVES,
        strings::NATIVES,
        sync::NATIVES,
        timers::NATIVES,
        unicode::NATIVES,
    ]
    .concat()
}
