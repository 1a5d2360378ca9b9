//! Notices to owners and moderators who decide. Each has a token of its own, which nobody else can read.

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::model::{Channel, MailingList, Role, SubAddress};
use sealist_lists::texts::{Text, TextPlace, Value};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_store::people;

use crate::error::AppError;
use crate::notices::{Attachment, Message, PreparedNotice, Tokens, answer, channel_to, in_charge, place_of};
use crate::site::App;

/// The question.
pub(crate) struct Ask {
    pub(crate) text: Text,
    pub(crate) budget: NoticeBudget,
    pub(crate) attachment: Option<Attachment>,
    /// The person whose new key is in question. That person does not decide.
    pub(crate) about_key_of: Option<Address>,
}

/// Asks each owner and moderator. If there is none, the contact of the site is told. `values` gets the token,
/// if that person may answer by mail.
pub(crate) async fn to_deciders(
    app: &App,
    list: &MailingList,
    ask: Ask,
    values: impl Fn(&TextPlace<'_>, Channel, Option<&str>) -> Value,
    now: Timestamp,
) -> Result<Vec<PreparedNotice>, AppError> {
    let mut notices = Vec::new();
    for person in deciders(app, list, now).await? {
        let may_answer = person.may_answer && ask.about_key_of.as_ref() != Some(&person.address);
        let tokens = may_answer.then(|| Tokens::fresh(list));
        let place = place_of(app, list, &person.address).await?;
        let shown = tokens.as_ref().map(|tokens| tokens.in_words.as_str());
        let notice = app.texts.notice(ask.text, &place, values(&place, person.channel, shown));
        let message = Message {
            to: Mailbox { name: None, address: person.address },
            kind: ask.text.name().into(),
            budget: ask.budget,
            notice,
            attachment: ask.attachment.clone(),
            reply_to: Some(match &tokens {
                Some(tokens) => tokens.reply_to(list),
                None => list.name.address(SubAddress::Request),
            }),
        };
        let notice = answer(app, list, message, now).await?;
        notices.push(match &tokens {
            Some(tokens) => notice.with(tokens, app),
            None => notice,
        });
    }
    Ok(notices)
}

/// A person who is told of a decision to make.
pub(crate) struct Decider {
    pub(crate) address: Address,
    /// How notices reach them.
    pub(crate) channel: Channel,
    /// Whether they may decide by mail.
    pub(crate) may_answer: bool,
}

/// Owners and moderators of a list. If there is none, the contact of the site, who cannot decide by mail.
pub(crate) async fn deciders(
    app: &App,
    list: &MailingList,
    now: Timestamp,
) -> Result<Vec<Decider>, AppError> {
    let mut deciders = Vec::new();
    for person in in_charge(app, list).await? {
        deciders.push(decider(app, list, person, now).await?);
    }
    Ok(deciders)
}

/// On an encrypting list a decider needs a usable key, so that nobody else reads the token. Nobody decides
/// about their own key.
async fn decider(
    app: &App,
    list: &MailingList,
    person: Address,
    now: Timestamp,
) -> Result<Decider, AppError> {
    let mut db = app.store.reader().await?;
    let roles = people::roles_of(&mut db, list.no, &person).await?;
    let decides = roles.iter().any(|member| matches!(member.role, Role::Owner | Role::Moderator));
    let channel = channel_to(app, &mut db, list, &person, now).await?;
    let waits = roles.iter().any(|member| member.key_pending_approval);
    let unread = !list.settings.encrypting() || channel == Channel::Sealed;
    Ok(Decider { address: person, channel, may_answer: decides && unread && !waits })
}
