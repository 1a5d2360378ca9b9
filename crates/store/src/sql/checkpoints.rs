//! Moves SQLite's write-ahead log into the database file, on a thread beside the writer, which need not wait
//! for it.

use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
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
/// At this size the thread is too slow or blocked. The writer waits for what the thread moves just now, and then
/// moves what it can.
const TOO_MANY_PAGES: i32 = 2 * PAGES;
/// The pause before the thread retries if a reader or a full disk blocks it.
const PAUSE: Duration = Duration::from_millis(100);

/// What the thread and the writer know of each other.
#[derive(Default)]
struct Moves {
    /// How many pages of the log are in the file.
    pages: AtomicI32,
    /// Held by whoever moves the log: SQLite lets only one do that, and refuses the other.
    turn: Mutex<()>,
}

/// Starts the thread for the writer's connection. It ends with the connection.
pub(super) fn beside(writer: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let (wake, woken) = sync_channel(1);
    let moves = Arc::new(Moves::default());
    let thread = thread::Builder::new().name("checkpoints".into());
    let thread = thread.spawn({
        let (path, moves) = (path.to_owned(), moves.clone());
        move || run(&path, &woken, &moves)
    });
    thread.map_err(|error| StoreError::Transient { code: error.to_string() })?;
    let after_commit = move |log: &mut Wal, pages: i32| {
        if pages < PAGES {
            moves.pages.store(0, Ordering::Relaxed);
            return Ok(());
        }
        let rest = pages - moves.pages.load(Ordering::Relaxed);
        if pages >= TOO_MANY_PAGES || (0..=REST_PAGES).contains(&rest) {
            let _turn = moves.turn.lock().unwrap_or_else(PoisonError::into_inner);
            // A reader may be in the way; the next commit tries again.
            let _ = log.checkpoint();
        } else {
            let _ = wake.try_send(());
        }
        Ok(())
    };
    Ok(writer.wal_hook(Some(after_commit))?)
}

/// Moves what is in the log whenever it is woken, and says how many pages of it are in the file.
fn run(path: &Path, woken: &Receiver<()>, moves: &Moves) {
    while woken.recv().is_ok() {
        let before = moves.pages.load(Ordering::Relaxed);
        let turn = moves.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let done = sqlite::open_existing(path)
            .and_then(|own| Ok(own.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2))?));
        let pages = done.unwrap_or_else(|error| {
            tracing::warn!(
                event = "checkpoint-failed", %error,
                "cannot checkpoint the write-ahead log; retrying"
            );
            before
        });
        drop(turn);
        moves.pages.store(pages, Ordering::Relaxed);
        if pages <= before {
            thread::sleep(PAUSE);
        }
    }
}
