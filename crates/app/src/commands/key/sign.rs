//! `key sign`: the list's key is attached with the sender's certification, in a message that the sender
//! signed. Setting: `key_signing_allowed`.

use sealist_lists::commands::{Problem, Success};
use sealist_openpgp::{Certificate, NotCertified};
use sealist_store::list_keys::{self, ListKeyPurpose};

use super::super::{CommandReply, CommandSender, CommandSession};
use super::own_key;
use crate::effects::Effect;
use crate::error::AppError;
use crate::key_work::key_work;

impl CommandSession<'_> {
    pub(super) async fn key_sign(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let own = match own_key(command_sender) {
            Ok(own) => own,
            Err(problem) => return Ok(Err(problem)),
        };
        if command_sender.keys.is_empty() {
            return Ok(Err(Problem::NoKey));
        }
        let allowed = self.list_context.list.settings.pgp.as_ref().map(|pgp| &pgp.key_signing_allowed[..]);
        if !command_sender.is_one_of(allowed.unwrap_or_default()) {
            return Ok(Err(Problem::MayNotSign));
        }
        // Without a signature anybody could send in a published certification in that name.
        if !command_sender.signed {
            return Ok(Err(Problem::NotSigned));
        }
        let mut db = self.list_context.app.store.reader().await?;
        let Some(stored) =
            list_keys::certificate(&mut db, self.list_context.list.no, ListKeyPurpose::Posting).await?
        else {
            return Ok(Err(Problem::NotPgp));
        };
        drop(db);
        let key = Certificate::from_stored(&stored)?;
        // The sender's own key may be attached, too.
        let (list, by, blocks, now) =
            (key.clone(), own.clone(), command_sender.keys.clone(), self.list_context.now);
        let mut tried: Vec<_> = key_work(move || {
            blocks.iter().map(|block| list.certified_by(&by, block, now)).collect::<Vec<_>>()
        })
        .await?;
        tried.sort_by_key(|tried| match tried {
            Ok(_) => 0,
            Err(NotCertified::SecretKey) => 1,
            Err(NotCertified::OtherKey) => 3,
            Err(NotCertified::Unreadable) => 4,
            Err(_) => 2,
        });
        let certified = match tried.swap_remove(0) {
            Ok(certified) => certified,
            Err(why) => {
                return Ok(Err(match why {
                    NotCertified::SecretKey => Problem::SecretKey,
                    NotCertified::Unreadable => Problem::NoKey,
                    NotCertified::OtherKey => Problem::NotTheListKey,
                    NotCertified::NoSignedUserIds => Problem::NoSignedUserIds,
                    NotCertified::NothingNew => Problem::NoNewCertifications,
                }));
            }
        };
        self.effects.push(Effect::Certified {
            before: stored,
            fingerprint: key.fingerprint().to_string(),
            certificate: certified.to_bytes(),
            by: (command_sender.requester.address.clone(), own.fingerprint().to_string()),
        });
        Ok(Ok(CommandReply::Done(Success::ListKeyUpdated)))
    }
}
