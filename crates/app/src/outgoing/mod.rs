//! What is sent of a batch of recipients, and what became of it.

mod readers;
mod sealed;
mod settle;

use bytes::Bytes;
use sealist_lists::model::{Channel, DeliveryNo, MailingList};
use sealist_mail::Timestamp;
use sealist_store::bodies::{self, Body};
use sealist_store::lists;
use sealist_store::posts::{Batch, Delivery, Kind, Settled};

use crate::{App, AppError};
pub use settle::settle;

/// One message on the wire.
pub struct Copy {
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

    fn of(rows: &[Delivery], pieces: Vec<Bytes>, wire_form: bool) -> Self {
        Self {
            deliveries: rows.iter().map(|row| row.no).collect(),
            recipients: rows.iter().map(|row| row.email.clone()).collect(),
            pieces,
            wire_form,
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
}

/// Makes the copies of a batch: on an encrypting list as its `delivery` says, on the others one for up to
/// `max_recipients`.
pub async fn prepare(
    app: &App,
    batch: Batch,
    max_recipients: usize,
    now: Timestamp,
) -> Result<Ready, AppError> {
    let (list, body) = {
        let mut db = app.store.reader().await?;
        let list = lists::by_no(&mut db, batch.list)
            .await?
            .ok_or_else(|| AppError::NoSuchList(batch.list.to_string()))?;
        (list, bodies::load(&mut db, batch.body).await?)
    };
    match body {
        Body::Plain { outer, payload } => {
            Ok(Ready { copies: in_the_open(&batch.rows, outer, payload, max_recipients), held: Vec::new() })
        }
        Body::Sealed(sealed) if goes_open(&list, &batch) => {
            let session_key = app.keys_of(&list)?.storage.session_key(&sealed)?;
            let (outer, payload) = (session_key.open(sealed.outer())?, session_key.open(sealed.payload())?);
            let copies = in_the_open(&batch.rows, outer.to_vec(), payload.to_vec(), max_recipients);
            Ok(Ready { copies, held: Vec::new() })
        }
        Body::Sealed(sealed) => sealed::prepare(app, list, sealed, batch, max_recipients, now).await,
    }
}

/// What was made to travel open does so, unless the list has begun to encrypt since.
fn goes_open(list: &MailingList, batch: &Batch) -> bool {
    let encrypts = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.encrypt_outgoing);
    batch.channel == Channel::Open && (batch.kind == Kind::Notice || !encrypts)
}

fn in_the_open(rows: &[Delivery], outer: Vec<u8>, payload: Vec<u8>, max_recipients: usize) -> Vec<Copy> {
    let pieces = vec![Bytes::from(outer), Bytes::from_static(b"MIME-Version: 1.0\r\n"), Bytes::from(payload)];
    rows.chunks(max_recipients.max(1)).map(|rows| Copy::of(rows, pieces.clone(), false)).collect()
}
