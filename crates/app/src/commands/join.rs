//! `join`: starts the list's `subscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::model::DeliveryMode;
use sealist_lists::workflows::{Goal, WorkflowRun};

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::{begin, new_run};

impl CommandSession<'_> {
    pub(super) async fn join(
        &mut self,
        command_sender: &CommandSender,
        delivery_mode: DeliveryMode,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let run = match new_run(self.list_context, Goal::Subscribe) {
            Ok(run) => run,
            Err(problem) => return Ok(Err(problem)),
        };
        let run = WorkflowRun { delivery_mode, ..run };
        let taken = begin(self.list_context, &command_sender.requester, run, None).await?;
        Ok(self.take(taken))
    }
}
