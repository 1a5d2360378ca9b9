//! `confirm`, `approve`, `reject` and `discard`: answers to questions, with their tokens.

use sealist_lists::commands::{Problem, RequestDecision, Success};
use sealist_lists::model::{EntryNo, RequestNo, Role};
use sealist_lists::workflows::{Goal, Question, StepAnswer};
use sealist_openpgp::Certificate;
use sealist_store::people::Person;
use sealist_store::queue;
use sealist_store::requests::{self, Request};
use sealist_store::tokens::{self, TokenSubject};

use super::{CommandReply, CommandSender, CommandSession};
use crate::decisions::MessageDecision;
use crate::effects::Effect;
use crate::error::AppError;
use crate::moderation;
use crate::requests::{
    ListContext, Proven, StepOutcome, Transition, decide, first_free, in_key, resume_request,
};
use crate::summaries::minute;

impl CommandSession<'_> {
    pub(super) async fn confirm(
        &mut self,
        command_sender: &mut CommandSender,
        token: &str,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let Some(mut request) = self.answered_request(command_sender, token, &Question::Confirmation).await?
        else {
            return Ok(Err(Problem::WrongToken));
        };
        self.name_joiner(command_sender, &mut request).await?;
        let answer = StepAnswer::Confirmed;
        let taken =
            resume_request(self.list_context, &command_sender.requester, request, answer, None).await?;
        self.finish(command_sender, Ok(taken)).await
    }

    /// A new member without a name gets the name from the answer or from the key, because the first message
    /// may have been forged.
    pub(super) async fn name_joiner(
        &self,
        command_sender: &CommandSender,
        request: &mut Request,
    ) -> Result<(), AppError> {
        let has_name = |person: &Person| !person.display_name.is_empty();
        let is_named = command_sender.facts.person.as_ref().is_some_and(has_name);
        if request.run.goal == Goal::Subscribe && request.run.display_name.is_empty() && !is_named {
            let address = &command_sender.requester.address;
            let offered = request.certificate.as_deref().map(Certificate::from_stored).transpose()?;
            let key = offered.as_ref().or(command_sender.facts.known.as_ref());
            let names =
                command_sender.name.clone().into_iter().chain(in_key(self.list_context, address, key));
            request.run.display_name = first_free(self.list_context, address, names).await?;
        }
        Ok(())
    }

    pub(super) async fn decide(
        &mut self,
        command_sender: &mut CommandSender,
        decision: RequestDecision,
        token: &str,
        reason: &str,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if !command_sender.is_one_of(&[Role::Owner, Role::Moderator])
            || self.list_context.list.settings.has_openpgp() && !command_sender.signed
        {
            return Ok(Err(Problem::NotModerator));
        }
        let decision = match decision {
            RequestDecision::Approve => MessageDecision::Accept,
            RequestDecision::Reject => MessageDecision::Reject(reason.to_owned()),
            RequestDecision::Discard => MessageDecision::Discard,
        };
        match self.subject(command_sender, token).await? {
            Some(TokenSubject::Request(no)) => self.decide_request(command_sender, decision, no).await,
            Some(TokenSubject::Entry(no)) => self.decide_entry(command_sender, decision, no).await,
            Some(TokenSubject::Decided(decided)) => Ok(Err(Problem::Decided(describe_decision(&decided)))),
            Some(TokenSubject::GaveWay) => Ok(Err(Problem::GaveWay)),
            None => Ok(Err(Problem::WrongToken)),
        }
    }

    async fn decide_request(
        &mut self,
        command_sender: &CommandSender,
        decision: MessageDecision,
        no: RequestNo,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let request = requests::by_no(&mut *self.list_context.app.store.reader().await?, no).await?;
        let Some(request) = request.filter(|request| self.is_asked(request, &Question::Approval)) else {
            return Ok(Err(Problem::WrongToken));
        };
        let by = command_sender.actor();
        let taken = decide(self.list_context, request, decision.clone(), by).await?;
        let success = success(&decision, &taken.effects);
        Ok(self.take(Ok(taken)).map(|_| CommandReply::Done(success)))
    }

    async fn decide_entry(
        &mut self,
        command_sender: &CommandSender,
        decision: MessageDecision,
        no: EntryNo,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let entry = queue::find(&mut *self.list_context.app.store.reader().await?, no).await?;
        let Some(entry) = entry.filter(|entry| entry.list == self.list_context.list.no) else {
            return Ok(Err(Problem::WrongToken));
        };
        let ListContext { app, list, now } = self.list_context;
        let by = command_sender.actor();
        let effects = match moderation::decision(app, list, entry, decision.clone(), &by, now).await {
            Err(AppError::Unseen(_)) => return Ok(Err(Problem::Unseen)),
            Err(AppError::NoAuthor(_)) => return Ok(Err(Problem::NoAuthor)),
            Err(AppError::NotHeld { .. }) => return Ok(Err(Problem::WrongToken)),
            effects => effects?,
        };
        let success = success(&decision, &effects);
        let taken = self.take(Ok(Transition { effects, told: StepOutcome::Nothing }));
        Ok(taken.map(|_| CommandReply::Done(success)))
    }

    /// Sends the content of a held message to the owner or moderator who asks for it.
    pub(super) async fn show_held(
        &mut self,
        command_sender: &mut CommandSender,
        token: &str,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        if !command_sender.is_one_of(&[Role::Owner, Role::Moderator])
            || self.list_context.list.settings.has_openpgp() && !command_sender.signed
        {
            return Ok(Err(Problem::NotModerator));
        }
        let no = match self.subject(command_sender, token).await? {
            Some(TokenSubject::Entry(no)) => no,
            Some(TokenSubject::Decided(decided)) => {
                return Ok(Err(Problem::Decided(describe_decision(&decided))));
            }
            _ => return Ok(Err(Problem::WrongToken)),
        };
        let entry = queue::find(&mut *self.list_context.app.store.reader().await?, no).await?;
        let Some(entry) = entry.filter(|entry| entry.list == self.list_context.list.no) else {
            return Ok(Err(Problem::WrongToken));
        };
        let ListContext { app, list, now } = self.list_context;
        match moderation::show(app, list, &entry, &command_sender.requester.address, Some(token), now).await {
            Err(AppError::MayNotSee(_) | AppError::NothingToSealTo(_)) => Ok(Err(Problem::MayNotSee)),
            effects => {
                let taken = self.take(Ok(Transition { effects: effects?, told: StepOutcome::Nothing }));
                Ok(taken.map(|_| CommandReply::Nothing))
            }
        }
    }

    /// The request that this person may answer with that token, if it waits for that question. The token
    /// counts as proof.
    pub(super) async fn answered_request(
        &self,
        command_sender: &mut CommandSender,
        token: &str,
        question: &Question,
    ) -> Result<Option<Request>, AppError> {
        // A key is only an offer, and on plain lists everybody who reads the mailbox may answer. So a token
        // in the address suffices.
        let may = *question == Question::Key || !self.list_context.list.settings.has_openpgp();
        let in_address =
            command_sender.in_address(token).filter(|_| may).map(|brought| brought.about.clone());
        let subject = match in_address {
            Some(about) => Some(about),
            None => self.subject(command_sender, token).await?,
        };
        let Some(TokenSubject::Request(no)) = subject else { return Ok(None) };
        let request = requests::by_no(&mut *self.list_context.app.store.reader().await?, no).await?;
        Ok(request.filter(|request| self.is_asked(request, question)))
    }

    fn is_asked(&self, request: &Request, question: &Question) -> bool {
        request.list == self.list_context.list.no && request.question == question.name()
    }

    /// What a token answers, if this person may use it. The token counts as proof.
    async fn subject(
        &self,
        command_sender: &mut CommandSender,
        token: &str,
    ) -> Result<Option<TokenSubject>, AppError> {
        let mark = self.list_context.app.vault.mac().token_mark(token);
        let mut db = self.list_context.app.store.reader().await?;
        let subject =
            tokens::subject_of(&mut db, &mark, &command_sender.requester.address, self.list_context.now)
                .await?;
        if subject.is_some() {
            command_sender.requester.proven = Proven::Yes;
        }
        Ok(subject)
    }
}

/// The answer to a moderator after a decision with these effects.
fn success(decision: &MessageDecision, effects: &[Effect]) -> Success {
    match decision {
        MessageDecision::Accept => Success::Approved,
        MessageDecision::Reject(_) => match moderation::rejected(effects) {
            moderation::Rejected::Told => Success::Rejected,
            moderation::Rejected::Untold => Success::RejectedUntold,
        },
        MessageDecision::Discard => Success::Discarded,
    }
}

/// A past decision in words: `accepted, mona@example.org, 2026-11-28 02:31`.
fn describe_decision(decided: &tokens::PastDecision) -> String {
    let parts = [decided.decision.clone(), decided.by.clone(), minute(decided.at)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
