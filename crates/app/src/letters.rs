//! Which letters a list writes: the occasions, and who hears of them.

use sealist_lists::model::{Channel, Door, EntryNo, MailingList};
use sealist_lists::rules::Reason;
use sealist_lists::texts::{Place, Text, Value, context};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::deliveries::{Settled, State};
use sealist_store::notices::Often;
use sealist_store::queue::Entry;
use sealist_store::{keys, people};

use crate::deciders::{Ask, to_deciders};
use crate::key_life::{cause, judge};
use crate::notices::{Message, Prepared, answer, place_of, to_moderators, to_person};
use crate::{App, AppError};

/// Copies that one letter names.
const MAX_LINES: usize = 20;

/// To a subscribed author whose message is not posted: the same words whatever the cause, on an encrypting
/// list only sealed (design promise 3).
pub(crate) async fn not_posted(
    app: &App,
    list: &MailingList,
    author: &Address,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        pgp => list.settings.pgp.is_some(),
        sendkey => list.name.address(Door::Sendkey).to_string(),
        owner => list.name.address(Door::Owner).to_string(),
    };
    let content = |_: &Place<'_>, channel| {
        let may = channel == Channel::Sealed || !list.settings.encrypting();
        may.then(|| (values.clone(), None))
    };
    to_person(app, list, somebody(author), Text::NotPosted, content, now).await
}

/// To a subscribed author whose message came a second time after it was posted. On an encrypting list the notice goes out
/// only sealed: it tells of what the message holds.
pub(crate) async fn posted_already(
    app: &App,
    list: &MailingList,
    author: &Address,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(Door::Owner).to_string(),
    };
    let content = |_: &Place<'_>, channel| {
        let may = channel == Channel::Sealed || !list.settings.encrypting();
        may.then(|| (values.clone(), None))
    };
    to_person(app, list, somebody(author), Text::PostedAlready, content, now).await
}

/// To those in charge: a message waits. An open letter does not say why.
pub(crate) async fn held(
    app: &App,
    list: &MailingList,
    entry: &Entry,
    reasons: &[Reason],
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let values = |place: &Place<'_>, channel, token: Option<&str>| {
        let telling = channel == Channel::Sealed || !list.settings.encrypting();
        let reasons: &[Reason] = if telling { reasons } else { &[] };
        let sentences: Vec<String> = reasons.iter().map(|reason| app.texts.reason(*reason, place)).collect();
        let EntryNo(number) = entry.no;
        context! {
            list => list.display_name(),
            address => list.name.address(entry.door).to_string(),
            received_at => entry.received_at.rfc3339(),
            entry => number,
            reasons => sentences,
            pgp => list.settings.pgp.is_some(),
            token,
        }
    };
    let ask = Ask { text: Text::Held, often: Often::Daily, attachment: None, about_key_of: None };
    to_deciders(app, list, ask, values, now).await
}

/// To those in charge: a message broke the runner.
pub(crate) async fn shunted(
    app: &App,
    list: &MailingList,
    entry: &Entry,
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    to_moderators(app, list, Text::Shunted, |_, _| about_entry(list, entry, &[]), now).await
}

fn about_entry(list: &MailingList, entry: &Entry, reasons: &[String]) -> Value {
    let EntryNo(number) = entry.no;
    context! {
        list => list.display_name(),
        address => list.name.address(entry.door).to_string(),
        received_at => entry.received_at.rfc3339(),
        entry => number,
        reasons,
    }
}

/// The list's certificates, the one in use first, to whoever asks.
pub(crate) async fn sendkey(
    app: &App,
    list: &MailingList,
    to: &Address,
    certificates: &[Certificate],
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let Some(certificate) = certificates.first() else { return Ok(None) };
    let armored: Vec<u8> = certificates.iter().flat_map(Certificate::armored).collect();
    let place = place_of(app, list, to).await?;
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        fingerprint => certificate.fingerprint().spaced(),
    };
    let message = Message {
        to: somebody(to),
        kind: Text::Sendkey.name().into(),
        often: Often::ToStranger,
        letter: app.texts.letter(Text::Sendkey, &place, values),
        attachment: Some((format!("{}.asc", list.name), "application/pgp-keys", armored)),
        reply_to: None,
    };
    answer(app, list, message, now).await
}

/// Why the key that a reader has cannot be used; `None`: there is none, or nothing is wrong with it.
async fn why_unusable(
    app: &App,
    list: &MailingList,
    reader: &Address,
    now: Timestamp,
) -> Result<Option<String>, AppError> {
    let mut db = app.store.reader().await?;
    let Some(no) = people::find_address(&mut db, reader).await? else { return Ok(None) };
    let Some(row) = keys::certificate_of(&mut db, no).await? else { return Ok(None) };
    drop(db);
    let judged = judge(&Certificate::from_stored(&row.certificate)?, reader, now);
    let place = place_of(app, list, reader).await?;
    Ok(judged.card.err().map(|problem| cause(app, &problem, &place)))
}

/// A post waits for a reader's key, or is not kept for want of one: to the reader.
pub(crate) async fn key_needed(
    app: &App,
    list: &MailingList,
    reader: &Address,
    copy: &Settled,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let why = why_unusable(app, list, reader, now).await?;
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(Door::Owner).to_string(),
        request => list.name.address(Door::Request).to_string(),
        days => if copy.state == State::HeldForKey { key_wait_days(list) } else { 0 },
        problem => why.as_deref().unwrap_or(&copy.reply),
    };
    to_person(app, list, somebody(reader), Text::KeyNeeded, |_, _| Some((values.clone(), None)), now).await
}

/// To those in charge: copies that wait for keys ([`Text::MemberKeyNeeded`]), or that could not be delivered
/// and are not tried again ([`Text::Undelivered`]).
pub(crate) async fn about_copies(
    app: &App,
    list: &MailingList,
    text: Text,
    copies: &[&Settled],
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    if copies.is_empty() {
        return Ok(Vec::new());
    }
    let lines = copies.iter().take(MAX_LINES);
    let lines: Vec<Value> =
        lines.map(|copy| context! { email => copy.email, reply => one_line(&copy.reply) }).collect();
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        days => key_wait_days(list),
        more => copies.len() - lines.len(),
        copies => lines,
    };
    to_moderators(app, list, text, |_, _| values.clone(), now).await
}

/// To those in charge: posts to these addresses have stopped, after too many bounces.
pub(crate) async fn stopped(
    app: &App,
    list: &MailingList,
    addresses: &[String],
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        bounces => list.settings.bounce_score_threshold,
        addresses,
    };
    to_moderators(app, list, Text::Stopped, |_, _| values.clone(), now).await
}

/// To a member whose mail came back: does this arrive?
pub(crate) async fn probe(
    app: &App,
    list: &MailingList,
    member: &Address,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(Door::Owner).to_string(),
        email => member.to_string(),
    };
    to_person(app, list, somebody(member), Text::Probe, |_, _| Some((values.clone(), None)), now).await
}

/// To those in charge: the key of a member stands on the word of one that is compromised.
pub(crate) async fn key_void(
    app: &App,
    list: &MailingList,
    member: &Address,
    revoked: &str,
    key: &Certificate,
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let spaced = |text: &str| text.parse::<Fingerprint>().map_or(text.to_owned(), |known| known.spaced());
    let values = context! {
        list => list.display_name(),
        email => member.to_string(),
        fingerprint => key.fingerprint().spaced(),
        old_fingerprint => spaced(revoked),
    };
    to_moderators(app, list, Text::KeyVoid, |_, _| values.clone(), now).await
}

pub(crate) fn key_wait_days(list: &MailingList) -> u32 {
    list.settings.pgp.as_ref().map_or(0, |pgp| pgp.key_wait_days)
}

/// The words of another server, as a part of our own.
fn one_line(reply: &str) -> String {
    reply.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn somebody(address: &Address) -> Mailbox {
    Mailbox { name: None, address: address.clone() }
}
