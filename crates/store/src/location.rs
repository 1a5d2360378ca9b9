//! Where a database is, and how it is connected to: to write, and to read.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};

use crate::StoreError;
use crate::shortage::Shortage;
use crate::sql::{Conn, sqlite};

/// A future that borrows from its connection.
pub type Work<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

const READERS: u32 = 4;
/// Who waits longer for a reader hears that none is to be had.
const ACQUIRE: Duration = Duration::from_secs(10);

/// A file or a server.
#[derive(Clone)]
pub(crate) enum Location {
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

impl Location {
    pub(crate) async fn connect(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::File(path) => Conn::sqlite(sqlite::open(path)?),
            Self::Server(options) => Conn::postgres(PgConnection::connect_with(options).await?),
        })
    }

    /// A connection that changes nothing.
    pub(crate) async fn connect_to_read(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::File(path) => Conn::sqlite(sqlite::open_to_read(path)?),
            Self::Server(_) => self.connect().await?,
        })
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(options) => {
                let database = options.get_database().unwrap_or_default();
                format!("{database} on {}:{}", options.get_host(), options.get_port())
            }
        }
    }

    /// Why it cannot be opened.
    pub(crate) fn failed(&self, error: StoreError) -> StoreError {
        StoreError::Open { path: self.name(), why: Box::new(error) }
    }
}

#[derive(Clone)]
pub(crate) enum ReadPool {
    Sqlite(sqlite::SqliteReaders),
    Postgres(PgPool, Shortage),
}

impl ReadPool {
    /// Connects the writer, before whom readers give way.
    pub(crate) async fn connect_writer(&self, location: &Location) -> Result<Conn, StoreError> {
        match self {
            Self::Sqlite(_) => location.connect().await,
            Self::Postgres(pool, shortage) => shortage.without_readers(pool, || location.connect()).await,
        }
    }
}

impl Location {
    pub(crate) fn readers(&self) -> ReadPool {
        match self {
            Self::File(path) => ReadPool::Sqlite(sqlite::SqliteReaders::new(path, READERS as usize)),
            Self::Server(options) => {
                let shortage = Shortage::new();
                let stays = shortage.clone();
                let pool = PgPoolOptions::new()
                    .max_connections(READERS)
                    .min_connections(0)
                    .acquire_timeout(ACQUIRE)
                    .after_release(move |_, _| {
                        let stays = !stays.is_now();
                        Box::pin(async move { Ok(stays) })
                    });
                let options = options.as_ref().clone().options([("default_transaction_read_only", "on")]);
                ReadPool::Postgres(pool.connect_lazy_with(options), shortage)
            }
        }
    }
}
