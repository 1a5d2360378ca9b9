//! Who did or tried what. Rows are added and, when they are old, deleted; never changed.

use sealist_lists::model::ListNo;
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// On which list; `None`: on the whole site.
    pub list: Option<ListNo>,
    /// When.
    pub at: Timestamp,
    /// Whom it is about; what mail says of itself may be a lie. May be empty.
    pub email: String,
    /// What: `subscribe`, `wrong-token`.
    pub event: String,
    /// Fingerprints and reasons; nothing of a message.
    pub detail: String,
}

/// Rows a day of one event about one address: who forges mail must not push out of sight what others tried.
const MOST_A_DAY: i64 = 20;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Adds one row, unless there are many of the kind today.
pub async fn add(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    event: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row =
        query("SELECT COUNT(*) FROM audit WHERE list_no = $1 AND email_key = $2 AND event = $3 AND at > $4")
            .bind(list.0)
            .bind(address.key())
            .bind(event)
            .bind(now.0 - DAY_MS)
            .fetch_one(&mut *db)
            .await?;
    if row.try_get::<i64>(0)? >= MOST_A_DAY {
        return Ok(());
    }
    record(db, list, address, event, detail, now).await
}

/// Adds one row, however many there are: of what people in charge do, each is kept.
pub async fn record(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    event: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO audit (list_no, at, email_key, event, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(list.0)
        .bind(now.0)
        .bind(address.key())
        .bind(event)
        .bind(detail)
        .execute(db)
        .await?;
    Ok(())
}

/// The newest first: of one list, or of all.
pub async fn newest(db: &mut Conn, list: Option<ListNo>, limit: u32) -> Result<Vec<Event>, StoreError> {
    let of_list = if list.is_some() { "WHERE list_no = $2" } else { "" };
    let sql = format!(
        "SELECT list_no, at, email_key, event, detail FROM audit {of_list} ORDER BY no DESC LIMIT $1"
    );
    let statement = query(sql).bind(limit);
    let statement = match list {
        Some(list) => statement.bind(list.0),
        None => statement,
    };
    let rows = statement.fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(Event {
                list: row.try_get::<Option<i64>>(0)?.map(ListNo),
                at: Timestamp(row.try_get(1)?),
                email: row.try_get(2)?,
                event: row.try_get(3)?,
                detail: row.try_get(4)?,
            })
        })
        .collect()
}

/// Deletes what is older.
pub async fn forget(db: &mut Conn, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM audit WHERE at < $1").bind(before.0).execute(db).await?;
    Ok(())
}
