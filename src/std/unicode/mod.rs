//! Natives of `unicode`. The three `.bin` files hold Unicode's data, as little-endian 32-bit words:
//! - `ranges.bin`: the number of sets; for each set, sorted by name, 40 bytes of name, the index of its first range and
//!   the number of its ranges; then all ranges as low, high, stride.
//! - `cases.bin`: low, high and what to add for upper, lower and title case.
//! - `folds.bin`: a character and what follows it in its fold, where that is neither its lower nor its upper case.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};

const RANGES: &[u8] = include_bytes!("ranges.bin");
const CASES: &[u8] = include_bytes!("cases.bin");
const FOLDS: &[u8] = include_bytes!("folds.bin");

const NAME_BYTES: usize = 40;
const ENTRY_BYTES: usize = NAME_BYTES + 8;

pub const NATIVES: &[NativeEntry] = &[
    ("unicode.IsDigit", |cx| is(cx, |r| DIGIT.has(r))),
    ("unicode.IsGraphic", |cx| is(cx, |r| is_print(r) || SPACE_SEPARATOR.has(r))),
    ("unicode.IsLetter", |cx| is(cx, |r| LETTER.has(r))),
    ("unicode.IsLower", |cx| is(cx, |r| LOWER.has(r))),
    ("unicode.IsMark", |cx| is(cx, |r| MARK.has(r))),
    ("unicode.IsNumber", |cx| is(cx, |r| NUMBER.has(r))),
    ("unicode.IsPrint", |cx| is(cx, is_print)),
    ("unicode.IsPunct", |cx| is(cx, |r| PUNCTUATION.has(r))),
    ("unicode.IsSpace", |cx| is(cx, super::text::is_space)),
    ("unicode.IsSymbol", |cx| is(cx, |r| SYMBOL.has(r))),
    ("unicode.IsTitle", |cx| is(cx, |r| TITLE.has(r))),
    ("unicode.IsUpper", |cx| is(cx, |r| UPPER.has(r))),
    ("unicode.SimpleFold", |cx| map(cx, 0, simple_fold)),
    ("unicode.To", |cx| {
        let Some(case) = usize::try_from(cx.int(0)).ok().filter(|c| *c < 3) else {
            cx.set_int(0, 0xFFFD);
            return Ok(Outcome::Done);
        };
        map(cx, 1, |r| to_case(case, r))
    }),
    ("unicode.ToLower", |cx| map(cx, 0, to_lower)),
    ("unicode.ToTitle", |cx| map(cx, 0, |r| to_case(2, r))),
    ("unicode.ToUpper", |cx| map(cx, 0, to_upper)),
    ("unicode.caseRanges", |cx| put_u32s(cx, CASES)),
    ("unicode.ranges", |cx| {
        let table = Table::find(cx.str(0));
        put_u32s(cx, table.map_or(&[], |t| t.0))
    }),
];

/// A set: its ranges.
#[derive(Clone, Copy)]
struct Table(&'static [u8]);

const LETTER: Table = Table::get(b"L");
const UPPER: Table = Table::get(b"Lu");
const LOWER: Table = Table::get(b"Ll");
const TITLE: Table = Table::get(b"Lt");
const MARK: Table = Table::get(b"M");
const NUMBER: Table = Table::get(b"N");
const DIGIT: Table = Table::get(b"Nd");
const PUNCTUATION: Table = Table::get(b"P");
const SYMBOL: Table = Table::get(b"S");
const SPACE_SEPARATOR: Table = Table::get(b"Zs");

const fn word(b: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([b[4 * i], b[4 * i + 1], b[4 * i + 2], b[4 * i + 3]])
}

const fn set_count() -> usize {
    word(RANGES, 0) as usize
}

/// The name of set `i`, padded with zeros, and its ranges.
const fn set(i: usize) -> (&'static [u8], Table) {
    let entry = RANGES.split_at(4 + i * ENTRY_BYTES).1.split_at(ENTRY_BYTES).0;
    let (name, place) = entry.split_at(NAME_BYTES);
    let data = RANGES.split_at(4 + set_count() * ENTRY_BYTES).1;
    let ranges = data.split_at(12 * word(place, 0) as usize).1.split_at(12 * word(place, 1) as usize).0;
    (name, Table(ranges))
}

const fn has_name(padded: &[u8], name: &[u8]) -> bool {
    if name.len() > NAME_BYTES || name.len() < NAME_BYTES && padded[name.len()] != 0 {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        if padded[i] != name[i] {
            return false;
        }
        i += 1;
    }
    true
}

impl Table {
    const fn find(name: &[u8]) -> Option<Table> {
        let mut i = 0;
        while i < set_count() {
            let (n, table) = set(i);
            if has_name(n, name) {
                return Some(table);
            }
            i += 1;
        }
        None
    }

    /// For the names below: fails when the program is built.
    const fn get(name: &[u8]) -> Table {
        match Table::find(name) {
            Some(t) => t,
            None => panic!("no such set"),
        }
    }

    fn has(self, r: u32) -> bool {
        let (mut lo, mut hi) = (0, self.0.len() / 12);
        while lo < hi {
            let m = (lo + hi) / 2;
            let (first, last) = (word(self.0, 3 * m), word(self.0, 3 * m + 1));
            if r < first {
                hi = m;
            } else if r > last {
                lo = m + 1;
            } else {
                return (r - first) % word(self.0, 3 * m + 2) == 0;
            }
        }
        false
    }
}

/// Go's `unicode.IsPrint`.
pub fn is_print(r: u32) -> bool {
    if r < 0x7f {
        return r >= 0x20;
    }
    LETTER.has(r) || MARK.has(r) || NUMBER.has(r) || PUNCTUATION.has(r) || SYMBOL.has(r)
}

/// `case`: 0 upper, 1 lower, 2 title.
pub fn to_case(case: usize, r: u32) -> u32 {
    let (mut lo, mut hi) = (0, CASES.len() / 20);
    while lo < hi {
        let m = (lo + hi) / 2;
        let (first, last) = (word(CASES, 5 * m), word(CASES, 5 * m + 1));
        if r < first {
            hi = m;
        } else if r > last {
            lo = m + 1;
        } else {
            let delta = word(CASES, 5 * m + 2 + case);
            // Upper and lower case take turns, upper first.
            if delta as i32 > 0x10FFFF {
                return first + ((r - first) & !1 | (case as u32 & 1));
            }
            return r.wrapping_add(delta);
        }
    }
    r
}

pub fn to_upper(r: u32) -> u32 {
    if r < 0x80 { (r as u8).to_ascii_uppercase() as u32 } else { to_case(0, r) }
}

pub fn to_lower(r: u32) -> u32 {
    if r < 0x80 { (r as u8).to_ascii_lowercase() as u32 } else { to_case(1, r) }
}

pub fn simple_fold(r: u32) -> u32 {
    let (mut lo, mut hi) = (0, FOLDS.len() / 8);
    while lo < hi {
        let m = (lo + hi) / 2;
        match word(FOLDS, 2 * m).cmp(&r) {
            std::cmp::Ordering::Less => lo = m + 1,
            std::cmp::Ordering::Greater => hi = m,
            std::cmp::Ordering::Equal => return word(FOLDS, 2 * m + 1),
        }
    }
    let l = to_lower(r);
    if l != r { l } else { to_upper(r) }
}

fn is(cx: &mut Cx, f: impl Fn(u32) -> bool) -> NativeResult {
    let v = f(cx.int(0) as u32);
    cx.set_bool(0, v);
    Ok(Outcome::Done)
}

/// Result 0 = the image of the rune in parameter `i`; what is no rune stays.
fn map(cx: &mut Cx, i: usize, f: impl Fn(u32) -> u32) -> NativeResult {
    let r = cx.int(i);
    let v = if (0..=0x10FFFF).contains(&r) { f(r as u32) as i64 } else { r };
    cx.set_int(0, v);
    Ok(Outcome::Done)
}

fn put_u32s(cx: &mut Cx, b: &[u8]) -> NativeResult {
    let w = cx.new_packed(b, b.len() / 4)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}
