//! Step `do-it`: no settings. The end of every workflow.
//!
//! Whatever steps a workflow has, an address gets only a key that signed for itself. A change that is no
//! longer possible at this point is refused.

use super::super::run::{Goal, WorkflowRun};
use super::super::step::{StepContext, StepResult, WorkflowChange};
use super::sanity;
use crate::commands::Problem;

pub(super) fn evaluate(run: &WorkflowRun, case: &StepContext<'_>) -> StepResult {
    if let StepResult::Refuse(problem) = sanity::evaluate(run, case) {
        return StepResult::Refuse(problem);
    }
    if run.key.as_ref().is_some_and(|key| !run.signed_by.contains(key)) {
        return StepResult::Refuse(Problem::NotSigned);
    }
    StepResult::Do(match &run.goal {
        Goal::Subscribe => WorkflowChange::Subscribe,
        Goal::Unsubscribe => WorkflowChange::Unsubscribe,
        Goal::ChangeKey | Goal::ResetKey => WorkflowChange::SetKey,
        Goal::ApproveKey => WorkflowChange::ApproveKey,
        Goal::Command(line) => WorkflowChange::Command(line.clone()),
    })
}
