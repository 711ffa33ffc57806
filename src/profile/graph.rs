//! What can be read out of a profile: how much each function took, itself and with what it called, who called whom, and
//! the same for lines.
use super::pprof::{Profile, Sample};
use rustc_hash::{FxHashMap, FxHashSet};

/// What something took: itself, and with what it called.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Cost {
    pub flat: i64,
    pub cum: i64,
}

/// A kind of value that the profile's samples have.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub profile: &'a Profile,
    pub value: usize,
}

/// A node of the tree of calls.
#[derive(Default, Debug)]
pub struct Call {
    /// Index of the function; the root has none.
    pub function: u32,
    pub parent: u32,
    /// For each type of sample.
    pub values: Vec<i64>,
    pub children: Vec<u32>,
}

/// The index of a kind of sample; without a name, of the one that the profile says, or the last.
///
/// # Errors
/// There is none of that name: which there are.
pub fn find_kind(profile: &Profile, name: Option<&str>) -> Result<usize, String> {
    let find = |name: &str| profile.types.iter().position(|t| t.kind == name);
    let Some(name) = name else {
        return Ok(find(&profile.default_kind).unwrap_or(profile.types.len() - 1));
    };
    find(name).ok_or_else(|| {
        let kinds: Vec<&str> = profile.types.iter().map(|t| t.kind.as_str()).collect();
        format!("it has no samples of the kind {name}; it has {}", kinds.join(", "))
    })
}

/// The functions and lines of a sample's stack, innermost first.
fn frames<'a>(profile: &'a Profile, sample: &'a Sample) -> impl DoubleEndedIterator<Item = (u32, i64)> + 'a {
    sample.stack.iter().flat_map(|&l| profile.locations[l as usize].lines.iter().copied())
}

impl View<'_> {
    pub fn unit(&self) -> &str {
        &self.profile.types[self.value].unit
    }

    pub fn total(&self) -> i64 {
        self.profile.samples.iter().fold(0, |sum, s| sum.saturating_add(s.values[self.value]))
    }

    /// What each thing took that `key` makes of functions and lines.
    fn costs<K: std::hash::Hash + Eq + Copy>(&self, key: impl Fn(u32, i64) -> Option<K>) -> FxHashMap<K, Cost> {
        let mut costs: FxHashMap<K, Cost> = FxHashMap::default();
        let mut seen = FxHashSet::default();
        for s in &self.profile.samples {
            let v = s.values[self.value];
            if v == 0 {
                continue;
            }
            seen.clear();
            for (i, (function, line)) in frames(self.profile, s).enumerate() {
                let Some(k) = key(function, line) else { continue };
                let cost = costs.entry(k).or_default();
                if i == 0 {
                    cost.flat = cost.flat.saturating_add(v);
                }
                // A function that calls itself is counted once.
                if seen.insert(k) {
                    cost.cum = cost.cum.saturating_add(v);
                }
            }
        }
        costs
    }

    /// Functions by what they took themselves, then with what they called, then by name.
    pub fn functions(&self) -> Vec<(&str, Cost)> {
        // Functions of one name are one.
        let mut names: FxHashMap<&str, u32> = FxHashMap::default();
        let same: Vec<u32> =
            (0u32..).zip(&self.profile.functions).map(|(i, f)| *names.entry(f.name.as_str()).or_insert(i)).collect();
        let costs = self.costs(|f, _| Some(same[f as usize]));
        let name = |f: u32| self.profile.functions[f as usize].name.as_str();
        let mut list: Vec<_> = costs.into_iter().map(|(f, c)| (name(f), c)).collect();
        list.sort_by(|a, b| (b.1.flat, b.1.cum, a.0).cmp(&(a.1.flat, a.1.cum, b.0)));
        list
    }

    /// The lines of one function.
    pub fn lines(&self, function: u32) -> FxHashMap<i64, Cost> {
        self.costs(|f, line| (f == function).then_some(line))
    }

    /// What a function took.
    pub fn function(&self, function: u32) -> Cost {
        self.costs(|f, _| (f == function).then_some(())).remove(&()).unwrap_or_default()
    }
}

/// The tree of calls; node 0 is the root, which calls what nobody called.
pub fn calls(profile: &Profile) -> Vec<Call> {
    let zero = vec![0; profile.types.len()];
    let mut nodes = vec![Call { values: zero.clone(), ..Call::default() }];
    let mut index: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let add = |node: &mut Call, s: &Sample| {
        node.values.iter_mut().zip(&s.values).for_each(|(sum, v)| *sum = sum.saturating_add(*v));
    };
    for s in &profile.samples {
        let mut at = 0;
        add(&mut nodes[0], s);
        for (function, _) in frames(profile, s).rev() {
            at = match index.get(&(at, function)) {
                Some(&next) => next,
                None => {
                    let next = nodes.len() as u32;
                    index.insert((at, function), next);
                    nodes[at as usize].children.push(next);
                    nodes.push(Call { function, parent: at, values: zero.clone(), children: Vec::new() });
                    next
                }
            };
            add(&mut nodes[at as usize], s);
        }
    }
    nodes
}

/// A value as pprof writes it: `1.20s`, `512kB`, `17`.
pub fn amount(v: i64, unit: &str) -> String {
    let scales: &[(f64, &str)] = match unit {
        "nanoseconds" => &[(3.6e12, "hrs"), (6e10, "mins"), (1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")],
        "microseconds" => return amount(v.saturating_mul(1000), "nanoseconds"),
        "bytes" => &[(1099511627776.0, "TB"), (1073741824.0, "GB"), (1048576.0, "MB"), (1024.0, "kB"), (1.0, "B")],
        _ => return v.to_string(),
    };
    if v == 0 {
        return "0".into();
    }
    let (by, name) = scales.iter().find(|(by, _)| v.unsigned_abs() as f64 >= *by).unwrap_or(&scales[scales.len() - 1]);
    let text = format!("{:.2}", v as f64 / by);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A share of all as pprof writes it.
pub fn percent(v: i64, total: i64) -> String {
    let p = if total == 0 { 0.0 } else { v as f64 / total as f64 * 100.0 };
    if (99.95..100.05).contains(&p) { "100%".into() } else { format!("{p:.2}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(amount(1_200_000_000, "nanoseconds"), "1.2s");
        assert_eq!(amount(10_000_000, "nanoseconds"), "10ms");
        assert_eq!(amount(524_800, "bytes"), "512.5kB");
        assert_eq!(amount(-3, "count"), "-3");
        assert_eq!(amount(0, "bytes"), "0");
    }
}
