//! The database of a site: where it is, whether it is there, and how it is opened. Whoever opens it needs no
//! more of the database than stands here; all other questions and changes go through [`App`](crate::App).

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sealist_store::database::{self, DatabaseState};
use sealist_store::transaction;
use sealist_store::transfer::TransferError;
use sealist_store::{Database, Store, StoreError, site_key};

pub use sealist_store::database::Migrated;
pub use sealist_store::site_key::SiteKeyRow;

use crate::error::AppError;

/// The place of a database. Nothing is opened yet.
pub struct SiteDatabase(Database);

impl SiteDatabase {
    /// A SQLite file.
    pub fn file(path: &Path) -> Self {
        Self(Database::file(path))
    }

    /// A PostgreSQL database, `postgres://user@host/name`. Errs if the address is invalid. The error does not
    /// quote the address, because the address may contain a password.
    pub fn server(url: &str) -> Result<Self, AppError> {
        Ok(Self(Database::server(url)?))
    }

    /// Returns whether there is no database, or an empty one. Nothing is written and no lock is taken.
    pub async fn is_missing(&self) -> Result<bool, AppError> {
        Ok(self.0.state().await? == DatabaseState::Missing)
    }

    /// Creates the database if there is none, migrates its tables, and opens it.
    pub async fn make(&self) -> Result<OpenDatabase, AppError> {
        Ok(OpenDatabase(self.0.make().await?))
    }

    /// Opens the database as it is; `None` if there is none. Errs if its tables are not those of this
    /// program.
    pub async fn open(&self) -> Result<Option<OpenDatabase>, AppError> {
        match self.0.open().await {
            Ok(store) => Ok(Some(OpenDatabase(store))),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Migrates an existing database; `None` if it is current. A SQLite file is first copied into a private
    /// file beside it. Errs while a node serves a PostgreSQL database, because the statements of the node may
    /// not fit the new tables.
    pub async fn migrate(&self) -> Result<Option<Migrated>, AppError> {
        Ok(self.0.migrate().await?)
    }

    /// Removes copies that [`Self::migrate`] made before that time, and returns their paths.
    pub fn remove_copies(&self, made_before: SystemTime) -> Vec<PathBuf> {
        self.0.remove_copies(made_before)
    }
}

/// An opened database. [`App::new`](crate::App::new) makes a site of it and of the keys. Clones share it.
#[derive(Clone)]
pub struct OpenDatabase(pub(crate) Store);

impl From<Store> for OpenDatabase {
    fn from(store: Store) -> Self {
        Self(store)
    }
}

impl OpenDatabase {
    /// Returns whether no list was ever made here.
    pub async fn is_new(&self) -> Result<bool, AppError> {
        Ok(database::is_new(&mut *self.0.reader().await?).await?)
    }

    /// Returns what the database knows of the site key; `None` before the first node has recorded its key.
    pub async fn site_key(&self) -> Result<Option<SiteKeyRow>, AppError> {
        Ok(site_key::known(&mut *self.0.reader().await?).await?)
    }

    /// Records the site key unless another node did so first. Returns the recorded key.
    pub async fn record_site_key(&self, key: SiteKeyRow) -> Result<SiteKeyRow, AppError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the key of the site comes before anybody can act on the site"
        )]
        let recorded = self.0.write(transaction!(|db| site_key::enter(db, &key).await));
        Ok(recorded.await?)
    }
}

impl From<TransferError> for AppError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => Self::Store(error),
            error => Self::NotMoved(error),
        }
    }
}
