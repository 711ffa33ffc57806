//! Natives of `encoding/json`: whether text is well-formed, its layout, its strings, and values of plain types. Others are
//! walked in gmpl, over reflect.
mod scan;
mod write;

use super::long;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[
    ("encoding/json.check", check),
    ("encoding/json.compact", compact),
    ("encoding/json.indent", indent),
    ("encoding/json.escape", escape),
    ("encoding/json.quote", |cx| {
        let (s, html, most) = (cx.str(0), cx.bool(1), long::most(cx));
        let work = move || {
            let mut out = Vec::with_capacity(s.len() + 2);
            scan::quote(s, html, most, &mut out).then_some(out)
        };
        long::work(cx, s.len(), work, |cx, out| {
            cx.set_str(0, out.as_ref().ok_or(Trap::OutOfMemory)?)?;
            Ok(Outcome::Done)
        })
    }),
    ("encoding/json.unquote", |cx| {
        let data = cx.bytes_view(0);
        let from = (cx.uint(1) as usize).min(data.len());
        let end = scan::string_end(data, from);
        let work = move || scan::unquote(&data[from..end]);
        long::work(cx, end - from, work, move |cx, text| {
            cx.set_str(0, text)?;
            cx.set_int(1, end as i64);
            Ok(Outcome::Done)
        })
    }),
    ("encoding/json.token", |cx| {
        let data = cx.bytes_view(0);
        let at = scan::skip_space(data, (cx.uint(1) as usize).min(data.len()));
        cx.set_int(0, data.get(at).copied().unwrap_or(0).into());
        cx.set_int(1, at as i64);
        Ok(Outcome::Done)
    }),
    ("encoding/json.quoteByte", |cx| {
        let text = scan::quoted(cx.uint(0) as u8);
        cx.set_str(0, text.as_bytes())?;
        Ok(Outcome::Done)
    }),
    ("encoding/json.writePlain", write::write_plain),
    ("encoding/json.isNumber", |cx| {
        let ok = scan::is_number(cx.str(0));
        cx.set_bool(0, ok);
        Ok(Outcome::Done)
    }),
    ("encoding/json.valueEnd", |cx| {
        let data = cx.bytes_view(0);
        let from = (cx.uint(1) as usize).min(data.len());
        let end = scan::value(data, from, false).map_or(data.len(), |f| f.end);
        cx.set_int(0, end as i64);
        Ok(Outcome::Done)
    }),
];

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 10_000;

/// `check(data []byte, from int, whole bool) (end int, text string, at int)`: the end of the value that begins at
/// `from`; with `whole` nothing may follow it. A text says what is wrong, at which offset; `end` -1: it does not end.
fn check(cx: &mut Cx) -> NativeResult {
    let data = cx.bytes_view(0);
    let from = (cx.uint(1) as usize).min(data.len());
    let whole = cx.bool(2);
    long::work(
        cx,
        data.len() - from,
        move || scan::value(data, from, whole),
        |cx, found| {
            match found {
                Ok(found) => {
                    cx.set_int(0, found.end as i64);
                    cx.set_word(1, 0);
                    cx.set_int(2, 0);
                }
                Err(e) => {
                    cx.set_int(0, if e.short { -1 } else { -2 });
                    cx.set_str(1, e.text.as_bytes())?;
                    cx.set_int(2, e.at as i64);
                }
            }
            Ok(Outcome::Done)
        },
    )
}

/// `compact(src []byte, html bool) []byte`: of what `check` has passed.
fn compact(cx: &mut Cx) -> NativeResult {
    let (src, html) = (cx.bytes(0), cx.bool(1));
    let work = move || {
        let mut out = Vec::with_capacity(src.len());
        scan::compact(&src, html, &mut out);
        out
    };
    long::work(cx, cx.slice(0).len, work, |cx, out| {
        let w = cx.new_bytes(out)?;
        cx.set_word(0, w);
        Ok(Outcome::Done)
    })
}

/// `escape(src []byte) []byte`: HTMLEscape.
fn escape(cx: &mut Cx) -> NativeResult {
    let mut out = Vec::new();
    scan::html_escape(&cx.bytes(0), &mut out);
    let w = cx.new_bytes(&out)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// `indent(src []byte, prefix, step string) []byte`: of what `check` has passed.
fn indent(cx: &mut Cx) -> NativeResult {
    let (src, prefix, step) = (cx.bytes(0), cx.str(1), cx.str(2));
    let mut out = Vec::with_capacity(src.len() * 2);
    let mut depth = 0usize;
    let mut fresh = false;
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend_from_slice(prefix);
        (0..depth).for_each(|_| out.extend_from_slice(step));
    };
    let mut i = 0;
    while i < src.len() {
        // Deep values have long lines.
        long::check(cx, out.len())?;
        let c = src[i];
        if matches!(c, b' ' | b'\t' | b'\r' | b'\n') {
            i += 1;
            continue;
        }
        if std::mem::take(&mut fresh) && c != b']' && c != b'}' {
            depth += 1;
            line(&mut out, depth);
        } else if matches!(c, b']' | b'}') && out.last().is_some_and(|l| !matches!(l, b'[' | b'{')) {
            depth = depth.saturating_sub(1);
            line(&mut out, depth);
        }
        match c {
            b'"' => {
                let end = scan::string_end(&src, i);
                out.extend_from_slice(&src[i..end]);
                i = end;
                continue;
            }
            b'{' | b'[' => {
                fresh = true;
                out.push(c);
            }
            b',' => {
                out.push(c);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(c),
        }
        i += 1;
    }
    let w = cx.new_bytes(&out)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}
