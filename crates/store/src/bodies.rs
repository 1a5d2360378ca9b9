//! Stored bodies, in rows of bounded size. On an encrypting list they are sealed.

use sealist_lists::model::{BodyNo, ListNo};
use sealist_openpgp::{Family, Sealed};

use crate::sql::query;
use crate::{Conn, StoreError};

/// The usual size of a row in octets. A body can be read whatever the size of its rows.
pub const ROW_OCTETS: usize = 256 * 1024;
const DAMAGED: StoreError = StoreError::Damaged { table: "bodies" };

/// A body as it is stored.
pub enum StoredBody {
    /// A body of a list that does not encrypt. `outer` is the header block of copies, and empty for incoming
    /// mail.
    Plain {
        /// Header block of copies.
        outer: Vec<u8>,
        /// Entity or message.
        payload: Vec<u8>,
    },
    /// Sealed to the list's storage key.
    Sealed(Sealed),
}

impl StoredBody {
    pub(crate) fn parts(&self) -> (&'static str, &[u8], &[u8], &[u8]) {
        match self {
            Self::Plain { outer, payload } => ("plain", &[], outer, payload),
            Self::Sealed(sealed) => {
                let form = match sealed.family() {
                    Family::V4 => "seipd1",
                    Family::V6 => "seipd2",
                };
                (form, sealed.wrapped_key(), sealed.outer(), sealed.payload())
            }
        }
    }
}

/// Stores a body.
pub async fn insert(db: &mut Conn, body: &StoredBody) -> Result<BodyNo, StoreError> {
    let (form, wrapped_key, outer, payload) = body.parts();
    let (first, rest) = in_rows(payload);
    let no =
        query("INSERT INTO bodies (form, wrapped_key, outer_part, octets, data) VALUES ($1, $2, $3, $4, $5)")
            .bind(form)
            .bind(wrapped_key)
            .bind(outer)
            .bind(i64::try_from(payload.len()).unwrap_or(i64::MAX))
            .bind(first)
            .insert(&mut *db)
            .await?;
    for (seq, chunk) in (1_i64..).zip(rest) {
        append(&mut *db, BodyNo(no), seq, chunk).await?;
    }
    Ok(BodyNo(no))
}

/// The part of the payload in the body's own row, and the parts in the rows after it.
pub(crate) fn in_rows(payload: &[u8]) -> (&[u8], std::slice::Chunks<'_, u8>) {
    let (first, rest) = payload.split_at(payload.len().min(ROW_OCTETS));
    (first, rest.chunks(ROW_OCTETS))
}

/// Stores the next row of a body. The first of these is 1.
pub(crate) async fn append(db: &mut Conn, body: BodyNo, seq: i64, chunk: &[u8]) -> Result<(), StoreError> {
    let row = query("INSERT INTO body_chunks (body_no, seq, data) VALUES ($1, $2, $3)");
    row.bind(body.0).bind(seq).bind(chunk).execute(db).await?;
    Ok(())
}

/// The size of a body, without reading it.
pub async fn octets(db: &mut Conn, no: BodyNo) -> Result<u64, StoreError> {
    let row = query("SELECT octets FROM bodies WHERE no = $1").bind(no.0).fetch_one(db).await?;
    u64::try_from(row.value::<i64>()?).map_err(|_| DAMAGED)
}

/// Reads a body and checks its form.
pub async fn load(db: &mut Conn, no: BodyNo) -> Result<StoredBody, StoreError> {
    let row = query("SELECT form, wrapped_key, outer_part, octets, data FROM bodies WHERE no = $1")
        .bind(no.0)
        .fetch_one(&mut *db)
        .await?;
    let (form, wrapped_key, outer): (String, Vec<u8>, Vec<u8>) =
        (row.try_get("form")?, row.try_get("wrapped_key")?, row.try_get("outer_part")?);
    let octets = usize::try_from(row.try_get::<i64>("octets")?).map_err(|_| DAMAGED)?;
    let mut payload: Vec<u8> = row.try_get("data")?;
    payload.reserve_exact(octets.saturating_sub(payload.len()));
    let mut seq = 0_i64;
    while payload.len() < octets {
        // The rows are read one at a time, so that other work can run in between, and no body is in memory
        // twice.
        seq += 1;
        let row = query("SELECT data FROM body_chunks WHERE body_no = $1 AND seq = $2")
            .bind(no.0)
            .bind(seq)
            .fetch_optional(&mut *db)
            .await?
            .ok_or(DAMAGED)?;
        payload.extend_from_slice(&row.value::<Vec<u8>>()?);
        tokio::task::yield_now().await;
    }
    if payload.len() != octets {
        return Err(DAMAGED);
    }
    match form.as_str() {
        "plain" => Ok(StoredBody::Plain { outer, payload }),
        _ => Sealed::from_stored(wrapped_key, outer, payload).map(StoredBody::Sealed).map_err(|_| DAMAGED),
    }
}

/// Up to `limit` unencrypted bodies of a list: those of waiting messages and of posts.
pub async fn plain_of(db: &mut Conn, list: ListNo, limit: u32) -> Result<Vec<(BodyNo, BodyUse)>, StoreError> {
    let plain = query(
        "SELECT no, (SELECT COUNT(*) FROM posts WHERE body_no = bodies.no)
         + (SELECT COUNT(*) FROM sendings WHERE body_no = bodies.no AND kind = 'posting') AS postings FROM bodies
         WHERE form = 'plain' AND no IN
         (SELECT body_no FROM queue WHERE list_no = $1 UNION SELECT body_no FROM sendings WHERE list_no = $1
          UNION SELECT second_body_no FROM sendings WHERE list_no = $1 AND second_body_no IS NOT NULL
          UNION SELECT body_no FROM posts WHERE list_no = $1
          UNION SELECT summary_no FROM archive WHERE list_no = $1 AND summary_no IS NOT NULL)
         ORDER BY no LIMIT $2",
    );
    let rows = plain.bind(list.0).bind(limit).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let postings: i64 = row.try_get("postings")?;
            Ok((BodyNo(row.try_get("no")?), if postings > 0 { BodyUse::Posting } else { BodyUse::Other }))
        })
        .collect()
}

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// Its copies go to the members of a list.
    Posting,
    /// It waits in the queue, or is a notice.
    Other,
}

/// Replaces the stored form of a body.
pub async fn replace(db: &mut Conn, no: BodyNo, body: &StoredBody) -> Result<(), StoreError> {
    let (form, wrapped_key, outer, payload) = body.parts();
    let (first, rest) = in_rows(payload);
    query("DELETE FROM body_chunks WHERE body_no = $1").bind(no.0).execute(&mut *db).await?;
    let replaced = query(
        "UPDATE bodies SET form = $2, wrapped_key = $3, outer_part = $4, octets = $5, data = $6 WHERE no = $1",
    )
    .bind(no.0)
    .bind(form)
    .bind(wrapped_key)
    .bind(outer)
    .bind(i64::try_from(payload.len()).unwrap_or(i64::MAX))
    .bind(first)
    .execute(&mut *db)
    .await?;
    if replaced.rows_affected() == 0 {
        // The body was delivered or decided about in the meantime.
        return Ok(());
    }
    for (seq, chunk) in (1_i64..).zip(rest) {
        append(&mut *db, no, seq, chunk).await?;
    }
    Ok(())
}

/// Deletes a body. The row that owns it (of the queue, of posts, of notices, of the archive) goes in the same
/// transaction.
pub async fn delete(db: &mut Conn, no: BodyNo) -> Result<(), StoreError> {
    query("DELETE FROM bodies WHERE no = $1").bind(no.0).execute(db).await?;
    Ok(())
}
