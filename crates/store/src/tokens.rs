//! What answers a question: known by its mark alone, bound to a request and to who may use it.

use sealist_lists::model::RequestNo;
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// Gives a token out: `mark` is its HMAC.
pub async fn add(
    db: &mut Conn,
    request: RequestNo,
    mark: &[u8; 32],
    who: &Address,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO tokens (mark, request_no, email_key, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(&mark[..])
        .bind(request.0)
        .bind(who.key())
        .bind(expires_at.0)
        .execute(db)
        .await?;
    Ok(())
}

/// The request that a token answers, if that person may use it now.
pub async fn request_of(
    db: &mut Conn,
    mark: &[u8; 32],
    who: &Address,
    now: Timestamp,
) -> Result<Option<RequestNo>, StoreError> {
    let row = query("SELECT request_no FROM tokens WHERE mark = $1 AND email_key = $2 AND expires_at > $3")
        .bind(&mark[..])
        .bind(who.key())
        .bind(now.0)
        .fetch_optional(db)
        .await?;
    row.map(|row| row.try_get(0).map(RequestNo)).transpose()
}

/// Takes back all tokens of a request: its question is another one now.
pub async fn take_back(db: &mut Conn, request: RequestNo) -> Result<(), StoreError> {
    query("DELETE FROM tokens WHERE request_no = $1").bind(request.0).execute(db).await?;
    Ok(())
}
