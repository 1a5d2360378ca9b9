//! The database: one writer that gathers what comes at the same time into one commit, and some readers.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::migrate::migrate;

/// A connection: every table function takes one, from a reader or inside a write.
pub type Conn = SqliteConnection;

/// A future that borrows from its connection.
pub type Work<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Changes that wait for the writer; more make the callers wait.
const WAITING: usize = 1024;
/// Changes in one commit.
const MAX_BATCH: usize = 256;
/// How long a commit waits for company once somebody shares it.
const GATHER: Duration = Duration::from_millis(1);
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

/// The database of a site. Clones share it.
#[derive(Clone)]
pub struct Store {
    writer: mpsc::Sender<Job>,
    readers: SqlitePool,
    commits: Arc<AtomicU64>,
}

/// What a job says when it has run: whether it worked, and whom to tell after the commit.
struct Ran {
    worked: bool,
    tell: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

type Job = Box<dyn for<'c> FnOnce(&'c mut Conn) -> Work<'c, Ran> + Send>;

impl Store {
    /// Opens or creates the file, brings its tables up to date, and starts the writer. The file is readable
    /// by its owner alone.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: sqlx::Error| StoreError::Open {
            path: path.display().to_string(),
            detail: error.to_string(),
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .disable_statement_logging()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        migrate(&mut connection).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).min_connections(0);
        let readers =
            readers.connect_lazy_with(options.create_if_missing(false).pragma("query_only", "true"));
        let (writer, jobs) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        tokio::spawn(run_writer(connection, jobs, commits.clone()));
        Ok(Self { writer, readers, commits })
    }

    /// Runs a change. It shares a transaction with others that come at the same time, but fails alone, and
    /// the answer comes only when the commit is on disk.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, Result<T, E>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = change(connection).await;
                let worked = result.is_ok();
                let tell = Box::new(move |failure: Option<StoreError>| {
                    let _ = sender.send(match failure {
                        Some(failure) => Err(failure.into()),
                        None => result,
                    });
                });
                Ran { worked, tell }
            })
        });
        self.writer.send(job).await.map_err(|_| StoreError::Stopped)?;
        receiver.await.map_err(|_| StoreError::Stopped)?
    }

    /// A connection that only reads.
    pub async fn reader(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// Commits so far: for tests and benches.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

async fn run_writer(mut connection: Conn, mut jobs: mpsc::Receiver<Job>, commits: Arc<AtomicU64>) {
    while let Some(first) = jobs.recv().await {
        if let Err(error) = connection.execute("BEGIN IMMEDIATE").await {
            // Nothing has run: this change fails, the next may do better.
            refuse(first, &mut connection, error).await;
            continue;
        }
        let mut told = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            told.push(run_apart(job, &mut connection).await);
            if told.len() >= MAX_BATCH {
                break;
            }
            next = jobs.try_recv().ok();
            if next.is_none() && told.len() > 1 {
                next = tokio::time::timeout(GATHER, jobs.recv()).await.ok().flatten();
            }
        }
        let committed = connection.execute("COMMIT").await;
        if let Err(error) = &committed {
            tracing::error!(%error, "a commit failed");
            let _ = connection.execute("ROLLBACK").await;
        } else {
            commits.fetch_add(1, Ordering::Relaxed);
        }
        for tell in told {
            let failure =
                committed.as_ref().err().map(|error| StoreError::Transient { code: error.to_string() });
            tell(failure);
        }
    }
}

/// Runs a job inside its own savepoint.
async fn run_apart(job: Job, connection: &mut Conn) -> Box<dyn FnOnce(Option<StoreError>) + Send> {
    let opened = connection.execute("SAVEPOINT job").await;
    let ran = job(connection).await;
    let ended = match (&opened, ran.worked) {
        (Ok(_), true) => connection.execute("RELEASE job").await,
        _ => connection.execute("ROLLBACK TO job; RELEASE job").await,
    };
    match (ran.worked, opened.and(ended)) {
        (true, Err(error)) => {
            let tell = ran.tell;
            Box::new(move |_| tell(Some(error.into())))
        }
        (false, _) => {
            // Its own error stands, whatever the commit does.
            let tell = ran.tell;
            Box::new(move |_| tell(None))
        }
        (true, Ok(_)) => ran.tell,
    }
}

async fn refuse(job: Job, connection: &mut Conn, error: sqlx::Error) {
    tracing::error!(%error, "no transaction could be begun");
    // Outside a transaction, and undone: only to get at the one who waits.
    if connection.execute("SAVEPOINT refused").await.is_ok() {
        let ran = job(connection).await;
        let _ = connection.execute("ROLLBACK TO refused; RELEASE refused").await;
        (ran.tell)(Some(error.into()));
    }
}
