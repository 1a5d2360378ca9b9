//! `sealist doctor`: checks everything that the server depends on. Each finding says how to fix it.

mod clock;
mod keys;
mod network;
mod newer;
mod postfix;
mod queue;
mod routes;
pub(crate) mod safety;
mod system;
mod texts;

use std::path::Path;
use std::process::ExitCode;

use sealist_app::{App, AppError};
use serde::Serialize;

use crate::admin::Output;
use crate::config::Config;
use crate::ending::Code;
use crate::opening::{self, NoKeysHere, NoSite, OpeningPurpose};
use crate::print_text;

/// The severity of a finding; also the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Good,
    Warning,
    Fault,
}

/// One check with its result.
#[derive(Debug, Serialize)]
pub(crate) struct Diagnosis {
    pub(crate) check: &'static str,
    pub(crate) level: Level,
    pub(crate) detail: String,
    /// How to fix it; empty if there is nothing to fix.
    pub(crate) fix: String,
}

impl Diagnosis {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, level: Level::Good, detail: detail.into(), fix: String::new() }
    }

    fn warning(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, detail: detail.into(), fix: fix.into() }
    }

    fn fault(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Fault, detail: detail.into(), fix: fix.into() }
    }
}

/// Runs all checks, prints them, and exits with the worst level, or with the code for a missing database.
pub(crate) async fn run(path: &Path, output: Output) -> anyhow::Result<ExitCode> {
    let findings = examine(path).await;
    match output {
        Output::Json => print_text(&format!("{}\n", serde_json::to_string(&findings).unwrap_or_default()))?,
        Output::Text => print_text(&findings.iter().map(line).collect::<String>())?,
    }
    if findings.iter().any(|finding| finding.check == NO_SITE) {
        return Ok(ExitCode::from(Code::Config as u8));
    }
    Ok(ExitCode::from(match findings.iter().map(|finding| finding.level).max() {
        None | Some(Level::Good) => 0,
        Some(Level::Warning) => 1,
        Some(Level::Fault) => 2,
    }))
}

fn line(finding: &Diagnosis) -> String {
    let mark = match finding.level {
        Level::Good => "ok",
        Level::Warning => "WARN",
        Level::Fault => "FAULT",
    };
    let fix = match finding.fix.as_str() {
        "" => String::new(),
        fix => format!("      fix: {fix}\n"),
    };
    format!("{mark:<5} {}: {}\n{fix}", finding.check, finding.detail)
}

async fn examine(path: &Path) -> Vec<Diagnosis> {
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(error) => {
            return vec![Diagnosis::fault("configuration", error.to_string(), error.fix())];
        }
    };
    let mut findings = vec![Diagnosis::good("configuration", path.display().to_string())];
    if config.contact().is_none() {
        findings.push(Diagnosis::warning(
            "contact",
            "nobody gets the notices of lists without an owner",
            "set contact below [site]",
        ));
    }
    findings.extend(clock::examine());
    let opened = opening::open(&config, OpeningPurpose::Use).await;
    let no_site = opened.as_ref().err().and_then(|error| error.downcast_ref::<NoSite>());
    findings.extend(system::examine(&config, no_site.map(|no_site| no_site.fix.as_str())));
    findings.extend(safety::examine(&config));
    findings.extend(texts::examine(&config));
    let mut lists = Vec::new();
    match opened {
        Ok(app) => {
            lists = routes::lists_to_ask_for(&config, &app).await.unwrap_or_default();
            findings.push(Diagnosis::good("database", config.database().to_string()));
            findings.extend(system::examine_keys_alone(&config, &app).await);
            findings.extend(of_database(&app).await);
            findings.extend(keys::examine(&app).await);
            findings.extend(queue::examine(&app).await);
            findings.extend(texts::examine_scopes(&app).await.unwrap_or_default());
        }
        Err(error) => findings.push(unreadable(&error)),
    }
    findings.extend(network::examine(&config).await);
    findings.extend(routes::examine(&config, &lists).await);
    findings
}

/// Checks that need the database: clocks, its speed, lists, and what a newer version wrote.
async fn of_database(app: &App) -> Vec<Diagnosis> {
    let looked = async {
        let mut findings = clock::examine_database(app).await?;
        findings.extend(system::examine_server(app).await?);
        findings.extend(safety::examine_lists(app).await?);
        findings.extend(newer::examine(app).await?);
        Ok::<_, AppError>(findings)
    };
    looked.await.unwrap_or_else(|error| vec![of_failure(&error)])
}

/// The name of the finding that the site is missing. Then nothing else can be checked.
const NO_SITE: &str = "site";

const LOOK: &str = "look at the database";

/// The database did not answer a question.
fn of_failure(error: &AppError) -> Diagnosis {
    Diagnosis::fault("database", error.to_string(), error.fix().unwrap_or(LOOK))
}

/// Why the database and the keys cannot be checked.
fn unreadable(error: &anyhow::Error) -> Diagnosis {
    if let Some(NoKeysHere { why }) = error.downcast_ref() {
        return Diagnosis::fault("keys", format!("{why}; this node claims nothing"), why.fix());
    }
    if let Some(missing) = error.downcast_ref::<NoSite>() {
        return Diagnosis::fault(NO_SITE, &missing.what, &missing.fix);
    }
    let fix = error.downcast_ref().and_then(AppError::fix).unwrap_or(LOOK);
    Diagnosis::fault("database", format!("{error:#}"), fix)
}
