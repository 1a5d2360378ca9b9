//! The words people read in mail: MiniJinja templates, one file per text and language.
//!
//! The first line of a mail text is its subject, then an empty line, then the body. To add a language, add
//! a folder with the same files and a row in `LANGUAGES`; a missing file falls back to English.

use minijinja::{Environment, UndefinedBehavior};
pub use minijinja::{Value, context};

/// One of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Lines before the author's part of a copy.
    AuthorBlock,
    /// To a member whose post was not taken; the same words for every reason.
    NotPosted,
    /// To the owners: something waits for a moderator.
    Held,
    /// To the owners: a message broke a runner three times.
    Shunted,
    /// The list's certificate, asked for at `-sendkey`.
    Sendkey,
    /// To a member: a post waits because there is no usable key.
    KeyNeeded,
    /// To the owners: posts wait because a member has no usable key.
    MemberKeyNeeded,
    /// To the owners: a recipient's mail server refused a copy for good, or for too long.
    Undelivered,
    /// To the owners: posts to members stop after too many bounces.
    Stopped,
    /// To a member: the key ends soon, or cannot be used any more.
    KeyEnds,
    /// To an owner: keys of members that end, cannot be used, or have changed.
    KeyNews,
    /// To the members: the list has a new key.
    NewListKey,
}

impl Text {
    /// The stable name: by it a notice counts as sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorBlock => "author-block",
            Self::NotPosted => "not-posted",
            Self::Held => "held",
            Self::Shunted => "shunted",
            Self::Sendkey => "sendkey",
            Self::KeyNeeded => "key-needed",
            Self::MemberKeyNeeded => "member-key-needed",
            Self::Undelivered => "undelivered",
            Self::Stopped => "stopped",
            Self::KeyEnds => "key-ends",
            Self::KeyNews => "key-news",
            Self::NewListKey => "new-list-key",
        }
    }
}

/// A subject and a body, ready to be put into a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Lines that end in LF.
    pub body: String,
}

const ENGLISH: &[(Text, &str)] = &[
    (Text::AuthorBlock, include_str!("en/author_block.txt")),
    (Text::NotPosted, include_str!("en/not_posted.txt")),
    (Text::Held, include_str!("en/held.txt")),
    (Text::Shunted, include_str!("en/shunted.txt")),
    (Text::Sendkey, include_str!("en/sendkey.txt")),
    (Text::KeyNeeded, include_str!("en/key_needed.txt")),
    (Text::MemberKeyNeeded, include_str!("en/member_key_needed.txt")),
    (Text::Undelivered, include_str!("en/undelivered.txt")),
    (Text::Stopped, include_str!("en/stopped.txt")),
    (Text::KeyEnds, include_str!("en/key_ends.txt")),
    (Text::KeyNews, include_str!("en/key_news.txt")),
    (Text::NewListKey, include_str!("en/new_list_key.txt")),
];

/// The sentence for each reason, by its stable name.
const ENGLISH_REASONS: &str = include_str!("en/reasons.json");

/// Fills in a text.
pub fn render(text: Text, values: Value) -> String {
    let source = ENGLISH
        .iter()
        .find(|(t, _)| *t == text)
        .map(|(_, s)| *s)
        .expect("every text has an English file: tested");
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment
        .render_str(source, values)
        .expect("the templates are part of the program and rendered in a test")
}

/// Fills in a mail text and splits off its subject.
pub fn letter(text: Text, values: Value) -> Letter {
    let rendered = render(text, values);
    let (subject, body) = rendered.split_once("\n\n").unwrap_or((&rendered, ""));
    Letter { subject: subject.replace('\n', " ").trim().to_owned(), body: body.to_owned() }
}

/// The plain sentence for a reason.
pub fn sentence(reason: crate::rules::Reason) -> String {
    let sentences: std::collections::BTreeMap<String, String> = serde_json::from_str(ENGLISH_REASONS)
        .expect("reasons.json is part of the program and read in a test");
    sentences.get(&reason.name()).cloned().unwrap_or_else(|| reason.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_subject_and_body() {
        for (text, _) in ENGLISH {
            let values =
                context! { list => "Team", address => "team@lists.example", email => "bart@example.org" };
            let rendered = render(*text, values.clone());
            assert!(rendered.ends_with('\n'), "{text:?}");
            if *text != Text::AuthorBlock {
                let letter = letter(*text, values);
                assert!(!letter.subject.is_empty() && letter.body.len() > 40, "{text:?}");
                assert!(letter.subject.len() < 70, "{text:?}");
            }
        }
    }

    #[test]
    fn every_reason_has_a_sentence() {
        let sentences: std::collections::BTreeMap<String, String> =
            serde_json::from_str(ENGLISH_REASONS).unwrap();
        for name in sentences.keys() {
            let reason: crate::rules::Reason = serde_json::from_value(name.as_str().into()).expect(name);
            assert!(sentence(reason).ends_with('.'), "{name}");
        }
        // The last variant and one with several words stand for a list that is complete.
        assert!(sentences.len() >= 24);
    }
}
