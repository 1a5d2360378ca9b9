//! Measures when an ordinary post is delivered beside eight messages that grow when they are opened, and how
//! much memory those take.

use std::path::Path;
use std::time::{Duration, Instant};

use sealist_mail::Timestamp;
use sealist_openpgp::testing::bombs::BOMBS;
use sealist_openpgp::testing::hostile::Stage;
use sealist_openpgp::testing::{Kind, Person};

use crate::site::{BenchSite, PGP};
use crate::{cpu, print_line};

const BESIDE: usize = 8;
/// The decrypted size of each message, if it fits. A list without a limit opens up to 64 MiB.
const OCTETS: usize = 31 << 20;
const ORDINARY_OCTETS: usize = 4096;
const ROUNDS: usize = 5;
/// Memory has been given back after this time.
const SETTLED: Duration = Duration::from_secs(3);

/// `sealist-bench bombs`: prints a line per kind of message.
pub(crate) async fn all(binary: &Path) -> anyhow::Result<()> {
    let alone_ms = alone_ms(binary).await?;
    print_line(&format!(
        "an ordinary post of 4 KB is out after {alone_ms:.0} ms; beside eight messages that grow:\n"
    ));
    print_line("kind                                  ms     CPU ms each  MiB over idle  MiB kept\n");
    for bomb in BOMBS {
        let site = BenchSite::new(binary, PGP, 1).await?;
        let member = Person::new("anne@example.org", Kind::Curve25519, Timestamp::now());
        let stage = Stage::against(site.certificate()?, member, Timestamp::now());
        let ordinary = site.compose(ORDINARY_OCTETS)?;
        let mail = bomb.mail(&stage, OCTETS);
        let (idle_kib, idle_ms) = (site.rss_kib()?, site.cpu_ms()?);
        site.forget_peak()?;
        site.send_all("mallory@bombs.example", vec![mail; BESIDE]).await?;
        let began = Instant::now();
        site.post(vec![ordinary]).await?;
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        site.judged().await?;
        let cpu_ms = (site.cpu_ms()? - idle_ms) / 8.0;
        let more_mib = site.peak_kib()?.saturating_sub(idle_kib) / 1024;
        tokio::time::sleep(SETTLED).await;
        let kept_mib = site.rss_kib()?.saturating_sub(idle_kib) / 1024;
        print_line(&format!("{:<37} {ms:<6.0} {cpu_ms:<12.0} {more_mib:<14} {kept_mib}\n", bomb.name));
    }
    Ok(())
}

/// For comparison: the same post on a server that does nothing else.
async fn alone_ms(binary: &Path) -> anyhow::Result<f64> {
    let site = BenchSite::new(binary, PGP, 1).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let ordinary = site.compose(ORDINARY_OCTETS)?;
        let began = Instant::now();
        site.post(vec![ordinary]).await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(cpu::median(times))
}
