//! A person with any number of addresses.
//!
//! A user says which addresses belong together, and nothing about keys: certificates, key changes and the
//! proof of possession stay with each address. Otherwise whoever links an address to a user would speak with
//! the key of another address.

use sealist_mail::Address;

use super::{AddressNo, UniqueId, UserNo};

/// A person with any number of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The row.
    pub no: UserNo,
    /// The id that programs outside know the user by.
    pub id: UniqueId,
    /// The name shown to others; may be empty.
    pub display_name: String,
    /// Whether the user is in charge of the whole site. Nothing asks for this yet: the command line may do
    /// everything, and mail is judged by roles on lists. The REST interface and the pages will ask.
    pub is_server_owner: bool,
    /// The addresses that are linked to the user.
    pub addresses: Vec<LinkedAddress>,
}

/// An address of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAddress {
    /// The row.
    pub no: AddressNo,
    /// The address.
    pub address: Address,
    /// Whether memberships of the user go to it.
    pub is_preferred: bool,
}

impl User {
    /// The address to which memberships of the user go; `None`: the user has not chosen one.
    pub fn preferred(&self) -> Option<&LinkedAddress> {
        self.addresses.iter().find(|linked| linked.is_preferred)
    }
}
