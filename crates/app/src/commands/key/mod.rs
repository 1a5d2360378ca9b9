//! `key …`: one file per subcommand. Settings: `key_change_workflow`, `key_signing_allowed`.

mod change;
mod confirm;
mod receive;
mod revoke;
mod set;
mod sign;

use std::sync::Arc;

use sealist_lists::commands::{KeyCommand, Problem};
use sealist_openpgp::{Certificate, CertificateError, KeyMaterial};
use sealist_store::list_keys;

use super::{CommandReply, CommandSender, CommandSession};
use crate::effects::Effect;
use crate::error::AppError;
use crate::key_work::key_work;
use crate::requests::Offer;

impl CommandSession<'_> {
    pub(super) async fn key(
        &mut self,
        command_sender: &mut CommandSender,
        command: KeyCommand,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if !self.list_context.list.settings.has_openpgp() {
            return Ok(Err(Problem::NotPgp));
        }
        if self.effects.iter().any(|effect| matches!(effect, Effect::SetKey { .. })) {
            // A message changes a key once. The next change is decided after this one is committed.
            return Ok(Err(Problem::NothingNew));
        }
        if self.heard.contains(&command) {
            return Ok(Err(Problem::NothingNew));
        }
        self.heard.push(command.clone());
        match command {
            KeyCommand::Set(token) => self.key_set(command_sender, &token).await,
            KeyCommand::Confirm(token) => self.key_confirm(command_sender, &token).await,
            KeyCommand::Change => self.key_change(command_sender).await,
            KeyCommand::Reset => self.key_reset(command_sender).await,
            KeyCommand::Revoke => self.key_revoke(command_sender).await,
            KeyCommand::Sign => self.key_sign(command_sender).await,
            KeyCommand::Receive => self.key_receive(command_sender).await,
        }
    }
}

impl CommandSession<'_> {
    /// The attached keys and revocations, parsed once for all commands. Keys of lists are left out, because
    /// they were attached to the quoted notice.
    async fn brought(&self, command_sender: &CommandSender) -> Result<Arc<KeyMaterial>, AppError> {
        let read = async {
            let blocks = command_sender.keys.clone();
            let mut brought = key_work(move || KeyMaterial::of(&blocks)).await?;
            let mut own = Vec::new();
            let mut db = self.list_context.app.store.reader().await?;
            for certificate in brought.certificates {
                if !list_keys::is_of_a_list(&mut db, &certificate.fingerprint().to_string()).await? {
                    own.push(certificate);
                }
            }
            brought.certificates = own;
            Ok::<_, AppError>(Arc::new(brought))
        };
        command_sender.material.get_or_try_init(|| read).await.cloned()
    }

    /// The same; if no key is attached, the key in the Autocrypt field.
    async fn offered(&self, command_sender: &CommandSender) -> Result<Arc<KeyMaterial>, AppError> {
        let brought = self.brought(command_sender).await?;
        match &command_sender.autocrypt {
            Some(key)
                if brought.is_empty()
                    && matches!(brought.unreadable, None | Some(CertificateError::Archive)) =>
            {
                let blocks = [key.clone()];
                let read = async { Ok(Arc::new(key_work(move || KeyMaterial::of(&blocks)).await?)) };
                command_sender.offered.get_or_try_init(|| read).await.cloned()
            }
            _ => Ok(brought),
        }
    }

    /// The key in that data that belongs to the sender, or why there is none.
    async fn offer(
        &self,
        command_sender: &CommandSender,
        brought: Arc<KeyMaterial>,
    ) -> Result<Result<Offer, Problem>, AppError> {
        let (address, now) = (command_sender.requester.address.clone(), self.list_context.now);
        key_work(move || Offer::among(&brought, &address, now)).await
    }
}

/// The confirmed key of the sender, who must have a role here.
fn own_key(command_sender: &CommandSender) -> Result<&Certificate, Problem> {
    if command_sender.facts.roles.is_empty() {
        return Err(Problem::UnknownAddress);
    }
    command_sender.facts.known.as_ref().ok_or(if command_sender.facts.unconfirmed {
        Problem::KeyNotConfirmed
    } else {
        Problem::NoOwnKey
    })
}
