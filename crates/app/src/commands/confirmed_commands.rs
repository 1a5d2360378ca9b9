//! `set`, and commands that need a confirmation by the list's `command_workflow`. Settings:
//! `command_workflow`, `confirmed_commands`.

use sealist_lists::commands::{self, MailCommand, Problem, Setting};
use sealist_lists::model::Role;
use sealist_lists::workflows::{Goal, WorkflowChange};

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::{StepOutcome, begin, is_chosen_here, is_free, new_run};

impl CommandSession<'_> {
    /// The canonical text of a command that needs confirmation. It is stored with the request until then, so
    /// it is written by us and never copied from the message.
    pub(super) fn asked_about(&self, command: &MailCommand) -> Option<String> {
        let chosen = |name: &str| {
            let mut chosen = self.list_context.list.settings.confirmed_commands.iter();
            chosen.any(|chosen| chosen.eq_ignore_ascii_case(name)).then(|| name.to_owned())
        };
        match command {
            MailCommand::Set(setting) => Some(setting.to_string()),
            // A question would send the words to the person named in From, and store them.
            MailCommand::Echo(_) => None,
            MailCommand::Who => chosen("who"),
            MailCommand::Help => chosen("help"),
            // These commands change nothing, answer a question, or have workflows of their own.
            _ => None,
        }
    }

    pub(super) async fn ask_about(
        &mut self,
        command_sender: &mut CommandSender,
        line: String,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let read = self.parse(&line);
        let choosers: &[Role] = match &read {
            // The language belongs to the address, and owners and moderators get notices, too.
            Ok(MailCommand::Set(Setting::Language(_))) => &[Role::Member, Role::Owner, Role::Moderator],
            Ok(MailCommand::Set(_)) => &[Role::Member],
            _ => &[],
        };
        if !choosers.is_empty() && !command_sender.is_one_of(choosers) {
            return Ok(Err(Problem::NotMember));
        }
        if let Ok(MailCommand::Set(Setting::Name(name))) = read {
            if !is_chosen_here(self.list_context, &command_sender.requester.address).await? {
                return Ok(Err(Problem::NameElsewhere));
            }
            if !is_free(self.list_context, &command_sender.requester.address, &name).await? {
                return Ok(Err(Problem::NameRefused));
            }
        }
        let run = match new_run(self.list_context, Goal::Command(line)) {
            Ok(run) => run,
            Err(problem) => return Ok(Err(problem)),
        };
        let taken = begin(self.list_context, &command_sender.requester, run, None).await?;
        self.finish(command_sender, taken).await
    }

    fn parse(&self, line: &str) -> Result<MailCommand, Problem> {
        commands::parse(&self.list_context.app.registry.commands, line)
    }

    /// Applies the outcome of a workflow. If it ends the workflow of a command, carries the command out.
    pub(super) async fn finish(
        &mut self,
        command_sender: &mut CommandSender,
        taken: Result<crate::requests::Transition, Problem>,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let line = match &taken {
            Ok(taken) => match &taken.told {
                StepOutcome::Done(WorkflowChange::Command(line)) => Some(line.clone()),
                _ => None,
            },
            Err(_) => None,
        };
        let said = self.take(taken);
        let (Some(line), Ok(_)) = (line, &said) else { return Ok(said) };
        match self.parse(&line) {
            Ok(MailCommand::Set(Setting::Language(language))) => {
                // The answer is already in the new language.
                self.place.language = language;
                Ok(said)
            }
            Ok(MailCommand::Set(_)) => Ok(said),
            Ok(command) => Box::pin(self.command(command_sender, command)).await,
            Err(problem) => Ok(Err(problem)),
        }
    }
}
