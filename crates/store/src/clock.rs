//! What a clock that is set back would make wait: times of next tries that no pause reaches.

use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError};

const TABLES: [(&str, &str); 2] = [
    ("queue", "queue = 'in' AND claimed_by IS NULL"),
    ("deliveries", "state = 'due' AND claimed_by IS NULL"),
];

/// Whether something waits until later than `latest`. A look ahead: it costs no commit.
pub async fn was_set_back(db: &mut Conn, latest: Timestamp) -> Result<bool, StoreError> {
    for (table, waits) in TABLES {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {waits} AND next_at > $1)");
        if query(sql).bind(latest.0).fetch_one(&mut *db).await?.try_get(0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes due what waits until later than `latest`: it was put off by a clock that has been set back since. Says how much.
pub async fn mend(db: &mut Conn, now: Timestamp, latest: Timestamp) -> Result<u64, StoreError> {
    let mut mended = 0;
    for (table, waits) in TABLES {
        let sql = format!("UPDATE {table} SET next_at = $2 WHERE {waits} AND next_at > $1");
        mended += query(sql).bind(latest.0).bind(now.0).execute(&mut *db).await?.rows_affected();
    }
    Ok(mended)
}
