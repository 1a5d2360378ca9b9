//! Migrations: numbered scripts, recorded by their numbers, all in one transaction. One text serves both
//! databases, because placeholders for column types are filled in.

use crate::nodes::DEAD_AFTER_MS;
use crate::sql::{Conn, query};
use crate::{StoreError, address_keys, settings_rows};

#[cfg(test)]
mod tests;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
    include_str!("../migrations/0006.sql"),
    include_str!("../migrations/0007.sql"),
    include_str!("../migrations/0008.sql"),
    include_str!("../migrations/0009.sql"),
    include_str!("../migrations/0010.sql"),
    include_str!("../migrations/0011.sql"),
    include_str!("../migrations/0012.sql"),
    include_str!("../migrations/0013.sql"),
    include_str!("../migrations/0014.sql"),
    include_str!("../migrations/0015.sql"),
    include_str!("../migrations/0016.sql"),
    include_str!("../migrations/0017.sql"),
    include_str!("../migrations/0018.sql"),
    include_str!("../migrations/0019.sql"),
    include_str!("../migrations/0020.sql"),
    include_str!("../migrations/0021.sql"),
    include_str!("../migrations/0022.sql"),
    include_str!("../migrations/0023.sql"),
    include_str!("../migrations/0024.sql"),
    include_str!("../migrations/0025.sql"),
    include_str!("../migrations/0026.sql"),
    include_str!("../migrations/0027.sql"),
    include_str!("../migrations/0028.sql"),
];
/// The version of the tables that this program works with.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;
/// The lock that makes processes create or change tables one after the other.
pub(crate) const ALONE: i64 = 0x5ea1_1157;

/// The version of the tables; `None` if there are none. This only reads.
pub(crate) async fn version(connection: &mut Conn) -> Result<Option<i64>, StoreError> {
    let sql = connection.has_table();
    let there: bool = query(sql).bind("migrations").fetch_one(&mut *connection).await?.value()?;
    if !there {
        return Ok(None);
    }
    let row = query("SELECT COALESCE(MAX(number), 0) FROM migrations").fetch_one(connection).await?;
    let found: i64 = row.value()?;
    Ok((found > 0).then_some(found))
}

/// Whether a node sent a heartbeat recently. With SQLite a lock file tells this.
pub(crate) async fn is_served(connection: &mut Conn) -> Result<bool, StoreError> {
    if connection.is_alone() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM nodes WHERE seen_at > {} - {DEAD_AFTER_MS})",
        connection.clock()
    );
    query(sql).fetch_one(connection).await?.value()
}

/// Migrates the tables.
pub(crate) async fn migrate(connection: &mut Conn) -> Result<(), StoreError> {
    connection.lock_out_others(ALONE).await?;
    let done = migrate_alone(connection).await;
    connection.let_others_in(ALONE).await?;
    done
}

/// The migration is one transaction, so that nobody sees a partial database.
async fn migrate_alone(connection: &mut Conn) -> Result<(), StoreError> {
    let begin = connection.begin();
    connection.run(begin).await?;
    let applied = apply_all(connection, MIGRATIONS).await;
    connection.run(if applied.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    applied
}

async fn apply_all(connection: &mut Conn, migrations: &[&str]) -> Result<(), StoreError> {
    let table =
        filled_in(connection, "CREATE TABLE IF NOT EXISTS migrations (number {int} PRIMARY KEY) {strict}");
    connection.run_script(table).await?;
    let found = version(connection).await?.unwrap_or(0);
    if found > KNOWN {
        return Err(StoreError::Newer { found, known: KNOWN });
    }
    for (number, script) in (1_i64..).zip(migrations).skip(usize::try_from(found).unwrap_or(0)) {
        apply(connection, number, script).await?;
    }
    Ok(())
}

async fn apply(connection: &mut Conn, number: i64, script: &str) -> Result<(), StoreError> {
    let script = filled_in(connection, script);
    connection.run_script(script).await?;
    match number {
        address_keys::NUMBER => address_keys::renew(connection).await?,
        settings_rows::NUMBER => settings_rows::write(connection).await?,
        _ => {}
    }
    query("INSERT INTO migrations (number) VALUES ($1)").bind(number).execute(connection).await?;
    Ok(())
}

fn filled_in(connection: &Conn, script: &str) -> String {
    let types = connection.column_types().iter();
    types.fold(script.to_owned(), |script, (word, with)| script.replace(word, with))
}
