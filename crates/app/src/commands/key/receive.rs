//! `key receive`: the list's key, to anybody, once a day.

use sealist_lists::commands::{Problem, Success};

use super::super::{Said, Session, Speaker};
use crate::effects::Effect;
use crate::setup::list_certificate;
use crate::{AppError, letters};

impl Session<'_> {
    pub(super) async fn key_receive(&mut self, speaker: &Speaker) -> Result<Result<Said, Problem>, AppError> {
        if speaker.facts.banned {
            return Ok(Err(Problem::Banned));
        }
        let Some(key) = list_certificate(self.desk.app, self.desk.list.no).await? else {
            return Ok(Err(Problem::NotPgp));
        };
        let letter =
            letters::sendkey(self.desk.app, self.desk.list, &speaker.asker.address, &key, self.desk.now)
                .await?;
        Ok(Ok(match letter {
            Some(letter) => {
                self.effects.push(Effect::Letter(letter));
                Said::Done(Success::KeySent)
            }
            None => Said::Nothing,
        }))
    }
}
