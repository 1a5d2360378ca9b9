//! `make bench`: what a post costs the server, beside GnuPG and bare X25519 in the same run.
//!
//! Times differ from machine to machine and run to run; the ratios are what to look at. `history.md` keeps
//! the tables of commits that changed them.

mod accepts;
mod cpu;
mod engine;
#[path = "../../crates/server/src/demo/gpg.rs"]
#[allow(dead_code, reason = "the demonstration also reads")]
mod gpg;
mod hostile;
#[path = "../../crates/server/src/demo/sink.rs"]
#[allow(dead_code, reason = "the demonstration looks at what comes, here it is counted")]
mod sink;
mod site;
mod yardsticks;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::ensure;

use crate::cpu::median;
use crate::site::Site;

const ROSTERS: [usize; 4] = [1, 10, 100, 1000];
const POST_OCTETS: usize = 4096;
/// Posts per roster; the median counts.
const ROUNDS: usize = 7;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["accepts"] => return accepts::all(&binary()?).await,
        ["hostile"] => return hostile::all(),
        ["hostile", name] => return hostile::one(name),
        other => anyhow::bail!("{other:?} is nothing to measure"),
    }
    let binary = binary()?;
    let x25519_ms = yardsticks::x25519_ms();
    say(&format!("bare X25519 (one key made, one agreement): {x25519_ms:.3} ms CPU\n\n"));
    let engine = engine::measure()?;
    say(&format!(
        "copy of 4 KB: {:.3} ms ({:.2} of bare X25519); of 1 MB: {:.3} ms ({:.2} of 4 KB); opening 10 kB: {:.3} ms\n\n",
        engine.copy_4k_ms,
        engine.copy_4k_ms / x25519_ms,
        engine.copy_1m_ms,
        engine.copy_1m_ms / engine.copy_4k_ms,
        engine.open_ms
    ));
    say("members  server CPU ms/post  ms/copy   wall ms/post  gpg CPU ms/reader  server/gpg\n");
    for members in ROSTERS {
        let site = Site::new(&binary, members).await?;
        site.warm_up(POST_OCTETS).await?;
        let (mut cpu_ms, mut wall_ms) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let post = site.compose(POST_OCTETS)?;
            let (before, began) = (site.cpu_ms()?, Instant::now());
            site.post(&post).await?;
            wall_ms.push(began.elapsed().as_secs_f64() * 1000.0);
            cpu_ms.push(site.cpu_ms()? - before);
        }
        let (cpu_ms, wall_ms) = (median(cpu_ms), median(wall_ms));
        let (copy_ms, gpg_ms) =
            (cpu_ms / count(members), yardsticks::gpg_ms(&site, POST_OCTETS)? / count(members));
        say(&format!(
            "{members:<8} {cpu_ms:<19.2} {copy_ms:<9.3} {wall_ms:<13.1} {gpg_ms:<18.3} {:.3}\n",
            copy_ms / gpg_ms
        ));
        if members == ROSTERS[ROSTERS.len() - 1] {
            say(&format!("\nmemory after that: {} KiB\n", site.rss_kib()?));
        }
    }
    accepts::all(&binary).await?;
    say("\n");
    hostile::all()?;
    let idle = Site::new(&binary, 0).await?;
    say(&format!(
        "memory idle: {} KiB; from start to the open door: {:.0} ms\n",
        idle.rss_kib()?,
        idle.start_ms
    ));
    Ok(())
}

/// The server that is measured.
fn binary() -> anyhow::Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("sealist");
    ensure!(binary.exists(), "{} is not built: run `make bench`", binary.display());
    Ok(binary)
}

/// A number of members as a divisor.
fn count(members: usize) -> f64 {
    u32::try_from(members).map_or(f64::MAX, f64::from)
}

fn say(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
