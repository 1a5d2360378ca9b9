//! The processes that serve one database, and what a dead one leaves.

use sealist_lists::model::{ListNo, NodeNo};

use crate::sql::{Query, Row, marks, query};
use crate::{Conn, StoreError, coming};

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
            count => format!("{held} AND {column} NOT IN ({})", marks(from, count)),
        }
    }

    pub(crate) fn bind<'q>(&self, query: Query<'q>) -> Query<'q> {
        self.lacking.iter().fold(query, |query, list| query.bind(list.0))
    }
}

/// Enters this process.
pub async fn join(db: &mut Conn) -> Result<NodeNo, StoreError> {
    let sql = format!("INSERT INTO nodes (seen_at) VALUES ({}) RETURNING no", db.clock());
    Ok(NodeNo(query(sql).fetch_one(db).await?.try_get(0)?))
}

/// Says that this process lives; `false` if the others took it for dead and hold what it had claimed.
pub async fn live(db: &mut Conn, node: NodeNo) -> Result<bool, StoreError> {
    let sql = format!("UPDATE nodes SET seen_at = {} WHERE no = $1", db.clock());
    Ok(query(sql).bind(node.0).execute(db).await?.rows_affected() == 1)
}

/// Frees what dead processes had claimed, and deletes what came to them in part; says how many died. `alone`: no other process can be alive. A process that froze
/// in the middle of a change may hold rows still: nobody waits for those, and the process is buried when all are free.
pub async fn bury(db: &mut Conn, node: NodeNo, alone: Alone) -> Result<usize, StoreError> {
    let patience = match alone {
        Alone::Yes => -1,
        Alone::No => DEAD_AFTER_MS,
    };
    let sql =
        format!("SELECT no FROM nodes WHERE no != $1 AND seen_at < {} - $2 {}", db.clock(), db.skip_locked());
    let dead = query(sql).bind(node.0).bind(patience).fetch_all(&mut *db).await?;
    let buried = if dead.is_empty() { 0 } else { bury_these(&mut *db, &dead).await? };
    coming::drop_left(db).await?;
    Ok(buried)
}

async fn bury_these(db: &mut Conn, dead: &[Row]) -> Result<usize, StoreError> {
    let dead = dead.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    let marks = marks(1, dead.len());
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

/// Leaves: what this process had claimed is free, and what came to it in part is gone.
pub async fn leave(db: &mut Conn, node: NodeNo) -> Result<(), StoreError> {
    for table in ["queue", "deliveries"] {
        let sql = format!("UPDATE {table} SET claimed_by = NULL, next_at = 0 WHERE claimed_by = $1");
        query(sql).bind(node.0).execute(&mut *db).await?;
    }
    query("DELETE FROM nodes WHERE no = $1").bind(node.0).execute(&mut *db).await?;
    coming::drop_left(db).await
}

/// Whether this process has the database to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// SQLite.
    Yes,
    /// PostgreSQL.
    No,
}
