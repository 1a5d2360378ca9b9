//! What the outside of a message says: its sender, its kind, and whether it may be answered. Nothing is
//! decrypted.

use sealist_lists::model::MailingList;
use sealist_mail::Headers;
use sealist_mail::origin::{self, Answerable, EnvelopeSender, MessageOrigin};
use sealist_store::bounce_proofs;

use crate::error::AppError;
use crate::opening::ReceivedMessage;
use crate::site::App;

/// The outside of a message.
pub(crate) struct MessageOutside {
    pub(crate) headers: Headers,
    pub(crate) sender: EnvelopeSender,
    pub(crate) origin: MessageOrigin,
    pub(crate) answerable: Answerable,
}

impl MessageOutside {
    pub(crate) async fn of(
        app: &App,
        list: &MailingList,
        received: &ReceivedMessage,
    ) -> Result<Self, AppError> {
        let (headers, _) = Headers::parse(received);
        let sender = received.sender();
        let mut origin =
            origin::classify(&sender, &headers, received, &list.name.posting(), &list.name.list_id());
        if origin == MessageOrigin::Message && answers_a_post(app, list, &headers).await? {
            origin = MessageOrigin::AutoReply;
        }
        let answerable = origin::answerable(&sender, &headers);
        Ok(Self { headers, sender, origin, answerable })
    }
}

/// Whether the message is an old vacation program's answer to a post of this list.
async fn answers_a_post(app: &App, list: &MailingList, headers: &Headers) -> Result<bool, AppError> {
    let ours = format!("@{}>", list.name.mail_host()).to_lowercase();
    let ids = origin::answered_by_precedence(headers);
    if ids.is_empty() {
        return Ok(false);
    }
    if ids.iter().any(|id| id.to_lowercase().ends_with(&ours)) {
        return Ok(true);
    }
    let mac = app.vault.mac();
    let marks: Vec<[u8; 32]> = ids.iter().map(|id| mac.message_mark(&list.name.list_id(), id)).collect();
    Ok(bounce_proofs::is_sent(&mut *app.store.reader().await?, list.no, &marks).await?)
}
