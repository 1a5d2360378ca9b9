//! Parses the reason after `reject TOKEN`: a moderator's words to the person who is refused. The reason
//! continues over empty lines. It ends at a command, `end`, the delimiter of a signature, or a message that
//! the program quotes below.

use super::token_form::is_token;
use super::{MailCommand, Usage, parse};
use crate::rows::NamedRows;

/// The most characters of a reason that are passed on.
const MAX_REASON_CHARS: usize = 4000;
/// How many lines programs write above a quote ("Anne wrote:").
const MAX_ATTRIBUTION_LINES: usize = 3;

/// The moderator's text after the token and in the lines below. Quoted lines are left out.
pub(super) fn reason<'a>(
    commands: &NamedRows<Usage>,
    behind_token: &str,
    below: impl Iterator<Item = &'a str>,
) -> String {
    let mut lines = vec![behind_token.trim()];
    let mut is_quoting = false;
    for line in below {
        let quoted = is_quote(line);
        let line = line.trim();
        if quoted {
            if !is_quoting {
                drop_attribution(&mut lines);
            }
        } else if ends(commands, line) {
            break;
        } else {
            lines.push(line);
        }
        is_quoting = quoted;
    }
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    lines.join("\n").trim().chars().take(MAX_REASON_CHARS).collect()
}

/// Whether a line is a command, and not a sentence that begins with the name of one.
pub(super) fn is_command(commands: &NamedRows<Usage>, line: &str) -> bool {
    match parse(commands, line) {
        Ok(MailCommand::Echo(_) | MailCommand::Added { .. }) | Err(_) => false,
        // These commands accept any text after them.
        Ok(MailCommand::Help | MailCommand::Stop) => line.split_whitespace().count() == 1,
        Ok(command) => command.token().is_none_or(|token| is_token(&token.to_ascii_lowercase())),
    }
}

/// Whether the moderator's text ends at this line.
fn ends(commands: &NamedRows<Usage>, line: &str) -> bool {
    let separates = line.starts_with("--") || line.starts_with("____");
    separates || is_repeated_header(line) || is_command(commands, line)
}

/// Whether the line begins a quote without quote marks, in our languages.
fn is_repeated_header(line: &str) -> bool {
    let names = ["from", "von", "de", "expéditeur"];
    let name = line.trim_start_matches('*').split_once(':').map(|(name, _)| name.trim().to_lowercase());
    name.is_some_and(|name| names.contains(&name.as_str())) && line.contains('@')
}

fn is_quote(line: &str) -> bool {
    line.trim_start().starts_with(['>', '|'])
}

/// Removes lines such as "On Monday Anne <anne@example.org> wrote:". The line of the command itself stays.
fn drop_attribution(lines: &mut Vec<&str>) {
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let start = lines[..end].iter().rposition(|line| line.is_empty()).map_or(1, |empty| empty + 1);
    let introduces = |words: &[&str]| {
        let names_somebody = words.iter().any(|line| line.contains('@') || line.contains(char::is_numeric));
        words.last().is_some_and(|line| line.ends_with(':')) && names_somebody
    };
    let paragraph = lines.get(start..end).unwrap_or_default();
    if paragraph.len() <= MAX_ATTRIBUTION_LINES && start > 1 && introduces(paragraph) {
        lines.truncate(start);
    } else if end > 1 && introduces(&lines[end - 1..end]) {
        lines.truncate(end - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    fn check(first: &str, below: &str, expected: &str) {
        assert_eq!(
            reason(&Registry::built_in().commands, first, below.lines()),
            expected,
            "{first:?} {below:?}"
        );
    }

    #[test]
    fn a_reason_goes_on_until_something_ends_it() {
        check("", "", "");
        check("too long", "", "too long");
        check("", "It is too long.\nAnd dull.", "It is too long.\nAnd dull.");
        check("too long", "\nPlease shorten it.\n\n\n\nOlga\n", "too long\n\nPlease shorten it.\n\nOlga");
        for end in ["-- \nOlga", "--\nOlga", "end\nmore", "END", "stop", "help", "key receive"] {
            check("no", &format!("more\n{end}\n"), "no\nmore");
        }
        let token = "abcdefghijklmnopqrstuvwxyz234567";
        check("no", &format!("discard {token}\nmore"), "no");
        check("no", &format!("\n    approve {token}\n    reject {token}\n"), "no");
    }

    #[test]
    fn sentences_that_begin_like_commands_are_words() {
        for line in [
            "help us with a shorter one",
            "who are you?",
            "set it in English",
            "Show us the source.",
            "join the others first",
            "leave out the names",
            "reject it we must",
            "approve of it we cannot",
            "- a point of a list",
            "echo is what it is",
            "key facts are missing",
            "stop it",
            "from: nobody",
        ] {
            check("", line, line);
        }
    }

    #[test]
    fn what_is_quoted_or_repeated_is_no_reason() {
        check("no", "> x\n", "no");
        check("no", "\n> x\n\nOlga", "no\n\nOlga");
        check("no", "  > x\n| y\n", "no");
        check("no", "\nAm 28.11.2026 um 12:00 schrieb Team:\n> x\n", "no");
        check("no", "\nOn Sat, 28 Nov 2026, Team <team@x.example>\nwrote:\n\n> x\n", "no");
        check("no", "Le 28 novembre, Team <team@x.example> a écrit :\n> x\n", "no");
        check("no", "\nLook at this:\n> x\n\nDull.", "no\n\nLook at this:\n\nDull.");
        check("see 1:", "> x\n", "see 1:");
        check("no", "\n-----Original Message-----\nFrom: Team\nx", "no");
        check("no", "\n________________________________\nVon: Team\nx", "no");
        check("no", "\nVon: Team <team-request@x.example>\nGesendet: heute\nx", "no");
        check("no", "\n*De :* Team <team-request@x.example>\nx", "no");
    }

    #[test]
    fn a_reason_has_an_end() {
        assert_eq!(
            reason(&Registry::built_in().commands, "", "long ".repeat(2000).lines()).chars().count(),
            MAX_REASON_CHARS
        );
    }
}
