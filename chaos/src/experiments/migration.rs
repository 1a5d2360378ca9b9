//! E8: the first command, which creates the tables, is killed.

use std::time::Duration;

use anyhow::Context as _;

use super::database::{POSTGRES, new_database};
use crate::seeded::Seeded;
use crate::site::{Plan, Site};
use crate::{ExperimentResult, Lab, tools};

/// `lists create` on a new site is killed: at each write of SQLite, and at seeded moments with PostgreSQL.
pub(super) async fn half_migrated(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let _alone = POSTGRES.lock().await;
    let mut seeded = Seeded::new(lab.seed, "migration");
    let (mut failures, mut writes) = (Vec::new(), 0);
    let sweep: Vec<u64> = match lab.pick(6, 0) {
        0 => (1..=400).collect(),
        some => (0..some).map(|_| 1 + seeded.below(40)).collect(),
    };
    for at in &sweep {
        let inject = format!("inject=pwrite64,fdatasync,ftruncate:signal=KILL:when={at}");
        let trace = [
            "strace",
            "-D",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            "trace=pwrite64,fdatasync,ftruncate",
            "-e",
            &inject,
        ];
        let mut site = Plan::new(lab).behind(&trace).made()?;
        site.launch_with(FIRST)?;
        let killed = ended(&mut site)?;
        if let Some(what) = usable(&mut site)? {
            failures.push(format!("SQLite, write {at}: {what}"));
        }
        match killed {
            Ended::Yes => writes += 1,
            Ended::No if sweep.len() > 100 => break,
            Ended::No => {}
        }
    }
    let kills = lab.pick(4, 60);
    for round in 0..kills {
        let mut site = Plan::new(lab).on(&new_database()).made()?;
        site.launch_with(FIRST)?;
        tokio::time::sleep(seeded.while_up_to(Duration::from_millis(150))).await;
        site.kill()?;
        if let Some(what) = usable(&mut site)? {
            failures.push(format!("PostgreSQL, kill {round}: {what}"));
        }
    }
    Ok(ExperimentResult::new(format!(
        "{writes} kills at a write of SQLite, {kills} with PostgreSQL; then {} starts that did not work",
        failures.len()
    ))
    .with(failures))
}

/// The command that makes a site.
const FIRST: &[&str] = &["lists", "create", "first@lists.example", "--style", "legacy-default"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Yes,
    No,
}

/// Whether the command was killed before it was done.
fn ended(site: &mut Site) -> anyhow::Result<Ended> {
    let status = site.wait(Duration::from_secs(20))?.context("the command ends")?;
    Ok(if status.success() { Ended::No } else { Ended::Yes })
}

/// Checks that a list can be made, that the server starts, and that the file is intact. Returns what is wrong
/// otherwise.
fn usable(site: &mut Site) -> anyhow::Result<Option<String>> {
    site.plan = site.plan.clone().behind(&[]);
    if let Err(error) = site.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]) {
        return Ok(Some(format!("{error:#}")));
    }
    if let Err(error) = site.start() {
        return Ok(Some(format!("{error:#}")));
    }
    site.kill()?;
    if site.database().exists() {
        let whole = tools::sqlite(&site.database(), "PRAGMA integrity_check")?;
        return Ok((whole != "ok").then_some(whole));
    }
    Ok(None)
}
