//! Decisions of owners and moderators about held messages, and messages that the server sets aside. The
//! command line and the mail commands use the same function, [`decision`].

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::commands::mailto;
use sealist_lists::events::{Actor, Event, EventKind, ServerCause};
use sealist_lists::model::{Channel, MailingList, Role, SubAddress};
use sealist_lists::notices::{Notice, build};
use sealist_lists::rules::Reason;
use sealist_lists::texts::{Text, context};
use sealist_mail::origin::{Answerable, answerable};
use sealist_mail::{Address, Boundary, Headers, Mailbox, Timestamp, compose, sole_author};
use sealist_openpgp::{self as openpgp, KeyIds, SealingCard, SignWith, random};
use sealist_store::events::Occasion;
use sealist_store::queue::{self, QueueEntry, QueueName};
use sealist_store::{Conn, StoreError, holds, keys, lists, people};

use crate::changes::{Change, ChangeOutcome, Happened};
use crate::decisions::{MessageDecision, RecordedDecision};
use crate::effects::Effect;
use crate::error::AppError;
use crate::notice_kinds::{self, NotPosted, not_let_through};
use crate::notices::{Message, PreparedNotice, channel_to, make_with, place_of};
use crate::opening::{list_of, open_stored};
use crate::site::App;
use crate::summaries::{Extent, minute, outside, size, whole_content};

/// The most octets of a message that an owner gets on request.
const MAX_ASKED_OCTETS: usize = 1024 * 1024;

/// Whether the author of a rejected message is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// A notice is on its way.
    Told,
    /// The author may not be told, has no usable key, or had many notices today.
    Untold,
}

/// The effects of a decision about a message. Errs with [`AppError::Unseen`] if the message may be a captured
/// one and no owner has seen it, with [`AppError::NoAuthor`] if the list could not post it, with
/// [`AppError::NotHeld`] if it does not wait for a decision, and with [`AppError::Overtaken`] if it is gone.
pub(crate) async fn decision(
    app: &App,
    list: &MailingList,
    entry: QueueEntry,
    decision: MessageDecision,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Effect>, AppError> {
    if queue::find(&mut *app.store.reader().await?, entry.no).await?.is_none() {
        return Err(AppError::Overtaken);
    }
    if decision == MessageDecision::Accept {
        if entry.place != QueueName::Hold {
            return Err(AppError::NotHeld { entry: entry.no, place: entry.place.name() });
        }
        if entry.reasons.iter().any(|reason| reason.is_final()) {
            return Err(AppError::NoAuthor(entry.no));
        }
        if entry.seen_at.is_none() && entry.reasons.iter().any(|reason| reason.may_be_captured()) {
            return Err(AppError::Unseen(entry.no));
        }
    }
    let mut effects = Vec::new();
    if let MessageDecision::Reject(reason) = &decision {
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        let refusal = NotPosted { received_at: entry.received_at, reason, after_days: 0 };
        effects.extend(refusal_notice(app, list, &entry, refusal, now).await?.map(Effect::Notice));
    }
    effects.push(Effect::Decided(Box::new(RecordedDecision { entry, decision, by: by.clone() })));
    Ok(effects)
}

/// Decides about a message and records the decision. Errs like the decision, and with [`AppError::Overtaken`]
/// if somebody else decided first.
pub(crate) async fn decide(
    app: &App,
    entry: QueueEntry,
    what: MessageDecision,
    by: Actor,
    now: Timestamp,
) -> Result<Rejected, AppError> {
    let list = list_of(app, &entry).await?;
    let effects = decision(app, &list, entry, what, &by, now).await?;
    let told = rejected(&effects);
    match app.carry_out(Some(list.no), effects, by, now).await {
        Err(AppError::Store(StoreError::Lost)) => Err(AppError::Overtaken),
        other => other.map(|()| told),
    }
}

/// Whether these effects tell somebody about a rejection.
pub(crate) fn rejected(effects: &[Effect]) -> Rejected {
    match effects.iter().any(|effect| matches!(effect, Effect::Notice(notice) if notice.is_made())) {
        true => Rejected::Told,
        false => Rejected::Untold,
    }
}

/// The notice to the author of a message that is not posted, if the author may be told.
pub(crate) async fn refusal_notice(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
    refusal: NotPosted<'_>,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let received = open_stored(app, list, entry).await?;
    let (outer, _) = Headers::parse(&received);
    let Ok(author) = sole_author(&outer) else { return Ok(None) };
    // Programs get no answer.
    if answerable(&received.sender(), &outer) != Answerable::Yes {
        return Ok(None);
    }
    let notice = not_let_through(app, list, &author.address, refusal, now).await?;
    Ok(notice.map(|notice| notice.caused_by(entry.no)))
}

/// The content of a held message for one owner or moderator, sealed to their key where the list has OpenPGP.
/// What could be a captured message is for owners alone, and may be accepted once one has seen it. Errs with
/// [`AppError::MayNotSee`] for somebody else, with [`AppError::NothingToSealTo`] without a usable key. With
/// the token of their notice they can decide.
pub(crate) async fn show(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
    who: &Address,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Effect>, AppError> {
    let role = may_see(app, list, entry, who).await?;
    let channel = channel_to_reader(app, list, who, now).await?;
    let (message, messages) = shown(app, list, entry, who, token, now).await?;
    let notice = make_with(app, list, message, messages, channel, now).await?;
    let mut effects = vec![Effect::Notice(notice)];
    effects.push(Effect::Shown { entry: Box::new(entry.clone()), to: who.clone(), role });
    Ok(effects)
}

/// The same by the word of `by`: the message is mailed to that person.
pub(crate) async fn open_for(
    app: &App,
    entry: &QueueEntry,
    who: &Address,
    by: Actor,
    now: Timestamp,
) -> Result<(), AppError> {
    let list = list_of(app, entry).await?;
    let effects = show(app, &list, entry, who, None, now).await?;
    app.carry_out(Some(list.no), effects, by, now).await
}

/// The same as a file: one whole message, encrypted to that person's key. Errs with
/// [`AppError::NothingToSealTo`] on every list if there is no key.
pub(crate) async fn open_to_file(
    app: &App,
    entry: &QueueEntry,
    who: &Address,
    by: Actor,
    now: Timestamp,
) -> Result<Vec<u8>, AppError> {
    let list = list_of(app, entry).await?;
    let role = may_see(app, &list, entry, who).await?;
    let card = {
        let mut db = app.store.reader().await?;
        let row = match people::find_address(&mut db, who).await? {
            Some(address) => keys::certificate_of(&mut db, address).await?,
            None => None,
        };
        row.and_then(|row| row.card)
    };
    let card = card.and_then(|card| SealingCard::from_bytes(&card, app.vault.mac(), &who.key(), now).ok());
    let card = card.ok_or_else(|| AppError::NothingToSealTo(who.to_string()))?;
    let (message, messages) = shown(app, &list, entry, who, None, now).await?;
    let notice = Notice {
        list: &list,
        to: message.to,
        notice: message.notice,
        attachment: None,
        messages,
        reply_to: None,
    };
    let payload = build(notice, Channel::Sealed, now, random());
    let signer = match &list.settings.pgp {
        Some(pgp) if pgp.sign_outgoing => Some(app.keys_of(&list).await?),
        _ => None,
    };
    let sign = signer.as_ref().map_or(SignWith::Nobody, |keys| SignWith::Key(&keys.posting, now));
    let armor = openpgp::seal_copy(&payload.entity, sign, &card, KeyIds::Named)?.joined();
    let (head, tail) = compose::encrypted_part(&Boundary::from_entropy(random()));
    let shown = Effect::Shown { entry: Box::new(entry.clone()), to: who.clone(), role };
    app.carry_out(Some(list.no), vec![shown], by, now).await?;
    Ok([&payload.outer[..], &head, &armor, &tail].concat())
}

/// The role by which a person may see a message.
async fn may_see(app: &App, list: &MailingList, entry: &QueueEntry, who: &Address) -> Result<Role, AppError> {
    let roles = people::roles_of(&mut *app.store.reader().await?, list.no, who).await?;
    let has = |role: Role| roles.iter().any(|member| member.role == role && !member.key_pending_approval);
    let is_captured = entry.reasons.iter().any(|reason| reason.may_be_captured());
    match (has(Role::Owner), has(Role::Moderator), is_captured) {
        (true, _, _) => Ok(Role::Owner),
        (false, true, false) => Ok(Role::Moderator),
        _ => Err(AppError::MayNotSee(who.to_string())),
    }
}

async fn channel_to_reader(
    app: &App,
    list: &MailingList,
    who: &Address,
    now: Timestamp,
) -> Result<Channel, AppError> {
    let channel = channel_to(app, &mut *app.store.reader().await?, list, who, now).await?;
    match list.settings.encrypting() && channel == Channel::Open {
        true => Err(AppError::NothingToSealTo(who.to_string())),
        false => Ok(channel),
    }
}

async fn shown(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
    who: &Address,
    token: Option<&str>,
    now: Timestamp,
) -> Result<(Message, Vec<(String, Vec<u8>)>), AppError> {
    let outside = outside(app, list, entry).await?;
    let (content, extent) = whole_content(app, list, &outside, MAX_ASKED_OCTETS, now).await?;
    let place = place_of(app, list, who).await?;
    let sentence = |reason: &Reason| app.texts.reason(*reason, &place);
    let reasons: Vec<String> = entry.reasons.iter().map(sentence).collect();
    let is_final = entry.reasons.iter().any(|reason| reason.is_final());
    let approve = |token: &str| mailto(&list.name.address(SubAddress::Request), &format!("approve {token}"));
    let values = context! {
        list => list.display_name(),
        address => list.name.address(entry.sub_address).to_string(),
        entry => entry.no.0,
        received_at => minute(entry.received_at),
        author => outside.author,
        sender => entry.sender,
        size => size(outside.octets),
        reasons,
        pgp => list.settings.has_openpgp(),
        token,
        approve_link => token.filter(|_| !is_final).map(approve),
        cut => extent == Extent::Beginning,
    };
    let message = Message {
        to: Mailbox { name: None, address: who.clone() },
        kind: Text::HeldShown.name().into(),
        budget: NoticeBudget::UNLIMITED,
        notice: app.texts.notice(Text::HeldShown, &place, values),
        attachment: None,
        reply_to: Some(list.name.address(SubAddress::Request)),
    };
    Ok((message, vec![(format!("message-{}.eml", entry.no), content)]))
}

/// Sets a message aside that cannot be handled, and tells the owners.
pub(crate) async fn shunt(app: &App, entry: QueueEntry, now: Timestamp) -> Result<(), AppError> {
    let list = lists::by_no(&mut *app.store.reader().await?, entry.list).await?;
    let notice = list.map(|list| notice_kinds::shunted(&list, &entry));
    Ok(app.make_by_itself(SetAside { entry, notice }, ServerCause::Faults, now).await?)
}

/// A message that cannot be handled is set aside.
struct SetAside {
    entry: QueueEntry,
    notice: Option<PreparedNotice>,
}

impl Change for SetAside {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        let Self { entry, notice } = self;
        queue::set_aside(&mut *db, &entry, QueueName::Shunt, &[Reason::Poison]).await?;
        if let Some(notice) = notice {
            notice.store(&mut *db, occasion.now).await?;
        }
        let subject = holds::held_for(db, entry.no).await?;
        let kind = EventKind::MessageShunted { entry: entry.no };
        Ok(ChangeOutcome::new((), [Happened::Unproven(Event { list: Some(entry.list), subject, kind })]))
    }
}
