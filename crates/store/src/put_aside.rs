//! Counts the messages that a list put aside: automatic answers, reports, loops. Only their number is kept.

use sealist_lists::model::ListNo;
use sealist_lists::rules::Reason;
use sealist_mail::{DAY_MS, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// Counts one message of today.
pub async fn count(db: &mut Conn, list: ListNo, reason: Reason, now: Timestamp) -> Result<(), StoreError> {
    query(
        "INSERT INTO put_aside (list_no, day, reason, count) VALUES ($1, $2, $3, 1)
         ON CONFLICT (list_no, day, reason) DO UPDATE SET count = put_aside.count + 1",
    )
    .bind(list.0)
    .bind(now.0.div_euclid(DAY_MS))
    .bind(reason.name())
    .execute(db)
    .await?;
    Ok(())
}

/// How many messages a list put aside since the day of `since`, by the name of the reason.
pub async fn counts(db: &mut Conn, list: ListNo, since: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = query(
        "SELECT reason, CAST(SUM(count) AS BIGINT) AS count FROM put_aside WHERE list_no = $1 AND day >= $2
         GROUP BY reason ORDER BY reason",
    );
    let rows = rows.bind(list.0).bind(since.0.div_euclid(DAY_MS)).fetch_all(db).await?;
    rows.iter().map(|row| Ok((row.try_get("reason")?, row.try_get("count")?))).collect()
}

/// Forgets the days before that of `before`.
pub async fn forget(db: &mut Conn, before: Timestamp) -> Result<(), StoreError> {
    let day = before.0.div_euclid(DAY_MS);
    query("DELETE FROM put_aside WHERE day < $1").bind(day).execute(db).await?;
    Ok(())
}
