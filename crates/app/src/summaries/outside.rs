//! What is shown of a held message: what stands outside the encryption, and its content if it cannot be
//! somebody else's.

use std::sync::Arc;

use sealist_lists::held_summary::HeldSummary;
use sealist_lists::model::MailingList;
use sealist_lists::rules::Reason;
use sealist_lists::texts::{Text, context};
use sealist_mail::{
    Entity, Field, Headers, Timestamp, beginning, one_line, shortened, sole_author, tamed_message,
};
use sealist_openpgp::{Encryption, KeepSignature, Opened, random};
use sealist_store::bodies::{self, StoredBody};
use sealist_store::queue::QueueEntry;
use sealist_store::{StoreError, holds};

use crate::error::AppError;
use crate::known_author::look_up;
use crate::opening::{FORMS, ReceivedMessage, open, open_own, open_stored};
use crate::sealing::enclose_own;
use crate::site::App;

const DAMAGED: StoreError = StoreError::Damaged { table: "hold_summaries" };
/// The most octets of a message in a notice.
pub(crate) const MAX_SHOWN_OCTETS: usize = 64 * 1024;
/// Fields that are shown before decrypted content if the author signed them.
const SIGNED_FIELDS: &[&str] = &["To", "Cc", "Date", "Message-ID"];

/// What every mail server on the way can see, and the message as received.
pub(crate) struct HeldMessageSummary {
    /// The From field, shortened. It may be forged.
    pub(crate) author: String,
    /// The Subject field, shortened.
    pub(crate) subject: String,
    /// The size as received, in octets.
    pub(crate) octets: u64,
    /// As it came.
    pub(crate) message: Arc<ReceivedMessage>,
}

impl HeldMessageSummary {
    /// The same without the message itself.
    pub(crate) fn without_message(self) -> Self {
        Self { message: Arc::new(ReceivedMessage::empty()), ..self }
    }
}

/// Which part of the content may be shown.
pub(crate) enum Shown {
    /// All of it, or its beginning.
    Message(Vec<u8>, Extent),
    /// None, because it may be a captured message.
    MayBeCaptured,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The whole message.
    Whole,
    /// Its beginning.
    Beginning,
}

/// The summary of a message, as it is stored: sealed on an encrypting list.
pub(crate) async fn summary_to_keep(
    app: &App,
    list: &MailingList,
    message: &[u8],
) -> Result<StoredBody, AppError> {
    let octets = serde_json::to_vec(&HeldSummary::of(message)).map_err(|_| DAMAGED)?;
    enclose_own(app, list, octets).await
}

/// What everybody on the way of a message saw of it. A message that waits has it beside it; another message
/// is opened. Errs if this node lacks the keys of its list.
pub(crate) async fn summary_of(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
) -> Result<HeldSummary, AppError> {
    let kept = holds::summary(&mut *app.store.reader().await?, entry.no).await?;
    match kept {
        Some(kept) => {
            let octets = open_own(app, list, kept).await?;
            serde_json::from_slice(&octets).map_err(|_| DAMAGED.into())
        }
        None => Ok(HeldSummary::of(&outside(app, list, entry).await?.message)),
    }
}

/// Reads a held message as it came. Errs if this node lacks the keys of its list.
pub(crate) async fn outside(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
) -> Result<HeldMessageSummary, AppError> {
    let octets = bodies::octets(&mut *app.store.reader().await?, entry.body).await?;
    let _room = app.judging.wait(octets, FORMS).await?;
    let message = Arc::new(open_stored(app, list, entry).await?);
    let (outer, _) = Headers::parse(&message);
    Ok(HeldMessageSummary {
        author: shortened(&outer.text("from").unwrap_or_default()),
        subject: shortened(&outer.text("subject").unwrap_or_default()),
        octets: message.len() as u64,
        message,
    })
}

/// The part of the content that is no secret: everything that arrived unencrypted, and encrypted content only
/// if the author in the From field signed it for this list.
pub(crate) async fn content(
    app: &App,
    list: &MailingList,
    reasons: &[Reason],
    outside: &HeldMessageSummary,
    now: Timestamp,
) -> Result<Shown, AppError> {
    if reasons.iter().any(|reason| reason.may_be_captured()) {
        return Ok(Shown::MayBeCaptured);
    }
    let opened = opened(app, list, outside, now).await?;
    let message = match &opened {
        None => as_it_came(app, list, &outside.message, None),
        Some(opened) => match opened.encryption() {
            Encryption::None => as_it_came(app, list, &outside.message, Some(opened)),
            Encryption::Whole if opened.valid_signature().is_some() => {
                readable(app, list, &outside.message, opened)
            }
            _ => return Ok(Shown::MayBeCaptured),
        },
    };
    let (message, extent) = attachable(message, MAX_SHOWN_OCTETS);
    Ok(Shown::Message(message, extent))
}

/// All of the content that the list can read, for an owner who asks for it.
pub(crate) async fn whole_content(
    app: &App,
    list: &MailingList,
    outside: &HeldMessageSummary,
    most_octets: usize,
    now: Timestamp,
) -> Result<(Vec<u8>, Extent), AppError> {
    let opened = opened(app, list, outside, now).await?;
    let readable = match &opened {
        Some(opened) if opened.encryption() == Encryption::Whole => {
            readable(app, list, &outside.message, opened)
        }
        opened => as_it_came(app, list, &outside.message, opened.as_ref()),
    };
    Ok(attachable(readable, most_octets))
}

async fn opened(
    app: &App,
    list: &MailingList,
    outside: &HeldMessageSummary,
    now: Timestamp,
) -> Result<Option<Opened>, AppError> {
    if !list.settings.has_openpgp() {
        return Ok(None);
    }
    let (outer, _) = Headers::parse(&outside.message);
    let signers = match sole_author(&outer) {
        Ok(author) => look_up(app, list, &author, None).await?.key.signers().to_vec(),
        Err(_) => Vec::new(),
    };
    open(app, list, &outside.message, &signers, now).await
}

/// A message that was not encrypted.
fn as_it_came(app: &App, list: &MailingList, message: &ReceivedMessage, opened: Option<&Opened>) -> Vec<u8> {
    let entity = Entity::parse(message);
    let path = message.return_path().and_then(|path| Field::raw("Return-Path", &path).ok());
    let mut headers: Headers = path.into_iter().chain(entity.headers.fields().cloned()).collect();
    headers.set(subject(app, list, &entity.headers, opened));
    let mut whole = Vec::with_capacity(message.len());
    headers.write_to(&mut whole);
    whole.extend_from_slice(b"\r\n");
    whole.extend_from_slice(entity.body);
    whole
}

/// The signed Subject. On a list with OpenPGP an unsigned one stands behind the mark that it has in copies,
/// because whoever sent the message here may have written it.
fn subject(app: &App, list: &MailingList, outer: &Headers, opened: Option<&Opened>) -> Field {
    let signed = opened.and_then(Opened::signed_headers).unwrap_or_default();
    if let Some(subject) = signed.all("subject").next().filter(|_| signed.count("subject") == 1) {
        return subject.clone();
    }
    let protected = opened.and_then(Opened::protected_headers).unwrap_or_default().text("subject");
    let came = protected.or(outer.text("subject")).unwrap_or_default();
    if !list.settings.has_openpgp() {
        return Field::text("Subject", &came);
    }
    let mark = app.texts.lines(Text::Unsigned, &app.texts.place(list, None), context! {});
    let mark = mark.trim();
    let came = one_line(&came);
    Field::text("Subject", &format!("{mark} {}", came.replace(&format!("{mark} "), "").trim()))
}

/// The decrypted content as a message that mail programs show. Its header has the fields that the author
/// signed, and the From by which it is judged.
fn readable(app: &App, list: &MailingList, message: &[u8], opened: &Opened) -> Vec<u8> {
    let (outer, _) = Headers::parse(message);
    let signed = opened.signed_headers().unwrap_or_default();
    let mut headers: Headers = outer.all("from").take(1).cloned().collect();
    for name in SIGNED_FIELDS {
        signed.all(name).take(1).for_each(|field| headers.push(field.clone()));
    }
    headers.push(subject(app, list, &outer, Some(opened)));
    headers.push(Field::raw("MIME-Version", "1.0").expect("our own words have no line end"));
    let mut whole = Vec::new();
    headers.write_to(&mut whole);
    whole.extend_from_slice(&opened.content(KeepSignature::Keep, random()));
    whole
}

/// At most that many octets of a message. Mail programs show an attached message on one page with the text of
/// the notice, so HTML that could change that text becomes a file.
fn attachable(message: Vec<u8>, most_octets: usize) -> (Vec<u8>, Extent) {
    let message = tamed_message(&message).unwrap_or(message);
    match beginning(&message, most_octets) {
        None => (message, Extent::Whole),
        Some(cut) => (tamed_message(&cut).unwrap_or(cut), Extent::Beginning),
    }
}
