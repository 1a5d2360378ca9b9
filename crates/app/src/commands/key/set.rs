//! `key set TOKEN`: the requested key is attached.

use sealist_lists::commands::{Problem, Success};
use sealist_lists::workflows::{Question, StepAnswer};

use super::super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::resume_request;

impl CommandSession<'_> {
    pub(super) async fn key_set(
        &mut self,
        command_sender: &mut CommandSender,
        token: &str,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        // A sender without a valid token learns nothing about a key and causes no work.
        let Some(request) = self.answered_request(command_sender, token, &Question::Key).await? else {
            return Ok(Err(Problem::WrongToken));
        };
        let brought = self.offered(command_sender).await?;
        let offer = match self.offer(command_sender, brought).await? {
            Ok(offer) => offer,
            Err(problem) => return Ok(Err(problem)),
        };
        if !offer.names(&command_sender.requester.address, self.list_context.now)
            && !self.list_context.app.registry.steps.will_be_moderated(&request.run)
        {
            return Ok(Err(Problem::NamesOther));
        }
        let fingerprint = offer.certificate.fingerprint();
        let answer = StepAnswer::Key(fingerprint.clone());
        let requester = &command_sender.requester;
        let taken = resume_request(self.list_context, requester, request, answer, Some(&offer)).await?;
        let success = Success::KeyTaken(fingerprint.to_string());
        Ok(self.take(Ok(taken)).map(|_| CommandReply::Done(success)))
    }
}
