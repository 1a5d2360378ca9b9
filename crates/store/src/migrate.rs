//! Migrations: numbered scripts, each in a transaction of its own with its number.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::{Conn, StoreError};

const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_sqlite.sql")];

/// Brings the tables up to date.
pub(crate) async fn migrate(connection: &mut Conn) -> Result<(), StoreError> {
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY) STRICT").await?;
    let row = connection.fetch_one("SELECT COALESCE(MAX(number), 0) FROM migrations").await?;
    let found: i64 = row.try_get(0)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (number, script) in (1_i64..).zip(MIGRATIONS).skip(usize::try_from(found).unwrap_or(0)) {
        let mut transaction = connection.begin().await?;
        transaction.execute(sqlx::raw_sql(AssertSqlSafe(*script))).await?;
        sqlx::query("INSERT INTO migrations (number) VALUES ($1)")
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}
