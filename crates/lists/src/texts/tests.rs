use std::sync::{Arc, Mutex};

use expect_test::expect_file;

use super::render::{lines, notice, problem, sentences};
use super::values::samples;
use super::*;
use crate::commands::{COMMANDS, Problem, Success};
use crate::key_problem::KeyProblem;
use crate::model::ListName;
use crate::model::attributes::{DERIVED, attributes};
use crate::registry::Registry;
use crate::rules::Reason;

const LONGEST_SUBJECT: usize = 69;
const LONGEST_LINE: usize = 78;

fn path(text: Text, language: Language) -> String {
    format!("crates/lists/src/texts/{}/{}.txt", language.name(), text.row().file)
}

/// Every text with its file in every language.
fn files() -> Vec<(Text, String, &'static str)> {
    let all = Text::ALL.iter().flat_map(|text| Language::ALL.iter().map(|language| (*text, *language)));
    all.filter_map(|(text, language)| Some((text, path(text, language), text.built_in(language)?))).collect()
}

#[test]
fn every_text_is_there_in_every_language() {
    let all = Text::ALL.iter().flat_map(|text| Language::ALL.iter().map(|language| (*text, *language)));
    let lacking = all.filter(|(text, language)| text.built_in(*language).is_none());
    let lacking: Vec<String> = lacking.map(|(text, language)| path(text, language)).collect();
    assert!(lacking.is_empty(), "write these, and name their languages in table.rs: {lacking:#?}");
}

#[test]
fn every_file_is_filled_in_with_the_values_that_it_is_promised() {
    for (text, path, source) in files() {
        assert_eq!(problem(text, source), None, "{path}");
        assert!(source.ends_with('\n') && !source.contains('\r'), "{path}");
    }
}

#[test]
fn lines_fit_on_a_screen() {
    for (text, path, source) in files() {
        for values in samples(text.values()) {
            let body = match text.form() {
                TextForm::Sentences => continue,
                TextForm::Block => lines(source, &values).unwrap(),
                TextForm::Notice => {
                    let made = notice(source, &values).unwrap();
                    assert!(made.subject.chars().count() <= LONGEST_SUBJECT, "{path}: {}", made.subject);
                    assert!(made.body.len() > 40 && made.body.ends_with('\n'), "{path}");
                    made.body
                }
            };
            assert!(!body.contains("\n\n\n") && !body.starts_with('\n'), "{path}: {body}");
            // People copy a command as one line, and a link must be one word.
            let whole =
                |line: &&str| line.starts_with("    gpg ") || line.trim_start().starts_with("<mailto:");
            for line in body.lines().filter(|line| !whole(line)) {
                assert!(line.chars().count() <= LONGEST_LINE, "{path}: {line}");
            }
        }
    }
}

/// Programs parse what people send back.
#[test]
fn commands_and_statements_are_the_same_in_every_language() {
    fn sent_back(source: &str) -> Vec<&str> {
        source
            .lines()
            .filter(|line| line.contains("{{ token }}") || line.contains("{{ statement }}"))
            .collect()
    }
    for (text, path, source) in files() {
        assert_eq!(sent_back(source), sent_back(text.english()), "{path}");
    }
}

/// A key is called another key only if its fingerprint differs.
#[test]
fn a_key_is_called_another_only_if_it_is() {
    const NEW: &str = "0123 4567";
    const OLD: &str = "89AB CDEF";
    for (language, another) in
        [(Language::En, "nother"), (Language::De, "anderen"), (Language::Fr, "autre clé")]
    {
        let source = Text::Request.built_in(language).unwrap();
        for goal in ["key approval", "subscribe", "key reset"] {
            for (old, is_other) in [(None, false), (Some(NEW), false), (Some(OLD), true)] {
                let values = context! {
                    goal, fingerprint => NEW, old_fingerprint => old, list => "Team", names_address => true,
                    address => "team@lists.example", email => "bart@example.org", mixed_scripts => false,
                    token => Option::<&str>::None, pgp => true,
                };
                let made = notice(source, &values).unwrap();
                let all = format!("{}\n{}", made.subject, made.body);
                let told = |fingerprint: &str| all.matches(fingerprint).count();
                assert_eq!((told(NEW), told(OLD)), (1, usize::from(is_other)), "{language:?} {goal}: {all}");
                if goal == "key approval" {
                    let says = made.body.contains(another) && made.subject.contains(another);
                    assert_eq!(says, is_other, "{language:?}: {all}");
                    assert_eq!(made.subject.contains(another), is_other, "{language:?}: {all}");
                }
            }
        }
    }
}

/// People who had no key are not told of an old key. People who get a notice twice are told why.
#[test]
fn notices_about_keys_fit_what_was_there_before() {
    const OLD: &str = "89AB CDEF";
    for (language, lost, another, twice) in [
        (Language::En, "the old one is", "another key", "notice twice"),
        (Language::De, "der alte", "anderen Schlüssel", "zweimal"),
        (Language::Fr, "l’ancienne est", "autre clé", "deux fois"),
    ] {
        for (old, is_twice) in [(None, false), (Some(OLD), false), (Some(OLD), true)] {
            let values = context! {
                goal => "key reset", list => "Team", address => "team@lists.example", email => "bart@example.org",
                owner => "o", request => "r", hours => 72, token => "t", pgp => true, names_address => true,
                fingerprint => "0123 4567", old_fingerprint => old, twice => is_twice, mixed_scripts => false,
            };
            let made = |text: Text| {
                let made = notice(text.built_in(language).unwrap(), &values).unwrap();
                format!("{}\n{}", made.subject, made.body).split_whitespace().collect::<Vec<_>>().join(" ")
            };
            for text in [Text::KeyRequest, Text::Request] {
                assert_eq!(made(text).contains(lost), old.is_some(), "{language:?} {text:?}: {}", made(text));
            }
            let changed = made(Text::KeyChanged);
            assert_eq!(changed.contains(another), old.is_some(), "{changed}");
            assert_eq!(changed.contains(twice), is_twice, "{changed}");
        }
    }
}

/// `sealist texts show` prints the values as a comment, and people keep what it prints.
#[test]
fn a_comment_behind_a_text_changes_nothing() {
    for (text, path, source) in files() {
        let values = samples(text.values()).remove(0);
        if text.form() == TextForm::Sentences {
            let commented = format!("# Values:\n{source}");
            assert!(sentences(&commented).eq(sentences(source)), "{path}");
        } else {
            let commented = format!("{source}{{# Values:\nlist  words\n#}}\n");
            assert_eq!(lines(&commented, &values).unwrap(), lines(source, &values).unwrap(), "{path}");
        }
    }
}

/// The end of docs/texts.md is written by this test (`UPDATE_EXPECT=1`).
#[test]
fn the_documentation_has_every_text_and_value() {
    const END: &str = "## All texts\n";
    let words = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/texts.md"));
    let (head, _) = words.split_once(END).unwrap();
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut made = format!("{head}{END}\n| name | what it is for | values |\n|---|---|---|\n");
    for text in Text::ALL {
        made.push_str(&format!("| `{}` | {} | {} |\n", text.name(), text.purpose(), quoted(text.values())));
    }
    made.push_str("\n| value | what it is |\n|---|---|\n");
    let names: std::collections::BTreeSet<_> = Text::ALL.iter().flat_map(|text| text.values()).collect();
    for value in names.into_iter().filter_map(|name| described(name)) {
        made.push_str(&format!("| `{}` | {} |\n", value.name, value.meaning));
    }
    expect_file!["../../../../docs/texts.md"].assert_eq(&made);
}

/// The names of the sentences that the program needs of a text.
fn asked_for(text: Text) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match text {
        Text::Reasons => owned(&[&Reason::names()[..], &["unknown"]].concat()),
        Text::Problems => owned(Problem::NAMES),
        Text::Answers => owned(Success::NAMES),
        Text::KeyProblems => owned(KeyProblem::NAMES),
        Text::Attributes => {
            let derived = DERIVED.iter().map(|attribute| attribute.name);
            attributes().map(|attribute| attribute.name).chain(derived).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_reason_problem_and_success_has_its_sentence() {
    assert!(Reason::names().len() > 30);
    for (text, path, source) in files() {
        if text.form() != TextForm::Sentences {
            continue;
        }
        let mut named: Vec<&str> = sentences(source).map(|(name, _)| name).collect();
        named.sort_unstable();
        let mut wanted = asked_for(text);
        wanted.sort();
        assert_eq!(named, wanted, "{path}");
    }
}

/// Quoted words may stand at the end of a sentence; then the sentence ends as they do.
#[test]
fn sentences_end_as_sentences_do() {
    for (text, path, source) in files() {
        if text.form() != TextForm::Sentences {
            continue;
        }
        for (name, words) in sentences(source) {
            for what in ["Their words.", ""] {
                let made = lines(words, &context! { what }).unwrap();
                let ends = made.trim_end().ends_with(['.', '?', '!']);
                assert!(ends || what.is_empty() && words.ends_with("{{ what }}"), "{name} of {path}: {made}");
            }
        }
    }
}

#[test]
fn names_are_unique() {
    for text in Text::ALL {
        assert_eq!(Text::from_name(text.name()), Some(*text));
        assert!(!text.purpose().is_empty());
    }
}

#[derive(Default, Clone)]
struct Heard(Arc<Mutex<Vec<Fault>>>);

impl Heard {
    fn texts(&self, files: &[(&str, &str)]) -> Texts {
        let given = |(path, source): &(&str, &str)| Override {
            path: (*path).to_owned(),
            source: (*source).to_owned(),
        };
        let heard = self.0.clone();
        let report = move |fault: &Fault| heard.lock().unwrap().push(fault.clone());
        Texts::new(Language::En, files.iter().map(given).collect(), report)
    }

    fn faults(&self) -> Vec<Fault> {
        self.0.lock().unwrap().clone()
    }
}

fn values() -> Value {
    context! { list => "Team", address => "team@lists.example", messages => Vec::<Value>::new(), more => 7 }
}

const NAME: &str = "list:admin:notice:shunted.txt";

#[test]
fn the_most_specific_file_is_used() {
    fn check(files: &[&str], language: Language, subject: &str) {
        let files: Vec<(String, String)> = files
            .iter()
            .map(|folder| (format!("{folder}/{NAME}"), format!("Of {folder}\n\nBody.\n")))
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, source)| (&**path, &**source)).collect();
        let heard = Heard::default();
        let list: ListName = "team@lists.example".parse().unwrap();
        let place = TextPlace { list: Some(&list), language };
        assert_eq!(heard.texts(&files).notice(Text::Shunted, &place, values()).subject, subject);
        assert_eq!(heard.faults(), []);
    }
    let (list, domain, site) = ("lists/team.lists.example/de", "domains/lists.example/de", "site/de");
    let ours = Texts::default().notice(Text::Shunted, &TextPlace::default(), values()).subject;
    check(&[], Language::En, &ours);
    check(&[site, domain, list], Language::De, &format!("Of {list}"));
    check(&[site, domain], Language::De, &format!("Of {domain}"));
    check(&[site], Language::De, &format!("Of {site}"));
    check(&[site, domain, list], Language::En, &ours);
    check(&["lists/other.lists.example/en", "domains/other.example/en"], Language::En, &ours);
    check(&["lists/team.lists.example/en", "site/en"], Language::En, "Of lists/team.lists.example/en");
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_ours_stands_in() {
    fn check(path: &str, source: &str, detail: &str) {
        let heard = Heard::default();
        let texts = heard.texts(&[(path, source)]);
        let ours = Texts::default().notice(Text::Shunted, &TextPlace::default(), values());
        assert_eq!(texts.notice(Text::Shunted, &TextPlace::default(), values()), ours);
        let faults = heard.faults();
        assert_eq!((faults.len(), &*faults[0].path), (1, path));
        assert!(faults[0].detail.contains(detail), "{}", faults[0].detail);
    }
    let path = format!("site/en/{NAME}");
    check(&path, "Subject {{\n\nBody.\n", "syntax error");
    check(&path, "Subject\n\n{{ nobody }}\n", "undefined");
    check(&path, "Subject\n\n{% if more %}\n", "syntax error");
    check(&path, "No subject,\nonly words.\n", "first line");
    check(&path, "Only a subject\n", "first line");
    check(&path, "\n\nBody.\n", "subject");
    check(&path, "", "first line");
    check("site/en/list:admin:notice:shuntd.txt", "S\n\nB\n", "did you mean \"list:admin:notice:shunted\"?");
    check("site/xx/list:admin:notice:shunted.txt", "S\n\nB\n", "there are en, de, fr");
    check("list:admin:notice:shunted.txt", "S\n\nB\n", "it must be in");
    check("site/en/list:admin:notice:shunted.html", "S\n\nB\n", "end in .txt");
    check("site/en/list:reasons.txt", "own-loop\n", "nothing behind its colon");
    check("site/en/list:reasons.txt", "own-lop: Words.\n", "there is no sentence \"own-lop\"");
}

/// The file works for the samples and fails on real values.
#[test]
fn a_file_that_fails_later_is_reported_once() {
    let source = "{{ 100 // (more - 7) }}\n\nBody.\n";
    let heard = Heard::default();
    let texts = heard.texts(&[("site/en/list:admin:notice:shunted.txt", source)]);
    assert_eq!(heard.faults(), []);
    for _ in 0..3 {
        let notice = texts.notice(Text::Shunted, &TextPlace::default(), values());
        assert_eq!(notice.subject, "Team: messages could not be handled");
    }
    assert_eq!(heard.faults().len(), 1);
}

#[test]
fn a_site_may_have_some_sentences_of_its_own() {
    let heard = Heard::default();
    let texts = heard.texts(&[("site/en/list:reasons.txt", "banned: Not you.\r\n")]);
    assert_eq!(texts.reason(Reason::Banned, &TextPlace::default()), "Not you.");
    assert_eq!(texts.reason(Reason::Nonmember, &TextPlace::default()), "The sender is not a member.");
    assert_eq!(heard.faults(), []);
}

#[test]
fn a_value_cannot_add_lines() {
    let values = context! {
        list => "Team\n\nSubject: false\r\n<b>",
        address => "team@lists.example",
        messages => vec![
            context! { entry => 7, received_at => "", address => "a\u{2028}b\nSignature: good" },
        ],
        more => 0,
    };
    let notice = Texts::default().notice(Text::Shunted, &TextPlace::default(), values);
    assert_eq!(notice.subject, "Team  Subject: false  <b>: messages could not be handled");
    assert!(notice.body.contains("to a b Signature: good\n"), "{}", notice.body);
}

#[test]
fn texts_read_anew_count_for_everybody_who_has_them() {
    let heard = Heard::default();
    let texts = heard.texts(&[]);
    let elsewhere = texts.clone();
    texts.replace(&heard.texts(&[("site/en/list:admin:notice:shunted.txt", "New\n\nBody.\n")]));
    assert_eq!(elsewhere.notice(Text::Shunted, &TextPlace::default(), values()).subject, "New");
    let (origin, source) = elsewhere.source(Text::Shunted, &TextPlace::default());
    assert_eq!(origin, TextSource::File("site/en/list:admin:notice:shunted.txt".to_owned()));
    assert_eq!(source, "New\n\nBody.\n");
}

/// The words that a text puts in quotation marks, or on a line of its own with a token.
fn offered(source: &str) -> Vec<String> {
    let mut offered: Vec<String> = Vec::new();
    let flat = source.split_whitespace().collect::<Vec<_>>().join(" ");
    // The content of a tag is for the program.
    let flat: String = flat
        .split("{%")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once("%}").map_or("", |(_, words)| words) })
        .collect();
    for (open, close) in [('"', '"'), ('„', '“'), ('«', '»')] {
        let mut rest = flat.as_str();
        while let Some((_, behind)) = rest.split_once(open) {
            let Some((inner, after)) = behind.split_once(close) else { break };
            offered.push(inner.trim().to_owned());
            // If the closing mark is the same as the opening one, the next mark may be either.
            rest = if open == close { behind } else { after };
        }
    }
    let lines = source.lines().filter(|line| line.starts_with("    ") && !line.contains("sealist"));
    offered.extend(lines.map(|line| line.trim().to_owned()));
    offered
}

/// A command that a text offers, in the form in which people write it.
fn as_written(words: &str) -> String {
    ["{{ token }}", "{{ message.token }}", "TOKEN"]
        .iter()
        .fold(words.to_owned(), |words, token| words.replace(token, &"a".repeat(32)))
}

#[test]
fn every_command_stands_in_the_help() {
    for &language in Language::ALL {
        let place = TextPlace { list: None, language };
        let help = Texts::default().lines(Text::Commands, &place, context! { pgp => true });
        for command in COMMANDS {
            let begins = |line: &str| line.split_whitespace().next() == Some(command.name);
            assert!(help.lines().any(begins), "{language:?}: {} is missing in commands.txt", command.name);
        }
    }
}

#[test]
fn every_command_that_a_text_offers_is_understood_and_in_the_help() {
    let mut seen = 0;
    for &language in Language::ALL {
        let help = Texts::default().lines(
            Text::Commands,
            &TextPlace { list: None, language },
            context! { pgp => true },
        );
        for text in Text::ALL.iter().filter(|text| **text != Text::Commands) {
            let Some(source) = text.built_in(language) else { continue };
            for words in offered(source) {
                let line = as_written(&words);
                let has_token = line != words;
                let name = line.split_whitespace().next().unwrap_or_default().to_lowercase();
                let known = crate::commands::name(&Registry::built_in().commands, &line);
                // "key set" alone names a notice, and "set" alone is a command that needs an argument.
                let is_command = has_token && !words.contains(':') || !known.is_empty() && name == known;
                if !is_command || words.contains('{') && !has_token {
                    continue;
                }
                let read = crate::commands::parse(&Registry::built_in().commands, &line);
                let incomplete = !has_token
                    && matches!(
                        read,
                        Err(Problem::MissingToken | Problem::NoSubcommand | Problem::NoSuchLanguage(_))
                    );
                assert!(read.is_ok() || incomplete, "{language:?} {text:?}: {words}: {read:?}");
                let named: Vec<&str> = line.split(' ').take(if name == "key" { 2 } else { 1 }).collect();
                let named = named.join(" ");
                assert!(
                    help.lines()
                        .any(|line| line.starts_with(&named) || line.contains(&format!(": {named})"))),
                    "{language:?} {text:?}: {named} is not in the help"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "{seen}");
}

/// The notice also goes out for signed mail that is ambiguous.
#[test]
fn what_may_be_signed_alone_is_not_called_encrypted() {
    let claims =
        ["encrypted message", "verschlüsselte Nachricht", "verschlüsselten Nachricht", "message chiffré"];
    for (language, words) in Text::NotActedOn.row().sources {
        for claim in claims {
            assert!(!words.contains(claim), "{language}: {claim}");
        }
    }
}
