//! Posts that are kept after their last delivery, on lists with `archive` on.

use sealist_lists::model::ListNo;

use crate::sql::query;
use crate::{Conn, StoreError};

/// What a list keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveSize {
    /// How many posts.
    pub posts: i64,
    /// Their octets in the database.
    pub octets: i64,
}

/// What a list keeps, posts that are still on their way included.
pub async fn kept(db: &mut Conn, list: ListNo) -> Result<ArchiveSize, StoreError> {
    let row = query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(b.octets), 0) AS BIGINT) FROM sendings s JOIN bodies b ON b.no = s.body_no
         WHERE s.list_no = $1 AND s.archived = 1",
    );
    let row = row.bind(list.0).fetch_one(db).await?;
    Ok(ArchiveSize { posts: row.try_get(0)?, octets: row.try_get(1)? })
}

/// Keeps none of a list's posts any more: [`crate::sendings::delete_finished`] deletes those that are out. Says how many they
/// were.
pub async fn stop_keeping(db: &mut Conn, list: ListNo) -> Result<u64, StoreError> {
    let done = query("UPDATE sendings SET archived = 0 WHERE list_no = $1 AND archived = 1").bind(list.0);
    Ok(done.execute(db).await?.rows_affected())
}
