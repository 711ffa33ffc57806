//! Natives of `strings`. Substrings share their parent's bytes.
use super::buffer;
use super::long;
use super::text;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use crate::value::{slice, string};

pub const NATIVES: &[NativeEntry] = &[
    ("strings.Builder.Grow", builder_grow),
    ("strings.Builder.String", builder_string),
    ("strings.Builder.Write", builder_write),
    ("strings.Builder.WriteByte", builder_write_byte),
    ("strings.Builder.WriteRune", builder_write_rune),
    ("strings.Builder.WriteString", builder_write_string),
    ("strings.Clone", clone),
    ("strings.Compare", compare),
    ("strings.Contains", |cx| put_bool(cx, |s, t| text::index(s, t).is_some())),
    ("strings.ContainsAny", |cx| put_bool(cx, |s, t| text::index_any(s, t).is_some())),
    ("strings.ContainsRune", |cx| {
        let found = text::index_rune(cx.str(0), cx.int(1)).is_some();
        cx.set_bool(0, found);
        Ok(Outcome::Done)
    }),
    ("strings.Count", |cx| put_index(cx, |s, t| Some(text::count(s, t)))),
    ("strings.Cut", |cx| cut(cx, text::index)),
    ("strings.CutLast", |cx| cut(cx, text::last_index)),
    ("strings.CutPrefix", |cx| cut_affix(cx, true)),
    ("strings.CutSuffix", |cx| cut_affix(cx, false)),
    ("strings.fields", fields),
    ("strings.HasPrefix", |cx| put_bool(cx, |s, t| s.starts_with(t))),
    ("strings.HasSuffix", |cx| put_bool(cx, |s, t| s.ends_with(t))),
    ("strings.Index", |cx| put_index(cx, text::index)),
    ("strings.IndexAny", |cx| put_index(cx, text::index_any)),
    ("strings.IndexByte", |cx| {
        let i = memchr::memchr(cx.word(1) as u8, cx.str(0));
        set_index(cx, i)
    }),
    ("strings.IndexRune", |cx| {
        let i = text::index_rune(cx.str(0), cx.int(1));
        set_index(cx, i)
    }),
    ("strings.Join", join),
    ("strings.LastIndex", |cx| put_index(cx, text::last_index)),
    ("strings.LastIndexAny", |cx| put_index(cx, text::last_index_any)),
    ("strings.LastIndexByte", |cx| {
        let i = memchr::memrchr(cx.word(1) as u8, cx.str(0));
        set_index(cx, i)
    }),
    ("strings.Replace", |cx| {
        let n = cx.int(3);
        replace(cx, n)
    }),
    ("strings.ReplaceAll", |cx| replace(cx, -1)),
    ("strings.ToValidUTF8", to_valid),
    ("strings.Trim", |cx| trim_set(cx, true, true)),
    ("strings.TrimLeft", |cx| trim_set(cx, true, false)),
    ("strings.TrimPrefix", |cx| trim_affix(cx, true)),
    ("strings.TrimRight", |cx| trim_set(cx, false, true)),
    ("strings.TrimSpace", trim_space),
    ("strings.TrimSuffix", |cx| trim_affix(cx, false)),
    ("strings.changeCase", |cx| {
        let (s, upper) = (cx.str(0), cx.bool(1));
        change(cx, move |most| text::change_case(s, upper, most))
    }),
    ("strings.equalFoldASCII", equal_fold),
    ("strings.replacePairs", replace_pairs),
    ("strings.repeat", repeat),
    ("strings.splitOnce", split),
    ("strings.toString", to_string),
];

fn put_bool(cx: &mut Cx, f: fn(&[u8], &[u8]) -> bool) -> NativeResult {
    let v = f(cx.str(0), cx.str(1));
    cx.set_bool(0, v);
    Ok(Outcome::Done)
}

fn set_index(cx: &mut Cx, i: Option<usize>) -> NativeResult {
    cx.set_int(0, i.map_or(-1, |i| i as i64));
    Ok(Outcome::Done)
}

fn put_index(cx: &mut Cx, f: fn(&[u8], &[u8]) -> Option<usize>) -> NativeResult {
    let i = f(cx.str(0), cx.str(1));
    set_index(cx, i)
}

/// Result 0 = string parameter 0 from `lo` to `hi`.
fn put_sub(cx: &mut Cx, lo: usize, hi: usize) -> NativeResult {
    let s = cx.word(0);
    cx.set_substr(0, s, lo, hi)?;
    Ok(Outcome::Done)
}

fn clone(cx: &mut Cx) -> NativeResult {
    let s = cx.str(0);
    cx.set_str(0, s)?;
    Ok(Outcome::Done)
}

fn compare(cx: &mut Cx) -> NativeResult {
    let c = cx.str(0).cmp(cx.str(1));
    cx.set_int(0, c as i64);
    Ok(Outcome::Done)
}

fn cut(cx: &mut Cx, find: fn(&[u8], &[u8]) -> Option<usize>) -> NativeResult {
    let (s, sep, word) = (cx.str(0), cx.str(1), cx.word(0));
    match find(s, sep) {
        Some(i) => {
            cx.set_substr(0, word, 0, i)?;
            cx.set_substr(1, word, i + sep.len(), s.len())?;
            cx.set_bool(2, true);
        }
        None => {
            cx.set_word(0, word);
            cx.set_word(1, 0);
            cx.set_bool(2, false);
        }
    }
    Ok(Outcome::Done)
}

/// `s` without the prefix or suffix `t`, where it has it.
fn without(s: &[u8], t: &[u8], prefix: bool) -> Option<(usize, usize)> {
    match prefix {
        true => s.starts_with(t).then_some((t.len(), s.len())),
        false => s.ends_with(t).then(|| (0, s.len() - t.len())),
    }
}

fn cut_affix(cx: &mut Cx, prefix: bool) -> NativeResult {
    let s = cx.str(0);
    let rest = without(s, cx.str(1), prefix);
    let (lo, hi) = rest.unwrap_or((0, s.len()));
    put_sub(cx, lo, hi)?;
    cx.set_bool(1, rest.is_some());
    Ok(Outcome::Done)
}

fn trim_affix(cx: &mut Cx, prefix: bool) -> NativeResult {
    let s = cx.str(0);
    let (lo, hi) = without(s, cx.str(1), prefix).unwrap_or((0, s.len()));
    put_sub(cx, lo, hi)
}

fn trim_set(cx: &mut Cx, left: bool, right: bool) -> NativeResult {
    let (s, cutset) = (cx.str(0), cx.str(1));
    let (lo, hi) = match cutset {
        [b] if *b < 0x80 => text::trim(s, left, right, |r| r == *b as u32),
        _ => {
            let set = text::RuneSet::new(cutset);
            text::trim(s, left, right, |r| set.has(r))
        }
    };
    put_sub(cx, lo, hi)
}

fn trim_space(cx: &mut Cx) -> NativeResult {
    let (lo, hi) = text::trim(cx.str(0), true, true, text::is_space);
    put_sub(cx, lo, hi)
}

fn put_parts(cx: &mut Cx, parts: &[(usize, usize)]) -> NativeResult {
    let s = cx.word(0);
    let mut words = Vec::with_capacity(parts.len());
    for &(lo, hi) in parts {
        words.push(cx.new_substr(s, lo, hi)?);
    }
    let w = cx.new_words(&words, true)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

fn fields(cx: &mut Cx) -> NativeResult {
    let parts = text::fields(cx.str(0));
    put_parts(cx, &parts)
}

/// `splitOnce(s, sep string, save, n int) []string`
fn split(cx: &mut Cx) -> NativeResult {
    match text::split(cx.str(0), cx.str(1), cx.int(2) as usize, cx.int(3)) {
        Some(parts) => put_parts(cx, &parts),
        None => {
            cx.set_word(0, 0);
            Ok(Outcome::Done)
        }
    }
}

/// The string words of `[]string` parameter `i`.
pub fn string_words(cx: &Cx, i: usize) -> Vec<u64> {
    (0..cx.slice(i).len).map(|k| cx.slice_word(i, k)).collect()
}

fn join(cx: &mut Cx) -> NativeResult {
    let words = string_words(cx, 0);
    let sep = cx.str(1);
    match words[..] {
        [] => cx.set_word(0, 0),
        [one] => cx.set_word(0, one),
        _ => {
            let parts: Vec<&[u8]> = words.iter().map(|w| cx.str_of(*w)).collect();
            let len = parts.iter().map(|p| p.len()).sum::<usize>() + sep.len() * (parts.len() - 1);
            long::check(cx, len)?;
            cx.will_look_at(len);
            let work = move || {
                let mut out = Vec::with_capacity(len);
                for (i, p) in parts.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(sep);
                    }
                    out.extend_from_slice(p);
                }
                out
            };
            return long::work(cx, len, work, |cx, out| {
                cx.set_str(0, out)?;
                Ok(Outcome::Done)
            });
        }
    }
    Ok(Outcome::Done)
}

/// `repeat(s string, count int) string` for what fits into memory.
fn repeat(cx: &mut Cx) -> NativeResult {
    let (s, n) = (cx.str(0), cx.int(1) as usize);
    let len = s.len() * n;
    if len == 0 {
        cx.set_word(0, 0);
        return Ok(Outcome::Done);
    }
    let Some((word, data)) = string::alloc(cx.cache, len) else { return Err(Trap::OutOfMemory) };
    // SAFETY: a fresh string of `len` bytes.
    let out = unsafe { std::slice::from_raw_parts_mut(data, len) };
    out[..s.len()].copy_from_slice(s);
    let mut done = s.len();
    while done < len {
        let more = done.min(len - done);
        out.copy_within(..more, done);
        done += more;
    }
    cx.set_word(0, word);
    Ok(Outcome::Done)
}

/// Result 0 = the changed text, or string parameter 0 when nothing changed.
fn put_changed(cx: &mut Cx, changed: &Option<Vec<u8>>) -> NativeResult {
    match changed {
        Some(v) => cx.set_str(0, v)?,
        None => {
            let s = cx.word(0);
            cx.set_word(0, s);
        }
    }
    Ok(Outcome::Done)
}

/// What `work` makes of parameter 0, or a refusal where that could not be kept.
fn change(cx: &mut Cx, work: impl FnOnce(usize) -> Result<Option<Vec<u8>>, ()> + Send + 'static) -> NativeResult {
    let (most, bytes) = (long::most(cx), cx.str(0).len());
    let work = move || work(most);
    long::work(cx, bytes, work, |cx, changed| match changed {
        Ok(changed) => put_changed(cx, changed),
        Err(()) => Err(Trap::OutOfMemory),
    })
}

fn replace(cx: &mut Cx, n: i64) -> NativeResult {
    let (s, old, new) = (cx.str(0), cx.str(1), cx.str(2));
    change(cx, move |most| match text::replaced_len(s, old, new, n) > most {
        true => Err(()),
        false => Ok(text::replace(s, old, new, n)),
    })
}

fn to_valid(cx: &mut Cx) -> NativeResult {
    let (s, by) = (cx.str(0), cx.str(1));
    change(cx, move |_| Ok(text::to_valid(s, by)))
}

/// `equalFoldASCII(s, t string) int`: 0 different, 1 equal, 2 to be seen.
fn equal_fold(cx: &mut Cx) -> NativeResult {
    let code = match text::equal_fold_ascii(cx.str(0), cx.str(1)) {
        Some(equal) => equal as i64,
        None => 2,
    };
    cx.set_int(0, code);
    Ok(Outcome::Done)
}

/// `replacePairs(s string, oldnew []string) string`
fn replace_pairs(cx: &mut Cx) -> NativeResult {
    let words = string_words(cx, 1);
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|p| (cx.str_of(p[0]), cx.str_of(p[1]))).collect();
    let s = cx.str(0);
    change(cx, move |most| text::replace_pairs(s, &pairs, most))
}

/// `toString(b []byte) string`: shares the bytes, which the caller never changes again.
fn to_string(cx: &mut Cx) -> NativeResult {
    let b = cx.word(0);
    let w = buffer::share_as_string(cx, b)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// The address of the Builder's `buf` field, after the check that the Builder was not copied.
fn builder(cx: &mut Cx) -> Result<*mut u64, Trap> {
    let this = cx.word(0);
    if this == 0 {
        return Err(buffer::nil_pointer());
    }
    // SAFETY: a pointer to a live Builder: its own address, then the buffer.
    unsafe {
        let p = this as *mut u64;
        match slice::load(p) {
            0 => slice::store(p, this),
            addr if addr == this => {}
            _ => return Err(Trap::Panic("strings: illegal use of non-zero Builder copied by value".into())),
        }
        Ok(p.add(1))
    }
}

fn builder_write_string(cx: &mut Cx) -> NativeResult {
    let (buf, s) = (builder(cx)?, cx.str(1));
    // SAFETY: the address of a slice of bytes.
    unsafe { buffer::append(cx, buf, s)? };
    cx.set_int(0, s.len() as i64);
    cx.set_word(1, 0);
    Ok(Outcome::Done)
}

fn builder_write(cx: &mut Cx) -> NativeResult {
    let (buf, s) = (builder(cx)?, cx.bytes(1));
    // SAFETY: the address of a slice of bytes.
    unsafe { buffer::append(cx, buf, &s)? };
    cx.set_int(0, s.len() as i64);
    cx.set_word(1, 0);
    Ok(Outcome::Done)
}

fn builder_write_byte(cx: &mut Cx) -> NativeResult {
    let (buf, b) = (builder(cx)?, cx.word(1) as u8);
    // SAFETY: the address of a slice of bytes.
    unsafe { buffer::append(cx, buf, &[b])? };
    cx.set_word(0, 0);
    Ok(Outcome::Done)
}

fn builder_write_rune(cx: &mut Cx) -> NativeResult {
    let (buf, r) = (builder(cx)?, cx.int(1));
    let c = u32::try_from(r).ok().and_then(char::from_u32).unwrap_or('\u{FFFD}');
    let mut utf8 = [0; 4];
    let s = c.encode_utf8(&mut utf8).as_bytes();
    // SAFETY: the address of a slice of bytes.
    unsafe { buffer::append(cx, buf, s)? };
    cx.set_int(0, s.len() as i64);
    cx.set_word(1, 0);
    Ok(Outcome::Done)
}

fn builder_grow(cx: &mut Cx) -> NativeResult {
    let (buf, n) = (builder(cx)?, cx.int(1));
    if n < 0 {
        return Err(Trap::Panic("strings.Builder.Grow: negative count".into()));
    }
    // SAFETY: the address of a slice of bytes.
    unsafe { buffer::reserve(cx, buf, n as usize)? };
    Ok(Outcome::Done)
}

fn builder_string(cx: &mut Cx) -> NativeResult {
    let this = cx.word(0);
    if this == 0 {
        return Err(buffer::nil_pointer());
    }
    // SAFETY: a pointer to a live Builder.
    let b = unsafe { slice::load((this as *const u64).add(1)) };
    let w = buffer::share_as_string(cx, b)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}
