//! How fast a disk and the database layer are: commits of one queue entry each, one after the other.

use std::path::Path;

use sealist_lists::model::{ListName, ListNo, ListSettings, SubAddress};
use sealist_mail::Timestamp;
use sealist_store::bodies::StoredBody;
use sealist_store::transaction;
use sealist_store::{Store, StoreError, lists, queue};

use crate::error::AppError;

/// A new database with one list.
pub struct CommitYardstick {
    store: Store,
    list: ListNo,
    now: Timestamp,
}

impl CommitYardstick {
    /// Makes the database at that path.
    pub async fn make(database: &Path, list: ListName, now: Timestamp) -> Result<Self, AppError> {
        let store = Store::open(database).await?;
        let made =
            store
                .write(transaction!(|db| lists::create(db, &list, "x", &ListSettings::default(), now).await));
        let list = made.await.map_err(|error: StoreError| error)?;
        Ok(Self { store, list, now })
    }

    /// Makes one commit with a body of that many octets.
    pub async fn commit(&self, octets: usize) -> Result<(), AppError> {
        let (list, now) = (self.list, self.now);
        let body = StoredBody::Plain { outer: Vec::new(), payload: vec![b'x'; octets] };
        let pushed =
            self.store
                .write(transaction!(|db| queue::push(db, list, SubAddress::Posting, &body, b"t", now).await));
        pushed.await.map_err(|error: StoreError| error)?;
        Ok(())
    }
}
