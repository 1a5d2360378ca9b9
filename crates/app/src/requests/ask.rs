//! Asks questions: the recipients, the texts, and the tokens.

use std::borrow::Cow;

use sealist_lists::budgets::{NoticeBudget, NoticePurpose, RequesterTrust};
use sealist_lists::commands::{self, MailCommand, Usage, mailto};
use sealist_lists::events::EventKind;
use sealist_lists::model::{Channel, MailingList, SubAddress};
use sealist_lists::rows::NamedRows;
use sealist_lists::texts::{Text, TextPlace, Value, context};
use sealist_lists::workflows::{Goal, Question, WorkflowRun};
use sealist_mail::{Address, HOUR_MS, Timestamp, mixes_scripts};
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::requests::Request;

use super::{ListContext, PersonFacts, Proven, Requester, StepOutcome, Transition, WorkflowState};
use crate::effects::{Asked, EarlierTokens, Effect};
use crate::error::AppError;
use crate::moderators::{Ask, to_deciders};
use crate::notice_kinds::{reason_lines, somebody};
use crate::notices::{Attachment, Message, PreparedNotice, Tokens, answer, answer_by, place_of, to_key};
use crate::site::App;
use crate::summaries::gather;
use crate::summary_facts::SummaryFact;

/// A statement contains a nonce, which must be short-lived.
const LONGEST_STATEMENT_H: u32 = 24;
/// Ten years.
const KEY_APPROVAL_H: u32 = 10 * 365 * 24;
/// How many questions a moderator gets per day.
const TO_MODERATOR: NoticeBudget = NoticeBudget::a_day(50);

pub(super) async fn ask_question(
    list_context: ListContext<'_>,
    standing: WorkflowState<'_>,
    facts: &PersonFacts,
    run: WorkflowRun,
    certificate: Option<Certificate>,
    question: Question,
) -> Result<Transition, AppError> {
    let ListContext { app, list, now } = list_context;
    let hours = life_h(list, &run.goal, &question);
    let draft = QuestionDraft { app, list, requester: standing.requester, run: &run, facts, hours, now };
    let same = standing.before.as_ref().is_some_and(|before| before.question == question.name());
    let (notices, told) = match &question {
        // The token that was used for one signature stays valid for the other.
        Question::Signatures(missing) if same && has_signed(&standing, &run) => {
            (Vec::new(), StepOutcome::OneMore(missing[0].clone()))
        }
        Question::Signatures(missing) => {
            (draft.signatures(missing, certificate.as_ref()).await?, StepOutcome::Asked)
        }
        Question::Confirmation => (draft.to_person(Text::Confirm).await?, StepOutcome::Asked),
        Question::Key => (draft.to_person(Text::KeyRequest).await?, StepOutcome::Asked),
        Question::Approval => (draft.to_moderators(certificate.as_ref()).await?, StepOutcome::Waits),
    };
    if told == StepOutcome::Asked && notices.iter().all(|notice| !notice.is_made()) {
        let mut taken = unasked(standing.requester, &run.goal);
        taken.effects.extend(notices.into_iter().map(Effect::Notice));
        return Ok(taken);
    }
    let is_decided = question == Question::Approval && list.settings.admin_immed_notify;
    let (action, asks) = (run.goal.action().to_owned(), question.name().to_owned());
    let event = match question {
        Question::Approval => EventKind::RequestWaits { action, question: asks },
        _ => EventKind::RequestAsked { action, question: asks },
    };
    let by = standing.requester.proven.into();
    let asked = SummaryFact::Asked { email: standing.requester.address.to_string() };
    let instead = is_decided.then(|| gather(list, Text::Requests, &[asked]));
    let asked = Asked {
        address: standing.requester.address.clone(),
        earlier: if same { standing.earlier } else { EarlierTokens::Void },
        before: standing.before,
        certificate: certificate.map(|certificate| certificate.to_bytes()),
        question: question.name(),
        expires_at: now.plus_ms(i64::from(hours) * HOUR_MS),
        ended: standing.ended,
        instead,
        trier: standing.requester.proven.into(),
        event,
        by,
        notices,
        run,
    };
    Ok(Transition { effects: vec![Effect::Ask(Box::new(asked))], told })
}

/// Nobody is asked, because the person got enough notices or has enough waiting requests. An event tells the
/// owners.
pub(super) fn unasked(requester: &Requester, goal: &Goal) -> Transition {
    let kind = EventKind::RequestUnasked { action: goal.action().to_owned() };
    let tried = Effect::Tried { address: requester.address.clone(), trier: requester.proven.into(), kind };
    Transition { effects: vec![tried], told: StepOutcome::Nothing }
}

/// A kind per goal, of which a person who proved nothing gets one a day. The real owner can always answer the
/// question for a key. A statement about a key that somebody else offered is useless to them.
fn kind(commands: &NamedRows<Usage>, goal: &Goal, text: Text) -> Cow<'static, str> {
    let kind = match goal {
        Goal::ResetKey if text == Text::KeyRequest => "question-key",
        Goal::Subscribe => "question-subscribe",
        Goal::Unsubscribe => "question-unsubscribe",
        Goal::ChangeKey => "question-key-change",
        Goal::ResetKey => "question-key-reset",
        Goal::ApproveKey => "question-key-approval",
        Goal::Command(line) => return format!("question-command {}", choice(commands, line)).into(),
    };
    kind.into()
}

/// The preference that a command changes, without its value, so that a question about one preference does not
/// prevent a question about another.
fn choice(commands: &NamedRows<Usage>, line: &str) -> String {
    match commands::parse(commands, line) {
        Ok(MailCommand::Set(_)) => line.split_whitespace().take(2).collect::<Vec<_>>().join(" "),
        _ => commands::name(commands, line),
    }
}

/// Whether this answer brought a signature.
fn has_signed(standing: &WorkflowState<'_>, run: &WorkflowRun) -> bool {
    standing.before.as_ref().is_some_and(|before| before.run.signed_by.len() < run.signed_by.len())
}

fn life_h(list: &MailingList, goal: &Goal, question: &Question) -> u32 {
    let settings = &list.settings;
    match question {
        Question::Confirmation | Question::Key => settings.request_life_h,
        Question::Signatures(_) => settings
            .pgp
            .as_ref()
            .map_or(LONGEST_STATEMENT_H, |pgp| pgp.change_request_life_h)
            .min(LONGEST_STATEMENT_H),
        // The key waits until somebody decides, and copies wait for it.
        Question::Approval if *goal == Goal::ApproveKey => KEY_APPROVAL_H,
        Question::Approval => settings.moderation_life_d.saturating_mul(24),
    }
}

struct QuestionDraft<'a> {
    app: &'a App,
    list: &'a MailingList,
    requester: &'a Requester,
    run: &'a WorkflowRun,
    facts: &'a PersonFacts,
    hours: u32,
    now: Timestamp,
}

impl QuestionDraft<'_> {
    /// A question to whoever reads the mail of the address. A person who is asked for a key has no key to
    /// read with, or is about to lose it.
    async fn to_person(&self, text: Text) -> Result<Vec<PreparedNotice>, AppError> {
        let tokens = Tokens::fresh(self.list);
        let reply_to = tokens.reply_to(self.list);
        let attachment = match text {
            Text::KeyRequest => self.list_key().await?,
            _ => None,
        };
        let message =
            self.message(text, self.values(&tokens.in_words, &[], ""), attachment, reply_to).await?;
        let notice = match text {
            Text::KeyRequest => answer_by(self.app, self.list, message, Channel::Open, self.now).await?,
            _ => answer(self.app, self.list, message, self.now).await?,
        };
        Ok(vec![notice.with(&tokens, self.app)])
    }

    /// A statement to be signed, readable only by the holder of the newest of the keys.
    async fn signatures(
        &self,
        missing: &[Fingerprint],
        certificate: Option<&Certificate>,
    ) -> Result<Vec<PreparedNotice>, AppError> {
        let Some(reader) = certificate.or(self.facts.known.as_ref()) else { return Ok(Vec::new()) };
        let tokens = Tokens::fresh(self.list);
        let list = self.list.name.to_string();
        let statement = self.run.statement(&list, &self.requester.address.to_string(), &tokens.in_words);
        let statement = statement.to_string();
        let keys: Vec<String> = missing.iter().map(Fingerprint::spaced).collect();
        let values = self.values(&tokens.in_words, &keys, statement.trim_end());
        let message = self.message(Text::KeyConfirm, values, None, tokens.reply_to(self.list)).await?;
        let notice = to_key(self.app, self.list, message, &reader.usable(self.now)?, self.now).await?;
        Ok(vec![notice.with(&tokens, self.app)])
    }

    /// To each of those in charge.
    async fn to_moderators(
        &self,
        certificate: Option<&Certificate>,
    ) -> Result<Vec<PreparedNotice>, AppError> {
        if !self.list.settings.admin_immed_notify {
            return Ok(Vec::new());
        }
        let attachment = certificate.map(|certificate| {
            let file = format!("{}.asc", certificate.fingerprint());
            (file, "application/pgp-keys", certificate.armored())
        });
        // The notice would be sealed to the waiting key, so its holder is left out.
        let about_key_of = (self.run.goal == Goal::ApproveKey).then(|| self.requester.address.clone());
        let ask = Ask { text: Text::Request, budget: TO_MODERATOR, attachment, about_key_of };
        let values = |_: &TextPlace<'_>, _, token: Option<&str>| self.request_values(certificate, token);
        to_deciders(self.app, self.list, ask, values, self.now).await
    }

    fn request_values(&self, certificate: Option<&Certificate>, token: Option<&str>) -> Value {
        let known = self.facts.known.as_ref().filter(|_| self.run.goal != Goal::Unsubscribe);
        let names =
            |certificate: &Certificate| certificate.addresses(self.now).contains(&self.requester.address);
        context! {
            list => self.list.display_name(),
            address => self.list.name.to_string(),
            email => self.requester.address.to_string(),
            goal => self.run.goal.action(),
            pgp => self.list.settings.has_openpgp(),
            token,
            approve_link => token.map(|token| mailto(&self.list.name.address(SubAddress::Request), &format!("approve {token}"))),
            reject_link => token.map(|token| mailto(&self.list.name.address(SubAddress::Request), &format!("reject {token}"))),
            fingerprint => certificate.map(|certificate| certificate.fingerprint().spaced()),
            old_fingerprint => known.map(|certificate| certificate.fingerprint().spaced()),
            mixed_scripts => mixes_scripts(&self.requester.address),
            names_address => certificate.is_none_or(names),
        }
    }

    fn values(&self, token: &str, keys: &[String], statement: &str) -> Value {
        let name = &self.list.name;
        context! {
            list => self.list.display_name(),
            address => name.to_string(),
            owner => name.address(SubAddress::Owner).to_string(),
            request => name.address(SubAddress::Request).to_string(),
            email => self.requester.address.to_string(),
            goal => self.run.goal.action(),
            old_fingerprint => self.facts.known.as_ref().map(|certificate| certificate.fingerprint().spaced()),
            hours => self.hours,
            last => self.requester.proven == Proven::No,
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
        let place = place_of(self.app, self.list, &self.requester.address).await?;
        Ok(Message {
            to: somebody(&self.requester.address),
            kind: kind(&self.app.registry.commands, &self.run.goal, text),
            budget: self.requester.budget(self.app, self.facts, NoticePurpose::Question),
            notice: self.app.texts.notice(text, &place, values),
            attachment,
            reply_to: Some(reply_to),
        })
    }

    async fn list_key(&self) -> Result<Option<Attachment>, AppError> {
        let key = crate::key_rollover::list_certificate(self.app, self.list.no).await?;
        Ok(key.map(|key| (format!("{}.asc", self.list.name), "application/pgp-keys", key.armored())))
    }
}

/// To a person: a moderator rejected the request.
pub(super) async fn refused(
    list_context: ListContext<'_>,
    request: &Request,
    reason: &str,
) -> Result<PreparedNotice, AppError> {
    let ListContext { app, list, now } = list_context;
    let place = place_of(app, list, &request.address).await?;
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        owner => list.name.address(SubAddress::Owner).to_string(),
        goal => request.run.goal.action(),
        problem => reason_lines(reason),
    };
    let message = Message {
        to: somebody(&request.address),
        kind: Text::Refused.name().into(),
        budget: app.budgets.of(RequesterTrust::Proven, NoticePurpose::Question),
        notice: app.texts.notice(Text::Refused, &place, values),
        attachment: None,
        reply_to: None,
    };
    answer(app, list, message, now).await
}
