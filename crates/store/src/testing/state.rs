//! Dumps and restores the whole state of a SQLite database.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

const ONLY_IN_TESTS: &str = "a database of a test can be read and written";

/// All rows of all tables of a SQLite database, by table; each row by column. For comparison only.
pub fn dump(file: &Path) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let db = Connection::open(file).expect(ONLY_IN_TESTS);
    tables(&db).into_iter().map(|table| (table.clone(), rows(&db, &table))).collect()
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
