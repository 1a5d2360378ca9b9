//! How the write-ahead log of SQLite gets into the file: on a thread beside the writer, which need not wait for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::sqlite;
use crate::StoreError;

/// With so many pages, 64 MiB, the thread moves what is there. What is taken in and finished before that never gets into
/// the file.
const PAGES: i32 = 8192;
/// When no more than so many, 2 MiB, are left, the writer moves them: only then can the log begin anew.
const REST_PAGES: i32 = 256;
/// With so many, 128 MiB, the thread cannot keep up, and the writer moves all.
const TOO_MANY_PAGES: i32 = 2 * PAGES;

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
        } else if pages >= TOO_MANY_PAGES || pages - moved.load(Ordering::Relaxed) <= REST_PAGES {
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
        let done = sqlite::open_existing(path)
            .and_then(|own| Ok(own.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2))?));
        match done {
            Ok(pages) => moved.store(pages, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "the write-ahead log stays where it is for now"),
        }
    }
}
