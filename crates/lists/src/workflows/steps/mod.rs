//! The steps of workflows. Each looks at a workflow and the known facts, and returns how the workflow
//! continues. There is one file per step.

mod act;
mod confirmation;
mod moderation;
mod possession;
mod pubkey;
mod sanity;
mod verification;

use super::run::{Question, StepContext, WorkflowRun};
use crate::commands::Problem;

/// How the workflow continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// With the next step.
    GoOn,
    /// With this step again, after the question is answered.
    Ask(Question),
    /// The request is refused.
    Refuse(Problem),
    /// The workflow ends, and this change is made.
    Do(WorkflowChange),
}

/// The change that a list makes at the end of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkflowChange {
    /// Subscribes the address, with the offered key if there is one.
    Subscribe,
    /// Unsubscribes the address.
    Unsubscribe,
    /// Gives the address the offered key.
    SetKey,
    /// Lets this list use the key that the address has.
    ApproveKey,
    /// Carries out the command.
    Command(String),
}

/// A step with its name.
pub struct Step {
    /// The name in workflows, settings and stored requests.
    pub name: &'static str,
    /// What the step asks, in one line.
    pub description: &'static str,
    /// The question.
    pub take: fn(&WorkflowRun, &StepContext<'_>) -> StepResult,
}

/// The step that asks the owners and moderators.
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
