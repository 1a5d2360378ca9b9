//! Certificates that are asked for elsewhere: whose turn it is, and what came.

use sealist_lists::model::AddressNo;
use sealist_mail::Timestamp;

use crate::keys::{self, CertificateRow};
use crate::sql::query;
use crate::{Conn, StoreError};

/// How many certificates there are.
pub async fn count(db: &mut Conn) -> Result<i64, StoreError> {
    query("SELECT COUNT(*) FROM certificates").fetch_one(db).await?.try_get(0)
}

/// Takes the certificate that has waited longest since it was asked for, if that was before `before`: it counts as asked
/// for now, whatever comes of it. Other nodes take others.
pub async fn take(db: &mut Conn, before: Timestamp, now: Timestamp) -> Result<Option<AddressNo>, StoreError> {
    let sql = format!(
        "UPDATE certificates SET asked_at = $2 WHERE address_no =
         (SELECT address_no FROM certificates WHERE asked_at < $1 OR asked_at > $2 ORDER BY asked_at, address_no LIMIT 1 {})
         RETURNING address_no",
        db.skip_locked()
    );
    let row = query(sql).bind(before.0).bind(now.0).fetch_optional(db).await?;
    row.map(|row| Ok(AddressNo(row.try_get(0)?))).transpose()
}

/// Replaces a certificate by its updated form, with what changed, for owners to hear. `false`, and nothing done, if it is
/// not any more what the update was merged into.
pub async fn update(
    db: &mut Conn,
    address: AddressNo,
    before: &CertificateRow,
    after: &CertificateRow,
    changes: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let updated = query(
        "UPDATE certificates SET certificate = $3, card = $4, unusable = $5, generation = generation + 1, updated_at = $6,
         confirmed_at = $8, changes = $7, changed_at = $6 WHERE address_no = $1 AND certificate = $2",
    )
    .bind(address.0)
    .bind(&before.certificate)
    .bind(&after.certificate)
    .bind(&after.card)
    .bind(&after.unusable)
    .bind(now.0)
    .bind(changes)
    .bind(after.confirmed_at.map(|at| at.0))
    .execute(&mut *db)
    .await?;
    if updated.rows_affected() == 0 {
        return Ok(false);
    }
    if after.card.is_some() {
        keys::let_go(db, address, now).await?;
    }
    Ok(true)
}
