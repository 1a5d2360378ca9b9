//! Decisions as data: all effects of a decision are carried out in one transaction, and each change writes
//! one event.

mod asking;
mod event;

use sealist_lists::commands::{Problem, Setting};
use sealist_lists::events::{Actor, EventKind};
use sealist_lists::model::{
    Action, AddressNo, EntryNo, ListNo, Member, MemberNo, PreferenceChange, PreferenceLevel, Preferences,
    RequestNo, Role,
};
use sealist_lists::workflows::Goal;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Fingerprint;
use sealist_store::events::{self, Occasion, Trier};
use sealist_store::key_changes::{self, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::queue::QueueEntry;
use sealist_store::requests::{self, Request};
use sealist_store::tokens;
use sealist_store::{Conn, holds, list_keys, notices, people};

use crate::decisions::{MessageDecision, RecordedDecision, name_of};
use crate::error::AppError;
use crate::notices::PreparedNotice;
use crate::site::App;
pub(crate) use asking::{Asked, EarlierTokens};
pub(crate) use event::{held, sender_of};

/// A request that a moderator decided about.
pub(crate) struct RequestDecided {
    pub(crate) request: Request,
    pub(crate) decision: MessageDecision,
    pub(crate) by: Actor,
}

/// Why a request ends without a moderator's decision.
pub(crate) enum RequestEnd {
    /// The requested change was made.
    Done,
    /// The change is no longer possible.
    Refused(Problem),
}

/// What a new version of an address's certificate means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStep {
    /// Another certificate, or a newer form of the same.
    Changed,
    /// The certificate is revoked.
    Revoked,
    /// The certificate is revoked because somebody else may have its secret half.
    Compromised,
    /// The certificate is suspended until a person approves it.
    Suspended,
}

/// One change.
pub(crate) enum Effect {
    /// Asks a question.
    Ask(Box<Asked>),
    /// Ends a request.
    End(Box<Request>, RequestEnd),
    /// Gives an address a role.
    Join { address: Address, name: String, role: Role, preferences: Preferences },
    /// Ends a role.
    Leave(Box<Member>),
    /// Marks an address as verified: somebody answered from it, or an admin vouches for it.
    Verify(Address),
    /// Replaces the certificate of an address if it still has the generation that was read.
    SetKey { address: Address, seen: Option<i64>, row: Box<CertificateRow>, change: KeyChange, step: KeyStep },
    /// The key of the address must be approved before it is used.
    KeyWaits(Address),
    /// Approves the key of the address: on this list, or on all lists if the effect is for the site.
    KeyApproved(Address),
    /// The address got another key on another list. Here only an event is recorded.
    KeySetElsewhere { address: Address, fingerprint: String },
    /// Effects on another list.
    Elsewhere(ListNo, Vec<Effect>),
    /// Suspends what a compromised key of a person authorised.
    Void { address: Address, person: AddressNo, fingerprint: String },
    /// Changes a preference.
    Choose(Address, Setting),
    /// A preference on one level: of that person, or of everybody on the site.
    Prefer(Option<Address>, PreferenceLevel, PreferenceChange),
    /// Sets what happens to posts of a member. `None` is the default of the list.
    Moderate(Address, MemberNo, Option<Action>),
    /// Adds certifications to the list's certificate, which that address made with the key of that
    /// fingerprint.
    Certified { before: Vec<u8>, fingerprint: String, certificate: Vec<u8>, by: (Address, String) },
    /// Sends a notice. It is dropped and counted if the recipient's daily limit is reached.
    Notice(PreparedNotice),
    /// Carries out a decision about a held message.
    Decided(Box<RecordedDecision>),
    /// Records a moderator's decision about a request. It comes before the effects that follow from it.
    RequestDecided(Box<RequestDecided>),
    /// Records that a person sees the content of a held message. After an owner saw it, it can be accepted.
    Shown { entry: Box<QueueEntry>, to: Address, role: Role },
    /// Resets the limits of a stranger, because somebody answered from the address.
    Reached(Address),
    /// Records an attempt that changes nothing. If there are many attempts, most are only counted.
    Tried { address: Address, trier: Trier, kind: EventKind },
}

/// The request or message whose state a change advances.
#[derive(PartialEq, Eq)]
pub(crate) enum StepOf<'a> {
    Request(RequestNo),
    New(&'a Goal, Option<&'a Fingerprint>),
    Entry(EntryNo),
}

impl Effect {
    /// What the effect advances.
    pub(crate) fn step(&self) -> Option<StepOf<'_>> {
        match self {
            Self::Ask(asked) => Some(match &asked.before {
                Some(before) => StepOf::Request(before.no),
                None => StepOf::New(&asked.run.goal, asked.run.key.as_ref()),
            }),
            Self::End(request, _) => Some(StepOf::Request(request.no)),
            Self::RequestDecided(decided) if decided.decision != MessageDecision::Accept => {
                Some(StepOf::Request(decided.request.no))
            }
            Self::Decided(decided) => Some(StepOf::Entry(decided.entry.no)),
            _ => None,
        }
    }
}

impl App {
    /// Carries all effects out in a transaction of their own. Errs as [`carry_out`].
    pub(crate) async fn carry_out(
        &self,
        list: Option<ListNo>,
        effects: Vec<Effect>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let occasion = Occasion { actor, now };
        self.store
            .write(move |db| Box::pin(async move { carry_out(db, list, effects, &occasion).await }))
            .await
    }
}

/// Carries out all effects on a list, or on the whole site if `list` is `None`. Errs with
/// [`AppError::Overtaken`] if something has changed since the decision: then nothing may be committed, and
/// everything is decided again.
pub(crate) async fn carry_out(
    db: &mut Conn,
    list: Option<ListNo>,
    effects: Vec<Effect>,
    occasion: &Occasion,
) -> Result<(), AppError> {
    for effect in effects {
        let event = effect.event(list);
        if let Effect::Elsewhere(there, effects) = effect {
            Box::pin(carry_out(&mut *db, Some(there), effects, occasion)).await?;
        } else if let Effect::Tried { trier, .. } = effect {
            let event = event.expect("an attempt has an event");
            events::attempt(&mut *db, occasion, trier, &event).await?;
        } else if effect.apply(&mut *db, list, occasion).await? == Applied::Changed
            && let Some(event) = event
        {
            events::record(&mut *db, occasion, &event).await?;
        }
    }
    Ok(())
}

/// Whether an effect changed anything that needs an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applied {
    Changed,
    Nothing,
}

impl Applied {
    fn if_changed(changed: bool) -> Self {
        if changed { Self::Changed } else { Self::Nothing }
    }
}

/// A decision is invalid if its object has changed since it was read.
fn unless_overtaken(is_there: bool) -> Result<Applied, AppError> {
    if is_there { Ok(Applied::Changed) } else { Err(AppError::Overtaken) }
}

impl Effect {
    async fn apply(
        self,
        db: &mut Conn,
        of: Option<ListNo>,
        occasion: &Occasion,
    ) -> Result<Applied, AppError> {
        // No list has this number, so an effect on the whole site matches no row of a list.
        let (list, now) = (of.unwrap_or(ListNo(0)), occasion.now);
        match self {
            Self::Ask(asked) => {
                asking::store_question(db, list, *asked, occasion).await.map(|()| Applied::Nothing)
            }
            Self::End(request, _) => unless_overtaken(requests::end(db, &request).await?),
            Self::Join { address, name, role, preferences } => {
                let no = people::ensure_address(&mut *db, &address, &name, now).await?;
                people::add_member(db, list, no, role, preferences, now).await?;
                Ok(Applied::Changed)
            }
            Self::Leave(member) => Ok(Applied::if_changed(people::remove_member(db, member.no).await?)),
            Self::Verify(address) => {
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                Ok(Applied::if_changed(people::verify(db, no, now).await?))
            }
            Self::SetKey { address, seen, row, change, .. } => {
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                let applied =
                    unless_overtaken(keys::replace_certificate(&mut *db, no, seen, &row, now).await?)?;
                key_changes::add(db, no, &change).await?;
                Ok(applied)
            }
            Self::KeyWaits(address) => {
                Ok(Applied::if_changed(people::mark_key_pending_approval(db, list, &address).await?))
            }
            Self::KeyApproved(address) => {
                Ok(Applied::if_changed(people::approve_key(db, of, &address, now).await?))
            }
            Self::KeySetElsewhere { .. } => Ok(Applied::Changed),
            Self::Void { person, fingerprint, .. } => {
                key_changes::revoke_authority(db, person, &fingerprint, now).await?;
                Ok(Applied::Changed)
            }
            Self::Choose(address, setting) => choose(db, list, &address, setting).await,
            Self::Prefer(_, level, change) => {
                Ok(Applied::if_changed(people::choose(db, level, change).await?))
            }
            Self::Moderate(_, member, action) => {
                Ok(Applied::if_changed(people::set_moderation_action(db, member, action).await?))
            }
            Self::Certified { before, fingerprint, certificate, .. } => {
                let certified = list_keys::certified(db, list, &fingerprint, &before, &certificate).await?;
                unless_overtaken(certified)
            }
            Self::Notice(notice) => notice.store_or_wait(db, now).await.map(|_| Applied::Nothing),
            Self::Decided(decided) => decided.record(db, now).await.map(|()| Applied::Changed),
            Self::RequestDecided(decided) => decided.record(db, now).await.map(|()| Applied::Changed),
            Self::Shown { entry, role, .. } => {
                if role == Role::Owner {
                    holds::seen(db, entry.no, now).await?;
                }
                Ok(Applied::Changed)
            }
            Self::Reached(address) => {
                notices::renew(db, &address).await.map(|()| Applied::Nothing).map_err(Into::into)
            }
            Self::Elsewhere(..) | Self::Tried { .. } => Ok(Applied::Nothing),
        }
    }
}

async fn choose(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    setting: Setting,
) -> Result<Applied, AppError> {
    let is_changed = match setting {
        Setting::Language(language) => people::set_language(db, address, Some(language)).await?,
        Setting::Name(name) => people::set_name(db, address, &name).await?,
        setting => {
            let roles = people::roles_of(&mut *db, list, address).await?;
            let member = roles.iter().find(|member| member.role == Role::Member);
            let (Some(member), Some(change)) = (member, setting.of_member()) else {
                return Ok(Applied::Nothing);
            };
            people::choose(db, PreferenceLevel::Member(member.no), change).await?
        }
    };
    Ok(Applied::if_changed(is_changed))
}

impl RequestDecided {
    /// Records the decision and ends the other tokens. A request that is not approved ends.
    async fn record(&self, db: &mut Conn, now: Timestamp) -> Result<(), AppError> {
        let Self { request, decision, by } = self;
        let decided = tokens::PastDecision { decision: decision.name().to_owned(), by: name_of(by), at: now };
        tokens::request_decided(&mut *db, request.no, &request.address, &decided).await?;
        if *decision != MessageDecision::Accept {
            unless_overtaken(requests::end(db, request).await?)?;
        }
        Ok(())
    }
}
