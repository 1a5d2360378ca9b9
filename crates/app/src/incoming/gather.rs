//! What is known of a message: asked of the database and of OpenPGP once, then only looked at.

use std::sync::Arc;

use sealist_lists::facts::{Addressed, EncryptionFact, InnerAuthor, MessageFacts, PgpForm, Signature};
use sealist_lists::model::{MailingList, Member, Role, SubAddress};
use sealist_lists::replay::ReplayHistory;
use sealist_mail::{Address, Headers, Mailbox, Timestamp, sole_author};
use sealist_openpgp as openpgp;
use sealist_openpgp::{Certificate, Cleartext, Opened, SignatureVerdict};
use sealist_store::queue::QueueEntry;
use sealist_store::{keys, people};

use crate::error::AppError;
use crate::intake::is_address_of;
use crate::site::App;

/// What came out of compressed data, its parts, and what is made of them.
const GROWN_FORMS: u64 = 3;

/// What the database knows of an author's key.
pub(crate) enum AuthorKey {
    /// The list opens nothing: no key is asked for.
    NotAsked,
    /// The author is nobody here.
    OfNobody,
    /// There is none.
    Missing,
    /// Nobody confirmed it: it proves nothing.
    Unconfirmed,
    /// By it the author is known.
    Confirmed(Box<Certificate>),
}

impl AuthorKey {
    pub(crate) fn signers(&self) -> &[Certificate] {
        match self {
            Self::Confirmed(certificate) => std::slice::from_ref(certificate),
            _ => &[],
        }
    }
}

/// What the database knows of an author.
pub(crate) struct KnownAuthor {
    pub(crate) roles: Vec<Member>,
    pub(crate) key: AuthorKey,
    pub(crate) banned: bool,
}

pub(crate) async fn look_up(
    app: &App,
    list: &MailingList,
    author: &Mailbox,
    sender: Option<&Address>,
) -> Result<KnownAuthor, AppError> {
    let mut db = app.store.reader().await?;
    let roles = people::roles_of(&mut db, list.no, &author.address).await?;
    let key = match roles.first() {
        _ if list.settings.pgp.is_none() => AuthorKey::NotAsked,
        None => AuthorKey::OfNobody,
        Some(member) => match keys::certificate_of(&mut db, member.address_no).await? {
            None => AuthorKey::Missing,
            Some(row) if row.confirmed_at.is_none() || member.key_pending_approval => AuthorKey::Unconfirmed,
            Some(row) => AuthorKey::Confirmed(Box::new(Certificate::from_stored(&row.certificate)?)),
        },
    };
    let mut banned = people::is_banned(&mut db, list.no, &author.address).await?;
    if let Some(sender) = sender.filter(|sender| **sender != author.address) {
        banned |= people::is_banned(&mut db, list.no, sender).await?;
    }
    Ok(KnownAuthor { roles, key, banned })
}

/// The members that To and Cc name. `headers`: on lists with OpenPGP what the author signed, because whoever carries a message
/// could leave members out of it by naming them outside.
pub(super) async fn addressees(
    app: &App,
    list: &MailingList,
    headers: &Headers,
) -> Result<Vec<Member>, AppError> {
    let mut db = app.store.reader().await?;
    let mut addressees = Vec::new();
    for mailbox in headers.mailboxes("to").into_iter().chain(headers.mailboxes("cc")).take(50) {
        let found = people::roles_of(&mut db, list.no, &mailbox.address).await?;
        addressees.extend(found.into_iter().filter(|member| member.role == Role::Member));
    }
    Ok(addressees)
}

/// Decrypts and verifies in the pool for such work; plain lists open nothing.
pub(crate) async fn open(
    app: &App,
    list: &MailingList,
    message: &Arc<Cleartext>,
    certificates: &[Certificate],
    now: Timestamp,
) -> Result<Option<Opened>, AppError> {
    if list.settings.pgp.is_none() {
        return Ok(None);
    }
    let keys = app.keys_of(list).await?;
    let limits = limits(list);
    let (message, certificates) = (message.clone(), certificates.to_vec());
    let take_room = app.growing.taker(GROWN_FORMS);
    let opened = tokio::task::spawn_blocking(move || {
        openpgp::open_in_room(&message, &keys.openers(), &certificates, now, limits, take_room)
    });
    opened.await.map(Some).map_err(|_| AppError::Interrupted)
}

/// What comes out of a decryption may be twice what the list takes, and never more than the most.
fn limits(list: &MailingList) -> openpgp::Limits {
    let most = openpgp::Limits::default().max_output_octets;
    let max_output_octets = match list.settings.max_message_kib {
        0 => most,
        kib => (kib as usize).saturating_mul(2048).clamp(1 << 20, most),
    };
    openpgp::Limits { max_output_octets }
}

#[expect(clippy::too_many_arguments, reason = "all that is known of a message meets here")]
pub(super) fn gather(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
    known: &KnownAuthor,
    opened: Option<&Opened>,
    past: &ReplayHistory,
    mailbox: &Mailbox,
    octets: usize,
) -> MessageFacts {
    // Owners and moderators may do what members may.
    let strongest = [Role::Owner, Role::Moderator, Role::Member, Role::Nonmember];
    let author = strongest.iter().find_map(|role| known.roles.iter().find(|member| member.role == *role));
    MessageFacts {
        settings: list.settings.clone(),
        banned: known.banned,
        author_role: author.map(|member| member.role),
        moderation_action: author.and_then(|member| member.moderation_action),
        octets: octets as u64,
        form: if opened.is_some_and(Opened::is_inline) { PgpForm::Inline } else { PgpForm::Mime },
        encryption: opened.map_or(EncryptionFact::None, |opened| match opened.encryption() {
            openpgp::Encryption::None => EncryptionFact::None,
            openpgp::Encryption::Whole => EncryptionFact::Whole,
            openpgp::Encryption::Ambiguous => EncryptionFact::Ambiguous,
            openpgp::Encryption::Unreadable(why) => EncryptionFact::Unreadable(why),
        }),
        signature: opened.map_or(Signature::None, |opened| signature(opened, &known.key)),
        replay: past.replay,
        waiting: past.waiting.clone(),
        addressed: opened
            .map_or(Addressed::NotSaid, |opened| addressed(app, opened, list, entry.sub_address)),
        signature_age_ms: opened
            .and_then(Opened::signed_at)
            .map(|signed_at| entry.received_at.0.saturating_sub(signed_at.0)),
        inner_author: opened.map_or(InnerAuthor::NotSaid, |opened| inner_author(opened, mailbox)),
    }
}

/// Good as [`Opened::valid_signature`] says; else the worst that can be said in a word.
fn signature(opened: &Opened, key: &AuthorKey) -> Signature {
    if opened.valid_signature().is_some() {
        return Signature::Good;
    }
    match key {
        AuthorKey::Missing if !opened.signatures().is_empty() => return Signature::NoKey,
        AuthorKey::Unconfirmed if !opened.signatures().is_empty() => return Signature::KeyNotConfirmed,
        _ => {}
    }
    let known = |verdict: &&SignatureVerdict| {
        !matches!(verdict, SignatureVerdict::Good(_) | SignatureVerdict::UnknownKey)
    };
    match opened.signatures().iter().find(known).or(opened.signatures().first()) {
        None => Signature::None,
        Some(SignatureVerdict::UnknownKey) => Signature::UnknownSigner,
        Some(SignatureVerdict::Expired) => Signature::Expired,
        Some(SignatureVerdict::Revoked(_)) => Signature::Revoked,
        Some(SignatureVerdict::WrongDate(_) | SignatureVerdict::Future) => Signature::WrongDate,
        Some(SignatureVerdict::ForOthers) => Signature::ForOthers,
        Some(_) => Signature::Invalid,
    }
}

pub(crate) fn addressed(
    app: &App,
    opened: &Opened,
    list: &MailingList,
    sub_address: SubAddress,
) -> Addressed {
    let Some(valid) = opened.valid_signature() else {
        return Addressed::NotSaid;
    };
    let headers = opened.signed_headers().unwrap_or_default();
    let named: Vec<Mailbox> = headers.mailboxes("to").into_iter().chain(headers.mailboxes("cc")).collect();
    match named.iter().any(|mailbox| is_address_of(app, list, sub_address, &mailbox.address)) {
        true => Addressed::Here,
        false if !named.is_empty() => Addressed::Elsewhere,
        false if valid.names_us() => Addressed::Key,
        false => Addressed::NotSaid,
    }
}

/// Whom the From fields name that are signed or were encrypted.
fn inner_author(opened: &Opened, outer: &Mailbox) -> InnerAuthor {
    let Some(headers) = opened.protected_headers() else {
        return InnerAuthor::NotSaid;
    };
    match (headers.count("from"), sole_author(&headers)) {
        (0, _) => InnerAuthor::NotSaid,
        (_, Ok(inner)) if inner.address == outer.address => InnerAuthor::Same,
        _ => InnerAuthor::Other,
    }
}
