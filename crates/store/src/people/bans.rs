//! Bans: addresses and domains that may neither post nor join.

use sealist_lists::model::{BanPattern, ListNo};
use sealist_mail::{Address, Timestamp};

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, newer};

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// On this list; `None`: on all lists.
    pub list: Option<ListNo>,
    /// Whom it concerns.
    pub pattern: BanPattern,
    /// Since when.
    pub created_at: Timestamp,
}

/// Bans an address or a domain on one list, or on all (`None`). `false`, and nothing done, if the ban exists.
pub async fn ban(
    db: &mut Conn,
    list: Option<ListNo>,
    pattern: &BanPattern,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let banned =
        query("INSERT INTO bans (list_no, pattern, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    let banned = banned.bind(list.map(|list| list.0)).bind(pattern.key()).bind(now.0);
    Ok(banned.execute(db).await?.rows_affected() > 0)
}

/// Takes a ban back: on one list, or the ban of the whole site (`None`). `false` if there is no such ban.
pub async fn unban(db: &mut Conn, list: Option<ListNo>, pattern: &BanPattern) -> Result<bool, StoreError> {
    let scope = if list.is_some() { "list_no = $1" } else { "list_no IS NULL AND $1 = 0" };
    let gone = query(format!("DELETE FROM bans WHERE {scope} AND pattern = $2"));
    let gone = gone.bind(list.map_or(0, |list| list.0)).bind(pattern.key());
    Ok(gone.execute(db).await?.rows_affected() > 0)
}

/// The bans that apply on a list, those of the site among them; with `None` all bans. In the order in which
/// they were made.
pub async fn bans(db: &mut Conn, list: Option<ListNo>) -> Result<Vec<Ban>, StoreError> {
    let rows = query(
        "SELECT list_no, pattern, created_at FROM bans WHERE $1 = 0 OR list_no IS NULL OR list_no = $1 ORDER BY no",
    );
    let rows = rows.bind(list.map_or(0, |list| list.0)).fetch_all(db).await?;
    rows.iter().filter_map(|row| ban_of(row).transpose()).collect()
}

/// `None`: only a newer version knows whom it concerns.
fn ban_of(row: &SqlRow) -> Result<Option<Ban>, StoreError> {
    let pattern: String = row.try_get("pattern")?;
    let Ok(known) = pattern.parse() else {
        newer::report("bans", &pattern);
        return Ok(None);
    };
    let list = row.try_get::<Option<i64>>("list_no")?.map(ListNo);
    Ok(Some(Ban { list, pattern: known, created_at: Timestamp(row.try_get("created_at")?) }))
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
    row.value()
}
