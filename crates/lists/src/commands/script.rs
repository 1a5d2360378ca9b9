//! The commands of one message, in their order.

use super::{Command, Problem, parse};
use crate::model::Door;

/// Commands that one message may have.
const MAX_COMMANDS: usize = 10;
/// Lines that are looked at.
const MAX_LINES: usize = 100;

/// What a message asks for: each line with what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The lines that are commands, or look as if they were to be.
    pub lines: Vec<(String, Result<Command, Problem>)>,
}

/// Reads what came to a door. `detail`: what followed the `+` of the address. At `-join`, `-leave` and `-confirm` the
/// address says it all. Elsewhere the Subject may be a command, and so may the lines of the text, until `stop`, an empty
/// line behind a command, or the first line that is none.
pub fn read(door: Door, detail: &str, subject: &str, text: &str) -> Script {
    let implied = match door {
        Door::Join => Some("join".to_owned()),
        Door::Leave => Some("leave".to_owned()),
        Door::Confirm => Some(format!("confirm {detail}")),
        _ => None,
    };
    let mut script = Script::default();
    if let Some(line) = implied {
        script.take(&line);
        return script;
    }
    // A Subject that is no command is a Subject.
    let subject = without_reply_prefix(subject);
    if !matches!(parse(subject), Err(Problem::Unrecognized(_))) {
        script.take(subject);
    }
    for line in text.lines().take(MAX_LINES) {
        let line = line.trim();
        let quoted_or_block = line.starts_with(['>', '-']);
        match line {
            "" if script.lines.is_empty() => continue,
            "" => break,
            _ if quoted_or_block => break,
            _ => {}
        }
        let stop = script.take(line);
        if stop {
            break;
        }
    }
    script
}

impl Script {
    /// Adds a line; `true` if nothing more is to be read.
    fn take(&mut self, line: &str) -> bool {
        if self.lines.len() == MAX_COMMANDS {
            self.lines.push((String::new(), Err(Problem::TooMany)));
            return true;
        }
        let read = parse(line);
        let stop = matches!(read, Ok(Command::Stop));
        if matches!(read, Err(Problem::Unrecognized(_))) && !self.lines.is_empty() {
            // What stands under commands is a greeting, or a signature.
            return true;
        }
        let failed = matches!(read, Err(Problem::Unrecognized(_)));
        if !self.lines.iter().any(|(known, _)| known.eq_ignore_ascii_case(line)) {
            self.lines.push((line.to_owned(), read));
        }
        stop || failed
    }
}

/// `Re: key set …`: what programs in English, German and French put there.
fn without_reply_prefix(subject: &str) -> &str {
    let mut subject = subject.trim();
    while let Some((prefix, rest)) = subject.split_once(':') {
        if !["re", "aw", "antw", "sv", "rép", "rif"].contains(&prefix.trim().to_lowercase().as_str()) {
            break;
        }
        subject = rest.trim();
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(door: Door, subject: &str, text: &str, expected: &[&str]) {
        let script = read(door, "TOKEN", subject, text);
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
        let request = Door::Request;
        check(request, "", "", &[]);
        check(request, "Re: key set abc", "> quoted\n", &["key set abc"]);
        check(request, "AW: Re: join", "", &["join"]);
        check(request, "hello", "\nhelp\nwho\n\nBye\nleave\n", &["help", "who"]);
        check(request, "help", "help\nHELP\n", &["help"]);
        check(request, "", "help\nstop\nleave\n", &["help", "stop"]);
        check(request, "", "join me\n", &["join me: extraneous"]);
        check(request, "", "Hello list\nhelp\n", &["Hello list: unrecognized"]);
        check(request, "help", "Thanks, Anne\n", &["help"]);
        check(request, "", "-- \nleave\n", &[]);
        let many: String = (0..12).map(|number| format!("echo {number}\n")).collect();
        let script = read(request, "", "", &many);
        assert_eq!(script.lines.len(), 11);
        assert_eq!(script.lines[10].1, Err(Problem::TooMany));
    }

    #[test]
    fn some_doors_say_it_all() {
        check(Door::Join, "leave", "leave\n", &["join"]);
        check(Door::Leave, "", "", &["leave"]);
        check(Door::Confirm, "Re: x", "text\n", &["confirm TOKEN"]);
    }
}
