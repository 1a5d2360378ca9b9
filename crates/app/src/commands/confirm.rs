//! `confirm`, `approve` and `reject`: answers to questions, with their tokens.

use sealist_lists::commands::{Decision, Problem};
use sealist_lists::model::Role;
use sealist_lists::workflows::{Answer, Question};
use sealist_store::requests::{self, Request};
use sealist_store::tokens;

use super::{Said, Session, Speaker};
use crate::AppError;
use crate::requests::{Asker, Proven, Taken, Told, go_on, refuse};

impl Session<'_> {
    pub(super) async fn confirm(
        &mut self,
        speaker: &mut Speaker,
        token: &str,
    ) -> Result<Result<Said, Problem>, AppError> {
        let Some(request) = self.asked(speaker, token, &Question::Confirmation).await? else {
            return Ok(Err(Problem::WrongToken));
        };
        let answer = Answer::Confirmed;
        let taken = go_on(self.app, self.list, &speaker.asker, request, answer, None, self.now).await?;
        Ok(self.take(taken))
    }

    pub(super) async fn decide(
        &mut self,
        speaker: &mut Speaker,
        decision: Decision,
        token: &str,
    ) -> Result<Result<Said, Problem>, AppError> {
        if !speaker.is_one_of(&[Role::Owner, Role::Moderator])
            || self.list.settings.pgp.is_some() && !speaker.signed
        {
            return Ok(Err(Problem::NotModerator));
        }
        let Some(request) = self.asked(speaker, token, &Question::Approval).await? else {
            return Ok(Err(Problem::WrongToken));
        };
        if decision == Decision::Reject {
            let effects = refuse(self.app, self.list, request, "", self.now).await?;
            let taken = self.take(Ok(Taken { effects, told: Told::Nothing }));
            return Ok(taken.map(|_| Said::Sentence("rejected")));
        }
        // What follows goes to the person, not to the moderator.
        let asker = Asker { address: request.address.clone(), proven: Proven::Yes };
        let answer = Answer::Approved;
        let taken = go_on(self.app, self.list, &asker, request, answer, None, self.now).await?;
        Ok(self.take(taken).map(|_| Said::Sentence("approved")))
    }

    /// The request that this person may answer with that token now, if that is its question. The token speaks for them.
    pub(super) async fn asked(
        &self,
        speaker: &mut Speaker,
        token: &str,
        question: &Question,
    ) -> Result<Option<Request>, AppError> {
        let mark = self.app.vault.mac().token_mark(token);
        let mut db = self.app.store.reader().await?;
        let no = tokens::request_of(&mut db, &mark, &speaker.asker.address, self.now).await?;
        let request = match no {
            Some(no) => requests::by_no(&mut db, no).await?,
            None => None,
        };
        let request =
            request.filter(|request| request.list == self.list.no && request.question == question.name());
        if request.is_some() {
            speaker.asker.proven = Proven::Yes;
        }
        Ok(request)
    }
}
