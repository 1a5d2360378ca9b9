//! What is decided, as data: carried out together, in one transaction.

use sealist_lists::commands::Setting;
use sealist_lists::model::{
    Action, AddressNo, EntryNo, ListNo, MemberNo, PreferenceChange, PreferenceLevel, Preferences, RequestNo,
    Role,
};
use sealist_lists::workflows::{Goal, Question, WorkflowRun};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Fingerprint;
use sealist_store::audit::Trier;
use sealist_store::key_changes::{self, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::requests::{self, Request, RequestPlace, RequestState, RequestedBy};
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::{Conn, StoreError, audit, holds, list_keys, notices, people};

use crate::decisions::{DecidedBy, MessageDecision, RecordedDecision};
use crate::error::AppError;
use crate::notices::PreparedNotice;

/// A request that a moderator decided about.
pub(crate) struct RequestDecided {
    pub(crate) request: Request,
    pub(crate) decision: MessageDecision,
    pub(crate) by: DecidedBy,
    /// Who it was, in the words of the audit.
    pub(crate) audited: String,
}

/// One change.
pub(crate) enum Effect {
    /// A question is asked.
    Ask(Box<Asked>),
    /// A request has its answer, or gets none.
    End(Box<Request>),
    /// An address takes a role.
    Join { address: Address, name: String, role: Role, preferences: Preferences },
    /// A role ends.
    Leave(MemberNo),
    /// Mail to the address reaches somebody who answered.
    Verify(Address),
    /// An address gets a certificate in the place of the form that was seen.
    SetKey { address: Address, seen: Option<i64>, row: Box<CertificateRow>, change: KeyChange },
    /// The key of the address does not count before it is approved.
    KeyWaits(Address),
    /// The key of the address counts.
    KeyApproved(Address),
    /// On another list.
    Elsewhere(ListNo, Vec<Effect>),
    /// What a compromised key authorised counts no longer.
    Void { address: AddressNo, fingerprint: String },
    /// Another choice.
    Choose(Address, Setting),
    /// A preference on one level.
    Prefer(PreferenceLevel, PreferenceChange),
    /// What happens to posts of a member; `None`: the default of the list.
    Moderate(MemberNo, Option<Action>),
    /// The list's certificate with more certifications.
    Certified { before: Vec<u8>, fingerprint: String, certificate: Vec<u8> },
    /// A notice; it may be one too many.
    Notice(PreparedNotice),
    /// A message that waited for a moderator goes on, or goes.
    Decided(Box<RecordedDecision>),
    /// A request has a moderator's decision; it comes before what follows from it.
    RequestDecided(Box<RequestDecided>),
    /// An owner sees the content of a message that waits.
    Seen(EntryNo),
    /// Whoever reads the mail of the address answered: as a stranger they are written to again.
    Reached(Address),
    /// An entry for the owners to look at, about something that changes.
    Changed { address: Address, event: &'static str, detail: String },
    /// An entry for the owners to look at, about something that somebody tries; of many, most are counted.
    Tried { address: Address, trier: Trier, event: &'static str, detail: String },
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
            Self::End(request) => Some(StepOf::Request(request.no)),
            Self::Decided(decided) => Some(StepOf::Entry(decided.entry().no)),
            _ => None,
        }
    }
}

/// A question, and what is kept until its answer comes.
pub(crate) struct Asked {
    /// The request as it was; `None`: a new one.
    pub(crate) before: Option<Request>,
    pub(crate) address: Address,
    pub(crate) run: WorkflowRun,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) question: &'static str,
    pub(crate) expires_at: Timestamp,
    pub(crate) notices: Vec<PreparedNotice>,
    /// What is told later if one of the notices does not go out.
    pub(crate) instead: Option<PreparedNotice>,
    /// Whether tokens of the same question that were given before count on.
    pub(crate) earlier: EarlierTokens,
    /// One of the kind whose place it takes.
    pub(crate) ended: Option<Request>,
    /// What the owners can look at.
    pub(crate) event: &'static str,
    pub(crate) detail: String,
    pub(crate) trier: Trier,
    /// Who asks.
    pub(crate) by: RequestedBy,
}

/// The event of a request that nobody was asked about: the budget of its notice is spent, or too many wait.
pub(crate) const UNASKED: &str = "request-unasked";

/// What becomes of tokens that were given for a request before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierTokens {
    /// The question is the same.
    Count,
    /// It was answered.
    Void,
}

/// Carries all out. Errs with [`AppError::Overtaken`] if a request is no longer what it was: then nothing may be
/// committed, and everything is decided anew.
pub(crate) async fn carry_out(
    db: &mut Conn,
    list: ListNo,
    effects: Vec<Effect>,
    now: Timestamp,
) -> Result<(), AppError> {
    for effect in effects {
        match effect {
            Effect::Ask(asked) => ask(&mut *db, list, *asked, now).await?,
            Effect::End(request) => {
                if !requests::end(&mut *db, &request).await? {
                    return Err(AppError::Overtaken);
                }
            }
            Effect::Join { address, name, role, preferences } => {
                let no = people::ensure_address(&mut *db, &address, &name, now).await?;
                people::add_member(&mut *db, list, no, role, preferences, now).await?;
            }
            Effect::Leave(member) => {
                people::remove_member(&mut *db, member).await?;
            }
            Effect::Verify(address) => {
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                people::verify(&mut *db, no, now).await?;
            }
            Effect::SetKey { address, seen, row, change } => {
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                if !keys::replace_certificate(&mut *db, no, seen, &row, now).await? {
                    return Err(AppError::Overtaken);
                }
                key_changes::add(&mut *db, no, &change).await?;
            }
            Effect::KeyWaits(address) => people::mark_key_pending_approval(&mut *db, list, &address).await?,
            Effect::KeyApproved(address) => people::approve_key(&mut *db, Some(list), &address, now).await?,
            Effect::Elsewhere(there, effects) => {
                Box::pin(carry_out(&mut *db, there, effects, now)).await?;
            }
            Effect::Void { address, fingerprint } => {
                key_changes::revoke_authority(&mut *db, address, &fingerprint, now).await?;
            }
            Effect::Choose(address, Setting::Language(language)) => {
                people::set_language(&mut *db, &address, Some(language)).await?;
            }
            Effect::Choose(address, Setting::Name(name)) => {
                people::set_name(&mut *db, &address, &name).await?
            }
            Effect::Choose(address, setting) => {
                let roles = people::roles_of(&mut *db, list, &address).await?;
                let member = roles.iter().find(|member| member.role == Role::Member);
                if let (Some(member), Some(change)) = (member, setting.of_member()) {
                    people::choose(&mut *db, PreferenceLevel::Member(member.no), change).await?;
                }
            }
            Effect::Prefer(level, change) => people::choose(&mut *db, level, change).await?,
            Effect::Moderate(member, action) => {
                people::set_moderation_action(&mut *db, member, action).await?;
            }
            Effect::Certified { before, fingerprint, certificate } => {
                if !list_keys::certified(&mut *db, list, &fingerprint, &before, &certificate).await? {
                    return Err(AppError::Overtaken);
                }
            }
            Effect::Notice(notice) => {
                notice.store_or_wait(&mut *db, now).await?;
            }
            Effect::Decided(decided) => decided.record(&mut *db, now).await?,
            Effect::RequestDecided(decided) => {
                let RequestDecided { request, decision, by, audited } = *decided;
                let decided =
                    tokens::PastDecision { decision: decision.name().to_owned(), by: by.name(), at: now };
                tokens::request_decided(&mut *db, request.no, &request.address, &decided).await?;
                let detail = format!("{}, by {audited}", request.run.goal.action());
                let event = match decision {
                    MessageDecision::Accept => "request-approved",
                    MessageDecision::Reject(_) => "request-refused",
                    MessageDecision::Discard => "request-discarded",
                };
                audit::record(&mut *db, list, &request.address.key(), event, &detail, now).await?;
            }
            Effect::Seen(entry) => holds::seen(&mut *db, entry, now).await?,
            Effect::Reached(address) => notices::renew(&mut *db, &address).await?,
            Effect::Changed { address, event, detail } => {
                audit::record(&mut *db, list, &address.key(), event, &detail, now).await?;
            }
            Effect::Tried { address, trier, event, detail } => {
                audit::attempt(&mut *db, list, trier, &address, (event, &detail), now).await?;
            }
        }
    }
    Ok(())
}

/// A question is recorded only if somebody is asked: a request without its notice would be one that nobody can answer.
async fn ask(db: &mut Conn, list: ListNo, asked: Asked, now: Timestamp) -> Result<(), AppError> {
    let Asked { address, trier, by, .. } = &asked;
    let places = match &asked.before {
        None => requests::places(&mut *db, list, address, *by, now).await?,
        Some(_) => Vec::new(),
    };
    let has_place = !places.contains(&RequestPlace::None);
    if !has_place || !goes_out(&mut *db, &asked, now).await? {
        let action = asked.run.goal.action();
        return Ok(audit::attempt(db, list, *trier, address, (UNASKED, action), now).await?);
    }
    if let Some(ended) = &asked.ended
        && !requests::end(&mut *db, ended).await?
    {
        return Err(AppError::Overtaken);
    }
    for place in places {
        if let RequestPlace::Of(displaced) = place {
            requests::displace(&mut *db, displaced).await?;
            audit::count(&mut *db, list, "request-displaced", "", now).await?;
        }
    }
    let no = put(&mut *db, list, &asked, now).await?;
    for notice in &asked.notices {
        notice.store_tokens(&mut *db, &TokenSubject::Request(no), asked.expires_at).await?;
    }
    Ok(audit::attempt(db, list, *trier, address, (asked.event, &asked.detail), now).await?)
}

/// Stores the notices of a question; `false` if none of them goes out. What moderators decide on waits all the same: they
/// see it in the list of requests.
async fn goes_out(db: &mut Conn, asked: &Asked, now: Timestamp) -> Result<bool, AppError> {
    let mut goes_out = asked.notices.is_empty() || asked.question == Question::Approval.name();
    let mut all_go_out = true;
    for notice in &asked.notices {
        // What is told later is not counted as untold.
        let is_told_later = asked.instead.is_some() && !notice.is_made();
        let one_goes_out = !is_told_later && notice.store_or_wait(&mut *db, now).await?;
        goes_out |= one_goes_out;
        all_go_out &= one_goes_out;
    }
    if let Some(instead) = asked.instead.as_ref().filter(|_| !all_go_out) {
        instead.store(&mut *db, now).await?;
    }
    Ok(goes_out)
}

/// Stores the request, or takes it to its next stage.
async fn put(db: &mut Conn, list: ListNo, asked: &Asked, now: Timestamp) -> Result<RequestNo, AppError> {
    let stage = RequestState {
        run: &asked.run,
        certificate: asked.certificate.as_deref(),
        question: asked.question,
        expires_at: asked.expires_at,
        by: asked.by,
    };
    let Some(before) = &asked.before else {
        return match requests::insert(&mut *db, list, &asked.address, &stage, now).await {
            Err(StoreError::Duplicate) => Err(AppError::Overtaken),
            inserted => Ok(inserted?),
        };
    };
    if !requests::advance(&mut *db, before, &stage).await? {
        return Err(AppError::Overtaken);
    }
    if asked.earlier == EarlierTokens::Void {
        tokens::take_back(&mut *db, before.no).await?;
    }
    Ok(before.no)
}
