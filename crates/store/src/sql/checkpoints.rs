//! How the write-ahead log of SQLite gets into the file: on a thread beside the writer, which need not wait for it.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::sqlite;
use crate::StoreError;

/// After so many pages more, 16 MiB, the thread moves what is there. What is taken in and finished before that never gets
/// into the file.
const PAGES: i32 = 2048;
/// With so many, 64 MiB, the writer moves the rest itself: only then can the log begin anew.
const MAX_PAGES: i32 = 8192;

/// Lets a thread do it for the connection that writes. It ends with the connection.
pub(super) fn beside(writer: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let (wake, woken) = sync_channel(1);
    let path = path.to_owned();
    let thread = thread::Builder::new().name("checkpoints".into());
    let thread = thread.spawn(move || run(&path, &woken));
    thread.map_err(|error| StoreError::Transient { code: error.to_string() })?;
    let mut next = PAGES;
    let moves = move |log: &mut Wal, pages: i32| {
        if pages < PAGES {
            next = PAGES;
        } else if pages >= MAX_PAGES {
            // A reader may be in the way; the next commit tries again.
            let _ = log.checkpoint();
        } else if pages >= next {
            next = pages + PAGES;
            let _ = wake.try_send(());
        }
        Ok(())
    };
    Ok(writer.wal_hook(Some(moves))?)
}

fn run(path: &Path, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        let moved = sqlite::open_existing(path)
            .and_then(|own| Ok(own.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?));
        if let Err(error) = moved {
            tracing::warn!(%error, "the write-ahead log stays where it is for now");
        }
    }
}
