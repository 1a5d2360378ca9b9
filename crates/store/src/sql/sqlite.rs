//! SQLite, called directly on the calling thread, so that a statement costs only its own work.
//!
//! No await happens inside a call, so whoever polls the future runs the statement. Changes run on the
//! writer's own thread. Reads are short, and large bodies are read in pieces.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::query::Done;
use super::{SqlRow, Value, checkpoints};
use crate::StoreError;

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often to wait for readers of the write-ahead log, each time for [`BUSY_TIMEOUT`].
const SCRUB_TRIES: usize = 3;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 128;
/// The page size of a new file. Most messages take a little more than one page.
const PAGE_OCTETS: u32 = 8192;

/// Opens the file for changes, and makes it if there is none.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    make_private(path);
    let mut connection = configured(Connection::open(path)?)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_OCTETS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
    ))?;
    // Deleted data is overwritten, so that text of plain lists stays in no free page. FAST would leave some.
    // Measured: a stored and deleted message of 4 KiB costs 7 µs more and writes 27 KiB instead of 18; one of
    // 1 MiB takes a third more time and writes 3.1 MiB instead of 2.
    connection.execute_batch("PRAGMA secure_delete = ON;")?;
    checkpoints::beside(&mut connection, path)?;
    Ok(connection)
}

/// A new file is private whatever the umask, and SQLite gives the files beside it the same mode. If it cannot
/// be made, SQLite reports why.
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let _ = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path);
}

/// Opens a file that there is.
pub(super) fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    configured(Connection::open_with_flags(path, flags)?)
}

/// Opens an existing file without changing it. A file that this process cannot write is still readable if its
/// write-ahead log is empty, because then nobody changes it.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !can_be_written(path) && !has_log(path) {
        return configured(open_unchanging(path)?);
    }
    let connection = open_existing(path)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

/// SQLite takes no lock and looks for no log.
fn open_unchanging(path: &Path) -> rusqlite::Result<Connection> {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
}

/// Readers of a file with a write-ahead log write beside it.
fn can_be_written(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(path, Access::WRITE_OK).is_ok() && access(folder, Access::WRITE_OK).is_ok()
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Copies a consistent state of a database into a private file. The file gets its name when it is complete.
pub(crate) fn copy(path: &Path, to: &Path) -> Result<PathBuf, StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let io = |error: std::io::Error| StoreError::Copy { path: to.to_owned(), why: error };
    let mut draft = to.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    let _ = std::fs::remove_file(&draft);
    // SQLite writes into an empty file, and leaves its mode.
    let file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
    open_existing(path)?.execute("VACUUM INTO ?1", [draft.to_string_lossy()])?;
    file.sync_all().map_err(io)?;
    std::fs::rename(&draft, to).map_err(io)?;
    Ok(to.to_owned())
}

fn configured(connection: Connection) -> Result<Connection, StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // A prepared statement is kept whatever values are bound. Otherwise most statements are prepared again
    // each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch("PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

pub(super) fn execute(db: &Connection, text: &str, values: &[Value<'_>]) -> Result<Done, StoreError> {
    let mut statement = prepared(db, text, values)?;
    Ok(Done(statement.raw_execute()? as u64))
}

/// The rows of an answer, at most `limit`.
pub(super) fn rows(
    db: &Connection,
    text: &str,
    values: &[Value<'_>],
    limit: usize,
) -> Result<Vec<SqlRow>, StoreError> {
    let mut statement = prepared(db, text, values)?;
    let names: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut answer = statement.raw_query();
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = answer.next()?
    {
        let row: Result<Vec<Owned>, _> = (0..names.len()).map(|at| row.get(at)).collect();
        found.push(SqlRow::Sqlite(names.clone(), row?));
    }
    Ok(found)
}

fn prepared<'c>(
    db: &'c Connection,
    text: &str,
    values: &[Value<'_>],
) -> Result<CachedStatement<'c>, StoreError> {
    // `$1` is a name in SQLite, and numbered as it comes; `?1` is the number.
    let mut statement = db.prepare_cached(&text.replace('$', "?"))?;
    for (at, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(statement)
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Octets(Some(value)) => ValueRef::Blob(value),
            Self::Int(None) | Self::Text(None) | Self::Octets(None) => ValueRef::Null,
        }))
    }
}

/// Connections that only read, opened as they are needed and kept.
#[derive(Clone)]
pub(crate) struct SqliteReaders {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    room: Arc<Semaphore>,
}

impl SqliteReaders {
    pub(crate) fn new(path: &Path, most: usize) -> Self {
        Self { path: Arc::new(path.to_owned()), idle: Arc::default(), room: Arc::new(Semaphore::new(most)) }
    }

    /// Waits for a connection.
    pub(crate) async fn acquire(&self) -> Result<Pooled, StoreError> {
        let permit = self.room.clone().acquire_owned().await.map_err(|_| StoreError::Stopped)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_to_read(&self.path)?,
        };
        Ok(Pooled { connection: Some(connection), idle: self.idle.clone(), _permit: permit })
    }
}

/// A connection that goes back to its pool.
pub(crate) struct Pooled {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Pooled {
    pub(super) fn get(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("taken out only when it is dropped")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let back = self.connection.take();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(back);
    }
}

/// Rewrites the file without deleted data, and empties the write-ahead log.
pub(crate) fn scrub(path: &Path) -> Result<(), StoreError> {
    let connection = open_existing(path)?;
    connection.execute_batch("PRAGMA secure_delete = ON; VACUUM;")?;
    for _ in 0..SCRUB_TRIES {
        // The first column says whether a reader was in the way.
        let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
    }
    Err(StoreError::Transient { code: "others read the write-ahead log".into() })
}
