//! Measures a PostgreSQL server for `doctor`: how long a commit takes, and how many connections it allows.

use std::time::{Duration, Instant};

use crate::nodes::{DEAD_AFTER_MS, Deployment};
use crate::sql::query;
use crate::transaction;
use crate::{Store, StoreError};

/// The connections of a node: one writer and its readers, one of which receives notifications.
pub const CONNECTIONS_OF_NODE: i64 = 5;
/// Connections for commands that run at the same time.
const OF_COMMANDS: i64 = 3;

/// The measured capacity.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Live nodes.
    pub nodes: i64,
    /// How many connections these nodes and a few commands need.
    pub needed: i64,
    /// How many connections server, role and database allow this user in total.
    pub allowed: i64,
    /// How long a commit takes, including the network.
    pub commit: Duration,
}

/// Measures the server; `None` with SQLite. On a read-only server the commit is that of a reading
/// transaction.
pub async fn of(store: &Store) -> Result<Option<Capacity>, StoreError> {
    if store.alone() == Deployment::SingleProcess {
        return Ok(None);
    }
    let mut db = store.reader().await?;
    let sql = format!("SELECT COUNT(*) FROM nodes WHERE seen_at > {} - {DEAD_AFTER_MS}", db.clock());
    let nodes: i64 = query(sql).fetch_one(&mut db).await?.value()?;
    let sql = "SELECT CAST(LEAST(
        (SELECT setting::INT FROM pg_settings WHERE name = 'max_connections')
            - (SELECT setting::INT FROM pg_settings WHERE name = 'superuser_reserved_connections'),
        (SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database())) AS BIGINT)";
    let allowed: i64 = query(sql).fetch_one(&mut db).await?.value()?;
    // A transaction with a transaction id is written to disk at its commit.
    let sql = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'";
    let reads_only: bool = query(sql).fetch_one(&mut db).await?.value()?;
    drop(db);
    let numbered =
        if reads_only { "SELECT CAST(1 AS BIGINT)" } else { "SELECT CAST(txid_current() AS BIGINT)" };
    let mut times = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let written = store.write(transaction!(|db| query(numbered).fetch_one(db).await.map(drop)));
        written.await?;
        times.push(began.elapsed());
    }
    times.sort();
    let needed = nodes.max(1) * CONNECTIONS_OF_NODE + OF_COMMANDS;
    Ok(Some(Capacity { nodes, needed, allowed, commit: times[times.len() / 2] }))
}
