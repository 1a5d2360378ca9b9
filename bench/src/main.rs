//! `make bench`: measures what a post costs the server, beside GnuPG and plain X25519 in the same run.
//!
//! Times differ between machines and runs, so compare the ratios. `history.md` keeps the tables of commits
//! that changed them.

mod accepts;
mod bombs;
mod counter;
mod cpu;
mod deliveries;
mod engine;
#[path = "../../crates/server/src/demo/gpg.rs"]
#[allow(dead_code, reason = "the demonstration also reads")]
mod gpg;
mod hostile;
mod memory;
mod roster;
mod site;
mod yardsticks;

use std::path::PathBuf;

use anyhow::ensure;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => everything().await,
        ["engine"] => engine(),
        ["accepts"] => accepts::all(&binary()?).await,
        ["deliveries"] => deliveries::all(&binary()?).await,
        ["memory"] => memory::all(&binary()?).await,
        ["growth"] => memory::growth(&binary()?).await,
        ["bombs"] => bombs::all(&binary()?).await,
        ["hostile"] => hostile::all(),
        ["hostile", name] => hostile::one(name),
        other => anyhow::bail!("{other:?} is nothing to measure"),
    }
}

async fn everything() -> anyhow::Result<()> {
    engine()?;
    accepts::all(&binary()?).await?;
    print_line("\n");
    deliveries::all(&binary()?).await?;
    print_line("\n");
    memory::growth(&binary()?).await?;
    print_line("\n");
    memory::all(&binary()?).await?;
    print_line("\n");
    bombs::all(&binary()?).await?;
    print_line("\n");
    hostile::all()
}

/// The engine without queue and network.
fn engine() -> anyhow::Result<()> {
    let x25519_ms = yardsticks::x25519_ms();
    print_line(&format!("bare X25519 (one key made, one agreement): {x25519_ms:.3} ms\n"));
    let engine = engine::measure()?;
    print_line(&format!(
        "copy of 4 KB: {:.3} ms ({:.2} of bare X25519); of 1 MB: {:.3} ms ({:.2} of 4 KB); opening 10 kB: {:.3} ms\n",
        engine.copy_4k_ms,
        engine.copy_4k_ms / x25519_ms,
        engine.copy_1m_ms,
        engine.copy_1m_ms / engine.copy_4k_ms,
        engine.open_ms
    ));
    Ok(())
}

/// The server that is measured.
fn binary() -> anyhow::Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("sealist");
    ensure!(binary.exists(), "{} is not built: run `make bench`", binary.display());
    Ok(binary)
}

/// A number as a divisor.
fn count(members: usize) -> f64 {
    u32::try_from(members).map_or(f64::MAX, f64::from)
}

fn print_line(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
