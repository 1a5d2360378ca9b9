//! Measures the server's memory, at rest and at work, and whether cost and memory grow with the roster.

use std::path::Path;

use crate::deliveries::cost;
use crate::print_line;
use crate::site::{BenchSite, PGP, PLAIN};
use crate::yardsticks;

const SMALL: usize = 4096;
const LARGE: usize = 1 << 20;
const LARGEST: usize = 50 * 1000 * 1000;

/// Figures of memory.
pub(crate) async fn all(binary: &Path) -> anyhow::Result<()> {
    let idle = BenchSite::new(binary, PGP, 0).await?;
    print_line(&format!(
        "memory idle: {} KiB; from start to the open door: {:.0} ms\n",
        idle.rss_kib()?,
        idle.start_ms
    ));
    drop(idle);
    print_line("\nlist    octets    members  idle MiB  peak MiB  more MiB\n");
    for (style, octets, members) in [
        (PGP, SMALL, 10_000),
        (PGP, LARGE, 10_000),
        (PGP, SMALL, 100_000),
        (PGP, LARGEST, 1_000),
        (PLAIN, SMALL, 100_000),
        (PLAIN, LARGEST, 1_000),
    ] {
        let site = BenchSite::new(binary, style, members).await?;
        let idle_kib = site.rss_kib()?;
        let post = if style == PGP { site.compose(octets)? } else { site.compose_plain(octets) };
        site.forget_peak()?;
        site.post(vec![post]).await?;
        let peak_kib = site.peak_kib()?;
        let name = if style == PGP { "sealed" } else { "plain" };
        print_line(&format!(
            "{name:<7} {octets:<9} {members:<8} {:<9.1} {:<9.1} {:.1}\n",
            mib(idle_kib),
            mib(peak_kib),
            mib(peak_kib.saturating_sub(idle_kib))
        ));
    }
    Ok(())
}

/// Converts KiB to MiB for printing.
fn mib(kib: u64) -> f64 {
    u32::try_from(kib).map_or(f64::MAX, f64::from) / 1024.0
}

/// The cost of a copy at 100,000 members, beside that at 1,000.
pub(crate) async fn growth(binary: &Path) -> anyhow::Result<()> {
    for (style, name) in [(PGP, "sealed"), (PLAIN, "plain")] {
        let small = cost(BenchSite::new(binary, style, 1000).await?, style, SMALL).await?.copy_ms;
        // The speed of the machine varies over time.
        let x25519_ms = yardsticks::x25519_ms();
        let large = cost(BenchSite::new(binary, style, 100_000).await?, style, SMALL).await?.copy_ms;
        print_line(&format!(
            "{name}: a copy at 1,000 members {small:.4} ms, at 100,000 {large:.4} ms: {:.2} of it (bare X25519 {x25519_ms:.4} ms between them)\n",
            large / small
        ));
    }
    Ok(())
}
