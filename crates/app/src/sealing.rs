//! How a list's notices and posts are signed, sealed and stored.

use sealist_lists::model::{Channel, MailingList};
use sealist_lists::payload::Payload;
use sealist_mail::fit::{Octets, fit};
use sealist_mail::{Boundary, Timestamp, compose};
use sealist_openpgp::{self as openpgp, KeyIds, ListKey, SealingCard, SignWith, random};
use sealist_store::bodies::StoredBody;

use crate::error::AppError;
use crate::keyring::ListKeys;
use crate::site::App;

/// A sealed message is signed inside the encryption; an open one beside its text. On an encrypting list both
/// are stored sealed.
pub(crate) async fn enclose(
    app: &App,
    list: &MailingList,
    payload: Payload,
    channel: Channel,
    now: Timestamp,
) -> Result<StoredBody, AppError> {
    let Some(pgp) = &list.settings.pgp else {
        return Ok(StoredBody::Plain { outer: payload.outer, payload: payload.entity });
    };
    let keys = app.keys_of(list).await?;
    let signer = pgp.sign_outgoing.then_some(&*keys.posting);
    signed_by(signer, &keys, list, payload, channel, now)
}

/// The same for a list with OpenPGP, signed by that key.
pub(crate) fn signed_by(
    signer: Option<&ListKey>,
    keys: &ListKeys,
    list: &MailingList,
    payload: Payload,
    channel: Channel,
    now: Timestamp,
) -> Result<StoredBody, AppError> {
    let Payload { outer, entity } = payload;
    let storage = keys.storage.certificate();
    let inside = match (channel, signer) {
        (Channel::Sealed, Some(key)) => SignWith::Key(key, now),
        _ => SignWith::Nobody,
    };
    let entity = match (channel, signer) {
        (Channel::Open, Some(key)) => signed(&entity, key, now)?,
        _ => entity,
    };
    if channel == Channel::Open && !list.settings.encrypting() {
        return Ok(StoredBody::Plain { outer, payload: entity });
    }
    Ok(StoredBody::Sealed(openpgp::seal(&entity, &outer, inside, &storage)?))
}

/// Data that only the server reads again: unencrypted on a list that does not encrypt, otherwise sealed to
/// its storage key.
pub(crate) async fn enclose_own(
    app: &App,
    list: &MailingList,
    octets: Vec<u8>,
) -> Result<StoredBody, AppError> {
    if !list.settings.encrypting() {
        return Ok(StoredBody::Plain { outer: Vec::new(), payload: octets });
    }
    let storage = app.keys_of(list).await?.storage.certificate();
    Ok(StoredBody::Sealed(openpgp::seal(&octets, &[], SignWith::Nobody, &storage)?))
}

/// A message for the holder of one key: encrypted to that key and signed by the list.
pub(crate) async fn enclose_to(
    app: &App,
    list: &MailingList,
    payload: Payload,
    key: &SealingCard,
    now: Timestamp,
) -> Result<StoredBody, AppError> {
    let Payload { outer, entity } = payload;
    let keys = app.keys_of(list).await?;
    let armor = openpgp::seal_copy(&entity, SignWith::Key(&keys.posting, now), key, KeyIds::Named)?.joined();
    let (head, tail) = compose::encrypted_part(&Boundary::from_entropy(random()));
    let entity = [&head[..], &armor, &tail].concat();
    if !list.settings.encrypting() {
        return Ok(StoredBody::Plain { outer, payload: entity });
    }
    Ok(StoredBody::Sealed(openpgp::seal(&entity, &outer, SignWith::Nobody, &keys.storage.certificate())?))
}

/// The entity with the list's signature, in a form that every mail server accepts ([RFC 3156, section 3]), or
/// that most accept if an author's signature prevents that form.
pub(crate) fn signed(entity: &[u8], key: &ListKey, now: Timestamp) -> Result<Vec<u8>, AppError> {
    let fitting = fit(entity, Octets::SevenBit).or_else(|_| fit(entity, Octets::EightBit));
    let entity = fitting.unwrap_or(entity.into());
    let signature = openpgp::sign_detached(&entity, key, now)?;
    Ok(compose::signed(&entity, &signature, "pgp-sha512", &Boundary::from_entropy(random())))
}
