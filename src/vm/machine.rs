//! What the machine gives: how much memory a VM may take when nobody says.

/// Most of what the machine or the control group has: the program fails before the system kills the process.
pub fn memory() -> usize {
    let total = meminfo("MemTotal:").unwrap_or(usize::MAX);
    let most = groups().into_iter().fold(total, usize::min);
    if most == usize::MAX { usize::MAX } else { most / 8 * 7 }
}

fn meminfo(name: &str) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// Limits of the control groups that this process is in.
fn groups() -> Vec<usize> {
    let mut found = Vec::new();
    let mut read = |path: &str| {
        if let Ok(text) = std::fs::read_to_string(path)
            && let Ok(bytes) = text.trim().parse::<usize>()
        {
            found.push(bytes);
        }
    };
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
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
            read(&format!("{root}{at}/{file}"));
            match at.rfind('/') {
                Some(i) => at = &at[..i],
                None => break,
            }
        }
    }
    found
}
