//! Questions: to whom, in which words, with which token.

use sealist_lists::model::{Channel, Door, MailingList, Role};
use sealist_lists::texts::{Text, Value, context};
use sealist_lists::workflows::{Goal, Question, Run};
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::{Certificate, Fingerprint, Token};
use sealist_store::notices::Often;
use sealist_store::people;
use sealist_store::requests::Request;

use super::{Asker, Facts, Proven, Standing, Taken, Told};
use crate::effects::{Asked, EarlierTokens, Effect};
use crate::notices::{Attachment, Message, Prepared, answer, answer_by, in_charge, to_key};
use crate::{App, AppError};

const HOUR_MS: i64 = 3_600_000;
/// A statement names a nonce, and nonces are short-lived.
const LONGEST_STATEMENT_H: u32 = 24;
/// Letters a day to somebody who showed a token or signed, and to one moderator.
const TO_PROVEN: Often = Often::UpTo(20);
const TO_MODERATOR: Often = Often::UpTo(50);

#[expect(clippy::too_many_arguments, reason = "what a question is made of")]
pub(super) async fn ask(
    app: &App,
    list: &MailingList,
    standing: Standing<'_>,
    facts: &Facts,
    run: Run,
    certificate: Option<Certificate>,
    question: Question,
    now: Timestamp,
) -> Result<Taken, AppError> {
    let hours = life_h(list, &question);
    let draft = Draft { app, list, asker: standing.asker, run: &run, facts, hours, now };
    let same = standing.before.as_ref().is_some_and(|before| before.question == question.name());
    let mut tokens = Vec::new();
    let (letters, told) = match &question {
        Question::Signatures(missing) if same && standing.earlier == EarlierTokens::Count => {
            match standing
                .before
                .as_ref()
                .is_some_and(|before| before.run.signed_by.len() < run.signed_by.len())
            {
                // The token is the same for the other signature: no second letter.
                true => (Vec::new(), Told::OneMore(missing[0].clone())),
                false => (draft.signatures(missing, certificate.as_ref(), &mut tokens).await?, Told::Asked),
            }
        }
        Question::Signatures(missing) => {
            (draft.signatures(missing, certificate.as_ref(), &mut tokens).await?, Told::Asked)
        }
        Question::Confirmation => (draft.to_person(Text::Confirm, &mut tokens).await?, Told::Asked),
        Question::Key => (draft.to_person(Text::KeyRequest, &mut tokens).await?, Told::Asked),
        Question::Approval => (draft.to_moderators(certificate.as_ref(), &mut tokens).await?, Told::Waits),
    };
    if told == Told::Asked && letters.is_empty() {
        return Ok(Taken { effects: Vec::new(), told: Told::Nothing });
    }
    let event = match question {
        Question::Approval => "request-waits",
        _ => "request-asked",
    };
    let note = Effect::Note {
        address: standing.asker.address.clone(),
        event,
        detail: format!("{}: {}", run.goal.action(), question.name()),
    };
    let asked = Asked {
        address: standing.asker.address.clone(),
        earlier: if same { standing.earlier } else { EarlierTokens::Void },
        before: standing.before,
        certificate: certificate.map(|certificate| certificate.to_bytes()),
        question: question.name(),
        expires_at: now.plus_ms(i64::from(hours) * HOUR_MS),
        tokens,
        letters,
        run,
    };
    Ok(Taken { effects: vec![Effect::Ask(Box::new(asked)), note], told })
}

fn life_h(list: &MailingList, question: &Question) -> u32 {
    let settings = &list.settings;
    match question {
        Question::Confirmation | Question::Key => settings.request_life_h,
        Question::Signatures(_) => settings
            .pgp
            .as_ref()
            .map_or(LONGEST_STATEMENT_H, |pgp| pgp.change_request_life_h)
            .min(LONGEST_STATEMENT_H),
        Question::Approval => settings.moderation_life_d.saturating_mul(24),
    }
}

struct Draft<'a> {
    app: &'a App,
    list: &'a MailingList,
    asker: &'a Asker,
    run: &'a Run,
    facts: &'a Facts,
    hours: u32,
    now: Timestamp,
}

impl Draft<'_> {
    /// A question to whoever reads the address. Who is asked for a key has none to read with, or is about to lose it.
    async fn to_person(
        &self,
        text: Text,
        tokens: &mut Vec<([u8; 32], Address)>,
    ) -> Result<Vec<Prepared>, AppError> {
        let token = Token::fresh();
        let door = if self.list.settings.pgp.is_none() { Some(token.to_string()) } else { None };
        let reply_to = match door {
            Some(token) => self.list.name.confirm(&token),
            None => self.list.name.address(Door::Request),
        };
        let attachment = match text {
            Text::KeyRequest => self.list_key().await?,
            _ => None,
        };
        let message =
            self.message(text, self.values(&token.to_string(), &[], ""), attachment, reply_to).await?;
        let letter = match text {
            Text::KeyRequest => answer_by(self.app, self.list, message, Channel::Open, self.now).await?,
            _ => answer(self.app, self.list, message, self.now).await?,
        };
        if letter.is_some() {
            tokens.push((self.app.vault.mac().token_mark(&token.to_string()), self.asker.address.clone()));
        }
        Ok(letter.into_iter().collect())
    }

    /// A statement to be signed, for the eyes of the holder of the newest of the keys alone.
    async fn signatures(
        &self,
        missing: &[Fingerprint],
        certificate: Option<&Certificate>,
        tokens: &mut Vec<([u8; 32], Address)>,
    ) -> Result<Vec<Prepared>, AppError> {
        let Some(reader) = certificate.or(self.facts.known.as_ref()) else { return Ok(Vec::new()) };
        let token = Token::fresh().to_string();
        let list = self.list.name.to_string();
        let statement = self.run.statement(&list, &self.asker.address.to_string(), &token).to_string();
        let keys: Vec<String> = missing.iter().map(Fingerprint::spaced).collect();
        let values = self.values(&token, &keys, statement.trim_end());
        let message =
            self.message(Text::KeyConfirm, values, None, self.list.name.address(Door::Request)).await?;
        let letter = to_key(self.app, self.list, message, &reader.usable(self.now)?, self.now).await?;
        if letter.is_some() {
            tokens.push((self.app.vault.mac().token_mark(&token), self.asker.address.clone()));
        }
        Ok(letter.into_iter().collect())
    }

    /// To each of those in charge, with a token of their own where nobody else reads the letter.
    async fn to_moderators(
        &self,
        certificate: Option<&Certificate>,
        tokens: &mut Vec<([u8; 32], Address)>,
    ) -> Result<Vec<Prepared>, AppError> {
        let mut letters = Vec::new();
        for person in in_charge(self.app, self.list).await? {
            let token = self.may_decide_by_mail(&person).await?.then(Token::fresh);
            let attachment: Option<Attachment> = certificate.map(|certificate| {
                let file = format!("{}.asc", certificate.fingerprint());
                (file, "application/pgp-keys", certificate.armored())
            });
            let place = self.app.texts.place(self.list, self.language_of(&person).await?);
            let values = self.request_values(certificate, token.as_ref());
            let message = Message {
                to: Mailbox { name: None, address: person.clone() },
                kind: Text::Request.name(),
                often: TO_MODERATOR,
                letter: self.app.texts.letter(Text::Request, &place, values),
                attachment,
                reply_to: Some(self.list.name.address(Door::Request)),
            };
            if let Some(letter) = answer(self.app, self.list, message, self.now).await? {
                letters.push(letter);
                if let Some(token) = token {
                    tokens.push((self.app.vault.mac().token_mark(&token.to_string()), person));
                }
            }
        }
        Ok(letters)
    }

    /// A moderator of an encrypting list has to have a key by which nobody else reads the token.
    async fn may_decide_by_mail(&self, person: &Address) -> Result<bool, AppError> {
        let mut db = self.app.store.reader().await?;
        let roles = people::roles_of(&mut db, self.list.no, person).await?;
        if !roles.iter().any(|member| matches!(member.role, Role::Owner | Role::Moderator)) {
            return Ok(false);
        }
        let channel = crate::notices::channel_to(self.app, &mut db, self.list, person, self.now).await?;
        Ok(!self.list.settings.encrypting() || channel == Channel::Sealed)
    }

    fn request_values(&self, certificate: Option<&Certificate>, token: Option<&Token>) -> Value {
        let known = self.facts.known.as_ref().filter(|_| self.run.goal != Goal::Unsubscribe);
        let names = |certificate: &Certificate| certificate.addresses(self.now).contains(&self.asker.address);
        context! {
            list => self.list.display_name(),
            address => self.list.name.to_string(),
            email => self.asker.address.to_string(),
            goal => self.run.goal.action(),
            pgp => self.list.settings.pgp.is_some(),
            token => token.map(Token::to_string),
            fingerprint => certificate.map(|certificate| certificate.fingerprint().spaced()),
            old_fingerprint => known.map(|certificate| certificate.fingerprint().spaced()),
            names_address => certificate.is_none_or(names),
        }
    }

    fn values(&self, token: &str, keys: &[String], statement: &str) -> Value {
        let name = &self.list.name;
        context! {
            list => self.list.display_name(),
            address => name.to_string(),
            owner => name.address(Door::Owner).to_string(),
            request => name.address(Door::Request).to_string(),
            email => self.asker.address.to_string(),
            goal => self.run.goal.action(),
            hours => self.hours,
            token,
            keys,
            statement => Value::from_safe_string(statement.to_owned()),
        }
    }

    async fn message(
        &self,
        text: Text,
        values: Value,
        attachment: Option<Attachment>,
        reply_to: Address,
    ) -> Result<Message, AppError> {
        let place = self.app.texts.place(self.list, self.language_of(&self.asker.address).await?);
        let (kind, often) = match self.asker.proven {
            Proven::Yes => ("answer", TO_PROVEN),
            Proven::No => ("question", Often::ToStranger),
        };
        Ok(Message {
            to: Mailbox { name: None, address: self.asker.address.clone() },
            kind,
            often,
            letter: self.app.texts.letter(text, &place, values),
            attachment,
            reply_to: Some(reply_to),
        })
    }

    async fn language_of(
        &self,
        address: &Address,
    ) -> Result<Option<sealist_lists::texts::Language>, AppError> {
        Ok(people::language_of(&mut *self.app.store.reader().await?, address).await?)
    }

    async fn list_key(&self) -> Result<Option<Attachment>, AppError> {
        let key = crate::setup::list_certificate(self.app, self.list.no).await?;
        Ok(key.map(|key| (format!("{}.asc", self.list.name), "application/pgp-keys", key.armored())))
    }
}

/// To a person: a moderator refused.
pub(super) async fn refused(
    app: &App,
    list: &MailingList,
    request: &Request,
    reason: &str,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let language = people::language_of(&mut *app.store.reader().await?, &request.address).await?;
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(Door::Owner).to_string(),
        goal => request.run.goal.action(),
        problem => (!reason.is_empty()).then_some(reason),
    };
    let message = Message {
        to: Mailbox { name: None, address: request.address.clone() },
        kind: "answer",
        often: TO_PROVEN,
        letter: app.texts.letter(Text::Refused, &app.texts.place(list, language), values),
        attachment: None,
        reply_to: None,
    };
    answer(app, list, message, now).await
}
