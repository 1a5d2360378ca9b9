//! Bans: addresses and domains that may not post and join.

use sealist_lists::model::ListNo;
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// Bans an address, or a whole domain with `@domain`; `list` `None`: on all lists.
pub async fn ban(
    db: &mut Conn,
    list: Option<ListNo>,
    pattern: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO bans (list_no, pattern, created_at) VALUES ($1, $2, $3)")
        .bind(list.map(|list| list.0))
        .bind(pattern_key(pattern))
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// The form for look-ups of an address, or of `@domain`.
pub(crate) fn pattern_key(pattern: &str) -> String {
    match pattern.strip_prefix('@') {
        Some(_) => Address::key_of(&format!("x{pattern}"))[1..].to_owned(),
        None => Address::key_of(pattern),
    }
}

/// Whether an address is banned from a list.
pub async fn is_banned(db: &mut Conn, list: ListNo, address: &Address) -> Result<bool, StoreError> {
    let row = query(
        "SELECT EXISTS (SELECT 1 FROM bans WHERE (list_no IS NULL OR list_no = $1) AND pattern IN ($2, $3))",
    )
    .bind(list.0)
    .bind(address.key())
    .bind(format!("@{}", address.ascii_domain()))
    .fetch_one(db)
    .await?;
    row.try_get(0)
}
