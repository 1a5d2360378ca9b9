//! Tokens: each is known by its mark only, and belongs to a request or message and to the person who may use
//! it.

use sealist_lists::model::{EntryNo, RequestNo};
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// The value in place of a decision if the request was displaced.
const GAVE_WAY: &str = "gave way";

/// What a token answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSubject {
    /// The question of a request.
    Request(RequestNo),
    /// The decision about a held message.
    Entry(EntryNo),
    /// Nothing: the request was displaced by others.
    GaveWay,
    /// Nothing: somebody has decided about the request or message.
    Decided(PastDecision),
}

/// A past decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    /// The decision: `accepted`.
    pub decision: String,
    /// The person: an address, or `admin`.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Issues a token. `mark` is its HMAC.
pub async fn add(
    db: &mut Conn,
    about: TokenSubject,
    mark: &[u8; 32],
    who: &Address,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let (request, entry) = match about {
        TokenSubject::Request(no) => (Some(no.0), None),
        TokenSubject::Entry(no) => (None, Some(no.0)),
        TokenSubject::GaveWay | TokenSubject::Decided(_) => return Ok(()),
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
) -> Result<Option<TokenSubject>, StoreError> {
    let row = query(
        "SELECT request_no, entry_no, decision, decided_by, decided_at FROM tokens WHERE mark = $1 AND email_key = $2 AND expires_at > $3",
    )
    .bind(&mark[..])
    .bind(who.key())
    .bind(now.0)
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(match (row.try_get::<Option<i64>>("request_no")?, row.try_get::<Option<i64>>("entry_no")?) {
        (Some(no), _) => Some(TokenSubject::Request(RequestNo(no))),
        (None, Some(no)) => Some(TokenSubject::Entry(EntryNo(no))),
        (None, None) if row.try_get::<String>("decision")? == GAVE_WAY => Some(TokenSubject::GaveWay),
        (None, None) => Some(TokenSubject::Decided(PastDecision {
            decision: row.try_get("decision")?,
            by: row.try_get("decided_by")?,
            at: Timestamp(row.try_get("decided_at")?),
        })),
    })
}

/// Whether that token was issued and can still be used.
pub async fn is_known(db: &mut Conn, mark: &[u8; 32], now: Timestamp) -> Result<bool, StoreError> {
    let row = query("SELECT EXISTS (SELECT 1 FROM tokens WHERE mark = $1 AND expires_at > $2)");
    row.bind(&mark[..]).bind(now.0).fetch_one(db).await?.value()
}

/// Revokes all tokens of a request, because its question has changed.
pub async fn take_back(db: &mut Conn, request: RequestNo) -> Result<(), StoreError> {
    query("DELETE FROM tokens WHERE request_no = $1").bind(request.0).execute(db).await?;
    Ok(())
}

/// Ends the tokens of a displaced request. Later answers with them are told so.
pub async fn gave_way(db: &mut Conn, request: RequestNo) -> Result<(), StoreError> {
    let change = "UPDATE tokens SET request_no = NULL, decision = $2 WHERE request_no = $1";
    query(change).bind(request.0).bind(GAVE_WAY).execute(db).await?;
    Ok(())
}

/// Ends the tokens of a message that somebody decided about. Later answers with them are told who decided.
pub async fn decided(
    db: &mut Conn,
    entry: EntryNo,
    decision: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "UPDATE tokens SET entry_no = NULL, decision = $2, decided_by = $3, decided_at = $4 WHERE entry_no = $1",
    )
    .bind(entry.0)
    .bind(decision)
    .bind(by)
    .bind(now.0)
    .execute(db)
    .await?;
    Ok(())
}

/// Ends the moderators' tokens of a request that one of them decided about. Later answers with them are told
/// who decided, but not if they come from `author`, who made the request.
pub async fn request_decided(
    db: &mut Conn,
    request: RequestNo,
    author: &Address,
    decided: &PastDecision,
) -> Result<(), StoreError> {
    query(
        "UPDATE tokens SET request_no = NULL, decision = $3, decided_by = $4, decided_at = $5
         WHERE request_no = $1 AND email_key <> $2",
    )
    .bind(request.0)
    .bind(author.key())
    .bind(&decided.decision)
    .bind(&decided.by)
    .bind(decided.at.0)
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes expired tokens.
pub async fn forget(db: &mut Conn, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM tokens WHERE expires_at < $1 AND request_no IS NULL")
        .bind(before.0)
        .execute(db)
        .await?;
    Ok(())
}
