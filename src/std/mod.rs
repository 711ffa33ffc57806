//! Native halves of the standard packages. The gmpl halves lie in `stdlib/`.
use crate::value::native::NativeEntry;

pub mod atomic;
pub mod big;
pub mod binary;
pub mod bits;
mod buffer;
pub mod bufio;
pub mod bytes;
pub mod compress;
pub mod digest;
pub mod errors;
mod files;
pub mod flag;
pub mod fmt;
pub mod iter;
pub mod json;
pub mod layout;
mod long;
pub mod math;
pub mod needs;
pub mod net;
pub mod number;
pub mod os;
pub mod process;
pub mod profile;
pub mod rand;
pub mod reflect;
mod reflect_equal;
mod reflect_types;
pub mod regexp;
pub mod runtime;
pub mod small;
pub mod sort;
pub mod strconv;
pub mod strings;
pub mod sync;
pub mod testhook;
mod text;
pub mod timers;
pub mod unicode;
pub mod zones;

/// All natives, by name.
pub fn natives() -> Vec<NativeEntry> {
    [
        atomic::NATIVES,
        big::NATIVES,
        binary::NATIVES,
        bits::NATIVES,
        bufio::NATIVES,
        bytes::NATIVES,
        math::NATIVES,
        compress::NATIVES,
        digest::NATIVES,
        errors::NATIVES,
        flag::NATIVES,
        fmt::NATIVES,
        iter::NATIVES,
        json::NATIVES,
        layout::NATIVES,
        net::NATIVES,
        os::NATIVES,
        process::NATIVES,
        profile::NATIVES,
        rand::NATIVES,
        regexp::NATIVES,
        reflect::NATIVES,
        reflect_types::NATIVES,
        runtime::NATIVES,
        small::NATIVES,
        sort::NATIVES,
        strconv::NATIVES,
        strings::NATIVES,
        sync::NATIVES,
        testhook::NATIVES,
        timers::NATIVES,
        unicode::NATIVES,
        zones::NATIVES,
    ]
    .concat()
}
