//! The events of a site for people and for consumers.

use std::collections::BTreeMap;

use sealist_lists::events::in_words;
use sealist_lists::model::{ListName, ListNo};
use sealist_store::events::consumers::{self, Acknowledgement, EventConsumer, StartAt};
use sealist_store::events::{self as recorded, RecordedEvent};
use sealist_store::{StoreError, lists};
use serde::Serialize;
use serde_json::Value;

use super::Acting;
use crate::error::AppError;

/// The events, with somebody who reads them.
pub struct EventLog<'a>(pub(super) Acting<'a>);

/// One event as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// The position in the order in which consumers read; `None` as long as no consumer came so far.
    pub position: Option<i64>,
    /// When it happened (RFC 3339, UTC).
    pub at: String,
    /// The list; empty for an event of the whole site, and if the list is gone.
    pub list: String,
    /// Who caused it.
    pub who: String,
    /// The kind of that actor: `mail`, `command-line`, `server`.
    pub by: String,
    /// The address of the person whom it is about; empty if it is about nobody, or if the person was deleted.
    pub email: String,
    /// What happened: `member-joined`.
    pub event: String,
    /// The data in words.
    pub detail: String,
    /// The data.
    pub data: Value,
    /// How often it happened; more than once only in a row that counts attempts of a day.
    pub times: u64,
}

impl EventLog<'_> {
    /// The newest events first: of one list, or of all.
    pub async fn newest(&self, list: Option<&ListName>, most: u32) -> Result<Vec<EventView>, AppError> {
        let of = match list {
            Some(name) => Some(self.0.named(name).await?.no),
            None => None,
        };
        let found = recorded::newest(&mut *self.0.app.store.reader().await?, of, most).await?;
        self.views(found).await
    }

    /// Adds a consumer. Errs with [`AppError::ConsumerExists`] if there is one of that name.
    pub async fn add_consumer(&self, name: &str, start: StartAt) -> Result<(), AppError> {
        match self.0.app.store.add_consumer(name, "command-line", start, self.0.now).await {
            Err(StoreError::Duplicate) => Err(AppError::ConsumerExists(name.to_owned())),
            added => Ok(added?),
        }
    }

    /// Removes a consumer. Errs with [`AppError::NoSuchConsumer`].
    pub async fn remove_consumer(&self, name: &str) -> Result<(), AppError> {
        let (of, name) = (name.to_owned(), name.to_owned());
        let removed =
            self.0.app.store.write(move |db| Box::pin(async move { consumers::remove(db, &of).await }));
        match removed.await? {
            true => Ok(()),
            false => Err(AppError::NoSuchConsumer(name)),
        }
    }

    /// The names of all consumers, and the position up to which each acknowledged.
    pub async fn consumers(&self) -> Result<Vec<(String, i64)>, AppError> {
        let all = consumers::all(&mut *self.0.app.store.reader().await?).await?;
        Ok(all.into_iter().map(|EventConsumer { name, position, .. }| (name, position)).collect())
    }

    /// The next events of a consumer in their order, the same until they are acknowledged. Errs with
    /// [`AppError::NoSuchConsumer`].
    pub async fn next(&self, consumer: &str, most: u32) -> Result<Vec<EventView>, AppError> {
        let found = self.0.app.store.next_events(consumer, most).await?;
        self.views(found.ok_or_else(|| AppError::NoSuchConsumer(consumer.to_owned()))?).await
    }

    /// Records that a consumer has taken in all events up to that position. Errs with [`AppError::NoSuchConsumer`], and with
    /// [`AppError::NoSuchPosition`] if no event has that position.
    pub async fn acknowledge(&self, consumer: &str, position: i64) -> Result<(), AppError> {
        match self.0.app.store.acknowledge(consumer, position).await? {
            Acknowledgement::Recorded => Ok(()),
            Acknowledgement::NoConsumer => Err(AppError::NoSuchConsumer(consumer.to_owned())),
            Acknowledgement::NotGiven { last } => Err(AppError::NoSuchPosition { position, last }),
        }
    }

    async fn views(&self, found: Vec<RecordedEvent>) -> Result<Vec<EventView>, AppError> {
        let all = lists::all(&mut *self.0.app.store.reader().await?).await?;
        let names: BTreeMap<ListNo, String> =
            all.into_iter().map(|list| (list.no, list.name.to_string())).collect();
        Ok(found.into_iter().map(|one| view(one, &names)).collect())
    }
}

fn view(one: RecordedEvent, names: &BTreeMap<ListNo, String>) -> EventView {
    let RecordedEvent { position, at, actor, event, data, times } = one;
    EventView {
        position,
        at: at.rfc3339(),
        list: event.list.and_then(|no| names.get(&no)).cloned().unwrap_or_default(),
        who: actor.to_string(),
        by: actor.stored().kind,
        email: event.subject.map(|subject| subject.key()).unwrap_or_default(),
        event: event.kind.name(),
        detail: in_words(&data),
        data,
        times,
    }
}
