//! Takes steps until one of them asks, refuses, or it is done.

use super::run::{Question, StepContext, WorkflowRun};
use super::steps::{self, StepResult, WorkflowChange};
use crate::commands::Problem;

/// How far a workflow came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkflowProgress {
    /// Somebody is asked.
    Waits(Question),
    /// It is to be done now.
    Done(WorkflowChange),
}

/// Takes the next steps. A step that asks stays the next one: it looks again when the answer is there. Errs if a step
/// refuses, or if there is none of that name any more.
pub fn advance(run: &mut WorkflowRun, case: &StepContext<'_>) -> Result<WorkflowProgress, Problem> {
    while let Some(name) = run.steps.last() {
        let step = steps::named(name).ok_or(Problem::Outdated)?;
        match (step.take)(run, case) {
            StepResult::GoOn => {
                run.steps.pop();
            }
            StepResult::Ask(question) => return Ok(WorkflowProgress::Waits(question)),
            StepResult::Refuse(problem) => return Err(problem),
            StepResult::Do(change) => {
                run.steps.pop();
                return Ok(WorkflowProgress::Done(change));
            }
        }
    }
    Err(Problem::Outdated)
}
