//! The site key: its mark, and its wrapped form if the database keeps it.

use crate::sql::query;
use crate::{Conn, StoreError};

const PURPOSE: &str = "mac";

/// What the database knows of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteKeyRow {
    /// The mark of the key. Another key has another mark.
    pub mark: Vec<u8>,
    /// The key, wrapped, if the database keeps it.
    pub wrapped: Option<Vec<u8>>,
}

/// What is known of the key; `None` before the first node has opened the database.
pub async fn known(db: &mut Conn) -> Result<Option<SiteKeyRow>, StoreError> {
    let row = query("SELECT mark, wrapped FROM site_keys WHERE purpose = $1")
        .bind(PURPOSE)
        .fetch_optional(db)
        .await?;
    row.map(|row| Ok(SiteKeyRow { mark: row.try_get("mark")?, wrapped: row.try_get("wrapped")? })).transpose()
}

/// Records the key unless another node did so first. Returns the recorded key.
pub async fn enter(db: &mut Conn, key: &SiteKeyRow) -> Result<SiteKeyRow, StoreError> {
    query(
        "INSERT INTO site_keys (purpose, mark, wrapped) VALUES ($1, $2, $3) ON CONFLICT (purpose) DO NOTHING",
    )
    .bind(PURPOSE)
    .bind(&key.mark)
    .bind(&key.wrapped)
    .execute(&mut *db)
    .await?;
    known(db).await?.ok_or(StoreError::Damaged { table: "site_keys" })
}

/// Keeps the key, wrapped, or replaces that form.
pub async fn keep_wrapped(db: &mut Conn, wrapped: &[u8]) -> Result<(), StoreError> {
    query("UPDATE site_keys SET wrapped = $2 WHERE purpose = $1")
        .bind(PURPOSE)
        .bind(wrapped)
        .execute(db)
        .await?;
    Ok(())
}
