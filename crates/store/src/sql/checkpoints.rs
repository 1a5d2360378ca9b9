//! Moves SQLite's write-ahead log into the database file, on a thread beside the writer, which need not wait
//! for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::sqlite;
use crate::StoreError;

/// At this size (32 MiB in a new file) the thread moves the log. Data that is stored and deleted before that
/// never reaches the file.
const PAGES: i32 = 4096;
/// When no more than this is left, the writer moves the rest and waits for the disk, because only then can
/// the log start anew.
const REST_PAGES: i32 = 512;
/// At this size the thread is too slow or blocked, and the writer moves what it can.
const TOO_MANY_PAGES: i32 = 2 * PAGES;
/// The pause before the thread retries if a reader or a full disk blocks it.
const PAUSE: Duration = Duration::from_millis(100);

/// Starts the thread for the writer's connection. It ends with the connection.
pub(super) fn beside(writer: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let (wake, woken) = sync_channel(1);
    let moved = Arc::new(AtomicI32::new(0));
    let thread = thread::Builder::new().name("checkpoints".into());
    let thread = thread.spawn({
        let (path, moved) = (path.to_owned(), moved.clone());
        move || run(&path, &woken, &moved)
    });
    thread.map_err(|error| StoreError::Transient { code: error.to_string() })?;
    let moves = move |log: &mut Wal, pages: i32| {
        if pages < PAGES {
            moved.store(0, Ordering::Relaxed);
            return Ok(());
        }
        let rest = pages - moved.load(Ordering::Relaxed);
        if pages >= TOO_MANY_PAGES || (0..=REST_PAGES).contains(&rest) {
            // A reader may be in the way; the next commit tries again.
            let _ = log.checkpoint();
        } else {
            let _ = wake.try_send(());
        }
        Ok(())
    };
    Ok(writer.wal_hook(Some(moves))?)
}

/// Moves what is in the log whenever it is woken, and says how many pages of it are in the file.
fn run(path: &Path, woken: &Receiver<()>, moved: &AtomicI32) {
    while woken.recv().is_ok() {
        let before = moved.load(Ordering::Relaxed);
        let done = sqlite::open_existing(path)
            .and_then(|own| Ok(own.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2))?));
        let pages = done.unwrap_or_else(|error| {
            tracing::warn!(
                event = "checkpoint-failed", %error,
                "cannot checkpoint the write-ahead log; retrying"
            );
            before
        });
        moved.store(pages, Ordering::Relaxed);
        if pages <= before {
            thread::sleep(PAUSE);
        }
    }
}
