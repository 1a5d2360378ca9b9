//! The part of a large message that is stored before its end has arrived. It is deleted if the end never
//! arrives.

use sealist_store::StoreError;
use sealist_store::coming::{self, PartialBody};
use sealist_store::transaction;

use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::site::App;
use crate::uploads::AbandonedUploads;

/// Bodies that are deleted per commit.
const AT_ONCE: u32 = 8;

/// The stored part of one message.
pub(crate) struct Spool {
    coming: PartialBody,
    done: bool,
    abandoned: AbandonedUploads,
}

impl Spool {
    /// Starts with the piece after the first row.
    pub(crate) async fn begin(app: &App, piece: Vec<u8>) -> Result<Self, AppError> {
        let node = app.node.no();
        let begun = app.write_unrecorded(
            Unrecorded::Arrival,
            transaction!(|db| PartialBody::begin(&mut *db, node).await?.append(db, &piece).await),
        );
        // If the outcome is unknown, a stored piece is released like a claim.
        let coming = begun.await.inspect_err(|error| app.note_uncertain_claim(error))?;
        Ok(Self { coming, done: false, abandoned: app.abandoned_uploads.clone() })
    }

    /// Stores the next piece.
    pub(crate) async fn append(&mut self, app: &App, piece: Vec<u8>) -> Result<(), AppError> {
        let coming = self.coming;
        let stored =
            app.write_unrecorded(Unrecorded::Arrival, transaction!(|db| coming.append(db, &piece).await));
        self.coming = stored.await?;
        Ok(())
    }

    /// The stored part, to be completed.
    pub(crate) fn coming(&self) -> PartialBody {
        self.coming
    }

    /// Marks the body as complete.
    pub(crate) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.done {
            self.abandoned.push(self.coming);
        }
    }
}

impl App {
    /// Deletes partial bodies of messages that were interrupted here, or belong to nodes that no longer
    /// exist. Those that cannot be deleted now are remembered. Small transactions are used, so that mail is
    /// not delayed.
    pub async fn clear_away(&self) -> Result<(), AppError> {
        while let Some(coming) = self.abandoned_uploads.pop() {
            let removed =
                self.write_unrecorded(Unrecorded::Arrival, transaction!(|db| coming.remove(db).await));
            if let Err(error) = removed.await {
                self.abandoned_uploads.push(coming);
                return Err(StoreError::into(error));
            }
        }
        if !coming::is_left(&mut *self.store.reader().await?).await? {
            return Ok(());
        }
        loop {
            let gone = self.write_unrecorded(
                Unrecorded::Arrival,
                transaction!(|db| coming::drop_left(db, AT_ONCE).await),
            );
            if gone.await? < u64::from(AT_ONCE) {
                return Ok(());
            }
        }
    }
}
