//! Gathers the facts about a message from the database and from OpenPGP, once.

use std::borrow::Cow;

use sealist_lists::content::MessageContent;
use sealist_lists::facts::{Addressed, EncryptionFact, InnerAuthor, MessageFacts, PgpForm, Signature};
use sealist_lists::model::{MailingList, Member, Role};
use sealist_lists::replay::ReplayHistory;
use sealist_mail::{Answerable, Headers, Mailbox, sole_author};
use sealist_openpgp as openpgp;
use sealist_openpgp::{Opened, SignatureVerdict};
use sealist_store::people;

use super::list_mail::{ListMail, PostedMail};
use crate::error::AppError;
use crate::known_author::AuthorKey;
use crate::opening::addressed;
use crate::site::App;

/// The members named in To and Cc. On lists with OpenPGP `headers` are those that the author signed.
/// Otherwise whoever sent the message here could exclude members by naming them outside.
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

/// Gathers the facts about a post. `past` is what the replay record knows about its signed text.
pub(super) fn gather<'m>(
    post: &'m PostedMail<'_>,
    content: &'m MessageContent<'m>,
    past: &ReplayHistory,
) -> MessageFacts<'m> {
    let ListMail { app, list, entry, received, outside, .. } = post.mail;
    let (known, opened) = (&post.known, post.opened.as_ref());
    // Owners and moderators may do everything that members may.
    let strongest = [Role::Owner, Role::Moderator, Role::Member, Role::Nonmember];
    let author = strongest.iter().find_map(|role| known.roles.iter().find(|member| member.role == *role));
    MessageFacts {
        settings: Cow::Borrowed(&list.settings),
        content,
        sub_address: entry.sub_address,
        is_answerable: outside.answerable == Answerable::Yes,
        envelope_names_author: post.mail.sender() == Some(&post.author.address),
        banned: known.banned,
        author_role: author.map(|member| member.role),
        moderation_action: author.and_then(|member| member.moderation_action),
        octets: received.len() as u64,
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
        inner_author: opened.map_or(InnerAuthor::NotSaid, |opened| inner_author(opened, &post.author)),
    }
}

/// Good if [`Opened::valid_signature`] says so, otherwise the worst verdict.
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

/// Whom the protected From fields name.
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
