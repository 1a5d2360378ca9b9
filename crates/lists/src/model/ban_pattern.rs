//! Whom a ban concerns.

use std::str::FromStr;

use sealist_mail::Address;

/// Whom a ban concerns: one address, or every address of a domain, written `@example.org`. Subdomains are
/// domains of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BanPattern {
    /// One address.
    Address(Address),
    /// Every address of the domain of this address.
    Domain(Address),
}

/// A text that is neither an address nor a domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address, like eve@example.org, nor a domain, like @example.org")]
pub struct NoBanPattern(String);

impl BanPattern {
    /// The form for look-ups: that of the address, or of `@domain`.
    pub fn key(&self) -> String {
        match self {
            Self::Address(address) => address.key(),
            Self::Domain(address) => format!("@{}", address.ascii_domain()),
        }
    }

    /// Whether the ban concerns an address.
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Self::Address(banned) => banned.key() == address.key(),
            Self::Domain(banned) => banned.ascii_domain() == address.ascii_domain(),
        }
    }
}

impl FromStr for BanPattern {
    type Err = NoBanPattern;

    fn from_str(text: &str) -> Result<Self, NoBanPattern> {
        let refused = || NoBanPattern(text.to_owned());
        match text.strip_prefix('@') {
            Some(domain) => format!("x@{domain}").parse().map(Self::Domain).map_err(|_| refused()),
            None => text.parse().map(Self::Address).map_err(|_| refused()),
        }
    }
}

impl std::fmt::Display for BanPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(address) => write!(f, "@{}", address.domain()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_concerns_an_address_or_a_domain_however_it_is_written() {
        for (pattern, address, covers) in [
            ("eve@x.example", "Eve@X.example", true),
            ("EVE@x.example", "eve@x.example", true),
            ("eve@x.example", "evelyn@x.example", false),
            ("@x.example", "anybody@x.example", true),
            ("@X.Example", "anybody@x.example", true),
            ("@x.example", "anybody@sub.x.example", false),
            ("@bücher.example", "eve@xn--bcher-kva.example", true),
            ("@xn--bcher-kva.example", "eve@bücher.example", true),
        ] {
            let ban: BanPattern = pattern.parse().unwrap();
            assert_eq!(ban.covers(&address.parse().unwrap()), covers, "{pattern} {address}");
            assert_eq!(ban.to_string().parse::<BanPattern>().unwrap().key(), ban.key(), "{pattern}");
            assert_eq!(ban.key().parse::<BanPattern>().unwrap().key(), ban.key(), "{pattern}");
        }
    }

    #[test]
    fn nothing_else_is_a_ban() {
        for text in ["", "@", "x.example", "@x example", "a b@x.example", "@@x.example"] {
            let refused = text.parse::<BanPattern>();
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
    }
}
