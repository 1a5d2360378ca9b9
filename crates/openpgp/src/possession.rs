//! Proof that somebody holds a key: a signed statement.
//!
//! A statement names the list, the action, the address, the fingerprint and a token that is valid once. So no
//! signature for one purpose, list or person can be used for another.

use std::fmt;

use sealist_mail::Address;

use crate::certificate::Certificate;
use crate::fingerprint::Fingerprint;
use crate::open::{Opened, SignatureVerdict};

/// The statement that is signed. Its text form is the same in all languages, because people sign it
/// unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The posting address of the list.
    pub list: String,
    /// The action.
    pub action: String,
    /// The address that the action concerns.
    pub address: String,
    /// The key that the action concerns.
    pub fingerprint: Option<Fingerprint>,
    /// A token that is valid once.
    pub token: String,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "List: {}\nAction: {}\nAddress: {}", self.list, self.action, self.address)?;
        if let Some(fingerprint) = &self.fingerprint {
            writeln!(f, "Fingerprint: {fingerprint}")?;
        }
        writeln!(f, "Token: {}", self.token)
    }
}

impl Statement {
    /// Whether two statements say the same. Case does not matter in addresses.
    fn says(&self, other: &Self) -> bool {
        let address = |text: &str| text.parse::<Address>().ok();
        self.action == other.action
            && self.token == other.token
            && self.fingerprint == other.fingerprint
            && address(&self.list) == address(&other.list)
            && address(&self.address) == address(&other.address)
    }
}

/// A statement that was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundStatement {
    /// The statement.
    pub statement: Statement,
    /// Whether its lines are quoted (`>`), as in an answer.
    pub quoted: bool,
}

/// All statements in a text, quoted or not. Mail programs break and join lines, capitalise labels, and add
/// links to addresses, so only the words count, in their order. An additional word makes the value before it
/// wrong.
pub fn statements(text: &str) -> Vec<FoundStatement> {
    let mut found = Vec::new();
    let mut begun: Vec<(&'static str, String)> = Vec::new();
    let mut quoted = false;
    for line in text.lines() {
        let is_quoted = line.trim_start().starts_with('>');
        let bare = line.trim_start_matches(['>', ' ', '\t', '\u{a0}']);
        for word in bare.split_whitespace().map(without_link).filter(|word| !word.is_empty()) {
            if let Some(label) = label(word) {
                if label == "List" {
                    begun.clear();
                    quoted = false;
                }
                begun.push((label, String::new()));
            } else if let Some((label, value)) = begun.last_mut() {
                let space = if value.is_empty() { "" } else { " " };
                *value += &format!("{space}{word}");
                if *label == "Token" {
                    quoted |= is_quoted;
                    found.extend(complete(&begun).map(|statement| FoundStatement { statement, quoted }));
                    begun.clear();
                }
            }
            quoted |= is_quoted;
        }
    }
    found
}

/// Mail programs add `<mailto:…>` after an address.
fn without_link(word: &str) -> &str {
    word.find("<mailto:").map_or(word, |at| &word[..at])
}

fn label(word: &str) -> Option<&'static str> {
    let name = word.strip_suffix(':')?;
    ["List", "Action", "Address", "Fingerprint", "Token"]
        .into_iter()
        .find(|label| label.eq_ignore_ascii_case(name))
}

/// Parses the lines if none is missing or repeated and all are in order.
fn complete(lines: &[(&str, String)]) -> Option<Statement> {
    let mut rest = lines.iter();
    let mut next =
        |label: &str| rest.next().filter(|(name, _)| *name == label).map(|(_, value)| value.clone());
    let (list, action, address) = (next("List")?, next("Action")?, next("Address")?);
    let fingerprint = match lines.len() {
        5 => Some(next("Fingerprint")?.parse().ok()?),
        _ => None,
    };
    let token = next("Token")?;
    rest.next().is_none().then_some(Statement { list, action, address, fingerprint, token })
}

/// The proof that the holder of a key made a statement. Only [`Possession::of`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possession {
    certificate: Fingerprint,
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The message is not signed as a whole.
    #[error("it is not signed")]
    NotSigned,
    /// There is no valid signature by that key over the whole message, or there is a bad signature beside it.
    #[error("it is not signed by that key")]
    OtherKey,
    /// The signed text is not the statement.
    #[error("it does not hold the statement")]
    OtherWords,
}

impl Possession {
    /// The proof that the holder of `certificate` signed exactly that statement, as part of the protected
    /// content of `opened`. A quoted statement counts only if a key confirms itself. Otherwise somebody could
    /// give an address to another key, leave, or change a preference by answering a mail with a question or a
    /// "no".
    pub fn of(opened: &Opened, certificate: &Certificate, statement: &Statement) -> Result<Self, Unproven> {
        if opened.signatures().is_empty() {
            return Err(Unproven::NotSigned);
        }
        let fingerprint = certificate.fingerprint();
        let by_it = |verdict: &SignatureVerdict| matches!(verdict, SignatureVerdict::Good(valid) if *valid.certificate() == fingerprint);
        // Together the signatures are a proof, and one of them is by that key.
        if opened.valid_signature().is_none() || !opened.signatures().iter().any(by_it) {
            return Err(Unproven::OtherKey);
        }
        let for_itself = statement.fingerprint.as_ref() == Some(&fingerprint);
        let text = opened.text();
        let made = statements(&text)
            .iter()
            .any(|found| found.statement.says(statement) && (for_itself || !found.quoted));
        if made { Ok(Self { certificate: fingerprint }) } else { Err(Unproven::OtherWords) }
    }

    /// The fingerprint of the key.
    pub fn certificate(&self) -> &Fingerprint {
        &self.certificate
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealist_mail::Timestamp;

    use super::*;
    use crate::testing::{Kind, Person};
    use crate::{Limits, open};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn statement(fingerprint: Option<Fingerprint>) -> Statement {
        Statement {
            list: "team@lists.example".into(),
            action: "subscribe".into(),
            address: "anne@example.org".into(),
            fingerprint,
            token: "abcdefgh".into(),
        }
    }

    fn opened(person: &Person, known: &[Certificate], text: &str) -> Opened {
        let entity = format!("Content-Type: text/plain\r\n\r\n{}\r\n", text.replace('\n', "\r\n"));
        let mail = person.mail_signed(entity.as_bytes(), &person.signature(entity.as_bytes(), NOW));
        open(&mail, &[], known, NOW, Limits::default())
    }

    #[test]
    fn only_the_statement_signed_by_the_key_is_proof() {
        let anne = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let eve = Person::new("eve@example.org", Kind::Curve25519, NOW);
        let (key, other) = (anne.certificate(), eve.certificate());
        let made = statement(Some(key.fingerprint()));
        let check = |signer: &Person, known: &Certificate, text: &str, expected: Result<(), Unproven>| {
            let opened = opened(signer, std::slice::from_ref(known), text);
            assert_eq!(Possession::of(&opened, &key, &made).map(|_| ()), expected, "{text}");
        };
        let text = made.to_string();
        let quoted: String = text.lines().map(|line| format!("> {line}\n")).collect();
        check(&anne, &key, &text, Ok(()));
        check(&anne, &key, &format!("Hello,\n\n---\n{text}---\n\nAnne\n"), Ok(()));
        check(&anne, &key, &format!("Anne wrote:\n{quoted}"), Ok(()));
        check(&anne, &key, &text.replace('\n', " "), Ok(()));
        check(&anne, &key, &text.replace(": ", ":\n"), Ok(()));
        check(&anne, &key, &text.replace('\n', "\n\n"), Ok(()));
        check(&anne, &key, &text.replace("List:", "LIST:").replace("Token:", "token:"), Ok(()));
        check(&anne, &key, &text.replace(".example", ".example<mailto:team@lists.example>"), Ok(()));
        check(&anne, &key, &text.replace("Action: ", "Action: do not "), Err(Unproven::OtherWords));
        check(&anne, &key, &text.replace("\nAddress", "\nof Eve\nAddress"), Err(Unproven::OtherWords));
        check(&eve, &key, &text, Err(Unproven::OtherKey));
        check(&eve, &other, &text, Err(Unproven::OtherKey));
        check(&anne, &key, "Yes, please.", Err(Unproven::OtherWords));
        for (from, to) in [
            ("team@", "staff@"),
            ("subscribe", "key change"),
            ("anne@", "bart@"),
            ("abcdefgh", "abcdefgi"),
            ("Token: ", "List: x\nToken: "),
        ] {
            check(&anne, &key, &text.replace(from, to), Err(Unproven::OtherWords));
        }
        let unsigned = open(b"From: anne@example.org\r\n\r\nhi\r\n", &[], &[], NOW, Limits::default());
        assert_eq!(Possession::of(&unsigned, &key, &made), Err(Unproven::NotSigned));
    }

    #[test]
    fn a_quotation_speaks_for_the_key_itself_alone() {
        let anne = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let eve = Person::new("anne@example.org", Kind::Curve25519, NOW);
        let key = anne.certificate();
        let check = |made: &Statement, expected: Result<(), Unproven>| {
            let quoted: String = made.to_string().lines().map(|line| format!("> {line}\n")).collect();
            for (text, expected) in [(made.to_string(), Ok(())), (quoted, expected)] {
                let opened = opened(&anne, std::slice::from_ref(&key), &text);
                assert_eq!(Possession::of(&opened, &key, made).map(|_| ()), expected, "{text}");
            }
        };
        check(&statement(Some(key.fingerprint())), Ok(()));
        check(&statement(Some(eve.certificate().fingerprint())), Err(Unproven::OtherWords));
        check(&statement(None), Err(Unproven::OtherWords));
    }

    proptest! {
        #[test]
        fn a_statement_comes_back(action in "[a-z]{1,9}( [a-z]{1,9}){0,2}", token in "[a-z2-7]{32}", with_key: bool) {
            let key = with_key.then(|| "0123456789abcdef0123456789ABCDEF01234567".parse().unwrap());
            let made = Statement { action, token, ..statement(key) };
            let found = statements(&format!("words\n{made}words\n"));
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].statement, &made);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            statements(&text);
        }
    }
}
