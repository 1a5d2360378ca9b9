//! `key change` and `key reset`: a new key is attached. A newer version of the current key is accepted at
//! once.

use std::sync::Arc;

use sealist_lists::commands::{Problem, Success};
use sealist_lists::workflows::Goal;
use sealist_mail::Timestamp;
use sealist_openpgp::{Certificate, CertificateError, KeyMaterial, Unusable};
use sealist_store::key_changes::Authority;

use super::super::{CommandReply, CommandSender, CommandSession};
use super::own_key;
use crate::effects::{Effect, KeyStep};
use crate::error::AppError;
use crate::key_life::row_of;
use crate::key_work::key_work;
use crate::requests::{Proven, begin, new_run};

impl CommandSession<'_> {
    pub(super) async fn key_change(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if let Err(problem) = own_key(command_sender) {
            return Ok(Err(problem));
        }
        let brought = self.offered(command_sender).await?;
        let (known, all, now) = (command_sender.facts.known.clone(), brought.clone(), self.list_context.now);
        let Some((merged, unusable)) = key_work(move || newer_form(known, &all, now)).await? else {
            return self.another_key(command_sender, Goal::ChangeKey, brought).await;
        };
        match unusable {
            // An update may also end the use of a key.
            Some(why) if !why.is_mended_by_its_holder() => self.key_revoke(command_sender).await,
            unusable => Ok(self.update(command_sender, &merged, unusable)),
        }
    }

    pub(super) async fn key_reset(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if command_sender.facts.roles.is_empty() {
            return Ok(Err(Problem::UnknownAddress));
        }
        let before = self.effects.len();
        let brought = self.offered(command_sender).await?;
        let said = self.another_key(command_sender, Goal::ResetKey, brought).await?;
        let asked = self.effects[before..].iter().any(|effect| matches!(effect, Effect::Ask(_)));
        if !matches!(said, Ok(CommandReply::Nothing))
            || asked
            || command_sender.requester.proven == Proven::Yes
        {
            return Ok(said);
        }
        // Somebody else may have used up the notices of the day with a key of their own. So the question goes
        // to the mailbox, which the owner of the address can read.
        let run = match new_run(self.list_context, Goal::ResetKey) {
            Ok(run) => run,
            Err(problem) => return Ok(Err(problem)),
        };
        let taken = begin(self.list_context, &command_sender.requester, run, None).await?;
        Ok(self.take(taken))
    }

    async fn another_key(
        &mut self,
        command_sender: &CommandSender,
        goal: Goal,
        brought: Arc<KeyMaterial>,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        // The current key may be attached alone or together with the new one.
        let known = command_sender.facts.known.as_ref().map(Certificate::fingerprint);
        let mut brought = KeyMaterial::clone(&brought);
        if brought.certificates.len() > 1 {
            brought.certificates.retain(|one| Some(one.fingerprint()) != known);
        }
        let offer = match self.offer(command_sender, Arc::new(brought)).await? {
            Ok(offer) => offer,
            Err(problem) => return Ok(Err(problem)),
        };
        let run = match new_run(self.list_context, goal) {
            Ok(run) => run,
            Err(problem) => return Ok(Err(problem)),
        };
        if !offer.names(&command_sender.requester.address, self.list_context.now)
            && !self.list_context.app.registry.steps.will_be_moderated(&run)
        {
            return Ok(Err(Problem::NamesOther));
        }
        let taken = begin(self.list_context, &command_sender.requester, run, Some(&offer)).await?;
        Ok(self.take(taken))
    }

    /// A subkey may have expired nevertheless. The answer names it, and the holder can extend it.
    fn update(
        &mut self,
        command_sender: &CommandSender,
        merged: &Certificate,
        unusable: Option<Unusable>,
    ) -> Result<CommandReply, Problem> {
        if command_sender.facts.known.as_ref().is_some_and(|known| known.to_bytes() == merged.to_bytes()) {
            return Err(match unusable {
                Some(why) => Problem::Unusable(why.to_string()),
                None if command_sender.keys.is_empty() => Problem::NoKey,
                None => Problem::NothingNew,
            });
        }
        let address = command_sender.requester.address.clone();
        let change = self.key_change_by(Authority::Update, &merged.fingerprint().to_string());
        let row = Box::new(row_of(self.list_context.app, &address, merged, self.list_context.now));
        let seen = command_sender.facts.generation;
        self.effects.push(Effect::SetKey { address, seen, row, change, step: KeyStep::Changed });
        Ok(CommandReply::Done(match unusable {
            None => Success::KeyUpdated,
            Some(why) => Success::KeyUpdatedInPart(why.to_string()),
        }))
    }
}

/// The current key merged with the attached data, if no other key is attached, and why it cannot be used. No
/// proof is needed, because only data that the key signed is accepted.
fn newer_form(
    known: Option<Certificate>,
    brought: &KeyMaterial,
    now: Timestamp,
) -> Option<(Certificate, Option<Unusable>)> {
    if brought.is_empty() || brought.unreadable == Some(CertificateError::SecretKey) {
        return None;
    }
    let merged = known?.merge_all(brought).ok()?;
    let unusable = merged.usable(now).err();
    Some((merged, unusable))
}
