//! What is decided, as data: all effects of a decision are carried out in one transaction, and each change writes one event.

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

/// Why a request ends without a moderator's word.
pub(crate) enum RequestEnd {
    /// What was asked for is done.
    Done,
    /// It cannot be done any more.
    Refused(Problem),
}

/// What a new form of the certificate of an address means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStep {
    /// Another certificate, or a newer form of the same.
    Changed,
    /// The certificate is revoked.
    Revoked,
    /// The certificate is revoked because somebody else may have its secret half.
    Compromised,
    /// The certificate is in doubt until a person says that it counts.
    Suspended,
}

/// One change.
pub(crate) enum Effect {
    /// A question is asked.
    Ask(Box<Asked>),
    /// A request has its answer, or gets none.
    End(Box<Request>, RequestEnd),
    /// An address takes a role.
    Join { address: Address, name: String, role: Role, preferences: Preferences },
    /// A role ends.
    Leave(Box<Member>),
    /// Mail to the address reaches somebody who answered, or an admin vouches for it.
    Verify(Address),
    /// An address gets a certificate in the place of the form that was seen.
    SetKey { address: Address, seen: Option<i64>, row: Box<CertificateRow>, change: KeyChange, step: KeyStep },
    /// The key of the address does not count before it is approved.
    KeyWaits(Address),
    /// The key of the address counts: on this list, or on all lists if the effect is one of the site.
    KeyApproved(Address),
    /// The address has another key by the word of another list. Nothing changes here but what the list knows.
    KeySetElsewhere { address: Address, fingerprint: String },
    /// On another list.
    Elsewhere(ListNo, Vec<Effect>),
    /// What a compromised key of a person authorised does not count any more.
    Void { address: Address, person: AddressNo, fingerprint: String },
    /// Another choice.
    Choose(Address, Setting),
    /// A preference of a person on one level.
    Prefer(Address, PreferenceLevel, PreferenceChange),
    /// What happens to posts of a member. `None` stands for the default of the list.
    Moderate(Address, MemberNo, Option<Action>),
    /// The list's certificate with more certifications, which that address made with the key of that fingerprint.
    Certified { before: Vec<u8>, fingerprint: String, certificate: Vec<u8>, by: (Address, String) },
    /// A notice. It may be one too many.
    Notice(PreparedNotice),
    /// A message that waited for a moderator goes on, or goes.
    Decided(Box<RecordedDecision>),
    /// A request has a moderator's decision. It comes before what follows from it.
    RequestDecided(Box<RequestDecided>),
    /// Somebody in charge sees the content of a message that waits. An owner who saw it may accept it.
    Shown { entry: Box<QueueEntry>, to: Address, role: Role },
    /// Whoever reads the mail of the address answered: as a stranger they are written to again.
    Reached(Address),
    /// Nothing changes, but somebody tries something. Of many attempts most are counted.
    Tried { address: Address, trier: Trier, kind: EventKind },
}

/// The request or message that a change takes a step further.
#[derive(PartialEq, Eq)]
pub(crate) enum StepOf<'a> {
    Request(RequestNo),
    New(&'a Goal, Option<&'a Fingerprint>),
    Entry(EntryNo),
}

impl Effect {
    /// What it takes a step further.
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
            Self::Decided(decided) => Some(StepOf::Entry(decided.entry().no)),
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

/// Carries all effects out on a list, or on the whole site where `list` is `None`. Errs with [`AppError::Overtaken`] if
/// something is no longer what it was: then nothing may be committed, and everything is decided anew.
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

/// Whether an effect changed anything that an event tells of.
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

/// What was decided about something does not hold any more if it is not there as it was seen.
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
        // No list has this number: an effect of the whole site finds no row of a list.
        let (list, now) = (of.unwrap_or(ListNo(0)), occasion.now);
        match self {
            Self::Ask(asked) => asking::ask(db, list, *asked, occasion).await.map(|()| Applied::Nothing),
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
                people::choose(db, level, change).await?;
                Ok(Applied::Changed)
            }
            Self::Moderate(_, member, action) => {
                people::set_moderation_action(db, member, action).await?;
                Ok(Applied::Changed)
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
    match setting {
        Setting::Language(language) => people::set_language(db, address, Some(language)).await?,
        Setting::Name(name) => people::set_name(db, address, &name).await?,
        setting => {
            let roles = people::roles_of(&mut *db, list, address).await?;
            let member = roles.iter().find(|member| member.role == Role::Member);
            let (Some(member), Some(change)) = (member, setting.of_member()) else {
                return Ok(Applied::Nothing);
            };
            people::choose(db, PreferenceLevel::Member(member.no), change).await?;
        }
    }
    Ok(Applied::Changed)
}

impl RequestDecided {
    /// Records it: whoever else has a token hears who decided. A request that is not approved ends.
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
