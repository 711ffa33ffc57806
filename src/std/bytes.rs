//! Natives of `bytes`. They only look at slices; the gmpl half cuts them.
use super::long;
use super::text;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[
    ("bytes.Compare", |cx| {
        let c = cx.bytes_view(0).cmp(cx.bytes_view(1));
        cx.set_int(0, c as i64);
        Ok(Outcome::Done)
    }),
    ("bytes.Count", |cx| put_index(cx, |s, t| Some(text::count(s, t)))),
    ("bytes.Equal", |cx| put_bool(cx, |s, t| s == t)),
    ("bytes.HasPrefix", |cx| put_bool(cx, |s, t| s.starts_with(t))),
    ("bytes.HasSuffix", |cx| put_bool(cx, |s, t| s.ends_with(t))),
    ("bytes.Index", |cx| put_index(cx, text::index)),
    ("bytes.IndexAny", |cx| {
        let i = text::index_any(cx.bytes_view(0), cx.str(1));
        set_index(cx, i)
    }),
    ("bytes.IndexByte", |cx| {
        let i = memchr::memchr(cx.word(1) as u8, cx.bytes_view(0));
        set_index(cx, i)
    }),
    ("bytes.IndexRune", |cx| {
        let i = text::index_rune(cx.bytes_view(0), cx.int(1));
        set_index(cx, i)
    }),
    ("bytes.LastIndex", |cx| put_index(cx, text::last_index)),
    ("bytes.LastIndexAny", |cx| {
        let i = text::last_index_any(cx.bytes_view(0), cx.str(1));
        set_index(cx, i)
    }),
    ("bytes.LastIndexByte", |cx| {
        let i = memchr::memrchr(cx.word(1) as u8, cx.bytes_view(0));
        set_index(cx, i)
    }),
    ("bytes.Replace", |cx| {
        let (s, old, new, n, most) = (cx.bytes(0), cx.bytes_view(1), cx.bytes_view(2), cx.int(3), long::most(cx));
        let work = move || match text::replaced_len(&s, old, new, n) > most {
            true => None,
            false => Some(text::replace(&s, old, new, n).unwrap_or(s)),
        };
        long::work(cx, cx.slice(0).len, work, |cx, out| match out {
            Some(out) => put_bytes(cx, out),
            None => Err(Trap::OutOfMemory),
        })
    }),
    ("bytes.ToValidUTF8", |cx| {
        let (s, by) = (cx.bytes(0), cx.bytes_view(1));
        let work = move || text::to_valid(&s, by).unwrap_or(s);
        long::work(cx, cx.slice(0).len, work, |cx, out| put_bytes(cx, out))
    }),
    ("bytes.changeCase", |cx| {
        let (s, upper, most) = (cx.bytes(0), cx.bool(1), long::most(cx));
        let work = move || text::change_case(&s, upper, most).map(|changed| changed.unwrap_or(s));
        long::work(cx, cx.slice(0).len, work, |cx, out| put_bytes(cx, out.as_ref().map_err(|_| Trap::OutOfMemory)?))
    }),
    ("bytes.equalFoldASCII", |cx| {
        let code = text::equal_fold_ascii(cx.bytes_view(0), cx.bytes_view(1)).map_or(2, |equal| equal as i64);
        cx.set_int(0, code);
        Ok(Outcome::Done)
    }),
    ("bytes.fieldEnds", |cx| {
        let s = cx.bytes(0);
        long::work(cx, cx.slice(0).len, move || text::fields(&s), |cx, parts| put_ends(cx, parts))
    }),
    ("bytes.splitEnds", |cx| {
        let (s, sep, save, n) = (cx.bytes(0), cx.bytes_view(1), cx.int(2) as usize, cx.int(3));
        let work = move || text::split(&s, sep, save, n).unwrap_or_default();
        long::work(cx, cx.slice(0).len, work, |cx, parts| put_ends(cx, parts))
    }),
    ("bytes.trimEnds", |cx| {
        let (set, side) = (text::RuneSet::new(cx.str(1)), cx.int(2));
        let ends = text::trim(&cx.bytes(0), side & 1 != 0, side & 2 != 0, |r| set.has(r));
        put_pair(cx, ends)
    }),
    ("bytes.trimSpaceEnds", |cx| {
        let ends = text::trim(&cx.bytes(0), true, true, text::is_space);
        put_pair(cx, ends)
    }),
];

fn put_bool(cx: &mut Cx, f: fn(&[u8], &[u8]) -> bool) -> NativeResult {
    let v = f(cx.bytes_view(0), cx.bytes_view(1));
    cx.set_bool(0, v);
    Ok(Outcome::Done)
}

fn set_index(cx: &mut Cx, i: Option<usize>) -> NativeResult {
    cx.set_int(0, i.map_or(-1, |i| i as i64));
    Ok(Outcome::Done)
}

fn put_index(cx: &mut Cx, f: fn(&[u8], &[u8]) -> Option<usize>) -> NativeResult {
    let i = f(cx.bytes_view(0), cx.bytes_view(1));
    set_index(cx, i)
}

fn put_bytes(cx: &mut Cx, s: &[u8]) -> NativeResult {
    let w = cx.new_bytes(s)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

fn put_pair(cx: &mut Cx, (lo, hi): (usize, usize)) -> NativeResult {
    cx.set_int(0, lo as i64);
    cx.set_int(1, hi as i64);
    Ok(Outcome::Done)
}

fn put_ends(cx: &mut Cx, parts: &[(usize, usize)]) -> NativeResult {
    let words: Vec<u64> = parts.iter().flat_map(|&(lo, hi)| [lo as u64, hi as u64]).collect();
    let w = cx.new_words(&words, false)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}
