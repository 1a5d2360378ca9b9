//! Notices that gather facts: what happens is noted in its own transaction, and told when the notice is due. The first of a
//! day go at once; what comes later is told together after the list's `summary_pause_min`. Nothing is lost by that.
//!
//! ```text
//! Fact ──▶ pending_facts ──(PACES, summary_pause_min)──▶ tell_due ──▶ one notice for each reader, facts deleted
//! ```

mod copies;
mod held;
mod outside;
mod requests;

use std::collections::HashSet;

use sealist_lists::model::{EntryNo, MailingList};
use sealist_lists::rules::Reason;
use sealist_lists::texts::Text;
use sealist_mail::{Address, Timestamp};
use sealist_store::pending::{self, Beyond, Due, FactTelling, Heap, NewFact, Pace};
use sealist_store::queue;
use sealist_store::requests as waiting;
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::{Conn, StoreError, holds, lists};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::notices::PreparedNotice;
use crate::site::App;
pub(crate) use held::{minute, size};
pub(crate) use outside::{Extent, outside, whole_content};

/// Heaps of one look.
const AT_ONCE: u32 = 20;
const MINUTE_MS: i64 = 60_000;
/// A notice that its limit does not let out yet is looked at again after this.
const LATER_MS: i64 = 30 * MINUTE_MS;

/// How many notices of a kind go at once on a day, before facts gather.
const PACES: &[(Text, u32)] = &[
    (Text::Held, 5),
    (Text::Waits, 5),
    (Text::Stopped, 3),
    (Text::KeyVoid, 5),
    (Text::MemberKeyNeeded, 1),
    (Text::Undelivered, 1),
    (Text::CopiesDropped, 1),
    (Text::CopyDropped, 1),
    (Text::Shunted, 3),
    (Text::AdminSubscribed, 5),
    (Text::AdminUnsubscribed, 5),
    (Text::AdminKeyChanged, 5),
    (Text::Requests, 1),
];

/// Something that people in charge of a list, or one person, are told of. Holds nothing that a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SummaryFact {
    /// A message waits.
    Held { entry: EntryNo },
    /// A message waits no longer, and nobody decided.
    Gone {
        entry: EntryNo,
        received_at_ms: i64,
        sender: String,
        octets: u64,
        reasons: Vec<Reason>,
        why: WhyGone,
    },
    /// A copy did not reach its reader.
    Copy { email: String, reply: String },
    /// Posts to a member have stopped.
    Stopped { email: String },
    /// The key of a member stands on the word of one that is compromised.
    KeyVoid { email: String, fingerprint: String, old_fingerprint: String },
    /// Somebody has become a member, or is none any more.
    Member { email: String },
    /// An address has another key, which some other list took.
    KeyChanged { email: String, fingerprint: String },
    /// Somebody asked for something that waits for a decision.
    Asked { email: String },
    /// A message broke the runner.
    Shunted { entry: EntryNo, address: String, received_at_ms: i64 },
}

/// Why a message waits no longer without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhyGone {
    /// Too many waited.
    TooMany,
    /// It waited for too long.
    TooLong,
}

impl SummaryFact {
    /// What it is about: a later fact about the same takes its place.
    fn subject(&self) -> String {
        match self {
            Self::Held { entry } | Self::Gone { entry, .. } | Self::Shunted { entry, .. } => {
                entry.to_string()
            }
            Self::KeyChanged { email, fingerprint } => format!("{email} {fingerprint}"),
            Self::Copy { email, .. }
            | Self::Stopped { email }
            | Self::KeyVoid { email, .. }
            | Self::Member { email }
            | Self::Asked { email } => email.clone(),
        }
    }
}

/// Facts of one heap that wait for their transaction.
pub(crate) struct Gathered {
    heap: Heap,
    facts: Vec<NewFact>,
    pace: Pace,
}

impl Gathered {
    pub(crate) async fn store(&self, db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
        pending::add(db, &self.heap, &self.facts, self.pace, now).await
    }
}

/// Facts for those in charge of a list.
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

fn gathered(list: &MailingList, to: Option<Address>, text: Text, facts: &[SummaryFact]) -> Gathered {
    let fact = |fact: &SummaryFact| NewFact {
        subject: fact.subject(),
        fact: serde_json::to_string(fact).expect("a fact is JSON"),
        // The limits on holds bound these, and each has to be told with its token.
        beyond: if matches!(fact, SummaryFact::Held { .. }) { Beyond::Kept } else { Beyond::Counted },
    };
    Gathered {
        heap: Heap { list: list.no, to, kind: text.name().to_owned() },
        facts: facts.iter().map(fact).collect(),
        pace: pace(list, text),
    }
}

fn pace(list: &MailingList, text: Text) -> Pace {
    let at_once = PACES.iter().find(|(kind, _)| *kind == text).map_or(1, |(_, at_once)| *at_once);
    Pace { at_once, pause_ms: i64::from(list.settings.summary_pause_min) * MINUTE_MS }
}

/// The facts of one heap, and what a notice of them says.
struct Telling<'a> {
    app: &'a App,
    list: &'a MailingList,
    text: Text,
    to: Option<Address>,
    facts: Vec<SummaryFact>,
    /// Facts that were only counted.
    more: u64,
    now: Timestamp,
}

/// A notice for one reader, with the tokens that it brings.
struct NoticeWithTokens {
    notice: PreparedNotice,
    tokens: Vec<(TokenSubject, [u8; 32])>,
    reader: Address,
}

/// Tells what is due. Says whether there may be more. A heap whose notice cannot be made, for want of the list's keys on
/// this node, say, keeps no other from being told.
pub async fn tell_due(app: &App, now: Timestamp) -> Result<bool, AppError> {
    let due = pending::due(&mut *app.store.reader().await?, AT_ONCE, now).await?;
    let mut is_more = due.len() == AT_ONCE as usize;
    for heap in &due {
        match tell(app, heap, now).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                tracing::error!(%error, kind = %heap.heap.kind, "a notice could not be made, tried again later");
                put_off(app, heap, now.plus_ms(MINUTE_MS)).await?;
                is_more = false;
            }
        }
    }
    Ok(is_more)
}

async fn tell(app: &App, due: &Due, now: Timestamp) -> Result<(), AppError> {
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
    let notices = match telling {
        Some(telling) => telling.notices().await?,
        None => Some(Notices::default()),
    };
    let Some(notices) = notices else { return put_off(app, due, now.plus_ms(LATER_MS)).await };
    // What does not stand in the notice waits for the next one.
    let left: HashSet<String> = notices.left.iter().map(SummaryFact::subject).collect();
    let is_left = |row: &pending::PendingFact| read(row).is_some_and(|fact| left.contains(&fact.subject()));
    let told: Vec<pending::PendingFact> = facts.into_iter().filter(|row| !is_left(row)).collect();
    let pace = text.map_or(Pace { at_once: 1, pause_ms: LATER_MS }, |text| pace(&list, text));
    let (due, seen) = (due.clone(), due.clone());
    let until = notices.answerable_until;
    let stored = app.store.write(move |db| {
        Box::pin(async move {
            let how = if notices.notices.is_empty() { FactTelling::Silently } else { FactTelling::ByNotice };
            if !pending::told(&mut *db, &due, &told, how, pace, now).await? {
                return Err(AppError::Overtaken);
            }
            let mut out = notices.notices.is_empty();
            for notice in &notices.notices {
                if !notice.notice.store(&mut *db, now).await? {
                    continue;
                }
                out = true;
                for (about, mark) in &notice.tokens {
                    // It may have been decided meanwhile.
                    if is_waiting(&mut *db, about).await? {
                        tokens::add(&mut *db, about.clone(), mark, &notice.reader, until).await?;
                    }
                }
            }
            for entry in &notices.entries {
                holds::told(&mut *db, *entry, now).await?;
            }
            if out { Ok(()) } else { Err(AppError::Overtaken) }
        })
    });
    match stored.await {
        // Somebody has had enough notices today, and the facts wait; or another node was quicker, and this changes nothing.
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
    let later = app.store.write(move |db| Box::pin(async move { pending::put_off(db, &due, until).await }));
    Ok(later.await.map_err(|error: StoreError| error)?)
}

/// What one heap becomes.
#[derive(Default)]
struct Notices {
    notices: Vec<NoticeWithTokens>,
    /// The held messages of which they tell.
    entries: Vec<EntryNo>,
    /// Facts for which they had no room.
    left: Vec<SummaryFact>,
    answerable_until: Timestamp,
}

impl Telling<'_> {
    /// `None`: there is nobody to tell.
    async fn notices(&self) -> Result<Option<Notices>, AppError> {
        match self.text {
            Text::Held => self.held().await,
            Text::Waits => self.waits().await,
            Text::Requests => self.requests().await,
            _ => self.plain().await,
        }
    }
}
