//! Sorts the recipients of a batch by their keys and by `missing_key_action`.

use sealist_lists::model::MissingKey;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{CardError, MacKey, SealingCard};
use sealist_store::deliveries::{Delivery, DeliveryResult, DeliveryState};

/// How the reason begins why a copy was not made.
pub(crate) const NO_KEY: &str = "no usable key: ";
/// How long a copy waits for a new card.
const STALE_MS: i64 = 60_000;

/// A recipient with what sealing needs.
pub(super) struct SealedReader {
    pub(super) row: Delivery,
    pub(super) card: SealingCard,
}

/// A sorted batch.
#[derive(Default)]
pub(super) struct SortedBatch {
    /// Recipients of encrypted copies.
    pub(super) sealed: Vec<SealedReader>,
    /// Recipients without a usable key who accept cleartext, as the list allows.
    pub(super) open: Vec<Delivery>,
    /// Recipients who get nothing now.
    pub(super) held: Vec<DeliveryResult>,
}

pub(super) fn sort(rows: Vec<Delivery>, action: MissingKey, mac: &MacKey, now: Timestamp) -> SortedBatch {
    let mut readers = SortedBatch::default();
    for row in rows {
        let card = row.card.as_deref();
        let card = card.map(|card| SealingCard::from_bytes(card, mac, &Address::key_of(&row.email), now));
        let problem = match card {
            Some(Ok(card)) => {
                readers.sealed.push(SealedReader { row, card });
                continue;
            }
            // The card was made under older rules. The check of keys that runs after the update makes a new
            // one.
            Some(Err(error @ CardError::Stale)) => {
                let state = DeliveryState::Due(now.plus_ms(STALE_MS));
                readers.held.push(DeliveryResult {
                    no: row.no,
                    email: row.email,
                    state,
                    reply: error.to_string(),
                    refused_at: None,
                });
                continue;
            }
            Some(Err(error)) => error.to_string(),
            None => "there is no key that can be used".to_owned(),
        };
        match action {
            MissingKey::Cleartext if row.allow_cleartext => readers.open.push(row),
            action => readers.held.push(without_key(row, action, problem)),
        }
    }
    readers
}

pub(super) fn without_key(row: Delivery, action: MissingKey, problem: String) -> DeliveryResult {
    let state = match action {
        MissingKey::HoldAndNotify | MissingKey::Cleartext => DeliveryState::HeldForKey,
        MissingKey::Notify => DeliveryState::NotKept,
        MissingKey::Skip => DeliveryState::Skipped,
    };
    let reply = match state {
        DeliveryState::HeldForKey => problem,
        _ => format!("{NO_KEY}{problem}"),
    };
    DeliveryResult { no: row.no, email: row.email, state, reply, refused_at: None }
}
