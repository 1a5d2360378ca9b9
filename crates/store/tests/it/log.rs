//! The write-ahead log of SQLite stays small, however much goes through it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sealist_store::bodies::{self, StoredBody};
use sealist_store::transaction;
use sealist_store::{Store, StoreError};
use tempfile::TempDir;

const BODY_OCTETS: usize = 250_000;
/// Bodies that are several times what the log may hold.
const MANY: u32 = 800;
/// 64 MiB, at which the writer moves what there is, and what came meanwhile.
const MAX_LOG_OCTETS: u64 = 72 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_begins_anew() -> Result<(), StoreError> {
    let site = Site::open().await?;
    site.write(MANY).await?;
    assert!(site.log_octets() <= MAX_LOG_OCTETS, "{} octets of log", site.log_octets());
    assert!(site.file_octets() >= 100 << 20, "only {} octets are in the file", site.file_octets());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reader_only_puts_that_off() -> Result<(), StoreError> {
    let site = Site::open().await?;
    site.write(1).await?;
    let reader = Connection::open(&site.path)?;
    reader.execute_batch("BEGIN")?;
    let bodies =
        |reader: &Connection| reader.query_row("SELECT COUNT(*) FROM bodies", [], |row| row.get::<_, u32>(0));
    assert_eq!(bodies(&reader)?, 1);
    site.write(MANY).await?;
    let behind_the_reader = site.log_octets();
    assert!(behind_the_reader > MAX_LOG_OCTETS, "the reader is in the way: {behind_the_reader}");
    assert_eq!(bodies(&reader)?, 1, "it sees what it saw");

    reader.execute_batch("COMMIT")?;
    site.write(MANY).await?;
    let grown = site.log_octets() - behind_the_reader;
    assert!(grown <= MAX_LOG_OCTETS, "{grown} octets of log more");
    assert_eq!(bodies(&reader)?, 2 * MANY + 1);
    Ok(())
}

struct Site {
    store: Store,
    path: PathBuf,
    _folder: TempDir,
}

impl Site {
    async fn open() -> Result<Self, StoreError> {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("log.db");
        Ok(Self { store: Store::open(&path).await?, path, _folder: folder })
    }

    /// So many bodies, each in a commit of its own.
    async fn write(&self, bodies: u32) -> Result<(), StoreError> {
        for _ in 0..bodies {
            let stored = self.store.write(transaction!(|db| {
                let body = StoredBody::Plain { outer: Vec::new(), payload: vec![b'x'; BODY_OCTETS] };
                bodies::insert(db, &body).await
            }));
            stored.await?;
        }
        Ok(())
    }

    fn file_octets(&self) -> u64 {
        octets(&self.path)
    }

    fn log_octets(&self) -> u64 {
        octets(&self.path.with_extension("db-wal"))
    }
}

fn octets(path: &Path) -> u64 {
    std::fs::metadata(path).expect("a file").len()
}
