//! What became of a message and of the copies that it caused. A message that waits is found in the queue, and
//! one that is done as long as the site keeps its trace (`[queue] sent_kept_days`).

use std::collections::BTreeMap;

use sealist_lists::model::{EntryNo, ListNo, SendingNo, SubAddress};
use sealist_lists::names;
use sealist_lists::rules::Reason;
use sealist_mail::{Address, Timestamp};
use sealist_store::traces::{self, TracedCopy, TracedMessage, TracedReceipt, TracedSending};
use sealist_store::{events as recorded, lists};
use serde::Serialize;

use super::events::views;
use super::{Acting, EventView, PageRange, Paged};
use crate::error::AppError;
use crate::outgoing::NO_KEY;

/// What became of messages and copies, with somebody who asks.
pub struct Traces<'a>(pub(super) Acting<'a>);

/// The life of a message.
#[derive(Clone, Debug, Serialize)]
pub struct MessageTrace {
    /// The number of the message.
    pub entry: EntryNo,
    /// The list.
    pub list: String,
    /// The sub-address of the list to which it came.
    pub sub_address: SubAddress,
    /// That address in full.
    pub address: String,
    /// How it came: `lmtp` or `inject`.
    pub origin: String,
    /// The envelope sender; empty: the null sender, or a person who was deleted.
    pub sender: String,
    /// When it came (RFC 3339, UTC).
    pub received_at: String,
    /// Since when it waits, or waited, for a moderator.
    pub held_at: Option<String>,
    /// When it left the queue; `None`: it waits.
    pub done_at: Option<String>,
    /// The queue in which it waits (`in`, `paused`, `hold`, `shunt`), or what became of it: `accepted`,
    /// `discarded-by-moderator`.
    pub state: String,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The events about it, the oldest first.
    pub events: Vec<EventView>,
    /// What was sent because of it, in that order.
    pub sendings: Vec<SendingTrace>,
}

/// What was sent because of a message.
#[derive(Clone, Debug, Serialize)]
pub struct SendingTrace {
    /// The number of the post or notice.
    pub post: SendingNo,
    /// `posting`, `notice` or `probe`.
    pub kind: String,
    /// Of a post: its number in the list.
    pub post_number: Option<i64>,
    /// When it was stored (RFC 3339, UTC).
    pub accepted_at: String,
    /// Whether all recipients are known by now.
    pub whole_roster: bool,
    /// How many copies are in each state.
    pub counts: BTreeMap<CopyState, usize>,
    /// The copies: first those that were not sent.
    pub copies: Paged<CopyTrace>,
}

/// The state of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyState {
    /// It was not tried yet.
    Waiting,
    /// The next hop deferred it, or could not be reached; it is tried again.
    Deferred,
    /// It waits for a key.
    HeldForKey,
    /// It waits for a person.
    Held,
    /// It was not made, because its recipient has no usable key.
    NoKey,
    /// It was given up: nobody could deliver it in time, its key did not come in time, or a person dropped
    /// it.
    GivenUp,
    /// The next hop refused it.
    Failed,
    /// The next hop accepted it.
    Sent,
}

names! { CopyState {
    Waiting = "waiting",
    Deferred = "deferred",
    HeldForKey = "held-for-key",
    Held = "held",
    NoKey = "no-key",
    GivenUp = "given-up",
    Failed = "failed",
    Sent = "sent",
} }

impl CopyState {
    /// The state of a copy by its row: a copy that failed says in its reply why.
    fn of(copy: &TracedCopy) -> Self {
        match copy.state.as_str() {
            "due" if copy.reply.is_empty() => Self::Waiting,
            "due" => Self::Deferred,
            "sent" => Self::Sent,
            "held_for_key" => Self::HeldForKey,
            "held" => Self::Held,
            _ if copy.reply.starts_with(NO_KEY) => Self::NoKey,
            _ if copy.reply.starts_with('5') => Self::Failed,
            _ => Self::GivenUp,
        }
    }
}

/// One copy.
#[derive(Clone, Debug, Serialize)]
pub struct CopyTrace {
    /// The recipient; empty: a person who was deleted.
    pub recipient: String,
    /// The state.
    pub state: CopyState,
    /// The next hop's last reply, shortened, or our reason.
    pub reply: String,
    /// The number that the next hop gave the copy, if its reply says so.
    pub queue_id: Option<String>,
    /// How often it was tried; `None` if it is done.
    pub attempts: Option<u32>,
    /// When it is tried next (RFC 3339, UTC).
    pub next_at: Option<String>,
}

/// A message from an address, or a copy to it.
#[derive(Clone, Debug, Serialize)]
pub struct AddressTrace {
    /// When the message came, or the post or notice was stored (RFC 3339, UTC).
    pub at: String,
    /// `from` or `to`.
    pub direction: &'static str,
    /// The number of the message, or of the message that caused the copy; `None`: no message caused it.
    pub entry: Option<EntryNo>,
    /// The list.
    pub list: String,
    /// `message`, `posting`, `notice` or `probe`.
    pub kind: String,
    /// What became of the message, or the state of the copy.
    pub state: String,
    /// Of a copy: the next hop's last reply, shortened, or our reason.
    pub reply: String,
    /// Of a copy: the number that the next hop gave it.
    pub queue_id: Option<String>,
}

impl Traces<'_> {
    /// The life of a message, with that part of the copies of each sending. Errs with [`AppError::NoTrace`]
    /// if there was none of that number, or if its trace is no longer kept.
    pub async fn message(&self, entry: EntryNo, copies: PageRange) -> Result<MessageTrace, AppError> {
        let app = self.0.app;
        let found = traces::message(&mut *app.store.reader().await?, entry).await?;
        let found = found.ok_or(AppError::NoTrace { entry, days: app.sent_kept_days })?;
        let mut sendings = Vec::new();
        for sending in traces::sendings_of(&mut *app.store.reader().await?, entry).await? {
            let all = traces::copies_of(&mut *app.store.reader().await?, sending.no).await?;
            sendings.push(sending_trace(sending, all, copies));
        }
        let events =
            recorded::of_entry(&mut *app.store.reader().await?, found.list, entry, found.received_at).await?;
        let events = views(app, events).await?;
        let list = lists::by_no(&mut *app.store.reader().await?, found.list).await?;
        let list = list.ok_or(AppError::NoTrace { entry, days: app.sent_kept_days })?;
        let address = list.name.address(found.sub_address).to_string();
        let TracedMessage { sub_address, origin, sender, state, reasons, .. } = found;
        Ok(MessageTrace {
            entry,
            list: list.name.to_string(),
            sub_address,
            address,
            origin,
            sender: sender.unwrap_or_default(),
            received_at: found.received_at.rfc3339(),
            held_at: found.held_at.map(Timestamp::rfc3339),
            done_at: found.done_at.map(Timestamp::rfc3339),
            state,
            reasons,
            events,
            sendings,
        })
    }

    /// The messages from an address and the copies to it, the newest first.
    pub async fn address(&self, address: &Address, page: PageRange) -> Result<Paged<AddressTrace>, AppError> {
        let app = self.0.app;
        let all = lists::all(&mut *app.store.reader().await?).await?;
        let names: BTreeMap<ListNo, String> =
            all.into_iter().map(|list| (list.no, list.name.to_string())).collect();
        let name = |no: ListNo| names.get(&no).cloned().unwrap_or_default();
        let mut found = Vec::new();
        for receipt in traces::receipts_of(&mut *app.store.reader().await?, address).await? {
            found.push((receipt.sending.accepted_at, received(receipt, name)));
        }
        for entry in traces::messages_from(&mut *app.store.reader().await?, address).await? {
            let message = traces::message(&mut *app.store.reader().await?, entry).await?;
            found.extend(message.map(|message| (message.received_at, written(message, name))));
        }
        found.sort_by_key(|(at, trace)| std::cmp::Reverse((*at, trace.entry)));
        Ok(Paged::of(found.into_iter().map(|(_, trace)| trace).collect(), page))
    }
}

fn sending_trace(sending: TracedSending, all: Vec<TracedCopy>, page: PageRange) -> SendingTrace {
    let mut copies: Vec<CopyTrace> = all.into_iter().map(copy_trace).collect();
    let mut counts = BTreeMap::new();
    for copy in &copies {
        *counts.entry(copy.state).or_default() += 1;
    }
    copies.sort_by(|one, other| (one.state, &one.recipient).cmp(&(other.state, &other.recipient)));
    SendingTrace {
        post: sending.no,
        kind: sending.kind,
        post_number: sending.post_number,
        accepted_at: sending.accepted_at.rfc3339(),
        whole_roster: sending.whole_roster,
        counts,
        copies: Paged::of(copies, page),
    }
}

fn copy_trace(copy: TracedCopy) -> CopyTrace {
    CopyTrace {
        state: CopyState::of(&copy),
        queue_id: queue_id(&copy),
        recipient: copy.recipient.unwrap_or_default(),
        reply: copy.reply,
        attempts: copy.attempts,
        next_at: copy.next_at.map(Timestamp::rfc3339),
    }
}

/// The number in `250 2.0.0 Ok: queued as 4XyZ1234`, as Postfix, Exim and others write it.
fn queue_id(copy: &TracedCopy) -> Option<String> {
    const MARKS: [&str; 2] = ["queued as ", "id="];
    if copy.state != "sent" {
        return None;
    }
    let behind = MARKS.iter().find_map(|mark| copy.reply.split_once(mark))?.1;
    let id = behind.split_whitespace().next()?.trim_end_matches(['.', ',', ';', ')']);
    (!id.is_empty()).then(|| id.to_owned())
}

fn received(receipt: TracedReceipt, name: impl Fn(ListNo) -> String) -> AddressTrace {
    let TracedReceipt { entry, list, sending, copy } = receipt;
    AddressTrace {
        at: sending.accepted_at.rfc3339(),
        direction: "to",
        entry,
        list: name(list),
        kind: sending.kind,
        state: CopyState::of(&copy).to_string(),
        queue_id: queue_id(&copy),
        reply: copy.reply,
    }
}

fn written(message: TracedMessage, name: impl Fn(ListNo) -> String) -> AddressTrace {
    AddressTrace {
        at: message.received_at.rfc3339(),
        direction: "from",
        entry: Some(message.entry),
        list: name(message.list),
        kind: "message".to_owned(),
        state: message.state,
        reply: String::new(),
        queue_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_says_the_state_and_the_number() {
        fn check(state: &str, reply: &str, expected: CopyState, id: Option<&str>) {
            let (state, reply) = (state.to_owned(), reply.to_owned());
            let copy = TracedCopy { recipient: None, state, attempts: None, next_at: None, reply };
            assert_eq!(CopyState::of(&copy), expected, "{copy:?}");
            assert_eq!(queue_id(&copy).as_deref(), id, "{copy:?}");
        }
        use CopyState::*;
        check("sent", "250 2.0.0 Ok: queued as 4XyZ12", Sent, Some("4XyZ12"));
        check("sent", "250 OK id=1sABcd-000000-0A", Sent, Some("1sABcd-000000-0A"));
        check("sent", "250 2.0.0 queued as 17.", Sent, Some("17"));
        check("sent", "250 2.0.0 thanks", Sent, None);
        check("sent", "250 queued as ", Sent, None);
        check("due", "", Waiting, None);
        check("due", "451 4.3.0 queued as X by mistake", Deferred, None);
        check("due", "the connection broke", Deferred, None);
        check("held_for_key", "there is no key that can be used", HeldForKey, None);
        check("held", "held by an admin", Held, None);
        check("failed", "no usable key: the key expired", NoKey, None);
        check("failed", "no usable key came in time", GivenUp, None);
        check("failed", "dropped by an admin", GivenUp, None);
        check("failed", "450 4.2.0 mailbox full", GivenUp, None);
        check("failed", "550 5.1.1 no such user", Failed, None);
        check("of a newer version", "", GivenUp, None);
    }
}
