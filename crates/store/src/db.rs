//! The database of a site: one writer that gathers what comes at the same time into one commit, and readers.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::migrate::migrate;
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

/// Where a database is, and how to reach it again.
#[derive(Clone)]
pub(crate) enum Location {
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

impl Location {
    pub(crate) async fn connect(&self) -> Result<Conn, StoreError> {
        use sqlx::Connection as _;
        Ok(match self {
            Self::File(path) => Conn::sqlite(sqlite::open(path)?),
            Self::Server(options) => Conn::postgres(PgConnection::connect_with(options).await?),
        })
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(options) => {
                let database = options.get_database().unwrap_or_default();
                format!("{database} on {}:{}", options.get_host(), options.get_port())
            }
        }
    }

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
    /// Opens or creates the SQLite file, brings its tables up to date, and starts the writer.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::at(Location::File(path.to_owned())).await
    }

    /// Opens a PostgreSQL database, `postgres://user@host/name`, brings its tables up to date, and starts the writer.
    /// Any number of nodes may share it. Errs if the address cannot be read, with nothing of it in the words: it may
    /// hold a password.
    pub async fn open_url(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|_| StoreError::Address)?;
        // Row locks are held for a commit, so who waits longer waits for somebody who has died. What is committed is on
        // disk, whatever the server's configuration says. A change never pauses: who does has frozen, and lets go.
        let options = options
            .application_name("sealist")
            .options([("lock_timeout", "3s"), ("synchronous_commit", "on")])
            .options([("idle_in_transaction_session_timeout", "30s")]);
        Self::at(Location::Server(Box::new(options.disable_statement_logging()))).await
    }

    async fn at(location: Location) -> Result<Self, StoreError> {
        let failed =
            |error: StoreError| StoreError::Open { path: location.name(), detail: error.to_string() };
        let mut connection = location.connect().await.map_err(failed)?;
        migrate(&mut connection).await?;
        let readers = location.readers();
        let (sender, jobs) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        Writer::new(location.clone(), connection, jobs, commits.clone()).start().map_err(failed)?;
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
