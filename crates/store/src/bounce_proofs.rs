//! Proofs of bounces on lists whose copies share an envelope sender. A report can be forged, so its only
//! effect is that the next copy to one member gets a handle of its own.

use sealist_lists::model::ListNo;
use sealist_mail::{Address, DAY_MS, Timestamp};

use crate::sql::{placeholders, query};
use crate::{Conn, StoreError};

/// A report counts only for messages that were sent within this many days.
const SENT_DAYS: i64 = 14;
/// A member gets a copy with a handle at most once in this many days.
const REST_DAYS: i64 = 7;

/// Records that the list sent a message. `mark` is the mark of its Message-ID.
pub async fn note_sent(db: &mut Conn, list: ListNo, mark: &[u8], now: Timestamp) -> Result<(), StoreError> {
    query(
        "INSERT INTO sent_ids (list_no, mark, sent_at) VALUES ($1, $2, $3)
         ON CONFLICT (list_no, mark) DO UPDATE SET sent_at = excluded.sent_at",
    )
    .bind(list.0)
    .bind(mark)
    .bind(now.0)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the list recently sent a message with one of these marks.
pub async fn is_sent(db: &mut Conn, list: ListNo, sent: &[[u8; 32]]) -> Result<bool, StoreError> {
    if sent.is_empty() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM sent_ids WHERE list_no = $1 AND mark IN ({}))",
        placeholders(2, sent.len())
    );
    let known = sent.iter().fold(query(sql).bind(list.0), |known, mark| known.bind(&mark[..]));
    known.fetch_one(db).await?.value()
}

/// If one of the marks belongs to a message that the list sent recently, the next copy to one of the failed
/// members will carry a handle. Returns whether it will.
pub async fn request_proof(
    db: &mut Conn,
    list: ListNo,
    failed: &[Address],
    returned: &[[u8; 32]],
    now: Timestamp,
) -> Result<bool, StoreError> {
    if failed.is_empty() || returned.is_empty() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM sent_ids WHERE list_no = $1 AND sent_at > $2 AND mark IN ({}))",
        placeholders(3, returned.len())
    );
    let known = query(sql).bind(list.0).bind(now.0 - SENT_DAYS * DAY_MS);
    let known = returned.iter().fold(known, |known, mark| known.bind(&mark[..]));
    if !known.fetch_one(&mut *db).await?.value::<bool>()? {
        return Ok(false);
    }
    let keys: Vec<String> = failed.iter().map(Address::key).collect();
    let sql = format!(
        "UPDATE members SET prove_post = 0, prove_asked_at = $2 WHERE no =
         (SELECT m.no FROM members m JOIN addresses a ON a.no = m.address_no
          WHERE m.list_no = $1 AND m.role = 'member' AND m.delivery_status = 'enabled' AND m.prove_asked_at < $3
          AND a.email_key IN ({}) ORDER BY m.no LIMIT 1)",
        placeholders(4, keys.len())
    );
    let asked = query(sql).bind(list.0).bind(now.0).bind(now.0 - REST_DAYS * DAY_MS);
    let asked = keys.iter().fold(asked, |asked, key| asked.bind(key));
    Ok(asked.execute(db).await?.rows_affected() > 0)
}

/// Forgets messages that are too old for a report to count.
pub async fn forget_sent(db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM sent_ids WHERE sent_at <= $1").bind(now.0 - SENT_DAYS * DAY_MS).execute(db).await?;
    Ok(())
}
