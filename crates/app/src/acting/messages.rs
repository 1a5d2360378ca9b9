//! Messages that wait, as people in charge see them, and what becomes of them.

use sealist_lists::events::{Event, EventKind, HeldEntry};
use sealist_lists::model::{EntryNo, ListName, MailingList, SubAddress};
use sealist_lists::rules::Reason;
use sealist_mail::{Address, DAY_MS, Timestamp};
use sealist_store::events::Occasion;
use sealist_store::queue::{self, QueueEntry, QueueName};
use sealist_store::{Conn, StoreError, bodies, holds, lists, replay};
use serde::Serialize;

use super::{Acting, PageRange, Paged};
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::decisions::MessageDecision;
use crate::error::AppError;
use crate::moderation::{self, Rejected};
use crate::summaries::summary_of;

/// The messages that wait, with somebody who looks at them or decides about them.
pub struct QueuedMessages<'a>(pub(super) Acting<'a>);

/// A message that waits, as people in charge see it. Nothing of its content is in it.
#[derive(Clone, Debug, Serialize)]
pub struct QueuedMessageView {
    /// The number of the message.
    pub entry: EntryNo,
    /// Where it waits: `hold` for a moderator, `shunt` after faults, `paused` for its list, `in` to be
    /// judged.
    pub queue: &'static str,
    /// The sub-address of the list to which it came.
    pub sub_address: SubAddress,
    /// That address in full; empty if the list is gone.
    pub address: String,
    /// When it came (RFC 3339, UTC).
    pub received_at: String,
    /// How long ago that was, in seconds.
    pub age_s: i64,
    /// How often a runner tried to judge it.
    pub attempts: u32,
    /// Why it waits.
    pub reasons: Vec<Reason>,
    /// The envelope sender.
    pub sender: String,
    /// The From field, shortened; `None` if this process lacks the keys of the list.
    pub author: Option<String>,
    /// The Subject field, shortened; `None` on lists with OpenPGP.
    pub subject: Option<String>,
    /// The size in octets; the stored size if the message cannot be read.
    pub octets: u64,
    /// Whether the author heard that it waits.
    pub author_told: bool,
    /// Whether an owner saw its content.
    pub seen: bool,
}

/// That a person refused the same text before.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalView {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// The address of that person; empty if it was on the command line.
    pub by: String,
}

/// Which held messages are meant. What is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct HeldSelection {
    /// Only messages of this list.
    pub list: Option<ListName>,
    /// Only messages that wait for this reason, among others.
    pub reason: Option<Reason>,
    /// Only messages that came more than this number of days ago.
    pub older_than_days: Option<u32>,
}

impl QueuedMessages<'_> {
    /// The messages that wait: those for moderators first, and at each place the oldest first.
    pub async fn page(&self, page: PageRange) -> Result<Paged<QueuedMessageView>, AppError> {
        let mut all = Vec::new();
        for place in [QueueName::Hold, QueueName::Shunt, QueueName::Paused, QueueName::In] {
            all.extend(queue::listed(&mut *self.0.app.store.reader().await?, place).await?);
        }
        let Paged { start, total, entries } = Paged::of(all, page);
        let mut views = Vec::new();
        for entry in entries {
            views.push(self.view(&entry).await?);
        }
        Ok(Paged { start, total, entries: views })
    }

    /// One message. Errs with [`AppError::NoSuchEntry`].
    pub async fn show(&self, entry: EntryNo) -> Result<QueuedMessageView, AppError> {
        self.view(&self.find(entry).await?).await
    }

    /// The last time that a person refused the text of a message that came again.
    pub async fn refusal(&self, entry: EntryNo) -> Result<Option<RefusalView>, AppError> {
        let refusal = replay::refusal(&mut *self.0.app.store.reader().await?, entry).await?;
        Ok(refusal.map(|refusal| RefusalView { at: refusal.at.rfc3339(), by: refusal.by }))
    }

    /// Mails the content of a message to an owner or moderator of its list, sealed where the list has
    /// OpenPGP. Errs with [`AppError::MayNotSee`] for anybody else, with [`AppError::NothingToSealTo`]
    /// without a usable key.
    pub async fn open_for(&self, entry: EntryNo, who: &Address) -> Result<(), AppError> {
        let entry = self.find(entry).await?;
        moderation::open_for(self.0.app, &entry, who, self.0.actor.clone(), self.0.now).await
    }

    /// The same as a file: one whole message, encrypted to that person's key on every list.
    pub async fn open_to_file(&self, entry: EntryNo, who: &Address) -> Result<Vec<u8>, AppError> {
        let entry = self.find(entry).await?;
        moderation::open_to_file(self.0.app, &entry, who, self.0.actor.clone(), self.0.now).await
    }

    /// Decides about a message. Errs with [`AppError::NoSuchEntry`] if it is gone, with
    /// [`AppError::NotHeld`], [`AppError::Unseen`] or [`AppError::NoAuthor`] if it cannot be accepted, with
    /// [`AppError::Overtaken`] if somebody else decides at this moment.
    pub async fn decide(&self, entry: EntryNo, decision: MessageDecision) -> Result<Rejected, AppError> {
        let entry = self.find(entry).await?;
        moderation::decide(self.0.app, entry, decision, self.0.actor.clone(), self.0.now).await
    }

    /// Discards all held messages that are meant and returns their numbers. What somebody else decides about
    /// at this moment is left out.
    pub async fn discard_all(&self, which: &HeldSelection) -> Result<Vec<EntryNo>, AppError> {
        let mut discarded = Vec::new();
        for entry in self.selected(which).await? {
            match self.decide(entry, MessageDecision::Discard).await {
                Ok(_) => discarded.push(entry),
                Err(AppError::Overtaken | AppError::NoSuchEntry(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(discarded)
    }

    /// Has a message judged again that was set aside after faults. Errs with [`AppError::NotSetAside`] if it
    /// was not.
    pub async fn retry(&self, entry: EntryNo) -> Result<(), AppError> {
        let entry = self.find(entry).await?;
        if entry.place != QueueName::Shunt {
            return Err(AppError::NotSetAside { entry: entry.no, place: entry.place.name() });
        }
        self.0.make(JudgeAgain(entry)).await
    }

    /// Holds a message for a moderator that was not judged yet. Errs with [`AppError::NotWaitingToBeJudged`]
    /// if it was.
    pub async fn hold(&self, entry: EntryNo) -> Result<(), AppError> {
        let found = queue::find(&mut *self.0.app.store.reader().await?, entry).await?;
        let found = found.ok_or(AppError::NotWaitingToBeJudged(entry))?;
        self.0.make(HoldUnjudged(found)).await
    }

    async fn find(&self, entry: EntryNo) -> Result<QueueEntry, AppError> {
        let found = queue::find(&mut *self.0.app.store.reader().await?, entry).await?;
        found.ok_or(AppError::NoSuchEntry(entry))
    }

    async fn selected(&self, which: &HeldSelection) -> Result<Vec<EntryNo>, AppError> {
        let mut waiting: Vec<QueueEntry> = match &which.list {
            Some(name) => {
                let list = self.0.named(name).await?;
                let held = holds::of_list(&mut *self.0.app.store.reader().await?, list.no).await?;
                held.into_iter().map(|held| held.entry).collect()
            }
            None => queue::listed(&mut *self.0.app.store.reader().await?, QueueName::Hold).await?,
        };
        if let Some(reason) = &which.reason {
            waiting.retain(|entry| entry.reasons.contains(reason));
        }
        if let Some(days) = which.older_than_days {
            let before = Timestamp(self.0.now.0 - i64::from(days) * DAY_MS);
            waiting.retain(|entry| entry.received_at < before);
        }
        Ok(waiting.into_iter().map(|entry| entry.no).collect())
    }

    /// What stands outside of a message. Nothing is decrypted but what the list sealed itself.
    async fn view(&self, entry: &QueueEntry) -> Result<QueuedMessageView, AppError> {
        let (list, stored_octets) = self.stored(entry).await?;
        let seen = match &list {
            Some(list) => summary_of(self.0.app, list, entry).await.ok(),
            None => None,
        };
        let address = list.as_ref().map(|list| list.name.address(entry.sub_address).to_string());
        let is_plain = list.is_some_and(|list| !list.settings.has_openpgp());
        let octets = seen.as_ref().map_or(stored_octets, |seen| seen.octets);
        let (author, subject) = seen.map(|seen| (seen.author, seen.subject)).unzip();
        Ok(QueuedMessageView {
            entry: entry.no,
            queue: entry.place.name(),
            sub_address: entry.sub_address,
            address: address.unwrap_or_default(),
            received_at: entry.received_at.rfc3339(),
            age_s: (self.0.now.0 - entry.received_at.0) / 1000,
            attempts: entry.attempts,
            reasons: entry.reasons.clone(),
            sender: entry.sender.clone(),
            author,
            subject: subject.filter(|_| is_plain),
            octets,
            author_told: entry.author_told,
            seen: entry.seen_at.is_some(),
        })
    }

    /// The list of a message and the stored size. The message may be gone since it was listed.
    async fn stored(&self, entry: &QueueEntry) -> Result<(Option<MailingList>, u64), StoreError> {
        let mut db = self.0.app.store.reader().await?;
        let list = lists::by_no(&mut db, entry.list).await?;
        Ok((list, bodies::octets(&mut db, entry.body).await.unwrap_or(0)))
    }
}

/// A message that was set aside after faults is judged again.
struct JudgeAgain(QueueEntry);

impl Change for JudgeAgain {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let Self(entry) = self;
        if !queue::resume(&mut *db, entry.no, occasion.now).await? {
            return Err(AppError::Overtaken);
        }
        let subject = holds::held_for(db, entry.no).await?;
        let kind = EventKind::MessageRetried { entry: entry.no };
        Ok(ChangeOutcome::new((), [Happened::Change(Event { list: Some(entry.list), subject, kind })]))
    }
}

/// A message that was not judged yet waits for a moderator. Nobody knows whose it is.
struct HoldUnjudged(QueueEntry);

impl Change for HoldUnjudged {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let Self(entry) = self;
        if !queue::hold(db, entry.no, Reason::ByAdmin).await? {
            return Err(AppError::NotWaitingToBeJudged(entry.no));
        }
        let held = HeldEntry { entry: entry.no, reasons: vec![Reason::ByAdmin] };
        Ok(ChangeOutcome::new((), [Happened::Change(Event::of_list(entry.list, EventKind::HoldBegun(held)))]))
    }
}
