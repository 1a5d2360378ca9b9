//! Limits how many notices go to one address: a table by who asked for the notice and what it is for.
//!
//! People who proved who they are have budgets of their own, so that mail which others send in their name
//! uses none of them. Setting of the site: `max_stranger_notices_per_hour`.

use crate::names;

/// Who asked for a notice, as far as the list can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequesterTrust {
    /// A signature or a token proves that the recipient of the notice asked for it.
    Proven,
    /// A From field names an address that has a role on the list.
    Known,
    /// A From field or an envelope names an address that is unknown to the list.
    Stranger,
}

/// What a notice is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticePurpose {
    /// It asks a question that must be answered before a request is carried out.
    Question,
    /// It reports the results of commands.
    Answer,
    /// It says that an encrypted message was ignored.
    Closed,
    /// It contains the public key of the list.
    PublicKey,
    /// It reports on a message that waits for a moderator.
    Held,
}

/// The notices that all lists of a site together may send to one stranger within a day. Questions and answers
/// are counted separately, so that a person can still join after somebody used up their answers by forged
/// mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Questions.
    Questions,
    /// Everything else.
    Answers,
}

names! { Pool { Questions = "questions", Answers = "answers" } }

/// The limits for one kind of notice from one list to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeBudget {
    /// The most notices of this kind within a day.
    pub most_a_day: u32,
    /// Who asked. The same kind of notice is counted separately for each requester. `None`: nobody asked for
    /// the notice.
    pub requester: Option<RequesterTrust>,
    /// The limits that all strangers share.
    pub shared: Option<SharedBudget>,
}

/// The limits on notices to strangers, in addition to the limit of their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedBudget {
    /// The pool in which the notice is counted.
    pub pool: Pool,
    /// The most notices of the pool to one address within a day, from all lists of the site.
    pub most_a_day: u32,
    /// The most notices to all strangers of the site within an hour.
    pub most_an_hour: u32,
    /// The source of the mail that asks for the notice, if mail does. A source may use only a part of the
    /// hour's notices.
    pub source: Option<Source>,
}

/// A domain of envelope senders, and the limits that its mail shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The number that stands for the domain.
    pub number: u16,
    /// The most notices within an hour to all strangers whose mail comes from the domain.
    pub most_an_hour: u32,
    /// The source may exceed its limit until this many notices went to strangers in the hour, because then
    /// the notices are not scarce.
    pub idle_below: u32,
}

impl NoticeBudget {
    /// One notice of a kind a day, whatever caused it.
    pub const DAILY: Self = Self::a_day(1);
    /// No limit, for notices that are limited elsewhere.
    pub const UNLIMITED: Self = Self::a_day(u32::MAX);

    /// A limit per day and kind, whatever caused the notice.
    pub const fn a_day(most_a_day: u32) -> Self {
        Self { most_a_day, requester: None, shared: None }
    }

    /// The same budget for mail of that source. A source may use at most a tenth of what strangers get in an
    /// hour. It is not less, because large providers have many honest users, and it is more in an hour in
    /// which few notices were sent.
    pub fn of_source(self, number: Option<u16>) -> Self {
        let shared = self.shared.map(|shared| {
            let most_an_hour = shared.most_an_hour.div_ceil(SOURCES).max(LEAST_OF_SOURCE);
            let idle_below = shared.most_an_hour / IDLE;
            let share = |number| Source { number, most_an_hour, idle_below };
            SharedBudget { source: number.map(share), ..shared }
        });
        Self { shared, ..self }
    }

    /// The name under which notices of that kind are counted.
    pub fn counted_as(&self, kind: &str) -> String {
        match self.requester {
            None => kind.to_owned(),
            Some(RequesterTrust::Proven) => format!("proven {kind}"),
            Some(RequesterTrust::Known) => format!("known {kind}"),
            Some(RequesterTrust::Stranger) => format!("stranger {kind}"),
        }
    }
}

/// The most notices of one kind from one list to one address within a day.
const A_DAY: &[(RequesterTrust, NoticePurpose, u32)] = &[
    (RequesterTrust::Proven, NoticePurpose::Question, 20),
    (RequesterTrust::Proven, NoticePurpose::Answer, 20),
    (RequesterTrust::Proven, NoticePurpose::Closed, 10),
    (RequesterTrust::Proven, NoticePurpose::PublicKey, 3),
    (RequesterTrust::Proven, NoticePurpose::Held, 50),
    (RequesterTrust::Known, NoticePurpose::Question, 1),
    (RequesterTrust::Known, NoticePurpose::Answer, 3),
    (RequesterTrust::Known, NoticePurpose::Closed, 1),
    (RequesterTrust::Known, NoticePurpose::PublicKey, 1),
    (RequesterTrust::Known, NoticePurpose::Held, 50),
    (RequesterTrust::Stranger, NoticePurpose::Question, 1),
    (RequesterTrust::Stranger, NoticePurpose::Answer, 1),
    (RequesterTrust::Stranger, NoticePurpose::Closed, 1),
    (RequesterTrust::Stranger, NoticePurpose::PublicKey, 1),
    (RequesterTrust::Stranger, NoticePurpose::Held, 1),
];

/// One source may use this fraction of the notices to strangers: one in `SOURCES`.
const SOURCES: u32 = 10;
/// One in `IDLE` of an hour's notices goes to whoever comes first, whatever the source.
const IDLE: u32 = 4;
/// The least that a source gets. One mail may ask for this many notices, and with less it would wait for
/// ever.
const LEAST_OF_SOURCE: u32 = 5;
/// For how many hours mail with commands may wait until notices to strangers are sent again.
const HOURS_THAT_WAIT: u32 = 4;
/// The least number of messages that may wait on any site.
const LEAST_WAITING: u32 = 100;
/// The room for waiting mail, in MiB.
const WAITING_MIB: u64 = 64;

/// The most notices to one stranger within a day from all lists of the site.
const OF_SITE: &[(Pool, u32)] = &[(Pool::Questions, 5), (Pool::Answers, 3)];

/// How many strangers a list tells within a day that their messages wait.
const AUTHORS_A_DAY: u64 = 50;

/// Whether the list may tell one more stranger today that a message waits. `of_all` and `of_source` count the
/// strangers who were told because of mail from all sources and from this source. Without the limit, anybody
/// could make the list write to strangers by sending in their names. The limit per source keeps such mail
/// from using up everybody's share.
pub fn may_tell_author(of_all: u64, of_source: u64) -> bool {
    of_all < AUTHORS_A_DAY && of_source < AUTHORS_A_DAY / u64::from(SOURCES)
}

/// An amount of waiting mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Messages.
    pub messages: u64,
    /// Their total size in octets.
    pub octets: u64,
}

/// Waiting mail, or the limits on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingMail {
    /// From all sources together.
    pub of_all: Amount,
    /// From one source.
    pub of_source: Amount,
}

impl WaitingMail {
    /// Whether a limit is reached, so that no more mail of the source may wait.
    pub fn is_full(&self, most: &Self) -> bool {
        let full = |one: &Amount, most: &Amount| one.messages >= most.messages || one.octets >= most.octets;
        full(&self.of_all, &most.of_all) || full(&self.of_source, &most.of_source)
    }
}

/// The budgets of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// The most notices within an hour to all strangers of the site.
    pub max_stranger_notices_per_hour: u32,
}

impl Budgets {
    /// The default of `max_stranger_notices_per_hour`.
    pub const DEFAULT_PER_HOUR: u32 = 500;

    /// How much mail with commands may wait, from all sources and from each.
    pub fn waiting(&self) -> WaitingMail {
        let messages = self.max_stranger_notices_per_hour.saturating_mul(HOURS_THAT_WAIT).max(LEAST_WAITING);
        let (sources, octets) = (u64::from(SOURCES), WAITING_MIB * 1024 * 1024);
        WaitingMail {
            of_all: Amount { messages: messages.into(), octets },
            of_source: Amount { messages: u64::from(messages) / sources, octets: octets / sources },
        }
    }

    /// The budget of a notice.
    pub fn of(&self, requester: RequesterTrust, purpose: NoticePurpose) -> NoticeBudget {
        let row = A_DAY.iter().find(|(who, what, _)| *who == requester && *what == purpose);
        let pool = if purpose == NoticePurpose::Question { Pool::Questions } else { Pool::Answers };
        let most_a_day = OF_SITE.iter().find(|(one, _)| *one == pool).map_or(0, |(_, most)| *most);
        let shared =
            SharedBudget { pool, most_a_day, most_an_hour: self.max_stranger_notices_per_hour, source: None };
        NoticeBudget {
            most_a_day: row.map_or(0, |(_, _, most)| *most),
            requester: Some(requester),
            shared: (requester == RequesterTrust::Stranger).then_some(shared),
        }
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self { max_stranger_notices_per_hour: Self::DEFAULT_PER_HOUR }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUSTS: [RequesterTrust; 3] =
        [RequesterTrust::Proven, RequesterTrust::Known, RequesterTrust::Stranger];
    const PURPOSES: [NoticePurpose; 5] = [
        NoticePurpose::Question,
        NoticePurpose::Answer,
        NoticePurpose::Closed,
        NoticePurpose::PublicKey,
        NoticePurpose::Held,
    ];

    #[test]
    fn everybody_has_a_budget_of_their_own() {
        let budgets = Budgets { max_stranger_notices_per_hour: 7 };
        for purpose in PURPOSES {
            let mut names = Vec::new();
            for requester in TRUSTS {
                let budget = budgets.of(requester, purpose);
                assert!(budget.most_a_day > 0, "{requester:?} {purpose:?}");
                assert_eq!(
                    budget.shared.is_some(),
                    requester == RequesterTrust::Stranger,
                    "{requester:?} {purpose:?}"
                );
                assert!(!names.contains(&budget.counted_as("kind")), "{requester:?} {purpose:?}");
                names.push(budget.counted_as("kind"));
            }
            let shared = budgets.of(RequesterTrust::Stranger, purpose).shared.unwrap();
            assert_eq!(shared.pool == Pool::Questions, purpose == NoticePurpose::Question);
            assert!(shared.most_a_day > 0 && shared.most_an_hour == 7);
        }
        assert_eq!(A_DAY.len(), TRUSTS.len() * PURPOSES.len());
    }
}
