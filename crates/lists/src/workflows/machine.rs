//! Runs the steps of a workflow until one of them asks, one refuses, or all are done.

use super::run::{Question, WorkflowRun};
use super::step::{StepContext, StepResult, WorkflowChange};
use crate::commands::Problem;

/// The state of a workflow after running its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkflowProgress {
    /// It waits for an answer to this question.
    Waits(Question),
    /// This change is to be made now.
    Done(WorkflowChange),
}

/// Runs the next steps. A step with a question stays the next one, because it is run again when the answer
/// has arrived. Errs if a step refuses, and with [`Problem::NotKnownYet`], before any step is run, if this
/// version does not know one of them: then the request waits as it is.
pub fn advance(run: &mut WorkflowRun, case: &StepContext<'_>) -> Result<WorkflowProgress, Problem> {
    if case.steps.unknown_of(run).next().is_some() {
        return Err(Problem::NotKnownYet);
    }
    while let Some(name) = run.steps.last() {
        let step = case.steps.named(name).ok_or(Problem::NotKnownYet)?;
        match (step.evaluate)(run, case) {
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
