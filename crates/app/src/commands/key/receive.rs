//! `key receive`: sends the list's key to anybody, once a day.

use sealist_lists::commands::{Problem, Success};

use super::super::{CommandReply, CommandSender, CommandSession};
use crate::effects::Effect;
use crate::error::AppError;
use crate::key_rollover::published;
use crate::notice_kinds;

impl CommandSession<'_> {
    pub(super) async fn key_receive(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if command_sender.facts.banned {
            return Ok(Err(Problem::Banned));
        }
        let keys = published(self.list_context.app, self.list_context.list).await?;
        if keys.is_empty() {
            return Ok(Err(Problem::NotPgp));
        }
        let to = (&command_sender.requester.address, command_sender.requester.source);
        let notice = notice_kinds::sendkey(
            self.list_context.app,
            self.list_context.list,
            to,
            &keys,
            self.list_context.now,
        )
        .await?;
        Ok(Ok(match notice {
            Some(notice) => {
                self.effects.push(Effect::Notice(notice));
                CommandReply::Done(Success::KeySent)
            }
            None => CommandReply::Nothing,
        }))
    }
}
