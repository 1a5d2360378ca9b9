//! `join`: starts the list's `subscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::model::DeliveryMode;
use sealist_lists::workflows::{Goal, WorkflowRun};

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::{begin, workflow};

impl CommandSession<'_> {
    pub(super) async fn join(
        &mut self,
        command_sender: &CommandSender,
        delivery_mode: DeliveryMode,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let steps = workflow(
            self.list_context.app,
            self.list_context.list,
            Goal::Subscribe.workflow(&self.list_context.list.settings),
        )?;
        let run = WorkflowRun { delivery_mode, ..WorkflowRun::new(&steps, Goal::Subscribe) };
        let taken = begin(self.list_context, &command_sender.requester, run, None).await?;
        Ok(self.take(taken))
    }
}
