//! Handler `to-archive`: reads `archive`. The post is kept after its last copy, with a summary. On an
//! encrypting list both are stored sealed.

use sealist_mail::{Entity, Headers, attachments};

use crate::draft::PostDraft;
use crate::facts::Signature;
use crate::post_summary::PostSummary;
use crate::threading;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    draft.archive = draft.list.settings.archive.then(|| summary(draft));
}

/// The summary of a post whose header is made. The messages that it answers are those that copies name:
/// `cleanse` kept those that the author's signature covers, so that a carrier cannot put a signed post into
/// another thread.
fn summary(draft: &PostDraft<'_>) -> PostSummary {
    let id = |headers: &Headers| headers.text("message-id").map(|id| id.trim().to_owned());
    let message_id = id(&draft.headers).unwrap_or_default();
    let original_id = id(draft.original()).filter(|original| *original != message_id);
    PostSummary {
        subject: draft.headers.text("subject").unwrap_or_default(),
        author: draft.author.mailbox.address.to_string(),
        author_name: draft.author.known_name().unwrap_or_default().to_owned(),
        is_signed: draft.facts.signature == Signature::Good,
        accepted_at_ms: draft.now.0,
        message_id,
        original_id,
        answered: threading::answered(&draft.headers),
        attachments: attachments(&Entity::parse(draft.content.as_bytes())),
    }
}
