//! The fingerprint that identifies a certificate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The fingerprint of a certificate's primary key: 40 (v4) or 64 (v6) hexadecimal digits in upper case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// The text is not 40 or 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 40 or 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    pub(crate) fn of(fingerprint: &sequoia_openpgp::Fingerprint) -> Self {
        Self(fingerprint.to_hex())
    }

    pub(crate) fn of_octets(octets: &[u8]) -> Self {
        Self(octets.iter().map(|octet| format!("{octet:02X}")).collect())
    }

    /// The digits in groups of four, for people who compare fingerprints.
    pub fn spaced(&self) -> String {
        let groups: Vec<String> =
            self.0.as_bytes().chunks(4).map(|g| String::from_utf8_lossy(g).into_owned()).collect();
        groups.join(" ")
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_uppercase();
        let legal = matches!(digits.len(), 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if legal { Ok(Self(digits)) } else { Err(NotAFingerprint) }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_and_without_spaces() {
        let long = "0123456789abcdef0123456789ABCDEF01234567";
        let read: Fingerprint = long.parse().unwrap();
        assert_eq!(read.to_string(), long.to_uppercase());
        assert_eq!(read.spaced().parse(), Ok(read));
        assert!("0123".parse::<Fingerprint>().is_err());
        assert!("x".repeat(40).parse::<Fingerprint>().is_err());
    }
}
