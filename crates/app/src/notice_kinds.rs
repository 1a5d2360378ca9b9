//! The notices of a list: their occasions and recipients.

use sealist_lists::budgets::{NoticePurpose, RequesterTrust};
use sealist_lists::model::{Channel, MailingList, SubAddress};
use sealist_lists::texts::{Text, TextPlace, Value, context};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::deliveries::{DeliveryResult, DeliveryState};
use sealist_store::holds::Leaving;
use sealist_store::queue::QueueEntry;
use sealist_store::{keys, people};

use crate::addresses::source_of;
use crate::error::AppError;
use crate::key_life::{cause, judge};
use crate::notices::{Message, PreparedNotice, answer, answer_by, channel_to, place_of, to_person};
use crate::site::App;
use crate::summaries::{gather, gather_for, minute};
use crate::summary_facts::{SummaryFact, WhyGone};

/// To a subscribed author whose message is refused. The text is the same for every reason; on an encrypting
/// list the notice is only sent sealed (design promise 3).
pub(crate) async fn not_posted(
    app: &App,
    list: &MailingList,
    author: &Address,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        pgp => list.settings.has_openpgp(),
        sendkey => list.name.address(SubAddress::Sendkey).to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
    };
    of_a_message(app, list, author, Text::NotPosted, values, now).await
}

/// To a subscribed author whose message came again after it was posted. On an encrypting list the notice is
/// only sent sealed, because it says something about the content.
pub(crate) async fn posted_already(
    app: &App,
    list: &MailingList,
    author: &Address,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
    };
    of_a_message(app, list, author, Text::PostedAlready, values, now).await
}

/// A notice that says something about a message. On an encrypting list it is only sent sealed.
async fn of_a_message(
    app: &App,
    list: &MailingList,
    author: &Address,
    text: Text,
    values: Value,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let content = |_: &TextPlace<'_>, channel| {
        let may = channel == Channel::Sealed || !list.settings.encrypting();
        may.then(|| (values.clone(), None))
    };
    to_person(app, list, somebody(author), text, content, now).await
}

/// To the owners: a message is held.
pub(crate) fn held(list: &MailingList, entry: &QueueEntry) -> PreparedNotice {
    gather(list, Text::Held, &[SummaryFact::Held { entry: entry.no }])
}

/// To the owners: a message is no longer held, without a decision.
pub(crate) fn no_longer_held(list: &MailingList, leaving: &Leaving, why: WhyGone) -> PreparedNotice {
    gather(list, Text::Held, &[left(leaving, why)])
}

/// To the author who was told that a message is held: it was dropped to make room. `None`: nobody was told.
pub(crate) fn gave_way(list: &MailingList, leaving: &Leaving) -> Option<PreparedNotice> {
    let author = leaving.entry.author.parse().ok()?;
    Some(gather_for(list, &author, Text::Waits, &[left(leaving, WhyGone::TooMany)]))
}

fn left(leaving: &Leaving, why: WhyGone) -> SummaryFact {
    let Leaving { entry, octets } = leaving;
    SummaryFact::Gone {
        entry: entry.no,
        received_at_ms: entry.received_at.0,
        sender: entry.sender.clone(),
        octets: *octets,
        reasons: entry.reasons.clone(),
        why,
    }
}

/// To an author: a message is held for a moderator.
pub(crate) fn post_is_held(list: &MailingList, author: &Address, entry: &QueueEntry) -> PreparedNotice {
    gather_for(list, author, Text::Waits, &[SummaryFact::Held { entry: entry.no }])
}

/// To the author of a message that a moderator rejected, with the moderator's reason, or about which nobody
/// decided in time. On an encrypting list it is only sent sealed.
pub(crate) async fn not_let_through(
    app: &App,
    list: &MailingList,
    author: &Address,
    refusal: NotPosted<'_>,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let place = place_of(app, list, author).await?;
    let (channel, is_subscribed) = {
        let mut db = app.store.reader().await?;
        let roles = people::roles_of(&mut db, list.no, author).await?;
        (channel_to(app, &mut db, list, author, now).await?, !roles.is_empty())
    };
    if channel == Channel::Open && list.settings.encrypting() || !is_subscribed && list.settings.has_openpgp()
    {
        return Ok(None);
    }
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
        received_at => minute(refusal.received_at),
        problem => refusal.reason.and_then(reason_lines),
        days => refusal.after_days,
    };
    let requester = if is_subscribed { RequesterTrust::Known } else { RequesterTrust::Stranger };
    let message = Message {
        to: somebody(author),
        kind: Text::NotLetThrough.name().into(),
        budget: app
            .budgets
            .of(requester, NoticePurpose::Held)
            .of_source(Some(source_of(app, &author.to_string()))),
        notice: app.texts.notice(Text::NotLetThrough, &place, values),
        attachment: None,
        reply_to: None,
    };
    answer_by(app, list, message, channel, now).await.map(Some)
}

/// Why a held message is not posted.
pub(crate) struct NotPosted<'a> {
    /// When it arrived.
    pub(crate) received_at: Timestamp,
    /// The moderator's reason.
    pub(crate) reason: Option<&'a str>,
    /// After how many days without a decision; 0: a moderator decided.
    pub(crate) after_days: u32,
}

/// To the owners: a message was shunted.
pub(crate) fn shunted(list: &MailingList, entry: &QueueEntry) -> PreparedNotice {
    let address = list.name.address(entry.sub_address).to_string();
    let fact = SummaryFact::Shunted { entry: entry.no, address, received_at_ms: entry.received_at.0 };
    gather(list, Text::Shunted, &[fact])
}

/// The list's certificates, the current one first, to a person who asks by mail of that source.
pub(crate) async fn sendkey(
    app: &App,
    list: &MailingList,
    to: &Address,
    source: Option<u16>,
    certificates: &[Certificate],
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let Some(certificate) = certificates.first() else { return Ok(None) };
    let armored: Vec<u8> = certificates.iter().flat_map(Certificate::armored).collect();
    let place = place_of(app, list, to).await?;
    let roles = people::roles_of(&mut *app.store.reader().await?, list.no, to).await?;
    let requester = if roles.is_empty() { RequesterTrust::Stranger } else { RequesterTrust::Known };
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        fingerprint => certificate.fingerprint().spaced(),
    };
    let message = Message {
        to: somebody(to),
        kind: Text::Sendkey.name().into(),
        budget: app.budgets.of(requester, NoticePurpose::PublicKey).of_source(source),
        notice: app.texts.notice(Text::Sendkey, &place, values),
        attachment: Some((format!("{}.asc", list.name), "application/pgp-keys", armored)),
        reply_to: None,
    };
    answer(app, list, message, now).await.map(Some)
}

/// Why a recipient's key cannot be used. `None`: there is no key, or it can be used.
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

/// To a recipient: a post waits for a usable key, or is not kept without one.
pub(crate) async fn key_needed(
    app: &App,
    list: &MailingList,
    reader: &Address,
    copy: &DeliveryResult,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let why = why_unusable(app, list, reader, now).await?;
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
        request => list.name.address(SubAddress::Request).to_string(),
        days => if copy.state == DeliveryState::HeldForKey { key_wait_days(list) } else { 0 },
        problem => why.as_deref().unwrap_or(&copy.reply),
    };
    to_person(app, list, somebody(reader), Text::KeyNeeded, |_, _| Some((values.clone(), None)), now).await
}

/// To the owners: copies that wait for keys ([`Text::MemberKeyNeeded`]), that waited too long
/// ([`Text::CopiesDropped`]), or that could not be delivered ([`Text::Undelivered`]).
pub(crate) fn about_copies(
    list: &MailingList,
    text: Text,
    copies: &[&DeliveryResult],
) -> Option<PreparedNotice> {
    let fact = |copy: &&DeliveryResult| SummaryFact::Copy {
        email: copy.email.clone(),
        reply: one_line(&copy.reply),
    };
    let facts: Vec<SummaryFact> = copies.iter().map(fact).collect();
    (!facts.is_empty()).then(|| gather(list, text, &facts))
}

/// To the owners: delivery to an address is disabled after too many bounces.
pub(crate) fn stopped(list: &MailingList, email: &str) -> PreparedNotice {
    gather(list, Text::Stopped, &[SummaryFact::Stopped { email: email.to_owned() }])
}

/// To a member whose delivery is disabled after bounces: how to enable it again.
pub(crate) async fn delivery_stopped(
    app: &App,
    list: &MailingList,
    member: &Address,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
        request => list.name.address(SubAddress::Request).to_string(),
        email => member.to_string(),
    };
    to_person(app, list, somebody(member), Text::DeliveryStopped, |_, _| Some((values.clone(), None)), now)
        .await
}

/// To a member whose mail bounced: a test whether mail arrives.
pub(crate) async fn probe(
    app: &App,
    list: &MailingList,
    member: &Address,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
        email => member.to_string(),
    };
    to_person(app, list, somebody(member), Text::Probe, |_, _| Some((values.clone(), None)), now).await
}

/// To the owners: the key of a member was authorised by a key that is compromised.
pub(crate) fn key_void(
    list: &MailingList,
    member: &Address,
    revoked: &str,
    key: &Certificate,
) -> PreparedNotice {
    let fact = SummaryFact::KeyVoid {
        email: member.to_string(),
        fingerprint: key.fingerprint().to_string(),
        old_fingerprint: revoked.to_owned(),
    };
    gather(list, Text::KeyVoid, &[fact])
}

pub(crate) fn key_wait_days(list: &MailingList) -> u32 {
    list.settings.pgp.as_ref().map_or(0, |pgp| pgp.key_wait_days)
}

/// The reply of another server, as one line of our own text.
fn one_line(reply: &str) -> String {
    reply.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A moderator's reason with its line ends. `None` if there is none.
pub(crate) fn reason_lines(reason: &str) -> Option<Value> {
    let printable = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>();
    let lines: Vec<String> = reason.trim().lines().map(printable).collect();
    (!reason.trim().is_empty()).then(|| Value::from_safe_string(lines.join("\n")))
}

pub(crate) fn somebody(address: &Address) -> Mailbox {
    Mailbox { name: None, address: address.clone() }
}
