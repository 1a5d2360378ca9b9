//! The notice about held messages to the deciders, with tokens, and with the messages themselves if the
//! recipient may see them; and the notice to an author whose post is held.

use sealist_lists::budgets::{NoticeBudget, NoticePurpose, RequesterTrust};
use sealist_lists::commands::mailto;
use sealist_lists::model::{Channel, EntryNo, MailingList, Role, SubAddress};
use sealist_lists::rules::Reason;
use sealist_lists::texts::{Text, TextPlace, Value, context};
use sealist_mail::{DAY_MS, Mailbox, Timestamp, shortened};
use sealist_openpgp::Token;
use sealist_store::people;
use sealist_store::queue::{self, QueueEntry, QueueName as Where};
use sealist_store::tokens::TokenSubject;

use super::outside::{Extent, HeldMessageSummary, Shown, content, outside, summary_of};
use super::{NoticeWithTokens, Notices, Telling};
use crate::addresses::source_of;
use crate::error::AppError;
use crate::moderators::{Decider, deciders};
use crate::notices::{Message, channel_to, make_with, place_of};
use crate::summary_facts::{SummaryFact, WhyGone};

/// The most messages in one notice. Others wait for the next notice.
const MAX_MESSAGES: usize = 200;
/// The most octets of attached messages in one notice.
const MAX_ATTACHED_OCTETS: usize = 1024 * 1024;
/// How long decisions by mail are possible if messages are held without limit.
const LONGEST_DECISION_MS: i64 = 30 * DAY_MS;

/// A held message for the notice.
struct HeldMessage {
    entry: QueueEntry,
    outside: HeldMessageSummary,
    shown: Shown,
}

/// Until when a message can be decided about, and whether it is deleted then.
fn decidable_until(list: &MailingList, held_at: Timestamp, now: Timestamp) -> (Timestamp, bool) {
    match list.settings.max_days_to_hold {
        0 => (now.plus_ms(LONGEST_DECISION_MS), false),
        days => (held_at.plus_ms(i64::from(days) * DAY_MS).max(now.plus_ms(DAY_MS)), true),
    }
}

impl Telling<'_> {
    /// To each decider: the messages that are held, and those that are gone.
    pub(super) async fn held(&self) -> Result<Option<Notices>, AppError> {
        let (waiting, left) = self.waiting().await?;
        let gone: Vec<&SummaryFact> =
            self.facts.iter().filter(|fact| matches!(fact, SummaryFact::Gone { .. })).collect();
        let mut notices = Notices { left, answerable_until: self.now, ..Notices::default() };
        if waiting.is_empty() && gone.is_empty() && self.more == 0 {
            return Ok(Some(notices));
        }
        let people = deciders(self.app, self.list, self.now).await?;
        if people.is_empty() {
            return Ok(None);
        }
        for person in people {
            notices.notices.push(self.to_decider(person, &waiting, &gone).await?);
        }
        notices.entries = waiting.iter().map(|one| one.entry.no).collect();
        let until =
            |one: &HeldMessage| decidable_until(self.list, one.entry.held_at.unwrap_or(self.now), self.now).0;
        notices.answerable_until = waiting.iter().map(until).max().unwrap_or(self.now);
        Ok(Some(notices))
    }

    /// The messages that are still held, the oldest first, and the facts that do not fit into this notice.
    async fn waiting(&self) -> Result<(Vec<HeldMessage>, Vec<SummaryFact>), AppError> {
        let (mut waiting, mut left, mut attached) = (Vec::new(), Vec::new(), 0);
        for fact in &self.facts {
            let SummaryFact::Held { entry } = fact else { continue };
            let entry = queue::find(&mut *self.app.store.reader().await?, *entry).await?;
            let Some(entry) = entry.filter(|entry| entry.place == Where::Hold) else { continue };
            if waiting.len() == MAX_MESSAGES {
                left.push(fact.clone());
                continue;
            }
            let outside = outside(self.app, self.list, &entry).await?;
            let shown = content(self.app, self.list, &entry.reasons, &outside, self.now).await?;
            let shown = match shown {
                Shown::Message(message, _) if attached + message.len() > MAX_ATTACHED_OCTETS => {
                    Shown::Message(Vec::new(), Extent::Beginning)
                }
                shown => shown,
            };
            if let Shown::Message(message, _) = &shown {
                attached += message.len();
            }
            // The message itself is dropped here, because there may be many.
            let outside = outside.without_message();
            waiting.push(HeldMessage { entry, outside, shown });
        }
        Ok((waiting, left))
    }

    async fn to_decider(
        &self,
        person: Decider,
        waiting: &[HeldMessage],
        gone: &[&SummaryFact],
    ) -> Result<NoticeWithTokens, AppError> {
        let Self { app, list, now, .. } = *self;
        let place = place_of(app, list, &person.address).await?;
        let may_see = person.channel == Channel::Sealed || !list.settings.has_openpgp();
        let telling = person.channel == Channel::Sealed || !list.settings.encrypting();
        let (mut tokens, mut shown, mut attached) = (Vec::new(), Vec::new(), Vec::new());
        for one in waiting {
            let token = person.may_answer.then(Token::fresh);
            shown.push(self.described(one, &place, may_see, telling, token.as_ref()));
            tokens.extend(token.map(|token| {
                (TokenSubject::Entry(one.entry.no), app.vault.mac().token_mark(&token.to_string()))
            }));
            if let (true, Shown::Message(message, _)) = (may_see, &one.shown)
                && !message.is_empty()
            {
                attached.push((format!("message-{}.eml", one.entry.no), message.clone()));
            }
        }
        let gone: Vec<Value> = gone.iter().filter_map(|fact| told_gone(fact, telling)).collect();
        let values = context! {
            list => list.display_name(),
            address => list.name.to_string(),
            pgp => list.settings.has_openpgp(),
            count => waiting.len(),
            may_answer => person.may_answer,
            may_see,
            days => list.settings.max_days_to_hold,
            messages => shown,
            gone,
            more => self.more,
        };
        let message = Message {
            to: Mailbox { name: None, address: person.address.clone() },
            kind: Text::Held.name().into(),
            budget: NoticeBudget::UNLIMITED,
            notice: app.texts.notice(Text::Held, &place, values),
            attachment: None,
            reply_to: Some(list.name.address(SubAddress::Request)),
        };
        let notice = make_with(app, list, message, attached, person.channel, now).await?;
        Ok(NoticeWithTokens { notice, tokens, reader: person.address })
    }

    fn described(
        &self,
        one: &HeldMessage,
        place: &TextPlace<'_>,
        may_see: bool,
        telling: bool,
        token: Option<&Token>,
    ) -> Value {
        let Self { app, list, .. } = *self;
        let reasons: &[Reason] = if telling { &one.entry.reasons } else { &[] };
        let reasons: Vec<String> = reasons.iter().map(|reason| app.texts.reason(*reason, place)).collect();
        let EntryNo(number) = one.entry.no;
        let token = token.map(Token::to_string);
        let link = |verb: &str, token: &String| {
            mailto(&list.name.address(SubAddress::Request), &format!("{verb} {token}"))
        };
        let can_pass = !one.entry.reasons.iter().any(|reason| reason.is_final());
        let (until, ends) = decidable_until(list, one.entry.held_at.unwrap_or(self.now), self.now);
        context! {
            entry => number,
            address => list.name.address(one.entry.sub_address).to_string(),
            received_at => minute(one.entry.received_at),
            author => one.outside.author,
            sender => shortened(&one.entry.sender),
            subject => (may_see && !list.settings.has_openpgp()).then_some(one.outside.subject.as_str()),
            size => size(one.outside.octets),
            reasons,
            shown => match (&one.shown, may_see) {
                (_, false) => "no",
                (Shown::MayBeCaptured, true) => "captured",
                (Shown::Message(message, _), true) if message.is_empty() => "later",
                (Shown::Message(_, Extent::Whole), true) => "whole",
                (Shown::Message(_, Extent::Beginning), true) => "beginning",
            },
            until => ends.then(|| minute(until)),
            approve => token.as_ref().filter(|_| can_pass).map(|token| link("approve", token)),
            discard => token.as_ref().map(|token| link("discard", token)),
            token,
        }
    }

    /// To an author: posts are held for a moderator, or were dropped to make room.
    pub(super) async fn waits(&self) -> Result<Option<Notices>, AppError> {
        let Self { app, list, now, .. } = *self;
        let notices = Notices { answerable_until: now, ..Notices::default() };
        let Some(author) = &self.to else { return Ok(Some(notices)) };
        let place = place_of(app, list, author).await?;
        let (channel, is_member) = {
            let mut db = app.store.reader().await?;
            let roles = people::roles_of(&mut db, list.no, author).await?;
            let is_member = roles.iter().any(|member| member.role != Role::Nonmember);
            (channel_to(app, &mut db, list, author, now).await?, is_member)
        };
        let mut messages = Vec::new();
        for fact in &self.facts {
            let SummaryFact::Held { entry } = fact else { continue };
            let entry = queue::find(&mut *app.store.reader().await?, *entry).await?;
            let Some(entry) = entry.filter(|entry| entry.place == Where::Hold) else { continue };
            // Strangers get none of their words back, and nothing of encrypted mail is quoted unencrypted.
            let subject = match is_member && !list.settings.has_openpgp() {
                true => Some(summary_of(app, list, &entry).await?.subject),
                false => None,
            };
            let public = list.settings.has_openpgp();
            let reasons = entry.reasons.iter().filter(|reason| !public || reason.is_public());
            let reasons: Vec<String> = reasons.map(|reason| app.texts.reason(*reason, &place)).collect();
            messages.push(context! { received_at => minute(entry.received_at), subject, reasons });
        }
        let gone: Vec<Value> = self.facts.iter().filter_map(|fact| told_gone(fact, false)).collect();
        if messages.is_empty() && gone.is_empty() && self.more == 0 {
            return Ok(Some(notices));
        }
        let values = context! {
            gone,
            more => self.more,
            list => list.display_name(),
            address => list.name.to_string(),
            owner => list.name.address(SubAddress::Owner).to_string(),
            days => list.settings.max_days_to_hold,
            count => messages.len(),
            messages,
        };
        let message = Message {
            to: Mailbox { name: None, address: author.clone() },
            kind: Text::Waits.name().into(),
            budget: if is_member {
                NoticeBudget::UNLIMITED
            } else {
                app.budgets
                    .of(RequesterTrust::Stranger, NoticePurpose::Held)
                    .of_source(Some(source_of(app, &author.to_string())))
            },
            notice: app.texts.notice(Text::Waits, &place, values),
            attachment: None,
            reply_to: None,
        };
        let notice = make_with(app, list, message, Vec::new(), channel, now).await?;
        let reader = author.clone();
        Ok(Some(Notices {
            notices: vec![NoticeWithTokens { notice, tokens: Vec::new(), reader }],
            ..notices
        }))
    }
}

fn told_gone(fact: &SummaryFact, telling: bool) -> Option<Value> {
    let SummaryFact::Gone { received_at_ms, sender, octets, reasons, why, .. } = fact else { return None };
    let verdict: Vec<&str> = reasons.iter().filter(|_| telling).map(|reason| reason.name()).collect();
    Some(context! {
        received_at => minute(Timestamp(*received_at_ms)),
        sender => shortened(sender),
        size => size(*octets),
        verdict => verdict.join(", "),
        too_long => *why == WhyGone::TooLong,
    })
}

/// `2026-11-28 02:31`, UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.rfc3339().replace('T', " ").chars().take(16).collect()
}

/// `12 KiB`.
pub(crate) fn size(octets: u64) -> String {
    match octets {
        0..=1023 => format!("{octets} B"),
        1024..=1_048_575 => format!("{} KiB", octets.div_ceil(1024)),
        _ => format!("{} MiB", octets.div_ceil(1024 * 1024)),
    }
}
