//! The database of a site: one writer that gathers what comes at the same time into one commit, and readers.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::database::{Database, Location};
use crate::nodes::Alone;
use crate::sql::{Conn, Reader, sqlite};
use crate::writer::{Job, Ran, Writer};

/// A future that borrows from its connection.
pub type Work<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Changes that wait for the writer; more make the callers wait.
const WAITING: usize = 1024;
const READERS: u32 = 4;

/// The database of a site. Clones share it.
#[derive(Clone)]
pub struct Store {
    location: Location,
    writer: mpsc::Sender<Job>,
    readers: Readers,
    commits: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Readers {
    Sqlite(sqlite::Pool),
    Postgres(PgPool),
}

impl Location {
    fn readers(&self) -> Readers {
        match self {
            Self::File(path) => Readers::Sqlite(sqlite::Pool::new(path, READERS as usize)),
            Self::Server(options) => {
                let pool = PgPoolOptions::new().max_connections(READERS).min_connections(0);
                let options = options.as_ref().clone().options([("default_transaction_read_only", "on")]);
                Readers::Postgres(pool.connect_lazy_with(options))
            }
        }
    }
}

impl Store {
    /// Opens the SQLite file, makes it if there is none, and brings its tables up to date. Others open a site by
    /// [`Database::open`], which makes nothing.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Database::file(path).make().await
    }

    /// The same for a PostgreSQL database, `postgres://user@host/name`, that any number of nodes may share.
    pub async fn open_url(url: &str) -> Result<Self, StoreError> {
        Database::server(url)?.make().await
    }

    /// Starts the writer. Without a connection it makes one for the first change: who only reads needs none.
    pub(crate) fn start(location: Location, connection: Option<Conn>) -> Result<Self, StoreError> {
        let readers = location.readers();
        let (sender, jobs) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(location.clone(), connection, jobs, commits.clone());
        writer.start().map_err(|error| location.failed(error))?;
        Ok(Self { location, writer: sender, readers, commits })
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
                let result = match connection {
                    Ok(connection) => change(connection).await,
                    Err(error) => Err(error.into()),
                };
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
    pub async fn reader(&self) -> Result<Reader, StoreError> {
        Ok(match &self.readers {
            Readers::Sqlite(pool) => Reader::sqlite(pool.acquire().await?),
            Readers::Postgres(pool) => Reader::postgres(pool.acquire().await?),
        })
    }

    /// A connection of one's own, for what does not share a commit.
    pub(crate) async fn connect(&self) -> Result<Conn, StoreError> {
        self.location.connect().await
    }

    /// Whether this process has the database to itself.
    pub fn alone(&self) -> Alone {
        match self.readers {
            Readers::Sqlite(_) => Alone::Yes,
            Readers::Postgres(_) => Alone::No,
        }
    }

    /// The calls of other nodes; with SQLite, where there are none, silence.
    pub async fn calls(&self) -> Result<Calls, StoreError> {
        let Readers::Postgres(pool) = &self.readers else { return Ok(Calls(None)) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen("sealist").await?;
        Ok(Calls(Some(listener)))
    }

    /// Makes what was deleted or replaced unreadable in the file of SQLite and its write-ahead log. PostgreSQL does so with
    /// its own vacuum. Errs with [`StoreError::Transient`] if others were in the way.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        let Location::File(path) = self.location.clone() else { return Ok(()) };
        let done = tokio::task::spawn_blocking(move || sqlite::scrub(&path)).await;
        done.map_err(|_| StoreError::Stopped)?
    }

    /// Commits so far: for tests and benches.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// What other nodes call out.
pub struct Calls(Option<PgListener>);

impl Calls {
    /// Waits for the next call: the name of a runner that has work. Errs when the connection is lost; the next call
    /// connects anew.
    pub async fn next(&mut self) -> Result<String, StoreError> {
        match &mut self.0 {
            Some(listener) => Ok(listener.recv().await?.payload().to_owned()),
            None => std::future::pending().await,
        }
    }
}
