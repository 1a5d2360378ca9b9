//! Finds commands outside the lines at the top of an answer: tokens anywhere, and decisions below a greeting.

use super::reason::reason;
use super::token_form::{TOKEN_CHARS, is_token};
use super::{MailCommand, RequestDecision, Usage, parse};
use crate::rows::NamedRows;

/// The most tokens of one message that are looked up.
const MAX_TOKENS: usize = 8;

/// Words that may be tokens, in lower case and without duplicates. Those of the Subject come first. A token
/// may be quoted or broken by the end of a line.
pub fn tokens(subject: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut take = |word: &str| {
        let word = word.to_ascii_lowercase();
        if found.len() < MAX_TOKENS && is_token(&word) && !found.contains(&word) {
            found.push(word);
        }
    };
    let mut broken = String::new();
    for line in std::iter::once(subject).chain(text.lines()) {
        let bare = line.trim_start_matches(is_quote_mark).trim_end();
        let mut words = bare.split(|c: char| !c.is_ascii_alphanumeric());
        take(&format!("{broken}{}", words.next().unwrap_or_default()));
        bare.split(|c: char| !c.is_ascii_alphanumeric()).for_each(&mut take);
        let last = bare.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        broken = if last.len() < TOKEN_CHARS { last.to_owned() } else { String::new() };
    }
    found
}

/// Decisions in lines that are not quoted, without duplicates. If there are two different decisions about one
/// token, they may be the lines of our own notice, which some programs repeat without quote marks; then
/// neither counts. The lines below a reject are its reason.
pub(super) fn decisions(commands: &NamedRows<Usage>, text: &str) -> Vec<(String, MailCommand)> {
    let mut found: Vec<(String, RequestDecision, MailCommand)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next().map(str::trim) {
        if !line.starts_with(is_quote_mark)
            && let Ok(MailCommand::Decide { decision, token, reason: behind }) = parse(commands, line)
            && is_token(&token.to_ascii_lowercase())
        {
            let words = match decision {
                RequestDecision::Reject => reason(commands, &behind, lines.clone()),
                RequestDecision::Approve | RequestDecision::Discard => behind,
            };
            let command = MailCommand::Decide { decision, token, reason: words };
            if !found.iter().any(|(_, _, known)| *known == command) {
                found.push((line.to_owned(), decision, command));
            }
        }
    }
    match &found[..] {
        [(_, first, _), rest @ ..] if rest.iter().all(|(_, other, _)| other == first) => {
            found.into_iter().map(|(line, _, command)| (line, command)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether programs put this character before quoted lines.
pub(super) fn is_quote_mark(c: char) -> bool {
    matches!(c, '>' | '|' | ' ' | '\t' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz234567";

    #[test]
    fn a_token_is_found_wherever_it_stands() {
        let (head, tail) = TOKEN.split_at(11);
        let upper = TOKEN.to_uppercase();
        for (subject, text) in [
            (format!("key set {TOKEN}"), String::new()),
            (format!("[EXT] Antwort: key set {upper}."), "Here it is.".to_owned()),
            ("x".to_owned(), format!("Hello,\n\nplease.\n\n> key set {TOKEN}\n")),
            ("x".to_owned(), TOKEN.to_string()),
            ("x".to_owned(), format!("<team-confirm+{TOKEN}@lists.example>")),
            ("x".to_owned(), format!("> > key set {head}\n> > {tail}\n> x")),
            ("x".to_owned(), format!("\"key set\n{TOKEN}\"")),
        ] {
            assert_eq!(tokens(&subject, &text), [TOKEN], "{subject:?} {text:?}");
        }
        for text in [&TOKEN[1..], "abcdefghijklmnopqrstuvwxyz2345678", "abcdefghijklmnopqrstuvwxyz234561", ""]
        {
            assert!(tokens("", text).is_empty(), "{text}");
        }
        let many: Vec<String> =
            (b'a'..=b'z').map(|letter| char::from(letter).to_string().repeat(32)).collect();
        assert_eq!(tokens("", &many.join("\n")).len(), MAX_TOKENS);
    }

    #[test]
    fn a_decision_is_meant_when_it_is_written() {
        let check = |text: &str, expected: &[RequestDecision]| {
            let found = decisions(&Registry::built_in().commands, text);
            let seen: Vec<_> = found
                .iter()
                .map(|(_, command)| match command {
                    MailCommand::Decide { decision, .. } => *decision,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(seen, expected, "{text}");
        };
        check(&format!("Hello,\n\napprove {TOKEN}\n\nOlga"), &[RequestDecision::Approve]);
        check(&format!("> approve {TOKEN}\n"), &[]);
        check(&format!(" | approve {TOKEN}\n"), &[]);
        check(&format!("No!\n\n    approve {TOKEN}\n    reject {TOKEN}\n    discard {TOKEN}\n"), &[]);
        check(&format!("Fine.\n\n> approve {TOKEN}\n\nreject {TOKEN} spam\n"), &[RequestDecision::Reject]);
        check("approve of this", &[]);
    }
}
