//! `leave`: starts the list's `unsubscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::workflows::Goal;

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::{begin, new_run};

impl CommandSession<'_> {
    pub(super) async fn leave(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let run = match new_run(self.list_context, Goal::Unsubscribe) {
            Ok(run) => run,
            Err(problem) => return Ok(Err(problem)),
        };
        let taken = begin(self.list_context, &command_sender.requester, run, None).await?;
        Ok(self.take(taken))
    }
}
