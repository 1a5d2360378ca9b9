//! What answers a question: known by its mark alone, bound to a request and to who may use it.

use sealist_lists::model::{EntryNo, RequestNo};
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// What a token answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The question of a request.
    Request(RequestNo),
    /// Whether a message that waits for a moderator is posted.
    Entry(EntryNo),
}

/// Gives a token out: `mark` is its HMAC.
pub async fn add(
    db: &mut Conn,
    about: Subject,
    mark: &[u8; 32],
    who: &Address,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let (request, entry) = match about {
        Subject::Request(no) => (Some(no.0), None),
        Subject::Entry(no) => (None, Some(no.0)),
    };
    query(
        "INSERT INTO tokens (mark, request_no, entry_no, email_key, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&mark[..])
    .bind(request)
    .bind(entry)
    .bind(who.key())
    .bind(expires_at.0)
    .execute(db)
    .await?;
    Ok(())
}

/// What a token answers, if that person may use it now.
pub async fn subject_of(
    db: &mut Conn,
    mark: &[u8; 32],
    who: &Address,
    now: Timestamp,
) -> Result<Option<Subject>, StoreError> {
    let row = query(
        "SELECT request_no, entry_no FROM tokens WHERE mark = $1 AND email_key = $2 AND expires_at > $3",
    )
    .bind(&mark[..])
    .bind(who.key())
    .bind(now.0)
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(match (row.try_get::<Option<i64>>(0)?, row.try_get::<Option<i64>>(1)?) {
        (Some(no), _) => Some(Subject::Request(RequestNo(no))),
        (None, no) => no.map(EntryNo).map(Subject::Entry),
    })
}

/// Takes back all tokens of a request: its question is another one now.
pub async fn take_back(db: &mut Conn, request: RequestNo) -> Result<(), StoreError> {
    query("DELETE FROM tokens WHERE request_no = $1").bind(request.0).execute(db).await?;
    Ok(())
}
