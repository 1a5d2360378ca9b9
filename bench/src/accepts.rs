//! Measures how many messages are stored durably per second, beside the commits that the same disk and
//! database layer can make.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use sealist_app::testing::CommitYardstick;
use sealist_mail::Timestamp;
use sealist_smtp::client::{Connection, Envelope, NextHop, RecipientResult, WireBody};
use tempfile::TempDir;

use crate::site::{BenchSite, PGP, PLAIN};
use crate::{count, print_line};

const SESSIONS: [usize; 3] = [1, 16, 64];
const OCTETS: usize = 8192;
const TIME: Duration = Duration::from_secs(4);
const YARDSTICK_TIME: Duration = Duration::from_secs(2);

/// A table of accepts for a plain and an encrypting list.
pub(crate) async fn all(binary: &Path) -> anyhow::Result<()> {
    print_line("\nbeside: 8 KB in one row a commit, one after the other, before and behind\n\n");
    print_line("list       sessions  accepts/s  of commits/s  server CPU ms/message\n");
    let mut before_s = commits_per_s().await?;
    for (style, name) in [(PLAIN, "plain"), (PGP, "encrypting")] {
        for sessions in SESSIONS {
            let site = BenchSite::new(binary, style, 0).await?;
            // Received messages wait, so this measures receiving and not judging.
            site.hold()?;
            let message = site.stranger(OCTETS);
            let before = site.cpu_ms()?;
            let began = Instant::now();
            let mut running = tokio::task::JoinSet::new();
            for _ in 0..sessions {
                running.spawn(session(site.target(), site.posting(), message.clone()));
            }
            let mut accepted = 0;
            while let Some(one) = running.join_next().await {
                accepted += one??;
            }
            let per_s = count(accepted) / began.elapsed().as_secs_f64();
            let cpu_ms = (site.cpu_ms()? - before) / count(accepted);
            drop(site);
            let behind_s = commits_per_s().await?;
            let commits = (before_s + behind_s) / 2.0;
            before_s = behind_s;
            print_line(&format!(
                "{name:<10} {sessions:<9} {per_s:<10.0} {:.2} of {commits:<6.0} {cpu_ms:.3}\n",
                per_s / commits
            ));
        }
    }
    Ok(())
}

/// One sender. Each message is sent after the reply to the previous one.
async fn session(target: NextHop, to: String, message: Vec<u8>) -> anyhow::Result<usize> {
    let mut connection = Connection::connect(&target).await?;
    let body = WireBody::from_message(&message);
    let end = Instant::now() + TIME;
    let envelope = Envelope {
        id: 0,
        sender: Some("stranger@example.com".to_owned()),
        recipients: vec![to.clone()],
        body: body.clone(),
    };
    let (mut accepted, mut refused) = (0, 0);
    let next = || (Instant::now() < end).then(|| envelope.clone());
    let done = |_, results: Vec<RecipientResult>| match results[..] {
        [RecipientResult::Sent(_)] => accepted += 1,
        _ => refused += 1,
    };
    connection.deliver(next, done).await?;
    ensure!(refused == 0, "{refused} not taken");
    Ok(accepted)
}

async fn commits_per_s() -> anyhow::Result<f64> {
    let folder = TempDir::with_prefix("sealist-bench")?;
    let database = folder.path().join("yardstick.db");
    let yardstick = CommitYardstick::make(&database, "team@lists.example".parse()?, Timestamp::now()).await?;
    let began = Instant::now();
    let mut commits = 0;
    while began.elapsed() < YARDSTICK_TIME {
        yardstick.commit(OCTETS).await?;
        commits += 1;
    }
    Ok(count(commits) / began.elapsed().as_secs_f64())
}
