//! The replay record: the outcome of each signed text at each address of the site. A row is written in the
//! transaction of its verdict. Refusals by a rule are not recorded.

use sealist_lists::model::{EntryNo, ListNo, SubAddress};
use sealist_lists::replay::{ReplayFate, SeenText};
use sealist_mail::Timestamp;

use crate::queue::QueueEntry;
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "signed_texts" };

/// A signed text, as the record names it: an HMAC.
pub type Digest = [u8; 32];

/// The recorded outcome of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// It was posted, or its commands were carried out.
    Accepted,
    /// It waits for a person.
    Waits,
    /// Its commands were refused, and the author was told why.
    Answered,
}

/// The last refusal of a text by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRefusal {
    /// When.
    pub at: Timestamp,
    /// The address of that person; empty for the command line.
    pub by: String,
}

/// The outcomes of these texts, at all addresses. A message that is gone does not count as waiting, whatever
/// its row says.
pub async fn seen(db: &mut Conn, digests: &[Digest]) -> Result<Vec<SeenText>, StoreError> {
    let mut found = Vec::new();
    for digest in digests {
        let rows = query(
            "SELECT t.list_no, t.sub_address, t.entry_no, t.arrival, t.outcome, t.refused_at, q.reasons FROM signed_texts t
             LEFT JOIN queue q ON q.no = t.entry_no WHERE t.digest = $1",
        );
        for row in rows.bind(&digest[..]).fetch_all(&mut *db).await? {
            found.extend(seen_in(&row)?);
        }
    }
    Ok(found)
}

/// Like [`seen`], for a transaction that will record an outcome. It locks these texts until the transaction
/// ends.
pub async fn seen_alone(db: &mut Conn, digests: &[Digest]) -> Result<Vec<SeenText>, StoreError> {
    for digest in digests {
        let (first, _) = digest.split_first_chunk().ok_or(DAMAGED)?;
        db.lock_to_end(i64::from_be_bytes(*first)).await?;
    }
    seen(db, digests).await
}

/// Records the outcome of an entry with these texts. An accepted text stays accepted.
pub async fn record(
    db: &mut Conn,
    digests: &[Digest],
    at: &QueueEntry,
    outcome: ReplayOutcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    let outcome = match outcome {
        ReplayOutcome::Accepted => "accepted",
        ReplayOutcome::Waits => "waits",
        // The refusal of a person has a date.
        ReplayOutcome::Answered => "refused",
    };
    for digest in digests {
        query(
            "INSERT INTO signed_texts (digest, list_no, sub_address, arrival, entry_no, outcome, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest, list_no, sub_address)
             DO UPDATE SET arrival = $4, entry_no = $5, outcome = $6, seen_at = $7
             WHERE signed_texts.outcome <> 'accepted'",
        )
        .bind(&digest[..])
        .bind(at.list.0)
        .bind(at.sub_address.name())
        .bind(&at.arrival)
        .bind(at.no.0)
        .bind(outcome)
        .bind(now.0)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Records that a person refused a waiting entry. `by` is the address of that person; empty for the command
/// line.
pub async fn refuse(db: &mut Conn, entry: EntryNo, by: &str, now: Timestamp) -> Result<(), StoreError> {
    query(
        "UPDATE signed_texts SET outcome = 'refused', refused_at = $2, refused_by = $3, seen_at = $2
         WHERE entry_no = $1 AND outcome = 'waits'",
    )
    .bind(entry.0)
    .bind(now.0)
    .bind(by)
    .execute(db)
    .await?;
    Ok(())
}

/// By whom and when the text of a waiting entry was refused before, if it was.
pub async fn refusal(db: &mut Conn, entry: EntryNo) -> Result<Option<PersonRefusal>, StoreError> {
    let row = query(
        "SELECT refused_at, refused_by FROM signed_texts WHERE entry_no = $1 AND refused_at IS NOT NULL
         ORDER BY refused_at DESC LIMIT 1",
    );
    let row = row.bind(entry.0).fetch_optional(db).await?;
    row.map(|row| {
        Ok(PersonRefusal { at: Timestamp(row.try_get("refused_at")?), by: row.try_get("refused_by")? })
    })
    .transpose()
}

/// Whether to tell the author now that these texts were posted at this address already. It is true once per
/// text.
pub async fn tell_once(db: &mut Conn, digests: &[Digest], at: &QueueEntry) -> Result<bool, StoreError> {
    let mut first = false;
    for digest in digests {
        let told = query(
            "UPDATE signed_texts SET told = 1
             WHERE digest = $1 AND list_no = $2 AND sub_address = $3 AND outcome = 'accepted' AND told = 0",
        );
        let told =
            told.bind(&digest[..]).bind(at.list.0).bind(at.sub_address.name()).execute(&mut *db).await?;
        first |= told.rows_affected() > 0;
    }
    Ok(first)
}

/// Deletes texts that were not seen since `before`, and returns how many rows.
pub async fn forget(db: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    let done = query("DELETE FROM signed_texts WHERE seen_at < $1").bind(before.0).execute(db).await?;
    Ok(done.rows_affected())
}

/// `None`: the message waited, and is gone without a person's refusal.
fn seen_in(row: &SqlRow) -> Result<Option<SeenText>, StoreError> {
    let text = |name: &str| row.try_get::<String>(name);
    let refused = row.try_get::<Option<i64>>("refused_at")?.is_some();
    let reasons = row.try_get::<Option<String>>("reasons")?;
    let fate = match (text("outcome")?.as_str(), reasons) {
        ("accepted", _) => ReplayFate::Accepted,
        ("waits" | "unknown", Some(reasons)) => {
            ReplayFate::Waits(serde_json::from_str(&reasons).map_err(|_| DAMAGED)?)
        }
        ("unknown", None) => ReplayFate::Unknown,
        ("refused", _) if !refused => ReplayFate::Answered,
        ("refused", _) => ReplayFate::Refused,
        ("waits", None) if refused => ReplayFate::Refused,
        ("waits", None) => return Ok(None),
        _ => return Err(DAMAGED),
    };
    Ok(Some(SeenText {
        list: ListNo(row.try_get("list_no")?),
        // A sub-address of a newer version is none that anybody asks for, and nothing that is signed goes to
        // this one.
        sub_address: SubAddress::from_name(&text("sub_address")?).unwrap_or(SubAddress::Bounces),
        entry: EntryNo(row.try_get("entry_no")?),
        arrival: row.try_get("arrival")?,
        fate,
        refused,
    }))
}
