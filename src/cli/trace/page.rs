//! The page: one file with the recording, the program's text, and the scripts that draw them. `page/` holds those.
//!
//! The events are a stream of bytes in base64. Each is its kind, P + 1 (0: none), the time since the one before, then its fields as
//! the table lists them; numbers are in groups of seven bits, the lowest first. Goroutines' numbers are differences to the one before,
//! with the sign in the lowest bit.
use crate::base::render::quote;
use crate::profile::wire::varint;
use crate::sched::trace::{Cause, Event, Meaning, NO_P, Phase, TABLE};
use crate::sched::wait::WaitReason;
use crate::std::small::base64_text;
use crate::vm::trace::Recorded;
use std::fmt::Write as _;
use std::io::Write;

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPTS: [&str; 5] = [
    include_str!("page/decode.js"),
    include_str!("page/lanes.js"),
    include_str!("page/draw.js"),
    include_str!("page/panel.js"),
    include_str!("page/main.js"),
];

pub fn write(recorded: &Recorded, out: &mut impl Write) -> std::io::Result<()> {
    let mut rest = HTML;
    while let Some((before, after)) = rest.split_once("<!--") {
        out.write_all(before.as_bytes())?;
        let (what, after) = after.split_once("-->").unwrap_or((after, ""));
        match what {
            "style" => out.write_all(STYLE.as_bytes())?,
            "scripts" => SCRIPTS.iter().try_for_each(|s| out.write_all(s.as_bytes()))?,
            "head" => out.write_all(head(recorded).replace('<', "\\u003c").as_bytes())?,
            _ => out.write_all(&base64(&stream(recorded)))?,
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// All but the events, as JSON.
fn head(recorded: &Recorded) -> String {
    let taken = &recorded.taken;
    let mut out = format!(
        "{{\"from\":{},\"end\":{},\"dropped\":{},\"lost\":{},\"seeded\":{},\"remembered\":{},\"events\":{},\"procs\":{}",
        taken.from,
        taken.end,
        taken.dropped,
        taken.lost,
        taken.seeded,
        taken.remembered.len(),
        taken.events.len(),
        recorded.procs
    );
    let list = |out: &mut String, name: &str, items: Vec<String>| {
        let _ = write!(out, ",\n\"{name}\":[{}]", items.join(","));
    };
    let kind = |i: &crate::sched::trace::Info| {
        let fields: Vec<String> =
            i.fields.iter().map(|(name, meaning)| format!("[\"{name}\",\"{meaning:?}\"]")).collect();
        format!("{{\"name\":\"{}\",\"fields\":[{}],\"sentence\":{}}}", i.name, fields.join(","), quote(i.sentence))
    };
    list(&mut out, "table", TABLE.iter().map(kind).collect());
    list(&mut out, "reasons", WaitReason::texts().map(quote).collect());
    list(&mut out, "causes", Cause::TEXTS.iter().map(|t| quote(t)).collect());
    list(&mut out, "phases", Phase::TEXTS.iter().map(|t| quote(t)).collect());
    let file = |f: &(String, String)| format!("[{},{}]", quote(&f.0), quote(&f.1));
    list(&mut out, "files", recorded.files.iter().map(file).collect());
    let place = |p: &crate::vm::trace::Place| {
        let file = p.file.map_or("null".into(), |f| f.to_string());
        format!("[{file},{},{},{}]", p.line, quote(&p.text), quote(&p.function))
    };
    list(&mut out, "places", recorded.places.iter().map(place).collect());
    out + "}"
}

fn stream(recorded: &Recorded) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut time, mut g) = (0, 0);
    let mut event = |e: &Event| {
        out.push(e.kind as u8);
        varint(&mut out, if e.p == NO_P { 0 } else { e.p as u64 + 1 });
        varint(&mut out, (e.time - time) as u64);
        time = e.time;
        for &(name, meaning) in e.info().fields {
            let value = e.field(name);
            if meaning == Meaning::G {
                let step = value.wrapping_sub(g) as i64;
                varint(&mut out, (step << 1 ^ step >> 63) as u64);
                g = value;
            } else {
                varint(&mut out, value);
            }
        }
    };
    recorded.taken.remembered.iter().chain(&recorded.taken.events).for_each(&mut event);
    out
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    base64_text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", b'='.into(), bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_what_browsers_read() {
        let coded =
            ["", "f", "fo", "foo", "foob"].map(|s| String::from_utf8_lossy(&super::base64(s.as_bytes())).into_owned());
        assert_eq!(coded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
