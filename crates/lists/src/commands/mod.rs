//! Commands by mail: what can be written to `-request`, and how it is read.
//!
//! One file per command reads its arguments; [`COMMANDS`] names them all. What a command does is in `app`, which loads
//! the facts; what is said about it then is in [`Problem`] and [`Success`].

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
mod who;

pub use found::{is_token, tokens};
pub use key::KeyCommand;
pub use mailto::mailto;
pub use problem::Problem;
pub use script::{CommandScript, SubjectLine, read};
pub use set::{SETTINGS, Setting};
pub use success::Success;

use crate::model::DeliveryMode;

/// A command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailCommand {
    /// To become a member.
    Join {
        /// How posts are to come.
        delivery_mode: DeliveryMode,
    },
    /// To be a member no longer.
    Leave,
    /// The answer to a question, with its token.
    Confirm(String),
    /// A moderator's answer.
    Decide {
        /// What is to become of it.
        decision: RequestDecision,
        /// The token of the notice.
        token: String,
        /// Why, for the person; may be empty.
        reason: String,
    },
    /// To see a message that waits, with the token of the notice.
    ShowHeld(String),
    /// Which commands there are.
    Help,
    /// The roster.
    Who,
    /// Another choice of how posts come.
    Set(Setting),
    /// What the sender has chosen.
    Show,
    /// The words themselves.
    Echo(String),
    /// Nothing below is read.
    Stop,
    /// Everything about keys.
    Key(KeyCommand),
}

impl MailCommand {
    /// The token that it answers with.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Confirm(token)
            | Self::ShowHeld(token)
            | Self::Decide { token, .. }
            | Self::Key(KeyCommand::Set(token) | KeyCommand::Confirm(token)) => Some(token),
            _ => None,
        }
    }

    /// Whether it may stand in a Subject that nobody signed, above a text that somebody did: it is answered with a
    /// question or with what everybody may know, or it brings a token of which nothing but one answer follows.
    pub fn needs_no_signature(&self) -> bool {
        !matches!(
            self,
            Self::Decide { .. } | Self::ShowHeld(_) | Self::Who | Self::Echo(_) | Self::Key(KeyCommand::Sign)
        )
    }
}

/// What a moderator makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestDecision {
    /// It may happen.
    Approve,
    /// It is not to happen, and who asked hears of it.
    Reject,
    /// It is not to happen, and nobody hears of it.
    Discard,
}

/// A command as people know it.
pub struct Usage {
    /// How it is written.
    pub name: &'static str,
    /// Other ways to write it.
    pub aliases: &'static [&'static str],
    /// Its arguments, for the answer to `help`.
    pub arguments: &'static str,
    /// Reads the arguments.
    read: fn(&[&str]) -> Result<MailCommand, Problem>,
}

/// All commands.
pub const COMMANDS: &[Usage] = &[
    Usage { name: "join", aliases: &["subscribe"], arguments: "", read: join::read },
    Usage { name: "leave", aliases: &["unsubscribe"], arguments: "", read: leave::read },
    Usage { name: "confirm", aliases: &[], arguments: "TOKEN", read: confirm::read },
    Usage { name: "approve", aliases: &["accept"], arguments: "TOKEN", read: decide::approve },
    Usage { name: "reject", aliases: &[], arguments: "TOKEN [REASON]", read: decide::reject },
    Usage { name: "discard", aliases: &[], arguments: "TOKEN", read: decide::discard },
    Usage { name: "help", aliases: &[], arguments: "", read: help::read },
    Usage { name: "who", aliases: &[], arguments: "", read: who::read },
    Usage {
        name: "set",
        aliases: &[],
        arguments: "[delivery|own-posts|copies|cleartext on|off | name NAME | language CODE]",
        read: set::read,
    },
    Usage { name: "show", aliases: &[], arguments: "settings | TOKEN", read: set::show },
    Usage { name: "echo", aliases: &[], arguments: "WORDS", read: echo::read },
    Usage { name: "stop", aliases: &["end", "exit"], arguments: "", read: stop::read },
    Usage {
        name: "key",
        aliases: &[],
        arguments: "set TOKEN | confirm TOKEN | change | reset | revoke | sign | receive",
        read: key::read,
    },
];

/// The command that a line holds. Errs if it is none, or with what is wrong with its arguments.
pub fn parse(line: &str) -> Result<MailCommand, Problem> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, arguments)) = words.split_first() else {
        return Err(Problem::Unrecognized(String::new()));
    };
    let name = name.to_lowercase();
    let known = COMMANDS.iter().find(|usage| usage.name == name || usage.aliases.contains(&name.as_str()));
    let usage = known.ok_or_else(|| Problem::Unrecognized(shown(line)))?;
    (usage.read)(arguments)
}

/// The name of the command that a line is meant to be; empty if there is none of that name.
pub fn name(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default().to_lowercase();
    let known = COMMANDS.iter().any(|usage| usage.name == word || usage.aliases.contains(&word.as_str()));
    if known { word } else { String::new() }
}

/// As much of somebody's words as can stand in an answer.
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

    fn check(line: &str, expected: Result<MailCommand, Problem>) {
        assert_eq!(parse(line), expected, "{line}");
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
