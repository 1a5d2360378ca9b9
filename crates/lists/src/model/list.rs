//! The name of a list, and the list with its settings.

use sealist_mail::{Address, Mailbox};
use serde::{Deserialize, Serialize};

use super::{ListNo, ListSettings, ReservedLocal, SubAddress};

/// The most octets of a local part ([RFC 5321, section 4.5.3.1.1]).
const MAX_LOCAL_OCTETS: usize = 64;

/// The name of a list: local part and mail host in lower case, the mail host with A-labels ([RFC 5890]).
///
/// Invariant: [`ListName::address`] of every sub-address is a valid address of at most 254 octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListName {
    local: String,
    mail_host: String,
}

/// Why a text cannot be the name of a list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListNameError {
    /// The local part has a character outside `a-z 0-9 - _ .`, or does not start and end with a letter or
    /// digit.
    #[error(
        "a list name has only letters, digits, '-', '_' and '.', and starts and ends with a letter or digit: {0:?}"
    )]
    Local(String),
    /// The name is not a valid address.
    #[error("{0:?} is not an address like team@lists.example")]
    Address(String),
}

impl ListName {
    /// Makes a name from a local part and a mail host. Both are converted to lower case, and U-labels become
    /// A-labels.
    pub fn new(local: &str, mail_host: &str) -> Result<Self, ListNameError> {
        let local = local.to_lowercase();
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let dotted = local.contains("..");
        if !edge(local.chars().next()) || !edge(local.chars().last()) || !local.chars().all(inside) || dotted
        {
            return Err(ListNameError::Local(local));
        }
        let longest = format!("{local}{}@{mail_host}", SubAddress::Sendkey.suffix()).parse::<Address>();
        let mail_host = match longest {
            Ok(longest) if longest.with_ascii_domain().to_string().len() <= 254 => {
                longest.ascii_domain().to_owned()
            }
            _ => return Err(ListNameError::Address(format!("{local}@{mail_host}"))),
        };
        Ok(Self { local, mail_host })
    }

    /// The part before the `@` of the posting address.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the `@`.
    pub fn mail_host(&self) -> &str {
        &self.mail_host
    }

    /// The identifier by RFC 2919, `team.lists.example`. It also names the list's key files.
    pub fn list_id(&self) -> String {
        format!("{}.{}", self.local, self.mail_host)
    }

    /// The address of a sub-address of this list.
    pub fn address(&self, sub_address: SubAddress) -> Address {
        format!("{}{}@{}", self.local, sub_address.suffix(), self.mail_host)
            .parse()
            .expect("checked for the longest sub-address in ListName::new")
    }

    /// The confirmation address below the list's own name: see [`MailingList::confirm`].
    pub fn confirm(&self, token: &str) -> Address {
        let address = format!("{}{}+{token}@{}", self.local, SubAddress::Confirm.suffix(), self.mail_host);
        address.parse().unwrap_or_else(|_| self.address(SubAddress::Request))
    }

    /// The posting address.
    pub fn posting(&self) -> Address {
        self.address(SubAddress::Posting)
    }
}

impl std::fmt::Display for ListName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.mail_host)
    }
}

impl std::str::FromStr for ListName {
    type Err = ListNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (local, host) = text.rsplit_once('@').ok_or_else(|| ListNameError::Address(text.to_owned()))?;
        Self::new(local, host)
    }
}

impl TryFrom<String> for ListName {
    type Error = ListNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ListName> for String {
    fn from(name: ListName) -> Self {
        name.to_string()
    }
}

/// A list as the engine sees it.
#[derive(Clone, Debug)]
pub struct MailingList {
    /// Its row number.
    pub no: ListNo,
    /// Its name and addresses.
    pub name: ListName,
    /// All its settings.
    pub settings: ListSettings,
}

impl MailingList {
    /// The name that people see: the setting, or the capitalised local part.
    pub fn display_name(&self) -> String {
        if !self.settings.display_name.is_empty() {
            return self.settings.display_name.clone();
        }
        let mut letters = self.name.local().chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// The address that confirms with that token. The token must consist of letters and digits.
    pub fn confirm(&self, token: &str) -> Address {
        let long = self.name.confirm(token);
        if long.local().len() <= MAX_LOCAL_OCTETS {
            return long;
        }
        let (local, host) = (ReservedLocal::Confirm.name(), self.name.mail_host());
        format!("{local}+{}.{token}@{host}", self.no).parse().unwrap_or(long)
    }

    /// The posting address with the display name.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox { name: Some(self.display_name()), address: self.name.posting() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_domain_name_one_list() {
        let name: ListName = "team@münchen.example".parse().unwrap();
        assert_eq!(name, "team@XN--MNCHEN-3YA.example".parse().unwrap());
        assert_eq!(name.list_id(), "team.xn--mnchen-3ya.example");
        let named =
            |address: &str| super::super::AddressReading::readings(&address.parse().unwrap())[1].list.clone();
        assert_eq!(named("Team-request@münchen.example"), name);
        assert_eq!(named("team-request@xn--mnchen-3ya.example"), name);
        assert!("team@xn--a.example".parse::<ListName>().is_err());
    }

    #[test]
    fn names_are_lower_case_and_plain() {
        assert_eq!(ListName::new("Team", "Lists.Example").unwrap().to_string(), "team@lists.example");
        assert_eq!("a.b-c_1@x.example".parse::<ListName>().unwrap().list_id(), "a.b-c_1.x.example");
        for bad in ["", "-a", "a-", "a b", "a/b", "../x", "a..b", "ä", "a+b"] {
            assert!(ListName::new(bad, "lists.example").is_err(), "{bad:?}");
        }
        assert!("team".parse::<ListName>().is_err());
        assert!(ListName::new("team", "bad host").is_err());
        assert!(ListName::new(&"x".repeat(250), "lists.example").is_err());
    }

    #[test]
    fn the_sub_addresses_have_their_addresses() {
        let name: ListName = "team@lists.example".parse().unwrap();
        assert_eq!(name.address(SubAddress::Request).to_string(), "team-request@lists.example");
        assert_eq!(name.posting().to_string(), "team@lists.example");
    }
}
