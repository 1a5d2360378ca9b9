//! How many notices go to one address: a table of who asked for them and for what. Who proved who they are has budgets of
//! their own, so that mail that others send in their name uses nothing of them. Setting of the site:
//! `max_stranger_notices_per_hour`.

/// Who asked for a notice, as far as the list knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A signature or a token shows that the reader of the notice asked.
    Proven,
    /// A From field names an address that has a role on the list.
    Known,
    /// A From field or an envelope names an address of which the list knows nothing.
    Stranger,
}

/// What a notice is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticePurpose {
    /// It asks a question that somebody has to answer before a request is done.
    Question,
    /// It tells what became of commands.
    Answer,
    /// It says that an encrypted message was not acted on.
    Closed,
    /// It brings the public key of the list.
    PublicKey,
    /// It tells what becomes of a message that waits.
    Held,
}

/// What all lists of a site together may send to one stranger within a day. Questions are apart from answers: who has a list
/// answer in somebody's name all day does not keep that person from joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Questions.
    Questions,
    /// Everything else.
    Answers,
}

impl Pool {
    /// The name by which the pool is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Answers => "answers",
        }
    }
}

/// How many notices of one kind a list sends to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeBudget {
    /// Notices of one kind within a day.
    pub most_a_day: u32,
    /// Whose budget it is: the same kind of notice is counted apart for each asker. `None`: nobody asked for the notice.
    pub asker: Option<Asker>,
    /// What strangers share.
    pub shared: Option<SharedBudget>,
}

/// What notices to strangers count against beside their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedBudget {
    /// Which pool.
    pub pool: Pool,
    /// Notices of the pool to one address within a day, from all lists of the site.
    pub most_a_day: u32,
    /// Notices to all strangers of the site within an hour.
    pub most_an_hour: u32,
    /// The source of the mail that asks for the notice, if mail does: its share of the hour is smaller.
    pub source: Option<Source>,
}

/// The envelope senders of one domain, and what they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// By which the domain is known.
    pub number: u16,
    /// Notices within an hour to all strangers whose mail comes from there.
    pub most_an_hour: u32,
    /// Until so many notices went to strangers of all sources, it may have more: nobody else needs them yet.
    pub idle_below: u32,
}

impl NoticeBudget {
    /// One notice of a kind a day, whoever or whatever caused it.
    pub const DAILY: Self = Self::a_day(1);
    /// Something else limits these notices.
    pub const UNLIMITED: Self = Self::a_day(u32::MAX);

    /// So many notices of a kind a day, whoever or whatever caused them.
    pub const fn a_day(most_a_day: u32) -> Self {
        Self { most_a_day, asker: None, shared: None }
    }

    /// The same budget for mail of that source, if mail asks: no source takes more than a tenth of what strangers have in an hour. Large
    /// providers have many honest users, so it is not less, and it is more in an hour that is hardly used.
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
        match self.asker {
            None => kind.to_owned(),
            Some(Asker::Proven) => format!("proven {kind}"),
            Some(Asker::Known) => format!("known {kind}"),
            Some(Asker::Stranger) => format!("stranger {kind}"),
        }
    }
}

/// Notices of one kind that go to one address within a day from one list.
const A_DAY: &[(Asker, NoticePurpose, u32)] = &[
    (Asker::Proven, NoticePurpose::Question, 20),
    (Asker::Proven, NoticePurpose::Answer, 20),
    (Asker::Proven, NoticePurpose::Closed, 10),
    (Asker::Proven, NoticePurpose::PublicKey, 3),
    (Asker::Proven, NoticePurpose::Held, 50),
    (Asker::Known, NoticePurpose::Question, 1),
    (Asker::Known, NoticePurpose::Answer, 3),
    (Asker::Known, NoticePurpose::Closed, 1),
    (Asker::Known, NoticePurpose::PublicKey, 1),
    (Asker::Known, NoticePurpose::Held, 50),
    (Asker::Stranger, NoticePurpose::Question, 1),
    (Asker::Stranger, NoticePurpose::Answer, 1),
    (Asker::Stranger, NoticePurpose::Closed, 1),
    (Asker::Stranger, NoticePurpose::PublicKey, 1),
    (Asker::Stranger, NoticePurpose::Held, 1),
];

/// So many sources share all that strangers have.
const SOURCES: u32 = 10;
/// One part of so many of an hour is given to whoever comes first.
const IDLE: u32 = 4;
/// One mail may ask for so many notices: it would wait for ever where its source has less.
const LEAST_OF_SOURCE: u32 = 5;
/// Mail with commands waits for so many hours, at most, until notices to strangers may go out again.
const HOURS_THAT_WAIT: u32 = 4;
/// So much may wait on every site.
const LEAST_WAITING: u32 = 100;
/// What waits takes so much room.
const WAITING_MIB: u64 = 64;

/// Notices to one stranger within a day from all lists of the site.
const OF_SITE: &[(Pool, u32)] = &[(Pool::Questions, 5), (Pool::Answers, 3)];

/// Strangers who hear from one list within a day that their messages wait.
const AUTHORS_A_DAY: u64 = 50;

/// Whether one more stranger may hear today from a list that a message waits, after so many did because of mail of all sources
/// and of one: with more, the list would be a tool of whoever sends in their names. No source has more than its part, so that
/// such mail does not keep others from hearing.
pub fn may_tell_author(of_all: u64, of_source: u64) -> bool {
    of_all < AUTHORS_A_DAY && of_source < AUTHORS_A_DAY / u64::from(SOURCES)
}

/// Mail that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Messages.
    pub messages: u64,
    /// Octets that they take together.
    pub octets: u64,
}

/// Mail that waits, or may wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingMail {
    /// Of all sources together.
    pub of_all: Amount,
    /// Of one source.
    pub of_source: Amount,
}

impl WaitingMail {
    /// Whether nothing more may come from the source, by these limits.
    pub fn is_full(&self, most: &Self) -> bool {
        let full = |one: &Amount, most: &Amount| one.messages >= most.messages || one.octets >= most.octets;
        full(&self.of_all, &most.of_all) || full(&self.of_source, &most.of_source)
    }
}

/// The budgets of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Notices within an hour to all strangers of the site.
    pub max_stranger_notices_per_hour: u32,
}

impl Budgets {
    /// What a site has that chose nothing.
    pub const DEFAULT_PER_HOUR: u32 = 500;

    /// How much mail with commands may wait to be judged, of all sources and of each.
    pub fn waiting(&self) -> WaitingMail {
        let messages = self.max_stranger_notices_per_hour.saturating_mul(HOURS_THAT_WAIT).max(LEAST_WAITING);
        let (sources, octets) = (u64::from(SOURCES), WAITING_MIB * 1024 * 1024);
        WaitingMail {
            of_all: Amount { messages: messages.into(), octets },
            of_source: Amount { messages: u64::from(messages) / sources, octets: octets / sources },
        }
    }

    /// The budget of a notice.
    pub fn of(&self, asker: Asker, purpose: NoticePurpose) -> NoticeBudget {
        let row = A_DAY.iter().find(|(who, what, _)| *who == asker && *what == purpose);
        let pool = if purpose == NoticePurpose::Question { Pool::Questions } else { Pool::Answers };
        let most_a_day = OF_SITE.iter().find(|(one, _)| *one == pool).map_or(0, |(_, most)| *most);
        let shared =
            SharedBudget { pool, most_a_day, most_an_hour: self.max_stranger_notices_per_hour, source: None };
        NoticeBudget {
            most_a_day: row.map_or(0, |(_, _, most)| *most),
            asker: Some(asker),
            shared: (asker == Asker::Stranger).then_some(shared),
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

    const ASKERS: [Asker; 3] = [Asker::Proven, Asker::Known, Asker::Stranger];
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
            for asker in ASKERS {
                let budget = budgets.of(asker, purpose);
                assert!(budget.most_a_day > 0, "{asker:?} {purpose:?}");
                assert_eq!(budget.shared.is_some(), asker == Asker::Stranger, "{asker:?} {purpose:?}");
                assert!(!names.contains(&budget.counted_as("kind")), "{asker:?} {purpose:?}");
                names.push(budget.counted_as("kind"));
            }
            let shared = budgets.of(Asker::Stranger, purpose).shared.unwrap();
            assert_eq!(shared.pool == Pool::Questions, purpose == NoticePurpose::Question);
            assert!(shared.most_a_day > 0 && shared.most_an_hour == 7);
        }
        assert_eq!(A_DAY.len(), ASKERS.len() * PURPOSES.len());
    }
}
