//! The sub-addresses of a list.

use sealist_mail::Address;

use crate::names;

/// One of the addresses of a list: Mailman's sub-addresses, and `-sendkey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubAddress {
    /// The posting address itself.
    Posting,
    /// `-request`: mail commands.
    Request,
    /// `-join` or `-subscribe`.
    Join,
    /// `-leave` or `-unsubscribe`.
    Leave,
    /// `-confirm+TOKEN`.
    Confirm,
    /// `-owner`: the owners and moderators.
    Owner,
    /// `-bounces+VERP`: delivery reports.
    Bounces,
    /// `-sendkey`: answers with the list's certificate.
    Sendkey,
}

names! { SubAddress {
    Posting = "posting",
    Request = "request",
    Join = "join",
    Leave = "leave",
    Confirm = "confirm",
    Owner = "owner",
    Bounces = "bounces",
    Sendkey = "sendkey",
} }

/// The suffixes of the sub-addresses, in the order in which they are tried.
pub(super) const SUFFIXES: &[(&str, SubAddress)] = &[
    ("-request", SubAddress::Request),
    ("-subscribe", SubAddress::Join),
    ("-unsubscribe", SubAddress::Leave),
    ("-join", SubAddress::Join),
    ("-leave", SubAddress::Leave),
    ("-confirm", SubAddress::Confirm),
    ("-owner", SubAddress::Owner),
    ("-bounces", SubAddress::Bounces),
    ("-sendkey", SubAddress::Sendkey),
];

/// A local part on each mail host that no list can have as its name, because it begins with `_`. Addresses
/// with it name their list after the `+`, so that they fit in 64 octets ([RFC 5321, section 4.5.3.1.1]) even
/// if the list's name is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservedLocal {
    /// `_b+HANDLE`: [`SubAddress::Bounces`]. The handle names the list.
    Bounces,
    /// `_c+NUMBER.TOKEN`: [`SubAddress::Confirm`] of the list of that number.
    Confirm,
}

// The names are the parts before the `+`.
names! { ReservedLocal { Bounces = "_b", Confirm = "_c" } }

impl ReservedLocal {
    /// Parses an address. Returns the reserved local part and the text after the `+`.
    pub fn read(address: &Address) -> Option<(Self, &str)> {
        let (local, detail) = address.local().split_once('+')?;
        let known = |reserved: &Self| reserved.name().eq_ignore_ascii_case(local);
        Some((Self::ALL.iter().copied().find(known)?, detail))
    }
}

impl SubAddress {
    /// The text between the list's name and the `@`; empty for [`SubAddress::Posting`].
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Posting => "",
            Self::Request => "-request",
            Self::Join => "-join",
            Self::Leave => "-leave",
            Self::Confirm => "-confirm",
            Self::Owner => "-owner",
            Self::Bounces => "-bounces",
            Self::Sendkey => "-sendkey",
        }
    }
}
