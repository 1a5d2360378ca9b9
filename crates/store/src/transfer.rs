//! Moves a whole site from SQLite to PostgreSQL: all rows with their numbers, in one transaction, counted on
//! both sides.

use crate::nodes::Deployment;
use crate::sql::{SqlRow, Value, placeholders, query};
use crate::{Conn, Store, StoreError};

/// The tables in an order in which every row finds the rows that it refers to.
const TABLES: &[&str] = &[
    "domains",
    "lists",
    "list_settings",
    "list_keys",
    "wrapped_keys",
    "site_keys",
    "users",
    "addresses",
    "members",
    "preferences",
    "certificates",
    "certificate_checks",
    "certificate_refreshes",
    "key_checks",
    "bounce_causes",
    "bans",
    "bodies",
    "body_chunks",
    "queue",
    "hold_summaries",
    "posts",
    "archive",
    "sendings",
    "done_messages",
    "done_sendings",
    "done_copies",
    "deliveries",
    "signed_texts",
    "put_aside",
    "sent_ids",
    "notices",
    "stranger_notices",
    "pending_facts",
    "pending_notices",
    "requests",
    "tokens",
    "key_changes",
    "event_people",
    "events",
    "event_positions",
    "event_consumers",
];
/// Tables that have rows before a site is there: the migrations write them, or a check of the new database
/// with this program left a site key.
const MADE_EMPTY: &[&str] = &["site_keys", "event_positions", "preferences"];
/// The rows per page. Rows of bodies have up to 256 KiB.
const PAGE: i64 = 50;

/// The progress of a move.
#[derive(Clone, Copy, Debug)]
pub struct TransferProgress {
    /// The table.
    pub table: &'static str,
    /// The rows so far.
    pub done: i64,
    /// All rows of the table.
    pub all: i64,
}

/// Why a site was not moved. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The site is on PostgreSQL already.
    #[error("this site is on PostgreSQL already: PostgreSQL's own tools move it elsewhere")]
    Source,
    /// The new database is not PostgreSQL.
    #[error("a site is moved to PostgreSQL: the address must begin with postgres://")]
    Target,
    /// The new database has lists.
    #[error("the new database holds a site already: give an empty one")]
    NotEmpty,
    /// The counts differ.
    #[error("of table {table} {found} of {expected} rows came over")]
    Count {
        /// Which table.
        table: &'static str,
        /// Rows in the new database.
        found: i64,
        /// Rows in the old one.
        expected: i64,
    },
}

/// Copies every row. Nobody may serve either database meanwhile. Returns the number of rows.
pub async fn transfer(
    from: &Store,
    to: &Store,
    mut progress: impl FnMut(TransferProgress) + Send,
) -> Result<i64, TransferError> {
    if from.alone() != Deployment::SingleProcess {
        return Err(TransferError::Source);
    }
    if to.alone() != Deployment::Cluster {
        return Err(TransferError::Target);
    }
    let (mut old, mut new) = (from.reader().await?, to.connect().await?);
    if count(&mut new, "lists").await? > 0 {
        return Err(TransferError::NotEmpty);
    }
    new.run("BEGIN").await?;
    for table in MADE_EMPTY {
        query(format!("DELETE FROM {table}")).execute(&mut new).await?;
    }
    let mut rows = 0;
    for table in TABLES {
        rows += copy(&mut old, &mut new, table, &mut progress).await?;
    }
    new.run("COMMIT").await?;
    Ok(rows)
}

async fn copy(
    old: &mut Conn,
    new: &mut Conn,
    table: &'static str,
    progress: &mut (impl FnMut(TransferProgress) + Send),
) -> Result<i64, TransferError> {
    let columns = columns(new, table).await?;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let names = names.join(", ");
    let all = count(old, table).await?;
    let mut done = 0;
    while done < all {
        let sql = format!("SELECT {names} FROM {table} ORDER BY 1, 2 LIMIT $1 OFFSET $2");
        let page = query(sql).bind(PAGE).bind(done).fetch_all(old).await?;
        if page.is_empty() {
            break;
        }
        for row in &page {
            let sql = format!("INSERT INTO {table} ({names}) VALUES ({})", placeholders(1, columns.len()));
            let mut insert = query(sql);
            for column in &columns {
                insert = insert.bind(column.read(row)?);
            }
            insert.execute(new).await?;
        }
        done += i64::try_from(page.len()).unwrap_or(PAGE);
        progress(TransferProgress { table, done, all });
    }
    if columns.iter().any(|column| column.name == "no") {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'no'), (SELECT COALESCE(MAX(no), 0) + 1 FROM {table}), false)"
        );
        query(sql).execute(new).await?;
    }
    let found = count(new, table).await?;
    if found == all { Ok(all) } else { Err(TransferError::Count { table, found, expected: all }) }
}

/// A column, with its type in the new database.
struct TypedColumn {
    name: String,
    kind: String,
}

impl TypedColumn {
    fn read(&self, row: &SqlRow) -> Result<Value<'static>, StoreError> {
        Ok(match self.kind.as_str() {
            "bigint" => row.try_get::<Option<i64>>(&self.name)?.into(),
            "bytea" => row.try_get::<Option<Vec<u8>>>(&self.name)?.into(),
            _ => row.try_get::<Option<String>>(&self.name)?.into(),
        })
    }
}

async fn columns(new: &mut Conn, table: &'static str) -> Result<Vec<TypedColumn>, StoreError> {
    let rows = query(
        "SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS kind FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
    )
    .bind(table)
    .fetch_all(new)
    .await?;
    rows.iter()
        .map(|row| Ok(TypedColumn { name: row.try_get("name")?, kind: row.try_get("kind")? }))
        .collect()
}

async fn count(db: &mut Conn, table: &'static str) -> Result<i64, StoreError> {
    query(format!("SELECT COUNT(*) FROM {table}")).fetch_one(db).await?.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables that belong to this database only: its version, and the processes that serve it.
    const STAY: [&str; 3] = ["migrations", "node_keys", "nodes"];

    #[tokio::test]
    async fn every_table_comes_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("test.db")).await.unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let rows = query(sql).fetch_all(&mut store.reader().await.unwrap()).await.unwrap();
        let there: std::collections::BTreeSet<String> = rows.iter().map(|row| row.value().unwrap()).collect();
        let known = TABLES.iter().chain(&STAY).map(|name| (*name).to_owned()).collect();
        assert_eq!(there, known, "a new table belongs into TABLES, behind those that it names");
        for table in TABLES {
            let rows = count(&mut store.reader().await.unwrap(), table).await.unwrap();
            assert!(
                rows == 0 || MADE_EMPTY.contains(table),
                "{table}: rows of the migrations would stand twice"
            );
        }
    }
}
