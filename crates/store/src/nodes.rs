//! The processes that serve one database, and the claims of dead ones.

use sealist_lists::model::{ListNo, NodeNo};

use crate::sql::{Query, placeholders, query};
use crate::{Conn, StoreError};

/// A node without a heartbeat for this time is dead.
pub const DEAD_AFTER_MS: i64 = 6_000;

/// The claiming node, and the lists that it leaves to other nodes.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The process.
    pub node: NodeNo,
    /// Lists whose keys the node lacks.
    pub lacking: Vec<ListNo>,
}

impl Claimant {
    /// An SQL condition on the column with the list; its placeholders begin at that number. Held lists are
    /// excluded.
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

/// Registers this process as a node.
pub async fn register(db: &mut Conn) -> Result<NodeNo, StoreError> {
    let sql = format!("INSERT INTO nodes (seen_at) VALUES ({}) RETURNING no", db.clock());
    Ok(NodeNo(query(sql).fetch_one(db).await?.value()?))
}

/// Records a heartbeat. Returns `false` if other nodes have declared this node dead and taken over its
/// claims.
pub async fn heartbeat(db: &mut Conn, node: NodeNo) -> Result<bool, StoreError> {
    let sql = format!("UPDATE nodes SET seen_at = {} WHERE no = $1", db.clock());
    Ok(query(sql).bind(node.0).execute(db).await?.rows_affected() == 1)
}

/// Releases the claims of nodes whose lease has expired, and returns how many nodes were removed. `alone`: no
/// other process can be alive. Rows that a frozen process still holds locked are skipped (`SKIP LOCKED`); its
/// node row is deleted in the first later pass in which none is left.
pub async fn release_expired(db: &mut Conn, node: NodeNo, alone: Deployment) -> Result<usize, StoreError> {
    let patience = match alone {
        Deployment::SingleProcess => -1,
        Deployment::Cluster => DEAD_AFTER_MS,
    };
    let sql =
        format!("SELECT no FROM nodes WHERE no != $1 AND seen_at < {} - $2 {}", db.clock(), db.skip_locked());
    let dead = query(sql).bind(node.0).bind(patience).fetch_all(db).await?;
    if dead.is_empty() {
        return Ok(0);
    }
    let dead = dead.iter().map(|row| row.value()).collect::<Result<Vec<i64>, _>>()?;
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

/// Removes this node and releases its claims.
pub async fn deregister(db: &mut Conn, node: NodeNo) -> Result<(), StoreError> {
    for table in ["queue", "deliveries"] {
        let sql = format!("UPDATE {table} SET claimed_by = NULL, next_at = 0 WHERE claimed_by = $1");
        query(sql).bind(node.0).execute(&mut *db).await?;
    }
    query("DELETE FROM nodes WHERE no = $1").bind(node.0).execute(db).await?;
    Ok(())
}

/// Whether this process is the only one that uses the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// It is: SQLite.
    SingleProcess,
    /// It is not: PostgreSQL.
    Cluster,
}
