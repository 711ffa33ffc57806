//! What the machine gives: how much memory a VM may take when nobody says.
use std::io::Read;

/// Most of what the machine or the control group has: the program fails before the system kills the process.
pub fn memory() -> usize {
    let total = meminfo("MemTotal:").unwrap_or(usize::MAX);
    let most = groups().into_iter().fold(total, usize::min);
    if most == usize::MAX { usize::MAX } else { most / 8 * 7 }
}

/// The beginning of one of the system's small files, in one call: each one makes the system write all of it anew.
fn read(path: &str) -> Option<String> {
    let mut bytes = [0; 4096];
    let n = std::fs::File::open(path).ok()?.read(&mut bytes).ok()?;
    String::from_utf8(bytes[..n].to_vec()).ok()
}

fn meminfo(name: &str) -> Option<usize> {
    let text = read("/proc/meminfo")?;
    let line = text.lines().find_map(|l| l.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// Limits of the control groups that this process is in.
fn groups() -> Vec<usize> {
    let mut found = Vec::new();
    let mut limit = |path: &str| {
        if let Some(text) = read(path)
            && let Ok(bytes) = text.trim().parse::<usize>()
        {
            found.push(bytes);
        }
    };
    let own = read("/proc/self/cgroup").unwrap_or_default();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(kinds), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match kinds {
            "" => ("/sys/fs/cgroup", "memory.max"),
            k if k.split(',').any(|k| k == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        // A group is bound by those above it as well.
        let mut at = path.trim_end_matches('/');
        loop {
            limit(&format!("{root}{at}/{file}"));
            match at.rfind('/') {
                Some(i) => at = &at[..i],
                None => break,
            }
        }
    }
    found
}
