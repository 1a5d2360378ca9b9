//! What an address may mean: list names and sub-addresses that it can be read as, and names that would meet.

use sealist_mail::Address;

use super::sub_address::SUFFIXES;
use super::{ListName, SubAddress};

/// One reading of an address: the list, the sub-address, and the text after the `+`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressReading {
    /// The list it would be.
    pub list: ListName,
    /// The sub-address of that list.
    pub sub_address: SubAddress,
    /// The text after the first `+` of the local part. It is a hint, never a proof.
    pub detail: Option<String>,
}

/// Local parts that no list may have: those that every domain must accept (RFC 5321, section 4.5.1, and RFC
/// 3834, section 3.3), and those of the server's own addresses.
pub const RESERVED: &[&str] = &["postmaster", "mailer-daemon"];

/// Why a new list cannot have a name that is otherwise valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameRefused {
    /// One of its addresses would be an address of another list.
    #[error("{0} is an address of {1} too: choose another name")]
    Meets(String, String),
    /// The name is reserved: see [`RESERVED`].
    #[error("{0:?} is reserved: choose another name")]
    Reserved(String),
    /// The name is too long. RFC 5321, section 4.5.3.1.1, allows 64 octets before the `@`, including the
    /// longest suffix.
    #[error(
        "the name is too long: at most {MAX_LOCAL_OCTETS} characters before the @, so that all its addresses fit 64"
    )]
    Long,
}

/// The longest local part of a new list's name, in characters: with `-unsubscribe` it has 64.
pub const MAX_LOCAL_OCTETS: usize = 52;

/// Checks whether a new list may have that name beside the existing ones.
pub fn check_new_name<'a>(
    name: &ListName,
    others: impl IntoIterator<Item = &'a ListName>,
) -> Result<(), NameRefused> {
    if name.local().len() > MAX_LOCAL_OCTETS {
        return Err(NameRefused::Long);
    }
    let own: Vec<String> = locals(name).collect();
    // A reserved name may be the local part itself, or one of its addresses: a list `x` is refused if
    // `x-request` is reserved.
    if let Some(local) = own.iter().find(|local| RESERVED.contains(&local.as_str())) {
        return Err(NameRefused::Reserved(local.clone()));
    }
    for other in others.into_iter().filter(|other| other.mail_host() == name.mail_host() && *other != name) {
        if let Some(local) = locals(other).find(|local| own.contains(local)) {
            let address = format!("{local}@{}", name.mail_host());
            return Err(NameRefused::Meets(address, other.to_string()));
        }
    }
    Ok(())
}

/// The local parts of all addresses of a list.
fn locals(name: &ListName) -> impl Iterator<Item = String> {
    std::iter::once("").chain(AddressReading::suffixes()).map(|suffix| format!("{}{suffix}", name.local()))
}

impl AddressReading {
    /// All suffixes of sub-addresses, with their hyphen.
    pub fn suffixes() -> impl Iterator<Item = &'static str> {
        SUFFIXES.iter().map(|(suffix, _)| *suffix)
    }

    /// All readings of `address`, the most literal first. A list may itself be called `x-request`, so the
    /// caller takes the first reading whose list exists.
    pub fn readings(address: &Address) -> Vec<Self> {
        let local = address.local().to_lowercase();
        let (base, detail) = match local.split_once('+') {
            // The detail keeps its case, because tokens are case-sensitive.
            Some((base, _)) => (base.to_owned(), address.local().split_once('+').map(|(_, d)| d.to_owned())),
            None => (local, None),
        };
        let posting = (base.as_str(), SubAddress::Posting);
        let others = SUFFIXES
            .iter()
            .filter_map(|&(suffix, sub_address)| Some((base.strip_suffix(suffix)?, sub_address)));
        std::iter::once(posting)
            .chain(others)
            .filter_map(|(name, sub_address)| {
                let list = ListName::new(name, address.ascii_domain()).ok()?;
                Some(Self { list, sub_address, detail: detail.clone() })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReservedLocal;
    use super::*;

    fn check(address: &str, expected: &[(&str, SubAddress, Option<&str>)]) {
        let readings = AddressReading::readings(&address.parse().unwrap());
        let seen: Vec<_> =
            readings.iter().map(|r| (r.list.local(), r.sub_address, r.detail.as_deref())).collect();
        assert_eq!(seen, expected, "{address}");
    }

    #[test]
    fn no_list_takes_a_reserved_local_part() {
        for reserved in [ReservedLocal::Bounces, ReservedLocal::Confirm] {
            let name = reserved.name();
            assert!(ListName::new(name, "lists.example").is_err());
            let address = format!("{}+Ab.2@lists.example", name.to_uppercase()).parse().unwrap();
            assert_eq!(ReservedLocal::read(&address), Some((reserved, "Ab.2")));
            assert_eq!(AddressReading::readings(&address), []);
        }
        for other in ["team+x@lists.example", "_b@lists.example", "_bounces+x@lists.example"] {
            assert_eq!(ReservedLocal::read(&other.parse().unwrap()), None, "{other}");
        }
    }

    #[test]
    fn an_address_is_read_from_the_most_literal_side() {
        check("team@lists.example", &[("team", SubAddress::Posting, None)]);
        check(
            "Team-Request@lists.example",
            &[("team-request", SubAddress::Posting, None), ("team", SubAddress::Request, None)],
        );
        check(
            "team-confirm+AbC@lists.example",
            &[("team-confirm", SubAddress::Posting, Some("AbC")), ("team", SubAddress::Confirm, Some("AbC"))],
        );
        check("-owner@lists.example", &[]);
    }

    #[test]
    fn lists_whose_addresses_meet_cannot_both_be() {
        fn check(new: &str, there: &str, allowed: bool) {
            let name = |text: &str| format!("{text}@lists.example").parse::<ListName>().unwrap();
            for (new, there) in [(new, there), (there, new)] {
                let answer = check_new_name(&name(new), &[name(there)]);
                assert_eq!(answer.is_ok(), allowed, "{new} beside {there}: {answer:?}");
            }
            let elsewhere: ListName = format!("{there}@other.example").parse().unwrap();
            assert_eq!(check_new_name(&name(new), &[elsewhere]), Ok(()), "{new}: another domain");
        }
        for suffix in AddressReading::suffixes() {
            check(&format!("team{suffix}"), "team", false);
            check(&format!("TEAM{suffix}"), "team", false);
            check(&format!("team{suffix}{suffix}"), "team", true);
            check(&format!("teams{suffix}"), "team", true);
        }
        check("team-x", "team", true);
        check("team.owner", "team", true);
    }

    #[test]
    fn some_names_no_list_has() {
        let check = |text: &str| check_new_name(&format!("{text}@x.example").parse().unwrap(), &[]);
        for local in RESERVED {
            assert!(matches!(check(local), Err(NameRefused::Reserved(_))), "{local}");
            assert!(matches!(check(&local.to_uppercase()), Err(NameRefused::Reserved(_))), "{local}");
        }
        assert_eq!(check(&"x".repeat(MAX_LOCAL_OCTETS)), Ok(()));
        assert_eq!(check(&"x".repeat(MAX_LOCAL_OCTETS + 1)), Err(NameRefused::Long));
        let longest = AddressReading::suffixes().map(str::len).max().unwrap();
        assert_eq!(MAX_LOCAL_OCTETS + longest, 64);
    }

    #[test]
    fn every_sub_address_is_named_by_its_suffix() {
        for sub_address in SubAddress::ALL {
            let suffix = match sub_address {
                SubAddress::Posting => String::new(),
                named => format!("-{named}"),
            };
            assert_eq!(sub_address.suffix(), suffix);
            assert!(suffix.is_empty() || SUFFIXES.contains(&(&suffix, *sub_address)), "{suffix}");
        }
    }
}
