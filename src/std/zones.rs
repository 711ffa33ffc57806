//! Natives of `time` that know time zones, over jiff's copy of the IANA database.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub const NATIVES: &[NativeEntry] = &[
    ("time.localName", |cx| {
        let name = local(cx).name;
        cx.set_str(0, name.as_bytes())?;
        Ok(Outcome::Done)
    }),
    ("time.zoneAt", at),
    ("time.zoneKnown", |cx| {
        let known = zone(cx).is_some();
        cx.set_bool(0, known);
        Ok(Outcome::Done)
    }),
    ("time.zoneNamed", named),
];

#[derive(Clone)]
struct Local {
    name: String,
    zone: TimeZone,
}

/// A zone of the database by its exact name.
fn get(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|z| z.iana_name() == Some(name))
}

/// The local zone: what `TZ` names, else the system's; looked up once.
fn local(cx: &Cx) -> Local {
    let known = cx.env.state.lock().get("time.local").and_then(|l| l.downcast_ref::<Local>()).cloned();
    if let Some(local) = known {
        return local;
    }
    let file = |path: &str| TimeZone::tzif("Local", &std::fs::read(path).ok()?).ok();
    let found = match cx.env.host.env("TZ") {
        _ if !cx.env.door.shows_clock() => None,
        // A seeded run is the same on every machine.
        None if cx.side.sched().decide.seeded() => None,
        None => file("/etc/localtime").map(|zone| Local { name: "Local".into(), zone }),
        Some(tz) => {
            let tz = tz.strip_prefix(':').unwrap_or(&tz);
            match tz {
                "" | "UTC" => None,
                "/etc/localtime" => file(tz).map(|zone| Local { name: "Local".into(), zone }),
                _ if tz.starts_with('/') => file(tz).map(|zone| Local { name: tz.into(), zone }),
                _ => get(tz).map(|zone| Local { name: tz.into(), zone }),
            }
        }
    };
    let local = found.unwrap_or(Local { name: "UTC".into(), zone: TimeZone::UTC });
    cx.env.state.lock().insert("time.local", Box::new(local.clone()));
    local
}

/// The zone of parameters 0 (its name) and 1 (its file, perhaps).
fn zone(cx: &Cx) -> Option<TimeZone> {
    let name = std::str::from_utf8(cx.str(0)).ok()?;
    if cx.slice(1).len > 0 {
        return TimeZone::tzif(name, &cx.bytes(1)).ok();
    }
    if name == "Local" { Some(local(cx).zone) } else { get(name) }
}

fn stamp(sec: i64) -> Timestamp {
    let (lo, hi) = (Timestamp::MIN.as_second() + 1, Timestamp::MAX.as_second());
    Timestamp::from_second(sec.clamp(lo, hi)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `zoneAt(name string, data []byte, sec int64) (start, end int64, short string, offset int, summer bool)`
fn at(cx: &mut Cx) -> NativeResult {
    let zone = zone(cx).unwrap_or(TimeZone::UTC);
    let t = stamp(cx.int(2));
    // "Preceding" is before t; a change at t itself counts.
    let after = stamp(cx.int(2).saturating_add(1));
    let start = zone.preceding(after).next().map_or(i64::MIN, |c| c.timestamp().as_second());
    let end = zone.following(t).next().map_or(i64::MAX, |c| c.timestamp().as_second());
    let info = zone.to_offset_info(t);
    // A second that jiff cannot show is in the last span it can.
    let sec = cx.int(2);
    cx.set_int(0, if sec < start { i64::MIN } else { start });
    cx.set_int(1, if sec >= end { i64::MAX } else { end });
    let short = info.abbreviation().to_string();
    cx.set_str(2, short.as_bytes())?;
    cx.set_int(3, info.offset().seconds() as i64);
    cx.set_bool(4, info.dst().is_dst());
    Ok(Outcome::Done)
}

/// `zoneNamed(name string, data []byte, short string, sec int64) (offset int, ok bool)`
fn named(cx: &mut Cx) -> NativeResult {
    let zone = zone(cx).unwrap_or(TimeZone::UTC);
    let (short, sec) = (cx.str(2), cx.int(3));
    let t = stamp(sec);
    let near = [zone.to_offset_info(t)];
    let mut offsets: Vec<i64> = Vec::new();
    let mut other = None;
    for info in &near {
        if info.abbreviation().as_bytes() == short {
            offsets.push(info.offset().seconds() as i64);
        }
    }
    for change in zone.preceding(t).take(4).chain(zone.following(t).take(4)) {
        if change.abbreviation().as_bytes() == short {
            offsets.push(change.offset().seconds() as i64);
        }
    }
    let mut exact = None;
    for offset in offsets {
        let info = zone.to_offset_info(stamp(sec.saturating_sub(offset)));
        if info.abbreviation().as_bytes() == short && exact.is_none() {
            exact = Some(info.offset().seconds() as i64);
        }
        other = other.or(Some(offset));
    }
    let found = exact.or(other);
    cx.set_int(0, found.unwrap_or(0));
    cx.set_bool(1, found.is_some());
    Ok(Outcome::Done)
}
