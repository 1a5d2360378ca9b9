//! Measures what copies cost the server: sealed and plain, small and large, for one recipient and for many.

use std::path::Path;
use std::time::Instant;

use crate::cpu::median;
use crate::site::{BenchSite, PGP, PLAIN};
use crate::{count, print_line, yardsticks};

const ROSTERS: [usize; 5] = [1, 10, 100, 1000, 10_000];
const SMALL: usize = 4096;
const LARGE: usize = 1 << 20;
/// The number of copies per row of the table, if at most seven posts suffice for them.
const COPIES: usize = 20_000;
const LARGE_COPIES: usize = 2_000;
/// For full speed: this many posts at once to this many members.
const POSTS: usize = 20;
const MANY: usize = 1000;

/// The cost of a post.
pub(crate) struct Cost {
    /// The server's CPU time per copy in milliseconds: the median of the posts.
    pub(crate) copy_ms: f64,
    copies_per_s: f64,
    commits_per_copy: f64,
}

/// The tables of sealed and plain deliveries.
pub(crate) async fn all(binary: &Path) -> anyhow::Result<()> {
    let smtp_ms = yardsticks::smtp_ms().await?;
    print_line(&format!("our SMTP client alone, 6 KB to smtp-sink: {smtp_ms:.4} ms CPU a message\n"));
    for (style, name) in [(PGP, "sealed"), (PLAIN, "plain")] {
        print_line(&format!(
            "\n{name:<7} members  CPU ms/copy  copies/s  commits/copy  beside, in the same run\n"
        ));
        for (octets, size) in [(SMALL, "4 KB"), (LARGE, "1 MB")] {
            for members in ROSTERS {
                let site = BenchSite::new(binary, style, members).await?;
                let beside = match (style, octets) {
                    (PGP, SMALL) if members <= 1000 => {
                        let gpg_ms = yardsticks::gpg_ms(&site, octets)? / count(members);
                        (gpg_ms, "gpg --encrypt, a reader")
                    }
                    (PGP, LARGE) if members >= 100 => {
                        (yardsticks::write_ms(wire_octets(octets))?, "bare writes of the same octets")
                    }
                    _ => (f64::NAN, ""),
                };
                let cost = cost(site, style, octets).await?;
                let beside = match beside {
                    // The figure varies over time, so it is measured before and after the posts.
                    (before, what) if octets == LARGE && !before.is_nan() => {
                        ((before + yardsticks::write_ms(wire_octets(octets))?) / 2.0, what)
                    }
                    other => other,
                };
                print_line(&format!(
                    "{size:<7} {members:<8} {:<12.4} {:<9.0} {:<13.5}",
                    cost.copy_ms, cost.copies_per_s, cost.commits_per_copy
                ));
                if beside.0.is_nan() {
                    print_line("\n");
                } else {
                    print_line(&format!(
                        " {:.3} of {:.4} ms ({})\n",
                        cost.copy_ms / beside.0,
                        beside.0,
                        beside.1
                    ));
                }
            }
        }
    }
    let site = BenchSite::new(binary, PGP, MANY).await?;
    let Cost { copy_ms, copies_per_s, commits_per_copy } =
        cost_of_bursts(site, PGP, SMALL, (3, POSTS)).await?;
    print_line(&format!(
        "\nat full speed, {POSTS} sealed posts of 4 KB at once to {MANY} members: {copy_ms:.4} ms and \
         {commits_per_copy:.5} commits a copy, {copies_per_s:.0} copies/s\n"
    ));
    Ok(())
}

/// Posts until the roster has had enough copies, and stops the site.
pub(crate) async fn cost(site: BenchSite, style: &str, octets: usize) -> anyhow::Result<Cost> {
    let most = if octets == LARGE { LARGE_COPIES } else { COPIES };
    let rounds = (most / site.members()).clamp(1, 7);
    cost_of_bursts(site, style, octets, (rounds, 1)).await
}

/// Like [`cost`], with several posts at once, several times.
async fn cost_of_bursts(
    site: BenchSite,
    style: &str,
    octets: usize,
    (rounds, posts): (usize, usize),
) -> anyhow::Result<Cost> {
    let compose = || match style {
        PGP => site.compose(octets),
        _ => Ok(site.compose_plain(octets)),
    };
    site.post(vec![compose()?]).await?;
    site.wait_for_results().await;
    let (mut cpu_ms, mut wall_s) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let posts = (0..posts).map(|_| compose()).collect::<anyhow::Result<Vec<_>>>()?;
        let (before, began) = (site.cpu_ms()?, Instant::now());
        site.post(posts).await?;
        wall_s.push(began.elapsed().as_secs_f64());
        site.wait_for_results().await;
        cpu_ms.push(site.cpu_ms()? - before);
    }
    let (members, copies) = (site.members(), count(site.members() * posts));
    Ok(Cost {
        copy_ms: median(cpu_ms) / copies,
        copies_per_s: copies / median(wall_s),
        commits_per_copy: count(usize::try_from(site.stop()?)?) / count(members * (rounds * posts + 1)),
    })
}

/// Armor adds a third, and a line end per 64 octets.
fn wire_octets(octets: usize) -> usize {
    octets * 4 / 3 * 65 / 64
}
