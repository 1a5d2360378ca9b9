//! `make chaos`: what the server stands on is broken, one thing at a time, and what is lost is counted.
//!
//! Each experiment is a site of its own: the real binary in a temporary folder, senders that keep a journal of every
//! 250 they got ([`source`]), a next hop that follows a script ([`sink`]), and an oracle that compares the two
//! ([`oracle`]). All traffic stays on loopback and is bounded in count and time; what is random comes from a seed.

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

/// What an experiment gets.
#[derive(Clone, Debug)]
pub struct Lab {
    /// The server.
    pub binary: PathBuf,
    /// How much is done.
    pub scale: Scale,
    /// What is random follows from it.
    pub seed: u64,
}

impl Lab {
    /// The one of the two that the scale asks for.
    pub fn pick<T>(&self, short: T, full: T) -> T {
        match self.scale {
            Scale::Short => short,
            Scale::Full => full,
        }
    }
}

/// What an experiment has shown.
#[derive(Clone, Debug)]
pub struct ExperimentResult {
    /// The numbers, in words.
    pub figure: String,
    /// What should not have been; empty: it holds.
    pub failures: Vec<String>,
}

impl ExperimentResult {
    /// Nothing is wrong so far.
    pub fn new(figure: impl Into<String>) -> Self {
        Self { figure: figure.into(), failures: Vec::new() }
    }

    /// Notes `what` unless it is true that `good`.
    #[must_use]
    pub fn expect(mut self, good: Expected, what: impl Into<String>) -> Self {
        if good == Expected::No {
            self.failures.push(what.into());
        }
        self
    }

    /// Notes all of them.
    #[must_use]
    pub fn with(mut self, failures: Vec<String>) -> Self {
        self.failures.extend(failures);
        self
    }
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl From<bool> for Expected {
    fn from(good: bool) -> Self {
        if good { Self::Yes } else { Self::No }
    }
}

/// The line of an experiment.
#[derive(Clone, Debug)]
pub struct ReportLine {
    /// Number, fault, figure against target, verdict.
    pub text: String,
    /// Whether the target is met.
    pub holds: Expected,
}

/// No experiment takes longer.
const LIMIT: Duration = Duration::from_secs(1800);

/// Runs an experiment to its line. One that cannot be run does not hold.
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
