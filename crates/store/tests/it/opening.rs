//! Who opens a database makes none, changes no tables unasked, and leaves a copy behind when asked.

use sealist_mail::DAY_MS;
use sealist_store::transaction;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::common::{NAME, Site, on_postgres};
use rusqlite::Connection;
use sealist_lists::model::ListName;
use sealist_store::database::DatabaseState;
use sealist_store::testing::{self, Postgres};
use sealist_store::{Database, Store, StoreError, lists};
use tempfile::TempDir;

fn files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_no_database_of_ours_stays_as_it_is() {
    let foreign = |path: &Path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE migrants (number INTEGER)").unwrap();
    };
    let begun = |path: &Path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE migrations (number INTEGER)").unwrap();
    };
    type Damage<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Damage<'_>); 4] = [
        ("no file", &|_| {}),
        ("an empty file", &|path| std::fs::write(path, "").unwrap()),
        ("somebody else's tables", &foreign),
        ("a first start that was cut short", &begun),
    ];
    for (case, make) in cases {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("sealist.db");
        make(&path);
        let (before, octets) = (files(folder.path()), std::fs::read(&path).ok());
        let database = Database::file(&path);
        assert_eq!(database.state().await.unwrap(), DatabaseState::Missing, "{case}");
        let opened = database.open().await.err().unwrap();
        assert!(matches!(opened, StoreError::Missing { .. }), "{case}: {opened}");
        assert!(opened.to_string().contains("is the disk mounted?"), "{opened}");
        assert!(matches!(database.migrate().await, Err(StoreError::Missing { .. })), "{case}");
        assert_eq!((files(folder.path()), std::fs::read(&path).ok()), (before, octets), "{case}");
    }
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    let database = Database::server(&url).unwrap();
    assert!(matches!(database.open().await, Err(StoreError::Missing { .. })));
    assert_eq!(database.state().await.unwrap(), DatabaseState::Missing, "and nothing was made");
}

/// Makes a database say that it is one version older; the tables stay, so nothing can be migrated for real.
async fn say_older(store: &Store) -> i64 {
    let said = store.write(transaction!(|db| testing::forget_last_migration(db).await));
    said.await.unwrap()
}

on_both! { an_older_database_waits_for_a_word }

async fn an_older_database_waits_for_a_word(site: Site) {
    let newest = say_older(&site.store).await;
    let database = site.database();
    assert_eq!(database.state().await.unwrap(), DatabaseState::Version(newest - 1));
    let opened = database.open().await.err().unwrap();
    assert!(matches!(opened, StoreError::Older { found, known } if (found, known) == (newest - 1, newest)));
    assert!(opened.to_string().contains("sealist db migrate"), "{opened}");
    assert_eq!(database.state().await.unwrap(), DatabaseState::Version(newest - 1), "nobody asked");
}

#[tokio::test]
async fn a_migration_leaves_a_copy_that_is_whole_and_private() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sealist.db");
    // The first version, as it was made then, in a folder where an earlier copy broke off.
    let first = include_str!("../../migrations/0001.sql");
    let types = [
        ("{number}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        ("{int}", "INTEGER"),
        ("{octets}", "BLOB"),
        ("{no octets}", "x''"),
        ("{strict, by key}", "STRICT, WITHOUT ROWID"),
        ("{strict}", "STRICT"),
    ];
    let script = types.iter().fold(first.to_owned(), |script, (word, with)| script.replace(word, with));
    let old = Connection::open(&path).unwrap();
    old.execute_batch("CREATE TABLE migrations (number INTEGER PRIMARY KEY) STRICT").unwrap();
    old.execute_batch(&script).unwrap();
    old.execute_batch("INSERT INTO migrations VALUES (1); INSERT INTO domains (mail_host, created_at) VALUES ('x.example', 1)").unwrap();
    old.execute_batch(
        r#"INSERT INTO lists (domain_no, local, style, settings, created_at) VALUES (1, 'team', 'pgp-default', '{}', 1);
           INSERT INTO queue (queue, list_no, door, body_no, arrival, received_at, next_at, reasons)
           VALUES ('hold', 1, 'posting', 1, x'01', 1, 1, '["unsigned","covert-content"]')"#,
    )
    .unwrap();
    drop(old);
    std::fs::write(folder.path().join("sealist.db.version-1.draft"), "broken off").unwrap();

    let database = Database::file(&path);
    let migrated = database.migrate().await.unwrap().unwrap();
    assert_eq!((migrated.from, database.migrate().await.unwrap()), (1, None), "once");
    let copy = migrated.copy.unwrap();
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Database::file(&copy).state().await.unwrap(), DatabaseState::Version(1));
    let hosts = Connection::open(&copy).unwrap();
    let hosts: i64 = hosts.query_row("SELECT COUNT(*) FROM domains", [], |row| row.get(0)).unwrap();
    assert_eq!(hosts, 1, "what was in it");
    database.open().await.unwrap();
    let held = Connection::open(&path).unwrap();
    let reasons: String = held.query_row("SELECT reasons FROM queue", [], |row| row.get(0)).unwrap();
    assert_eq!(reasons, r#"["unsigned","decrypted-for-unproven-sender"]"#, "a reason has its new name");

    let day = Duration::from_secs(24 * 3600);
    assert!(database.remove_copies(SystemTime::now() - day).is_empty(), "it is young");
    assert_eq!(database.remove_copies(SystemTime::now() + day), [copy]);
    database.open().await.unwrap();
}

/// A database that cannot be written is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_read() {
    let site = on_postgres().await;
    let url = format!("{}&options=-c%20default_transaction_read_only%3Don", site.url);
    let standby = Database::server(&url).unwrap().open().await.unwrap();
    let name: ListName = NAME.parse().unwrap();
    assert!(lists::by_name(&mut standby.reader().await.unwrap(), &name).await.unwrap().is_some());
    let lists = standby.write(transaction!(|db| crate::common::make_list(db).await)).await;
    assert!(matches!(lists, Err(StoreError::Transient { .. })), "and refuses changes: {lists:?}");

    // A process that holds the lock of migrations keeps nobody from reading.
    let held = site.store.write(transaction!(|db| testing::hold_lock_of_migrations(db).await));
    held.await.unwrap();
    Database::server(&site.url).unwrap().open().await.unwrap();
}

/// Readers never starve the writer: with no connection left they give theirs up, and get some when there are
/// some.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_without_a_connection_takes_its_readers() {
    for (connections, readers) in [(2, 2), (3, 3), (4, 4)] {
        let made = move || Postgres::started().narrow_database(connections);
        let url = tokio::task::spawn_blocking(made).await.unwrap();
        let database = Database::server(&url).unwrap();
        drop(database.make().await.unwrap());
        let store = loop {
            // The connection that made the tables may take a moment to be gone.
            match database.open().await {
                Ok(store) => break store,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        // All connections are with readers, one of which listens to calls, as after a restart of the
        // database. One that has just come back may not be idle yet.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut calls = store.calls().await.unwrap();
        let mut held = Vec::new();
        for _ in 1..readers {
            held.push(store.reader().await.unwrap());
        }
        drop(held);
        let made = tokio::time::timeout(Duration::from_secs(60), async {
            let listening = tokio::spawn(async move { drop(calls.next().await) });
            let made = store.write(transaction!(|db| crate::common::make_list(db).await)).await;
            listening.abort();
            made
        });
        let made = made.await.unwrap();
        assert!(made.is_ok(), "{connections} connections: {made:?}");
        if connections > 1 {
            let name: ListName = NAME.parse().unwrap();
            assert!(lists::by_name(&mut store.reader().await.unwrap(), &name).await.unwrap().is_some());
        }
    }
}

/// Pauses, claims and expiry go by one clock on all nodes.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_goes_by_the_clock_of_its_database() {
    let site = on_postgres().await;
    let ahead = site.store.read_database_clock().await.unwrap();
    assert!(ahead.abs() < 5_000, "one machine has one clock: {ahead}");

    // From now on the clock of the database is a day ahead.
    let name = site.url.split(['/', '?']).nth(3).unwrap();
    let script = format!(
        "CREATE SCHEMA ahead; ALTER DATABASE {name} SET search_path = ahead, pg_catalog, public;
         CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql
         RETURN pg_catalog.clock_timestamp() + INTERVAL '1 day'"
    );
    let psql = std::process::Command::new("psql").args(["-q", &site.url, "-c", &script]).status();
    assert!(psql.unwrap().success());
    let store = Store::open_url(&site.url).await.unwrap();
    let behind = -store.read_database_clock().await.unwrap();
    assert!((behind - DAY_MS).abs() < 5_000, "this machine is behind: {behind}");
    let now = store.now().0 - sealist_mail::Timestamp::now().0;
    assert!((now - DAY_MS).abs() < 5_000, "the database says what time it is: {now}");
}
