//! Searching and cutting of byte strings as Go's `strings` and `bytes` define it: pure functions over bytes that the
//! natives of both packages share. Knows nothing of slots or the heap.
use super::unicode;
use crate::value::string::{decode_rune, encode_rune};
use memchr::{memchr, memmem, memrchr};

pub const RUNE_ERROR: u32 = 0xFFFD;

/// Runes with their start offsets; U+FFFD for each invalid byte.
pub fn runes(s: &[u8]) -> impl Iterator<Item = (usize, u32, usize)> + '_ {
    let mut i = 0;
    std::iter::from_fn(move || {
        if i >= s.len() {
            return None;
        }
        let (r, n) = decode_rune(&s[i..]);
        let at = i;
        i += n;
        Some((at, r, n))
    })
}

/// The rune at the end of `s` (not empty) and its width.
pub fn decode_last_rune(s: &[u8]) -> (u32, usize) {
    let end = s.len();
    let last = s[end - 1];
    if last < 0x80 {
        return (last as u32, 1);
    }
    let mut start = end - 1;
    let limit = end.saturating_sub(4);
    while start > limit && s[start] & 0xC0 == 0x80 {
        start -= 1;
    }
    let (r, n) = decode_rune(&s[start..]);
    if start + n == end { (r, n) } else { (RUNE_ERROR, 1) }
}

pub fn rune_count(s: &[u8]) -> usize {
    if s.is_ascii() { s.len() } else { runes(s).count() }
}

pub fn index(s: &[u8], sep: &[u8]) -> Option<usize> {
    match sep.len() {
        0 => Some(0),
        1 => memchr(sep[0], s),
        n if n > s.len() => None,
        _ => memmem::find(s, sep),
    }
}

pub fn last_index(s: &[u8], sep: &[u8]) -> Option<usize> {
    match sep.len() {
        0 => Some(s.len()),
        1 => memrchr(sep[0], s),
        n if n > s.len() => None,
        _ => memmem::rfind(s, sep),
    }
}

pub fn count(s: &[u8], sep: &[u8]) -> usize {
    match sep.len() {
        0 => rune_count(s) + 1,
        1 => memchr::memchr_iter(sep[0], s).count(),
        _ => memmem::find_iter(s, sep).count(),
    }
}

/// `IndexRune`: U+FFFD also finds invalid bytes, a number that is no rune finds nothing.
pub fn index_rune(s: &[u8], r: i64) -> Option<usize> {
    if (0..0x80).contains(&r) {
        return memchr(r as u8, s);
    }
    if r == RUNE_ERROR as i64 {
        return runes(s).find(|x| x.1 == RUNE_ERROR).map(|x| x.0);
    }
    let c = char::from_u32(u32::try_from(r).ok()?)?;
    memmem::find(s, c.encode_utf8(&mut [0; 4]).as_bytes())
}

/// The runes of a cut set or list of characters.
pub struct RuneSet {
    ascii: [u64; 2],
    others: Vec<u32>,
}

impl RuneSet {
    pub fn new(chars: &[u8]) -> RuneSet {
        let mut set = RuneSet { ascii: [0; 2], others: Vec::new() };
        for (_, r, _) in runes(chars) {
            if r < 0x80 {
                set.ascii[r as usize / 64] |= 1 << (r % 64);
            } else {
                set.others.push(r);
            }
        }
        set
    }

    pub fn has(&self, r: u32) -> bool {
        if r < 0x80 { self.ascii[r as usize / 64] >> (r % 64) & 1 != 0 } else { self.others.contains(&r) }
    }
}

pub fn index_any(s: &[u8], chars: &[u8]) -> Option<usize> {
    let set = RuneSet::new(chars);
    runes(s).find(|x| set.has(x.1)).map(|x| x.0)
}

pub fn last_index_any(s: &[u8], chars: &[u8]) -> Option<usize> {
    let set = RuneSet::new(chars);
    let mut end = s.len();
    while end > 0 {
        let (r, n) = decode_last_rune(&s[..end]);
        end -= n;
        if set.has(r) {
            return Some(end);
        }
    }
    None
}

/// Go's `unicode.IsSpace`.
pub fn is_space(r: u32) -> bool {
    matches!(r, 9..=13 | 0x20 | 0x85 | 0xA0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000)
}

/// Start and end of `s` without the runes at its left and right that `cut` holds for.
pub fn trim(s: &[u8], left: bool, right: bool, cut: impl Fn(u32) -> bool) -> (usize, usize) {
    let (mut lo, mut hi) = (0, s.len());
    while left && lo < hi {
        let (r, n) = decode_rune(&s[lo..]);
        if !cut(r) {
            break;
        }
        lo += n;
    }
    while right && lo < hi {
        let (r, n) = decode_last_rune(&s[lo..hi]);
        if !cut(r) {
            break;
        }
        hi -= n;
    }
    (lo, hi)
}

/// Bytes of ASCII that are white space.
const SPACES: [bool; 256] = {
    let mut spaces = [false; 256];
    let mut b = 9;
    while b <= 13 {
        spaces[b] = true;
        b += 1;
    }
    spaces[b' ' as usize] = true;
    spaces
};

/// The next field around white space from `at` on: start, end, and where to go on; `end` is `None` where nothing ends it.
pub fn next_field(s: &[u8], at: usize) -> (usize, Option<(usize, usize)>) {
    // Whether white space begins at `i`, and how long that rune is.
    let space = |i: usize| match s[i] {
        b if b < 0x80 => (SPACES[b as usize], 1),
        _ => {
            let (r, n) = decode_rune(&s[i..]);
            (is_space(r), n)
        }
    };
    let mut start = at;
    while start < s.len() {
        match space(start) {
            (true, n) => start += n,
            _ => break,
        }
    }
    let mut end = start;
    while end < s.len() {
        match space(end) {
            (true, n) => return (start, Some((end, end + n))),
            (_, n) => end += n,
        }
    }
    (start, None)
}

/// The fields of `s` around white space.
pub fn fields(s: &[u8]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        match next_field(s, at) {
            (start, Some((end, next))) => {
                out.push((start, end));
                at = next;
            }
            (start, None) => {
                if start < s.len() {
                    out.push((start, s.len()));
                }
                return out;
            }
        }
    }
}

/// The parts of `s` around `sep`, at most `n` of them (all when negative), each with `save` bytes of the separator.
/// `None` for `n == 0`.
pub fn split(s: &[u8], sep: &[u8], save: usize, n: i64) -> Option<Vec<(usize, usize)>> {
    if n == 0 {
        return None;
    }
    let max = if n < 0 { usize::MAX } else { n as usize };
    let mut out = Vec::new();
    if sep.is_empty() {
        for (i, _, w) in runes(s) {
            if out.len() + 1 == max {
                out.push((i, s.len()));
                break;
            }
            out.push((i, i + w));
        }
        return Some(out);
    }
    let mut lo = 0;
    if sep.len() == 1 {
        for i in memchr::memchr_iter(sep[0], s) {
            if out.len() + 1 >= max {
                break;
            }
            out.push((lo, i + save));
            lo = i + 1;
        }
    } else {
        for i in memmem::find_iter(s, sep) {
            if out.len() + 1 >= max {
                break;
            }
            out.push((lo, i + save));
            lo = i + sep.len();
        }
    }
    out.push((lo, s.len()));
    Some(out)
}

/// How long the result of [`replace`] is at most; exactly, where that is much.
pub fn replaced_len(s: &[u8], old: &[u8], new: &[u8], n: i64) -> usize {
    let max = if n < 0 { usize::MAX } else { n as usize };
    let bound = |count: usize| s.len().saturating_add(count.saturating_mul(new.len()));
    let places = (s.len() / old.len().max(1) + 1).min(max);
    if bound(places) < 1 << 20 || old.is_empty() {
        return bound(places);
    }
    bound(memmem::find_iter(s, old).take(max).count())
}

/// `Replace`; `None` when nothing changes.
pub fn replace(s: &[u8], old: &[u8], new: &[u8], n: i64) -> Option<Vec<u8>> {
    if old == new || n == 0 {
        return None;
    }
    let max = if n < 0 { usize::MAX } else { n as usize };
    let mut out = Vec::new();
    let mut done = 0;
    let mut last = 0;
    if old.is_empty() {
        out.reserve(s.len() + new.len().saturating_mul(max.min(s.len() + 1)));
        for (i, _, _) in runes(s) {
            if done == max {
                break;
            }
            out.extend_from_slice(&s[last..i]);
            out.extend_from_slice(new);
            last = i;
            done += 1;
        }
        out.extend_from_slice(&s[last..]);
        if done < max {
            out.extend_from_slice(new);
        }
        return Some(out);
    }
    let found = |out: &mut Vec<u8>, i: usize, last: &mut usize| {
        out.extend_from_slice(&s[*last..i]);
        out.extend_from_slice(new);
        *last = i + old.len();
    };
    if old.len() == 1 {
        for i in memchr::memchr_iter(old[0], s).take(max) {
            found(&mut out, i, &mut last);
            done += 1;
        }
    } else {
        for i in memmem::find_iter(s, old).take(max) {
            found(&mut out, i, &mut last);
            done += 1;
        }
    }
    if done == 0 {
        return None;
    }
    out.extend_from_slice(&s[last..]);
    Some(out)
}

/// `ToValidUTF8`: every run of invalid bytes becomes `by`. `None` when nothing changes.
pub fn to_valid(s: &[u8], by: &[u8]) -> Option<Vec<u8>> {
    if std::str::from_utf8(s).is_ok() {
        return None;
    }
    let mut out = Vec::with_capacity(s.len() + by.len());
    let mut in_run = false;
    for (i, r, n) in runes(s) {
        if r == RUNE_ERROR && n == 1 {
            if !in_run {
                out.extend_from_slice(by);
            }
            in_run = true;
        } else {
            out.extend_from_slice(&s[i..i + n]);
            in_run = false;
        }
    }
    Some(out)
}

/// Upper or lower case; invalid bytes become U+FFFD. `None` when nothing changes; an error when the result would be longer than
/// `most`.
pub fn change_case(s: &[u8], upper: bool, most: usize) -> Result<Option<Vec<u8>>, ()> {
    let (case, ascii): (fn(u32) -> u32, fn(&u8) -> u8) = match upper {
        true => (unicode::to_upper, u8::to_ascii_uppercase),
        false => (unicode::to_lower, u8::to_ascii_lowercase),
    };
    let changes = |b: &u8| if upper { b.is_ascii_lowercase() } else { b.is_ascii_uppercase() };
    if s.is_ascii() {
        return Ok(s.iter().any(changes).then(|| if upper { s.to_ascii_uppercase() } else { s.to_ascii_lowercase() }));
    }
    let same = |&(_, r, n): &(usize, u32, usize)| case(r) == r && (r != RUNE_ERROR || n > 1);
    let Some((first, ..)) = runes(s).find(|x| !same(x)) else { return Ok(None) };
    let mut out = Vec::with_capacity(s.len().min(most));
    out.extend_from_slice(&s[..first]);
    let mut rest = &s[first..];
    while let Some(&b) = rest.first() {
        if b < 0x80 {
            let run = rest.iter().position(|b| *b >= 0x80).unwrap_or(rest.len());
            out.extend(rest[..run].iter().map(ascii));
            rest = &rest[run..];
        } else {
            let (r, n) = decode_rune(rest);
            encode_rune(case(r) as i64, &mut out);
            rest = &rest[n..];
        }
        if out.len() > most {
            return Err(());
        }
    }
    Ok(Some(out))
}

/// `EqualFold` where ASCII decides: `None` when a byte that is not ASCII is reached first.
pub fn equal_fold_ascii(s: &[u8], t: &[u8]) -> Option<bool> {
    for (a, b) in s.iter().zip(t) {
        if (a | b) & 0x80 != 0 {
            return None;
        }
        if !a.eq_ignore_ascii_case(b) {
            return Some(false);
        }
    }
    match s.len().cmp(&t.len()) {
        std::cmp::Ordering::Equal => Some(true),
        // The longer one goes on: only what is no ASCII could fold to nothing, and nothing does.
        _ => Some(false),
    }
}

/// A `Replacer`'s work: at every position the first pair in order whose old text matches; an empty old text matches
/// between any two bytes, but not twice in a row. `None` when nothing matches; an error when the result would be longer than
/// `most`.
pub fn replace_pairs(s: &[u8], pairs: &[(&[u8], &[u8])], most: usize) -> Result<Option<Vec<u8>>, ()> {
    let mut first: [Vec<u32>; 256] = std::array::from_fn(|_| Vec::new());
    let mut empty = None;
    for (i, (old, _)) in pairs.iter().enumerate() {
        match old.first() {
            Some(&b) => first[b as usize].push(i as u32),
            None if empty.is_none() => empty = Some(i as u32),
            None => {}
        }
    }
    let mut out: Option<Vec<u8>> = None;
    let (mut i, mut last, mut prev_empty) = (0, 0, false);
    while i <= s.len() {
        let rest = &s[i..];
        let mut hit = match rest.first() {
            Some(&b) => first[b as usize].iter().copied().find(|&k| rest.starts_with(pairs[k as usize].0)),
            None => None,
        };
        if let Some(e) = empty {
            if !prev_empty && hit.is_none_or(|h| e < h) {
                hit = Some(e);
            }
        }
        let Some(k) = hit else {
            prev_empty = false;
            i += 1;
            continue;
        };
        let (old, new) = pairs[k as usize];
        prev_empty = old.is_empty();
        let out = out.get_or_insert_with(|| Vec::with_capacity(s.len() + new.len()));
        out.extend_from_slice(&s[last..i]);
        out.extend_from_slice(new);
        i += old.len();
        last = i;
        if out.len() > most {
            return Err(());
        }
    }
    let Some(mut out) = out else { return Ok(None) };
    out.extend_from_slice(&s[last..]);
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits() {
        let parts = |s: &'static str, sep: &str, n| {
            split(s.as_bytes(), sep.as_bytes(), 0, n).map(|v| v.into_iter().map(|(a, b)| &s[a..b]).collect::<Vec<_>>())
        };
        assert_eq!(parts("a,b,c", ",", -1), Some(vec!["a", "b", "c"]));
        assert_eq!(parts("a,b,c", ",", 2), Some(vec!["a", "b,c"]));
        assert_eq!(parts("", ",", -1), Some(vec![""]));
        assert_eq!(parts("", "", -1), Some(vec![]));
        assert_eq!(parts("héy", "", 2), Some(vec!["h", "éy"]));
        assert_eq!(parts("abc", "", 1), Some(vec!["abc"]));
        assert_eq!(parts("abc", ",", 0), None);
    }

    #[test]
    fn replaces() {
        assert_eq!(replace(b"abc", b"", b"-", -1).unwrap(), b"-a-b-c-");
        assert_eq!(replace(b"abc", b"", b"-", 2).unwrap(), b"-a-bc");
        assert_eq!(replace(b"aaa", b"a", b"bb", 2).unwrap(), b"bbbba");
        assert_eq!(replace(b"", b"", b"x", -1).unwrap(), b"x");
        let pairs: &[(&[u8], &[u8])] = &[(b"a", b"1"), (b"aa", b"2"), (b"", b"X")];
        assert_eq!(replace_pairs(b"aab", pairs, 5).unwrap().unwrap(), b"11XbX");
        assert!(replace_pairs(b"aab", pairs, 2).is_err());
    }

    #[test]
    fn last_runes() {
        assert_eq!(decode_last_rune("aé".as_bytes()), (0xe9, 2));
        assert_eq!(decode_last_rune(b"\xff\x80"), (RUNE_ERROR, 1));
        assert_eq!(decode_last_rune("€".as_bytes()), (0x20ac, 3));
    }
}
