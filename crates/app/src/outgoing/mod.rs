//! What is sent of a batch of recipients, and what became of it.

mod readers;
mod sealed;
mod settle;

use std::sync::Arc;

use bytes::Bytes;
use sealist_lists::model::{Channel, DeliveryNo, MailingList};
use sealist_lists::payload::{self, Payload};
use sealist_mail::Timestamp;
use sealist_store::bodies::{self, Body};
use sealist_store::lists;
use sealist_store::posts::{Batch, Delivery, Kind, Settled};

use tokio::sync::OwnedSemaphorePermit;

use crate::{App, AppError, KeyVault, ROOM_MIB, bounces, sealing};
pub use settle::settle;

/// One message on the wire.
pub struct Copy {
    /// MAIL FROM; `None`: the null sender.
    pub sender: Option<String>,
    /// The recipients' rows, in the order of `recipients`.
    pub deliveries: Vec<DeliveryNo>,
    /// RCPT TO.
    pub recipients: Vec<String>,
    /// The message in pieces; shared ones are not copied.
    pub pieces: Vec<Bytes>,
    /// Whether the pieces are in wire form already: armor and our own header are.
    pub wire_form: bool,
}

impl Copy {
    /// The recipients with their rows.
    pub fn rows(&self) -> impl Iterator<Item = (DeliveryNo, &str)> {
        self.deliveries.iter().copied().zip(self.recipients.iter().map(String::as_str))
    }

    fn of(rows: &[Delivery], sending: &Sending, pieces: Vec<Bytes>, wire_form: bool) -> Self {
        Self {
            sender: sending.sender(rows),
            deliveries: rows.iter().map(|row| row.no).collect(),
            recipients: rows.iter().map(|row| row.email.clone()).collect(),
            pieces,
            wire_form,
        }
    }
}

/// How the copies of a batch are sent.
struct Sending {
    vault: Arc<dyn KeyVault>,
    /// The list's address for bounces; empty: the null sender.
    bounces: String,
    verp: bool,
    max_recipients: usize,
}

impl Sending {
    /// MAIL FROM: of its own for a copy with one recipient where the list says so.
    fn sender(&self, rows: &[Delivery]) -> Option<String> {
        match rows {
            _ if self.bounces.is_empty() => None,
            [row] if self.verp => Some(bounces::verp(&self.bounces, self.vault.mac(), row.no)),
            _ => Some(self.bounces.clone()),
        }
    }
}

/// A batch, ready to go.
#[derive(Default)]
pub struct Ready {
    /// What can be sent.
    pub copies: Vec<Copy>,
    /// Who gets nothing now, with the reason. Cleartext never goes out instead, unless list and member allow it.
    pub held: Vec<Settled>,
    /// Who must be claimed again, because there was no room for their copies beside the others.
    pub later: Vec<DeliveryNo>,
    /// Kept until the copies are out: their room in memory.
    _room: Option<OwnedSemaphorePermit>,
}

/// A body stands in memory as it is stored, in base64, and for a while as both.
const FORMS: u64 = 3;

/// Makes the copies of a batch: on an encrypting list as its `delivery` says, on the others one for up to
/// `max_recipients`.
pub async fn prepare(
    app: &App,
    batch: Batch,
    max_recipients: usize,
    now: Timestamp,
) -> Result<Ready, AppError> {
    let octets = bodies::octets(&mut *app.store.reader().await?, batch.body).await?;
    let mib = u32::try_from(octets * FORMS / (1024 * 1024) + 1).unwrap_or(ROOM_MIB).min(ROOM_MIB);
    let room = app.bodies.clone().try_acquire_many_owned(mib).map_err(|_| AppError::NoRoom)?;
    let made = make(app, batch, max_recipients, now).await?;
    Ok(Ready { _room: Some(room), ..made })
}

async fn make(app: &App, batch: Batch, max_recipients: usize, now: Timestamp) -> Result<Ready, AppError> {
    let (list, body) = {
        let mut db = app.store.reader().await?;
        let list = lists::by_no(&mut db, batch.list)
            .await?
            .ok_or_else(|| AppError::NoSuchList(batch.list.to_string()))?;
        (list, bodies::load(&mut db, batch.body).await?)
    };
    let verp = list.settings.verp && batch.kind == Kind::Posting;
    let sending =
        Sending { vault: app.vault.clone(), bounces: batch.envelope_from.clone(), verp, max_recipients };
    match body {
        Body::Plain { outer, payload } if !goes_open(&list, &batch) && list.settings.pgp.is_some() => {
            let entity = payload;
            let payload = payload::to_be_sealed(&Payload { outer, entity }, &list);
            let Body::Sealed(sealed) = sealing::enclose(app, &list, payload, Channel::Sealed, now)? else {
                return Err(AppError::Interrupted);
            };
            sealed::prepare(app, list, sealed, batch, sending, now).await
        }
        Body::Plain { outer, payload } => {
            Ok(Ready { copies: in_the_open(&batch.rows, &sending, outer, payload), ..Ready::default() })
        }
        Body::Sealed(sealed) if goes_open(&list, &batch) => {
            let session_key = app.keys_of(&list)?.storage.session_key(&sealed)?;
            let (outer, payload) = (session_key.open(sealed.outer())?, session_key.open(sealed.payload())?);
            let copies = in_the_open(&batch.rows, &sending, outer.to_vec(), payload.to_vec());
            Ok(Ready { copies, ..Ready::default() })
        }
        Body::Sealed(sealed) => sealed::prepare(app, list, sealed, batch, sending, now).await,
    }
}

/// What was made to travel open does so, unless the list has begun to encrypt since.
fn goes_open(list: &MailingList, batch: &Batch) -> bool {
    let encrypts = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.encrypt_outgoing);
    batch.channel == Channel::Open && (batch.kind == Kind::Notice || !encrypts)
}

fn in_the_open(rows: &[Delivery], sending: &Sending, outer: Vec<u8>, payload: Vec<u8>) -> Vec<Copy> {
    let pieces = vec![Bytes::from(outer), Bytes::from_static(b"MIME-Version: 1.0\r\n"), Bytes::from(payload)];
    let together = if sending.verp { 1 } else { sending.max_recipients.max(1) };
    rows.chunks(together).map(|rows| Copy::of(rows, sending, pieces.clone(), false)).collect()
}
