//! Steps: each looks at a workflow and at what is known, and says how it goes on. One file per step.

mod act;
mod confirmation;
mod moderation;
mod possession;
mod pubkey;
mod sanity;
mod verification;

use super::run::{Question, StepContext, WorkflowRun};
use crate::commands::Problem;

/// How it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// With the next step.
    GoOn,
    /// When this is answered, with this step again.
    Ask(Question),
    /// Not at all.
    Refuse(Problem),
    /// It has ended: this is to be done.
    Do(WorkflowChange),
}

/// What a list does at the end of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkflowChange {
    /// Takes the address in, with the key that was offered, if one was.
    Subscribe,
    /// Takes the address off its roster.
    Unsubscribe,
    /// Gives the address the key that was offered.
    SetKey,
    /// Lets the key that the address has count on this list.
    ApproveKey,
    /// Carries the command out.
    Command(String),
}

/// A step by its name, with what it asks.
pub struct Step {
    /// The name in workflows, settings and stored requests.
    pub name: &'static str,
    /// What it asks, in one line.
    pub description: &'static str,
    /// The question.
    pub take: fn(&WorkflowRun, &StepContext<'_>) -> StepResult,
}

/// The step that asks those in charge.
pub(super) const MODERATION: &str = "moderation-checks";
/// The step that asks for a key.
pub(super) const KEY: &str = "pubkey-checks";
/// The step that asks for signatures.
pub(super) const POSSESSION: &str = "pubkey-confirmation";
/// The step that ends every workflow.
pub(super) const LAST: &str = "do-it";

/// All steps.
pub const STEPS: &[Step] = &[
    Step { name: "sanity-checks", description: "Can it be done at all?", take: sanity::take },
    Step {
        name: "verification-checks",
        description: "Is it known that mail to the address reaches the person?",
        take: verification::take,
    },
    Step {
        name: "confirmation-checks",
        description: "Was the person asked, and wants it?",
        take: confirmation::take,
    },
    Step { name: MODERATION, description: "Does a moderator let it happen?", take: moderation::take },
    Step { name: KEY, description: "Is there a key for the address?", take: pubkey::take },
    Step {
        name: POSSESSION,
        description: "Is it signed with the keys that it takes?",
        take: possession::take,
    },
    Step { name: LAST, description: "Does what was asked for.", take: act::take },
];

/// The step of that name.
pub(super) fn named(name: &str) -> Option<&'static Step> {
    STEPS.iter().find(|step| step.name == name)
}
