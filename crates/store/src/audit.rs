//! Who did or tried what. Rows are added and, when they are old, deleted; none is changed but those that count.
//!
//! What changes something is recorded each time ([`record`]). What is only tried, anybody can try ten thousand times a day:
//! the first of a day are recorded each, those beyond are counted in one row ([`attempt`]).

use sealist_lists::model::ListNo;
use sealist_mail::{Address, Timestamp};

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// On which list; `None`: on the whole site.
    pub list: Option<ListNo>,
    /// When; of a row that counts, the last time.
    pub at: Timestamp,
    /// The address that it is about; what mail says of itself may be a lie. Of what was done on the command line about no
    /// address: who did it there, as [`record`] got it. May be empty.
    pub who: String,
    /// What: `subscribe`, `wrong-token`.
    pub event: String,
    /// Fingerprints and reasons; nothing of a message.
    pub detail: String,
    /// How often: more than once only in a row that counts what was beyond the limits of a day. That row names nobody.
    pub times: u64,
}

/// Who tried something, as far as the list knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trier {
    /// The person whom the row names: a signature or a token shows it.
    Proven,
    /// Anybody, in the name of whom the row names.
    Anybody,
}

/// Rows a day of one event: about one address, if its owner tried it; otherwise of one list, so that whoever forges mail
/// neither fills the table nor pushes out of sight what else happened.
const MOST_A_DAY: i64 = 20;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Adds one row about something that was tried and changed nothing that lasts, or counts it where there are many today.
pub async fn attempt(
    db: &mut Conn,
    list: ListNo,
    trier: Trier,
    address: &Address,
    (event, detail): (&str, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let (of_whom, unproven) = match trier {
        Trier::Proven => ("unproven = 0 AND email_key = $4", 0_i64),
        Trier::Anybody => ("unproven = 1 AND $4 <> ''", 1),
    };
    let sql =
        format!("SELECT COUNT(*) FROM audit WHERE list_no = $1 AND event = $2 AND at > $3 AND {of_whom}");
    let row = query(sql).bind(list.0).bind(event).bind(now.0 - DAY_MS).bind(address.key());
    if row.fetch_one(&mut *db).await?.try_get::<i64>(0)? >= MOST_A_DAY {
        return count(db, list, event, "", now).await;
    }
    query(
        "INSERT INTO audit (list_no, at, email_key, event, detail, unproven) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(list.0)
    .bind(now.0)
    .bind(address.key())
    .bind(event)
    .bind(detail)
    .bind(unproven)
    .execute(db)
    .await?;
    Ok(())
}

/// Counts an event in the row of its list and day. Of `detail` there must be few.
pub async fn count(
    db: &mut Conn,
    list: ListNo,
    event: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO audit (list_no, at, event, detail, day) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (list_no, event, detail, day) WHERE day IS NOT NULL
         DO UPDATE SET times = audit.times + 1, at = excluded.at",
    )
    .bind(list.0)
    .bind(now.0)
    .bind(event)
    .bind(detail)
    .bind(now.0.div_euclid(DAY_MS))
    .execute(db)
    .await?;
    Ok(())
}

/// How often an event was counted since `since`, by its detail: on all lists together.
pub async fn counted(db: &mut Conn, event: &str, since: Timestamp) -> Result<Vec<(String, u64)>, StoreError> {
    let rows = query(
        "SELECT detail, CAST(SUM(times) AS BIGINT) FROM audit WHERE event = $1 AND day >= $2
         GROUP BY detail ORDER BY detail",
    );
    let rows = rows.bind(event).bind(since.0.div_euclid(DAY_MS)).fetch_all(db).await?;
    let read = |row: &SqlRow| Ok((row.try_get(0)?, u64::try_from(row.try_get::<i64>(1)?).unwrap_or(0)));
    rows.iter().map(read).collect()
}

/// Who did what no mail asked for.
pub const SERVER: &str = "(the server)";

/// Adds one row about something that changed: each is kept, however many there are. `who`: the address that it is about in the
/// form for look-ups, or else who did it: a user of the system, or [`SERVER`].
pub async fn record(
    db: &mut Conn,
    list: ListNo,
    who: &str,
    event: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO audit (list_no, at, email_key, event, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(list.0)
        .bind(now.0)
        .bind(who)
        .bind(event)
        .bind(detail)
        .execute(db)
        .await?;
    Ok(())
}

/// The newest first: of one list, or of all.
pub async fn newest(db: &mut Conn, list: Option<ListNo>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let of_list = if list.is_some() { "WHERE list_no = $2" } else { "" };
    let sql = format!(
        "SELECT list_no, at, email_key, event, detail, times FROM audit {of_list} ORDER BY no DESC LIMIT $1"
    );
    let statement = query(sql).bind(limit);
    let statement = match list {
        Some(list) => statement.bind(list.0),
        None => statement,
    };
    let rows = statement.fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(AuditEntry {
                list: row.try_get::<Option<i64>>(0)?.map(ListNo),
                at: Timestamp(row.try_get(1)?),
                who: row.try_get(2)?,
                event: row.try_get(3)?,
                detail: row.try_get(4)?,
                times: u64::try_from(row.try_get::<i64>(5)?).unwrap_or(1),
            })
        })
        .collect()
}

/// Deletes what is older.
pub async fn forget(db: &mut Conn, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM audit WHERE at < $1").bind(before.0).execute(db).await?;
    Ok(())
}
