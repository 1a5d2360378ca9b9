//! External programs: sqlite3, strace.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};

/// Runs a program to its end, outside the async runtime.
pub fn run(command: &mut Command) -> anyhow::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let missing = || format!("{name} cannot be run: scripts/install-deps installs it");
    tokio::task::block_in_place(|| command.output()).with_context(missing)
}

/// The result of a query on the SQLite file, a line per row. The file is not changed, except that a
/// write-ahead log that was left over is merged.
pub fn sqlite(file: &Path, statement: &str) -> anyhow::Result<String> {
    let output = run(Command::new("sqlite3").args(["-cmd", ".timeout 10000"]).arg(file).arg(statement))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "sqlite3: {statement}: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The number that a query on the SQLite file returns.
pub fn sqlite_number(file: &Path, statement: &str) -> anyhow::Result<u64> {
    let text = sqlite(file, statement)?;
    text.parse().with_context(|| format!("{statement}: {text:?} is no number"))
}

/// Runs a program as root: directly for root, by sudo without a password for others.
pub fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}
