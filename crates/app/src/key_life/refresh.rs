//! Looks for updates of known certificates where they are published, and merges them. No answer can set a new
//! key for an address or add trust.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::AddressNo;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, CertificateChange, Unusable};
use sealist_store::Conn;
use sealist_store::events::Occasion;
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::key_checks::{self, WatchedCertificate};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::transaction;
use sealist_store::{key_refresh, people};
use serde::Serialize;

use super::previous_keys;
use super::row::updated_row;
use super::servers::{KeyServers, with_answers};
use crate::changes::{Change, ChangeOutcome, Happened, Unrecorded};
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
    let taken = app.write_unrecorded(
        Unrecorded::Schedules,
        transaction!(|db| key_refresh::take_due(db, before, now).await),
    );
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
    let after = updated_row(app, &seen.address, before, merged, now);
    let authority = match merged.usable(now) {
        Err(Unusable::Revoked(_)) => Authority::Revocation,
        _ => Authority::Update,
    };
    let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let newer = NewerCertificate { seen: seen.clone(), after, authority, words: words.join(", ") };
    app.make(newer, occasion).await
}

/// A key server has a newer form of a certificate. Answers whether the address still had the form that was
/// seen.
struct NewerCertificate {
    seen: WatchedCertificate,
    after: CertificateRow,
    authority: Authority,
    words: String,
}

impl Change for NewerCertificate {
    type Answer = bool;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<bool>, AppError> {
        let (Self { seen, after, authority, words }, now) = (self, occasion.now);
        if !key_refresh::update(&mut *db, &seen, &after, &words, now).await? {
            return Ok(ChangeOutcome::nothing(false));
        }
        let change = KeyChange::of_same_key(&seen.fingerprint, authority, None, now);
        key_changes::add(db, seen.address_no, &change).await?;
        let fingerprint = seen.fingerprint;
        let kind = match authority {
            Authority::Revocation => EventKind::KeyRevoked { fingerprint },
            _ => EventKind::KeyChanged {
                old: fingerprint.clone(),
                new: fingerprint,
                authority: authority.name().to_owned(),
            },
        };
        let event = Event { list: None, subject: Some(seen.address), kind };
        Ok(ChangeOutcome::new(true, [Happened::Change(event)]))
    }
}
