//! The database of a site: one writer that combines concurrent changes into one commit, and readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealist_lists::registry::Registry;
use sealist_mail::Timestamp;

use sqlx::postgres::PgListener;
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::clock::SiteClock;
use crate::location::{Location, ReadPool, Work};
use crate::nodes::Deployment;
use crate::shortage::Shortage;
use crate::sql::{Conn, ReadConnection, sqlite};
use crate::writer::{Job, Ran, Writer};

/// The work of one transaction, as [`Store::write`] takes it: `transaction!(|db| change(db, 1).await)`. What
/// the work names is moved into it.
#[macro_export]
macro_rules! transaction {
    (|$db:ident| $work:expr) => {
        move |$db| ::std::boxed::Box::pin(async move { $work })
    };
}

/// How many changes may wait for the writer before callers are blocked.
const WAITING: usize = 1024;

/// The database of a site. Clones share it.
#[derive(Clone)]
pub struct Store {
    location: Location,
    writer: mpsc::Sender<Job>,
    readers: ReadPool,
    commits: Arc<AtomicU64>,
    clock: SiteClock,
    registry: Arc<Registry>,
}

impl Store {
    /// Starts the writer. Without a connection it connects at the first change, because a process that only
    /// reads needs none.
    pub(crate) fn start(location: Location, connection: Option<Conn>) -> Result<Self, StoreError> {
        let readers = location.readers();
        let (sender, jobs) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(location.clone(), readers.clone(), connection, jobs, commits.clone());
        writer.start().map_err(|error| location.failed(error))?;
        let clock = SiteClock::default();
        let registry = Registry::built_in();
        Ok(Self { location, writer: sender, readers, commits, clock, registry })
    }

    /// The same database, read by that registry: the styles, chains and pipelines that lists name are looked
    /// up there.
    pub fn with_registry(self, registry: Arc<Registry>) -> Self {
        Self { registry, ..self }
    }

    /// Runs a change. The change shares a transaction with concurrent changes, but fails alone. The result is
    /// returned only after the commit is on disk.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, Result<T, E>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let registry = self.registry.clone();
        let job: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = match connection {
                    Ok(connection) => {
                        connection.read_by(registry);
                        change(connection).await
                    }
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
    pub async fn reader(&self) -> Result<ReadConnection, StoreError> {
        let mut reader = match &self.readers {
            ReadPool::Sqlite(pool) => ReadConnection::sqlite(pool.acquire().await?),
            ReadPool::Postgres(pool, shortage) => {
                shortage.is_over().await?;
                ReadConnection::postgres(pool.acquire().await?)
            }
        };
        reader.read_by(self.registry.clone());
        Ok(reader)
    }

    /// A separate connection, for work that must not share a commit.
    pub(crate) async fn connect(&self) -> Result<Conn, StoreError> {
        let mut connection = self.location.connect().await?;
        connection.read_by(self.registry.clone());
        Ok(connection)
    }

    /// Whether this process has the database to itself.
    pub fn alone(&self) -> Deployment {
        match self.readers {
            ReadPool::Sqlite(_) => Deployment::SingleProcess,
            ReadPool::Postgres(..) => Deployment::Cluster,
        }
    }

    /// The notifications of other nodes. With SQLite there are none.
    pub async fn calls(&self) -> Result<Calls, StoreError> {
        let ReadPool::Postgres(pool, shortage) = &self.readers else { return Ok(Calls(None)) };
        shortage.is_over().await?;
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen("sealist").await?;
        Ok(Calls(Some((listener, shortage.clone()))))
    }

    /// The time of the site. On PostgreSQL it is the database's clock, so that pauses, leases and expiry are
    /// the same for all nodes.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads the database's clock, which [`Self::now`] follows from then on. Returns how many milliseconds
    /// this machine's clock is ahead; 0 with SQLite.
    pub async fn read_database_clock(&self) -> Result<i64, StoreError> {
        match self.readers {
            ReadPool::Sqlite(_) => Ok(0),
            ReadPool::Postgres(..) => self.clock.read_clock(&mut *self.reader().await?).await,
        }
    }

    /// Makes deleted and replaced data unreadable in SQLite's file and write-ahead log. PostgreSQL does this
    /// by its own vacuum. Errs with [`StoreError::Transient`] if other connections prevented it.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        let Location::File(path) = self.location.clone() else { return Ok(()) };
        let done = tokio::task::spawn_blocking(move || sqlite::scrub(&path)).await;
        done.map_err(|_| StoreError::Stopped)?
    }

    /// The number of commits so far, for tests and benchmarks.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// Notifications of other nodes.
pub struct Calls(Option<(PgListener, Shortage)>);

impl Calls {
    /// Waits for the next notification: the name of a runner that has work. Errs if the connection is lost,
    /// or if the writer needs it; the next call connects again.
    pub async fn next(&mut self) -> Result<String, StoreError> {
        match &mut self.0 {
            Some((listener, shortage)) => tokio::select! {
                call = listener.recv() => Ok(call?.payload().to_owned()),
                () = shortage.begins() => Err(StoreError::Lost),
            },
            None => std::future::pending().await,
        }
    }
}
