//! Facts that gather until a notice tells them, and how fast they are told. Reads `summary_pause_min`.

use sealist_lists::model::{EntryNo, MailingList};
use sealist_lists::rules::Reason;
use sealist_lists::texts::Text;
use sealist_mail::{Address, MINUTE_MS, Timestamp};
use sealist_store::pending::{self, Beyond, Heap, NewFact, Pace};
use sealist_store::{Conn, StoreError};
use serde::{Deserialize, Serialize};

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
    (Text::Weakened, 5),
];

/// A fact for the owners of a list or for one person. It contains nothing of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SummaryFact {
    /// A message is held.
    Held { entry: EntryNo },
    /// A message is no longer held, without a decision.
    Gone {
        entry: EntryNo,
        received_at_ms: i64,
        sender: String,
        octets: u64,
        reasons: Vec<Reason>,
        why: WhyGone,
    },
    /// A copy was not delivered.
    Copy { email: String, reply: String },
    /// Delivery to a member was disabled.
    Stopped { email: String },
    /// The key of a member was authorised by a compromised key.
    KeyVoid { email: String, fingerprint: String, old_fingerprint: String },
    /// Somebody became a member, or is no longer one.
    Member { email: String },
    /// An address got another key on another list.
    KeyChanged { email: String, fingerprint: String },
    /// A request waits for a decision.
    Asked { email: String },
    /// A message was shunted.
    Shunted { entry: EntryNo, address: String, received_at_ms: i64 },
    /// A setting was changed so that the list gives up a promise.
    Weakened { setting: String, old: String, new: String, by: String, generation: i64 },
}

/// Why a message is no longer held without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhyGone {
    /// Too many waited.
    TooMany,
    /// It waited for too long.
    TooLong,
}

impl SummaryFact {
    /// The message that the fact is about.
    fn entry(&self) -> Option<EntryNo> {
        match self {
            Self::Held { entry } | Self::Gone { entry, .. } | Self::Shunted { entry, .. } => Some(*entry),
            _ => None,
        }
    }

    /// The message that all these facts are about; `None` if they are about several messages, or about none.
    pub(crate) fn common_entry(facts: &[Self]) -> Option<EntryNo> {
        let first = facts.first()?.entry();
        first.filter(|_| facts.iter().all(|fact| fact.entry() == first))
    }

    /// The subject: a later fact about the same subject replaces this one.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Held { entry } | Self::Gone { entry, .. } | Self::Shunted { entry, .. } => {
                entry.to_string()
            }
            Self::KeyChanged { email, fingerprint } => format!("{email} {fingerprint}"),
            Self::Weakened { setting, generation, .. } => format!("{setting} {generation}"),
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
    /// Adds the facts to those of the heap that wait already.
    pub(crate) async fn store(&self, db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
        pending::add(db, &self.heap, &self.facts, self.pace, now).await
    }
}

/// Collects facts for the owners of a list, or for one person.
pub(crate) fn gathered(
    list: &MailingList,
    to: Option<Address>,
    text: Text,
    facts: &[SummaryFact],
) -> Gathered {
    let fact = |fact: &SummaryFact| NewFact {
        subject: fact.subject(),
        fact: serde_json::to_string(fact).expect("a fact is JSON"),
        // The limits on holds bound the number of these facts, and each must be reported with its token.
        beyond: if matches!(fact, SummaryFact::Held { .. }) { Beyond::Kept } else { Beyond::Counted },
    };
    Gathered {
        heap: Heap { list: list.no, to, kind: text.name().to_owned() },
        facts: facts.iter().map(fact).collect(),
        pace: pace(list, text),
    }
}

/// Returns how many notices of a kind a list gets at once, and how long facts gather afterwards.
pub(crate) fn pace(list: &MailingList, text: Text) -> Pace {
    let at_once = PACES.iter().find(|(kind, _)| *kind == text).map_or(1, |(_, at_once)| *at_once);
    Pace { at_once, pause_ms: i64::from(list.settings.summary_pause_min) * MINUTE_MS }
}
