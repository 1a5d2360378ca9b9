//! Step `confirmation-checks`: no settings. Also who is known is asked whether this is wanted.

use super::super::run::{Question, StepContext, WorkflowRun};
use super::StepResult;

pub(super) fn take(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.confirmed { StepResult::GoOn } else { StepResult::Ask(Question::Confirmation) }
}
