//! How the write-ahead log of SQLite gets into the file: on a thread beside the writer, which need not wait for it.

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

/// With so many pages, 32 MiB in a new file, the thread moves what is there. What is taken in and finished before that
/// never gets into the file.
const PAGES: i32 = 4096;
/// When no more than so many are left, the writer moves them and waits for the disk: only then can the log begin anew.
const REST_PAGES: i32 = 512;
/// With so many the thread does not keep up, or something is in its way: the writer moves what it can.
const TOO_MANY_PAGES: i32 = 2 * PAGES;
/// Before the thread tries again, when a reader or a full disk is in its way.
const PAUSE: Duration = Duration::from_millis(100);

/// Lets a thread do it for the connection that writes. It ends with the connection.
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
