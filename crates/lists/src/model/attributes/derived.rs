//! Attributes that are only read: they follow from the name of the list.

use super::super::{MailingList, SubAddress};

/// An attribute that nobody sets.
pub struct DerivedAttribute {
    /// The name, Mailman's.
    pub name: &'static str,
    /// Its value.
    pub of: fn(&MailingList) -> String,
}

/// All of them.
pub const DERIVED: &[DerivedAttribute] = &[
    DerivedAttribute { name: "list_name", of: |list| list.name.local().to_owned() },
    DerivedAttribute { name: "mail_host", of: |list| list.name.mail_host().to_owned() },
    DerivedAttribute { name: "fqdn_listname", of: |list| list.name.to_string() },
    DerivedAttribute { name: "list_id", of: |list| list.name.list_id() },
    DerivedAttribute { name: "posting_address", of: |list| list.name.posting().to_string() },
    DerivedAttribute { name: "request_address", of: |list| address(list, SubAddress::Request) },
    DerivedAttribute { name: "owner_address", of: |list| address(list, SubAddress::Owner) },
    DerivedAttribute { name: "join_address", of: |list| address(list, SubAddress::Join) },
    DerivedAttribute { name: "leave_address", of: |list| address(list, SubAddress::Leave) },
    DerivedAttribute { name: "bounces_address", of: |list| address(list, SubAddress::Bounces) },
];

fn address(list: &MailingList, sub_address: SubAddress) -> String {
    list.name.address(sub_address).to_string()
}
