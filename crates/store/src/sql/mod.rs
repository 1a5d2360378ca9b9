//! One SQL text for SQLite and PostgreSQL: placeholders `$1`, whole numbers of 64 bits, text, octets.
//!
//! Where the two differ (claims, the clock), [`Conn`] says the words of its own.

mod checkpoints;
mod postgres;
mod query;
mod row;
pub(crate) mod sqlite;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection as SqliteConnection;
use sealist_lists::registry::Registry;
use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgConnection, Postgres};

use crate::StoreError;
pub(crate) use query::{Query, Value, placeholders, query};
pub(crate) use row::SqlRow;

/// A connection to either database. Every table function takes one, from a reader or inside a write.
pub struct Conn {
    link: Link,
    registry: Arc<Registry>,
    /// The locks that the job holds until the transaction ends.
    held_to_end: Vec<i64>,
}

enum Link {
    Sqlite(Box<SqliteConnection>),
    SqliteReader(sqlite::Pooled),
    Postgres(Box<PgConnection>),
    PostgresReader(PoolConnection<Postgres>),
}

/// The connection under it.
pub(crate) enum Backend<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A connection that only reads.
pub struct ReadConnection(Conn);

impl Conn {
    fn new(link: Link) -> Self {
        Self { link, registry: Registry::built_in(), held_to_end: Vec::new() }
    }

    /// Reads what has a name (a style, a chain) by that registry from now on.
    pub(crate) fn read_by(&mut self, registry: Arc<Registry>) {
        self.registry = registry;
    }

    /// The registry of the site.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.clone()
    }

    pub(crate) fn sqlite(connection: SqliteConnection) -> Self {
        Self::new(Link::Sqlite(Box::new(connection)))
    }

    pub(crate) fn postgres(connection: PgConnection) -> Self {
        Self::new(Link::Postgres(Box::new(connection)))
    }

    pub(crate) fn backend(&mut self) -> Backend<'_> {
        match &mut self.link {
            Link::Sqlite(connection) => Backend::Sqlite(connection),
            Link::SqliteReader(connection) => Backend::Sqlite(connection.get()),
            Link::Postgres(connection) => Backend::Postgres(connection),
            Link::PostgresReader(connection) => Backend::Postgres(connection),
        }
    }

    fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_) | Link::PostgresReader(_))
    }

    /// Whether this is SQLite, where no other process changes anything and no other node is notified.
    pub(crate) fn is_alone(&self) -> bool {
        !self.is_postgres()
    }

    /// Runs one statement without parameters.
    pub(crate) async fn run(&mut self, statement: &'static str) -> Result<(), StoreError> {
        match self.backend() {
            Backend::Sqlite(connection) => sqlite::execute(connection, statement, &[]).map(|_| ()),
            Backend::Postgres(connection) => Ok(connection.execute(statement).await.map(|_| ())?),
        }
    }

    /// Runs any number of statements without parameters.
    pub(crate) async fn run_script(&mut self, script: String) -> Result<(), StoreError> {
        match self.backend() {
            Backend::Sqlite(connection) => Ok(connection.execute_batch(&script)?),
            Backend::Postgres(connection) => {
                let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
                Ok(connection.execute(script).await.map(|_| ())?)
            }
        }
    }

    /// The statement that begins a writing transaction. SQLite takes the lock at once, because a transaction
    /// that reads first may not get it.
    pub(crate) fn begin(&self) -> &'static str {
        if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" }
    }

    /// Waits for other jobs before the next commit. It spins on the writer's own thread, because the shortest
    /// sleep is longer than the jobs take.
    pub(crate) async fn wait_a_little(&mut self) {
        match self.backend() {
            Backend::Sqlite(_) => std::thread::yield_now(),
            Backend::Postgres(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }

    /// The end of a query that locks its rows. A transaction of SQLite is alone in any case.
    pub(crate) fn locked(&self) -> &'static str {
        if self.is_postgres() { "FOR UPDATE" } else { "" }
    }

    /// The end of a query that locks its rows for changes, but not for other such queries.
    pub(crate) fn shared(&self) -> &'static str {
        if self.is_postgres() { "FOR SHARE" } else { "" }
    }

    /// The end of the subquery of a claim. With PostgreSQL other nodes claim at the same time and skip rows
    /// that we hold.
    pub(crate) fn skip_locked(&self) -> &'static str {
        if self.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" }
    }

    /// The same where the subquery joins tables: only rows of that one are held.
    pub(crate) fn skip_locked_of(&self, table: &str) -> String {
        if self.is_postgres() { format!("FOR UPDATE OF {table} SKIP LOCKED") } else { String::new() }
    }

    /// The database's own clock in milliseconds, as an expression. Nodes never compare their own clocks.
    pub(crate) fn clock(&self) -> &'static str {
        if self.is_postgres() {
            "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        } else {
            "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        }
    }

    /// A question whether a table of that name is there.
    pub(crate) fn has_table(&self) -> &'static str {
        if self.is_postgres() {
            "SELECT to_regclass($1) IS NOT NULL"
        } else {
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1)"
        }
    }

    /// Waits for the lock of that number and takes it. With SQLite every transaction has the only lock.
    pub(crate) async fn lock_out_others(&mut self, key: i64) -> Result<(), StoreError> {
        if self.is_postgres() {
            query("SELECT pg_advisory_lock($1)").bind(key).execute(self).await?;
        }
        Ok(())
    }

    /// Releases the lock.
    pub(crate) async fn let_others_in(&mut self, key: i64) -> Result<(), StoreError> {
        if self.is_postgres() {
            query("SELECT pg_advisory_unlock($1)").bind(key).execute(self).await?;
        }
        Ok(())
    }

    /// Waits until no other transaction holds that lock, and holds it until this one ends. A job that asks
    /// again pays nothing.
    pub(crate) async fn lock_to_end(&mut self, key: i64) -> Result<(), StoreError> {
        if self.is_postgres() && !self.held_to_end.contains(&key) {
            query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(&mut *self).await?;
            self.held_to_end.push(key);
        }
        Ok(())
    }

    /// To be called when a job begins: the locks of the job before are gone if that job was rolled back, or
    /// was in another transaction.
    pub(crate) fn forget_locks(&mut self) {
        self.held_to_end.clear();
    }

    /// Notifies the other nodes when the transaction is committed.
    pub(crate) async fn notify(&mut self, runner: &'static str) -> Result<(), StoreError> {
        if self.is_postgres() {
            query("SELECT pg_notify('sealist', $1)").bind(runner).execute(self).await?;
        }
        Ok(())
    }

    /// The words of a column type in the tables of `migrations/`.
    pub(crate) fn column_types(&self) -> &'static [(&'static str, &'static str)] {
        if self.is_postgres() {
            &[
                ("{number}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
                ("{int}", "BIGINT"),
                ("{octets}", "BYTEA"),
                ("{no octets}", "''::BYTEA"),
                ("{random id}", "REPLACE(CAST(gen_random_uuid() AS TEXT), '-', '')"),
                ("{object of detail by event}", "json_build_object({field of detail}, detail)::TEXT"),
                ("{field of detail}", FIELD_OF_DETAIL),
                ("{strict}", ""),
                ("{strict, by key}", ""),
            ]
        } else {
            &[
                ("{number}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
                ("{int}", "INTEGER"),
                ("{octets}", "BLOB"),
                ("{no octets}", "x''"),
                ("{random id}", "LOWER(HEX(RANDOMBLOB(16)))"),
                ("{object of detail by event}", "json_object({field of detail}, detail)"),
                ("{field of detail}", FIELD_OF_DETAIL),
                ("{strict}", "STRICT"),
                ("{strict, by key}", "STRICT, WITHOUT ROWID"),
            ]
        }
    }
}

impl ReadConnection {
    pub(crate) fn sqlite(connection: sqlite::Pooled) -> Self {
        Self(Conn::new(Link::SqliteReader(connection)))
    }

    pub(crate) fn postgres(connection: PoolConnection<Postgres>) -> Self {
        Self(Conn::new(Link::PostgresReader(connection)))
    }
}

impl Deref for ReadConnection {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for ReadConnection {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

/// In which field the words of an audit entry stand since the events took the place of the audit.
const FIELD_OF_DETAIL: &str = "CASE WHEN event = 'notice-untold' THEN 'limit'
    WHEN event = 'command-refused' THEN 'problem' WHEN event = 'copy-dropped' THEN 'why'
    WHEN event IN ('request-done', 'request-unasked', 'request-expired') THEN 'action'
    WHEN event IN ('key-revoked', 'key-compromised', 'key-set-elsewhere', 'list-key-signed') THEN 'fingerprint'
    ELSE 'detail' END";
