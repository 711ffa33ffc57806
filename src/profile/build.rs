//! From tables of stacks to profiles in pprof's form, with the types of samples that Go's `runtime/pprof` writes.
use super::pprof::{Function, Label, Location, Profile, Sample, ValueType};
use super::record::{Cpu, Key, Labels, Table};
use rustc_hash::FxHashMap;

/// What a frame of a stack stands for.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub function: String,
    pub file: String,
    pub line: u32,
    /// Where the function begins.
    pub start_line: u32,
    /// Where its code begins, and where the frame stands in it.
    pub entry: u64,
    pub address: u64,
}

/// What is said of a whole profile.
pub struct About<'a> {
    pub program: &'a str,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    pub symbol: &'a dyn Fn(u32) -> Place,
}

struct Builder<'a> {
    profile: Profile,
    symbol: &'a dyn Fn(u32) -> Place,
    locations: FxHashMap<u32, u32>,
    functions: FxHashMap<Function, u32>,
}

impl<'a> Builder<'a> {
    fn new(about: &About<'a>, types: &[(&str, &str)], period_type: (&str, &str), period: i64) -> Builder<'a> {
        let profile = Profile {
            types: types.iter().map(|t| ValueType::new(t.0, t.1)).collect(),
            period_type: ValueType::new(period_type.0, period_type.1),
            period,
            program: about.program.into(),
            time_ns: about.time_ns,
            ..Profile::default()
        };
        Builder { profile, symbol: about.symbol, locations: FxHashMap::default(), functions: FxHashMap::default() }
    }

    fn location(&mut self, frame: u32) -> u32 {
        if let Some(&l) = self.locations.get(&frame) {
            return l;
        }
        let place = (self.symbol)(frame);
        let function = Function { name: place.function, file: place.file, start_line: place.start_line as i64 };
        let known = &mut self.profile.functions;
        let f = *self.functions.entry(function).or_insert_with_key(|f| {
            known.push(f.clone());
            known.len() as u32 - 1
        });
        let l = self.profile.locations.len() as u32;
        self.profile.locations.push(Location { address: place.address, lines: vec![(f, place.line as i64)] });
        self.locations.insert(frame, l);
        l
    }

    fn add(&mut self, key: &Key, values: Vec<i64>) {
        let stack = key.stack.iter().map(|&f| self.location(f)).collect();
        let mut labels = label_list(&key.labels);
        if key.size != 0 {
            labels.push(Label { key: "bytes".into(), number: key.size as i64, ..Label::default() });
        }
        self.profile.samples.push(Sample { stack, values, labels });
    }

    /// Those with most of the first value first, as Go has it.
    fn finish(mut self) -> Profile {
        self.profile.samples.sort_by_key(|s| std::cmp::Reverse(s.values[0]));
        self.profile
    }
}

fn label_list(labels: &Labels) -> Vec<Label> {
    let text = |(key, text): &(String, String)| Label { key: key.clone(), text: text.clone(), number: 0 };
    labels.iter().flat_map(|l| l.iter().map(text)).collect()
}

/// A CPU profile that ended at this time of the monotonic clock.
pub fn cpu(about: &About, cpu: &Cpu, now: i64) -> Profile {
    let (kind, unit, period) = match cpu.hz {
        0 => ("instructions", "count", 1),
        _ => ("cpu", "nanoseconds", cpu.period_ns()),
    };
    let mut b = Builder::new(about, &[("samples", "count"), (kind, unit)], (kind, unit), period);
    cpu.table.list.iter().for_each(|(key, v)| b.add(key, v[..2].to_vec()));
    b.profile.time_ns = cpu.began.0;
    b.profile.duration_ns = now - cpu.began.1;
    b.finish()
}

/// What all allocations came to, from those that were noted at this rate.
fn scale(count: i64, bytes: i64, rate: i64) -> [i64; 2] {
    if count == 0 || bytes == 0 || rate <= 1 {
        return [count, bytes];
    }
    let size = bytes as f64 / count as f64;
    let factor = 1.0 / (1.0 - (-size / rate as f64).exp());
    [(count as f64 * factor) as i64, (bytes as f64 * factor) as i64]
}

/// The heap; with `allocs` it is all that was ever allocated that is to be looked at.
pub fn heap(about: &About, table: &Table, rate: i64, allocs: bool) -> Profile {
    let types =
        [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];
    let mut b = Builder::new(about, &types, ("space", "bytes"), rate);
    if allocs {
        b.profile.default_kind = "alloc_space".into();
    }
    for (key, v) in &table.list {
        let made = scale(v[0], v[1], rate);
        let used = scale(v[0] - v[2], v[1] - v[3], rate);
        b.add(key, [made, used].concat());
    }
    b.finish()
}

/// Waits: of those who waited, or of those who were waited for.
pub fn waits(about: &About, table: &Table) -> Profile {
    let mut b = Builder::new(about, &[("contentions", "count"), ("delay", "nanoseconds")], ("contentions", "count"), 1);
    table.list.iter().for_each(|(key, v)| b.add(key, v[..2].to_vec()));
    b.finish()
}

/// A count of stacks: goroutines, threads, or what the program counts.
pub fn counts(about: &About, name: &str, table: &Table) -> Profile {
    let mut b = Builder::new(about, &[(name, "count")], (name, "count"), 1);
    table.list.iter().for_each(|(key, v)| b.add(key, v[..1].to_vec()));
    b.finish()
}
