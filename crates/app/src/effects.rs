//! What is decided, as data: carried out together, in one transaction.

use sealist_lists::model::{AddressNo, ListNo, MemberNo, Preferences, RequestNo, Role};
use sealist_lists::workflows::{Goal, Run};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Fingerprint;
use sealist_store::key_changes::{self, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::requests::{self, Request, Stage};
use sealist_store::{Conn, StoreError, audit, list_keys, people, tokens};

use crate::AppError;
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
    /// An address gets a certificate, or a newer form of it.
    SetKey { address: Address, row: Box<CertificateRow>, change: KeyChange },
    /// What a compromised key authorised counts no longer.
    Void { address: AddressNo, fingerprint: String },
    /// Other choices.
    Prefer(MemberNo, Preferences),
    /// The list's certificate with more certifications.
    Certified { fingerprint: String, certificate: Vec<u8> },
    /// A letter; it may be one too many.
    Letter(Prepared),
    /// An entry for the owners to look at.
    Note { address: Address, event: &'static str, detail: String },
}

/// The request that a change is about.
#[derive(PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    Known(RequestNo),
    New(&'a Goal, Option<&'a Fingerprint>),
}

impl Effect {
    /// The request that it takes a step further.
    pub(crate) fn request(&self) -> Option<Subject<'_>> {
        match self {
            Self::Ask(asked) => Some(match &asked.before {
                Some(before) => Subject::Known(before.no),
                None => Subject::New(&asked.run.goal, asked.run.key.as_ref()),
            }),
            Self::End(request) => Some(Subject::Known(request.no)),
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
    /// Marks of tokens, and who may use them.
    pub(crate) tokens: Vec<([u8; 32], Address)>,
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
            Effect::SetKey { address, row, change } => {
                let no = people::ensure_address(&mut *db, &address, "", now).await?;
                keys::set_certificate(&mut *db, no, &row, now).await?;
                key_changes::add(&mut *db, no, &change).await?;
            }
            Effect::Void { address, fingerprint } => {
                key_changes::void(&mut *db, address, &fingerprint, now).await?;
            }
            Effect::Prefer(member, preferences) => {
                people::set_preferences(&mut *db, member, preferences).await?;
            }
            Effect::Certified { fingerprint, certificate } => {
                list_keys::certified(&mut *db, list, &fingerprint, &certificate).await?;
            }
            Effect::Letter(letter) => {
                letter.store(&mut *db, now).await?;
            }
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
    for letter in &asked.letters {
        letter.store(&mut *db, now).await?;
    }
    for (mark, who) in &asked.tokens {
        tokens::add(&mut *db, no, mark, who, asked.expires_at).await?;
    }
    Ok(())
}
