//! Measures processes by /proc, and sends signals.

use std::fs;

use anyhow::Context as _;
use rustix::process::{Pid, Signal};

/// CPU time of all threads of a process so far, in milliseconds.
pub fn cpu_ms(pid: u32) -> anyhow::Result<f64> {
    let mut ns = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        ns += text.split(' ').next().and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok(ns / 1e6)
}

/// Resident memory in KiB.
pub fn rss_kib(pid: u32) -> anyhow::Result<u64> {
    field(pid, "VmRSS:")
}

/// The peak of resident memory in KiB.
pub fn peak_kib(pid: u32) -> anyhow::Result<u64> {
    field(pid, "VmHWM:")
}

/// The size of the address space in KiB.
pub fn size_kib(pid: u32) -> anyhow::Result<u64> {
    field(pid, "VmSize:")
}

/// How many files it has open.
pub fn open_files(pid: u32) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("the server has ended")?.count())
}

/// Sends a signal to a process of ours.
pub fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("a process has a number")?;
    Ok(rustix::process::kill_process(pid, signal)?)
}

fn field(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the server has ended")?;
    let line = status.lines().find(|line| line.starts_with(name)).context("a process has memory")?;
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("a number of KiB")
}
