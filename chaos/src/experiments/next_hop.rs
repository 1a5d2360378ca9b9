//! E9, E10, E11, E33: the next hop defers, refuses, disconnects, or is unreachable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::oracle;
use crate::roster::Roster;
use crate::sink::{Act, Point, Sink};
use crate::site::{Plan, Site};
use crate::source::Traffic;
use crate::{ExperimentResult, Lab, tools};

const LIMIT: Duration = Duration::from_secs(120);

/// A site that sends to that port, with a plain and a sealed list of `members` members each, and `posts`
/// accepted posts.
async fn posted(plan: Plan, members: usize, posts: usize) -> anyhow::Result<(Site, Traffic)> {
    let mut site = plan.made()?;
    let plain = Arc::new(Roster::plain(&site, "plain", members)?);
    let sealed = Arc::new(Roster::sealed(&site, "sealed", members)?);
    site.start()?;
    let mut traffic = Traffic::new(vec![plain, sealed]);
    traffic.enter_by(&site.lmtp_port(), 4);
    traffic.allow(posts);
    ensure!(traffic.done(LIMIT).await, "the posts are not taken");
    Ok((site, traffic))
}

/// Three of ten recipients.
fn is_chosen(recipient: &str) -> bool {
    let mixed =
        recipient.bytes().fold(7_u32, |mixed, octet| mixed.wrapping_mul(31).wrapping_add(octet.into()));
    mixed % 10 < 3
}

pub(super) async fn greylisted(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (members, posts) = lab.pick((10, 6), (100, 40));
    let script = |_, point: Point<'_>| match point {
        Point::Recipient(to, before) if is_chosen(to) && before < 3 => {
            Act::Say("451 4.7.1 come back later".into())
        }
        _ => Act::Usual,
    };
    let sink = Sink::following(script).await?;
    let (site, traffic) = posted(Plan::new(lab).sending_to(sink.port), members, posts).await?;
    let verdict = oracle::judge(&sink, &traffic.journal().pages(), traffic.rosters(), &[]).await;
    let everybody = traffic.rosters().iter().flat_map(|roster| &roster.members);
    let per_list = u32::try_from(posts / 2)?;
    let offered_again = everybody.filter(|to| !is_chosen(to) && sink.offers(to) != per_list).count();
    let figure = format!(
        "{} copies to {} members, three refusals for 3 of 10; {} lost, {} second copies, {offered_again} others tried again",
        sink.count(),
        2 * members,
        verdict.missing,
        verdict.duplicates
    );
    drop(site);
    Ok(ExperimentResult::new(figure)
        .with(verdict.failures_without_kill())
        .expect((offered_again == 0).into(), "members that were not refused are tried again"))
}

pub(super) async fn refused(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (members, posts) = lab.pick((10, 4), (100, 20));
    let script = |_, point: Point<'_>| match point {
        Point::Recipient(to, _) if is_chosen(to) => Act::Say("550 5.1.1 nobody here".into()),
        _ => Act::Usual,
    };
    let sink = Sink::following(script).await?;
    let (site, traffic) = posted(Plan::new(lab).sending_to(sink.port), members, posts).await?;
    let everybody: Vec<&String> = traffic.rosters().iter().flat_map(|roster| &roster.members).collect();
    let chosen = everybody.iter().filter(|to| is_chosen(to)).count();
    let good = (everybody.len() - chosen) * posts / 2;
    sink.wait_for(good, LIMIT).await;
    sink.quiet(Duration::from_millis(1500)).await;
    let count = |statement| tools::sqlite_number(&site.database(), statement);
    let failed = count("SELECT COUNT(*) FROM deliveries WHERE state = 'failed'")?;
    let score = count("SELECT COALESCE(MAX(bounce_score), 0) FROM members")?;
    let scored = count("SELECT COUNT(*) FROM members WHERE bounce_score > 0")?;
    let offers = everybody.iter().map(|to| u64::from(sink.offers(to))).max().unwrap_or_default();
    let figure = format!(
        "{posts} posts, {chosen} of {} refused: {failed} copies failed, {scored} members scored (at most {score}), {} of {good} others came",
        everybody.len(),
        sink.count(),
    );
    Ok(ExperimentResult::new(figure)
        .expect((sink.count() == good).into(), "not every other copy came once")
        .expect((scored == chosen as u64).into(), "not each of the refused is scored")
        .expect((score <= posts as u64 / 2).into(), "a copy is scored more than once")
        .expect((failed == (chosen * posts / 2) as u64).into(), "a refused copy has not failed")
        .expect((offers <= posts as u64 / 2).into(), "a copy that was refused for good is tried again"))
}

/// Disconnects the first connections at the end of their first content, before the reply or directly after
/// it.
pub(super) async fn broken_off(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (members, posts, broken) = lab.pick((4, 12, 4), (10, 200, 60));
    let mut figures = Vec::new();
    let mut failures = Vec::new();
    for (when, act) in [("before", Act::Close), ("behind", Act::CloseAfter)] {
        let script = move |connection: u64, point: Point<'_>| match point {
            Point::Dot if connection < broken => act.clone(),
            _ => Act::Usual,
        };
        let sink = Sink::following(script).await?;
        let (site, traffic) = posted(Plan::new(lab).sending_to(sink.port), members, posts).await?;
        let verdict = oracle::judge(&sink, &traffic.journal().pages(), traffic.rosters(), &[]).await;
        figures.push(format!(
            "{when} the reply: {broken} broken, {} contents for {} copies, {} lost, {} second copies",
            sink.contents(),
            sink.count(),
            verdict.missing,
            verdict.duplicates
        ));
        failures.extend(verdict.failures_without_kill());
        drop(site);
    }
    Ok(ExperimentResult::new(figures.join("; ")).with(failures))
}

/// Archivers and webhooks do not exist yet, so only the next hop is unreachable.
pub(super) async fn away(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (members, posts, away) =
        lab.pick((5, 40, Duration::from_secs(2)), (20, 1000, Duration::from_secs(36)));
    let port = Sink::reserved().await?;
    let began = Instant::now();
    let (site, traffic) = posted(Plan::new(lab).sending_to(port), members, posts).await?;
    let posting = began.elapsed();
    tokio::time::sleep(away.saturating_sub(posting)).await;
    let octets = octets_of(&site)?;
    let sink = Sink::at(port, Arc::new(|_, _| Act::Usual)).await?;
    let back = Instant::now();
    let verdict = oracle::judge(&sink, &traffic.journal().pages(), traffic.rosters(), &[]).await;
    let last = sink.taken().iter().map(|taken| taken.at).max().unwrap_or(back);
    let per_post = octets / posts as u64;
    let figure = format!(
        "next hop away {} s (there are no archivers or webhooks yet): {} posts acknowledged in {:.1} s, {} KiB on disk a post, {} lost, {} second copies, all out {:.1} s after",
        away.as_secs(),
        verdict.acknowledged,
        posting.as_secs_f64(),
        per_post / 1024,
        verdict.missing,
        verdict.duplicates,
        last.duration_since(back).as_secs_f64()
    );
    Ok(ExperimentResult::new(figure)
        .with(verdict.failures_without_kill())
        .expect((verdict.acknowledged == posts).into(), "posting is hindered")
        .expect((per_post < 256 * 1024).into(), "a post takes more than 256 KiB"))
}

fn octets_of(site: &Site) -> anyhow::Result<u64> {
    let mut sizes = BTreeMap::new();
    for entry in std::fs::read_dir(site.path("data"))? {
        let entry = entry?;
        sizes.insert(entry.path(), entry.metadata()?.len());
    }
    Ok(sizes.values().sum())
}
