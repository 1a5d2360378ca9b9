//! Workflows: what must happen before a list makes a requested change.
//!
//! A workflow is a stack of steps. A step looks at the facts and continues, asks a question, refuses, or
//! makes the change. The person who is asked answers with a token, and then the same step looks again.
//! Between a question and its answer the workflow is stored with all its steps. [`STEPS`] and [`WORKFLOWS`]
//! name all of them; a site or a list can compose its own workflow from the names of steps.

mod machine;
mod run;
mod step;
mod steps;
#[cfg(test)]
mod transition_tests;

use std::collections::BTreeMap;

pub use machine::{WorkflowProgress, advance};
pub use run::{Goal, Question, StepAnswer, WorkflowRun};
pub use step::{Asks, ConfirmedKey, OfferedKey, Step, StepContext, StepPurpose, StepResult, WorkflowChange};
pub use steps::STEPS;

use crate::rows::NamedRows;

/// A workflow with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// The name in settings, on the command line and in logs. Mailman's and mailman-pgp's names are used
    /// where they exist.
    pub name: String,
    /// What the workflow requires, in one line.
    pub description: String,
    /// The names of its steps, in order.
    pub steps: Vec<String>,
}

/// The workflows that every site has.
pub const WORKFLOWS: &[(&str, &str, &[&str])] = &[
    (
        "open",
        "Whoever proves to read mail at the address.",
        &["sanity-checks", "verification-checks", "do-it"],
    ),
    (
        "confirm",
        "Whoever proves to read mail at the address and wants it.",
        &["sanity-checks", "verification-checks", "confirmation-checks", "do-it"],
    ),
    (
        "moderate",
        "Whom a moderator lets.",
        &["sanity-checks", "verification-checks", "moderation-checks", "do-it"],
    ),
    (
        "confirm_then_moderate",
        "Whoever wants it and whom a moderator lets.",
        &["sanity-checks", "verification-checks", "confirmation-checks", "moderation-checks", "do-it"],
    ),
    (
        "pgp-policy-open",
        "Whoever proves to hold a key.",
        &["sanity-checks", "pubkey-checks", "pubkey-confirmation", "verification-checks", "do-it"],
    ),
    (
        "pgp-policy-confirm",
        "Whoever proves to hold a key and wants it.",
        &[
            "sanity-checks",
            "pubkey-checks",
            "pubkey-confirmation",
            "verification-checks",
            "confirmation-checks",
            "do-it",
        ],
    ),
    (
        "pgp-policy-moderate",
        "Whoever proves to hold a key and whom a moderator lets.",
        &[
            "sanity-checks",
            "pubkey-checks",
            "pubkey-confirmation",
            "verification-checks",
            "moderation-checks",
            "do-it",
        ],
    ),
    (
        "pgp-policy-confirm_then_moderate",
        "Whoever proves to hold a key, wants it, and whom a moderator lets.",
        &[
            "sanity-checks",
            "pubkey-checks",
            "pubkey-confirmation",
            "verification-checks",
            "confirmation-checks",
            "moderation-checks",
            "do-it",
        ],
    ),
    (
        "pgp-policy-leave",
        "A member who signs for it; one without a key who wants it.",
        &["sanity-checks", "pubkey-confirmation", "do-it"],
    ),
    (
        "pgp-key-change-workflow",
        "Whoever signs with the old key and with the new one.",
        &["sanity-checks", "pubkey-confirmation", "do-it"],
    ),
    (
        "pgp-key-change-mod-workflow",
        "Whoever signs with the old key and with the new one, and whom a moderator lets.",
        &["sanity-checks", "pubkey-confirmation", "moderation-checks", "do-it"],
    ),
    (
        "pgp-key-revoke-workflow",
        "A new key in place of one that is lost or revoked: who signs with it, and whom a moderator lets.",
        &["sanity-checks", "pubkey-checks", "pubkey-confirmation", "moderation-checks", "do-it"],
    ),
    (
        "pgp-key-approval",
        "A key that the address got elsewhere: whom a moderator lets.",
        &["moderation-checks", "do-it"],
    ),
    ("command", "Whoever sends the command.", &["sanity-checks", "do-it"]),
    (
        "confirm-command",
        "Whoever answers the question behind the command.",
        &["sanity-checks", "confirmation-checks", "do-it"],
    ),
    ("pgp-confirm-command", "Whoever signs the command.", &["sanity-checks", "pubkey-confirmation", "do-it"]),
];

/// Why a list of steps is not a workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkflowError {
    /// There is no such step.
    #[error("workflow {workflow:?}: there is no step {step:?}; the steps are {known}")]
    NoSuchStep {
        /// The workflow.
        workflow: String,
        /// The step.
        step: String,
        /// The names of the steps that there are.
        known: String,
    },
    /// The steps end without a change, or make a change before the end.
    #[error("workflow {0:?}: `do-it` must be its last step, and only that")]
    End(String),
    /// A step asks for a key, but no later step asks for its signature, so the workflow could never end.
    #[error("workflow {0:?}: `pubkey-checks` takes `pubkey-confirmation` behind it")]
    KeyUnproven(String),
    /// Every site has a workflow of that name already.
    #[error("workflow {0:?} is there already: take another name")]
    Taken(String),
}

/// The workflows of a site: the built-in ones, and its own.
#[derive(Clone, Debug)]
pub struct Workflows(BTreeMap<String, Workflow>);

impl Default for Workflows {
    fn default() -> Self {
        let known = WORKFLOWS.iter().map(|(name, description, steps)| Workflow {
            name: (*name).to_owned(),
            description: (*description).to_owned(),
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        });
        Self(known.map(|workflow| (workflow.name.clone(), workflow)).collect())
    }
}

impl Workflows {
    /// Adds a workflow. Errs if its steps are not a workflow, or its name is taken.
    pub fn add(&mut self, steps: &NamedRows<Step>, workflow: Workflow) -> Result<(), WorkflowError> {
        check(steps, &workflow)?;
        if self.0.contains_key(&workflow.name) {
            return Err(WorkflowError::Taken(workflow.name));
        }
        self.0.insert(workflow.name.clone(), workflow);
        Ok(())
    }

    /// The workflow of that name. mailman-pgp's name `pgp-policy-confirm-moderate` is accepted, too.
    pub fn named(&self, name: &str) -> Option<&Workflow> {
        let name =
            if name == "pgp-policy-confirm-moderate" { "pgp-policy-confirm_then_moderate" } else { name };
        self.0.get(name)
    }

    /// All, by name.
    pub fn all(&self) -> impl Iterator<Item = &Workflow> {
        self.0.values()
    }
}

/// Checks whether the steps make a workflow.
pub fn check(steps: &NamedRows<Step>, workflow: &Workflow) -> Result<(), WorkflowError> {
    if let Some(step) = workflow.steps.iter().find(|name| steps.named(name).is_none()) {
        let (workflow, step) = (workflow.name.clone(), step.clone());
        return Err(WorkflowError::NoSuchStep { workflow, step, known: steps.names() });
    }
    let known = workflow.steps.iter().filter_map(|name| steps.named(name));
    let purposes: Vec<StepPurpose> = known.map(|step| step.purpose).collect();
    let last = |purpose| purposes.iter().rposition(|step| *step == purpose);
    if last(StepPurpose::TakesKey) > last(StepPurpose::ProvesKey) {
        return Err(WorkflowError::KeyUnproven(workflow.name.clone()));
    }
    match purposes.iter().position(|step| *step == StepPurpose::Ends) {
        Some(at) if at + 1 == purposes.len() => Ok(()),
        _ => Err(WorkflowError::End(workflow.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn every_workflow_of_the_table_is_one() {
        for workflow in Workflows::default().all() {
            assert_eq!(check(&Registry::built_in().steps, workflow), Ok(()), "{}", workflow.name);
            let own = ["sanity-checks", "moderation-checks"];
            assert!(own.contains(&workflow.steps[0].as_str()), "{}", workflow.name);
        }
        assert!(Workflows::default().named("pgp-policy-confirm-moderate").is_some());
    }

    #[test]
    fn an_approval_is_for_the_key_that_was_seen() {
        let steps = ["sanity-checks", "moderation-checks", "pubkey-checks", "pubkey-confirmation", "do-it"];
        let workflow = Workflow {
            name: "early".to_owned(),
            description: String::new(),
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        };
        let key = |digit: &str| digit.repeat(40).parse::<sealist_openpgp::Fingerprint>().unwrap();
        let settings = Registry::built_in().styles.named("pgp-default").unwrap().settings();
        let known = Registry::built_in().steps.clone();
        let mut case = StepContext {
            steps: &known,
            settings: &settings,
            banned: false,
            roles: Vec::new(),
            known: Some(ConfirmedKey { fingerprint: key("A"), usable: false }),
            offered: None,
        };
        let mut run = WorkflowRun::new(&workflow, Goal::Subscribe);
        assert_eq!(advance(&mut run, &case), Ok(WorkflowProgress::Waits(Question::Approval)));
        run.record_answer(StepAnswer::Approved);
        assert_eq!(advance(&mut run, &case), Ok(WorkflowProgress::Waits(Question::Key)));
        run.record_answer(StepAnswer::Key(key("B")));
        run.signed_by.push(key("B"));
        case.offered = Some(OfferedKey { fingerprint: key("B"), names_address: true });
        assert_eq!(advance(&mut run, &case), Ok(WorkflowProgress::Waits(Question::Approval)));
    }

    #[test]
    fn a_site_composes_its_own() {
        let (mut workflows, known) = (Workflows::default(), Registry::built_in().steps.clone());
        let own = |name: &str, steps: &[&str]| Workflow {
            name: name.to_owned(),
            description: String::new(),
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        };
        assert_eq!(
            workflows.add(&known, own("mine", &["sanity-checks", "moderation-checks", "do-it"])),
            Ok(())
        );
        assert!(workflows.named("mine").is_some());
        let wrong = workflows.add(&known, own("other", &["sanity-check", "do-it"])).unwrap_err();
        assert!(wrong.to_string().contains("sanity-checks, "), "{wrong}");
        for steps in [&["sanity-checks"][..], &["do-it", "moderation-checks"], &["do-it", "do-it"], &[]] {
            assert_eq!(workflows.add(&known, own("x", steps)), Err(WorkflowError::End("x".to_owned())));
        }
        for steps in [
            &["sanity-checks", "pubkey-checks", "do-it"][..],
            &["pubkey-confirmation", "pubkey-checks", "do-it"],
        ] {
            assert_eq!(
                workflows.add(&known, own("x", steps)),
                Err(WorkflowError::KeyUnproven("x".to_owned()))
            );
        }
        assert_eq!(
            workflows.add(&known, own("open", &["do-it"])),
            Err(WorkflowError::Taken("open".to_owned()))
        );
    }
}
