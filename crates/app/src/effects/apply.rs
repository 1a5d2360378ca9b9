//! What each effect changes.

use sealist_lists::commands::Setting;
use sealist_lists::events::Event;
use sealist_lists::model::{AddressNo, ListNo, PreferenceLevel, Role};
use sealist_mail::{Address, Timestamp};
use sealist_store::events::Occasion;
use sealist_store::key_changes::KeyChange;
use sealist_store::keys::CertificateRow;
use sealist_store::people::Subscriber;
use sealist_store::{Conn, holds, key_changes, keys, list_keys, notices, people, requests, tokens};

use super::{Effect, JoinsAs, KeyStep, RequestDecided, asking};
use crate::changes::Happened;
use crate::decisions::{MessageDecision, RecordedDecision, name_of};
use crate::error::AppError;
use crate::user_of_address::user_who_prefers;

/// Whether an effect changed anything.
enum Applied {
    /// It did: the event of the effect is recorded.
    Changed,
    /// Everything was so before.
    Nothing,
    /// This happened.
    These(Vec<Happened>),
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
    /// Makes the change, and says what happened.
    pub(super) async fn apply(
        self,
        db: &mut Conn,
        list: Option<ListNo>,
        occasion: &Occasion,
    ) -> Result<Vec<Happened>, AppError> {
        let event = self.event(list);
        Ok(match self.change(db, list, occasion).await? {
            Applied::Changed => event.map(Happened::Change).into_iter().collect(),
            Applied::Nothing => Vec::new(),
            Applied::These(happened) => happened,
        })
    }

    async fn change(
        self,
        db: &mut Conn,
        of: Option<ListNo>,
        occasion: &Occasion,
    ) -> Result<Applied, AppError> {
        // No list has this number, so an effect on the whole site matches no row of a list.
        let (list, now) = (of.unwrap_or(ListNo(0)), occasion.now);
        match self {
            Self::Ask(asked) => asking::store_question(db, list, *asked, now).await.map(Applied::These),
            Self::End(request, _) => unless_overtaken(requests::end(db, &request).await?),
            Self::Join { address, name, role, preferences, joins_as } => {
                let no = people::ensure_address(&mut *db, &address, &name, now).await?;
                let subscriber = subscriber(&mut *db, joins_as, &address, no).await?;
                people::subscribe(db, list, subscriber, role, preferences, now).await?;
                Ok(Applied::Changed)
            }
            Self::Leave(member) => Ok(Applied::if_changed(people::remove_member(db, member.no).await?)),
            Self::Verify(address) => {
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                Ok(Applied::if_changed(people::verify(db, no, now).await?))
            }
            Self::SetKey { address, seen, row, change, step } => {
                let is_approved =
                    step == KeyStep::Approved && people::approve_key(&mut *db, of, &address, now).await?;
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                if is_set(&mut *db, no, seen, &row, &change).await? {
                    return Ok(Applied::if_changed(is_approved));
                }
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
                let suspended = key_changes::revoke_authority(db, person, &fingerprint, now).await?;
                Ok(Applied::if_changed(suspended > 0))
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
            Self::Decided(decided) => decide(db, of, decided, now).await,
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
            Self::Elsewhere(there, effects) => apply_elsewhere(db, there, effects, occasion).await,
            Self::Tried { address, trier, kind } => {
                let event = Event { list: of, subject: Some(address), kind };
                Ok(Applied::These(vec![Happened::Attempt(trier, event)]))
            }
        }
    }
}

/// Records a decision about a held message. The event is about the person for whom the message was held.
async fn decide(
    db: &mut Conn,
    list: Option<ListNo>,
    decided: Box<RecordedDecision>,
    now: Timestamp,
) -> Result<Applied, AppError> {
    let subject = holds::held_for(&mut *db, decided.entry.no).await?;
    decided.record(db, now).await?;
    let event = Event { list, subject, kind: super::event::decided(&decided) };
    Ok(Applied::These(vec![Happened::Change(event)]))
}

/// Carries out effects on another list.
async fn apply_elsewhere(
    db: &mut Conn,
    there: ListNo,
    effects: Vec<Effect>,
    occasion: &Occasion,
) -> Result<Applied, AppError> {
    let mut happened = Vec::new();
    for effect in effects {
        happened.extend(Box::pin(effect.apply(&mut *db, Some(there), occasion)).await?);
    }
    Ok(Applied::These(happened))
}

/// Whether the address has just this certificate, of the generation that was read, and by the same authority.
async fn is_set(
    db: &mut Conn,
    address: AddressNo,
    seen: Option<i64>,
    row: &CertificateRow,
    change: &KeyChange,
) -> Result<bool, AppError> {
    if seen.is_none() || keys::generation_of(&mut *db, address).await? != seen {
        return Ok(false);
    }
    let by = |known: &KeyChange| (known.new.clone(), known.authority, known.list, known.suspended_at);
    if !key_changes::of(&mut *db, address).await?.iter().any(|known| by(known) == by(change)) {
        return Ok(false);
    }
    let known = keys::certificate_of(db, address).await?;
    let with_time = |known: CertificateRow| CertificateRow {
        confirmed_at: known.confirmed_at.and(row.confirmed_at).or(known.confirmed_at),
        ..known
    };
    Ok(known.map(with_time).as_ref() == Some(row))
}

/// Who takes a role: the address, or the user who prefers it.
async fn subscriber(
    db: &mut Conn,
    joins_as: JoinsAs,
    address: &Address,
    no: AddressNo,
) -> Result<Subscriber, AppError> {
    Ok(match joins_as {
        JoinsAs::Address => Subscriber::Address(no),
        JoinsAs::User => Subscriber::User(user_who_prefers(db, address).await?, no),
    })
}

async fn choose(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    setting: Setting,
) -> Result<Applied, AppError> {
    let is_new = match setting {
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
    Ok(Applied::if_changed(is_new))
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
