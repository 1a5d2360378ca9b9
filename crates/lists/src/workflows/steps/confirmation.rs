//! Step `confirmation-checks`: no settings. Asks the person for a confirmation, even if the address is
//! verified.

use super::super::run::{Question, WorkflowRun};
use super::super::step::{StepContext, StepResult};

pub(super) fn evaluate(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.confirmed { StepResult::GoOn } else { StepResult::Ask(Question::Confirmation) }
}
