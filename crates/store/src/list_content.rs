//! What a list has: counted before the list is deleted with all of it.

use sealist_lists::model::{ListNo, Role};

use crate::sql::query;
use crate::{Conn, StoreError, people};

/// How much of each kind a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ListContent {
    /// Members.
    pub members: i64,
    /// Owners and moderators.
    pub in_charge: i64,
    /// Messages that wait for a moderator.
    pub held_messages: i64,
    /// Messages that are not judged yet, or were set aside.
    pub other_messages: i64,
    /// Requests that wait for an answer.
    pub requests: i64,
    /// Copies that are not delivered yet.
    pub waiting_copies: i64,
}

/// Counts what a list has.
pub async fn content(db: &mut Conn, list: ListNo) -> Result<ListContent, StoreError> {
    Ok(ListContent {
        members: people::count_of_role(&mut *db, list, Role::Member).await?,
        in_charge: people::count_of_role(&mut *db, list, Role::Owner).await?
            + people::count_of_role(&mut *db, list, Role::Moderator).await?,
        held_messages: count(&mut *db, "queue WHERE queue = 'hold' AND list_no = $1", list).await?,
        other_messages: count(&mut *db, "queue WHERE queue <> 'hold' AND list_no = $1", list).await?,
        requests: count(&mut *db, "requests WHERE list_no = $1", list).await?,
        waiting_copies: count(
            db,
            "deliveries d JOIN sendings s ON s.no = d.sending_no
             WHERE s.list_no = $1 AND d.state NOT IN ('sent', 'failed')",
            list,
        )
        .await?,
    })
}

async fn count(db: &mut Conn, rows: &'static str, list: ListNo) -> Result<i64, StoreError> {
    query(format!("SELECT COUNT(*) FROM {rows}")).bind(list.0).fetch_one(db).await?.value()
}
