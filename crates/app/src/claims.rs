//! Claims: what this process takes of the queue and of the copies, and how it gives back what it could not
//! handle.
//!
//! A claim whose commit failed may be in the database all the same. Then this process goes on under another
//! number, and what it had claimed under the old one is freed.

use sealist_lists::model::{DeliveryNo, EntryNo, ListNo, NodeNo};
use sealist_mail::Timestamp;
use sealist_store::deliveries::{self, Batch};
use sealist_store::queue::{self, QueueEntry};
use sealist_store::transaction;
use sealist_store::turns::Turns;
use sealist_store::{StoreError, sendings};

use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::incoming::process;
use crate::moderation::shunt;
use crate::outcome::EntryOutcome;
use crate::site::App;

/// Claims entries of the queue for one runner. Lists, and the sources of each list, take turns.
#[derive(Default)]
pub struct IncomingClaims {
    turns: Turns,
}

impl IncomingClaims {
    /// Claims at most `free` entries while `judged` others are being judged. Returns none if none is due.
    pub async fn claim(
        &mut self,
        app: &App,
        free: usize,
        judged: usize,
        now: Timestamp,
    ) -> Result<Vec<ClaimedEntry>, AppError> {
        let claimant = app.node.claimant();
        if !queue::is_due(&mut *app.store.reader().await?, &claimant, now).await? {
            return Ok(Vec::new());
        }
        let limit = u32::try_from(free).unwrap_or_default();
        let mut next = self.turns.clone();
        let claimed = app.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| {
                let entries = queue::claim(db, &claimant, limit, judged, &mut next, now).await?;
                Ok((entries, next))
            }),
        );
        let (entries, next) = claimed.await.inspect_err(|error| app.note_uncertain_claim(error))?;
        self.turns = next;
        Ok(entries.into_iter().map(ClaimedEntry).collect())
    }
}

/// An entry of the queue that this process has claimed.
#[derive(Clone)]
pub struct ClaimedEntry(QueueEntry);

impl ClaimedEntry {
    /// Returns the number of the entry.
    pub fn no(&self) -> EntryNo {
        self.0.no
    }

    /// Returns the list that the message came to.
    pub fn list(&self) -> ListNo {
        self.0.list
    }

    /// Returns how often the entry was claimed, this time included.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Handles the message and records the outcome in one transaction. An error leaves the entry as it is.
    ///
    /// Mail that asks for a notice to a stranger waits for the next hour when these notices are used up: its
    /// outcome is [`Action::Defer`](sealist_lists::model::Action::Defer). Mail that waited for days is held.
    pub async fn process(&self, app: &App, now: Timestamp) -> Result<EntryOutcome, AppError> {
        process(app, self.0.clone(), now).await
    }

    /// Sets the message aside, so that everything else goes on.
    pub async fn shunt(&self, app: &App, now: Timestamp) -> Result<(), AppError> {
        shunt(app, self.0.clone(), now).await
    }

    /// Gives the entry back as if it had not been claimed, because the message is not at fault. It is due
    /// again after the pause.
    pub async fn give_back(&self, app: &App, pause_ms: i64) -> Result<(), AppError> {
        let (entry, from) = (self.0.clone(), app.store.now().plus_ms(pause_ms));
        let back = app.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| queue::give_back(db, &entry, from).await),
        );
        Ok(back.await?)
    }

    /// Gives the entry back for another try after the pause. The try that failed counts.
    pub async fn put_off(&self, app: &App, pause_ms: i64) -> Result<(), AppError> {
        let (entry, until) = (self.0.clone(), app.store.now().plus_ms(pause_ms));
        let back = app
            .write_unrecorded(Unrecorded::Claims, transaction!(|db| queue::put_off(db, &entry, until).await));
        Ok(back.await?)
    }
}

/// What a look for copies found.
pub enum CopyClaim {
    /// Nothing is due, or this process may claim nothing until the others have seen it again.
    Nothing,
    /// The roster of a sending was walked, and no copy is due yet.
    FannedOut,
    /// Copies that are claimed under that number of this process.
    Copies(NodeNo, Batch),
}

impl App {
    /// Walks the roster of one sending and claims at most that many copies.
    pub async fn claim_copies(&self, most: u32) -> Result<CopyClaim, AppError> {
        let (claimant, now) = (self.node.claimant(), self.store.now());
        let node = claimant.node;
        if !self.lease_is_valid()
            || !deliveries::is_due(&mut *self.store.reader().await?, &claimant, now).await?
        {
            return Ok(CopyClaim::Nothing);
        }
        let claimed = self.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| {
                let made = sendings::fan_out(&mut *db, most, now).await?;
                Ok::<_, StoreError>((made, deliveries::claim(db, &claimant, most, now).await?))
            }),
        );
        Ok(match claimed.await.inspect_err(|error| self.note_uncertain_claim(error))? {
            (_, Some(batch)) => CopyClaim::Copies(node, batch),
            (Some(_), None) => CopyClaim::FannedOut,
            (None, None) => CopyClaim::Nothing,
        })
    }

    /// Returns whether what this process claimed under that number is still its own: only then may a copy go
    /// out.
    pub fn still_claims(&self, node: NodeNo) -> bool {
        self.lease_is_valid() && self.is_current_node(node)
    }

    /// Gives copies back that were claimed under that number. They are due again at `from`.
    pub async fn give_back_copies(
        &self,
        node: NodeNo,
        rows: Vec<DeliveryNo>,
        from: Timestamp,
    ) -> Result<(), AppError> {
        let back = self.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| deliveries::give_back(db, node, &rows, from).await),
        );
        Ok(back.await?)
    }

    /// Returns how many messages wait to be judged, those of held lists included.
    pub async fn count_unjudged(&self) -> Result<u64, AppError> {
        Ok(queue::waiting(&mut *self.store.reader().await?).await?)
    }

    /// Returns which of these copies are gone, because the member left or the list was deleted.
    pub async fn gone_copies(&self, rows: &[DeliveryNo]) -> Result<Vec<DeliveryNo>, AppError> {
        Ok(deliveries::gone(&mut *self.store.reader().await?, rows).await?)
    }
}
