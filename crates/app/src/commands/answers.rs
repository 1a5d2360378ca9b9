//! The notice with the results of commands. None is sent if other notices say everything.

use sealist_lists::budgets::NoticePurpose;
use sealist_lists::commands::{Problem, Success, name, shown};
use sealist_lists::model::{Channel, SubAddress};
use sealist_lists::texts::{Text, Value, context};
use sealist_lists::workflows::WorkflowChange;
use sealist_mail::{Address, Mailbox};
use sealist_store::notices::left_today;

use super::{CommandReply, CommandSender, CommandSession};
use crate::effects::Effect;
use crate::error::AppError;
use crate::notices::{Message, answer_by, channel_to};
use crate::requests::Proven;

/// The results of the commands.
#[derive(Default)]
pub(super) struct Answers(Vec<CommandAnswer>);

struct CommandAnswer {
    command: String,
    outcome: Result<CommandReply, Problem>,
}

impl Answers {
    pub(super) fn add(&mut self, command: &str, outcome: Result<CommandReply, Problem>) {
        self.0.push(CommandAnswer { command: command.to_owned(), outcome });
    }
}

/// What a notice may contain, depending on how it travels.
struct May {
    /// Whether to quote the message that is answered: only to people who proved that they wrote it and, if it
    /// was encrypted, only under its own signature and sealed. From fields are forged, and other people would
    /// get words that they never wrote.
    quote: bool,
    /// Whether to name the members.
    name_members: bool,
}

/// The answer after a change.
pub(super) fn of_change(change: &WorkflowChange) -> CommandReply {
    match change {
        // A new member gets a welcome notice, and a former member a goodbye notice.
        WorkflowChange::Subscribe => CommandReply::Done(Success::Joined),
        WorkflowChange::Unsubscribe => CommandReply::Done(Success::Left),
        WorkflowChange::SetKey | WorkflowChange::ApproveKey => CommandReply::Done(Success::KeySet),
        WorkflowChange::Command(line) => CommandReply::Done(Success::PreferenceSet(line.clone())),
    }
}

impl CommandSession<'_> {
    /// Sends the answer, if there is anything to say and it may be said.
    pub(super) async fn answer(&mut self, command_sender: &CommandSender) -> Result<(), AppError> {
        let channel = self.channel_to(&command_sender.requester.address).await?;
        let may = May {
            quote: command_sender.requester.proven == Proven::Yes
                && (!command_sender.encrypted || command_sender.signed && channel == Channel::Sealed),
            name_members: channel == Channel::Sealed || !self.list_context.list.settings.encrypting(),
        };
        let results: Vec<Value> =
            self.answers.0.iter().filter_map(|answer| self.result(answer, &may)).collect();
        if results.is_empty() {
            return Ok(());
        }
        // Answers are counted per subject, so that mail about one thing in somebody's name does not prevent
        // the answer about another.
        let about = self
            .answers
            .0
            .first()
            .map(|answer| name(&self.list_context.app.registry.commands, &answer.command))
            .unwrap_or_default();
        let kind = format!("results {about}");
        let budget = command_sender.requester.budget(
            self.list_context.app,
            &command_sender.facts,
            NoticePurpose::Answer,
        );
        let address = &command_sender.requester.address;
        let left = {
            let mut db = self.list_context.app.store.reader().await?;
            left_today(&mut db, self.list_context.list.no, address, &kind, budget, self.list_context.now)
                .await?
        };
        let values = context! {
            last => left <= 1,
            proven => command_sender.requester.proven != Proven::No,
            list => self.list_context.list.display_name(),
            owner => self.list_context.list.name.address(SubAddress::Owner).to_string(),
            request => self.list_context.list.name.address(SubAddress::Request).to_string(),
            results,
        };
        let message = Message {
            to: Mailbox { name: None, address: command_sender.requester.address.clone() },
            kind: kind.into(),
            budget,
            notice: self.list_context.app.texts.notice(Text::Results, &self.place, values),
            attachment: None,
            reply_to: None,
        };
        let notice =
            answer_by(self.list_context.app, self.list_context.list, message, channel, self.list_context.now)
                .await?;
        self.effects.push(Effect::Notice(notice));
        Ok(())
    }

    /// How the notice travels after the changes, which may set or remove a key.
    async fn channel_to(&self, address: &Address) -> Result<Channel, AppError> {
        let usable = |effect: &Effect| match effect {
            Effect::SetKey { address: of, row, .. } if of == address => Some(row.card.is_some()),
            _ => None,
        };
        match self.effects.iter().rev().find_map(usable) {
            Some(true) if self.list_context.list.settings.encrypting() => Ok(Channel::Sealed),
            Some(_) => Ok(Channel::Open),
            None => {
                let mut db = self.list_context.app.store.reader().await?;
                channel_to(
                    self.list_context.app,
                    &mut db,
                    self.list_context.list,
                    address,
                    self.list_context.now,
                )
                .await
            }
        }
    }

    fn result(&self, answer: &CommandAnswer, may: &May) -> Option<Value> {
        let texts = &self.list_context.app.texts;
        let sentence = |text, name, values| texts.sentence(text, name, &self.place, values);
        let pgp = self.list_context.list.settings.has_openpgp();
        let problem = |problem: &Problem| {
            let values = context! { pgp, ..problem.values() };
            vec![sentence(Text::Problems, problem.name(), values)]
        };
        let lines = match &answer.outcome {
            Ok(CommandReply::Nothing) => return None,
            Ok(CommandReply::Roster(_)) if !may.name_members => problem(&Problem::RosterUnsealed),
            Ok(CommandReply::Roster(lines)) => lines.clone(),
            Ok(CommandReply::Echo(_)) if !may.quote => return None,
            Ok(CommandReply::Echo(words)) => vec![words.clone()],
            Ok(CommandReply::Done(success)) => {
                vec![sentence(Text::Answers, success.name(), success.values())]
            }
            Ok(CommandReply::Lines(lines)) => lines.clone(),
            Err(why) if !may.quote => problem(&why.without_words()),
            Err(why) => problem(why),
        };
        let command = if may.quote {
            without_token(&shown(&answer.command))
        } else {
            name(&self.list_context.app.registry.commands, &answer.command)
        };
        Some(context! { command, lines })
    }
}

/// Removes tokens from an answer, because a token must not be readable there: all long words are dropped.
fn without_token(command: &str) -> String {
    let hidden = |word: &str| word.chars().count() >= 20;
    command
        .split_whitespace()
        .map(|word| if hidden(word) { "..." } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}
