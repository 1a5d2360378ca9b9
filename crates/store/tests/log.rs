//! The write-ahead log of SQLite stays small, however much goes through it.

use sealist_store::bodies::{self, Body};
use sealist_store::{Store, StoreError};
use tempfile::TempDir;

const BODY_OCTETS: usize = 250_000;
/// 64 MiB, at which the writer moves what there is, and what came meanwhile.
const MAX_LOG_OCTETS: u64 = 72 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_begins_anew() -> Result<(), StoreError> {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("log.db");
    let store = Store::open(&path).await?;
    for _ in 0..800 {
        let stored = store.write(|db| {
            Box::pin(async move {
                let body = Body::Plain { outer: Vec::new(), payload: vec![b'x'; BODY_OCTETS] };
                bodies::insert(db, &body).await
            })
        });
        stored.await.map_err(|error: StoreError| error)?;
    }
    let octets = |path: &std::path::Path| std::fs::metadata(path).expect("a file").len();
    let (file, log) = (octets(&path), octets(&path.with_extension("db-wal")));
    assert!(log <= MAX_LOG_OCTETS, "{log} octets of log");
    assert!(file >= 100 << 20, "only {file} octets are in the file");
    Ok(())
}
