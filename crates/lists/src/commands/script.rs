//! Parses the commands of one message, in order.

use sealist_mail::subject::bare;

use super::found::{decisions, tokens};
use super::reason::{is_command, reason};
use super::{MailCommand, Problem, RequestDecision, Usage, parse};
use crate::model::SubAddress;
use crate::rows::NamedRows;

/// The most commands that one message may have.
const MAX_COMMANDS: usize = 10;
/// The most lines that are parsed.
const MAX_LINES: usize = 100;

/// The commands of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandScript {
    /// The lines that are commands or look like commands, with the result of parsing them.
    pub lines: Vec<(String, Result<MailCommand, Problem>)>,
    /// Words anywhere in the message that may be tokens.
    pub tokens: Vec<String>,
}

/// The Subject, and whether it is as trustworthy as the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectLine<'a> {
    /// The Subject is signed if the text is signed.
    Covered(&'a str),
    /// The text is signed, but the Subject is not. Only commands that need no signature count in it.
    Uncovered(&'a str),
}

/// Parses a message to a sub-address. Mail to `-join` and `-leave` needs no text. Elsewhere the Subject may
/// be a command, after reply marks, and so may the lines of the text, until `stop`, an empty line after a
/// command, or the first line that is not a command. Decisions count in every line that is not quoted, and
/// tokens everywhere.
pub fn read(
    commands: &NamedRows<Usage>,
    sub_address: SubAddress,
    subject: SubjectLine<'_>,
    text: &str,
) -> CommandScript {
    let mut script = CommandScript::default();
    match sub_address {
        SubAddress::Join => script.parse_line(commands, "join"),
        SubAddress::Leave => script.parse_line(commands, "leave"),
        _ => {
            script.read(commands, subject, text);
            false
        }
    };
    script
}

impl CommandScript {
    fn read(&mut self, commands: &NamedRows<Usage>, subject: SubjectLine<'_>, text: &str) {
        let (SubjectLine::Covered(words) | SubjectLine::Uncovered(words)) = subject;
        self.tokens = tokens(words, text);
        // A Subject that is not a command is ignored.
        let line = bare(words);
        match parse(commands, line) {
            Err(Problem::Unrecognized(_)) => {}
            Ok(command) if subject == SubjectLine::Uncovered(words) && !command.needs_no_signature() => {
                self.lines.push((line.to_owned(), Err(Problem::SubjectNotSigned)));
            }
            _ => {
                self.parse_line(commands, line);
            }
        }
        let mut lines = text.lines().take(MAX_LINES);
        if self.gives_reason(commands, lines.clone()) {
            skip_words(commands, &mut lines);
        }
        while let Some(line) = lines.next().map(str::trim) {
            let quoted_or_block = line.starts_with(['>', '-', '|']);
            match line {
                "" if self.lines.is_empty() => continue,
                "" => break,
                _ if quoted_or_block => break,
                _ => {}
            }
            if self.parse_line(commands, line) {
                break;
            }
            if self.gives_reason(commands, lines.clone()) {
                skip_words(commands, &mut lines);
            }
        }
        let decides = |(_, read): &(String, Result<MailCommand, Problem>)| {
            matches!(read, Ok(MailCommand::Decide { .. }))
        };
        if !self.lines.iter().any(decides) {
            let found = decisions(commands, text);
            if !found.is_empty() {
                self.lines.retain(|(_, read)| read.is_ok());
            }
            let room = (MAX_COMMANDS + 1).saturating_sub(self.lines.len());
            self.lines.extend(found.into_iter().take(room).map(|(line, command)| (line, Ok(command))));
        }
    }

    /// If the last command is a reject, takes the lines below it as its reason.
    fn gives_reason<'a>(
        &mut self,
        commands: &NamedRows<Usage>,
        below: impl Iterator<Item = &'a str>,
    ) -> bool {
        let Some((_, Ok(MailCommand::Decide { decision: RequestDecision::Reject, reason: words, .. }))) =
            self.lines.last_mut()
        else {
            return false;
        };
        *words = reason(commands, words, below);
        true
    }

    /// Parses a line. Returns `true` if no more lines are to be parsed.
    fn parse_line(&mut self, commands: &NamedRows<Usage>, line: &str) -> bool {
        if self.lines.len() == MAX_COMMANDS {
            self.lines.push((String::new(), Err(Problem::TooMany)));
            return true;
        }
        let read = parse(commands, line);
        let stop = matches!(read, Ok(MailCommand::Stop));
        if matches!(read, Err(Problem::Unrecognized(_))) && !self.lines.is_empty() {
            // The lines after commands are a greeting or a signature.
            return true;
        }
        let failed = matches!(read, Err(Problem::Unrecognized(_)));
        self.lines.retain(|(_, known)| !gives_no_reason_for(known, &read));
        let said = |(known, as_read): &(String, Result<MailCommand, Problem>)| {
            known.eq_ignore_ascii_case(line) || read.is_ok() && *as_read == read
        };
        if !self.lines.iter().any(said) {
            self.lines.push((line.to_owned(), read));
        }
        stop || failed
    }
}

/// Skips the lines of a reason, up to a command or an empty line.
fn skip_words<'a>(commands: &NamedRows<Usage>, lines: &mut (impl Iterator<Item = &'a str> + Clone)) {
    while lines
        .clone()
        .next()
        .is_some_and(|line| !line.trim().is_empty() && !is_command(commands, line.trim()))
    {
        lines.next();
    }
}

/// Whether `one` is a reject without a reason, and `other` the same reject with a reason.
fn gives_no_reason_for(one: &Result<MailCommand, Problem>, other: &Result<MailCommand, Problem>) -> bool {
    let reject = |read: &Result<MailCommand, Problem>| match read {
        Ok(MailCommand::Decide { decision: RequestDecision::Reject, token, reason }) => {
            Some((token.to_ascii_lowercase(), reason.is_empty()))
        }
        _ => None,
    };
    matches!((reject(one), reject(other)), (Some((one, true)), Some((other, false))) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    fn read(sub_address: SubAddress, subject: SubjectLine<'_>, text: &str) -> CommandScript {
        super::read(&Registry::built_in().commands, sub_address, subject, text)
    }

    fn check(sub_address: SubAddress, subject: &str, text: &str, expected: &[&str]) {
        let script = read(sub_address, SubjectLine::Covered(subject), text);
        let lines: Vec<String> = script
            .lines
            .iter()
            .map(|(line, read)| match read {
                Ok(_) => line.clone(),
                Err(problem) => format!("{line}: {problem}"),
            })
            .collect();
        assert_eq!(lines, expected, "{subject:?} {text:?}");
    }

    #[test]
    fn commands_stand_in_the_subject_and_the_text() {
        let request = SubAddress::Request;
        check(request, "", "", &[]);
        check(request, "Re: key set abc", "> quoted\n", &["key set abc"]);
        check(request, "AW: Re: join", "", &["join"]);
        check(request, "[EXT] ***SPAM*** Antwort: join", "", &["join"]);
        check(request, "hello", "\nhelp\nwho\n\nBye\nleave\n", &["help", "who"]);
        check(request, "help", "help\nHELP\n", &["help"]);
        check(request, "subscribe", "join\n", &["subscribe"]);
        check(request, "", "help\nstop\nleave\n", &["help", "stop"]);
        check(request, "", "join me\n", &["join me: extraneous"]);
        check(request, "", "Hello list\nhelp\n", &["Hello list: unrecognized"]);
        check(request, "help", "Thanks, Anne\n", &["help"]);
        check(request, "", "-- \nleave\n", &[]);
        let many: String = (0..12).map(|number| format!("echo {number}\n")).collect();
        let script = read(request, SubjectLine::Covered(""), &many);
        assert_eq!(script.lines.len(), 11);
        assert_eq!(script.lines[10].1, Err(Problem::TooMany));
    }

    #[test]
    fn some_sub_addresses_say_it_all() {
        check(SubAddress::Join, "leave", "leave\n", &["join"]);
        check(SubAddress::Leave, "", "", &["leave"]);
    }

    #[test]
    fn a_reason_follows_its_decision() {
        let token = "a".repeat(32);
        let reason = |text: &str| match &read(SubAddress::Request, SubjectLine::Covered(""), text).lines[..] {
            [(_, Ok(MailCommand::Decide { reason, .. }))] => reason.clone(),
            other => panic!("{other:?}"),
        };
        let (no_subject, said) = ("".to_owned(), "It is too long.\nAnd dull.\n\nOlga");
        let reject = format!("reject {token}");
        for (subject, text) in [
            (&no_subject, format!("{reject}\nIt is too long.\nAnd dull.\n\nOlga\n-- \nx")),
            (&no_subject, format!("{reject} It is too long.\nAnd dull.\n> x\n\nOlga\nend\nx")),
            (&no_subject, format!("Hello,\n\n{reject} It is too long.\nAnd dull.\n\nOlga\n")),
            (&no_subject, format!("> x\n> y\n\n{reject}\nIt is too long.\nAnd dull.\n\nOlga\n")),
            (
                &no_subject,
                format!("On Monday Team wrote:\n> x\n{reject}\nIt is too long.\nAnd dull.\n\nOlga"),
            ),
            (&no_subject, format!("Hello\n> {reject}\n{reject} It is too long.\nAnd dull.\n\nOlga\n> x\n")),
            (&reject, "It is too long.\nAnd dull.\n\nOlga\n".to_owned()),
            (&reject, format!("{reject} It is too long.\nAnd dull.\n\nOlga\n")),
            (&format!("Re: {reject}"), "It is too long.\nAnd dull.\n\nOlga\n\n> x\n".to_owned()),
        ] {
            let script = read(SubAddress::Request, SubjectLine::Covered(subject), &text);
            let [(_, Ok(MailCommand::Decide { reason, .. }))] = &script.lines[..] else {
                panic!("{subject:?} {text:?}: {:?}", script.lines)
            };
            assert_eq!(reason, said, "{subject:?} {text:?}");
        }
        assert_eq!(reason(&format!("{reject}\n")), "");
        assert_eq!(reason(&format!("Hello,\n\n{reject} spam\n")), "spam");
    }

    #[test]
    fn a_reason_ends_at_the_next_command() {
        let (one, two) = ("a".repeat(32), "b".repeat(32));
        for head in ["", "Hello,\n\n"] {
            let text = format!("{head}reject {one}\ntoo long\nreject {two} dull\nand old\n\nOlga");
            let lines = read(SubAddress::Request, SubjectLine::Covered(""), &text).lines;
            let reasons: Vec<&str> = lines
                .iter()
                .map(|(_, read)| match read {
                    Ok(MailCommand::Decide { reason, .. }) => reason.as_str(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(reasons, ["too long", "dull\nand old\n\nOlga"], "{text}");
        }
    }

    /// An unsigned Subject above a signed text allows few commands.
    #[test]
    fn a_subject_that_nobody_signed() {
        let token = "a".repeat(32);
        let lines =
            |subject: &str| read(SubAddress::Request, SubjectLine::Uncovered(subject), "Hello\n").lines;
        for command in ["join", "Re: help", "set own-posts on", "leave", "key receive"] {
            assert!(lines(command)[0].1.is_ok(), "{command}");
        }
        for command in ["approve", "reject", "discard"] {
            assert_eq!(lines(&format!("{command} {token}"))[0].1, Err(Problem::SubjectNotSigned));
        }
        assert_eq!(lines("who")[0].1, Err(Problem::SubjectNotSigned));
        assert_eq!(
            read(SubAddress::Request, SubjectLine::Uncovered(&format!("x {token}")), "").tokens,
            [token]
        );
    }
}
