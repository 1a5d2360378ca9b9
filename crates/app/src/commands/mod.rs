//! Commands by mail: parses messages to `-request`, `-join`, `-leave` and `-confirm`, carries the commands
//! out in one transaction with the end of the queue entry, and answers.
//!
//! On lists with OpenPGP no command changes anything at once. It is answered with a question that only the
//! holder of the right key can read and answer, whoever sent the command. A From field proves nothing.

mod answers;
mod closed;
mod command_sender;
mod confirm;
mod confirmed_commands;
mod join;
mod key;
mod leave;
mod questions;
mod settings;
mod who;

use std::sync::Arc;

use sealist_lists::commands::{
    CommandAction, CommandFacts, KeyCommand, MailCommand, Problem, Setting, Success, shown,
};
use sealist_lists::events::EventKind;
use sealist_lists::texts::{Text, TextPlace, context};
use sealist_mail::Mailbox;
use sealist_store::events::Occasion;
use sealist_store::queue::{self, QueueEntry};
use sealist_store::replay;
use sealist_store::traces::MessageFate;
use sealist_store::transaction;

use crate::changes::Unrecorded;
use crate::effects::{Effect, RequestEnd, carry_out};
use crate::error::AppError;
use crate::notices::place_of;
use crate::opening::ReceivedMessage;
use crate::outcome::EntryOutcome;
use crate::requests::{ListContext, Proven, StepOutcome, Transition};
use answers::Answers;
use command_sender::CommandSender;

/// How often everything is decided again because something changed meanwhile: more often than messages are
/// judged at the same time.
const TRIES: usize = 20;

/// Carries out the commands of a message and answers them.
pub(crate) async fn process_commands(
    list_context: ListContext<'_>,
    entry: &QueueEntry,
    message: &Arc<ReceivedMessage>,
    mailbox: Mailbox,
) -> Result<EntryOutcome, AppError> {
    for _ in 0..TRIES {
        match process_commands_once(list_context, entry, message, &mailbox).await {
            Err(AppError::Overtaken) => {}
            other => return other,
        }
    }
    Err(AppError::Overtaken)
}

async fn process_commands_once(
    list_context: ListContext<'_>,
    entry: &QueueEntry,
    message: &Arc<ReceivedMessage>,
    mailbox: &Mailbox,
) -> Result<EntryOutcome, AppError> {
    let ListContext { app, list, now } = list_context;
    let mut command_sender = CommandSender::read_command_mail(list_context, entry, message, mailbox).await?;
    let place = place_of(app, list, &mailbox.address).await?;
    let mut session = CommandSession {
        list_context,
        place,
        effects: Vec::new(),
        answers: Answers::default(),
        carried_out: CarriedOut::Nothing,
        heard: Vec::new(),
    };
    if let Some(closed) = command_sender.closed {
        session.take_revocation(&command_sender).await?;
        session.close(&command_sender.requester, closed).await?;
    } else if let Some(misled) = command_sender.misled.clone() {
        session.note(&command_sender, misled_kind(&misled));
        session.answers.add("", Err(misled));
        session.answer(&command_sender).await?;
    } else {
        if !command_sender.tokens.is_empty() {
            session.effects.push(Effect::Reached(command_sender.requester.address.clone()));
        }
        session.run(&mut command_sender).await?;
        session.answer(&command_sender).await?;
    }
    let effects = session.effects.into_iter().map(|effect| effect.caused_by(entry.no)).collect();
    let (done, no) = (entry.clone(), list.no);
    let occasion = Occasion { actor: command_sender.actor(), now };
    let outcome = match session.carried_out {
        CarriedOut::Something => Some(replay::ReplayOutcome::Accepted),
        // Repeated copies of the same text use up no answers.
        CarriedOut::Nothing if command_sender.requester.proven == Proven::Yes => {
            Some(replay::ReplayOutcome::Answered)
        }
        CarriedOut::Nothing => None,
    };
    let spent = outcome.map(|outcome| (command_sender.brought, command_sender.past, outcome));
    app.write_unrecorded(
        Unrecorded::Handled,
        transaction!(|db| {
            if let Some((brought, past, outcome)) = spent {
                brought.still(&mut *db, &past).await?;
                brought.record(&mut *db, outcome, now).await?;
            }
            carry_out(&mut *db, Some(no), effects, &occasion).await?;
            Ok::<_, AppError>(queue::finish(db, &done, MessageFate::Answered, &[], now).await?)
        }),
    )
    .await?;
    Ok(EntryOutcome::ACCEPTED)
}

/// The commands of one message: their effects, and their answers.
struct CommandSession<'a> {
    list_context: ListContext<'a>,
    place: TextPlace<'a>,
    effects: Vec<Effect>,
    answers: Answers,
    carried_out: CarriedOut,
    /// The key commands so far. A repeated one gets no second answer.
    heard: Vec<KeyCommand>,
}

/// Whether a command of the message was carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CarriedOut {
    Nothing,
    Something,
}

impl CommandSession<'_> {
    async fn run(&mut self, command_sender: &mut CommandSender) -> Result<(), AppError> {
        if command_sender.script.lines.is_empty() {
            self.answers.add("", Err(Problem::Unrecognized(String::new())));
            return Ok(());
        }
        let script = std::mem::take(&mut command_sender.script);
        let mut has_set_name = false;
        for (line, read) in script.lines {
            let before = self.effects.len();
            let done = match read {
                Ok(MailCommand::Stop) => break,
                // A name is compared with those of all members, so only one change of name per message is
                // accepted.
                Ok(MailCommand::Set(Setting::Name(_))) if std::mem::replace(&mut has_set_name, true) => {
                    Err(Problem::NothingNew)
                }
                Ok(command) => match self.asked_about(&command) {
                    Some(asked) => self.ask_about(command_sender, asked).await?,
                    None => self.command(command_sender, command).await?,
                },
                Err(problem) => Err(problem),
            };
            let ends_request = |effect: &Effect| matches!(effect, Effect::End(_, RequestEnd::Refused(_)));
            match &done {
                // The end of the request has an event that says why.
                Err(_) if self.effects[before..].iter().any(ends_request) => {}
                // The line may contain a token.
                Err(problem) => {
                    self.note(
                        command_sender,
                        EventKind::CommandRefused { problem: problem.name().to_owned() },
                    );
                }
                Ok(_) => self.carried_out = CarriedOut::Something,
            }
            self.answers.add(&line, done);
        }
        Ok(())
    }

    async fn command(
        &mut self,
        command_sender: &mut CommandSender,
        command: MailCommand,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        match command {
            MailCommand::Join { delivery_mode } => self.join(command_sender, delivery_mode).await,
            MailCommand::Leave => self.leave(command_sender).await,
            MailCommand::Confirm(token) => self.confirm(command_sender, &token).await,
            MailCommand::Decide { decision, token, reason } => {
                self.decide(command_sender, decision, &token, &reason).await
            }
            MailCommand::ShowHeld(token) => self.show_held(command_sender, &token).await,
            MailCommand::Who => self.who(command_sender).await,
            MailCommand::Key(command) => self.key(command_sender, command).await,
            MailCommand::Help => Ok(Ok(CommandReply::Lines(self.help()))),
            MailCommand::Show => self.show(command_sender).await,
            MailCommand::Echo(words) => Ok(Ok(CommandReply::Echo(words))),
            MailCommand::Added { name, words } => Ok(self.added(command_sender, name, &words)),
            // This command needs confirmation, and is carried out at the end of its workflow.
            MailCommand::Set(_) | MailCommand::Stop => Ok(Ok(CommandReply::Nothing)),
        }
    }

    /// Answers a command that is not built in.
    fn added(
        &self,
        command_sender: &CommandSender,
        name: &str,
        words: &str,
    ) -> Result<CommandReply, Problem> {
        let usage = self.list_context.app.registry.commands.named(name);
        let Some(CommandAction::Answer(answer)) = usage.map(|usage| usage.action) else {
            return Err(Problem::Unrecognized(shown(name)));
        };
        let facts = CommandFacts {
            list: self.list_context.list,
            roles: command_sender.facts.roles.iter().map(|member| member.role).collect(),
            is_proven: command_sender.requester.proven == Proven::Yes,
        };
        answer(&facts, words).map(CommandReply::Lines)
    }

    fn help(&self) -> Vec<String> {
        let ListContext { app, list, .. } = self.list_context;
        let lines =
            app.texts.lines(Text::Commands, &self.place, context! { pgp => list.settings.has_openpgp() });
        let added =
            app.registry.commands.all().filter(|usage| matches!(usage.action, CommandAction::Answer(_)));
        let added = added.map(|usage| format!("{} {}", usage.name, usage.arguments));
        lines.lines().map(str::to_owned).chain(added).collect()
    }

    /// Applies the outcome of a workflow.
    fn take(&mut self, taken: Result<Transition, Problem>) -> Result<CommandReply, Problem> {
        let Transition { effects, told } = taken?;
        let before: Vec<_> = self.effects.iter().filter_map(Effect::step).collect();
        if effects.iter().filter_map(Effect::step).any(|step| before.contains(&step)) {
            // A message advances a request by one step. The next step is decided after this one is committed.
            return Err(Problem::NothingNew);
        }
        self.effects.extend(effects);
        Ok(match told {
            StepOutcome::Asked | StepOutcome::Nothing => CommandReply::Nothing,
            StepOutcome::Waits => CommandReply::Done(Success::Waits),
            StepOutcome::Refused(problem) => return Err(problem),
            StepOutcome::OneMore(key) => return Err(Problem::OneMoreSignature(key.spaced())),
            StepOutcome::Done(change) => answers::of_change(&change),
        })
    }

    /// Records an event for the owners.
    fn note(&mut self, command_sender: &CommandSender, kind: EventKind) {
        let (address, trier) =
            (command_sender.requester.address.clone(), command_sender.requester.proven.into());
        self.effects.push(Effect::Tried { address, trier, kind });
    }
}

fn misled_kind(misled: &Problem) -> EventKind {
    match misled {
        Problem::NotMeantForHere => EventKind::NotMeantForHere {},
        _ => EventKind::Replayed {},
    }
}

/// The answer to a command.
enum CommandReply {
    /// None, because a notice says everything, or there is nothing to say.
    Nothing,
    /// A sentence.
    Done(Success),
    /// Built-in lines.
    Lines(Vec<String>),
    /// The roster.
    Roster(Vec<String>),
    /// The sender's own words.
    Echo(String),
}
