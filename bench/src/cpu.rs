//! CPU time and memory of other processes, from /proc.

use std::fs;

use anyhow::Context as _;

/// CPU time of all threads of a process so far, in milliseconds.
pub(crate) fn of_process(pid: u32) -> anyhow::Result<f64> {
    let mut ns = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        ns += text.split(' ').next().and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok(ns / 1e6)
}

/// CPU time of all our own threads so far, in milliseconds.
pub(crate) fn own() -> f64 {
    in_ms(rustix::time::ClockId::ProcessCPUTime)
}

fn in_ms(clock: rustix::time::ClockId) -> f64 {
    let time = rustix::time::clock_gettime(clock);
    let [seconds, ns] = [time.tv_sec, time.tv_nsec].map(|part| i32::try_from(part).map_or(0.0, f64::from));
    seconds * 1000.0 + ns / 1e6
}

/// CPU time of our children that have ended, in milliseconds, with a resolution of 10.
pub(crate) fn of_children() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // utime is field 14 of proc_pid_stat(5), cutime field 16; the first two fields were before the end of the
    // name.
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(13) + ticks(14)) * 10.0)
}

/// Resident memory in KiB.
pub(crate) fn rss_kib(pid: u32) -> anyhow::Result<u64> {
    field(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// CPU time of the calling thread so far, in milliseconds.
pub(crate) fn of_thread() -> f64 {
    in_ms(rustix::time::ClockId::ThreadCPUTime)
}

/// Resets the peak of a process's memory (proc_pid_clear_refs(5)). `pid` may be "self".
pub(crate) fn forget_peak(pid: &str) -> anyhow::Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// The peak of a process's memory in KiB.
pub(crate) fn peak_kib(pid: &str) -> anyhow::Result<u64> {
    field(&format!("/proc/{pid}/status"), "VmHWM:")
}

fn field(file: &str, name: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(file)?;
    let line = status.lines().find(|line| line.starts_with(name)).context("a process has memory")?;
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("a number of KiB")
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
