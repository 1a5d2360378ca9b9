//! Addresses and mailboxes ([RFC 5322, section 3.4], [RFC 6531]).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::encoded_word;
use crate::visible::{is_misleading, one_line, shown};

/// The longest address that is accepted, in octets ([RFC 5321, section 4.5.3.1]: 64 + 1 + 255).
const MAX_OCTETS: usize = 320;

/// An addr-spec: `local@domain`. The local part keeps the case in which people write it; the domain is in
/// lower case.
///
/// Two addresses are equal if their [`Address::key`] is equal. So a different case, another Unicode form of
/// an accent, or another form of an international domain does not make a second person.
#[derive(Clone)]
pub struct Address {
    local: String,
    domain: String,
    ascii_domain: String,
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The `@` is missing, or nothing stands before or after it.
    #[error("an address looks like name@domain.example")]
    Incomplete,
    /// The text has a space, a control character, an invisible character, or a bracket or quote in a wrong
    /// place.
    #[error("an address cannot hold {0:?}")]
    Character(char),
    /// The domain has no valid ASCII form ([RFC 5890], [UTS 46]).
    #[error("the domain of the address is no valid international domain name")]
    Domain,
    /// The address is longer than 320 octets, or a label of the domain is empty or longer than 63.
    #[error("an address is at most 320 bytes long, and each part of its domain 1 to 63")]
    Length,
}

impl Address {
    /// The part before the `@`, as written.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@` as it is shown to people, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The part after the `@` with A-labels ([RFC 5890]), in lower case: the form for look-ups and for DNS.
    pub fn ascii_domain(&self) -> &str {
        &self.ascii_domain
    }

    /// The form for look-ups: the local part in lower case and NFC, the domain with A-labels.
    pub fn key(&self) -> String {
        format!("{}@{}", folded(&self.local), self.ascii_domain)
    }

    /// The same address with A-labels. If its local part is ASCII, it can then be sent without SMTPUTF8.
    pub fn with_ascii_domain(&self) -> Self {
        Self { domain: self.ascii_domain.clone(), ..self.clone() }
    }

    /// Whether the address needs SMTPUTF8 to be sent ([RFC 6531]).
    pub fn is_international(&self) -> bool {
        !self.local.is_ascii() || !self.domain.is_ascii()
    }

    /// The [`Address::key`] of an address that was accepted earlier, perhaps by older rules.
    pub fn key_of(stored: &str) -> String {
        let lower = || stored.to_ascii_lowercase();
        if stored.is_ascii() {
            lower()
        } else {
            Self::from_stored(stored).map_or_else(lower, |one| one.key())
        }
    }

    /// An address that was accepted earlier, perhaps by older rules. Returns `None` only if there is no `@`.
    pub fn from_stored(text: &str) -> Option<Self> {
        text.parse().ok().or_else(|| {
            let (local, domain) = text.rsplit_once('@')?;
            let domain = domain.to_lowercase();
            Some(Self { local: local.to_owned(), ascii_domain: domain.clone(), domain })
        })
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
        let bad = local.chars().find(|c| !is_local(*c)).or_else(|| domain.chars().find(|c| !is_domain(*c)));
        let bad = bad.or_else(|| local.chars().next().filter(|first| is_combining_mark(*first)));
        if let Some(bad) = bad {
            return Err(AddressError::Character(bad));
        }
        let (domain, ascii_domain) = both_forms(domain)?;
        if ascii_domain.split('.').any(|label| label.is_empty() || label.len() > 63) {
            return Err(AddressError::Length);
        }
        Ok(Self { local: local.to_owned(), domain, ascii_domain })
    }
}

/// The domain in its display form and with A-labels.
fn both_forms(domain: &str) -> Result<(String, String), AddressError> {
    let lower = domain.to_ascii_lowercase();
    if lower.is_ascii() && !lower.split('.').any(|label| label.starts_with("xn--")) {
        return Ok((lower.clone(), lower));
    }
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(lower.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| AddressError::Domain)?
        .into_owned();
    // A character that is compatible with an ASCII character becomes that character.
    if !ascii.chars().all(is_domain) {
        return Err(AddressError::Domain);
    }
    let shown_form =
        || uts46.to_unicode(lower.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow).0.into_owned();
    Ok((if lower.is_ascii() { lower } else { shown_form() }, ascii))
}

/// Returns the text in lower case and NFC. Converting to lower case may decompose a letter, so NFC comes
/// last.
fn folded(local: &str) -> String {
    if local.is_ascii() {
        return local.to_ascii_lowercase();
    }
    local.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// The characters of a dot-atom. Quoted local parts are refused: list members do not have them, and attacks
/// with addresses use them.
fn is_local(c: char) -> bool {
    match c {
        '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"' => false,
        c => !c.is_whitespace() && !is_misleading(c),
    }
}

/// Checks ASCII characters against those of host names. [UTS 46] judges the others.
fn is_domain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '.' | '_')
        || (!c.is_ascii() && !c.is_whitespace() && !is_misleading(c))
}

/// Writes the address as people write it. Invisible characters of addresses that older rules accepted are
/// escaped.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", shown(&self.local), shown(&self.domain))
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

/// An address with a display name.
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

/// All mailboxes of an address field's raw value. Members of groups are included; unreadable mailboxes are
/// left out.
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

/// How many mailboxes the value names, readable or not. [`parse_mailboxes`] returns fewer if some have no
/// address that we accept.
pub(crate) fn count_mailboxes(value: &[u8]) -> usize {
    let mut field = b"To: ".to_vec();
    field.extend_from_slice(value);
    field.extend_from_slice(b"\r\n\r\n");
    let message = mail_parser::MessageParser::default().parse_headers(&field);
    message.as_ref().and_then(|m| m.to()).map_or(0, |addresses| addresses.iter().count())
}

/// Reduces a display name to one visible line. The name can then neither start a header field nor reverse the
/// text after it.
fn clean(name: &str) -> String {
    one_line(name).trim().to_owned()
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
    fn one_person_has_one_key() {
        fn check(key: &str, spellings: &[&str]) {
            for spelling in spellings {
                let address: Address = spelling.parse().unwrap_or_else(|error| panic!("{spelling}: {error}"));
                assert_eq!(address.key(), key, "{spelling}");
                assert_eq!(address, spellings[0].parse().unwrap(), "{spelling}");
                assert_eq!(address.local(), spelling.rsplit_once('@').unwrap().0, "written as it was");
                let wire = address.with_ascii_domain();
                assert_eq!((wire.key(), wire.domain()), (key.to_owned(), address.ascii_domain()));
                assert_eq!(wire.is_international(), !address.local().is_ascii());
                assert_eq!(Address::from_stored(&address.to_string()).unwrap(), address);
            }
        }
        check("anne@x.example", &["Anne@x.example", "anne@X.Example", "ANNE@x.EXAMPLE"]);
        check(
            "idn@xn--mnchen-3ya.example",
            &[
                "idn@münchen.example",
                "idn@xn--mnchen-3ya.example",
                "Idn@XN--MNCHEN-3YA.example",
                "idn@MÜNCHEN.example",
                "idn@mu\u{308}nchen.example",
                "idn@münchen\u{3002}example",
                "idn@ｍünchen.example",
            ],
        );
        check("rené@x.example", &["rené@x.example", "rene\u{301}@x.example", "RENE\u{301}@X.example"]);
        check("a@xn--strae-oqa.example", &["a@straße.example", "a@xn--strae-oqa.example"]);
        check("a@xn--fsqu00a.xn--0zwm56d", &["a@例子.测试", "a@xn--fsqu00a.测试"]);
        check("\u{1e9}@x.example", &["\u{1e8}@x.example", "K\u{30c}@x.example"]);
    }

    #[test]
    fn another_person_has_another_key() {
        for (one, other) in [
            ("anne@straße.example", "anne@strasse.example"),
            ("jörg@x.example", "joerg@x.example"),
            ("anne@x.example", "\u{430}nne@x.example"),
            ("anne@xn--mnchen-3ya.example", "anne@munchen.example"),
        ] {
            assert_ne!(one.parse::<Address>().unwrap(), other.parse().unwrap());
        }
    }

    #[test]
    fn what_nobody_sees_is_no_part_of_an_address() {
        let unseen = [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{e000}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{85}',
            '\u{7f}',
            '\u{e0041}',
        ];
        for c in unseen {
            for text in
                [format!("an{c}ne@x.example"), format!("anne{c}@x.example"), format!("anne@x{c}y.example")]
            {
                assert_eq!(text.parse::<Address>(), Err(AddressError::Character(c)), "{text:?}");
                let stored = Address::from_stored(&text).unwrap();
                assert!(!stored.to_string().contains(c), "{text:?} is shown raw");
                assert!(parse_mailboxes(text.as_bytes()).is_empty(), "{text:?}");
            }
        }
        assert_eq!("\u{301}anne@x.example".parse::<Address>(), Err(AddressError::Character('\u{301}')));
    }

    #[test]
    fn a_domain_without_a_valid_form_is_refused() {
        for text in [
            "a@xn--a.example",
            "a@xn--\u{fc}.example",
            "a@xn--mnchen-3yb!.example",
            "a@xn--.example",
            "a@\u{2100}.example",
            "a@x\u{ff20}y.example",
            "a@\u{301}x.example",
            "a@\u{5d0}b\u{5d0}1.example",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?} is {:?}", text.parse::<Address>());
        }
        let long = format!("a@{}.example", "ü".repeat(60));
        assert_eq!(long.parse::<Address>(), Err(AddressError::Length));
    }

    #[test]
    fn a_name_turns_no_text() {
        let read = parse_mailboxes("=?utf-8?q?Anne_=E2=80=AEevil?= <a@x.example>".as_bytes());
        assert_eq!(read[0].name.as_deref(), Some("Anne evil"));
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
