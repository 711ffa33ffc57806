//! Natives of `time`: layouts, which show times as they would show Mon Jan 2 15:04:05 MST 2006, written and read.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};
use std::cell::Cell;
use std::io::Write as _;

pub const NATIVES: &[NativeEntry] = &[("time.formatLayout", format), ("time.parseLayout", parse)];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// What a layout is made of, by the first character; the longer before what it begins with.
fn elements(first: u8) -> &'static [&'static str] {
    match first {
        b'0' => &["002", "01", "02", "03", "04", "05", "06"],
        b'1' => &["15", "1"],
        b'2' => &["2006", "2"],
        b'J' => &["January", "Jan"],
        b'M' => &["Monday", "Mon", "MST"],
        b'Z' => &["Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07"],
        b'-' => &["-07:00:00", "-070000", "-07:00", "-0700", "-07"],
        b'_' => &["__2", "_2006", "_2"],
        b'P' => &["PM"],
        b'p' => &["pm"],
        b'3' => &["3"],
        b'4' => &["4"],
        b'5' => &["5"],
        _ => &[],
    }
}

/// Where the next element from `at` on begins and ends; at the end of the layout: there is none.
fn next_element(layout: &[u8], at: usize) -> (usize, usize) {
    for i in at..layout.len() {
        let tail = &layout[i..];
        if let [b'.' | b',', digit @ (b'0' | b'9'), ..] = tail {
            let n = 1 + tail[1..].iter().take_while(|c| *c == digit).count();
            if !tail.get(n).is_some_and(u8::is_ascii_digit) {
                return (i, i + n);
            }
        }
        for e in elements(tail[0]).iter().filter(|e| tail.starts_with(e.as_bytes())) {
            match *e {
                // Not the beginning of another word: Janet.
                "Jan" | "Mon" if tail.get(3).is_some_and(u8::is_ascii_lowercase) => {}
                "_2006" => return (i + 1, i + 5),
                _ => return (i, i + e.len()),
            }
        }
    }
    (layout.len(), layout.len())
}

/// Year, month and day of so many days since January 1, year 1; the calendar goes on before that.
fn date(days: i64) -> (i64, usize, i64) {
    // From March 1 of year 0 on, leap days are the last of their years.
    let z = days + 306;
    let era = z.div_euclid(146097);
    let day_of_era = z - era * 146097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let (month, next) = if m < 10 { (m + 3, 0) } else { (m - 9, 1) };
    (year_of_era + era * 400 + next, month as usize, day)
}

fn pad(out: &mut Vec<u8>, n: i64, width: usize) {
    let sign = if n < 0 { "-" } else { "" };
    let _ = write!(out, "{sign}{:0width$}", n.unsigned_abs());
}

fn put_offset(out: &mut Vec<u8>, element: &[u8], offset: i64) {
    if element[0] == b'Z' && offset == 0 {
        return out.push(b'Z');
    }
    out.push(if offset < 0 { b'-' } else { b'+' });
    let offset = offset.abs();
    let colon = if element.contains(&b':') { ":" } else { "" };
    let (h, m, s) = (offset / 3600, offset / 60 % 60, offset % 60);
    let _ = match element.len() {
        3 => write!(out, "{h:02}"),
        5 | 6 => write!(out, "{h:02}{colon}{m:02}"),
        _ => write!(out, "{h:02}{colon}{m:02}{colon}{s:02}"),
    };
}

/// `formatLayout(layout string, sec, nsec int64, offset int, zone string) string`: seconds since year 1, as the zone's clock shows
/// them.
fn format(cx: &mut Cx) -> NativeResult {
    let (layout, seconds, nanoseconds) = (cx.str(0), cx.int(1), cx.int(2));
    let (offset, zone) = (cx.int(3), cx.str(4));
    let days = seconds.div_euclid(86400);
    let clock = seconds.rem_euclid(86400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let weekday = DAYS[(days + 1).rem_euclid(7) as usize];
    let month_name = MONTHS[month - 1];
    let hour12 = (hour + 11) % 12 + 1;
    let year_day = || {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1];
        before + day + i64::from(leap && month > 2)
    };
    let mut out = cx.side.take_text();
    let mut at = 0;
    while at < layout.len() {
        let (start, end) = next_element(layout, at);
        out.extend_from_slice(&layout[at..start]);
        at = end;
        let element = &layout[start..end];
        match element {
            b"" => {}
            b"January" => out.extend_from_slice(month_name.as_bytes()),
            b"Jan" => out.extend_from_slice(&month_name.as_bytes()[..3]),
            b"Monday" => out.extend_from_slice(weekday.as_bytes()),
            b"Mon" => out.extend_from_slice(&weekday.as_bytes()[..3]),
            b"MST" if zone.is_empty() => put_offset(&mut out, b"-0700", offset),
            b"MST" => out.extend_from_slice(zone),
            b"2006" => pad(&mut out, year, 4),
            b"002" => pad(&mut out, year_day(), 3),
            b"__2" => _ = write!(out, "{:3}", year_day()),
            b"01" => pad(&mut out, month as i64, 2),
            b"02" => pad(&mut out, day, 2),
            b"03" => pad(&mut out, hour12, 2),
            b"04" => pad(&mut out, minute, 2),
            b"05" => pad(&mut out, second, 2),
            b"06" => pad(&mut out, year.abs() % 100, 2),
            b"15" => pad(&mut out, hour, 2),
            b"PM" => out.extend_from_slice(if hour >= 12 { b"PM" } else { b"AM" }),
            b"pm" => out.extend_from_slice(if hour >= 12 { b"pm" } else { b"am" }),
            b"_2" => _ = write!(out, "{day:2}"),
            b"1" => pad(&mut out, month as i64, 1),
            b"2" => pad(&mut out, day, 1),
            b"3" => pad(&mut out, hour12, 1),
            b"4" => pad(&mut out, minute, 1),
            b"5" => pad(&mut out, second, 1),
            [point @ (b'.' | b','), digits @ ..] => {
                let from = out.len();
                out.push(*point);
                let _ = write!(out, "{nanoseconds:09}");
                out.resize(from + 1 + digits.len(), b'0');
                if digits[0] == b'9' {
                    while out.last() == Some(&b'0') {
                        out.pop();
                    }
                    if out.len() == from + 1 {
                        out.pop();
                    }
                }
            }
            _ => put_offset(&mut out, element, offset),
        }
    }
    cx.set_str(0, &out)?;
    cx.side.give_text(out);
    Ok(Outcome::Done)
}

/// What was read, in the order in which the gmpl half declares it.
#[derive(Default)]
struct Parsed {
    year: i64,
    month: i64,
    day: i64,
    year_day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    /// Bits: afternoon, morning, an offset, UTC.
    said: i64,
    offset: i64,
    /// Where the zone's short name lies in the value.
    zone: (usize, usize),
    /// Of an error: where the element lies in the layout, where the rest of the value begins, and what is out of range.
    element: (usize, usize),
    rest: usize,
    out: i64,
}

const AFTERNOON: i64 = 1;
const MORNING: i64 = 2;
const OFFSET: i64 = 4;
const UTC: i64 = 8;

/// What may be out of range, as the gmpl half numbers it.
mod out {
    pub const MONTH: i64 = 1;
    pub const HOUR: i64 = 2;
    pub const MINUTE: i64 = 3;
    pub const SECOND: i64 = 4;
    pub const OFFSET_HOUR: i64 = 5;
    pub const FRACTION: i64 = 8;
}

/// The answers of `parseLayout`.
const READ: i64 = 0;
const UNLIKE: i64 = 1;
const EXTRA_TEXT: i64 = 2;
const OUT_OF_RANGE: i64 = 3;

/// `parseLayout(layout, value string, p *parsed) int`
fn parse(cx: &mut Cx) -> NativeResult {
    let mut p = Parsed { month: -1, day: -1, year_day: -1, ..Parsed::default() };
    let answer = read(cx.str(0), cx.str(1), &mut p);
    let words = [
        p.year,
        p.month,
        p.day,
        p.year_day,
        p.hour,
        p.minute,
        p.second,
        p.nanosecond,
        p.said,
        p.offset,
        p.zone.0 as i64,
        p.zone.1 as i64,
        p.element.0 as i64,
        p.element.1 as i64,
        p.rest as i64,
        p.out,
    ];
    let to: &[Cell<u64>] = cx.words_at(2, words.len())?;
    to.iter().zip(words).for_each(|(to, w)| to.set(w as u64));
    cx.set_int(0, answer);
    Ok(Outcome::Done)
}

/// Digits at `at`, at most `n`: their value, where they end, and whether there are enough: exactly `n` if that is `fixed`.
fn number(s: &[u8], at: usize, n: usize, fixed: bool) -> (i64, usize, bool) {
    let digits = s[at..].iter().take(n).take_while(|c| c.is_ascii_digit());
    let (v, count) = digits.fold((0, 0), |(v, k), c| (v * 10 + (c - b'0') as i64, k + 1));
    (v, at + count, count > 0 && (!fixed || count == n))
}

/// A number of all of `s`, which may have a sign, or nothing else.
fn signed(s: &[u8]) -> Option<i64> {
    let (negative, digits) = match s {
        [sign @ (b'+' | b'-'), rest @ ..] => (*sign == b'-', rest),
        _ => (false, s),
    };
    let (n, _, _) = number(digits, 0, digits.len(), false);
    digits.iter().all(u8::is_ascii_digit).then_some(if negative { -n } else { n })
}

/// Which of the names the value goes on with, in any case, and its end.
fn name(names: &[&str], short: bool, s: &[u8], at: usize) -> Option<(i64, usize)> {
    names.iter().enumerate().find_map(|(i, name)| {
        let name = if short { &name[..3] } else { name };
        let there = s.get(at..at + name.len())?;
        there.eq_ignore_ascii_case(name.as_bytes()).then_some((i as i64, at + name.len()))
    })
}

/// The length of the zone's short name that `s` begins with.
fn zone_name(s: &[u8]) -> usize {
    if s.len() < 3 {
        return 0;
    }
    if s.starts_with(b"ChST") || s.starts_with(b"MeST") {
        return 4;
    }
    if let [b'G', b'M', b'T', rest @ ..] = s {
        return 3 + hours(rest);
    }
    if matches!(s[0], b'+' | b'-') {
        return hours(s);
    }
    match s.iter().take(6).take_while(|c| c.is_ascii_uppercase()).count() {
        3 => 3,
        4 if s[3] == b'T' || s.starts_with(b"WITA") => 4,
        5 if s[4] == b'T' => 5,
        _ => 0,
    }
}

/// The length of a sign and up to 23 hours that `s` begins with.
fn hours(s: &[u8]) -> usize {
    let [b'+' | b'-', digits @ ..] = s else { return 0 };
    let n = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    let value = digits[..n].iter().fold(0u64, |v, c| v.saturating_mul(10).saturating_add((c - b'0') as u64));
    if n == 0 || value > 23 { 0 } else { n + 1 }
}

/// Reads an offset as an element shows it: its end, and whether it is one.
fn offset(element: &[u8], s: &[u8], at: usize, p: &mut Parsed) -> (usize, bool) {
    let end = at + element.len();
    let Some(text) = s.get(at..end) else { return (at, false) };
    if element.iter().zip(text).any(|(e, c)| *e == b':' && *c != b':') {
        return (at, false);
    }
    let (mut seconds, mut k, mut ok) = (0, 1, true);
    for (unit, limit, part) in [(3600, 24, 0), (60, 60, 1), (1, 60, 2)] {
        k += usize::from(element.get(k) == Some(&b':'));
        if k >= element.len() || !ok {
            break;
        }
        let v;
        (v, _, ok) = number(text, k, 2, true);
        if ok && v > limit {
            p.out = out::OFFSET_HOUR + part;
        }
        seconds += v * unit;
        k += 2;
    }
    p.offset = if text[0] == b'-' { -seconds } else { seconds };
    // A wrong sign is found last: a part out of range is told first.
    (end, ok && matches!(text[0], b'+' | b'-'))
}

/// The digits of a fraction of a second; more than nine are left out.
fn nanoseconds(digits: &[u8]) -> i64 {
    (0..9).fold(0, |n, i| n * 10 + digits.get(i).map_or(0, |c| (c - b'0') as i64))
}

fn read(layout: &[u8], value: &[u8], p: &mut Parsed) -> i64 {
    let (mut at, mut v) = (0, 0);
    loop {
        let (start, end) = next_element(layout, at);
        // What stands between the elements must be there; a space stands for any number of them.
        let mut b = at;
        while b < start {
            (p.element, p.rest) = ((at, start), v);
            if layout[b] == b' ' {
                if value.get(v).is_some_and(|c| *c != b' ') {
                    return UNLIKE;
                }
                b += layout[b..start].iter().take_while(|c| **c == b' ').count();
                v += value[v..].iter().take_while(|c| **c == b' ').count();
                continue;
            }
            if value.get(v) != Some(&layout[b]) {
                return UNLIKE;
            }
            (b, v) = (b + 1, v + 1);
        }
        if start == layout.len() {
            p.rest = v;
            return if v < value.len() { EXTRA_TEXT } else { READ };
        }
        at = end;
        let hold = v;
        let ok = element(layout, (start, end), value, &mut v, p);
        p.element = (start, end);
        if p.out != 0 {
            p.rest = v;
            return OUT_OF_RANGE;
        }
        if !ok {
            p.rest = hold;
            return UNLIKE;
        }
    }
}

/// Reads what an element shows from `v` on; whether it is there.
fn element(layout: &[u8], (start, end): (usize, usize), value: &[u8], v: &mut usize, p: &mut Parsed) -> bool {
    let element = &layout[start..end];
    let mut digits = |n: usize, fixed: bool| {
        let (x, next, ok) = number(value, *v, n, fixed);
        *v = next;
        (x, ok)
    };
    let ok;
    match element {
        b"06" => {
            let Some(year) = value.get(*v..*v + 2).and_then(signed) else { return false };
            p.year = year + if year >= 69 { 1900 } else { 2000 };
            *v += 2;
            ok = true;
        }
        b"2006" => (p.year, ok) = digits(4, true),
        b"Jan" | b"January" | b"Mon" | b"Monday" => {
            let names: &[&str] = if element[0] == b'J' { &MONTHS } else { &DAYS };
            let found = name(names, element.len() == 3, value, *v);
            ok = found.is_some();
            if let Some((i, next)) = found {
                *v = next;
                if element[0] == b'J' {
                    p.month = i + 1;
                }
            }
        }
        b"1" | b"01" => {
            (p.month, ok) = digits(2, element.len() == 2);
            if ok && !(1..=12).contains(&p.month) {
                p.out = out::MONTH;
            }
        }
        b"2" | b"_2" | b"02" => {
            if element[0] == b'_' && value.get(*v) == Some(&b' ') {
                *v += 1;
            }
            (p.day, *v, ok) = number(value, *v, 2, element[0] == b'0');
        }
        b"002" | b"__2" => {
            if element[0] == b'_' {
                *v += value[*v..].iter().take(2).take_while(|c| **c == b' ').count();
            }
            (p.year_day, *v, ok) = number(value, *v, 3, element[0] == b'0');
        }
        b"15" => {
            (p.hour, ok) = digits(2, false);
            if p.hour >= 24 {
                p.out = out::HOUR;
            }
        }
        b"3" | b"03" => {
            (p.hour, ok) = digits(2, element.len() == 2);
            if p.hour > 12 {
                p.out = out::HOUR;
            }
        }
        b"4" | b"04" => {
            (p.minute, ok) = digits(2, element.len() == 2);
            if p.minute >= 60 {
                p.out = out::MINUTE;
            }
        }
        b"5" | b"05" => {
            (p.second, ok) = digits(2, element.len() == 2);
            if p.second >= 60 {
                p.out = out::SECOND;
                return ok;
            }
            // A fraction may follow, though the layout has none before its next element.
            let (next, _) = next_element(layout, end);
            if matches!(layout.get(next), Some(b'.' | b',')) {
                return ok;
            }
            if let (true, [b'.' | b',', rest @ ..]) = (ok, &value[*v..]) {
                let n = rest.iter().take_while(|c| c.is_ascii_digit()).count();
                if n > 0 {
                    p.nanosecond = nanoseconds(&rest[..n]);
                    *v += 1 + n;
                }
            }
        }
        b"PM" | b"pm" => {
            let Some(there) = value.get(*v..*v + 2) else { return false };
            *v += 2;
            let small = element[0] == b'p';
            let said = match there {
                b"PM" if !small => AFTERNOON,
                b"pm" if small => AFTERNOON,
                b"AM" if !small => MORNING,
                b"am" if small => MORNING,
                _ => 0,
            };
            p.said |= said;
            ok = said != 0;
        }
        b"MST" => {
            let n = zone_name(&value[*v..]);
            if value[*v..].starts_with(b"UTC") {
                p.said |= UTC;
                *v += 3;
                return true;
            }
            ok = n > 0;
            if ok {
                p.zone = (*v, *v + n);
                *v += n;
            }
        }
        [b'.' | b',', fraction @ ..] => {
            let rest = &value[*v..];
            let point = matches!(rest.first(), Some(b'.' | b','));
            if fraction[0] == b'9' {
                let n = rest.iter().skip(1).take_while(|c| c.is_ascii_digit()).count();
                if point && n > 0 {
                    p.nanosecond = nanoseconds(&rest[1..=n]);
                    *v += 1 + n;
                }
                return true;
            }
            let Some(text) = rest.get(1..=fraction.len()).filter(|_| point) else { return false };
            let text = &text[..text.len().min(9)];
            let Some(n) = signed(text) else { return false };
            if n < 0 {
                p.out = out::FRACTION;
            }
            p.nanosecond = n * 10i64.pow(9 - text.len() as u32);
            *v += 1 + fraction.len();
            ok = true;
        }
        [b'Z', ..] if value.get(*v) == Some(&b'Z') => {
            p.said |= UTC;
            *v += 1;
            ok = true;
        }
        _ => {
            (*v, ok) = offset(element, value, *v, p);
            p.said = p.said & !OFFSET | if ok { OFFSET } else { 0 };
        }
    }
    ok
}
