//! Letters to those who decide: each with a token of their own, where nobody else reads it.

use sealist_lists::model::{Channel, Door, MailingList, Role};
use sealist_lists::texts::{Place, Text, Value};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::Token;
use sealist_store::notices::Often;
use sealist_store::people;

use crate::notices::{Attachment, Message, Prepared, answer, channel_to, in_charge, place_of};
use crate::{App, AppError};

/// What is asked.
pub(crate) struct Ask {
    pub(crate) text: Text,
    pub(crate) often: Often,
    pub(crate) attachment: Option<Attachment>,
    /// Whose new key is in question: it does not answer for itself.
    pub(crate) about_key_of: Option<Address>,
}

/// Asks each owner and moderator; where there is none, the contact of the site hears of it. `values` gets the token, if
/// that person may answer by mail.
pub(crate) async fn to_deciders(
    app: &App,
    list: &MailingList,
    ask: Ask,
    values: impl Fn(&Place<'_>, Channel, Option<&str>) -> Value,
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let mut letters = Vec::new();
    for person in in_charge(app, list).await? {
        let reader = reader(app, list, &person, now).await?;
        let may_answer = reader.may_answer && ask.about_key_of.as_ref() != Some(&person);
        let token = may_answer.then(Token::fresh);
        let place = place_of(app, list, &person).await?;
        let shown = token.as_ref().map(Token::to_string);
        let letter = app.texts.letter(ask.text, &place, values(&place, reader.channel, shown.as_deref()));
        let message = Message {
            to: Mailbox { name: None, address: person },
            kind: ask.text.name().into(),
            often: ask.often,
            letter,
            attachment: ask.attachment.clone(),
            reply_to: Some(list.name.address(Door::Request)),
        };
        let letter = answer(app, list, message, now).await?;
        letters.extend(letter.map(|letter| match &token {
            Some(token) => letter.with(token, app),
            None => letter,
        }));
    }
    Ok(letters)
}

struct Reader {
    channel: Channel,
    may_answer: bool,
}

/// Who is asked by an encrypting list has to have a key by which nobody else reads the token, and nobody answers for a
/// key that waits for an answer itself.
async fn reader(app: &App, list: &MailingList, person: &Address, now: Timestamp) -> Result<Reader, AppError> {
    let mut db = app.store.reader().await?;
    let roles = people::roles_of(&mut db, list.no, person).await?;
    let decides = roles.iter().any(|member| matches!(member.role, Role::Owner | Role::Moderator));
    let channel = channel_to(app, &mut db, list, person, now).await?;
    let waits = roles.iter().any(|member| member.key_waits);
    let unread = !list.settings.encrypting() || channel == Channel::Sealed;
    Ok(Reader { channel, may_answer: decides && unread && !waits })
}
