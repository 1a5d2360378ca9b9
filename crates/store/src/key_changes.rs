//! Who authorised the key of each address: a chain, so that changes which a stolen key authorised can be
//! suspended.

use sealist_lists::model::{AddressNo, ListNo};
use sealist_lists::names;
use sealist_mail::Timestamp;

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};

/// Who or what authorised a key change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The old key of the address signed for the new one.
    OldKey,
    /// A moderator or owner of a list approved it.
    Moderator,
    /// An admin on the command line.
    Admin,
    /// The holder proved possession, and there was no key before.
    Possession,
    /// The key itself, by newer self-signatures.
    Update,
    /// The key itself, by its revocation.
    Revocation,
}

names! { Authority {
    OldKey = "old-key",
    Moderator = "moderator",
    Admin = "admin",
    Possession = "possession",
    Update = "update",
    Revocation = "revocation",
} }

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The fingerprint before; empty if there was none.
    pub old: String,
    /// The certificate before, binary, if the key is another one. A later revocation of the old key is
    /// verified with it.
    pub old_certificate: Option<Vec<u8>>,
    /// The fingerprint after; empty if there is none.
    pub new: String,
    /// The authority.
    pub authority: Authority,
    /// The list on which it was requested.
    pub list: Option<ListNo>,
    /// When.
    pub changed_at: Timestamp,
    /// When the authority was suspended.
    pub suspended_at: Option<Timestamp>,
}

impl KeyChange {
    /// A change in which the address keeps its key.
    pub fn of_same_key(
        fingerprint: &str,
        authority: Authority,
        list: Option<ListNo>,
        now: Timestamp,
    ) -> Self {
        Self {
            old: fingerprint.to_owned(),
            old_certificate: None,
            new: fingerprint.to_owned(),
            authority,
            list,
            changed_at: now,
            suspended_at: None,
        }
    }
}

/// Records a change.
pub async fn add(db: &mut Conn, address: AddressNo, change: &KeyChange) -> Result<(), StoreError> {
    query(
        "INSERT INTO key_changes (address_no, old_fingerprint, new_fingerprint, authority, list_no, changed_at, old_certificate)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(address.0)
    .bind(&change.old)
    .bind(&change.new)
    .bind(change.authority.name())
    .bind(change.list.map(|list| list.0))
    .bind(change.changed_at.0)
    .bind(&change.old_certificate)
    .execute(db)
    .await?;
    Ok(())
}

/// All changes of an address, the oldest first.
pub async fn of(db: &mut Conn, address: AddressNo) -> Result<Vec<KeyChange>, StoreError> {
    let sql =
        "SELECT old_fingerprint, new_fingerprint, authority, list_no, changed_at, suspended_at, old_certificate
               FROM key_changes WHERE address_no = $1 ORDER BY no";
    query(sql).bind(address.0).fetch_all(db).await?.iter().map(change).collect()
}

/// Suspends everything that a key authorised for an address. Returns the number of changes.
pub async fn revoke_authority(
    db: &mut Conn,
    address: AddressNo,
    fingerprint: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = query(
        "UPDATE key_changes SET suspended_at = $3
         WHERE address_no = $1 AND old_fingerprint = $2 AND authority = 'old-key' AND suspended_at IS NULL",
    )
    .bind(address.0)
    .bind(fingerprint)
    .bind(now.0)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

fn change(row: &SqlRow) -> Result<KeyChange, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { table: "key_changes" };
    Ok(KeyChange {
        old: row.try_get("old_fingerprint")?,
        old_certificate: row.try_get("old_certificate")?,
        new: row.try_get("new_fingerprint")?,
        authority: Authority::from_name(&row.try_get::<String>("authority")?).ok_or(DAMAGED)?,
        list: row.try_get::<Option<i64>>("list_no")?.map(ListNo),
        changed_at: Timestamp(row.try_get("changed_at")?),
        suspended_at: row.try_get::<Option<i64>>("suspended_at")?.map(Timestamp),
    })
}
