//! `key receive`: the list's key, to anybody, once a day.

use sealist_lists::commands::{Problem, Success};

use super::super::{CommandReply, CommandSender, CommandSession};
use crate::effects::Effect;
use crate::succession::published;
use crate::{AppError, letters};

impl CommandSession<'_> {
    pub(super) async fn key_receive(
        &mut self,
        speaker: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if speaker.facts.banned {
            return Ok(Err(Problem::Banned));
        }
        let keys = published(self.desk.app, self.desk.list).await?;
        if keys.is_empty() {
            return Ok(Err(Problem::NotPgp));
        }
        let to = (&speaker.asker.address, speaker.asker.source);
        let letter = letters::sendkey(self.desk.app, self.desk.list, to, &keys, self.desk.now).await?;
        Ok(Ok(match letter {
            Some(letter) => {
                self.effects.push(Effect::Letter(letter));
                CommandReply::Done(Success::KeySent)
            }
            None => CommandReply::Nothing,
        }))
    }
}
