//! Summaries: facts are recorded in their own transaction and reported when the notice is due. The first
//! notices of a day are sent at once; later facts are reported together after the list's `summary_pause_min`.
//! No fact is lost.
//!
//! ```text
//! Fact ──▶ pending_facts ──(PACES, summary_pause_min)──▶ send_due_summaries ──▶ one notice per recipient, facts deleted
//! ```

mod copies;
mod held;
mod outside;
mod requests;

use std::collections::HashSet;

use sealist_lists::model::{EntryNo, MailingList};
use sealist_lists::texts::Text;
use sealist_mail::{Address, MINUTE_MS, Timestamp};
use sealist_store::pending::{self, Due, FactTelling, Pace};
use sealist_store::queue;
use sealist_store::requests as waiting;
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, holds, lists};

use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::notices::PreparedNotice;
use crate::site::App;
use crate::summary_facts::{SummaryFact, gathered, pace};
pub(crate) use held::{minute, size};
pub(crate) use outside::{Extent, outside, summary_of, summary_to_keep, whole_content};

/// Heaps per round.
const AT_ONCE: u32 = 20;
/// When a notice whose limit is reached is tried again.
const LATER_MS: i64 = 30 * MINUTE_MS;

/// Facts for the owners of a list.
pub(crate) fn gather(list: &MailingList, text: Text, facts: &[SummaryFact]) -> PreparedNotice {
    PreparedNotice::Facts(gathered(list, None, text, facts))
}

/// Facts for one person.
pub(crate) fn gather_for(
    list: &MailingList,
    to: &Address,
    text: Text,
    facts: &[SummaryFact],
) -> PreparedNotice {
    PreparedNotice::Facts(gathered(list, Some(to.clone()), text, facts))
}

/// The facts of one heap, for a notice.
struct Telling<'a> {
    app: &'a App,
    list: &'a MailingList,
    text: Text,
    to: Option<Address>,
    facts: Vec<SummaryFact>,
    /// How many facts were only counted.
    more: u64,
    now: Timestamp,
}

/// A notice for one recipient, with its tokens.
struct NoticeWithTokens {
    notice: PreparedNotice,
    tokens: Vec<(TokenSubject, [u8; 32])>,
    reader: Address,
}

/// Sends the due notices. Returns whether there may be more. A notice that cannot be made, for instance
/// because this node lacks the list's keys, does not delay the others.
pub async fn send_due_summaries(app: &App, now: Timestamp) -> Result<bool, AppError> {
    let due = pending::due(&mut *app.store.reader().await?, AT_ONCE, now).await?;
    let mut is_more = due.len() == AT_ONCE as usize;
    for heap in &due {
        match send_summary(app, heap, now).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                tracing::error!(
                    event = "summary-failed", %error, kind = %heap.heap.kind,
                    "cannot make a summary notice; it is retried in a minute"
                );
                put_off(app, heap, now.plus_ms(MINUTE_MS)).await?;
                is_more = false;
            }
        }
    }
    Ok(is_more)
}

async fn send_summary(app: &App, due: &Due, now: Timestamp) -> Result<(), AppError> {
    let (list, facts) = {
        let mut db = app.store.reader().await?;
        let Some(list) = lists::by_no(&mut db, due.heap.list).await? else { return Ok(()) };
        (list, pending::facts(&mut db, &due.heap).await?)
    };
    let text = Text::from_name(&due.heap.kind);
    let read = |row: &pending::PendingFact| serde_json::from_str::<SummaryFact>(&row.fact).ok();
    let telling = text.map(|text| Telling {
        app,
        list: &list,
        text,
        to: due.heap.to.clone(),
        facts: facts.iter().filter_map(read).collect(),
        more: due.more,
        now,
    });
    let about = telling.as_ref().and_then(|telling| SummaryFact::common_entry(&telling.facts));
    let notices = match telling {
        Some(telling) => telling.notices().await?,
        None => Some(Notices::default()),
    };
    let Some(notices) = notices else { return put_off(app, due, now.plus_ms(LATER_MS)).await };
    // Facts that do not fit wait for the next notice.
    let left: HashSet<String> = notices.left.iter().map(SummaryFact::subject).collect();
    let is_left = |row: &pending::PendingFact| read(row).is_some_and(|fact| left.contains(&fact.subject()));
    let told: Vec<pending::PendingFact> = facts.into_iter().filter(|row| !is_left(row)).collect();
    let pace = text.map_or(Pace { at_once: 1, pause_ms: LATER_MS }, |text| pace(&list, text));
    let (due, seen) = (due.clone(), due.clone());
    let until = notices.answerable_until;
    let stored = app.write_unrecorded(
        Unrecorded::Notices,
        transaction!(|db| {
            let how = if notices.notices.is_empty() { FactTelling::Silently } else { FactTelling::ByNotice };
            if !pending::delete_told(&mut *db, &due, &told, how, pace, now).await? {
                return Err(AppError::Overtaken);
            }
            let mut out = notices.notices.is_empty();
            for NoticeWithTokens { notice, tokens: marks, reader } in notices.notices {
                if !notice.caused_by(about).store(&mut *db, now).await? {
                    continue;
                }
                out = true;
                for (about, mark) in &marks {
                    // The message may have been decided about meanwhile.
                    if is_waiting(&mut *db, about).await? {
                        tokens::add(&mut *db, about.clone(), mark, &reader, until).await?;
                    }
                }
            }
            for entry in &notices.entries {
                holds::mark_told(&mut *db, *entry, now).await?;
            }
            if out { Ok(()) } else { Err(AppError::Overtaken) }
        }),
    );
    match stored.await {
        // A recipient got enough notices today, so the facts wait; or another node sent the notice, and this
        // changes nothing.
        Err(AppError::Overtaken) => put_off(app, &seen, now.plus_ms(LATER_MS)).await,
        other => other,
    }
}

async fn is_waiting(db: &mut Conn, about: &TokenSubject) -> Result<bool, StoreError> {
    Ok(match about {
        TokenSubject::Entry(no) => queue::find(db, *no).await?.is_some(),
        TokenSubject::Request(no) => waiting::by_no(db, *no).await?.is_some(),
        TokenSubject::GaveWay | TokenSubject::Decided(_) => false,
    })
}

async fn put_off(app: &App, due: &Due, until: Timestamp) -> Result<(), AppError> {
    let due = due.clone();
    let later =
        app.write_unrecorded(Unrecorded::Notices, transaction!(|db| pending::put_off(db, &due, until).await));
    Ok(later.await?)
}

/// The notices for one heap.
#[derive(Default)]
struct Notices {
    notices: Vec<NoticeWithTokens>,
    /// The held messages in them.
    entries: Vec<EntryNo>,
    /// Facts that did not fit.
    left: Vec<SummaryFact>,
    answerable_until: Timestamp,
}

impl Telling<'_> {
    /// `None`: there is no recipient.
    async fn notices(&self) -> Result<Option<Notices>, AppError> {
        match self.text {
            Text::Held => self.held().await,
            Text::Waits => self.waits().await,
            Text::Requests => self.requests().await,
            _ => self.plain().await,
        }
    }
}
