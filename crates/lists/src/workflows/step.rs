//! A step of workflows: what it looks at, and how the workflow continues after it.

use sealist_openpgp::Fingerprint;

use super::run::{Question, WorkflowRun};
use crate::commands::Problem;
use crate::model::{ListSettings, Role};
use crate::rows::{NamedRow, NamedRows};

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

impl NamedRow for Step {
    const KIND: &'static str = "step";

    fn name(&self) -> &'static str {
        self.name
    }
}

impl NamedRows<Step> {
    /// Whether a step that is still to be taken asks the moderators, and none of them has approved the
    /// request yet.
    pub fn will_be_moderated(&self, run: &WorkflowRun) -> bool {
        let asks_moderators =
            |name: &String| self.named(name).is_some_and(|step| step.asks == Asks::Moderators);
        !run.approved && run.steps.iter().any(asks_moderators)
    }

    /// The steps that are left of a workflow and that are not among these: a newer version wrote them.
    pub fn unknown_of<'r>(&'r self, run: &'r WorkflowRun) -> impl Iterator<Item = &'r str> {
        run.steps.iter().map(String::as_str).filter(|name| self.named(name).is_none())
    }
}

/// The facts for a step. They are read anew each time.
#[derive(Clone, Debug)]
pub struct StepContext<'a> {
    /// The steps that there are.
    pub steps: &'a NamedRows<Step>,
    /// The list's settings.
    pub settings: &'a ListSettings,
    /// Whether the address is banned on this list or on the site.
    pub banned: bool,
    /// The roles of the address on this list.
    pub roles: Vec<Role>,
    /// The confirmed key of the address.
    pub known: Option<ConfirmedKey>,
    /// The offered key.
    pub offered: Option<OfferedKey>,
}

/// The confirmed key of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether it can be encrypted to and can sign now.
    pub usable: bool,
}

/// An offered key that was checked and is acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether one of its user ids has the address.
    pub names_address: bool,
}
