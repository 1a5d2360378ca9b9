//! The events of a site for people and for consumers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sealist_lists::events::{Event, EventKind, in_words};
use sealist_lists::model::{ListName, ListNo};
use sealist_store::events::consumers::{self, Acknowledgement, EventConsumer, StartAt};
use sealist_store::events::{self as recorded, Occasion, RecordedEvent};
use sealist_store::{Conn, StoreError, lists};
use serde::Serialize;
use serde_json::Value;

use super::Acting;
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;
use crate::site::App;

/// The events, with somebody who reads them.
pub struct EventLog<'a>(pub(super) Acting<'a>);

/// One event as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// The position in the order in which consumers read; `None` as long as no consumer came so far.
    pub position: Option<i64>,
    /// When it happened (RFC 3339, UTC).
    pub at: String,
    /// The list; empty for an event of the whole site. A list that is gone has the name that it had, or `#7`
    /// if nobody knows it.
    pub list: String,
    /// The number of the list, which no other list gets; `None` for an event of the whole site.
    pub list_no: Option<i64>,
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

/// A program that follows the events.
#[derive(Clone, Debug, Serialize)]
pub struct ConsumerView {
    /// Its name.
    pub consumer: String,
    /// The position up to which it acknowledged the events.
    pub position: i64,
}

impl EventLog<'_> {
    /// The newest events first: of one list, which may have been deleted, or of all. Errs with
    /// [`AppError::NoSuchList`].
    pub async fn newest(&self, list: Option<&ListName>, most: u32) -> Result<Vec<EventView>, AppError> {
        let of = match list {
            Some(name) => Some(self.number_of(name).await?),
            None => None,
        };
        let found = recorded::newest(&mut *self.0.app.store.reader().await?, of, most).await?;
        views(self.0.app, found).await
    }

    /// Adds a consumer. Errs with [`AppError::ConsumerExists`] if there is one of that name, and with
    /// [`AppError::NoConsumerName`].
    pub async fn add_consumer(&self, name: &str, start: StartAt) -> Result<(), AppError> {
        if !is_consumer_name(name) {
            return Err(AppError::NoConsumerName(name.to_owned()));
        }
        if start == StartAt::Next {
            self.0.app.store.give_all_positions().await?;
        }
        let add = AddConsumer { name: name.to_owned(), start };
        match self.0.make(add).await {
            Err(StoreError::Duplicate) => Err(AppError::ConsumerExists(name.to_owned())),
            added => Ok(added?),
        }
    }

    /// Removes a consumer. Errs with [`AppError::NoSuchConsumer`].
    pub async fn remove_consumer(&self, name: &str) -> Result<(), AppError> {
        match self.0.make(RemoveConsumer(name.to_owned())).await? {
            true => Ok(()),
            false => Err(AppError::NoSuchConsumer(name.to_owned())),
        }
    }

    /// All consumers.
    pub async fn consumers(&self) -> Result<Vec<ConsumerView>, AppError> {
        let all = consumers::all(&mut *self.0.app.store.reader().await?).await?;
        let view = |EventConsumer { name, position, .. }| ConsumerView { consumer: name, position };
        Ok(all.into_iter().map(view).collect())
    }

    /// The next events of a consumer in their order, the same until they are acknowledged. Errs with
    /// [`AppError::NoSuchConsumer`].
    pub async fn next(&self, consumer: &str, most: u32) -> Result<Vec<EventView>, AppError> {
        let found = self.0.app.store.next_events(consumer, most).await?;
        views(self.0.app, found.ok_or_else(|| AppError::NoSuchConsumer(consumer.to_owned()))?).await
    }

    /// Records that a consumer has taken in all events up to that position. Errs with
    /// [`AppError::NoSuchConsumer`], and with [`AppError::NoSuchPosition`] if no event has that position.
    pub async fn acknowledge(&self, consumer: &str, position: i64) -> Result<(), AppError> {
        match self.0.app.store.acknowledge(consumer, position).await? {
            Acknowledgement::Recorded => Ok(()),
            Acknowledgement::NoConsumer => Err(AppError::NoSuchConsumer(consumer.to_owned())),
            Acknowledgement::NotGiven { last } => Err(AppError::NoSuchPosition { position, last }),
        }
    }

    async fn number_of(&self, name: &ListName) -> Result<ListNo, AppError> {
        match self.0.named(name).await {
            Err(AppError::NoSuchList(shown)) => {
                let deleted = recorded::deleted_list(&mut *self.0.app.store.reader().await?, &shown).await?;
                deleted.ok_or(AppError::NoSuchList(shown))
            }
            found => found.map(|list| list.no),
        }
    }
}

/// These events as people see them.
pub(super) async fn views(app: &App, found: Vec<RecordedEvent>) -> Result<Vec<EventView>, AppError> {
    let mut db = app.store.reader().await?;
    let mut names = lists::names(&mut db).await?;
    // Events that are only counted and belong to the whole site have the number 0.
    for no in found.iter().filter_map(|one| one.event.list).filter(|no| no.0 != 0) {
        if let Entry::Vacant(gone) = names.entry(no) {
            let name = recorded::name_of_deleted(&mut db, no).await?;
            gone.insert(name.unwrap_or_else(|| format!("#{no}")));
        }
    }
    Ok(found.into_iter().map(|one| view(one, &names)).collect())
}

/// Whether the name fits in a line and in an address of the REST interface as it is.
fn is_consumer_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=60).contains(&name.len()) && name.chars().all(fits)
}

fn view(one: RecordedEvent, names: &BTreeMap<ListNo, String>) -> EventView {
    let RecordedEvent { position, at, actor, event, data, times } = one;
    EventView {
        position,
        at: at.rfc3339(),
        list_no: event.list.map(|no| no.0).filter(|no| *no != 0),
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

struct AddConsumer {
    name: String,
    start: StartAt,
}

impl Change for AddConsumer {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        let Self { name, start } = self;
        consumers::add(db, &name, "command-line", start, occasion.now).await?;
        Ok(ChangeOutcome::new((), [of_consumer(EventKind::ConsumerAdded { name })]))
    }
}

struct RemoveConsumer(String);

impl Change for RemoveConsumer {
    type Answer = bool;
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<bool>, StoreError> {
        let is_removed = consumers::remove(db, &self.0).await?;
        let removed = of_consumer(EventKind::ConsumerRemoved { name: self.0 });
        Ok(ChangeOutcome::new(is_removed, is_removed.then_some(removed)))
    }
}

fn of_consumer(kind: EventKind) -> Happened {
    Happened::Change(Event { list: None, subject: None, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_consumer_is_a_word() {
        for (name, fits) in [
            ("archive-2.to_disk", true),
            ("a", true),
            ("", false),
            (" ", false),
            ("a b", false),
            ("a/b", false),
            ("\u{1b}[31m", false),
            ("straße", false),
            ("a\n", false),
        ] {
            assert_eq!(is_consumer_name(name), fits, "{name:?}");
        }
        assert!(is_consumer_name(&"a".repeat(60)) && !is_consumer_name(&"a".repeat(61)));
    }
}
