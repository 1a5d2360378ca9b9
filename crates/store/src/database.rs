//! The place of a database, whether it exists, and how its tables are migrated. Only [`Database::make`]
//! creates one.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use crate::db::Store;
use crate::error::StoreError;
use crate::location::Location;
use crate::migrate::{self, KNOWN};
use crate::sql::{Conn, query, sqlite};

/// The place of a database. Nothing is opened yet.
#[derive(Clone)]
pub struct Database(pub(crate) Location);

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseState {
    /// There is no file, an empty file, or a database without our tables.
    Missing,
    /// A database whose tables are of that version.
    Version(i64),
}

/// A migration that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version before.
    pub from: i64,
    /// The version now.
    pub to: i64,
    /// The copy of the database from before. `None` on PostgreSQL, where the admin makes a backup.
    pub copy: Option<PathBuf>,
}

impl Database {
    /// A SQLite file.
    pub fn file(path: &Path) -> Self {
        Self(Location::File(path.to_owned()))
    }

    /// A PostgreSQL database, `postgres://user@host/name`. Errs if the address is invalid; the error does not
    /// quote the address, because it may contain a password.
    pub fn server(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|_| StoreError::Address)?;
        // Row locks last for one commit, so a statement that waits longer waits for a dead node. Commits are
        // durable whatever the server's configuration. A transaction never pauses, so one that does belongs
        // to a frozen node and is ended.
        let options = options
            .application_name("sealist")
            .options([("lock_timeout", "3s"), ("synchronous_commit", "on")])
            .options([("idle_in_transaction_session_timeout", "30s")]);
        Ok(Self(Location::Server(Box::new(options.disable_statement_logging()))))
    }

    /// Reads the state of the place. Nothing is written and no lock is taken, so it works on a standby and on
    /// a read-only file.
    pub async fn state(&self) -> Result<DatabaseState, StoreError> {
        if self.is_empty_file() {
            return Ok(DatabaseState::Missing);
        }
        let look = async { migrate::version(&mut self.0.connect_to_read().await?).await };
        Ok(look
            .await
            .map_err(|error| self.0.failed(error))?
            .map_or(DatabaseState::Missing, DatabaseState::Version))
    }

    /// Creates the database if there is none, migrates its tables, and opens it.
    pub async fn make(&self) -> Result<Store, StoreError> {
        let mut connection = self.0.connect().await.map_err(|error| self.0.failed(error))?;
        migrate::migrate(&mut connection).await?;
        self.start(Some(connection)).await
    }

    /// Opens the database as it is. Errs with [`StoreError::Missing`], [`StoreError::Older`] or
    /// [`StoreError::Newer`] if its tables are not those of this program.
    pub async fn open(&self) -> Result<Store, StoreError> {
        match self.state().await? {
            DatabaseState::Missing => Err(StoreError::Missing { at: self.0.name() }),
            DatabaseState::Version(found) if found < KNOWN => Err(StoreError::Older { found, known: KNOWN }),
            DatabaseState::Version(found) if found > KNOWN => Err(StoreError::Newer { found, known: KNOWN }),
            DatabaseState::Version(_) => self.start(None).await,
        }
    }

    async fn start(&self, connection: Option<Conn>) -> Result<Store, StoreError> {
        let store = Store::start(self.0.clone(), connection)?;
        store.read_database_clock().await?;
        Ok(store)
    }

    /// Migrates an existing database; `None` if it is current. A SQLite file is first copied into a private
    /// file beside it. Errs with [`StoreError::Served`] while a node serves a PostgreSQL database, because
    /// its statements may not fit the new tables.
    pub async fn migrate(&self) -> Result<Option<Migrated>, StoreError> {
        let found = match self.state().await? {
            DatabaseState::Missing => return Err(StoreError::Missing { at: self.0.name() }),
            DatabaseState::Version(found) if found == KNOWN => return Ok(None),
            DatabaseState::Version(found) if found > KNOWN => {
                return Err(StoreError::Newer { found, known: KNOWN });
            }
            DatabaseState::Version(found) => found,
        };
        let mut connection = self.0.connect().await.map_err(|error| self.0.failed(error))?;
        if migrate::is_served(&mut connection).await? {
            return Err(StoreError::Served);
        }
        let copy = match &self.0 {
            Location::File(path) => Some(sqlite::copy(path, &copy_path(path, found))?),
            Location::Server(_) => None,
        };
        migrate::migrate(&mut connection).await?;
        Ok(Some(Migrated { from: found, to: KNOWN, copy }))
    }

    /// Removes copies that [`Self::migrate`] made before that time, and returns their paths.
    pub fn remove_copies(&self, made_before: SystemTime) -> Vec<PathBuf> {
        let Location::File(path) = &self.0 else { return Vec::new() };
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
        let prefix = format!("{}{COPY}", name.to_string_lossy());
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let old = files.filter(|file| {
            let made = file.metadata().and_then(|metadata| metadata.modified());
            file.file_name().to_string_lossy().starts_with(&prefix)
                && made.is_ok_and(|made| made < made_before)
        });
        old.map(|file| file.path()).filter(|path| std::fs::remove_file(path).is_ok()).collect()
    }

    /// An empty file, for instance by `touch`, is not a database.
    fn is_empty_file(&self) -> bool {
        let Location::File(path) = &self.0 else { return false };
        match std::fs::metadata(path) {
            Ok(metadata) => metadata.is_file() && metadata.len() == 0,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

impl Store {
    /// Opens the SQLite file, creates it if needed, and migrates its tables. Production code uses
    /// [`Database::open`], which creates nothing.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Database::file(path).make().await
    }

    /// The same for a PostgreSQL database, `postgres://user@host/name`, that any number of nodes may share.
    pub async fn open_url(url: &str) -> Result<Self, StoreError> {
        Database::server(url)?.make().await
    }
}

/// The part of a copy's file name before the version.
const COPY: &str = ".version-";

fn copy_path(database: &Path, version: i64) -> PathBuf {
    let name = database.file_name().unwrap_or_default().to_string_lossy();
    database.with_file_name(format!("{name}{COPY}{version}"))
}

/// Whether no list was ever made here. (A domain stays when its last list is deleted.)
pub async fn is_new(db: &mut Conn) -> Result<bool, StoreError> {
    let made: bool = query("SELECT EXISTS (SELECT 1 FROM domains)").fetch_one(db).await?.value()?;
    Ok(!made)
}
