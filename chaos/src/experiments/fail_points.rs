//! E2 and E21: the process ends at each of its fail points, and a message breaks every runner that judges it.
//! Both need a server that is built with the feature `fail-points`, and fail with another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use sealist_smtp::client::RecipientResult;

use crate::oracle;
use crate::roster::Roster;
use crate::seeded::Seeded;
use crate::sink::Sink;
use crate::site::{Plan, Site};
use crate::source::{Traffic, send_once};
use crate::{ExperimentResult, Lab, tools};

const LIMIT: Duration = Duration::from_secs(60);
const POSTS: usize = 4;
const MEMBERS: usize = 2;
/// No run passes more fail points.
const MOST: u64 = 2000;

pub(super) async fn swept(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let plain = Arc::new(Roster::plain(&site, "plain", MEMBERS)?);
    let sealed = Arc::new(Roster::sealed(&site, "sealed", MEMBERS)?);
    let mut traffic = Traffic::new(vec![plain, sealed]);
    traffic.enter_by(&site.lmtp_port(), 2);
    let mut sweep =
        Sweep { site: &mut site, traffic: &mut traffic, posts: 0, kills: Vec::new(), failures: Vec::new() };
    let passed = match sweep.round(0).await? {
        Passed::All(count) => count,
        Passed::Ended => bail!("the server ends without being told to"),
    };
    let mut seeded = Seeded::new(lab.seed, "fail-points");
    let some: Vec<u64> = match lab.pick(8, 0) {
        0 => (1..=MOST).collect(),
        some => (0..some).map(|_| 1 + seeded.below(passed)).collect(),
    };
    let (mut ends, mut untouched) = (0, false);
    for at in some {
        match sweep.round(at).await? {
            Passed::Ended => ends += 1,
            Passed::All(_) => {
                untouched = true;
                if lab.pick(1, MOST) == MOST {
                    break;
                }
            }
        }
    }
    let Sweep { kills, failures, .. } = sweep;
    traffic.done(LIMIT).await;
    let verdict = oracle::judge(&sink, &traffic.journal().pages(), traffic.rosters(), &kills).await;
    site.start()?;
    let verdict = verdict.with_waiting(&site, MEMBERS)?;
    site.kill()?;
    let figure = format!(
        "{ends} ends at fail-points of {passed}{}, {} acknowledged, {} lost, {} set aside, {} second copies ({} at worst)",
        if untouched { ", then untouched" } else { "" },
        verdict.acknowledged,
        verdict.missing,
        verdict.waiting,
        verdict.duplicates,
        verdict.worst_kill()
    );
    let complete = lab.pick(ends > 0, untouched);
    Ok(ExperimentResult::new(figure)
        .with(failures)
        .with(verdict.failures(Duration::from_secs(1), POSTS * MEMBERS))
        .expect(complete.into(), "the sweep does not come to its end"))
}

struct Sweep<'a> {
    site: &'a mut Site,
    traffic: &'a mut Traffic,
    posts: usize,
    kills: Vec<Instant>,
    failures: Vec<String>,
}

enum Passed {
    /// The server stopped normally, after this many fail points.
    All(u64),
    /// The server ended at its fail point.
    Ended,
}

impl Sweep<'_> {
    /// Posts to a server that ends at that fail point, and then delivers the rest with one that does not.
    async fn round(&mut self, at: u64) -> anyhow::Result<Passed> {
        let whole = self.site.plan.clone();
        self.site.plan = whole.clone().with_variable("SEALIST_ABORT_AT", at.to_string());
        let started = self.site.start();
        self.site.plan = whole;
        self.traffic.allow(POSTS);
        self.posts += POSTS;
        let mut ended = started.is_err();
        if !ended {
            self.idle().await?;
            ended = !self.site.runs()? || self.stop_aborts()?;
        }
        if !ended {
            return Ok(Passed::All(self.counted()?));
        }
        self.kills.push(Instant::now());
        self.site.kill()?;
        self.site.start().with_context(|| format!("behind fail-point {at}"))?;
        self.idle().await?;
        ensure!(!self.stop_aborts()?, "the server ends without being told to");
        self.failures
            .extend(oracle::integrity(self.site)?.into_iter().map(|what| format!("fail-point {at}: {what}")));
        Ok(Passed::Ended)
    }

    /// Waits until nothing is left to do, or the server has ended.
    async fn idle(&mut self) -> anyhow::Result<()> {
        let left = "SELECT (SELECT COUNT(*) FROM queue WHERE queue = 'in') + (SELECT COUNT(*) FROM sendings WHERE fan_out_done = 0)
                    + (SELECT COUNT(*) FROM deliveries WHERE state = 'due')";
        let end = Instant::now() + LIMIT;
        while self.site.runs()? {
            let pages = self.traffic.journal().pages();
            let answered = pages.acknowledged.len() + pages.refused.len() + pages.unknown.len();
            if answered == self.posts && tools::sqlite_number(&self.site.database(), left)? == 0 {
                return Ok(());
            }
            ensure!(Instant::now() < end, "does not become idle: {}", self.site.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Stops the server. Returns whether it ended at a fail point while stopping.
    fn stop_aborts(&mut self) -> anyhow::Result<bool> {
        crate::process::signal(self.site.pid()?, rustix::process::Signal::TERM)?;
        let status = self.site.wait(LIMIT)?.context("the server does not end")?;
        Ok(!status.success())
    }

    fn counted(&self) -> anyhow::Result<u64> {
        let log = self.site.log();
        let last = log.lines().rev().find_map(|line| line.split("fail-points passed=").nth(1));
        let last =
            last.context("the server is built without fail-points: `make chaos` builds it with them")?;
        Ok(last.split_whitespace().next().unwrap_or_default().parse()?)
    }
}

/// The text that makes the server panic.
const POISON: &str = "hemlock";

pub(super) async fn poisoned(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let posts = lab.pick(10, 100);
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).with_variable("SEALIST_POISON", POISON).made()?;
    let rosters = [Roster::plain(&site, "plain", MEMBERS)?, Roster::sealed(&site, "sealed", MEMBERS)?];
    for roster in &rosters {
        site.cli(&["members", "add", &roster.list, "olga@example.org", "--role", "owner"])?;
    }
    let key = sealist_openpgp::testing::Person::new(
        "olga@example.org",
        sealist_openpgp::testing::Kind::Curve25519,
        sealist_mail::Timestamp::now(),
    );
    std::fs::write(site.path("olga.asc"), key.certificate().armored())?;
    site.cli(&["keys", "import", "olga@example.org", &site.path("olga.asc").display().to_string()])?;
    site.start()?;
    for roster in &rosters {
        for id in 0..posts {
            let mut message = roster.message(id);
            if id == 1 {
                message = [format!("X-Note: {POISON}\r\n").as_bytes(), &message].concat();
            }
            let sent = send_once(&site.lmtp_port(), roster.author(), &roster.list, &message).await?;
            ensure!(matches!(sent, RecipientResult::Sent(_)), "not taken: {sent:?}");
        }
    }
    let others = usize::try_from(posts - 1)? * MEMBERS * rosters.len();
    let flowed = sink.wait_for(others, LIMIT).await;
    let mut tries = 0;
    let count = |place: &str| {
        tools::sqlite_number(&site.database(), &format!("SELECT COUNT(*) FROM queue WHERE queue = '{place}'"))
    };
    // The pause between two tries is a minute, so the test shortens it.
    while count("shunt")? < 2 && tries < 40 {
        tools::sqlite(
            &site.database(),
            "UPDATE queue SET next_at = 0 WHERE queue = 'in' AND claimed_by IS NULL",
        )?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        tries += 1;
    }
    let shunted = count("shunt")?;
    let panics = site.log().matches("judging-panicked").count();
    sink.quiet(Duration::from_millis(700)).await;
    let told = sink.taken().iter().filter(|taken| taken.recipient == "olga@example.org").count();
    let alive = site.runs()?;
    ensure!(
        panics > 0,
        "nothing breaks: the server is built without fail-points, `make chaos` builds it with them"
    );
    site.kill()?;
    site.plan = Plan::new(lab).sending_to(sink.port);
    site.start()?;
    let before = sink.count();
    for entry in site.json(&["queue", "list"])? {
        site.cli(&["queue", "retry", &entry["entry"].to_string()])?;
    }
    let again = sink.wait_for(before + 2 * MEMBERS, LIMIT).await;
    let ids: Vec<Option<u64>> = sink.taken()[before..]
        .iter()
        .filter_map(|taken| {
            rosters
                .iter()
                .find(|roster| roster.members.contains(&taken.recipient))
                .map(|roster| roster.read(&taken.recipient, &taken.message))
        })
        .collect();
    let figure = format!(
        "2 poisoned among {} posts: {panics} panics, {shunted} set aside, {others} copies of the others {}, {told} notices to the owner, {} copies behind `queue retry`",
        posts * 2,
        if flowed { "came" } else { "did not come" },
        ids.len()
    );
    Ok(ExperimentResult::new(figure)
        .expect(flowed.into(), "the others do not flow")
        .expect((shunted == 2).into(), "not set aside")
        .expect((panics == 6).into(), "not three tries each")
        .expect((told >= 2).into(), "the owner is not told")
        .expect(alive.into(), "the server died of it")
        .expect((again && ids.iter().all(|id| *id == Some(1))).into(), "`queue retry` does not bring it out"))
}
