//! E29: the database is copied while it is used, and the copy is used elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::oracle;
use crate::roster::Roster;
use crate::seeded::Seeded;
use crate::sink::Sink;
use crate::site::Plan;
use crate::source::Traffic;
use crate::{ExperimentResult, Lab, tools};

const LIMIT: Duration = Duration::from_secs(120);

/// Makes an online backup of SQLite while mail flows. Then the backup is served elsewhere, with the keys.
pub(super) async fn backed_up(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (rounds, posts) = lab.pick((1, 120), (5, 1500));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let rosters =
        vec![Arc::new(Roster::plain(&site, "plain", 2)?), Arc::new(Roster::sealed(&site, "sealed", 2)?)];
    site.start()?;
    let mut traffic = Traffic::new(rosters);
    traffic.enter_by(&site.lmtp_port(), 4);
    let mut seeded = Seeded::new(lab.seed, "backup");
    let (mut failures, mut restored_copies, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    for round in 0..rounds {
        traffic.allow(posts / rounds);
        tokio::time::sleep(Duration::from_millis(100) + seeded.while_up_to(Duration::from_millis(300))).await;
        let covered = traffic.journal().pages();
        let began = Instant::now();
        let copy = site.path(&format!("backup{round}.db"));
        tools::sqlite(&site.database(), &format!(".backup '{}'", copy.display()))?;
        slowest = slowest.max(began.elapsed());
        let until = sink.taken();
        let elsewhere = Sink::start().await?;
        let mut restored = Plan::new(lab).sending_to(elsewhere.port).with_keys_of(&site).made()?;
        std::fs::create_dir(restored.path("data"))?;
        std::fs::rename(&copy, restored.database())?;
        let whole = tools::sqlite(&restored.database(), "PRAGMA integrity_check")?;
        if whole != "ok" {
            failures.push(format!("integrity_check of a backup: {whole}"));
        }
        restored.start()?;
        restored.judged(LIMIT).await?;
        elsewhere.quiet(Duration::from_millis(700)).await;
        let together = [until, elsewhere.taken()].concat();
        restored_copies += elsewhere.count();
        let mut offered = covered.clone();
        // The backup may contain messages that were acknowledged while it was made.
        offered.offered = traffic.journal().pages().offered;
        let verdict = oracle::compare(&together, &offered, traffic.rosters(), &[]);
        if verdict.missing + verdict.strange > 0 {
            failures.push(format!(
                "{} copies lost, {} strange behind a restore",
                verdict.missing, verdict.strange
            ));
        }
        restored.kill()?;
        failures.extend(oracle::integrity(&restored)?);
    }
    traffic.done(LIMIT).await;
    let verdict = oracle::judge(&sink, &traffic.journal().pages(), traffic.rosters(), &[]).await;
    failures.extend(verdict.failures_without_kill());
    let figure = format!(
        "{rounds} backups while {} were acknowledged (slowest {} ms): restored sites sent {restored_copies} copies, nothing older than the backup lost",
        verdict.acknowledged,
        slowest.as_millis()
    );
    Ok(ExperimentResult::new(figure).with(failures))
}
