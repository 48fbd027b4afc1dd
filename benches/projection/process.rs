//! What the process takes of memory and of the processor; 0 where there is no `/proc`.

/// At the moment, in megabytes.
pub fn resident_mb() -> f64 {
    line("VmRSS:")
}

/// At most so far, in megabytes.
pub fn peak_mb() -> f64 {
    line("VmHWM:")
}

/// The processor's time of all its threads so far, in milliseconds: other programs do not count.
pub fn processor_ms() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let times = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e6
}

fn line(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = status.lines().find_map(|line| {
        let number = line.strip_prefix(name)?.trim().strip_suffix(" kB")?;
        number.trim().parse::<f64>().ok()
    });
    kb.unwrap_or_default() * 1024.0 / 1e6
}
