//! Seals what a list stored before it began to encrypt, so that nothing unencrypted stays readable in the
//! database file.

use sealist_lists::model::{Channel, MailingList};
use sealist_lists::payload::{self, Payload};
use sealist_mail::Timestamp;
use sealist_openpgp::{self as openpgp, SignWith};
use sealist_store::bodies::{self, BodyUse, StoredBody};
use sealist_store::holds;
use sealist_store::transaction;

use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::sealing;
use crate::site::App;

/// Bodies per round.
const CHUNK: u32 = 50;

/// Seals waiting messages, posts and notices of a list that encrypts, and returns how many. Where nothing is
/// stored in the clear this is a question to the database and no more, so that it is repeated with each
/// change of a setting and in each round of upkeep: it may have been interrupted, and a message that was
/// under way when the list began to encrypt is stored in the clear behind it.
pub(crate) async fn seal_earlier(app: &App, list: &MailingList) -> Result<u64, AppError> {
    let now = app.store.now();
    let mut sealed = 0;
    loop {
        let plain = bodies::plain_of(&mut *app.store.reader().await?, list.no, CHUNK).await?;
        for (no, used) in &plain {
            let StoredBody::Plain { outer, payload } =
                bodies::load(&mut *app.store.reader().await?, *no).await?
            else {
                continue;
            };
            let body = sealed_for(app, list, Payload { outer, entity: payload }, *used, now).await?;
            let no = *no;
            app.write_unrecorded(Unrecorded::Form, transaction!(|db| bodies::replace(db, no, &body).await))
                .await?;
            sealed += 1;
        }
        if plain.is_empty() {
            break;
        }
    }
    let no = list.no;
    let forgotten = app
        .write_unrecorded(Unrecorded::Form, transaction!(|db| holds::forget_plain_summaries(db, no).await));
    let forgotten = forgotten.await?;
    if sealed + forgotten > 0 {
        app.store.scrub().await?;
    }
    Ok(sealed)
}

/// If the remaining copies of a post will be encrypted, its header is moved inside and the list signs it
/// again. Waiting messages and notices are only sealed.
async fn sealed_for(
    app: &App,
    list: &MailingList,
    stored: Payload,
    used: BodyUse,
    now: Timestamp,
) -> Result<StoredBody, AppError> {
    let copies_are_encrypted = list.settings.encrypts_copies();
    if used == BodyUse::Posting && copies_are_encrypted {
        let payload = payload::to_be_sealed(&stored, list);
        return sealing::enclose(app, list, payload, Channel::Sealed, now).await;
    }
    let storage = app.keys_of(list).await?.storage.certificate();
    Ok(StoredBody::Sealed(openpgp::seal(&stored.entity, &stored.outer, SignWith::Nobody, &storage)?))
}
