//! `key receive`: sends the list's key to anybody, once a day.

use sealist_lists::commands::{Problem, Success};

use super::super::{CommandReply, CommandSender, CommandSession};
use crate::effects::Effect;
use crate::error::AppError;
use crate::key_rollover::published;
use crate::notice_kinds;
use crate::requests::{ListContext, Requester};

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
        let ListContext { app, list, now } = self.list_context;
        let Requester { address, source, .. } = &command_sender.requester;
        let notice = notice_kinds::sendkey(app, list, address, *source, &keys, now).await?;
        Ok(Ok(match notice {
            Some(notice) => {
                self.effects.push(Effect::Notice(notice));
                CommandReply::Done(Success::KeySent)
            }
            None => CommandReply::Nothing,
        }))
    }
}
