//! The replay record of a message: what it knows, and what is recorded. Reads `collect_sig_hashes`.
//!
//! Only the outcome of a message is recorded, in the transaction of its verdict, and only if the message is
//! signed as a whole.

use sealist_lists::model::MailingList;
use sealist_lists::replay::{Here, ReplayHistory};
use sealist_mail::Timestamp;
use sealist_openpgp::Opened;
use sealist_store::queue::QueueEntry;
use sealist_store::replay::{self, Digest, ReplayOutcome};
use sealist_store::{Conn, StoreError};

use crate::error::AppError;
use crate::site::App;

/// The signed texts of a message.
pub(crate) struct SignedTexts {
    digests: Vec<Digest>,
    entry: QueueEntry,
}

impl SignedTexts {
    /// Empty if the message is not signed as a whole, and on lists with `collect_sig_hashes` off.
    pub(crate) fn by(app: &App, list: &MailingList, entry: &QueueEntry, opened: Option<&Opened>) -> Self {
        let collects = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.collect_sig_hashes);
        let verified = opened.filter(|_| collects).into_iter().flat_map(Opened::verified);
        let mac = app.vault.mac();
        let digests = verified.map(|valid| mac.replay_key(valid.certificate(), valid.digest())).collect();
        Self { digests, entry: entry.clone() }
    }

    /// What the record knows now.
    pub(crate) async fn past(&self, app: &App) -> Result<ReplayHistory, AppError> {
        if self.digests.is_empty() {
            return Ok(ReplayHistory::NONE);
        }
        let seen = replay::seen(&mut *app.store.reader().await?, &self.digests).await?;
        Ok(ReplayHistory::of(&seen, self.here()))
    }

    /// Errs with [`AppError::Overtaken`] if the record has changed: then the message is judged again. Until
    /// the transaction ends nobody else can record the same texts.
    pub(crate) async fn still(&self, db: &mut Conn, past: &ReplayHistory) -> Result<(), AppError> {
        if self.digests.is_empty() {
            return Ok(());
        }
        let seen = replay::seen_alone(db, &self.digests).await?;
        if ReplayHistory::of(&seen, self.here()) == *past { Ok(()) } else { Err(AppError::Overtaken) }
    }

    /// Records the outcome of the message.
    pub(crate) async fn record(
        &self,
        db: &mut Conn,
        outcome: ReplayOutcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        replay::record(db, &self.digests, &self.entry, outcome, now).await
    }

    /// Whether to tell the author now that all of it was posted already. It is true once per text.
    pub(crate) async fn tell_once(&self, db: &mut Conn) -> Result<bool, StoreError> {
        replay::tell_once(db, &self.digests, &self.entry).await
    }

    fn here(&self) -> Here<'_> {
        let QueueEntry { list, sub_address, no, arrival, .. } = &self.entry;
        Here { list: *list, sub_address: *sub_address, entry: *no, arrival }
    }
}
