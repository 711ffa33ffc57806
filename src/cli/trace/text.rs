//! A recording as text: a line for each event, in the words of the table.
use crate::sched::trace::{Cause, Event, Meaning, NO_P, Phase};
use crate::sched::wait::WaitReason;
use crate::vm::trace::Recorded;
use std::io::Write;

pub fn write(recorded: &Recorded, out: &mut impl Write) -> std::io::Result<()> {
    let taken = &recorded.taken;
    if taken.dropped > 0 {
        writeln!(out, "{} earlier events were not kept; of what came before there is:", taken.dropped)?;
    }
    if taken.lost > 0 {
        writeln!(out, "{} events were lost in between: they came faster than they could be kept", taken.lost)?;
    }
    for e in taken.remembered.iter().chain(&taken.events) {
        let p = if e.p == NO_P { "--".to_string() } else { format!("P{}", e.p) };
        writeln!(out, "{:>12.3} us  {p:<4} {}", e.time as f64 / 1e3, sentence(recorded, e))?;
    }
    Ok(())
}

/// A field in words.
pub fn word(recorded: &Recorded, e: &Event, name: &str, meaning: Meaning) -> String {
    let value = e.field(name);
    match meaning {
        Meaning::G if value == 0 => "the runtime".into(),
        Meaning::G => format!("g{value}"),
        Meaning::P => format!("P{value}"),
        Meaning::Count => value.to_string(),
        Meaning::Place => match recorded.places.get((value as usize).wrapping_sub(1)) {
            Some(place) if name == "n" => place.function.clone(),
            Some(place) => place.text.clone(),
            None => "a place outside the program".into(),
        },
        Meaning::Reason => WaitReason::from_u8(value as u8).text().into(),
        Meaning::Cause => fill(recorded, e, Cause::TEXTS[value as usize]),
        Meaning::Phase => Phase::TEXTS[value as usize].into(),
    }
}

/// The event in words.
pub fn sentence(recorded: &Recorded, e: &Event) -> String {
    fill(recorded, e, e.info().sentence)
}

/// Puts the event's fields where the text names them.
fn fill(recorded: &Recorded, e: &Event, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out += before;
        match e.info().fields.iter().find(|f| f.0 == name) {
            Some(&(name, meaning)) => out += &word(recorded, e, name, meaning),
            None if e.p == NO_P => out += "no P",
            None => out += &format!("P{}", e.p),
        }
        rest = after;
    }
    out + rest
}
