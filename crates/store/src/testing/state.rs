//! Dumps and restores the whole state of a SQLite database.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use crate::sql::query;
use crate::{Conn, StoreError};

const ONLY_IN_TESTS: &str = "a database of a test can be read and written";

/// All rows of all tables of a SQLite database, by table; each row by column. For comparison only.
pub fn dump(file: &Path) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let db = Connection::open(file).expect(ONLY_IN_TESTS);
    tables(&db).into_iter().map(|table| (table.clone(), rows(&db, &table))).collect()
}

/// The columns that say those words anywhere, in text, JSON or octets, in small letters or capitals:
/// `addresses.email`. It looks through all columns of all tables of either database.
pub async fn columns_that_say(db: &mut Conn, words: &str) -> Result<Vec<String>, StoreError> {
    let columns = if db.is_alone() {
        "SELECT t.name AS table_name, c.name AS column_name, c.type AS data_type
         FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.sql IS NOT NULL"
    } else {
        "SELECT CAST(table_name AS TEXT) AS table_name, CAST(column_name AS TEXT) AS column_name, CAST(data_type AS TEXT) AS data_type
         FROM information_schema.columns WHERE table_schema = 'public'"
    };
    let mut found = Vec::new();
    for row in query(columns).fetch_all(&mut *db).await? {
        let (table, column): (String, String) = (row.try_get("table_name")?, row.try_get("column_name")?);
        let text = match &*row.try_get::<String>("data_type")? {
            "bytea" => format!("LOWER(ENCODE({column}, 'escape'))"),
            _ => format!("LOWER(CAST({column} AS TEXT))"),
        };
        let count =
            query(format!("SELECT COUNT(*) AS said FROM {table} WHERE REPLACE({text}, $1, '') <> {text}"));
        if count.bind(words.to_lowercase()).fetch_one(&mut *db).await?.try_get::<i64>("said")? > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    found.sort();
    Ok(found)
}

fn rows(db: &Connection, table: &str) -> Vec<BTreeMap<String, String>> {
    let mut statement = db.prepare(&format!("SELECT * FROM {table}")).expect(ONLY_IN_TESTS);
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row<'_>| {
        names.iter().map(|name| Ok((name.clone(), format!("{:?}", row.get_ref(&name[..])?)))).collect()
    };
    statement.query_map([], row).expect(ONLY_IN_TESTS).collect::<Result<_, _>>().expect(ONLY_IN_TESTS)
}

/// Makes a SQLite database equal to another one. Its store may be open, but nobody may write meanwhile.
pub fn restore(file: &Path, from: &Path) {
    let db = Connection::open(file).expect(ONLY_IN_TESTS);
    let mut script =
        format!("PRAGMA foreign_keys = OFF; ATTACH '{}' AS base; BEGIN IMMEDIATE;", from.display());
    for table in tables(&db) {
        script += &format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM base.{table};");
    }
    db.execute_batch(&(script + "COMMIT;")).expect(ONLY_IN_TESTS);
}

/// Writes a copy of a SQLite database that is open.
pub fn copy(file: &Path, to: &Path) {
    let db = Connection::open(file).expect(ONLY_IN_TESTS);
    db.execute("VACUUM INTO ?1", [to.display().to_string()]).expect(ONLY_IN_TESTS);
}

fn tables(db: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL ORDER BY name";
    let mut statement = db.prepare(sql).expect(ONLY_IN_TESTS);
    let names = statement.query_map([], |row| row.get(0)).expect(ONLY_IN_TESTS);
    names.collect::<Result<_, _>>().expect(ONLY_IN_TESTS)
}
