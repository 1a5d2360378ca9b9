//! Copies of a sealed post: `delivery`, `anonymous`, `missing_key_action`.

use std::sync::Arc;

use bytes::Bytes;
use sealist_lists::model::{MailingList, MissingKey, PgpSettings, SealedDelivery};
use sealist_lists::payload::{self, Payload};
use sealist_mail::{Address, Boundary, Dots, Mailbox, Timestamp, compose, fit, wire_form};
use sealist_openpgp::{
    self as openpgp, CopyArmor, Family, KeyIds, Sealed, SealedPost, SessionKey, SignWith, random,
};
use sealist_store::bodies::{self, StoredBody};
use sealist_store::deliveries::{Batch, Delivery, Kind};
use sealist_store::sendings;
use sealist_store::transaction;

use super::readers::{self, SealedReader, without_key};
use super::{BatchOptions, Copy, Ready, open};
use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::keyring::ListKeys;
use crate::sealing;
use crate::site::App;

/// The most octets of copies without a shared body that are made at a time.
const MAX_OWN_OCTETS: usize = 16 * 1024 * 1024;

pub(super) async fn prepare(
    app: &App,
    list: MailingList,
    sealed: Sealed,
    batch: Batch,
    sending: BatchOptions,
    now: Timestamp,
) -> Result<Ready, AppError> {
    let pgp = list.settings.pgp.clone().unwrap_or_default();
    let (delivery, action) = match batch.kind {
        Kind::Posting => (pgp.delivery, pgp.missing_key_action),
        Kind::Notice | Kind::Probe => (SealedDelivery::Copies, MissingKey::HoldAndNotify),
    };
    let (mut rows, mut later) = (batch.rows, Vec::new());
    if delivery == SealedDelivery::Personalized {
        // These copies share no body, so only as many are made as there is memory for; the others are claimed
        // again.
        let rest = rows.split_off(rows.len().min((MAX_OWN_OCTETS / sealed.payload().len().max(1)).max(1)));
        later = rest.iter().map(|row| row.no).collect();
    }
    let readers = readers::sort(rows, action, app.vault.mac(), now);
    let keys = app.keys_of(&list).await?;
    let second = match delivery {
        SealedDelivery::Personalized => None,
        _ if readers.sealed.iter().all(|reader| reader.card.family() == Family::V4) => None,
        _ => Some(second_form(app, &keys, &sealed, batch.post).await?),
    };
    let made = tokio::task::spawn_blocking(move || {
        let work = SealedBatch {
            list: &list,
            pgp: &pgp,
            keys: &keys,
            session_key: keys.storage.session_key(&sealed)?,
            sealed,
            sending,
            now,
        };
        let mut ready = Ready { held: readers.held, later, ..Ready::default() };
        if !readers.open.is_empty() {
            let open = open::prepare(readers.open, &work.sending, work.in_the_clear()?);
            ready.copies = open.copies;
            ready.held.extend(open.held);
        }
        let in_one = if delivery == SealedDelivery::Bulk { work.sending.together.most() } else { 1 };
        let (refused, copies) = match delivery {
            SealedDelivery::Personalized => work.personalized(readers.sealed)?,
            _ => work.shared(readers.sealed, second, in_one)?,
        };
        ready.copies.extend(copies);
        let problem = || "the key cannot be encrypted to".to_owned();
        ready.held.extend(refused.into_iter().map(|row| without_key(row, action, problem())));
        Ok::<_, AppError>(ready)
    });
    made.await.map_err(|_| AppError::Interrupted)?
}

/// The post for recipients of version 6, encrypted once for the first of them, and stored.
async fn second_form(
    app: &App,
    keys: &Arc<ListKeys>,
    first: &Sealed,
    post: sealist_lists::model::SendingNo,
) -> Result<Sealed, AppError> {
    let _one_at_a_time = app.second_forms.lock().await;
    let stored = {
        let mut db = app.store.reader().await?;
        match sendings::second_body(&mut db, post).await? {
            Some(body) => Some(bodies::load(&mut db, body).await?),
            None => None,
        }
    };
    if let Some(StoredBody::Sealed(second)) = stored {
        return Ok(second);
    }
    let (keys, first) = (keys.clone(), first.clone());
    let second = tokio::task::spawn_blocking(move || keys.storage.reseal(&first));
    let second = second.await.map_err(|_| AppError::Interrupted)??;
    let body = StoredBody::Sealed(second.clone());
    let stored = app.write_unrecorded(
        Unrecorded::Form,
        transaction!(|db| sendings::set_second_body(db, post, &body).await),
    );
    stored.await?;
    Ok(second)
}

/// One batch that is being made.
struct SealedBatch<'a> {
    list: &'a MailingList,
    pgp: &'a PgpSettings,
    keys: &'a ListKeys,
    sealed: Sealed,
    session_key: SessionKey,
    sending: BatchOptions,
    now: Timestamp,
}

/// The recipients who could not be encrypted to, and the copies.
type Made = (Vec<Delivery>, Vec<Copy>);

impl SealedBatch<'_> {
    /// Copies with a shared body: one recipient each, or up to `in_one`.
    fn shared(
        self,
        readers: Vec<SealedReader>,
        second: Option<Sealed>,
        in_one: usize,
    ) -> Result<Made, AppError> {
        let head = PgpMimeWrapper::new(&self.session_key.open(self.sealed.outer())?);
        let (fours, sixes): (Vec<_>, Vec<_>) =
            readers.into_iter().partition(|reader| reader.card.family() == Family::V4);
        let mut families = vec![(fours, SealedPost::new(self.sealed, self.session_key, key_ids(self.pgp)))];
        if let Some(second) = second {
            let session_key = self.keys.storage.session_key(&second)?;
            families.push((sixes, SealedPost::new(second, session_key, key_ids(self.pgp))));
        }
        let mut made: Made = Default::default();
        for (readers, copies) in families {
            let (proving, mut readers): (Vec<_>, Vec<_>) =
                readers.into_iter().partition(|reader| reader.row.proves);
            // A recipient whose copy tests delivery gets it alone, with a handle.
            let mut chunks: Vec<Vec<SealedReader>> = proving.into_iter().map(|reader| vec![reader]).collect();
            while !readers.is_empty() {
                chunks.push(readers.split_off(readers.len().saturating_sub(in_one)));
            }
            for chunk in chunks {
                // The packets are shuffled, so that their order reveals nothing to those who share a message.
                let mut cards: Vec<_> = chunk.iter().map(|reader| &reader.card).collect();
                cards.sort_by_cached_key(|_| random::<8>());
                let armor = copies.copy(&cards);
                if armor.is_err() && chunk.len() > 1 {
                    // One of the recipients cannot be encrypted to. Making each copy separately finds out
                    // which.
                    for SealedReader { row, card } in chunk {
                        match copies.copy(&[&card]) {
                            Ok(armor) => {
                                made.1.push(Copy::of(&[row], &self.sending, head.around(armor)));
                            }
                            Err(_) => made.0.push(row),
                        }
                    }
                    continue;
                }
                let rows: Vec<Delivery> = chunk.into_iter().map(|reader| reader.row).collect();
                match armor {
                    Ok(armor) => made.1.push(Copy::of(&rows, &self.sending, head.around(armor))),
                    Err(_) => made.0.extend(rows),
                }
            }
        }
        Ok(made)
    }

    /// A payload, a signature and a session key per recipient.
    fn personalized(self, readers: Vec<SealedReader>) -> Result<Made, AppError> {
        let stored = self.stored()?;
        let mut made: Made = Default::default();
        for SealedReader { row, card } in readers {
            let Some(address) = Address::from_stored(&row.email) else {
                made.0.push(row);
                continue;
            };
            let name = (!row.name.is_empty()).then(|| row.name.clone());
            let payload = payload::for_reader(&stored, &Mailbox { name, address });
            let sign = match self.pgp.sign_outgoing {
                true => SignWith::Key(&self.keys.posting, self.now),
                false => SignWith::Nobody,
            };
            match openpgp::seal_copy(&payload.entity, sign, &card, key_ids(self.pgp)) {
                Ok(armor) => {
                    let pieces = PgpMimeWrapper::new(&payload.outer).around(armor);
                    made.1.push(Copy::of(&[row], &self.sending, pieces));
                }
                Err(_) => made.0.push(row),
            }
        }
        Ok(made)
    }

    fn in_the_clear(&self) -> Result<Payload, AppError> {
        let Payload { outer, entity } = payload::in_the_clear(&self.stored()?, self.list, self.now);
        let entity = match self.pgp.sign_outgoing {
            true => sealing::signed(&entity, &self.keys.posting, self.now)?,
            false => entity,
        };
        Ok(Payload { outer, entity })
    }

    fn stored(&self) -> Result<Payload, AppError> {
        let open = |packet: &[u8]| self.session_key.open(packet).map(|clear| clear.to_vec());
        Ok(Payload { outer: open(self.sealed.outer())?, entity: open(self.sealed.payload())? })
    }
}

fn key_ids(pgp: &PgpSettings) -> KeyIds {
    if pgp.anonymous { KeyIds::Hidden } else { KeyIds::Named }
}

/// The octets before and after the armor.
struct PgpMimeWrapper {
    head: Bytes,
    tail: Bytes,
    dots: Dots,
}

impl PgpMimeWrapper {
    /// Only an author's own field in the outer header can begin with a dot.
    fn new(outer: &[u8]) -> Self {
        let (wrapper, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(random()));
        let (head, dots) = wire_form(&[&fit::header(outer), &wrapper[..]].concat());
        Self { head: head.into(), tail: tail.into(), dots }
    }

    fn around(&self, armor: CopyArmor) -> (Vec<Bytes>, Dots) {
        let pieces =
            vec![self.head.clone(), armor.head.into(), armor.shared, armor.tail.into(), self.tail.clone()];
        (pieces, self.dots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_begins_with_a_dot_keeps_it() {
        let armor = || CopyArmor { head: Vec::new(), shared: Bytes::new(), tail: Vec::new() };
        let (pieces, dots) = PgpMimeWrapper::new(b"Subject: x\r\n.From: y\r\n").around(armor());
        assert!(pieces.concat().starts_with(b"Subject: x\r\n..From: y\r\n"));
        assert_eq!(dots, Dots::Stuffed);
        assert_eq!(PgpMimeWrapper::new(b"Subject: .x\r\n").around(armor()).1, Dots::None);
    }
}
