//! `key revoke`: revocations are attached. They prove themselves, because the key signed them.
//!
//! A key that is still usable stays in use. An unusable one must be replaced, with a moderator's approval. If
//! it is revoked as compromised, everything that it authorised is suspended.

use std::sync::Arc;

use sealist_lists::commands::{KeyCommand, MailCommand, Problem, Success};
use sealist_lists::workflows::Goal;
use sealist_openpgp::{Certificate, CertificateError, KeyMaterial, MergeError};
use sealist_store::key_changes::{self, Authority, KeyChange};

use super::super::{CommandReply, CommandSender, CommandSession};
use super::own_key;
use crate::effects::{Effect, KeyStep};
use crate::error::AppError;
use crate::key_life::{is_compromised, row_of, suspended_row, was_authorised_by};
use crate::key_work::key_work;
use crate::notice_kinds;
use crate::requests::{Proven, Requester, begin, new_run};

impl CommandSession<'_> {
    /// Applies the revocations in an encrypted message without other proof. They prove themselves, and nobody
    /// gets an answer.
    pub(in super::super) async fn take_revocation(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<(), AppError> {
        let wanted = |(_, read): &(String, Result<MailCommand, Problem>)| {
            matches!(read, Ok(MailCommand::Key(KeyCommand::Revoke)))
        };
        if self.list_context.list.settings.has_openpgp() && command_sender.script.lines.iter().any(wanted) {
            // A failure must not be reported to anybody.
            let _ = self.key_revoke(command_sender).await?;
        }
        Ok(())
    }

    pub(super) async fn key_revoke(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let known = match own_key(command_sender) {
            Ok(known) => known.clone(),
            Err(problem) => return Ok(Err(problem)),
        };
        let brought = self.brought(command_sender).await?;
        if brought.is_empty() {
            let packed = brought.unreadable == Some(CertificateError::Archive);
            return Ok(Err(if packed { Problem::Packed } else { Problem::NoRevocation }));
        }
        let (before, all, now) = (known.clone(), brought.clone(), self.list_context.now);
        let merged = key_work(move || {
            before.merge_all(&all).map(|merged| {
                let usable = merged.usable(now).map(|_| ());
                (merged, usable)
            })
        });
        let (merged, usable) = match merged.await? {
            Ok(merged) => merged,
            Err(MergeError::Unreadable(CertificateError::NotACertificate)) => {
                return Ok(Err(Problem::NoRevocation));
            }
            Err(MergeError::Unreadable(why)) => return Ok(Err(Problem::Unusable(why.to_string()))),
            Err(MergeError::OtherKey | MergeError::Unverified) => {
                return self.revoked_earlier(command_sender, brought).await;
            }
        };
        if merged.to_bytes() == known.to_bytes() {
            return Ok(Err(Problem::NothingNew));
        }
        self.revoked(command_sender, &known, &merged);
        match usable {
            Ok(()) => return Ok(Ok(CommandReply::Done(Success::KeyUpdated))),
            Err(why) if why.is_mended_by_its_holder() => {
                return Ok(Ok(CommandReply::Done(Success::KeyUpdatedInPart(why.to_string()))));
            }
            Err(_) => {}
        }
        // The revocation proves the request.
        let requester = Requester {
            address: command_sender.requester.address.clone(),
            proven: Proven::Yes,
            source: None,
        };
        let run = match new_run(self.list_context, Goal::ResetKey) {
            Ok(run) => run,
            Err(problem) => return Ok(Err(problem)),
        };
        let taken = begin(self.list_context, &requester, run, None).await?;
        Ok(self.take(taken).map(|_| CommandReply::Done(Success::KeyReset)))
    }

    fn revoked(&mut self, command_sender: &CommandSender, known: &Certificate, merged: &Certificate) {
        let address = command_sender.requester.address.clone();
        let fingerprint = known.fingerprint().to_string();
        let change = self.key_change_by(Authority::Revocation, &fingerprint);
        let row = Box::new(row_of(self.list_context.app, &address, merged, self.list_context.now));
        let seen = command_sender.facts.generation;
        let step = match is_compromised(merged, self.list_context.now) {
            true => KeyStep::Compromised,
            false => KeyStep::Revoked,
        };
        self.effects.push(Effect::SetKey { address, seen, row, change, step });
    }

    /// Applies revocations of an earlier key of the address. If that key authorised the current one, the
    /// current key is suspended until the owners decide.
    async fn revoked_earlier(
        &mut self,
        command_sender: &CommandSender,
        brought: Arc<KeyMaterial>,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let Some(person) = &command_sender.facts.person else { return Ok(Err(Problem::UnknownAddress)) };
        let changes = key_changes::of(&mut *self.list_context.app.store.reader().await?, person.no).await?;
        let earlier: Vec<(String, Vec<u8>)> = changes
            .iter()
            .filter_map(|change| Some((change.old.clone(), change.old_certificate.clone()?)))
            .collect();
        let now = self.list_context.now;
        let revoked = key_work(move || {
            let mut revoked = None;
            for (fingerprint, old) in earlier {
                let merged = Certificate::from_stored(&old)?.merge_all(&brought);
                if merged.is_ok_and(|merged| is_compromised(&merged, now)) {
                    revoked = Some(fingerprint);
                }
            }
            Ok::<_, AppError>(revoked)
        });
        let Some(revoked) = revoked.await?? else { return Ok(Err(Problem::OtherRevocation)) };
        let (address, fingerprint) = (command_sender.requester.address.clone(), revoked.clone());
        self.effects.push(Effect::Void { address, person: person.no, fingerprint });
        if let (Some(known), true) = (&command_sender.facts.known, was_authorised_by(&changes, &revoked)) {
            let address = command_sender.requester.address.clone();
            let row = Box::new(suspended_row(known));
            let change = self.key_change_by(Authority::Revocation, &known.fingerprint().to_string());
            let seen = command_sender.facts.generation;
            self.effects.push(Effect::SetKey { address, seen, row, change, step: KeyStep::Suspended });
            let notice = notice_kinds::key_void(
                self.list_context.list,
                &command_sender.requester.address,
                &revoked,
                known,
            );
            self.effects.push(Effect::Notice(notice));
        }
        Ok(Ok(CommandReply::Done(Success::KeyUpdated)))
    }

    /// A change of the same key, authorised by the key itself.
    pub(super) fn key_change_by(&self, authority: Authority, fingerprint: &str) -> KeyChange {
        KeyChange::of_same_key(fingerprint, authority, Some(self.list_context.list.no), self.list_context.now)
    }
}
