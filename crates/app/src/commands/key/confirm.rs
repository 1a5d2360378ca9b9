//! `key confirm TOKEN`: the statement, signed by the keys that it names.

use sealist_lists::commands::Problem;
use sealist_lists::workflows::{Question, StepAnswer};
use sealist_openpgp::{Certificate, Possession, Unproven};
use sealist_store::requests::Request;

use super::super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::resume_request;

impl CommandSession<'_> {
    pub(super) async fn key_confirm(
        &mut self,
        command_sender: &mut CommandSender,
        token: &str,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let question = Question::Signatures(Vec::new());
        let Some(request) = self.answered_request(command_sender, token, &question).await? else {
            return Ok(Err(Problem::WrongToken));
        };
        let proofs = match self.proofs(command_sender, &request, token)? {
            Ok(proofs) => proofs,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut request = request;
        self.name_joiner(command_sender, &mut request).await?;
        let answer = StepAnswer::Signed(proofs);
        let taken =
            resume_request(self.list_context, &command_sender.requester, request, answer, None).await?;
        self.finish(command_sender, Ok(taken)).await
    }

    /// The proofs by those of the required keys that signed it: at least one.
    fn proofs(
        &self,
        command_sender: &CommandSender,
        request: &Request,
        token: &str,
    ) -> Result<Result<Vec<Possession>, Problem>, AppError> {
        let Some(opened) = &command_sender.opened else { return Ok(Err(Problem::NotSigned)) };
        let (list, address) = (self.list_context.list.name.to_string(), request.address.to_string());
        let statement = request.run.statement(&list, &address, token);
        let offered = request.certificate.as_deref().map(Certificate::from_stored).transpose()?;
        let mut proofs = Vec::new();
        let mut worst = Problem::NotVerified;
        for certificate in command_sender.facts.known.iter().chain(&offered) {
            match Possession::of(opened, certificate, &statement) {
                Ok(proof) => proofs.push(proof),
                Err(Unproven::NotSigned) => worst = Problem::NotSigned,
                Err(Unproven::OtherKey) => {}
                Err(Unproven::OtherWords) => worst = Problem::NoStatement,
            }
        }
        Ok(if proofs.is_empty() { Err(worst) } else { Ok(proofs) })
    }
}
