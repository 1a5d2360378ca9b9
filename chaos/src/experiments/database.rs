//! E7 and E24: the database restarts, is locked, or is shared with a node that dies.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sealist_store::testing::Postgres;
use tokio::sync::Mutex;

use crate::oracle;
use crate::roster::Roster;
use crate::seeded::Seeded;
use crate::sink::Sink;
use crate::site::Plan;
use crate::source::Traffic;
use crate::{ExperimentResult, Lab};

const LIMIT: Duration = Duration::from_secs(120);
/// There is one PostgreSQL per process, so an experiment that crashes it must be alone.
pub(super) static POSTGRES: Mutex<()> = Mutex::const_new(());

fn started() -> &'static Postgres {
    tokio::task::block_in_place(Postgres::started)
}

/// The address of a new database.
pub(super) fn new_database() -> String {
    let server = started();
    tokio::task::block_in_place(|| server.database())
}

pub(super) async fn unsteady(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let _alone = POSTGRES.lock().await;
    let crashes = crashes(lab).await?;
    let lock = locked(lab).await?;
    Ok(ExperimentResult::new(format!("{}; {}", crashes.figure, lock.figure))
        .with(crashes.failures)
        .with(lock.failures))
}

/// PostgreSQL restarts as after a crash, while mail flows.
async fn crashes(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (rounds, posts) = lab.pick((2, 60), (5, 1500));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).on(&new_database()).made()?;
    let rosters =
        vec![Arc::new(Roster::plain(&site, "plain", 2)?), Arc::new(Roster::sealed(&site, "sealed", 2)?)];
    site.start()?;
    let mut traffic = Traffic::new(rosters);
    traffic.enter_by(&site.lmtp_port(), 4);
    let mut seeded = Seeded::new(lab.seed, "crash");
    let (mut instants, mut slowest) = (Vec::new(), Duration::ZERO);
    for _ in 0..rounds {
        traffic.allow(posts / rounds);
        tokio::time::sleep(seeded.while_up_to(Duration::from_millis(250))).await;
        instants.push(Instant::now());
        tokio::task::block_in_place(|| started().crash());
        let back = Instant::now();
        let before = traffic.journal().acknowledged();
        traffic.allow(1);
        while traffic.journal().acknowledged() == before && back.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        slowest = slowest.max(back.elapsed());
        instants.push(Instant::now());
    }
    traffic.done(LIMIT).await;
    let pages = traffic.journal().pages();
    let verdict = oracle::judge(&sink, &pages, traffic.rosters(), &instants).await.with_waiting(&site, 2)?;
    let stuck = verdict.missing;
    let verdict = match stuck {
        0 => verdict,
        _ => {
            // Forgotten claims are delivered after a restart of the server. Lost messages are not.
            site.kill()?;
            instants.push(Instant::now());
            site.start()?;
            oracle::judge(&sink, &pages, traffic.rosters(), &instants).await.with_waiting(&site, 2)?
        }
    };
    let figure = format!(
        "PostgreSQL: {rounds} crashes, {} acknowledged, put off {:?}, {stuck} copies stuck, {} lost, {} set aside, {} second copies ({} of what came again itself), slowest first 250 behind a restart {} ms",
        verdict.acknowledged,
        pages.put_off,
        verdict.missing,
        verdict.waiting,
        verdict.duplicates,
        verdict.came_again,
        slowest.as_millis()
    );
    let mut failures = verdict.with_doubtful_commits().failures(Duration::from_secs(5), 1000);
    if !pages.refused.is_empty() {
        failures.push(format!("refused for good: {:?}", pages.refused.values().next()));
    }
    Ok(ExperimentResult::new(figure)
        .with(failures)
        .expect((stuck == 0).into(), format!("{stuck} copies come only when the server is restarted"))
        .expect((slowest < Duration::from_secs(3)).into(), "no 250 within 3 s"))
}

/// Another process holds the lock of SQLite.
async fn locked(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (held, posts) = lab.pick((Duration::from_secs(1), 20), (Duration::from_secs(12), 200));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Arc::new(Roster::plain(&site, "plain", 2)?);
    site.start()?;
    let mut holder = Command::new("sqlite3").arg(site.database()).stdin(Stdio::piped()).spawn()?;
    let mut words = holder.stdin.take().context("it reads")?;
    words.write_all(b".timeout 10000\nBEGIN IMMEDIATE;\n")?;
    words.flush()?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut traffic = Traffic::new(vec![roster]);
    traffic.enter_by(&site.lmtp_port(), 4);
    traffic.allow(posts);
    tokio::time::sleep(held).await;
    let meanwhile = traffic.journal().acknowledged();
    words.write_all(b"COMMIT;\n")?;
    drop(words);
    tokio::task::block_in_place(|| holder.wait())?;
    let freed = Instant::now();
    ensure!(traffic.done(LIMIT).await, "not all is taken behind the lock");
    let recovered = freed.elapsed();
    let pages = traffic.journal().pages();
    let verdict = oracle::judge(&sink, &pages, traffic.rosters(), &[]).await;
    let figure = format!(
        "SQLite: locked {} s, {meanwhile} acknowledged meanwhile, put off {:?}, {} of {posts} acknowledged {:.1} s behind it, {} lost, {} second copies",
        held.as_secs(),
        pages.put_off,
        verdict.acknowledged,
        recovered.as_secs_f64(),
        verdict.missing,
        verdict.duplicates
    );
    Ok(ExperimentResult::new(figure)
        .with(verdict.failures_without_kill())
        .expect((meanwhile == 0).into(), "acknowledged without the lock"))
}

/// Two nodes, one of which is killed at seeded moments while both receive mail.
pub(super) async fn node_killed(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let _alone = POSTGRES.lock().await;
    let (rounds, posts) = lab.pick((1, 80), (10, 3000));
    let sink = Sink::start().await?;
    let url = new_database();
    let mut first = Plan::new(lab).sending_to(sink.port).on(&url).made()?;
    let rosters =
        vec![Arc::new(Roster::plain(&first, "plain", 2)?), Arc::new(Roster::sealed(&first, "sealed", 2)?)];
    first.start()?;
    let second = Plan::new(lab).sending_to(sink.port).on(&url).with_keys_of(&first).started()?;
    let mut traffic = Traffic::new(rosters);
    traffic.enter_by(&first.lmtp_port(), 2);
    traffic.enter_by(&second.lmtp_port(), 2);
    let mut seeded = Seeded::new(lab.seed, "node");
    let (mut kills, mut slowest, mut untaken) = (Vec::new(), Duration::ZERO, 0);
    for _ in 0..rounds {
        traffic.allow(posts / rounds);
        tokio::time::sleep(seeded.while_up_to(Duration::from_millis(400))).await;
        first.kill()?;
        let killed = Instant::now();
        kills.push(killed);
        // Waits until the second node has delivered everything that the first one had acknowledged.
        let pages = traffic.journal().pages();
        let end = killed + Duration::from_secs(15);
        match oracle::wait_for_all(&sink, &pages, traffic.rosters(), end).await {
            Ok(last) => {
                slowest =
                    slowest.max(last.map_or(Duration::ZERO, |last| last.saturating_duration_since(killed)))
            }
            Err(missing) => untaken += missing,
        }
        first.start()?;
    }
    traffic.done(LIMIT).await;
    let pages = traffic.journal().pages();
    let verdict = oracle::judge(&sink, &pages, traffic.rosters(), &kills).await.with_waiting(&second, 2)?;
    let figure = format!(
        "{rounds} kills, {} acknowledged, {} lost, {} set aside, {} second copies ({} at worst kill), slowest takeover {:.1} s",
        verdict.acknowledged,
        verdict.missing,
        verdict.waiting,
        verdict.duplicates,
        verdict.worst_kill(),
        slowest.as_secs_f64()
    );
    Ok(ExperimentResult::new(figure).with(verdict.failures(Duration::from_secs(1), 1000)).expect(
        (untaken == 0 && slowest < Duration::from_secs(10)).into(),
        format!("not taken over within 10 s, {untaken} copies not within 15 s"),
    ))
}
