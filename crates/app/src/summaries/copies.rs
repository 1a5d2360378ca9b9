//! Summaries that name people or entries, a line or two each, to the owners of a list or to one person.

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::model::{EntryNo, SubAddress};
use sealist_lists::texts::{Value, context};
use sealist_mail::{Address, Mailbox, Timestamp, mixes_scripts};
use sealist_openpgp::Fingerprint;

use super::held::minute;
use super::{NoticeWithTokens, Notices, SummaryFact, Telling};
use crate::error::AppError;
use crate::notice_kinds::key_wait_days;
use crate::notices::{Message, channel_to, in_charge, make, place_of};

/// The most lines of one notice.
const MAX_LINES: usize = 200;

impl Telling<'_> {
    /// The same text for each recipient, in that person's language.
    pub(super) async fn plain(&self) -> Result<Option<Notices>, AppError> {
        let Self { app, list, now, .. } = *self;
        let mut notices = Notices { answerable_until: now, ..Notices::default() };
        if self.facts.is_empty() && self.more == 0 {
            return Ok(Some(notices));
        }
        let people = match &self.to {
            Some(person) => vec![person.clone()],
            None => in_charge(app, list).await?,
        };
        if people.is_empty() {
            return Ok(None);
        }
        for person in people {
            let channel = channel_to(app, &mut *app.store.reader().await?, list, &person, now).await?;
            let place = place_of(app, list, &person).await?;
            let message = Message {
                to: Mailbox { name: None, address: person.clone() },
                kind: self.text.name().into(),
                budget: NoticeBudget::UNLIMITED,
                notice: app.texts.notice(self.text, &place, self.values()),
                attachment: None,
                reply_to: None,
            };
            let notice = make(app, list, message, channel, now).await?;
            notices.notices.push(NoticeWithTokens { notice, tokens: Vec::new(), reader: person });
        }
        Ok(Some(notices))
    }

    fn values(&self) -> Value {
        let list = self.list;
        let lines = || self.facts.iter().take(MAX_LINES);
        let copies = lines().filter_map(|fact| match fact {
            SummaryFact::Copy { email, reply } => Some(context! { email, reply }),
            _ => None,
        });
        let addresses = lines().filter_map(|fact| match fact {
            SummaryFact::Stopped { email } | SummaryFact::Member { email } => Some(email.clone()),
            _ => None,
        });
        let changed = lines().filter_map(|fact| match fact {
            SummaryFact::KeyChanged { email, fingerprint } => {
                Some(context! { email, fingerprint => spaced(fingerprint) })
            }
            _ => None,
        });
        // These values are for an admin's own text that knows only a single fact.
        let emails = lines().filter_map(|fact| match fact {
            SummaryFact::Member { email } | SummaryFact::KeyChanged { email, .. } => Some(email.as_str()),
            _ => None,
        });
        let mixes = |fact: &SummaryFact| match fact {
            SummaryFact::Member { email } => {
                Address::from_stored(email).is_some_and(|one| mixes_scripts(&one))
            }
            _ => false,
        };
        let mixed_scripts = lines().any(mixes);
        let fingerprints = lines().filter_map(|fact| match fact {
            SummaryFact::KeyChanged { fingerprint, .. } => Some(spaced(fingerprint)),
            _ => None,
        });
        let doubts = lines().filter_map(|fact| match fact {
            SummaryFact::KeyVoid { email, fingerprint, old_fingerprint } => Some(context! {
                email,
                fingerprint => spaced(fingerprint),
                old_fingerprint => spaced(old_fingerprint),
            }),
            _ => None,
        });
        let messages = lines().filter_map(|fact| match fact {
            SummaryFact::Shunted { entry: EntryNo(number), address, received_at_ms } => Some(context! {
                entry => number,
                address,
                received_at => minute(Timestamp(*received_at_ms)),
            }),
            _ => None,
        });
        let settings = lines().filter_map(|fact| match fact {
            SummaryFact::Weakened { setting, old, new, by, .. } => {
                Some(context! { name => setting, old, new, by })
            }
            _ => None,
        });
        let beyond = self.facts.len().saturating_sub(MAX_LINES) as u64;
        let values = context! {
            list => list.display_name(),
            address => list.name.to_string(),
            owner => list.name.address(SubAddress::Owner).to_string(),
            request => list.name.address(SubAddress::Request).to_string(),
            days => key_wait_days(list),
            bounces => list.settings.bounce_score_threshold,
            more => self.more + beyond,
            copies => copies.collect::<Vec<Value>>(),
            addresses => addresses.collect::<Vec<String>>(),
            changed => changed.collect::<Vec<Value>>(),
            mixed_scripts,
            email => emails.collect::<Vec<&str>>().join(", "),
            fingerprint => fingerprints.collect::<Vec<String>>().join(", "),
            doubts => doubts.collect::<Vec<Value>>(),
            messages => messages.collect::<Vec<Value>>(),
            settings => settings.collect::<Vec<Value>>(),
        };
        values
    }
}

fn spaced(fingerprint: &str) -> String {
    fingerprint.parse::<Fingerprint>().map_or(fingerprint.to_owned(), |known| known.spaced())
}
