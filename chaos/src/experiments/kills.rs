//! E1 and E23: the server is killed or stopped while mail flows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::oracle::{self, Comparison};
use crate::roster::Roster;
use crate::seeded::Seeded;
use crate::sink::Sink;
use crate::site::{Plan, Site};
use crate::source::Traffic;
use crate::{ExperimentResult, Lab};

const CONNECTIONS: usize = 4;
const MEMBERS: usize = 2;
/// The most results that may be sent and not recorded, and for how long. The server gathers results for a
/// fifth of that.
const UNRECORDED: usize = 1000;
const UNRECORDED_FOR: Duration = Duration::from_secs(1);
const SENDERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(120);

/// A site with a plain and a sealed list, its next hop, and traffic in which every fifth message is sealed.
async fn stage(lab: &Lab) -> anyhow::Result<(Site, Sink, Traffic)> {
    let sink = Sink::start().await?;
    let site =
        Plan::new(lab).sending_to(sink.port).set("outgoing", format!("max_connections = {CONNECTIONS}"));
    let mut site = site.made()?;
    let plain = Arc::new(Roster::plain(&site, "plain", MEMBERS)?);
    let sealed = Arc::new(Roster::sealed(&site, "sealed", MEMBERS)?);
    site.start()?;
    let mut traffic = Traffic::new(vec![plain.clone(), plain.clone(), plain.clone(), plain, sealed]);
    traffic.enter_by(&site.lmtp_port(), SENDERS);
    Ok((site, sink, traffic))
}

async fn verdict(sink: &Sink, traffic: &Traffic, kills: &[Instant]) -> Comparison {
    oracle::judge(sink, &traffic.journal().pages(), traffic.rosters(), kills).await
}

pub(super) async fn killed(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (rounds, posts) = lab.pick((8, 200), (200, 10_000));
    let (mut site, sink, mut traffic) = stage(lab).await?;
    let mut seeded = Seeded::new(lab.seed, "kill");
    let (mut kills, mut slowest) = (Vec::new(), Duration::ZERO);
    for _ in 0..rounds {
        traffic.allow(posts / rounds);
        tokio::time::sleep(seeded.while_up_to(Duration::from_millis(300))).await;
        site.kill()?;
        kills.push(Instant::now());
        site.start()?;
        slowest = slowest.max(site.last_start);
    }
    traffic.done(LIMIT).await;
    let verdict = verdict(&sink, &traffic, &kills).await;
    site.judged(LIMIT).await?;
    let verdict = verdict.with_waiting(&site, MEMBERS)?;
    site.kill()?;
    let figure = format!(
        "{rounds} kills, {posts} posts, {} acknowledged, {} copies lost, {} set aside, {} second copies ({} at worst kill, of what was at most {} ms old), slowest start {} ms",
        verdict.acknowledged,
        verdict.missing,
        verdict.waiting,
        verdict.duplicates,
        verdict.worst_kill(),
        verdict.oldest.as_millis(),
        slowest.as_millis()
    );
    let enough = verdict.acknowledged * 2 > posts;
    Ok(ExperimentResult::new(figure)
        .with(verdict.failures(UNRECORDED_FOR, UNRECORDED))
        .with(oracle::integrity(&site)?)
        .expect(enough.into(), "too few posts were acknowledged to say anything"))
}

pub(super) async fn stopped(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (rounds, posts) = lab.pick((3, 150), (30, 3000));
    let (mut site, sink, mut traffic) = stage(lab).await?;
    let mut seeded = Seeded::new(lab.seed, "stop");
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        traffic.allow(posts / rounds);
        tokio::time::sleep(seeded.while_up_to(Duration::from_millis(300))).await;
        slowest = slowest.max(site.stop()?);
        site.start()?;
    }
    traffic.done(LIMIT).await;
    let verdict = verdict(&sink, &traffic, &[]).await;
    site.judged(LIMIT).await?;
    site.kill()?;
    let figure = format!(
        "{rounds} stops, {} acknowledged, {} lost, {} second copies, slowest stop {} ms",
        verdict.acknowledged,
        verdict.missing,
        verdict.duplicates,
        slowest.as_millis()
    );
    Ok(ExperimentResult::new(figure)
        .with(verdict.failures_without_kill())
        .with(oracle::integrity(&site)?)
        .expect((slowest < Duration::from_secs(5)).into(), "a stop took 5 s"))
}
