//! Notices of a list. They are made before the transaction that records their cause.
//!
//! Notices contain nothing of a message, except those about held messages (`summaries/held.rs`). A recipient
//! with a usable key gets them sealed. The text of an open notice is chosen separately, because every mail
//! server on the way can read it.

use std::borrow::Cow;

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::model::{Channel, EntryNo, ListNo, MailingList, MemberNo, Role};
use sealist_lists::notices::{self, Notice};
use sealist_lists::texts::{NoticeText, Text, TextPlace, Value};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::{SealingCard, Token, random};
use sealist_store::bodies::StoredBody;
use sealist_store::notices::{LimitReached, Probe, spent};
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::{Conn, StoreError, keys, people};

use crate::changes::count_untold;
use crate::error::AppError;
use crate::sealing;
use crate::site::App;
use crate::summary_facts::Gathered;

/// The most owners and moderators who get a notice.
const MAX_MODERATORS: u32 = 50;

/// A notice that waits for the transaction of its cause.
pub(crate) enum PreparedNotice {
    /// A finished notice.
    Notice(Box<Finished>),
    /// Facts for a notice that is made when it is due.
    Facts(Gathered),
    /// A notice that was not made because its limit is reached. It is counted for the admin.
    Untold(ListNo, LimitReached),
}

/// The event under which unsent notices are counted.
pub(crate) const UNTOLD: &str = "notice-untold";

/// A notice that is made, and signed or sealed.
pub(crate) struct Finished {
    list: ListNo,
    to: Address,
    kind: Cow<'static, str>,
    budget: NoticeBudget,
    channel: Channel,
    body: StoredBody,
    probe: Option<Probe>,
    /// The marks of its tokens.
    marks: Vec<[u8; 32]>,
    /// The message that caused it.
    entry: Option<EntryNo>,
}

/// An attachment: file name, media type, content.
pub(crate) type Attachment = (String, &'static str, Vec<u8>);

impl PreparedNotice {
    /// Stores the notice or the facts. Returns `false` and counts the notice if its limit is reached.
    pub(crate) async fn store(&self, db: &mut Conn, now: Timestamp) -> Result<bool, StoreError> {
        let Some((list, spent)) = self.try_store(&mut *db, now).await? else { return Ok(true) };
        count_untold(db, list, spent.name(), now).await?;
        Ok(false)
    }

    /// The same for an answer to mail that can wait for the next hour. Then errs with [`AppError::NextHour`],
    /// and nothing that the mail changes may be committed.
    pub(crate) async fn store_or_wait(&self, db: &mut Conn, now: Timestamp) -> Result<bool, AppError> {
        let Some((list, spent)) = self.try_store(&mut *db, now).await? else { return Ok(true) };
        if let LimitReached::Hour { ends_at: Some(ends_at) } = spent {
            return Err(AppError::NextHour(ends_at));
        }
        count_untold(db, list, spent.name(), now).await?;
        Ok(false)
    }

    /// Stores the notice or the facts. Returns the limit if it is reached.
    async fn try_store(
        &self,
        db: &mut Conn,
        now: Timestamp,
    ) -> Result<Option<(ListNo, LimitReached)>, StoreError> {
        match self {
            Self::Notice(notice) => Ok(notice.store(db, now).await?.map(|spent| (notice.list, spent))),
            Self::Facts(gathered) => gathered.store(db, now).await.map(|()| None),
            Self::Untold(list, spent) => Ok(Some((*list, *spent))),
        }
    }

    /// Whether the notice was made. Only the transaction decides whether it is sent.
    pub(crate) fn is_made(&self) -> bool {
        !matches!(self, Self::Untold(..))
    }

    /// The same notice, caused by that message, unless another one caused it.
    pub(crate) fn caused_by(self, entry: impl Into<Option<EntryNo>>) -> Self {
        let entry = entry.into();
        self.changed(|notice| Finished { entry: notice.entry.or(entry), ..notice })
    }

    /// The same notice as a probe of that member.
    pub(crate) fn probing(self, probe: Probe) -> Self {
        self.changed(|notice| Finished { probe: Some(probe), ..notice })
    }

    /// The same notice with these tokens for its recipient.
    pub(crate) fn with(self, tokens: &Tokens, app: &App) -> Self {
        let mac = app.vault.mac();
        let mut marks = vec![mac.token_mark(&tokens.in_words)];
        if tokens.in_address != tokens.in_words {
            marks.push(mac.address_token_mark(&tokens.in_address));
        }
        self.changed(|notice| Finished { marks, ..notice })
    }

    fn changed(self, change: impl FnOnce(Finished) -> Finished) -> Self {
        match self {
            Self::Notice(notice) => Self::Notice(Box::new(change(*notice))),
            other => other,
        }
    }

    /// Stores the tokens that the notice brings.
    pub(crate) async fn store_tokens(
        &self,
        db: &mut Conn,
        about: &TokenSubject,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let Self::Notice(notice) = self else { return Ok(()) };
        for mark in &notice.marks {
            tokens::add(&mut *db, about.clone(), mark, &notice.to, until).await?;
        }
        Ok(())
    }
}

/// The tokens of one question. Every mail server can read the token in the address, so on lists with OpenPGP
/// it is a different token, which allows less.
pub(crate) struct Tokens {
    pub(crate) in_words: String,
    in_address: String,
}

impl Tokens {
    pub(crate) fn fresh(list: &MailingList) -> Self {
        let in_words = Token::fresh().to_string();
        let in_address = match list.settings.pgp {
            Some(_) => Token::fresh().to_string(),
            None => in_words.clone(),
        };
        Self { in_words, in_address }
    }

    /// The address for answers.
    pub(crate) fn reply_to(&self, list: &MailingList) -> Address {
        list.confirm(&self.in_address)
    }
}

impl Finished {
    async fn store(&self, db: &mut Conn, now: Timestamp) -> Result<Option<LimitReached>, StoreError> {
        let notice = sealist_store::notices::NewNotice {
            list: self.list,
            to: &self.to,
            kind: &self.kind,
            budget: self.budget,
            channel: self.channel,
            body: &self.body,
            probe: self.probe.as_ref(),
            entry: self.entry,
        };
        sealist_store::notices::insert(db, &notice, now).await
    }
}

/// The content of a notice: the values of its text, and perhaps a file.
pub(crate) type NoticeContent = (Value, Option<Attachment>);

/// A notice to one person in that person's language, one a day per text. `content` depends on how the notice
/// travels; `None`: it must not travel that way.
pub(crate) async fn to_person(
    app: &App,
    list: &MailingList,
    to: Mailbox,
    text: Text,
    content: impl Fn(&TextPlace<'_>, Channel) -> Option<NoticeContent>,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let channel = {
        let mut db = app.store.reader().await?;
        if spent(&mut db, list.no, &to.address, text.name(), NoticeBudget::DAILY, now).await?.is_some() {
            return Ok(None);
        }
        channel_to(app, &mut db, list, &to.address, now).await?
    };
    let place = place_of(app, list, &to.address).await?;
    let Some((values, attachment)) = content(&place, channel) else { return Ok(None) };
    let notice = app.texts.notice(text, &place, values);
    let message = Message {
        to,
        kind: text.name().into(),
        budget: NoticeBudget::DAILY,
        notice,
        attachment,
        reply_to: None,
    };
    Ok(Some(make(app, list, message, channel, now).await?))
}

/// A notice that answers or asks.
pub(crate) struct Message {
    pub(crate) to: Mailbox,
    /// Its kind and limits.
    pub(crate) kind: Cow<'static, str>,
    pub(crate) budget: NoticeBudget,
    pub(crate) notice: NoticeText,
    pub(crate) attachment: Option<Attachment>,
    /// The address for answers. `None`: the owners.
    pub(crate) reply_to: Option<Address>,
}

impl Message {
    /// A text without attachments, once a day per kind. Answers go to the owners.
    pub(crate) fn daily(to: Mailbox, kind: String, notice: NoticeText) -> Self {
        let (kind, budget) = (kind.into(), NoticeBudget::DAILY);
        Self { to, kind, budget, notice, attachment: None, reply_to: None }
    }
}

/// Makes a notice, sealed if the list encrypts and the recipient has a usable key. Returns
/// [`PreparedNotice::Untold`] if its limit is reached.
pub(crate) async fn answer(
    app: &App,
    list: &MailingList,
    message: Message,
    now: Timestamp,
) -> Result<PreparedNotice, AppError> {
    let to = &message.to.address;
    let channel = channel_to(app, &mut *app.store.reader().await?, list, to, now).await?;
    answer_by(app, list, message, channel, now).await
}

/// The same, if it is known how the notice travels.
pub(crate) async fn answer_by(
    app: &App,
    list: &MailingList,
    message: Message,
    channel: Channel,
    now: Timestamp,
) -> Result<PreparedNotice, AppError> {
    let (to, budget) = (&message.to.address, message.budget);
    let spent = spent(&mut *app.store.reader().await?, list.no, to, &message.kind, budget, now).await?;
    match spent {
        Some(spent) => Ok(PreparedNotice::Untold(list.no, spent)),
        None => make(app, list, message, channel, now).await,
    }
}

/// Makes a notice for the holder of a key, which may not belong to an address yet. Returns
/// [`PreparedNotice::Untold`] if its limit is reached.
pub(crate) async fn to_key(
    app: &App,
    list: &MailingList,
    message: Message,
    key: &SealingCard,
    now: Timestamp,
) -> Result<PreparedNotice, AppError> {
    let Message { to, kind, budget, notice, attachment, reply_to } = message;
    let address = to.address.clone();
    let spent = spent(&mut *app.store.reader().await?, list.no, &address, &kind, budget, now).await?;
    if let Some(spent) = spent {
        return Ok(PreparedNotice::Untold(list.no, spent));
    }
    let notice = Notice { list, to, notice, attachment, messages: Vec::new(), reply_to };
    let payload = notices::build(notice, Channel::Sealed, now, random());
    let body = sealing::enclose_to(app, list, payload, key, now).await?;
    Ok(PreparedNotice::Notice(Box::new(Finished {
        list: list.no,
        to: address,
        kind,
        budget,
        channel: Channel::Open,
        body,
        probe: None,
        marks: Vec::new(),
        entry: None,
    })))
}

pub(crate) async fn make(
    app: &App,
    list: &MailingList,
    message: Message,
    channel: Channel,
    now: Timestamp,
) -> Result<PreparedNotice, AppError> {
    make_with(app, list, message, Vec::new(), channel, now).await
}

/// The same with attached messages: file name and octets.
pub(crate) async fn make_with(
    app: &App,
    list: &MailingList,
    message: Message,
    messages: Vec<(String, Vec<u8>)>,
    channel: Channel,
    now: Timestamp,
) -> Result<PreparedNotice, AppError> {
    let Message { to, kind, budget, notice, attachment, reply_to } = message;
    let address = to.address.clone();
    let notice = Notice { list, to, notice, attachment, messages, reply_to };
    let payload = notices::build(notice, channel, now, random());
    let body = sealing::enclose(app, list, payload, channel, now).await?;
    let list = list.no;
    let (probe, marks, entry) = (None, Vec::new(), None);
    let notice = Finished { list, to: address, kind, budget, channel, body, probe, marks, entry };
    Ok(PreparedNotice::Notice(Box::new(notice)))
}

/// The language and list for a notice to that person.
pub(crate) async fn place_of<'a>(
    app: &App,
    list: &'a MailingList,
    reader: &Address,
) -> Result<TextPlace<'a>, AppError> {
    let language = people::language_of(&mut *app.store.reader().await?, list.no, reader).await?;
    Ok(app.texts.place(list, language))
}

/// Owners and moderators without duplicates. If there are none, the contact of the site.
pub(crate) async fn in_charge(app: &App, list: &MailingList) -> Result<Vec<Address>, AppError> {
    let mut people: Vec<Address> = Vec::new();
    for role in [Role::Owner, Role::Moderator] {
        let mut db = app.store.reader().await?;
        for person in people::roster(&mut db, list.no, role, MemberNo(0), MAX_MODERATORS).await? {
            if !people.contains(&person.address) {
                people.push(person.address);
            }
        }
    }
    if people.is_empty() {
        people.extend(app.contact.clone());
    }
    Ok(people)
}

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
