//! Letters of a list, made before the transaction that records what they tell of.
//!
//! They hold nothing of a message. Who has a usable key gets them sealed; the words for an open letter are
//! chosen apart, because who carries it reads it too.

use sealist_lists::model::{Channel, ListNo, MailingList, MemberNo, Role};
use sealist_lists::notices::{self, Notice};
use sealist_lists::texts::{Letter, Text};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::{SealingCard, random};
use sealist_store::bodies::Body;
use sealist_store::{Conn, StoreError, keys, people};

use crate::{App, AppError, sealing};

/// More people in charge are not written to.
const MAX_MODERATORS: u32 = 50;

/// A letter that waits for its transaction.
pub(crate) struct Prepared {
    list: ListNo,
    to: Address,
    kind: String,
    channel: Channel,
    body: Body,
}

/// An attachment: file name, media type, content.
pub(crate) type Attachment = (String, &'static str, Vec<u8>);

impl Prepared {
    /// Stores the letter; `false` if one of its kind went out within a day.
    pub(crate) async fn store(&self, db: &mut Conn, now: Timestamp) -> Result<bool, StoreError> {
        let letter = sealist_store::notices::NewNotice {
            list: self.list,
            to: &self.to,
            kind: &self.kind,
            channel: self.channel,
            body: &self.body,
        };
        sealist_store::notices::insert(db, &letter, now).await
    }
}

/// A letter to one person; of each text one a day. `words` chooses them for the way they travel; `None`: not that way.
pub(crate) async fn to_person(
    app: &App,
    list: &MailingList,
    to: Mailbox,
    text: Text,
    words: impl Fn(Channel) -> Option<(Letter, Option<Attachment>)>,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let mut db = app.store.reader().await?;
    if !sealist_store::notices::is_due(&mut db, list.no, &to.address, text.name(), now).await? {
        return Ok(None);
    }
    let channel = channel_to(app, &mut db, list, &to.address, now).await?;
    drop(db);
    let Some((letter, attachment)) = words(channel) else { return Ok(None) };
    let words = Words { to, kind: text.name().to_owned(), channel, letter, attachment };
    write(app, list, words, now).await.map(Some)
}

/// Words to one person, and how they travel.
pub(crate) struct Words {
    pub(crate) to: Mailbox,
    /// Of each kind one a day.
    pub(crate) kind: String,
    pub(crate) channel: Channel,
    pub(crate) letter: Letter,
    pub(crate) attachment: Option<Attachment>,
}

/// Makes a letter of them.
pub(crate) async fn write(
    app: &App,
    list: &MailingList,
    words: Words,
    now: Timestamp,
) -> Result<Prepared, AppError> {
    let Words { to, kind, channel, letter, attachment } = words;
    let address = to.address.clone();
    let payload = notices::build(Notice { list, to, letter, attachment }, channel, now, random());
    let body = sealing::enclose(app, list, payload, channel, now).await?;
    Ok(Prepared { list: list.no, to: address, kind, channel, body })
}

/// The same letter to each owner and moderator; where there is none, to the contact of the site.
pub(crate) async fn to_moderators(
    app: &App,
    list: &MailingList,
    text: Text,
    words: impl Fn(Channel) -> Letter,
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let mut people = Vec::new();
    for role in [Role::Owner, Role::Moderator] {
        let mut db = app.store.reader().await?;
        let some = people::roster(&mut db, list.no, role, MemberNo(0), MAX_MODERATORS).await?;
        people.extend(some.into_iter().map(|person| person.address));
    }
    if people.is_empty() {
        people.extend(app.contact.clone());
    }
    let mut prepared: Vec<Prepared> = Vec::new();
    for person in people {
        if prepared.iter().any(|letter| letter.to == person) {
            continue;
        }
        let to = Mailbox { name: None, address: person };
        let words = |channel| Some((words(channel), None));
        prepared.extend(to_person(app, list, to, text, words, now).await?);
    }
    Ok(prepared)
}

/// How a letter travels to that address.
pub(crate) async fn channel_to(
    app: &App,
    db: &mut Conn,
    list: &MailingList,
    to: &Address,
    now: Timestamp,
) -> Result<Channel, AppError> {
    if !list.settings.encrypting() {
        return Ok(Channel::Open);
    }
    let Some(address) = people::find_address(&mut *db, to).await? else { return Ok(Channel::Open) };
    let card = keys::certificate_of(db, address).await?.and_then(|row| row.card);
    let usable =
        card.is_some_and(|card| SealingCard::from_bytes(&card, app.vault.mac(), &to.key(), now).is_ok());
    Ok(if usable { Channel::Sealed } else { Channel::Open })
}
