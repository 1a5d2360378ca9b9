//! Commands by mail: what people can write to `-request`, and how it is parsed.
//!
//! There is one file per command, which parses the arguments; [`COMMANDS`] names all built-in commands. The
//! crate `app` loads the facts and carries the commands out. [`Problem`] and [`Success`] are the answers.

mod confirm;
mod decide;
mod echo;
mod found;
mod help;
mod join;
mod key;
mod leave;
mod mailto;
mod problem;
mod reason;
mod script;
mod set;
mod stop;
mod success;
mod token_form;
mod who;

pub use found::tokens;
pub use key::KeyCommand;
pub use mailto::mailto;
pub use problem::Problem;
pub use script::{CommandScript, SubjectLine, read};
pub use set::{SETTINGS, Setting};
pub use success::Success;
pub use token_form::is_token;

use crate::model::{DeliveryMode, MailingList, Role};
use crate::rows::{NamedRow, NamedRows};

/// A command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailCommand {
    /// Subscribe.
    Join {
        /// How posts are to be delivered.
        delivery_mode: DeliveryMode,
    },
    /// Unsubscribe.
    Leave,
    /// Answer a question; with its token.
    Confirm(String),
    /// Decide about a request or held message, as a moderator.
    Decide {
        /// The decision.
        decision: RequestDecision,
        /// The token of the notice.
        token: String,
        /// The reason for the person who is refused; may be empty.
        reason: String,
    },
    /// Show a held message; with the token of the notice.
    ShowHeld(String),
    /// List the commands.
    Help,
    /// Show the roster.
    Who,
    /// Change a preference.
    Set(Setting),
    /// Show the sender's preferences.
    Show,
    /// Send the words back.
    Echo(String),
    /// Ignore the lines below.
    Stop,
    /// A command about keys.
    Key(KeyCommand),
    /// A command that is not built in.
    Added {
        /// Its name in the registry.
        name: &'static str,
        /// The words after the name.
        words: String,
    },
}

impl MailCommand {
    /// The token in the command.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Confirm(token)
            | Self::ShowHeld(token)
            | Self::Decide { token, .. }
            | Self::Key(KeyCommand::Set(token) | KeyCommand::Confirm(token)) => Some(token),
            _ => None,
        }
    }

    /// Whether the command counts in an unsigned Subject above a signed text. That is so if it is answered
    /// with a question or with public information, or if it has a token that allows only one answer.
    pub fn needs_no_signature(&self) -> bool {
        !matches!(
            self,
            Self::Decide { .. }
                | Self::ShowHeld(_)
                | Self::Who
                | Self::Echo(_)
                | Self::Key(KeyCommand::Sign)
                | Self::Added { .. }
        )
    }
}

/// A moderator's decision about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestDecision {
    /// The request is carried out.
    Approve,
    /// The request is refused, and the person is told.
    Reject,
    /// The request is refused, and nobody is told.
    Discard,
}

/// A command, with its syntax.
pub struct Usage {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Its arguments, for the answer to `help`.
    pub arguments: &'static str,
    /// What the command does.
    pub action: CommandAction,
}

/// What a command does.
#[derive(Clone, Copy)]
pub enum CommandAction {
    /// Parses the arguments of a built-in command, which the crate `app` carries out.
    Read(fn(&[&str]) -> Result<MailCommand, Problem>),
    /// Answers the words after the name, and changes nothing. The answer goes to whoever the From field
    /// names, so it must say nothing that only some may know unless the sender is proven.
    Answer(fn(&CommandFacts<'_>, &str) -> Result<Vec<String>, Problem>),
}

/// What a command that is not built in knows of its sender.
pub struct CommandFacts<'a> {
    /// The list that the command was sent to.
    pub list: &'a MailingList,
    /// The roles of the sender on the list.
    pub roles: Vec<Role>,
    /// Whether a token or a signature proves who sent the command. A From field proves nothing.
    pub is_proven: bool,
}

impl NamedRow for Usage {
    const KIND: &'static str = "command";

    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }
}

/// All built-in commands.
pub const COMMANDS: &[Usage] = &[
    Usage { name: "join", aliases: &["subscribe"], arguments: "", action: CommandAction::Read(join::read) },
    Usage {
        name: "leave",
        aliases: &["unsubscribe"],
        arguments: "",
        action: CommandAction::Read(leave::read),
    },
    Usage { name: "confirm", aliases: &[], arguments: "TOKEN", action: CommandAction::Read(confirm::read) },
    Usage {
        name: "approve",
        aliases: &["accept"],
        arguments: "TOKEN",
        action: CommandAction::Read(decide::approve),
    },
    Usage {
        name: "reject",
        aliases: &[],
        arguments: "TOKEN [REASON]",
        action: CommandAction::Read(decide::reject),
    },
    Usage { name: "discard", aliases: &[], arguments: "TOKEN", action: CommandAction::Read(decide::discard) },
    Usage { name: "help", aliases: &[], arguments: "", action: CommandAction::Read(help::read) },
    Usage { name: "who", aliases: &[], arguments: "", action: CommandAction::Read(who::read) },
    Usage {
        name: "set",
        aliases: &[],
        arguments: "[delivery|own-posts|copies|cleartext on|off | name NAME | language CODE]",
        action: CommandAction::Read(set::read),
    },
    Usage {
        name: "show",
        aliases: &[],
        arguments: "settings | TOKEN",
        action: CommandAction::Read(set::show),
    },
    Usage { name: "echo", aliases: &[], arguments: "WORDS", action: CommandAction::Read(echo::read) },
    Usage { name: "stop", aliases: &["end", "exit"], arguments: "", action: CommandAction::Read(stop::read) },
    Usage {
        name: "key",
        aliases: &[],
        arguments: "set TOKEN | confirm TOKEN | change | reset | revoke | sign | receive",
        action: CommandAction::Read(key::read),
    },
];

/// Parses a line as one of these commands. Errs if the line is not a command, or says what is wrong with its
/// arguments.
pub fn parse(commands: &NamedRows<Usage>, line: &str) -> Result<MailCommand, Problem> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, arguments)) = words.split_first() else {
        return Err(Problem::Unrecognized(String::new()));
    };
    let known = commands.named(&name.to_lowercase());
    let usage = known.ok_or_else(|| Problem::Unrecognized(shown(line)))?;
    match usage.action {
        CommandAction::Read(read) => read(arguments),
        CommandAction::Answer(_) => Ok(MailCommand::Added { name: usage.name, words: arguments.join(" ") }),
    }
}

/// The name of the command that the line seems to be; empty if there is no command of that name.
pub fn name(commands: &NamedRows<Usage>, line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default().to_lowercase();
    if commands.named(&word).is_some() { word } else { String::new() }
}

/// Shortens somebody's words so that an answer can quote them.
pub fn shown(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(60).collect::<String>().trim().to_owned()
}

fn no_arguments(arguments: &[&str]) -> Result<(), Problem> {
    if arguments.is_empty() { Ok(()) } else { Err(Problem::Extraneous(shown(&arguments.join(" ")))) }
}

fn token(arguments: &[&str]) -> Result<String, Problem> {
    match arguments {
        [token] => Ok((*token).to_owned()),
        _ => Err(Problem::MissingToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    fn check(line: &str, expected: Result<MailCommand, Problem>) {
        assert_eq!(parse(&Registry::built_in().commands, line), expected, "{line}");
    }

    #[test]
    fn lines_are_read_as_commands() {
        use MailCommand::{Confirm, Echo, Help, Join, Key, Leave, Set, Stop, Who};
        let decide = |decision, reason: &str| {
            Ok(MailCommand::Decide { decision, token: "abc".into(), reason: reason.into() })
        };
        let join = |delivery_mode| Ok(Join { delivery_mode });
        check("join", join(DeliveryMode::Regular));
        check("Subscribe digest=no", join(DeliveryMode::Regular));
        check("Subscribe digest=mime", Err(Problem::NoDigests));
        check("join digest=plain", Err(Problem::NoDigests));
        check("subscribe digest=maybe", Err(Problem::Extraneous("digest=maybe".into())));
        check("leave", Ok(Leave));
        check("unsubscribe now", Err(Problem::Extraneous("now".into())));
        check("confirm", Err(Problem::MissingToken));
        check("confirm abc", Ok(Confirm("abc".into())));
        check("reject abc", decide(RequestDecision::Reject, ""));
        check("reject abc too  long", decide(RequestDecision::Reject, "too long"));
        check("accept abc", decide(RequestDecision::Approve, ""));
        check("approve abc now", Err(Problem::MissingToken));
        check("help", Ok(Help));
        check("who", Ok(Who));
        let switch = |name, on| Ok(Set(Setting::Switch { name, on }));
        check("set delivery off", switch("delivery", false));
        check("set Own-Posts ON", switch("own-posts", true));
        check("set digest off", switch("digest", false));
        check("set digest on", Err(Problem::NoDigests));
        check("set", Ok(MailCommand::Show));
        check("show settings", Ok(MailCommand::Show));
        check("show me and you", Err(Problem::MissingToken));
        check("show abc", Ok(MailCommand::ShowHeld("abc".into())));
        check("set language DE", Ok(Set(Setting::Language(crate::texts::Language::De))));
        for (line, code) in
            [("set language tlh", "tlh"), ("set language", ""), ("set Language de fr", "de fr")]
        {
            check(line, Err(Problem::NoSuchLanguage(code.into())));
        }
        check("set name Anne  Müller", Ok(Set(Setting::Name("Anne Müller".into()))));
        check("set name", Ok(Set(Setting::Name(String::new()))));
        for quoted in
            ["\"Anne Müller\"", "“Anne Müller”", "„Anne Müller“", "« Anne Müller »", "'Anne Müller'"]
        {
            check(&format!("set name {quoted}"), Ok(Set(Setting::Name("Anne Müller".into()))));
        }
        check("set name anne@example.org", Err(Problem::NameRefused));
        check("set digest maybe", Err(Problem::NoSuchSetting("digest maybe".into())));
        check("echo  a   b", Ok(Echo("a b".into())));
        check("end", Ok(Stop));
        check("frobnicate x", Err(Problem::Unrecognized("frobnicate x".into())));
        check("key", Err(Problem::NoSubcommand));
        check("key frobnicate", Err(Problem::WrongSubcommand));
        check("key set", Err(Problem::MissingToken));
        check("key set a b", Err(Problem::MissingToken));
        check("key set a", Ok(Key(KeyCommand::Set("a".into()))));
        check("key confirm a", Ok(Key(KeyCommand::Confirm("a".into()))));
        check("KEY CHANGE", Ok(Key(KeyCommand::Change)));
        check("key change a", Err(Problem::Extraneous("a".into())));
        check("key revoke", Ok(Key(KeyCommand::Revoke)));
        check("key sign me", Err(Problem::Extraneous("me".into())));
        check("key receive", Ok(Key(KeyCommand::Receive)));
    }
}
