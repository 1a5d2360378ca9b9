//! Addresses and mailboxes ([RFC 5322, section 3.4], [RFC 6531]).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::encoded_word;

/// The longest address that is accepted, in octets ([RFC 5321, section 4.5.3.1]: 64 + 1 + 255).
const MAX_OCTETS: usize = 320;

/// An addr-spec: `local@domain`. The domain is kept in lower case, the local part as written.
///
/// Two addresses are equal when they differ only in case: local parts that differ in case alone are not
/// found in practice, and a list must not take them for two people.
#[derive(Clone)]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@`, or nothing before or behind it.
    #[error("an address looks like name@domain.example")]
    Incomplete,
    /// A space, a control character, or a bracket or quote where none belongs.
    #[error("an address cannot hold {0:?}")]
    Character(char),
    /// More than 320 octets, or a label of the domain is empty or longer than 63.
    #[error("an address is at most 320 bytes long, and each part of its domain 1 to 63")]
    Length,
}

impl Address {
    /// The part before the `@`, as written.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part behind the `@`, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// All in lower case: the form for look-ups.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.to_lowercase(), self.domain)
    }

    /// Whether the address needs SMTPUTF8 on its way ([RFC 6531]).
    pub fn is_international(&self) -> bool {
        !self.local.is_ascii() || !self.domain.is_ascii()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_OCTETS {
            return Err(AddressError::Length);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Incomplete)?;
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::Incomplete);
        }
        if let Some(bad) = local.chars().find(|c| !is_local(*c)) {
            return Err(AddressError::Character(bad));
        }
        if let Some(bad) = domain.chars().find(|c| !is_domain(*c)) {
            return Err(AddressError::Character(bad));
        }
        if domain.split('.').any(|label| label.is_empty() || label.len() > 63) {
            return Err(AddressError::Length);
        }
        Ok(Self { local: local.to_owned(), domain: domain.to_lowercase() })
    }
}

/// The characters of a dot-atom; quoted local parts are not taken, because no list member has one and
/// every attack with addresses has.
fn is_local(c: char) -> bool {
    match c {
        '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"' => false,
        c => !c.is_whitespace() && !c.is_control(),
    }
}

fn is_domain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') || (!c.is_ascii() && c.is_alphanumeric())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// An address with the name that stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The decoded display name, if there is one.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

/// The header form: `Anne <anne@example.org>`, quoted or encoded ([RFC 2047]) as needed.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            None => write!(f, "{}", self.address),
            Some(name) => write!(f, "{} <{}>", encoded_word::phrase(name), self.address),
        }
    }
}

/// All mailboxes of an address field's raw value; members of groups included, unreadable ones left out.
pub fn parse_mailboxes(value: &[u8]) -> Vec<Mailbox> {
    let mut field = Vec::with_capacity(value.len() + 10);
    field.extend_from_slice(b"To: ");
    field.extend_from_slice(value);
    field.extend_from_slice(b"\r\n\r\n");
    let Some(message) = mail_parser::MessageParser::default().parse_headers(&field) else {
        return Vec::new();
    };
    let Some(addresses) = message.to() else {
        return Vec::new();
    };
    addresses
        .iter()
        .filter_map(|addr| {
            let address = addr.address.as_deref()?.trim().parse().ok()?;
            let name = addr.name.as_deref().map(clean).filter(|name| !name.is_empty());
            Some(Mailbox { name, address })
        })
        .collect()
}

/// How many mailboxes the value names, readable or not: more than [`parse_mailboxes`] gives if some have
/// no address that we accept.
pub(crate) fn count_mailboxes(value: &[u8]) -> usize {
    let mut field = b"To: ".to_vec();
    field.extend_from_slice(value);
    field.extend_from_slice(b"\r\n\r\n");
    let message = mail_parser::MessageParser::default().parse_headers(&field);
    message.as_ref().and_then(|m| m.to()).map_or(0, |addresses| addresses.iter().count())
}

/// One line without control characters, so that a name cannot carry a header.
fn clean(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_strictly() {
        fn good(text: &str, shown: &str) {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        good("Anne@Example.ORG", "Anne@example.org");
        good("a+b=c@x.example", "a+b=c@x.example");
        good("jörg@münchen.example", "jörg@münchen.example");
        good("root@localhost", "root@localhost");
        for bad in [
            "",
            "a",
            "@x",
            "a@",
            "a b@x",
            "a@x y",
            "a\r\n@x",
            "a@b@x",
            "<a@x>",
            "a@x..y",
            "\"a\"@x",
            "a@[1.2.3.4]",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
        assert_eq!(format!("{}@x", "a".repeat(400)).parse::<Address>(), Err(AddressError::Length));
    }

    #[test]
    fn case_makes_no_second_person() {
        assert_eq!("Anne@x.example".parse::<Address>(), "anne@X.example".parse::<Address>());
    }

    #[test]
    fn fields_are_taken_apart() {
        fn check(value: &str, expected: &[(Option<&str>, &str)]) {
            let seen = parse_mailboxes(value.as_bytes());
            let seen: Vec<_> = seen.iter().map(|m| (m.name.as_deref(), m.address.to_string())).collect();
            let expected: Vec<_> = expected.iter().map(|(n, a)| (*n, (*a).to_owned())).collect();
            assert_eq!(seen, expected, "{value}");
        }
        check("anne@x.example", &[(None, "anne@x.example")]);
        check(
            "Anne <anne@x.example>, bart@x.example",
            &[(Some("Anne"), "anne@x.example"), (None, "bart@x.example")],
        );
        check("\"Doe, Jane\" <j@x.example>", &[(Some("Doe, Jane"), "j@x.example")]);
        check("=?utf-8?q?J=C3=B6rg?= <j@x.example>", &[(Some("Jörg"), "j@x.example")]);
        check("team: a@x.example, b@x.example;", &[(None, "a@x.example"), (None, "b@x.example")]);
        check("", &[]);
    }

    proptest! {
        #[test]
        fn a_mailbox_is_read_as_it_was_written(name in "[^\\p{C}\\u{2028}\\u{2029}]{0,40}", local in "[a-z0-9.+-]{1,20}") {
            let name = name.trim().to_owned();
            let mailbox = Mailbox { name: Some(name.clone()).filter(|n| !n.is_empty()), address: format!("{local}@x.example").parse().unwrap() };
            let written = mailbox.to_string();
            prop_assert!(!written.contains(['\r', '\n']));
            let read = parse_mailboxes(written.as_bytes());
            prop_assert_eq!(read.len(), 1, "{}", &written);
            prop_assert_eq!(&read[0].address, &mailbox.address);
        }

        #[test]
        fn nothing_panics(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse_mailboxes(&value);
            count_mailboxes(&value);
        }
    }
}
