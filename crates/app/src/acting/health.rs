//! What `doctor` asks of a site: plain facts. Whoever asks judges them.

use sealist_lists::events::EventKind;
use sealist_lists::model::{EntryNo, ListName, MailingList, NodeNo};
use sealist_lists::workflows::Question;
use sealist_mail::{Address, Timestamp};
use sealist_store::capacity::{self, Capacity};
use sealist_store::queue::{self, QueueEntry, QueueName};
use sealist_store::{
    Conn, StoreError, address_keys, clock, deliveries, events, lists, put_aside, requests, rotation,
};

use super::Acting;
use super::lists::ArchiveSizeView;
use crate::error::AppError;
use crate::notices::UNTOLD;

/// The health of a site, with somebody who looks at it.
pub struct Health<'a>(pub(super) Acting<'a>);

/// The clocks of a site.
#[derive(Clone, Debug)]
pub struct ClockView {
    /// By how many milliseconds the clock of this machine is ahead of the clock of the database; 0 with
    /// SQLite.
    pub ahead_ms: i64,
    /// The time of the site.
    pub now: Timestamp,
    /// The newest time that the database holds.
    pub newest: Option<Timestamp>,
}

/// A new key of a list that is not used yet.
#[derive(Clone, Debug)]
pub struct NewKeyView {
    /// The list.
    pub list: ListName,
    /// The fingerprint of the key.
    pub fingerprint: String,
    /// The nodes that have not loaded the key.
    pub lacking: Vec<NodeNo>,
}

/// Messages that wait in the same state.
#[derive(Clone, Debug)]
pub struct BacklogView {
    /// How many.
    pub count: usize,
    /// The number of the first one.
    pub first: EntryNo,
    /// When the first one came.
    pub since: Timestamp,
}

impl BacklogView {
    fn of(entries: &[QueueEntry]) -> Option<Self> {
        let first = entries.first()?;
        Some(Self { count: entries.len(), first: first.no, since: first.received_at })
    }
}

/// What waits or was left out on the site as a whole.
#[derive(Clone, Debug)]
pub struct SiteBacklogView {
    /// Messages that could not be judged; `None` if there are none.
    pub shunted: Option<BacklogView>,
    /// Messages that wait for a moderator; `None` if there are none.
    pub held: Option<BacklogView>,
    /// How many requests wait for a moderator, and since when the first one does.
    pub approvals: Option<(u64, Timestamp)>,
    /// The limits by which notices were not sent, with the number of those notices. An event of another
    /// version has no name.
    pub untold: Vec<(Option<String>, u64)>,
    /// The lists that are held, and since when.
    pub held_lists: Vec<(ListName, Timestamp)>,
}

/// What waits or was left out on one list.
#[derive(Clone, Debug)]
pub struct ListBacklogView {
    /// How much the list keeps after the last delivery.
    pub archive: ArchiveSizeView,
    /// The reasons for which messages were discarded, with the number of those messages.
    pub put_aside: Vec<(String, i64)>,
    /// Copies that could not be made and wait for a person.
    pub held_copies: i64,
    /// Copies that wait for a usable key of their reader.
    pub copies_without_key: i64,
}

impl Health<'_> {
    /// The clocks.
    pub async fn clock(&self) -> Result<ClockView, AppError> {
        let store = &self.0.app.store;
        let ahead_ms = store.read_database_clock().await?;
        let newest = clock::newest(&mut *store.reader().await?).await?;
        Ok(ClockView { ahead_ms, now: store.now(), newest })
    }

    /// How long a commit takes on the server of the database, and how many connections the server allows;
    /// `None` with SQLite.
    pub async fn capacity(&self) -> Result<Option<Capacity>, AppError> {
        Ok(capacity::of(&self.0.app.store).await?)
    }

    /// The new keys of lists that are not used yet.
    pub async fn new_keys(&self) -> Result<Vec<NewKeyView>, AppError> {
        let store = &self.0.app.store;
        let mut db = store.reader().await?;
        let mut keys = Vec::new();
        for key in rotation::waiting(&mut db).await? {
            let Some(list) = lists::by_no(&mut db, key.list).await? else { continue };
            let lacking = rotation::lacking(&mut db, key.no, store.alone()).await?;
            keys.push(NewKeyView { list: list.name, fingerprint: key.fingerprint, lacking });
        }
        Ok(keys)
    }

    /// Pairs of addresses that are one address and have two rows. They were made when addresses were compared
    /// differently.
    pub async fn addresses_spelled_twice(&self) -> Result<Vec<(Address, Address)>, AppError> {
        Ok(address_keys::spelled_twice(&mut *self.0.app.store.reader().await?).await?)
    }

    /// What waits on the site now, and the notices that were not sent since that day.
    pub async fn backlog(&self, left_out_since: Timestamp) -> Result<SiteBacklogView, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let untold = events::counted(&mut db, UNTOLD, left_out_since).await?;
        let held_lists = lists::held(&mut db).await?;
        Ok(SiteBacklogView {
            shunted: BacklogView::of(&queue::listed(&mut db, QueueName::Shunt).await?),
            held: BacklogView::of(&queue::listed(&mut db, QueueName::Hold).await?),
            approvals: requests::counted(&mut db, Question::Approval.name()).await?,
            untold: untold.into_iter().map(|(kind, count)| (limit(kind), count)).collect(),
            held_lists: held_lists.into_iter().map(|(list, since)| (list.name, since)).collect(),
        })
    }

    /// What waits on each list now, and the messages that were discarded since that day.
    pub async fn list_backlogs(&self, left_out_since: Timestamp) -> Result<Vec<ListBacklogView>, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let mut backlogs = Vec::new();
        for list in lists::all(&mut db).await? {
            backlogs.push(of_list(&mut db, &list, left_out_since).await?);
        }
        Ok(backlogs)
    }
}

async fn of_list(
    db: &mut Conn,
    list: &MailingList,
    left_out_since: Timestamp,
) -> Result<ListBacklogView, StoreError> {
    let archive = ArchiveSizeView::of(&mut *db, list).await?;
    let put_aside = put_aside::counts(&mut *db, list.no, left_out_since).await?;
    let copies = deliveries::counts(db, list.no).await?;
    let in_state = |name| copies.iter().find(|(state, _)| state == name).map_or(0, |(_, count)| *count);
    Ok(ListBacklogView {
        archive,
        put_aside,
        held_copies: in_state("held"),
        copies_without_key: in_state("held_for_key"),
    })
}

fn limit(kind: EventKind) -> Option<String> {
    match kind {
        EventKind::NoticeUntold { limit } => Some(limit),
        _ => None,
    }
}
