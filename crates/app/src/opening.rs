//! Opens a message of the queue: first the list's own seal, then the author's OpenPGP layers.

use std::ops::Deref;
use std::sync::Arc;

use sealist_lists::facts::Addressed;
use sealist_lists::model::{BodyNo, MailingList, SubAddress};
use sealist_mail::origin::EnvelopeSender;
use sealist_mail::{Mailbox, Timestamp};
use sealist_openpgp as openpgp;
use sealist_openpgp::{Certificate, Cleartext, Opened};
use sealist_store::bodies::{self, StoredBody};
use sealist_store::lists;
use sealist_store::queue::QueueEntry;

use crate::addresses::is_address_of;
use crate::envelope::StoredEnvelope;
use crate::error::AppError;
use crate::site::App;

/// How many copies of a message are in memory while it is judged: as received, opened, its parts, the
/// payload, and the sealed payload.
pub(crate) const FORMS: u64 = 5;
/// How many copies of decompressed data are in memory: the data, its parts, and what is made of them.
const GROWN_FORMS: u64 = 3;

/// A message as it came, with its envelope beside it. Derefs to the octets of the message.
pub(crate) struct ReceivedMessage {
    envelope: Option<StoredEnvelope>,
    /// The envelope in its stored form, followed by the message.
    stored: Cleartext,
    /// The offset of the message.
    begins: usize,
}

impl ReceivedMessage {
    /// Splits the stored octets.
    fn new(sub_address: SubAddress, stored: Cleartext) -> Self {
        let (envelope, begins) = StoredEnvelope::read(sub_address, &stored).unzip();
        Self { envelope, begins: begins.unwrap_or_default(), stored }
    }

    /// Nothing at all.
    pub(crate) fn empty() -> Self {
        Self { envelope: None, stored: Cleartext::new(Vec::new()), begins: 0 }
    }

    /// Returns the envelope sender.
    pub(crate) fn sender(&self) -> EnvelopeSender {
        self.envelope.as_ref().map_or(EnvelopeSender::Unreadable, StoredEnvelope::sender)
    }

    /// Returns the envelope sender as a Return-Path field shows it, if there was an envelope.
    pub(crate) fn return_path(&self) -> Option<String> {
        self.envelope.as_ref().map(|envelope| format!("<{}>", envelope.path))
    }

    /// Returns what followed the `+` of a `-confirm` address.
    pub(crate) fn confirm_token(&self) -> Option<&str> {
        self.envelope.as_ref()?.confirm_token.as_deref()
    }
}

impl Deref for ReceivedMessage {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.stored[self.begins..]
    }
}

/// The list of an entry of the queue. Errs with [`AppError::NoSuchList`] if it is gone.
pub(crate) async fn list_of(app: &App, entry: &QueueEntry) -> Result<MailingList, AppError> {
    let list = lists::by_no(&mut *app.store.reader().await?, entry.list).await?;
    list.ok_or_else(|| AppError::NoSuchList(entry.list.to_string()))
}

/// Opens what is stored of an entry of the queue. Errs with [`AppError::NoKeys`] if this node lacks the
/// list's keys.
pub(crate) async fn open_stored(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
) -> Result<ReceivedMessage, AppError> {
    let stored = open_body(app, list, entry.body).await?;
    Ok(ReceivedMessage::new(entry.sub_address, stored))
}

/// Opens a stored body of a list. Errs with [`AppError::NoKeys`] if this node lacks the list's keys.
pub(crate) async fn open_body(app: &App, list: &MailingList, no: BodyNo) -> Result<Cleartext, AppError> {
    let body = bodies::load(&mut *app.store.reader().await?, no).await?;
    open_own(app, list, body).await
}

/// Opens what the server stored of a list. Errs as [`open_body`].
pub(crate) async fn open_own(app: &App, list: &MailingList, body: StoredBody) -> Result<Cleartext, AppError> {
    Ok(match body {
        StoredBody::Plain { payload, .. } => Cleartext::new(payload),
        StoredBody::Sealed(sealed) => app.keys_of(list).await?.storage.open(&sealed)?,
    })
}

/// Decrypts and verifies in the pool for such work; plain lists open nothing.
pub(crate) async fn open(
    app: &App,
    list: &MailingList,
    received: &Arc<ReceivedMessage>,
    certificates: &[Certificate],
    now: Timestamp,
) -> Result<Option<Opened>, AppError> {
    if !list.settings.has_openpgp() {
        return Ok(None);
    }
    let keys = app.keys_of(list).await?;
    let limits = limits(list);
    let (received, certificates) = (received.clone(), certificates.to_vec());
    let take_room = app.growing.taker(GROWN_FORMS);
    let opened = tokio::task::spawn_blocking(move || {
        openpgp::open_in_room(&received, &keys.openers(), &certificates, now, limits, take_room)
    });
    opened.await.map(Some).map_err(|_| AppError::Interrupted)
}

/// Decrypted data may be twice as large as the list's limit, up to the maximum.
fn limits(list: &MailingList) -> openpgp::Limits {
    let most = openpgp::Limits::default().max_output_octets;
    let max_output_octets = match list.settings.max_message_kib {
        0 => most,
        kib => (kib as usize).saturating_mul(2048).clamp(1 << 20, most),
    };
    openpgp::Limits { max_output_octets }
}

/// Whether the signed To and Cc of a message name a sub-address of the list. Reads nothing that no valid
/// signature covers.
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
