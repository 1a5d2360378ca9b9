//! Makes the copies for a batch of recipients, and handles their results.

mod faults;
mod open;
mod readers;
mod retry;
mod sealed;
mod settle;

use std::sync::Arc;

use bytes::Bytes;
use sealist_lists::model::{Channel, DeliveryNo, ListNo};
use sealist_lists::payload::{self, Payload};
use sealist_mail::fit::{Octets, fit};
use sealist_mail::{Address, Dots, Timestamp, wire_form};
use sealist_store::bodies::{self, StoredBody};
use sealist_store::bounce_scores::Returned;
use sealist_store::deliveries::{Batch, Delivery, DeliveryResult, Kind};
use sealist_store::lists;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::AppError;
use crate::site::App;
use crate::vault::KeyVault;
use crate::{bounce_address, sealing};
pub use faults::could_not_be_made;
pub use open::RecipientBatching;
pub(crate) use readers::NO_KEY;
pub use retry::Retry;
pub use settle::{BatchLabel, BatchReport, record_results};

/// One message on the wire.
pub struct Copy {
    /// MAIL FROM; `None`: the null sender.
    pub sender: Option<String>,
    /// The recipients.
    pub recipients: Vec<Recipient>,
    /// The message in its wire form, in pieces; shared ones are not copied.
    pub pieces: Vec<Bytes>,
    /// Whether lines of it begin with dots.
    pub dots: Dots,
}

/// One recipient of a copy.
#[derive(Clone)]
pub struct Recipient {
    /// The row.
    pub no: DeliveryNo,
    /// The address as it is stored.
    pub email: String,
    /// RCPT TO, with A-labels, so that few addresses need SMTPUTF8.
    pub path: String,
    /// How often delivery was tried, including this time.
    pub attempts: u32,
}

impl Copy {
    fn of(rows: &[Delivery], sending: &BatchOptions, (pieces, dots): (Vec<Bytes>, Dots)) -> Self {
        let recipient = |row: &Delivery| Recipient {
            no: row.no,
            email: row.email.clone(),
            path: path(&row.email),
            attempts: row.attempts,
        };
        Self { sender: sending.sender(rows), recipients: rows.iter().map(recipient).collect(), pieces, dots }
    }
}

impl Copy {
    /// The same copy in ASCII. `None` if a signed part is not ASCII.
    pub fn seven_bit(&self) -> Option<Self> {
        let wire = self.pieces.concat();
        let lines = wire.split_inclusive(|octet| *octet == b'\n');
        let message: Vec<u8> = match self.dots {
            Dots::None => wire.clone(),
            Dots::Stuffed => {
                lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
            }
        };
        let message = fit(&message, Octets::SevenBit).ok()?;
        let (wire, dots) = wire_form(&message);
        let (sender, recipients) = (self.sender.clone(), self.recipients.clone());
        Some(Self { sender, recipients, pieces: vec![wire.into()], dots })
    }

    /// Splits the copy: recipients who need SMTPUTF8 ([RFC 6531]) get envelopes of their own, because a next
    /// hop that refuses the extension would refuse the whole envelope.
    fn apart(self) -> Vec<Self> {
        let shared = self.recipients.len() > 1;
        let apart = |one: &Recipient| shared && !one.path.is_ascii();
        let (international, rest): (Vec<_>, Vec<_>) = self.recipients.into_iter().partition(apart);
        let copy = |recipients| Self {
            recipients,
            sender: self.sender.clone(),
            pieces: self.pieces.clone(),
            dots: self.dots,
        };
        let alone = international.into_iter().map(|one| copy(vec![one]));
        let mut copies: Vec<Self> = alone.collect();
        if !rest.is_empty() {
            copies.insert(0, copy(rest));
        }
        copies
    }
}

/// How the copies of a batch are sent.
struct BatchOptions {
    vault: Arc<dyn KeyVault>,
    list: ListNo,
    now: Timestamp,
    /// The list's address for bounces. Empty: the null sender.
    bounces: String,
    /// The kind of the copies, if each has an envelope sender of its own.
    verp: Option<Kind>,
    together: RecipientBatching,
}

impl BatchOptions {
    /// MAIL FROM: unique for a copy with one recipient, if the list is configured so.
    fn sender(&self, rows: &[Delivery]) -> Option<String> {
        if self.bounces.is_empty() {
            return None;
        }
        let about = match rows {
            [row] if row.proves => Some(Kind::Posting).zip(row.member),
            [row] => self.verp.zip(row.member),
            _ => None,
        };
        Some(match about {
            Some((kind, member)) => {
                let returned = Returned { list: self.list, member, kind };
                bounce_address::make(&self.bounces, self.vault.mac(), returned, self.now)
            }
            None => self.bounces.clone(),
        })
    }
}

/// A batch that is ready to be sent.
#[derive(Default)]
pub struct Ready {
    /// What can be sent.
    pub copies: Vec<Copy>,
    /// Recipients who get nothing now, with the reason. They never get cleartext instead, unless the list and
    /// the member allow it.
    pub held: Vec<DeliveryResult>,
    /// Recipients who must be claimed again, because there was no memory for their copies.
    pub later: Vec<DeliveryNo>,
    /// The reserved memory, kept until the copies are sent.
    _room: Option<OwnedSemaphorePermit>,
}

/// A body is in memory as stored, in base64, and for a while in both forms.
const FORMS: u64 = 3;

/// Makes the copies of a batch when there is memory for them: on an encrypting list according to `delivery`,
/// on other lists one per group of recipients that may share one.
pub async fn prepare(
    app: &App,
    batch: Batch,
    together: RecipientBatching,
    now: Timestamp,
) -> Result<Ready, AppError> {
    let octets = bodies::octets(&mut *app.store.reader().await?, batch.body).await?;
    let room = app.leaving.wait(octets, FORMS).await?;
    let mut made = make(app, batch, together, now).await?;
    made.copies = made.copies.into_iter().flat_map(Copy::apart).collect();
    Ok(Ready { _room: Some(room), ..made })
}

/// The form of an address for an envelope.
fn path(email: &str) -> String {
    let address = Some(email).filter(|email| !email.is_ascii()).and_then(Address::from_stored);
    address.map_or_else(|| email.to_owned(), |address| address.with_ascii_domain().to_string())
}

async fn make(
    app: &App,
    batch: Batch,
    together: RecipientBatching,
    now: Timestamp,
) -> Result<Ready, AppError> {
    let (list, body) = {
        let mut db = app.store.reader().await?;
        let list = lists::by_no(&mut db, batch.list)
            .await?
            .ok_or_else(|| AppError::NoSuchList(batch.list.to_string()))?;
        (list, bodies::load(&mut db, batch.body).await?)
    };
    let verp = match batch.kind {
        Kind::Posting => list.settings.verp.then_some(Kind::Posting),
        Kind::Notice => None,
        Kind::Probe => Some(Kind::Probe),
    };
    let (vault, bounces) = (app.vault.clone(), batch.envelope_from.clone());
    let sending = BatchOptions { vault, list: list.no, now, bounces, verp, together };
    match body {
        StoredBody::Plain { outer, payload }
            if !open::goes_open(&list, &batch) && list.settings.has_openpgp() =>
        {
            let entity = payload;
            let payload = payload::to_be_sealed(&Payload { outer, entity }, &list);
            let StoredBody::Sealed(sealed) =
                sealing::enclose(app, &list, payload, Channel::Sealed, now).await?
            else {
                return Err(AppError::Interrupted);
            };
            sealed::prepare(app, list, sealed, batch, sending, now).await
        }
        StoredBody::Plain { outer, payload } => {
            let clear = Payload { outer, entity: payload };
            Ok(open::prepare(batch.rows, &sending, clear))
        }
        StoredBody::Sealed(sealed) if open::goes_open(&list, &batch) => {
            let session_key = app.keys_of(&list).await?.storage.session_key(&sealed)?;
            let outer = session_key.open(sealed.outer())?.to_vec();
            let clear = Payload { outer, entity: session_key.open(sealed.payload())?.to_vec() };
            Ok(open::prepare(batch.rows, &sending, clear))
        }
        StoredBody::Sealed(sealed) => sealed::prepare(app, list, sealed, batch, sending, now).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who shares an envelope.
    fn check(emails: &[&str], expected: &[&[&str]]) {
        let recipient = |email: &&str| Recipient {
            no: DeliveryNo(1),
            email: (*email).to_owned(),
            path: path(email),
            attempts: 1,
        };
        let recipients = emails.iter().map(recipient).collect();
        let copies = Copy { sender: None, recipients, pieces: Vec::new(), dots: Dots::None }.apart();
        let seen: Vec<Vec<&str>> =
            copies.iter().map(|copy| copy.recipients.iter().map(|one| one.path.as_str()).collect()).collect();
        assert_eq!(seen, expected, "{emails:?}");
    }

    #[test]
    fn a_copy_takes_a_form_in_ascii() {
        let message = "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n.\r\nGrüße\r\n";
        let (wire, dots) = wire_form(message.as_bytes());
        let copy = Copy { sender: None, recipients: Vec::new(), pieces: vec![wire.into()], dots };
        let seven = copy.seven_bit().unwrap();
        let wire = String::from_utf8(seven.pieces.concat()).unwrap();
        assert!(wire.is_ascii() && wire.ends_with("\r\n\r\n..\r\nGr=C3=BC=C3=9Fe\r\n"), "{wire}");
        let signed = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nä\r\n--b--\r\n";
        let (wire, dots) = wire_form(signed.as_bytes());
        assert!(Copy { pieces: vec![wire.into()], dots, ..copy }.seven_bit().is_none());
    }

    #[test]
    fn who_needs_smtputf8_stands_alone() {
        check(&["a@x.example", "b@x.example"], &[&["a@x.example", "b@x.example"]]);
        check(
            &["a@x.example", "b@münchen.example", "C@x.example"],
            &[&["a@x.example", "b@xn--mnchen-3ya.example", "C@x.example"]],
        );
        check(
            &["jörg@münchen.example", "a@x.example", "ä@x.example", "b@x.example"],
            &[&["a@x.example", "b@x.example"], &["jörg@xn--mnchen-3ya.example"], &["ä@x.example"]],
        );
        check(&["jörg@x.example"], &[&["jörg@x.example"]]);
        check(&["jörg@x.example", "ä@x.example"], &[&["jörg@x.example"], &["ä@x.example"]]);
    }
}
