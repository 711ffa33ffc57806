//! A profile as pprof knows it, written to and read from its files.
use super::wire::{self, Reader, Value, Writer};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// What a file may unpack to, and the messages in it: a profile of a million stacks has less. Together they bound the
/// memory that a file can take.
const MAX_UNPACKED: usize = 128 << 20;
const MAX_MESSAGES: usize = 4 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueType {
    /// `cpu`, `alloc_space`...
    pub kind: String,
    /// `nanoseconds`, `bytes`, `count`...
    pub unit: String,
}

impl ValueType {
    pub fn new(kind: &str, unit: &str) -> ValueType {
        ValueType { kind: kind.into(), unit: unit.into() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label {
    pub key: String,
    /// Empty: the label is a number.
    pub text: String,
    pub number: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Indices of locations, innermost first.
    pub stack: Vec<u32>,
    /// One for each type of sample.
    pub values: Vec<i64>,
    pub labels: Vec<Label>,
}

#[derive(Clone, Debug, Default)]
pub struct Location {
    pub address: u64,
    /// Functions and their lines; more than one: the earlier ones are inlined into the later ones.
    pub lines: Vec<(u32, i64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function {
    pub name: String,
    pub file: String,
    pub start_line: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub types: Vec<ValueType>,
    pub samples: Vec<Sample>,
    pub locations: Vec<Location>,
    pub functions: Vec<Function>,
    /// The program's name.
    pub program: String,
    pub time_ns: i64,
    pub duration_ns: i64,
    pub period_type: ValueType,
    pub period: i64,
    /// The kind of sample to look at if nobody says; empty: the last.
    pub default_kind: String,
}

/// Field numbers of the messages, from pprof's `profile.proto`.
mod field {
    pub const TYPE: u32 = 1;
    pub const SAMPLE: u32 = 2;
    pub const MAPPING: u32 = 3;
    pub const LOCATION: u32 = 4;
    pub const FUNCTION: u32 = 5;
    pub const STRING: u32 = 6;
    pub const TIME: u32 = 9;
    pub const DURATION: u32 = 10;
    pub const PERIOD_TYPE: u32 = 11;
    pub const PERIOD: u32 = 12;
    pub const DEFAULT_TYPE: u32 = 14;
}

/// The table of strings.
struct Strings<'a> {
    index: FxHashMap<&'a str, i64>,
    list: Vec<&'a str>,
}

impl<'a> Strings<'a> {
    fn of(&mut self, s: &'a str) -> i64 {
        match self.index.entry(s) {
            Entry::Occupied(e) => *e.get(),
            Entry::Vacant(e) => {
                self.list.push(s);
                *e.insert(self.list.len() as i64 - 1)
            }
        }
    }
}

impl Profile {
    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut strings = Strings { index: FxHashMap::default(), list: Vec::new() };
        strings.of("");
        let mut out = Writer::default();
        for t in &self.types {
            let (kind, unit) = (strings.of(&t.kind), strings.of(&t.unit));
            out.message(field::TYPE, |m| value_type(m, kind, unit));
        }
        for s in &self.samples {
            out.message(field::SAMPLE, |m| {
                m.packed(1, s.stack.iter().map(|l| *l as i64 + 1));
                m.packed(2, s.values.iter().copied());
                for l in &s.labels {
                    m.message(3, |m| {
                        m.number(1, strings.of(&l.key));
                        m.number(2, strings.of(&l.text));
                        m.number(3, l.number);
                    });
                }
            });
        }
        let end = self.locations.iter().map(|l| l.address + 1).max().unwrap_or(1);
        out.message(field::MAPPING, |m| {
            m.number(1, 1);
            m.number(3, end as i64);
            m.number(5, strings.of(&self.program));
            // Functions, files and lines are all there: nobody need look for symbols.
            (7..=9).for_each(|flag| m.number(flag, 1));
        });
        for (i, l) in self.locations.iter().enumerate() {
            out.message(field::LOCATION, |m| {
                m.number(1, i as i64 + 1);
                m.number(2, 1);
                m.number(3, l.address as i64);
                for &(function, line) in &l.lines {
                    m.message(4, |m| {
                        m.number(1, function as i64 + 1);
                        m.number(2, line);
                    });
                }
            });
        }
        for (i, f) in self.functions.iter().enumerate() {
            out.message(field::FUNCTION, |m| {
                m.number(1, i as i64 + 1);
                m.number(2, strings.of(&f.name));
                m.number(3, strings.of(&f.name));
                m.number(4, strings.of(&f.file));
                m.number(5, f.start_line);
            });
        }
        let (kind, unit) = (strings.of(&self.period_type.kind), strings.of(&self.period_type.unit));
        out.message(field::PERIOD_TYPE, |m| value_type(m, kind, unit));
        out.number(field::TIME, self.time_ns);
        out.number(field::DURATION, self.duration_ns);
        out.number(field::PERIOD, self.period);
        out.number(field::DEFAULT_TYPE, strings.of(&self.default_kind));
        for s in strings.list {
            out.bytes(field::STRING, s.as_bytes());
        }
        wire::gzip(&out.finish())
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn decode(bytes: &[u8]) -> Result<Profile, String> {
        if bytes.is_empty() {
            return Err("it is empty".into());
        }
        let unpacked;
        let bytes = if wire::is_gzip(bytes) {
            unpacked = wire::gunzip(bytes, MAX_UNPACKED)?;
            &unpacked
        } else {
            bytes
        };
        Raw::read(bytes)?.resolve()
    }
}

fn value_type(m: &mut Writer, kind: i64, unit: i64) {
    m.number(1, kind);
    m.number(2, unit);
}

/// A file's messages, whose parts still refer to each other by number.
#[derive(Default)]
struct Raw<'a> {
    types: Vec<(u64, u64)>,
    samples: Vec<RawSample>,
    locations: Vec<(u64, u64, Vec<(u64, i64)>)>,
    functions: Vec<(u64, [u64; 2], i64)>,
    strings: Vec<&'a [u8]>,
    program: Option<u64>,
    period_type: (u64, u64),
    numbers: FxHashMap<u32, i64>,
    messages: usize,
}

#[derive(Default)]
struct RawSample {
    stack: Vec<u64>,
    values: Vec<i64>,
    /// Key, text, number.
    labels: Vec<[u64; 3]>,
}

/// Calls `f` on each field of a message.
fn each<'a>(
    bytes: &'a [u8],
    f: &mut dyn FnMut(u32, &Value<'a>) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let mut r = Reader(bytes);
    while let Some((n, v)) = r.field()? {
        f(u32::try_from(n).unwrap_or(u32::MAX), &v)?;
    }
    Ok(())
}

/// The first `N` fields of a message, all numbers.
fn numbers<const N: usize>(bytes: &[u8]) -> Result<[u64; N], &'static str> {
    let mut out = [0; N];
    each(bytes, &mut |n, v| {
        if let Some(place) = (n as usize).checked_sub(1).and_then(|i| out.get_mut(i)) {
            *place = v.number()?;
        }
        Ok(())
    })?;
    Ok(out)
}

impl<'a> Raw<'a> {
    fn read(bytes: &'a [u8]) -> Result<Raw<'a>, String> {
        let mut raw = Raw::default();
        each(bytes, &mut |n, v| raw.field(n, v)).map_err(|e| format!("it is no pprof file: {e}"))?;
        Ok(raw)
    }

    fn field(&mut self, n: u32, v: &Value<'a>) -> Result<(), &'static str> {
        self.messages += 1;
        if self.messages > MAX_MESSAGES {
            return Err("it has too many parts");
        }
        match n {
            field::TYPE => self.types.push(numbers::<2>(v.bytes()?)?.into()),
            field::SAMPLE => {
                let mut s = RawSample::default();
                each(v.bytes()?, &mut |n, v| match n {
                    1 => v.numbers(&mut |l| s.stack.push(l)),
                    2 => v.numbers(&mut |l| s.values.push(l as i64)),
                    3 => {
                        s.labels.push(numbers(v.bytes()?)?);
                        Ok(())
                    }
                    _ => Ok(()),
                })?;
                self.samples.push(s);
            }
            field::MAPPING => {
                each(v.bytes()?, &mut |n, v| {
                    if n == 5 && self.program.is_none() {
                        self.program = Some(v.number()?);
                    }
                    Ok(())
                })?;
            }
            field::LOCATION => {
                let (mut id, mut address, mut lines) = (0, 0, Vec::new());
                each(v.bytes()?, &mut |n, v| {
                    match n {
                        1 => id = v.number()?,
                        3 => address = v.number()?,
                        4 => {
                            let [function, line] = numbers(v.bytes()?)?;
                            lines.push((function, line as i64));
                        }
                        _ => {}
                    }
                    Ok(())
                })?;
                self.locations.push((id, address, lines));
            }
            field::FUNCTION => {
                let [id, name, _, file, line] = numbers(v.bytes()?)?;
                self.functions.push((id, [name, file], line as i64));
            }
            field::STRING => self.strings.push(v.bytes()?),
            field::PERIOD_TYPE => self.period_type = numbers::<2>(v.bytes()?)?.into(),
            n => {
                if let Value::Number(v) = v {
                    self.numbers.insert(n, *v as i64);
                }
            }
        }
        Ok(())
    }

    /// Puts things in the place of numbers.
    fn resolve(self) -> Result<Profile, String> {
        let string = |i: u64| -> Result<String, String> {
            let found = usize::try_from(i).ok().and_then(|i| self.strings.get(i));
            match found {
                Some(s) => Ok(String::from_utf8_lossy(s).into_owned()),
                None if i == 0 => Ok(String::new()),
                None => Err(format!("it names string {i} of {}", self.strings.len())),
            }
        };
        let value_type = |&(kind, unit): &(u64, u64)| -> Result<ValueType, String> {
            Ok(ValueType { kind: string(kind)?, unit: string(unit)? })
        };
        let types: Vec<ValueType> = self.types.iter().map(value_type).collect::<Result<_, _>>()?;
        if types.is_empty() {
            return Err("it says nothing about its values: it is no pprof file".into());
        }
        let mut by_id = FxHashMap::default();
        let mut functions = Vec::new();
        for (id, [name, file], start_line) in &self.functions {
            by_id.insert(*id, functions.len() as u32);
            functions.push(Function { name: string(*name)?, file: string(*file)?, start_line: *start_line });
        }
        let mut locations_by_id = FxHashMap::default();
        let mut locations = Vec::new();
        for (id, address, lines) in &self.locations {
            let line = |&(f, line): &(u64, i64)| match by_id.get(&f) {
                Some(&f) => Ok((f, line)),
                None => Err(format!("it names function {f}, which is not there")),
            };
            locations_by_id.insert(*id, locations.len() as u32);
            locations.push(Location { address: *address, lines: lines.iter().map(line).collect::<Result<_, _>>()? });
        }
        let mut samples = Vec::new();
        for s in &self.samples {
            if s.values.len() != types.len() {
                return Err(format!("a sample has {} values instead of {}", s.values.len(), types.len()));
            }
            let place = |l: &u64| match locations_by_id.get(l) {
                Some(&l) => Ok(l),
                None => Err(format!("it names location {l}, which is not there")),
            };
            let label = |&[key, text, number]: &[u64; 3]| -> Result<Label, String> {
                Ok(Label { key: string(key)?, text: string(text)?, number: number as i64 })
            };
            samples.push(Sample {
                stack: s.stack.iter().map(place).collect::<Result<_, _>>()?,
                values: s.values.clone(),
                labels: s.labels.iter().map(label).collect::<Result<_, _>>()?,
            });
        }
        let number = |field: u32| self.numbers.get(&field).copied().unwrap_or(0);
        Ok(Profile {
            samples,
            locations,
            functions,
            program: string(self.program.unwrap_or(0))?,
            time_ns: number(field::TIME),
            duration_ns: number(field::DURATION),
            period_type: value_type(&self.period_type)?,
            period: number(field::PERIOD),
            default_kind: string(number(field::DEFAULT_TYPE) as u64)?,
            types,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            types: vec![ValueType::new("samples", "count"), ValueType::new("cpu", "nanoseconds")],
            samples: vec![Sample {
                stack: vec![1, 0],
                values: vec![3, -30],
                labels: vec![
                    Label { key: "k".into(), text: "v".into(), number: 0 },
                    Label { key: "bytes".into(), text: String::new(), number: 64 },
                ],
            }],
            locations: vec![
                Location { address: 7, lines: vec![(0, 12)] },
                Location { address: 9, lines: vec![(1, 5), (0, 13)] },
            ],
            functions: vec![
                Function { name: "main.main".into(), file: "a.gm".into(), start_line: 10 },
                Function { name: "main.f".into(), file: "a.gm".into(), start_line: 4 },
            ],
            program: "a.gm".into(),
            time_ns: 1,
            duration_ns: 2,
            period_type: ValueType::new("cpu", "nanoseconds"),
            period: 10,
            default_kind: "cpu".into(),
        }
    }

    #[test]
    fn a_profile_comes_back() {
        let back = Profile::decode(&profile().encode()).expect("a profile");
        assert_eq!(format!("{back:?}"), format!("{:?}", profile()));
    }

    #[test]
    fn whatever_the_bytes_are_they_are_read_or_refused() {
        let whole = wire::gunzip(&profile().encode(), 1 << 20).expect("its own");
        let mut x = 1u64;
        let mut below = |n: usize| {
            x = x.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            (x >> 33) as usize % n
        };
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + below(4) {
                let at = below(bytes.len());
                match below(3) {
                    0 => bytes[at] = below(256) as u8,
                    1 => bytes.truncate(at + 1),
                    _ => bytes.insert(at, below(256) as u8),
                }
            }
            match Profile::decode(&bytes) {
                Ok(profile) => {
                    let value = crate::profile::graph::find_kind(&profile, None).unwrap_or(0);
                    let view = crate::profile::graph::View { profile: &profile, value };
                    let _ = (view.functions(), view.total(), crate::profile::graph::calls(&profile));
                    read += 1;
                }
                Err(e) => {
                    assert!(!e.is_empty());
                    refused += 1;
                }
            }
        }
        assert!(read > 100 && refused > 100, "{read} {refused}");
    }
}
