//! Judges a post: gathers its facts, runs the chain, and prepares what follows from the verdict.

use std::sync::Arc;

use sealist_lists::content::MessageContent;
use sealist_lists::facts::MessageFacts;
use sealist_lists::hold_author::HoldAuthor;
use sealist_lists::model::Action;
use sealist_lists::routes::Audience;
use sealist_lists::rules::Reason;
use sealist_mail::Mailbox;
use sealist_store::StoreError;

use super::gather::gather;
use super::list_mail::{ListMail, PostedMail};
use super::post::make_post;
use super::record::{JudgedMessage, record};
use crate::error::AppError;
use crate::known_author::look_up;
use crate::notice_kinds;
use crate::opening::open;
use crate::outcome::EntryOutcome;
use crate::signed_texts::SignedTexts;

/// How often a message is judged again because another message with the same signed text was recorded
/// meanwhile.
const TRIES: usize = 20;

/// Judges a post and records the outcome. Errs with [`AppError::Overtaken`] if other messages with the same
/// signed text were recorded at each attempt.
pub(super) async fn judge(
    mail: &ListMail<'_>,
    author: Mailbox,
    audience: Audience,
) -> Result<EntryOutcome, AppError> {
    let ListMail { app, list, entry, now, .. } = *mail;
    let known = look_up(app, list, &author, mail.sender()).await?;
    let opened = open(app, list, mail.received, known.key.signers(), now).await?;
    let signed_texts = Arc::new(SignedTexts::by(app, list, entry, opened.as_ref()));
    let post = PostedMail { mail: *mail, audience, author, known, opened };
    let content = MessageContent::new(mail.received, post.opened.as_ref());
    let chain = app.registry.chains.named(audience.chain(&list.settings));
    let chain = chain.ok_or(StoreError::Damaged { table: "lists" })?;
    for _ in 0..TRIES {
        let past = signed_texts.past(app).await?;
        let facts = gather(&post, &content, &past);
        let verdict = chain.judge(&app.registry.rules, &facts, mail.approved());
        let mut judged = JudgedMessage::new(list, entry, verdict);
        judged.received = Some(mail.received);
        follow(&post, &facts, &mut judged).await?;
        judged.past = Some((signed_texts.clone(), past, post.author.address.clone()));
        match record(app, judged, now).await {
            Err(AppError::Overtaken) => {}
            other => return other,
        }
    }
    Err(AppError::Overtaken)
}

/// Prepares what follows from a verdict: the post, the notice to the author, and the hold.
async fn follow(
    post: &PostedMail<'_>,
    facts: &MessageFacts<'_>,
    judged: &mut JudgedMessage<'_>,
) -> Result<(), AppError> {
    let ListMail { app, list, entry, now, .. } = post.mail;
    let author = HoldAuthor::of(facts, &judged.verdict.reasons(), entry.author_told);
    judged.member = post.known.roles.first().filter(|_| author.is_members).map(|member| member.address_no);
    judged.hears = author.hears.then(|| post.author.address.clone());
    judged.hears_as_member = author.tells_member;
    let reason = judged.verdict.findings.first().map(|finding| finding.reason);
    match judged.verdict.action {
        Action::Accept => judged.post = Some(make_post(post, facts).await?),
        Action::Reject if facts.author_may_be_told() => {
            judged.told = notice_kinds::not_posted(app, list, &post.author.address, now).await?;
        }
        Action::Discard if reason == Some(Reason::PostedHere) && facts.author_may_be_told() => {
            judged.told = notice_kinds::posted_already(app, list, &post.author.address, now).await?;
        }
        _ => {}
    }
    Ok(())
}
