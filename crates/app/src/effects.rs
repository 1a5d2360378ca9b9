//! What is decided, as data: carried out together, in one transaction.

use sealist_lists::commands::Setting;
use sealist_lists::model::{AddressNo, EntryNo, ListNo, MemberNo, Preferences, RequestNo, Role};
use sealist_lists::workflows::{Goal, Question, Run};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Fingerprint;
use sealist_store::key_changes::{self, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::requests::{self, Request, Stage};
use sealist_store::tokens::{self, Subject};
use sealist_store::{Conn, StoreError, audit, holds, list_keys, people};

use crate::AppError;
use crate::moderation::Decided;
use crate::notices::Prepared;

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
    /// The list's certificate with more certifications.
    Certified { before: Vec<u8>, fingerprint: String, certificate: Vec<u8> },
    /// A letter; it may be one too many.
    Letter(Prepared),
    /// A message that waited for a moderator goes on, or goes.
    Decided(Box<Decided>),
    /// An owner sees the content of a message that waits.
    Seen(EntryNo),
    /// An entry for the owners to look at.
    Note { address: Address, event: &'static str, detail: String },
}

/// The request or message that a change takes a step further.
#[derive(PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Request(RequestNo),
    New(&'a Goal, Option<&'a Fingerprint>),
    Entry(EntryNo),
}

impl Effect {
    /// What it takes a step further.
    pub(crate) fn step(&self) -> Option<Step<'_>> {
        match self {
            Self::Ask(asked) => Some(match &asked.before {
                Some(before) => Step::Request(before.no),
                None => Step::New(&asked.run.goal, asked.run.key.as_ref()),
            }),
            Self::End(request) => Some(Step::Request(request.no)),
            Self::Decided(decided) => Some(Step::Entry(decided.entry().no)),
            _ => None,
        }
    }
}

/// A question, and what is kept until its answer comes.
pub(crate) struct Asked {
    /// The request as it was; `None`: a new one.
    pub(crate) before: Option<Request>,
    pub(crate) address: Address,
    pub(crate) run: Run,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) question: &'static str,
    pub(crate) expires_at: Timestamp,
    pub(crate) letters: Vec<Prepared>,
    /// Whether tokens of the same question that were given before count on.
    pub(crate) earlier: EarlierTokens,
}

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
            Effect::KeyWaits(address) => people::key_waits(&mut *db, list, &address).await?,
            Effect::KeyApproved(address) => people::key_approved(&mut *db, Some(list), &address, now).await?,
            Effect::Elsewhere(there, effects) => {
                Box::pin(carry_out(&mut *db, there, effects, now)).await?;
            }
            Effect::Void { address, fingerprint } => {
                key_changes::void(&mut *db, address, &fingerprint, now).await?;
            }
            Effect::Choose(address, Setting::Language(language)) => {
                people::set_language(&mut *db, &address, language).await?;
            }
            Effect::Choose(address, Setting::Name(name)) => {
                people::set_name(&mut *db, &address, &name).await?
            }
            Effect::Choose(address, setting) => {
                let roles = people::roles_of(&mut *db, list, &address).await?;
                if let Some(member) = roles.iter().find(|member| member.role == Role::Member) {
                    let choices = setting.apply(member.preferences);
                    people::set_preferences(&mut *db, member.no, choices).await?;
                }
            }
            Effect::Certified { before, fingerprint, certificate } => {
                if !list_keys::certified(&mut *db, list, &fingerprint, &before, &certificate).await? {
                    return Err(AppError::Overtaken);
                }
            }
            Effect::Letter(letter) => {
                letter.store(&mut *db, now).await?;
            }
            Effect::Decided(decided) => decided.record(&mut *db, now).await?,
            Effect::Seen(entry) => holds::seen(&mut *db, entry, now).await?,
            Effect::Note { address, event, detail } => {
                audit::add(&mut *db, list, &address, event, &detail, now).await?;
            }
        }
    }
    Ok(())
}

async fn ask(db: &mut Conn, list: ListNo, asked: Asked, now: Timestamp) -> Result<(), AppError> {
    let stage = Stage {
        run: &asked.run,
        certificate: asked.certificate.as_deref(),
        question: asked.question,
        expires_at: asked.expires_at,
    };
    let no: RequestNo = match &asked.before {
        None => match requests::insert(&mut *db, list, &asked.address, &stage, now).await {
            Err(StoreError::Duplicate) => return Err(AppError::Overtaken),
            inserted => inserted?,
        },
        Some(before) => {
            if !requests::advance(&mut *db, before, &stage).await? {
                return Err(AppError::Overtaken);
            }
            if asked.earlier == EarlierTokens::Void {
                tokens::take_back(&mut *db, before.no).await?;
            }
            before.no
        }
    };
    let mut goes_out = asked.letters.is_empty();
    for letter in &asked.letters {
        goes_out |= letter.store_asking(&mut *db, Subject::Request(no), asked.expires_at, now).await?;
    }
    if !goes_out && asked.before.is_none() && asked.question != Question::Approval.name() {
        // Nobody is asked: a request that nobody can answer would only take a place.
        requests::take_back(&mut *db, no).await?;
    }
    Ok(())
}
