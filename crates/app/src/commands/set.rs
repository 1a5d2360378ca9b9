//! `set`: begins the list's `command_workflow`, at whose end the choice is another one.

use sealist_lists::commands::{Problem, Setting};
use sealist_lists::model::Role;
use sealist_lists::workflows::{Goal, Run};

use super::{Said, Session, Speaker};
use crate::AppError;
use crate::requests::{begin, policy, workflow};

impl Session<'_> {
    pub(super) async fn set(
        &mut self,
        speaker: &Speaker,
        setting: &Setting,
    ) -> Result<Result<Said, Problem>, AppError> {
        if !speaker.is_one_of(&[Role::Member]) {
            return Ok(Err(Problem::NotMember));
        }
        let goal = Goal::Command(setting.to_string());
        let steps = workflow(self.desk.app, self.desk.list, policy(self.desk.list, &goal))?;
        let run = Run::new(&steps, goal);
        let taken = begin(self.desk, &speaker.asker, run, None).await?;
        Ok(self.take(taken))
    }
}
