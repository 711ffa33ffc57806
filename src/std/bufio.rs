//! Natives of `bufio`: a Scanner's tokens where they are lines or words, found in its buffer without a slice for each.
use super::text;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::cell::Cell;

pub const NATIVES: &[NativeEntry] = &[
    ("bufio.Scanner.Text", token_text),
    ("bufio.Scanner.next", next),
    ("bufio.kindOf", |cx| {
        let kind = (1..=2).find(|i| cx.word(0) == cx.word(*i)).unwrap_or(0);
        cx.set_int(0, kind as i64);
        Ok(Outcome::Done)
    }),
];

/// The first words of a Scanner, as the gmpl half declares them.
struct Scanner<'a> {
    buf: &'a Cell<u64>,
    start: &'a Cell<u64>,
    end: &'a Cell<u64>,
    /// Where the token lies; an end of 0 means that it is `token`.
    low: &'a Cell<u64>,
    high: &'a Cell<u64>,
    token: &'a Cell<u64>,
    kind: &'a Cell<u64>,
}

fn scanner<'a>(cx: &Cx) -> Result<Scanner<'a>, Trap> {
    match cx.words_at(0, 7)? {
        [buf, start, end, low, high, token, kind] => Ok(Scanner { buf, start, end, low, high, token, kind }),
        _ => unreachable!("seven words"),
    }
}

/// `(s *Scanner) next() bool`: whether a line or word ends in what is in the buffer; it is the token then.
fn next(cx: &mut Cx) -> NativeResult {
    let s = scanner(cx)?;
    let buf: &[u8] = cx.view_of(s.buf.get());
    let end = (s.end.get() as usize).min(buf.len());
    let start = (s.start.get() as usize).min(end);
    let found = match s.kind.get() {
        1 => memchr::memchr(b'\n', &buf[start..end]).map(|n| {
            let line = &buf[start..start + n];
            (start, start + line.strip_suffix(b"\r").unwrap_or(line).len(), start + n + 1)
        }),
        _ => match text::next_field(&buf[..end], start) {
            (low, Some((high, next))) => Some((low, high, next)),
            (_, None) => None,
        },
    };
    if let Some((low, high, next)) = found.filter(|f| f.1 > 0) {
        s.low.set(low as u64);
        s.high.set(high as u64);
        s.start.set(next as u64);
    }
    cx.set_bool(0, found.is_some_and(|f| f.1 > 0));
    Ok(Outcome::Done)
}

/// `(s *Scanner) Text() string`
fn token_text(cx: &mut Cx) -> NativeResult {
    let s = scanner(cx)?;
    let token = match s.high.get() as usize {
        0 => cx.view_of(s.token.get()),
        high => cx.view_of(s.buf.get()).get(s.low.get() as usize..high).unwrap_or_default(),
    };
    cx.set_str(0, token)?;
    Ok(Outcome::Done)
}
