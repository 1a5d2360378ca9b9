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

/// Whom a step asks before it lets a workflow go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nobody: the step looks at what is known.
    Nobody,
    /// The person, by mail.
    Person,
    /// The owners and moderators; one of them is enough.
    Moderators,
}

/// What a workflow has a step for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPurpose {
    /// The step lets the workflow go on or stops it.
    Checks,
    /// The step takes a key that the person offers. A step that proves the key must come behind it.
    TakesKey,
    /// The step asks for signatures by the keys that the workflow takes.
    ProvesKey,
    /// The step does what was asked for. A workflow has one such step, the last.
    Ends,
}

/// A step with its name.
pub struct Step {
    /// The name in workflows, settings and stored requests.
    pub name: &'static str,
    /// What the step asks, in one line.
    pub description: &'static str,
    /// Whom the step asks.
    pub asks: Asks,
    /// What a workflow has the step for.
    pub purpose: StepPurpose,
    /// The question.
    pub evaluate: fn(&WorkflowRun, &StepContext<'_>) -> StepResult,
}

/// All steps.
pub const STEPS: &[Step] = &[
    Step {
        name: "sanity-checks",
        description: "Can it be done at all?",
        asks: Asks::Nobody,
        purpose: StepPurpose::Checks,
        evaluate: sanity::evaluate,
    },
    Step {
        name: "verification-checks",
        description: "Is it known that mail to the address reaches the person?",
        asks: Asks::Person,
        purpose: StepPurpose::Checks,
        evaluate: verification::evaluate,
    },
    Step {
        name: "confirmation-checks",
        description: "Was the person asked, and wants it?",
        asks: Asks::Person,
        purpose: StepPurpose::Checks,
        evaluate: confirmation::evaluate,
    },
    Step {
        name: "moderation-checks",
        description: "Does a moderator let it happen?",
        asks: Asks::Moderators,
        purpose: StepPurpose::Checks,
        evaluate: moderation::evaluate,
    },
    Step {
        name: "pubkey-checks",
        description: "Is there a key for the address?",
        asks: Asks::Person,
        purpose: StepPurpose::TakesKey,
        evaluate: pubkey::evaluate,
    },
    Step {
        name: "pubkey-confirmation",
        description: "Is it signed with the keys that it takes?",
        asks: Asks::Person,
        purpose: StepPurpose::ProvesKey,
        evaluate: possession::evaluate,
    },
    Step {
        name: "do-it",
        description: "Does what was asked for.",
        asks: Asks::Nobody,
        purpose: StepPurpose::Ends,
        evaluate: act::evaluate,
    },
];

/// Whether a step that is still to be taken asks the moderators, and none of them has approved the request yet.
pub fn will_be_moderated(run: &WorkflowRun) -> bool {
    let asks_moderators = |name: &String| named(name).is_some_and(|step| step.asks == Asks::Moderators);
    !run.approved && run.steps.iter().any(asks_moderators)
}

/// The step of that name.
pub fn named(name: &str) -> Option<&'static Step> {
    STEPS.iter().find(|step| step.name == name)
}
