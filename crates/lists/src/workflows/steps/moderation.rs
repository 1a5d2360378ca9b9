//! Step `moderation-checks`: no settings. Owners and moderators are asked; one of them is enough.

use super::super::run::{Question, StepContext, WorkflowRun};
use super::StepResult;

pub(super) fn take(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.approved { StepResult::GoOn } else { StepResult::Ask(Question::Approval) }
}
