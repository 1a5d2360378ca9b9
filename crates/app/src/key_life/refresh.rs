//! Looks for updates of known certificates where they are published, and merges them. No answer can set a new
//! key for an address or add trust.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::AddressNo;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, CertificateChange, Unusable};
use sealist_store::events::{self, Occasion};
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::key_checks::{self, WatchedCertificate};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::{key_refresh, people};
use serde::Serialize;

use super::previous_keys;
use super::row::updated_row;
use super::servers::{KeyServers, with_answers};
use crate::error::AppError;
use crate::site::App;

/// The result of one look-up.
#[derive(Clone, Debug, Serialize)]
pub struct Refreshed {
    /// Whose it is.
    pub address: String,
    /// Which one.
    pub fingerprint: String,
    /// What has changed, in words.
    pub changes: Vec<String>,
    /// Which servers gave no useful answer, and why.
    pub failures: Vec<String>,
}

/// Looks up the certificate whose last look-up is the oldest and before `before`. `None`: there is none.
pub(crate) async fn refresh_next(
    app: &App,
    servers: &dyn KeyServers,
    before: Timestamp,
    occasion: &Occasion,
) -> Result<Option<Refreshed>, AppError> {
    let now = occasion.now;
    let taken = app.store.write(move |db| Box::pin(key_refresh::take_due(db, before, now)));
    match taken.await? {
        Some(no) => refresh(app, servers, no, occasion).await,
        None => Ok(None),
    }
}

/// Looks up the certificate of an address now. `None`: it has none.
pub(crate) async fn refresh_address(
    app: &App,
    servers: &dyn KeyServers,
    address: &Address,
    occasion: &Occasion,
) -> Result<Option<Refreshed>, AppError> {
    let no = people::find_address(&mut *app.store.reader().await?, address).await?;
    match no {
        Some(no) => refresh(app, servers, no, occasion).await,
        None => Ok(None),
    }
}

/// How many certificates can be looked up.
pub(crate) async fn to_refresh(app: &App) -> Result<u64, AppError> {
    let count = key_refresh::count(&mut *app.store.reader().await?).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

async fn refresh(
    app: &App,
    servers: &dyn KeyServers,
    no: AddressNo,
    occasion: &Occasion,
) -> Result<Option<Refreshed>, AppError> {
    let now = occasion.now;
    let (seen, row) = {
        let mut db = app.store.reader().await?;
        (key_checks::watched(&mut db, no).await?, keys::certificate_of(&mut db, no).await?)
    };
    let (Some(seen), Some(row)) = (seen, row) else { return Ok(None) };
    let known = Certificate::from_stored(&row.certificate)?;
    let (merged, mut failures) = with_answers(servers, &seen.address, &known).await?;
    let mut changes = merged.changes_since(&known, now);
    if !changes.is_empty() && !record(app, &seen, &row, &merged, &changes, occasion).await? {
        failures.push("the key was set anew meanwhile".to_owned());
        changes.clear();
    }
    previous_keys::check_authorities(app, servers, no, occasion).await?;
    Ok(Some(Refreshed {
        address: seen.address.to_string(),
        fingerprint: seen.fingerprint,
        changes: changes.iter().map(ToString::to_string).collect(),
        failures,
    }))
}

async fn record(
    app: &App,
    seen: &WatchedCertificate,
    before: &CertificateRow,
    merged: &Certificate,
    changes: &[CertificateChange],
    occasion: &Occasion,
) -> Result<bool, AppError> {
    let now = occasion.now;
    let (no, after) = (seen.address_no, updated_row(app, &seen.address, before, merged, now));
    let authority = match merged.usable(now) {
        Err(Unusable::Revoked(_)) => Authority::Revocation,
        _ => Authority::Update,
    };
    let change = KeyChange::of_same_key(&seen.fingerprint, authority, None, now);
    let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let words = words.join(", ");
    let seen = seen.clone();
    let occasion = occasion.clone();
    let event = Event {
        list: None,
        subject: Some(seen.address.clone()),
        kind: match authority {
            Authority::Revocation => EventKind::KeyRevoked { fingerprint: seen.fingerprint.clone() },
            _ => EventKind::KeyChanged {
                old: seen.fingerprint.clone(),
                new: seen.fingerprint.clone(),
                authority: authority.name().to_owned(),
            },
        },
    };
    let done = app.store.write(move |db| {
        Box::pin(async move {
            if !key_refresh::update(&mut *db, &seen, &after, &words, now).await? {
                return Ok(false);
            }
            key_changes::add(&mut *db, no, &change).await?;
            events::record(db, &occasion, &event).await?;
            Ok(true)
        })
    });
    done.await
}
