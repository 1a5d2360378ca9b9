//! Receives mail: resolves an address to a list and sub-address, and stores the message, after which it is
//! ours.

use std::sync::Arc;

use sealist_lists::model::{AddressReading, EntryNo, ListNo, MailingList, ReservedLocal, SubAddress};
use sealist_lists::routes::Route;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{IntakeSealer, random};
use sealist_store::bodies::{self, ROW_OCTETS, StoredBody};
use sealist_store::queue::{self, EntryOrigin, NewEntry};
use sealist_store::transaction;
use sealist_store::{lists, tokens};

use crate::addresses::{named_below, source_of};
use crate::changes::Unrecorded;
use crate::envelope::StoredEnvelope;
use crate::error::AppError;
use crate::keyring::ListKeys;
use crate::partial_body::Spool;
use crate::site::App;

/// The longest handle. Ours are shorter.
const MAX_DETAIL: usize = 200;
/// The most characters of an envelope sender that are stored ([RFC 5321, section 4.5.3.1.3]).
const MAX_SENDER: usize = 256;

/// One sub-address of one list to which a message is sent.
pub struct Destination {
    /// The list.
    pub list: MailingList,
    /// The sub-address.
    pub sub_address: SubAddress,
    /// The text after the `+` of the address. It is a hint, never a proof.
    pub detail: Option<String>,
    keys: Option<Arc<ListKeys>>,
}

impl Destination {
    /// Resolves an address to the most literal reading whose list exists. Errs with [`AppError::NoKeys`] if
    /// this node lacks keys of the list, so that another node receives its mail.
    pub async fn at(app: &App, address: &Address) -> Result<Option<Self>, AppError> {
        if ReservedLocal::read(address).is_some() {
            return Self::below(app, address).await;
        }
        for reading in AddressReading::readings(address) {
            let list = lists::by_name(&mut *app.store.reader().await?, &reading.list).await?;
            if let Some(list) = list {
                return Self::of(app, list, reading.sub_address, reading.detail).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Resolves an address below a reserved local part. Only handles that were made here are valid.
    async fn below(app: &App, address: &Address) -> Result<Option<Self>, AppError> {
        let Some((no, sub_address, detail)) = named_below(app, address) else { return Ok(None) };
        match lists::by_no(&mut *app.store.reader().await?, no).await? {
            Some(list) if list.name.mail_host() == address.ascii_domain() => {
                Self::of(app, list, sub_address, Some(detail.to_owned())).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn of(
        app: &App,
        list: MailingList,
        sub_address: SubAddress,
        detail: Option<String>,
    ) -> Result<Self, AppError> {
        let keys = match &list.settings.pgp {
            Some(_) => Some(app.keys_of(&list).await?),
            None => None,
        };
        Ok(Self { list, sub_address, detail, keys })
    }
}

impl Destination {
    /// The size in octets above which a message to this address is refused at once, because nobody could
    /// accept it. `None`: only the server's limit applies.
    pub fn most_octets(&self) -> Option<u64> {
        Route::of(self.sub_address).refused_above_octets(&self.list.settings)
    }

    /// Whether a message of that envelope sender may wait here to be judged. When notices to strangers are
    /// used up, mail with commands waits, and both the total and the share of each source are limited.
    /// Membership of the sender is not considered, because the reply would reveal it; a valid token in the
    /// address is, because nobody can guess one.
    pub async fn has_room(&self, app: &App, sender: Option<&str>, now: Timestamp) -> Result<bool, AppError> {
        if !Route::of(self.sub_address).is_answered() {
            return Ok(true);
        }
        let source = source_of(app, sender.unwrap_or_default());
        let mut db = app.store.reader().await?;
        let waiting = queue::commands_waiting(&mut db, source).await?;
        if !waiting.is_full(&app.budgets.waiting()) {
            return Ok(true);
        }
        let Some(token) = self.detail.as_deref().filter(|_| self.sub_address == SubAddress::Confirm) else {
            return Ok(false);
        };
        let mac = app.vault.mac();
        for mark in [mac.token_mark(token), mac.address_token_mark(token)] {
            if tokens::is_known(&mut db, &mark, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether both are different command, bounce or key addresses of one list.
    pub fn is_another_command_of_its_list(&self, other: &Self) -> bool {
        self.list.no == other.list.no
            && Route::of(self.sub_address).is_for_programs()
            && Route::of(other.sub_address).is_for_programs()
            && !self.is_same_sub_address(other)
    }

    /// Whether both addresses mean the same. The text after the `+` counts only if it has a meaning.
    pub fn is_same_sub_address(&self, other: &Self) -> bool {
        let handle = matches!(self.sub_address, SubAddress::Bounces | SubAddress::Confirm);
        self.list.no == other.list.no
            && self.sub_address == other.sub_address
            && (!handle || self.detail == other.detail)
    }
}

/// A message that is being received for one list and sub-address. On an encrypting list at most one chunk of
/// it is unencrypted at any time. Large messages are stored while they arrive.
pub struct Intake {
    list: ListNo,
    sub_address: SubAddress,
    detail: String,
    /// The envelope sender; empty: none.
    sender: String,
    form: IntakeBody,
    spool: Option<Spool>,
    start: Start,
    origin: EntryOrigin,
}

/// Whether any octets have arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Ahead,
    Over,
}

enum IntakeBody {
    Plain(Vec<u8>),
    Sealing(Box<IntakeSealer>),
}

impl Intake {
    /// The most octets of one message in memory.
    pub const MOST_OCTETS: usize = 4 * ROW_OCTETS;

    /// Starts with the envelope, which is stored and sealed in front of the message.
    pub fn begin(arrival: &Destination, sender: Option<&str>) -> Result<Self, AppError> {
        let form = match &arrival.keys {
            Some(keys) if arrival.list.settings.encrypting() => {
                IntakeBody::Sealing(Box::new(IntakeSealer::new(&keys.storage.certificate())?))
            }
            _ => IntakeBody::Plain(Vec::new()),
        };
        let detail: String =
            arrival.detail.iter().flat_map(|detail| detail.chars()).take(MAX_DETAIL).collect();
        let whole = sender.unwrap_or_default();
        let sender = whole.chars().take(MAX_SENDER).collect();
        let (list, sub_address, start) = (arrival.list.no, arrival.sub_address, Start::Ahead);
        let origin = EntryOrigin::Lmtp;
        let mut intake = Self { list, sub_address, detail, sender, form, spool: None, start, origin };
        // The value is a token, so the database stores only its mark.
        let token = (sub_address == SubAddress::Confirm).then(|| std::mem::take(&mut intake.detail));
        intake.form.write(&StoredEnvelope { path: whole.to_owned(), confirm_token: token }.to_bytes())?;
        Ok(intake)
    }

    /// The same message, put into the queue by somebody on the command line.
    pub fn injected(self) -> Self {
        Self { origin: EntryOrigin::Inject, ..self }
    }

    /// Adds the next octets. If the first line begins with a blank, it gets a field name of its own;
    /// otherwise it would continue the envelope.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), AppError> {
        if let (Start::Ahead, Some(first)) = (self.start, chunk.first()) {
            self.start = Start::Over;
            if matches!(first, b' ' | b'\t') {
                self.form.write(b"X-Nameless:")?;
            }
        }
        self.form.write(chunk)
    }

    /// Writes the buffered octets to the database once there are more than 2 rows' worth, so that at most
    /// [`Self::MOST_OCTETS`] stay in memory. Call it only from a registered node: partial bodies of
    /// unregistered processes are treated as abandoned and deleted.
    pub async fn spill(&mut self, app: &App) -> Result<(), AppError> {
        if self.form.octets() >= 2 * ROW_OCTETS {
            let piece = self.form.take_behind(ROW_OCTETS);
            match &mut self.spool {
                Some(spool) => spool.append(app, piece).await?,
                None => self.spool = Some(Spool::begin(app, piece).await?),
            }
        }
        Ok(())
    }

    /// Stores the message durably. After this returns without an error the message is ours, and the returned
    /// number follows it. `transaction` is the same for all sub-addresses of one LMTP transaction.
    pub async fn commit(self, app: &App, transaction: [u8; 16], now: Timestamp) -> Result<EntryNo, AppError> {
        let body = match self.form {
            IntakeBody::Plain(payload) => StoredBody::Plain { outer: Vec::new(), payload },
            IntakeBody::Sealing(sealer) => StoredBody::Sealed(sealer.finish()?),
        };
        let (list, sub_address, detail, sender) = (self.list, self.sub_address, self.detail, self.sender);
        let origin = self.origin;
        let source = source_of(app, &sender);
        let coming = self.spool.as_ref().map(Spool::coming);
        let ours = app.write_unrecorded(
            Unrecorded::Arrival,
            transaction!(|db| {
                let body = match coming {
                    Some(coming) => coming.complete(&mut *db, &body).await?,
                    None => bodies::insert(&mut *db, &body).await?,
                };
                let (detail, arrival, sender) = (&detail, &transaction, &sender);
                let new = NewEntry { list, sub_address, detail, body, arrival, sender, source, origin };
                queue::enter(db, &new, now).await
            }),
        );
        let entry = ours.await?;
        if let Some(spool) = self.spool {
            spool.done();
        }
        Ok(entry)
    }

    /// Makes an id for an LMTP transaction.
    pub fn transaction() -> [u8; 16] {
        random()
    }
}

impl IntakeBody {
    fn write(&mut self, chunk: &[u8]) -> Result<(), AppError> {
        match self {
            Self::Plain(message) => message.extend_from_slice(chunk),
            Self::Sealing(sealer) => sealer.write(chunk)?,
        }
        Ok(())
    }

    /// Octets that stand here.
    fn octets(&self) -> usize {
        match self {
            Self::Plain(message) => message.len(),
            Self::Sealing(sealer) => sealer.octets(),
        }
    }

    fn take_behind(&mut self, octets: usize) -> Vec<u8> {
        match self {
            Self::Plain(message) => message.split_off(octets.min(message.len())),
            Self::Sealing(sealer) => sealer.take_behind(octets),
        }
    }
}
