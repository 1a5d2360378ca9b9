//! Mail at the door: which list and door an address means, and the row that makes a message ours.

use std::sync::Arc;

use sealist_lists::model::{Door, DoorAddress, ListNo, MailingList};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{IntakeSealer, random};
use sealist_store::bodies::Body;
use sealist_store::{StoreError, lists, queue};

use crate::{App, AppError, ListKeys};

/// Longer handles are none of ours.
const MAX_DETAIL: usize = 200;

/// One door of one list that a message came to.
pub struct Arrival {
    /// The list.
    pub list: MailingList,
    /// The door.
    pub door: Door,
    /// What followed the `+` of the address: a handle, never a proof.
    pub detail: Option<String>,
    keys: Option<Arc<ListKeys>>,
}

impl Arrival {
    /// What an address means: the most literal reading whose list exists. Errs with [`AppError::NoKeys`] for a list that
    /// this node lacks keys of: another takes its mail.
    pub async fn at(app: &App, address: &Address) -> Result<Option<Self>, AppError> {
        for reading in DoorAddress::readings(address) {
            let list = lists::by_name(&mut *app.store.reader().await?, &reading.list).await?;
            let Some(list) = list else { continue };
            let keys = match &list.settings.pgp {
                Some(_) => Some(app.keys_of(&list).await?),
                None => None,
            };
            return Ok(Some(Self { list, door: reading.door, detail: reading.detail, keys }));
        }
        Ok(None)
    }
}

impl Arrival {
    /// Whether both addresses mean the same: only where the part behind the `+` says something does it count.
    pub fn is_same_door(&self, other: &Self) -> bool {
        let handle = matches!(self.door, Door::Bounces | Door::Confirm);
        self.list.no == other.list.no && self.door == other.door && (!handle || self.detail == other.detail)
    }
}

/// A message that streams in for one list and door. On an encrypting list no more of it than a chunk is
/// ever in the clear.
pub struct Intake {
    list: ListNo,
    door: Door,
    detail: String,
    form: Form,
}

enum Form {
    Plain(Vec<u8>),
    Sealing(Box<IntakeSealer>),
}

impl Intake {
    /// Begins with the envelope sender, kept as the message's first field ([RFC 5321, section 4.4]).
    pub fn begin(arrival: &Arrival, sender: Option<&str>) -> Result<Self, AppError> {
        let form = match &arrival.keys {
            Some(keys) if arrival.list.settings.encrypting() => {
                Form::Sealing(Box::new(IntakeSealer::new(&keys.storage.certificate())?))
            }
            _ => Form::Plain(Vec::new()),
        };
        let detail: String =
            arrival.detail.iter().flat_map(|detail| detail.chars()).take(MAX_DETAIL).collect();
        let mut intake = Self { list: arrival.list.no, door: arrival.door, detail, form };
        intake.write(format!("Return-Path: <{}>\r\n", sender.unwrap_or_default()).as_bytes())?;
        Ok(intake)
    }

    /// The next octets.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), AppError> {
        match &mut self.form {
            Form::Plain(message) => message.extend_from_slice(chunk),
            Form::Sealing(sealer) => sealer.write(chunk)?,
        }
        Ok(())
    }

    /// Makes the message durable; when this returns without an error it is ours. `transaction`: the same for
    /// all doors that one LMTP transaction brought it to.
    pub async fn commit(self, app: &App, transaction: [u8; 16], now: Timestamp) -> Result<(), AppError> {
        let body = match self.form {
            Form::Plain(payload) => Body::Plain { outer: Vec::new(), payload },
            Form::Sealing(sealer) => Body::Sealed(sealer.finish()?),
        };
        let (list, door, detail) = (self.list, self.door, self.detail);
        app.store
            .write(move |db| {
                Box::pin(async move {
                    queue::push(db, list, (door, &detail), &body, &transaction, now).await?;
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
        Ok(())
    }

    /// A fresh name for an LMTP transaction.
    pub fn transaction() -> [u8; 16] {
        random()
    }
}
