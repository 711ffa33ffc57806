//! The index of the standard packages, which the build script makes (`grammar/index.rs`): what they declare, where that
//! lies, and what it mentions, all by number.

/// No number.
pub const NONE: u16 = u16::MAX;
/// In place of an import's number: the line is always there.
pub const ALWAYS: u8 = u8::MAX;

/// The unit has a method for printing, or catches panics.
pub const HAS_METHODS: u8 = 1;
/// The unit looks for methods by names that only the run knows.
pub const FINDS_METHODS: u8 = 2;

/// Where a list begins in `LISTS`, and how many numbers it has.
pub type List = (u32, u16);

/// The numbers of a list.
pub fn list((lo, len): List) -> impl Iterator<Item = u16> {
    LISTS[lo as usize..lo as usize + len as usize].iter().copied()
}

/// A file, in the order of `source::FILES`.
pub struct File {
    /// The lines of package clause and imports: from byte, to byte, number of the line from 0, number of the import.
    pub head: &'static [(u32, u32, u32, u8)],
}

/// A top-level declaration. Those of a file follow each other.
pub struct Unit {
    pub file: u16,
    /// Bytes of the text: from, to.
    pub lo: u32,
    pub hi: u32,
    /// The number of its first line from 0, and how many ends of lines it has.
    pub line: u32,
    pub lines: u32,
    /// Of a method: its name's number in `METHODS`, and the number of its receiver's type.
    pub method: u16,
    pub owner: u16,
    /// The symbols it mentions.
    pub refs: List,
    /// The names of methods it mentions.
    pub calls: List,
    /// A bit for each import of the file that it mentions.
    pub imports: u64,
    pub flags: u8,
}

/// A declared name, sorted by package and name.
pub struct Symbol {
    pub name: &'static str,
    pub package: u16,
    /// Its declarations and methods.
    pub units: List,
}

/// The name of a method, sorted by name.
pub struct Method {
    pub name: &'static str,
    /// The methods of this name.
    pub units: List,
}

/// A package, sorted by path. Ranges are `(first, how many)`.
pub struct Package {
    pub path: &'static str,
    pub files: (u16, u16),
    pub units: (u16, u16),
    pub symbols: (u16, u16),
    /// The symbol `init`.
    pub init: u16,
}

include!(concat!(env!("OUT_DIR"), "/stdlib_index.rs"));

/// The number of a package.
pub fn package(path: &str) -> Option<u16> {
    PACKAGES.binary_search_by(|p| p.path.cmp(path)).ok().map(|at| at as u16)
}

/// The number of a name that a package declares.
pub fn symbol(package: u16, name: &str) -> Option<u16> {
    let (first, count) = PACKAGES[package as usize].symbols;
    let symbols = &SYMBOLS[first as usize..first as usize + count as usize];
    symbols.binary_search_by(|s| s.name.cmp(name)).ok().map(|at| first + at as u16)
}

/// The number of a method's name.
pub fn method(name: &str) -> Option<u16> {
    METHODS.binary_search_by(|m| m.name.cmp(name)).ok().map(|at| at as u16)
}
