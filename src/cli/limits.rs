//! Flags and environment variables that bound a run.
use crate::vm::RunOptions;
use std::ffi::OsString;
use std::time::Duration;

#[derive(clap::Args, Default)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Memory: heap, stacks, goroutines (64M; default: most of what the machine has)
    #[arg(long, value_name = "BYTES", value_parser = size)]
    max_memory: Option<usize>,
    /// One goroutine's stack (default: 1000000000)
    #[arg(long, value_name = "BYTES", value_parser = size)]
    max_stack: Option<usize>,
    /// Goroutines alive at one time
    #[arg(long, value_name = "N", value_parser = count)]
    max_goroutines: Option<u64>,
    /// Instructions of all goroutines together (1e9)
    #[arg(long, value_name = "N", value_parser = count)]
    max_instructions: Option<u64>,
    /// Bytes of output
    #[arg(long, value_name = "BYTES", value_parser = size)]
    max_output: Option<usize>,
}

/// The limit that `gmpl test` has in its own way.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "Limits")]
pub struct TimeLimit {
    /// Wall time (5s, 200ms, 1m30s)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
}

impl Limits {
    /// The flags for another process.
    pub fn arguments(&self) -> Vec<OsString> {
        let bytes = |n: Option<usize>| n.map(|n| n as u64);
        let list = [
            ("max-memory", bytes(self.max_memory)),
            ("max-stack", bytes(self.max_stack)),
            ("max-goroutines", self.max_goroutines),
            ("max-instructions", self.max_instructions),
            ("max-output", bytes(self.max_output)),
        ];
        list.into_iter().filter_map(|(flag, n)| Some(format!("--{flag}={}", n?).into())).collect()
    }

    /// Sets what the flags and the environment say.
    pub fn apply(&self, options: &mut RunOptions) {
        options.max_memory = self.max_memory;
        if let Some(bytes) = self.max_stack {
            options.max_stack = bytes.max(4096);
        }
        options.limits.goroutines = self.max_goroutines;
        options.limits.instructions = self.max_instructions;
        options.limits.output = self.max_output.map(|n| n as u64);
        if let Ok(text) = std::env::var("GOMEMLIMIT")
            && text != "off"
            && let Ok(bytes) = size(&text)
        {
            options.memory_limit = bytes;
        }
    }
}

/// `64M`, `64MiB`, `1.5G`, `65536`: units are powers of 1024, as in GOMEMLIMIT.
fn size(text: &str) -> Result<usize, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = unit.trim_end_matches("iB").trim_end_matches('B');
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("a size is a number and K, M, G or T, like 64M".into()),
    };
    match number.parse::<f64>() {
        Ok(n) if n >= 0.0 && n * (1u64 << shift) as f64 <= (1u64 << 60) as f64 => {
            Ok((n * (1u64 << shift) as f64) as usize)
        }
        _ => Err("a size is a number and K, M, G or T, like 64M".into()),
    }
}

/// `10000`, `10_000`, `1e9`.
fn count(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    if let Ok(n) = plain.parse::<u64>() {
        return Ok(n);
    }
    match plain.parse::<f64>() {
        Ok(n) if (0.0..1e18).contains(&n) && n.fract() == 0.0 => Ok(n as u64),
        _ => Err("a count is a whole number like 10000 or 1e9".into()),
    }
}

/// Go's form of durations; a plain number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number and ms, s, m or h, like 5s or 1m30s".to_string();
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let n: f64 = rest[..at].parse().map_err(|_| wrong())?;
        rest = &rest[at..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        total += n * match &rest[..end] {
            "s" | "" => 1.0,
            "ms" => 1e-3,
            "us" | "\u{b5}s" => 1e-6,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        rest = &rest[end..];
    }
    if text.is_empty() { Err(wrong()) } else { Duration::try_from_secs_f64(total).map_err(|_| wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_counts_and_times() {
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("1.5GiB"), Ok(3 << 29));
        assert_eq!(size("65536"), Ok(65536));
        assert!(size("64Q").is_err() && size("").is_err() && size("-1").is_err());
        assert_eq!(count("1e9"), Ok(1_000_000_000));
        assert_eq!(count("10_000"), Ok(10_000));
        assert!(count("1.5").is_err());
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert!(duration("5 parsecs").is_err() && duration("").is_err());
    }
}
