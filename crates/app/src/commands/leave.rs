//! `leave`: starts the list's `unsubscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::workflows::{Goal, WorkflowRun};

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::{begin, workflow};

impl CommandSession<'_> {
    pub(super) async fn leave(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let steps = workflow(
            self.list_context.app,
            self.list_context.list,
            Goal::Unsubscribe.workflow(&self.list_context.list.settings),
        )?;
        let run = WorkflowRun::new(&steps, Goal::Unsubscribe);
        let taken = begin(self.list_context, &command_sender.requester, run, None).await?;
        Ok(self.take(taken))
    }
}
