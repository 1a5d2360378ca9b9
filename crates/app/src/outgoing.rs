//! Copies for a batch of recipients.

use bytes::Bytes;
use sealist_lists::model::{Channel, DeliveryNo, ListNo, MailingList};
use sealist_lists::texts::Text;
use sealist_mail::{Boundary, Timestamp, compose};
use sealist_openpgp::{Copies, KeyIds, SealingCard, random};
use sealist_store::bodies::{self, Body};
use sealist_store::lists;
use sealist_store::posts::{self, Batch, Kind, Settled, State};

use crate::notices::Prepared;
use crate::{App, AppError, letters};

/// One message on the wire.
pub struct Copy {
    /// The recipients' rows, in the order of `recipients`.
    pub deliveries: Vec<DeliveryNo>,
    /// RCPT TO.
    pub recipients: Vec<String>,
    /// The message in pieces; shared ones are not copied.
    pub pieces: Vec<Bytes>,
}

impl Copy {
    /// The recipients with their rows.
    pub fn rows(&self) -> impl Iterator<Item = (DeliveryNo, &str)> {
        self.deliveries.iter().copied().zip(self.recipients.iter().map(String::as_str))
    }
}

/// A batch, ready to go.
pub struct Ready {
    /// What can be sent.
    pub copies: Vec<Copy>,
    /// Who waits for a usable key, with the reason. Cleartext never goes out instead.
    pub held: Vec<Settled>,
    /// Whether the pieces are in wire form already: armor and our own header are.
    pub wire_form: bool,
}

/// Makes the copies of a batch: on an encrypting list one a reader with that reader's own PKESK, on the
/// others one for up to `max_recipients`.
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
    let sealed = match body {
        Body::Plain { outer, payload } => return Ok(in_the_open(batch, outer, payload, max_recipients)),
        Body::Sealed(sealed) if goes_open(&list, &batch) => {
            let session_key = app.keys_of(&list)?.storage.session_key(&sealed)?;
            let (outer, payload) = (session_key.open(sealed.outer())?, session_key.open(sealed.payload())?);
            return Ok(in_the_open(batch, outer.to_vec(), payload.to_vec(), max_recipients));
        }
        Body::Sealed(sealed) => sealed,
    };
    let keys = app.keys_of(&list)?;
    let anonymous = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.anonymous);
    let ids = if anonymous { KeyIds::Hidden } else { KeyIds::Named };
    let vault = app.vault.clone();
    let made = tokio::task::spawn_blocking(move || {
        let session_key = keys.storage.session_key(&sealed)?;
        let outer = session_key.open(sealed.outer())?;
        let (wrapper, end) = compose::encrypted_wrapper(&Boundary::from_entropy(random()));
        let copies = Copies::new(&sealed, session_key, ids);
        let head = Bytes::from([&outer[..], &wrapper].concat());
        let end = Bytes::from(end);
        let mut prepared = Ready { copies: Vec::new(), held: Vec::new(), wire_form: true };
        for row in batch.rows {
            let card = row
                .card
                .as_deref()
                .map(|card| SealingCard::from_bytes(card, vault.mac(), &row.email.to_lowercase(), now));
            let armor = match card {
                None => Err("there is no key that can be used".to_owned()),
                Some(Err(error)) => Err(error.to_string()),
                Some(Ok(card)) => copies.copy(&card).map_err(|error| error.to_string()),
            };
            match armor {
                Err(reply) => prepared.held.push(Settled {
                    no: row.no,
                    email: row.email,
                    state: State::HeldForKey,
                    reply,
                }),
                Ok(armor) => prepared.copies.push(Copy {
                    deliveries: vec![row.no],
                    recipients: vec![row.email],
                    pieces: vec![
                        head.clone(),
                        armor.head.into(),
                        armor.shared,
                        armor.tail.into(),
                        end.clone(),
                    ],
                }),
            }
        }
        Ok::<_, AppError>(prepared)
    });
    made.await.map_err(|_| AppError::Interrupted)?
}

/// What was made to travel open does so, unless the list has begun to encrypt since.
fn goes_open(list: &MailingList, batch: &Batch) -> bool {
    let encrypts = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.encrypt_outgoing);
    batch.channel == Channel::Open && (batch.kind == Kind::Notice || !encrypts)
}

fn in_the_open(batch: Batch, outer: Vec<u8>, payload: Vec<u8>, max_recipients: usize) -> Ready {
    let pieces = vec![Bytes::from(outer), Bytes::from_static(b"MIME-Version: 1.0\r\n"), Bytes::from(payload)];
    let copies = batch.rows.chunks(max_recipients.max(1)).map(|rows| Copy {
        deliveries: rows.iter().map(|row| row.no).collect(),
        recipients: rows.iter().map(|row| row.email.clone()).collect(),
        pieces: pieces.clone(),
    });
    Ready { copies: copies.collect(), held: Vec::new(), wire_form: false }
}

/// Records what became of recipients, and writes to those who should know: a reader without a usable key,
/// and the people in charge. Of notices nobody is told.
pub async fn settle(
    app: &App,
    list: ListNo,
    kind: Kind,
    results: Vec<Settled>,
    now: Timestamp,
) -> Result<(), AppError> {
    let tidings = match kind {
        Kind::Posting => tidings(app, list, &results, now).await?,
        Kind::Notice => Vec::new(),
    };
    app.store
        .write(move |db| {
            Box::pin(async move {
                posts::record(&mut *db, &results).await?;
                for letter in tidings {
                    letter.store(&mut *db, now).await?;
                }
                Ok::<_, AppError>(())
            })
        })
        .await
}

async fn tidings(
    app: &App,
    list: ListNo,
    results: &[Settled],
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let of = |state: State| results.iter().filter(move |settled| settled.state == state).collect::<Vec<_>>();
    let (waiting, failed) = (of(State::HeldForKey), of(State::Failed));
    if waiting.is_empty() && failed.is_empty() {
        return Ok(Vec::new());
    }
    let list = lists::by_no(&mut *app.store.reader().await?, list)
        .await?
        .ok_or_else(|| AppError::NoSuchList(list.to_string()))?;
    let mut all = letters::about_copies(app, &list, Text::MemberKeyNeeded, &waiting, now).await?;
    all.extend(letters::about_copies(app, &list, Text::Undelivered, &failed, now).await?);
    for settled in waiting {
        let Ok(reader) = settled.email.parse() else { continue };
        all.extend(letters::key_needed(app, &list, &reader, &settled.reply, now).await?);
    }
    Ok(all)
}
