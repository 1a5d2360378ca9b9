//! `make chaos`: breaks the server's environment, one thing at a time, and counts what is lost.
//!
//! Each experiment has a site of its own: the real binary in a temporary folder, senders that keep a journal
//! of every 250 that they got ([`source`]), a next hop that follows a script ([`sink`]), and an oracle that
//! compares the two ([`oracle`]). All traffic stays on loopback and is bounded in count and time. Everything
//! random follows from a seed.

pub mod experiments;
pub mod oracle;
pub mod process;
pub mod roster;
pub mod seeded;
pub mod sink;
pub mod site;
pub mod source;
pub mod tools;
pub mod trace;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use experiments::Experiment;

/// How much of an experiment is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A few seconds: for `make test`.
    Short,
    /// Up to some minutes: for `make chaos`.
    Full,
}

/// The parameters of an experiment.
#[derive(Clone, Debug)]
pub struct Lab {
    /// The server.
    pub binary: PathBuf,
    /// How much is run.
    pub scale: Scale,
    /// The seed of everything random.
    pub seed: u64,
}

impl Lab {
    /// The value for the scale.
    pub fn pick<T>(&self, short: T, full: T) -> T {
        match self.scale {
            Scale::Short => short,
            Scale::Full => full,
        }
    }
}

/// The result of an experiment.
#[derive(Clone, Debug)]
pub struct ExperimentResult {
    /// The numbers, in words.
    pub figure: String,
    /// What went wrong. Empty if the target is met.
    pub failures: Vec<String>,
}

impl ExperimentResult {
    /// A result without failures.
    pub fn new(figure: impl Into<String>) -> Self {
        Self { figure: figure.into(), failures: Vec::new() }
    }

    /// Adds the failure `what` unless `good`.
    #[must_use]
    pub fn expect(mut self, good: Expected, what: impl Into<String>) -> Self {
        if good == Expected::No {
            self.failures.push(what.into());
        }
        self
    }

    /// Adds failures.
    #[must_use]
    pub fn with(mut self, failures: Vec<String>) -> Self {
        self.failures.extend(failures);
        self
    }
}

/// Whether something is as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is as expected.
    Yes,
    /// It is not.
    No,
}

impl From<bool> for Expected {
    fn from(good: bool) -> Self {
        if good { Self::Yes } else { Self::No }
    }
}

/// The line about an experiment in the report.
#[derive(Clone, Debug)]
pub struct ReportLine {
    /// Number, fault, figure against target, verdict.
    pub text: String,
    /// Whether the target is met.
    pub holds: Expected,
}

/// The time limit of an experiment.
const LIMIT: Duration = Duration::from_secs(1800);

/// Runs an experiment and returns its line. An experiment that cannot be run does not hold.
pub async fn run(experiment: &Experiment, lab: &Lab) -> ReportLine {
    let began = std::time::Instant::now();
    let found = tokio::time::timeout(LIMIT, (experiment.run)(lab)).await.context("it does not end");
    let (figure, failures) = match found.and_then(|found| found) {
        Ok(finding) => (finding.figure, finding.failures),
        Err(error) => (String::from("not run to its end"), vec![format!("{error:#}")]),
    };
    let verdict = match failures.is_empty() {
        true => "holds".to_owned(),
        false => format!("DOES NOT HOLD: {}", failures.join("; ")),
    };
    let text = format!(
        "{:<4} {} | {figure} | target: {} | {:.1} s | {verdict}",
        experiment.number,
        experiment.fault,
        experiment.target,
        began.elapsed().as_secs_f64()
    );
    ReportLine { text, holds: failures.is_empty().into() }
}
