//! Earlier keys of an address that authorised the current one. If one of them proves to be compromised, its
//! authorisation is suspended.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::AddressNo;
use sealist_openpgp::Certificate;
use sealist_store::Conn;
use sealist_store::events::Occasion;
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::key_checks::{self, WatchedCertificate};
use sealist_store::key_refresh;
use sealist_store::keys::{self, CertificateRow};

use super::key_notices::lists_by_number;
use super::servers::{KeyServers, with_answers};
use super::suspended::{is_compromised, suspended_row, was_authorised_by};
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;
use crate::notice_kinds;
use crate::notices::PreparedNotice;
use crate::site::App;

/// Looks the earlier keys up. If one is compromised, the current key is in doubt, and the owners of the lists
/// that use it are told.
pub(super) async fn check_authorities(
    app: &App,
    servers: &dyn KeyServers,
    no: AddressNo,
    occasion: &Occasion,
) -> Result<(), AppError> {
    let (seen, row, changes) = {
        let mut db = app.store.reader().await?;
        let seen = key_checks::watched(&mut db, no).await?;
        (seen, keys::certificate_of(&mut db, no).await?, key_changes::of(&mut db, no).await?)
    };
    let (Some(seen), Some(row)) = (seen, row.filter(|row| row.confirmed_at.is_some())) else { return Ok(()) };
    for change in &changes {
        let Some(old) = &change.old_certificate else { continue };
        if !was_authorised_by(&changes, &change.old) {
            continue;
        }
        let (merged, _) = with_answers(servers, &seen.address, &Certificate::from_stored(old)?).await?;
        if is_compromised(&merged, occasion.now) {
            return doubt(app, seen, &row, &change.old, occasion).await;
        }
    }
    Ok(())
}

async fn doubt(
    app: &App,
    seen: WatchedCertificate,
    before: &CertificateRow,
    revoked: &str,
    occasion: &Occasion,
) -> Result<(), AppError> {
    let known = Certificate::from_stored(&before.certificate)?;
    let numbers = key_checks::openpgp_lists_of(&mut *app.store.reader().await?, seen.address_no).await?;
    let mut told = Vec::new();
    for list in lists_by_number(app, &numbers).await? {
        told.push(notice_kinds::key_void(&list, &seen.address, revoked, &known));
    }
    let (after, revoked) = (suspended_row(&known), revoked.to_owned());
    app.make(KeyInDoubt { seen, after, revoked, told }, occasion).await
}

/// The certificate of an address is suspended, because a certificate that authorised it is compromised.
struct KeyInDoubt {
    seen: WatchedCertificate,
    after: CertificateRow,
    revoked: String,
    told: Vec<PreparedNotice>,
}

impl Change for KeyInDoubt {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let (Self { seen, after, revoked, told }, now) = (self, occasion.now);
        if !key_refresh::update(&mut *db, &seen, &after, "a key before it is compromised", now).await? {
            return Ok(ChangeOutcome::nothing(()));
        }
        key_changes::revoke_authority(&mut *db, seen.address_no, &revoked, now).await?;
        let change = KeyChange::of_same_key(&after.fingerprint, Authority::Revocation, None, now);
        key_changes::add(&mut *db, seen.address_no, &change).await?;
        for notice in told {
            notice.store(&mut *db, now).await?;
        }
        let kind = EventKind::KeySuspended { fingerprint: after.fingerprint };
        let suspended = Event { list: None, subject: Some(seen.address), kind };
        Ok(ChangeOutcome::new((), [Happened::Change(suspended)]))
    }
}
