//! Updates of certificates: which is due, and the result.

use sealist_lists::model::AddressNo;
use sealist_mail::Timestamp;

use crate::key_checks::WatchedCertificate;
use crate::keys::{self, CertificateRow};
use crate::sql::query;
use crate::{Conn, StoreError};

/// How many certificates there are.
pub async fn count(db: &mut Conn) -> Result<i64, StoreError> {
    query("SELECT COUNT(*) FROM certificates").fetch_one(db).await?.value()
}

/// Takes the certificate that was looked up longest ago, if that was before `before`. It counts as looked up
/// now, whatever the result, so that other nodes take others.
pub async fn take_due(
    db: &mut Conn,
    before: Timestamp,
    now: Timestamp,
) -> Result<Option<AddressNo>, StoreError> {
    let sql = format!(
        "UPDATE certificate_refreshes SET asked_at = $2 WHERE address_no =
         (SELECT address_no FROM certificate_refreshes WHERE asked_at < $1 OR asked_at > $2 ORDER BY asked_at, address_no LIMIT 1 {})
         RETURNING address_no",
        db.skip_locked()
    );
    let row = query(sql).bind(before.0).bind(now.0).fetch_optional(db).await?;
    row.map(|row| Ok(AddressNo(row.value()?))).transpose()
}

/// Replaces a certificate by its updated form, and records the changes for the owners. Returns `false` and
/// changes nothing if the certificate has changed since the update was merged.
pub async fn update(
    db: &mut Conn,
    seen: &WatchedCertificate,
    after: &CertificateRow,
    changes: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let address = seen.address_no;
    if !keys::replace_certificate(&mut *db, address, Some(seen.generation), after, now).await? {
        return Ok(false);
    }
    query("UPDATE certificate_refreshes SET changes = $2, changed_at = $3 WHERE address_no = $1")
        .bind(address.0)
        .bind(changes)
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(true)
}
