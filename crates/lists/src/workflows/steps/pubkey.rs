//! Step `pubkey-checks`: no settings.
//!
//! An address has one key on the whole site, so a person with a usable key is not asked for another. A key
//! that does not name the address is accepted only if a moderator will see its whole fingerprint.

use super::super::run::{Goal, Question, WorkflowRun};
use super::super::step::{StepContext, StepResult};
use crate::commands::Problem;

pub(super) fn evaluate(run: &WorkflowRun, case: &StepContext<'_>) -> StepResult {
    match &case.offered {
        Some(key) if !key.names_address && !run.approved && !case.steps.will_be_moderated(run) => {
            StepResult::Refuse(Problem::NamesOther)
        }
        Some(_) => StepResult::GoOn,
        None if run.goal == Goal::Subscribe && case.known.as_ref().is_some_and(|key| key.usable) => {
            StepResult::GoOn
        }
        None => StepResult::Ask(Question::Key),
    }
}
