//! Makes the stored post of an accepted message.

use sealist_lists::draft::{Author, ContentForm, PostDraft, Recipients};
use sealist_lists::facts::MessageFacts;
use sealist_lists::model::{Channel, MailingList, SubAddress};
use sealist_lists::payload;
use sealist_mail::{Entity, Headers, Part};
use sealist_openpgp as openpgp;
use sealist_openpgp::{KeepSignature, Opened};
use sealist_store::StoreError;
use sealist_store::archive::ArchiveEntry;
use sealist_store::bodies::StoredBody;

use super::gather::addressees;
use super::list_mail::{ListMail, PostedMail};
use crate::archive;
use crate::error::AppError;
use crate::requests::is_shown;
use crate::sealing;

/// A finished post, ready to be stored.
pub(super) struct Post {
    pub(super) channel: Channel,
    pub(super) body: StoredBody,
    pub(super) envelope_from: String,
    pub(super) recipients: Recipients,
    /// What the archive keeps; `None` if it keeps nothing.
    pub(super) archive: Option<ArchiveEntry>,
    /// The mark of its Message-ID, on lists whose copies share an envelope sender.
    pub(super) sent_mark: Option<[u8; 32]>,
}

/// Makes the post: runs the pipeline, signs and seals the payload.
pub(super) async fn make_post(post: &PostedMail<'_>, facts: &MessageFacts<'_>) -> Result<Post, AppError> {
    let ListMail { app, list, received, now, .. } = post.mail;
    let (mailbox, known, opened) = (&post.author, &post.known, post.opened.as_ref());
    let entity = Entity::parse(received);
    let signed = opened.and_then(Opened::signed_headers);
    let named = match opened {
        Some(_) => addressees(app, list, signed.as_ref().unwrap_or(&Headers::default())).await?,
        None => addressees(app, list, &entity.headers).await?,
    };
    let (content, form) = content(list, &entity, opened);
    let certificate = match &list.settings.pgp {
        Some(_) => Some(app.keys_of(list).await?.posting.certificate().to_bytes()),
        None => None,
    };
    let mut author = known.roles.iter().find(|member| Some(member.role) == facts.author_role).cloned();
    if let Some(author) = &mut author
        && !is_shown(app, list, &known.roles).await?
    {
        author.display_name.clear();
    }
    let mut draft = PostDraft {
        list,
        texts: &app.texts,
        facts,
        now,
        author: Author { mailbox, member: author.as_ref() },
        addressees: &named,
        signed: signed.as_ref(),
        message_id: openpgp::random::<16>().iter().map(|b| format!("{b:02x}")).collect(),
        headers: Headers::default(),
        outside: Headers::default(),
        list_certificate: certificate.as_deref(),
        author_block: None,
        // A message from LMTP or from decryption is in wire form. Anything else was not stored by us.
        content: Part::entity(content).map_err(|_| StoreError::Damaged { table: "bodies" })?,
        form,
        author_end: None,
        footer: None,
        recipients: Recipients { roles: Vec::new(), except: Vec::new() },
        archive: None,
    };
    let pipeline = app.registry.pipelines.named(post.audience.pipeline(&list.settings));
    let pipeline = pipeline.ok_or(StoreError::Damaged { table: "lists" })?;
    pipeline.run(&app.registry.handlers, &mut draft);
    let recipients = draft.recipients.clone();
    let archive = match draft.archive.take() {
        Some(summary) => Some(archive::entry(app, list, &summary).await?),
        None => None,
    };
    let payload = payload::build(draft, openpgp::random());
    // The mark recognises bounces without a handle, and answers of old vacation programs if the Message-ID is
    // the author's.
    let sent_mark = match list.settings.shares_envelope_sender() || !list.settings.encrypting() {
        false => None,
        true => Headers::parse(&payload.outer).0.text("message-id"),
    };
    let sent_mark = sent_mark.map(|id| app.vault.mac().message_mark(&list.name.list_id(), id.trim()));
    let encrypts = list.settings.encrypts_copies();
    let channel = if encrypts { Channel::Sealed } else { Channel::Open };
    let body = sealing::enclose(app, list, payload, channel, now).await?;
    Ok(Post {
        channel,
        body,
        envelope_from: list.name.address(SubAddress::Bounces).to_string(),
        recipients,
        archive,
        sent_mark,
    })
}

/// Returns the author's part with its own Content-* header, and its form.
fn content(list: &MailingList, entity: &Entity<'_>, opened: Option<&Opened>) -> (Vec<u8>, ContentForm) {
    let strip = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.strip_original_sig);
    let tamed = opened.and_then(Opened::tamed);
    let form = if tamed.is_some() { ContentForm::Tamed } else { ContentForm::Written };
    let content = match opened {
        Some(opened) => {
            let keep = if strip { KeepSignature::Strip } else { KeepSignature::Keep };
            tamed.unwrap_or_else(|| opened.content(keep, openpgp::random())).to_vec()
        }
        None => {
            let mut content = Vec::with_capacity(entity.body.len() + 2048);
            entity.content_headers().write_to(&mut content);
            content.extend_from_slice(b"\r\n");
            content.extend_from_slice(entity.body);
            content
        }
    };
    (content, form)
}
