//! Messages held for a moderator: since when, whose they are, and how many a list keeps.

use sealist_lists::model::{AddressNo, EntryNo, ListNo};
use sealist_lists::rules::Reason;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Sealed;

use crate::bodies::StoredBody;
use crate::queue;
use crate::queue_entry::{COLUMNS, KNOWN, QueueEntry, QueueName, entry as read_entry};
use crate::sql::query;
use crate::{Conn, StoreError};

/// How many messages of a list may be held: of strangers and, separately, of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    /// Messages; 0: no limit.
    pub messages: u32,
    /// Their total size in MiB; 0: no limit.
    pub mib: u32,
}

/// The facts about a message that is being held.
#[derive(Clone, Copy)]
pub struct Hold<'a> {
    /// Why it is held.
    pub reasons: &'a [Reason],
    /// The member who sent it. `None`: a stranger, or unknown.
    pub member: Option<AddressNo>,
    /// The author who is told now that it waits.
    pub told: Option<&'a Address>,
    /// What everybody on its way saw of it, in JSON; `None` if nobody could read it.
    pub summary: Option<&'a StoredBody>,
}

/// Holds a claimed entry for a moderator. Errs as [`queue::finish`] does.
pub async fn hold(
    db: &mut Conn,
    entry: &QueueEntry,
    hold: Hold<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    queue::set_aside(&mut *db, entry, QueueName::Hold, hold.reasons).await?;
    query(
        "UPDATE queue SET held_at = COALESCE(held_at, $2), held_for = $3, told_at = $2,
         author = CASE WHEN $4 = '' THEN author ELSE $4 END, author_told = CASE WHEN $4 = '' THEN author_told ELSE 1 END WHERE no = $1",
    )
    .bind(entry.no.0)
    .bind(now.0)
    .bind(hold.member.map(|member| member.0))
    .bind(hold.told.map_or(String::new(), Address::to_string))
    .execute(&mut *db)
    .await?;
    match hold.summary {
        Some(summary) => keep_summary(db, entry.no, summary).await,
        None => Ok(()),
    }
}

/// The address of the member whose message it is, if it is held for one. A list with OpenPGP knows the member
/// by the signature, a list without by the From field.
pub async fn held_for(db: &mut Conn, entry: EntryNo) -> Result<Option<Address>, StoreError> {
    let row = query("SELECT a.email FROM queue q JOIN addresses a ON a.no = q.held_for WHERE q.no = $1");
    let row = row.bind(entry.0).fetch_optional(db).await?;
    Ok(row.map(|row| row.value::<String>()).transpose()?.and_then(|email| Address::from_stored(&email)))
}

async fn keep_summary(db: &mut Conn, entry: EntryNo, summary: &StoredBody) -> Result<(), StoreError> {
    let (_, wrapped_key, outer, data) = summary.parts();
    query(
        "INSERT INTO hold_summaries (entry_no, wrapped_key, outer_part, data) VALUES ($1, $2, $3, $4)
         ON CONFLICT (entry_no) DO UPDATE SET wrapped_key = $2, outer_part = $3, data = $4",
    )
    .bind(entry.0)
    .bind(wrapped_key)
    .bind(outer)
    .bind(data)
    .execute(db)
    .await?;
    Ok(())
}

/// What everybody on the way of a message saw of it, as [`hold`] stored it. `None`: the message was held
/// without.
pub async fn summary(db: &mut Conn, entry: EntryNo) -> Result<Option<StoredBody>, StoreError> {
    let row = query("SELECT wrapped_key, outer_part, data FROM hold_summaries WHERE entry_no = $1");
    let Some(row) = row.bind(entry.0).fetch_optional(db).await? else { return Ok(None) };
    let (wrapped_key, outer, payload): (Vec<u8>, Vec<u8>, Vec<u8>) =
        (row.try_get("wrapped_key")?, row.try_get("outer_part")?, row.try_get("data")?);
    if wrapped_key.is_empty() {
        return Ok(Some(StoredBody::Plain { outer, payload }));
    }
    let damaged = |_| StoreError::Damaged { table: "hold_summaries" };
    Ok(Some(StoredBody::Sealed(Sealed::from_stored(wrapped_key, outer, payload).map_err(damaged)?)))
}

/// Deletes the summaries of a list that are stored in the clear: the list begins to encrypt. What they said
/// stands in the messages, too. Returns how many there were.
pub async fn forget_plain_summaries(db: &mut Conn, list: ListNo) -> Result<u64, StoreError> {
    let gone = query(
        "DELETE FROM hold_summaries WHERE LENGTH(wrapped_key) = 0 AND entry_no IN (SELECT no FROM queue WHERE list_no = $1)",
    )
    .bind(list.0)
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}

/// A held message that is removed, with its size in octets.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// The message.
    pub entry: QueueEntry,
    /// Its size as it is stored.
    pub octets: u64,
}

/// The held messages above the limits. Of strangers' messages the oldest are chosen; of members' messages the
/// oldest of the member who has most. So strangers never displace members, and no member displaces another
/// who has fewer.
pub async fn too_many(db: &mut Conn, list: ListNo, limits: HoldLimits) -> Result<Vec<Leaving>, StoreError> {
    let mut leaving = Vec::new();
    for whose in ["held_for IS NULL", "held_for IS NOT NULL"] {
        let sql = format!(
            "SELECT q.no, b.octets, q.held_for FROM queue q JOIN bodies b ON b.no = q.body_no
             WHERE q.list_no = $1 AND q.queue = 'hold' AND q.{whose} AND q.claimed_by IS NULL ORDER BY q.no"
        );
        let rows = query(sql).bind(list.0).fetch_all(&mut *db).await?;
        let mut waiting: Vec<(i64, u64, i64)> = Vec::with_capacity(rows.len());
        for row in &rows {
            let octets = u64::try_from(row.try_get::<i64>("octets")?).unwrap_or(0);
            waiting.push((row.try_get("no")?, octets, row.try_get::<Option<i64>>("held_for")?.unwrap_or(0)));
        }
        while let Some(at) = victim(&waiting, limits) {
            let (no, octets, _) = waiting.remove(at);
            if let Some(entry) = queue::find(&mut *db, EntryNo(no)).await? {
                leaving.push(Leaving { entry, octets });
            }
        }
    }
    Ok(leaving)
}

/// Which of these is removed first, if there are too many: entry, octets, owner.
fn victim(waiting: &[(i64, u64, i64)], limits: HoldLimits) -> Option<usize> {
    let octets: u64 = waiting.iter().map(|(_, octets, _)| octets).sum();
    let many = limits.messages > 0 && waiting.len() > limits.messages as usize;
    let large = limits.mib > 0 && octets > u64::from(limits.mib) * 1024 * 1024;
    if !many && !large {
        return None;
    }
    let share = |whose: i64| -> (u64, usize) {
        let own = waiting.iter().filter(|(_, _, other)| *other == whose);
        let (octets, count) = own.fold((0, 0), |(octets, count), row| (octets + row.1, count + 1));
        if large { (octets, count) } else { (count as u64, count) }
    };
    let most = waiting.iter().map(|(_, _, whose)| (share(*whose), *whose)).max()?.1;
    waiting.iter().position(|(_, _, whose)| *whose == most)
}

/// Up to `limit` messages of a list that have been held since before `before`.
pub async fn since_before(
    db: &mut Conn,
    list: ListNo,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Leaving>, StoreError> {
    listed(db, "AND held_at < $2 ORDER BY no LIMIT $3", list, before, limit).await
}

/// Up to `limit` messages of a list about which the owners were last told before `before`.
pub async fn told_before(
    db: &mut Conn,
    list: ListNo,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Leaving>, StoreError> {
    listed(db, "AND told_at < $2 ORDER BY no LIMIT $3", list, before, limit).await
}

async fn listed(
    db: &mut Conn,
    which: &str,
    list: ListNo,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Leaving>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM queue WHERE list_no = $1 AND queue = 'hold' AND {} {which}", *KNOWN);
    let rows = query(sql).bind(list.0).bind(before.0).bind(limit).fetch_all(&mut *db).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let entry = read_entry(row)?;
        let octets = crate::bodies::octets(&mut *db, entry.body).await?;
        found.push(Leaving { entry, octets });
    }
    Ok(found)
}

/// All held messages of a list, the oldest first.
pub async fn of_list(db: &mut Conn, list: ListNo) -> Result<Vec<Leaving>, StoreError> {
    listed(db, "AND received_at < $2 ORDER BY no LIMIT $3", list, Timestamp(i64::MAX), u32::MAX).await
}

/// Records that the owners are told about a message now.
pub async fn mark_told(db: &mut Conn, no: EntryNo, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE queue SET told_at = $2 WHERE no = $1").bind(no.0).bind(now.0).execute(db).await?;
    Ok(())
}

/// Records that an owner sees the content of a message.
pub async fn seen(db: &mut Conn, no: EntryNo, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE queue SET seen_at = $2 WHERE no = $1").bind(no.0).bind(now.0).execute(db).await?;
    Ok(())
}

/// Sets the time for messages that were held by an admin, or before times were recorded. Returns how many.
pub async fn begin_waits(db: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    let begun = query("UPDATE queue SET held_at = $1 WHERE queue = 'hold' AND held_at IS NULL");
    Ok(begun.bind(now.0).execute(db).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of one octet count, named by whose they are; who leaves, in order.
    fn check(messages: u32, mib: u32, waiting: &[(i64, u64, i64)], expected: &[i64]) {
        let (mut waiting, mut left) = (waiting.to_vec(), Vec::new());
        while let Some(at) = victim(&waiting, HoldLimits { messages, mib }) {
            left.push(waiting.remove(at).0);
        }
        assert_eq!(left, expected, "{messages} {mib}");
    }

    #[test]
    fn the_oldest_of_whoever_has_most_goes_first() {
        const MIB: u64 = 1024 * 1024;
        check(0, 0, &[(1, MIB, 0), (2, MIB, 0)], &[]);
        check(2, 0, &[(1, 9, 0), (2, 9, 0), (3, 9, 0)], &[1]);
        check(2, 0, &[(1, 9, 7), (2, 9, 8), (3, 9, 8)], &[2]);
        check(3, 0, &[(1, 9, 7), (2, 9, 8), (3, 9, 8), (4, 9, 8), (5, 9, 8)], &[2, 3]);
        check(0, 2, &[(1, MIB, 0), (2, MIB, 0), (3, MIB / 2, 0)], &[1]);
        check(0, 2, &[(1, 1, 7), (2, 1, 7), (3, 2 * MIB, 8)], &[3]);
        check(0, 1, &[(1, 2 * MIB, 0)], &[1]);
    }
}
