//! What the process takes of memory; 0 where there is no `/proc`.

/// At the moment, in megabytes.
pub fn resident_mb() -> f64 {
    line("VmRSS:")
}

/// At most so far, in megabytes.
pub fn peak_mb() -> f64 {
    line("VmHWM:")
}

fn line(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = status.lines().find_map(|line| {
        let number = line.strip_prefix(name)?.trim().strip_suffix(" kB")?;
        number.trim().parse::<f64>().ok()
    });
    kb.unwrap_or_default() * 1024.0 / 1e6
}
