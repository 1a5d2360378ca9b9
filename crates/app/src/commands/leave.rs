//! `leave`: begins the list's `unsubscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::workflows::{Goal, WorkflowRun};

use super::{CommandReply, CommandSender, CommandSession};
use crate::AppError;
use crate::requests::{begin, policy, workflow};

impl CommandSession<'_> {
    pub(super) async fn leave(
        &mut self,
        speaker: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let steps = workflow(self.desk.app, self.desk.list, policy(self.desk.list, &Goal::Unsubscribe))?;
        let run = WorkflowRun::new(&steps, Goal::Unsubscribe);
        let taken = begin(self.desk, &speaker.asker, run, None).await?;
        Ok(self.take(taken))
    }
}
