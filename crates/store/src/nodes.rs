//! The processes that serve one database, and what a dead one leaves.

use sealist_lists::model::{ListNo, NodeNo};

use crate::sql::{Query, placeholders, query};
use crate::{Conn, StoreError};

/// A node that was not seen for so long is dead.
pub const DEAD_AFTER_MS: i64 = 6_000;

/// Who claims, and what it leaves to others.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The process.
    pub node: NodeNo,
    /// Lists whose keys it does not have.
    pub lacking: Vec<ListNo>,
}

impl Claimant {
    /// A condition on the column that names the list; placeholders from that number on. Held lists wait.
    pub(crate) fn condition(&self, column: &str, from: usize) -> String {
        let held = format!("AND {column} NOT IN (SELECT no FROM lists WHERE held_at IS NOT NULL)");
        match self.lacking.len() {
            0 => held,
            count => format!("{held} AND {column} NOT IN ({})", placeholders(from, count)),
        }
    }

    pub(crate) fn bind<'q>(&self, query: Query<'q>) -> Query<'q> {
        self.lacking.iter().fold(query, |query, list| query.bind(list.0))
    }
}

/// Enters this process.
pub async fn register(db: &mut Conn) -> Result<NodeNo, StoreError> {
    let sql = format!("INSERT INTO nodes (seen_at) VALUES ({}) RETURNING no", db.clock());
    Ok(NodeNo(query(sql).fetch_one(db).await?.try_get(0)?))
}

/// Says that this process lives; `false` if the others took it for dead and hold what it had claimed.
pub async fn heartbeat(db: &mut Conn, node: NodeNo) -> Result<bool, StoreError> {
    let sql = format!("UPDATE nodes SET seen_at = {} WHERE no = $1", db.clock());
    Ok(query(sql).bind(node.0).execute(db).await?.rows_affected() == 1)
}

/// Frees what dead processes had claimed; says how many died. `alone`: no other process can be alive. A process that froze
/// in the middle of a change may hold rows still: nobody waits for those, and the process is buried when all are free.
pub async fn release_expired(db: &mut Conn, node: NodeNo, alone: Deployment) -> Result<usize, StoreError> {
    let patience = match alone {
        Deployment::Yes => -1,
        Deployment::No => DEAD_AFTER_MS,
    };
    let sql =
        format!("SELECT no FROM nodes WHERE no != $1 AND seen_at < {} - $2 {}", db.clock(), db.skip_locked());
    let dead = query(sql).bind(node.0).bind(patience).fetch_all(db).await?;
    if dead.is_empty() {
        return Ok(0);
    }
    let dead = dead.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    let marks = placeholders(1, dead.len());
    let of_dead = |sql: String| dead.iter().fold(query(sql), |query, no| query.bind(*no));
    for table in ["queue", "deliveries"] {
        let sql = format!(
            "UPDATE {table} SET claimed_by = NULL, next_at = 0 WHERE no IN
             (SELECT no FROM {table} WHERE claimed_by IN ({marks}) {})",
            db.skip_locked()
        );
        of_dead(sql).execute(&mut *db).await?;
    }
    let sql = format!(
        "DELETE FROM nodes WHERE no IN ({marks}) AND NOT EXISTS (SELECT 1 FROM queue WHERE claimed_by = nodes.no)
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE claimed_by = nodes.no)"
    );
    Ok(usize::try_from(of_dead(sql).execute(db).await?.rows_affected()).unwrap_or_default())
}

/// Leaves: what this process had claimed is free.
pub async fn deregister(db: &mut Conn, node: NodeNo) -> Result<(), StoreError> {
    for table in ["queue", "deliveries"] {
        let sql = format!("UPDATE {table} SET claimed_by = NULL, next_at = 0 WHERE claimed_by = $1");
        query(sql).bind(node.0).execute(&mut *db).await?;
    }
    query("DELETE FROM nodes WHERE no = $1").bind(node.0).execute(db).await?;
    Ok(())
}

/// Whether this process has the database to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// SQLite.
    Yes,
    /// PostgreSQL.
    No,
}
