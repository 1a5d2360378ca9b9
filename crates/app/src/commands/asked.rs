//! `set`, and commands that the list asks about first: through the list's `command_workflow`. Settings:
//! `command_workflow`, `confirmed_commands`.

use sealist_lists::commands::{self, MailCommand, Problem, Setting};
use sealist_lists::model::Role;
use sealist_lists::workflows::{Goal, WorkflowChange, WorkflowRun};

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;
use crate::requests::{StepOutcome, begin, is_chosen_here, is_free, workflow};

impl CommandSession<'_> {
    /// As what a command is kept that is carried out only at the end of a workflow: in our own words, because they are
    /// stored as they are.
    pub(super) fn asked_about(&self, command: &MailCommand) -> Option<String> {
        let chosen = |name: &str| {
            let mut chosen = self.list_context.list.settings.confirmed_commands.iter();
            chosen.any(|chosen| chosen.eq_ignore_ascii_case(name)).then(|| name.to_owned())
        };
        match command {
            MailCommand::Set(setting) => Some(setting.to_string()),
            // A question would send the words to whoever is named in From, and they would be stored.
            MailCommand::Echo(_) => None,
            MailCommand::Who => chosen("who"),
            MailCommand::Help => chosen("help"),
            // These change nothing, are answers, or have workflows of their own.
            _ => None,
        }
    }

    pub(super) async fn ask_about(
        &mut self,
        command_sender: &mut CommandSender,
        line: String,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let choosers: &[Role] = match commands::parse(&line) {
            // It belongs to the address, and those in charge get notices, too.
            Ok(MailCommand::Set(Setting::Language(_))) => &[Role::Member, Role::Owner, Role::Moderator],
            Ok(MailCommand::Set(_)) => &[Role::Member],
            _ => &[],
        };
        if !choosers.is_empty() && !command_sender.is_one_of(choosers) {
            return Ok(Err(Problem::NotMember));
        }
        if let Ok(MailCommand::Set(Setting::Name(name))) = commands::parse(&line) {
            if !is_chosen_here(self.list_context, &command_sender.asker.address).await? {
                return Ok(Err(Problem::NameElsewhere));
            }
            if !is_free(self.list_context, &command_sender.asker.address, &name).await? {
                return Ok(Err(Problem::NameRefused));
            }
        }
        let goal = Goal::Command(line);
        let steps = workflow(
            self.list_context.app,
            self.list_context.list,
            goal.workflow(&self.list_context.list.settings),
        )?;
        let taken =
            begin(self.list_context, &command_sender.asker, WorkflowRun::new(&steps, goal), None).await?;
        self.finish(command_sender, taken).await
    }

    /// Takes in what a workflow decided; if that was the end of a command's, carries the command out.
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
        match commands::parse(&line) {
            Ok(MailCommand::Set(Setting::Language(language))) => {
                // What is said of it is said in the new language.
                self.place.language = language;
                Ok(said)
            }
            Ok(MailCommand::Set(_)) => Ok(said),
            Ok(command) => Box::pin(self.command(command_sender, command)).await,
            Err(problem) => Ok(Err(problem)),
        }
    }
}
