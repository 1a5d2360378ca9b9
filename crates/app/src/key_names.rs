//! The names under which the keys of lists are kept.

use sealist_lists::model::MailingList;
use sealist_openpgp::KeyName;
use sealist_store::list_keys::{ListKeyPurpose, ListKeyRow};

/// The name under which a key of a list is kept.
pub(crate) fn name_of(list: &MailingList, row: &ListKeyRow) -> KeyName {
    name(list, row.purpose, &row.fingerprint, row.generation)
}

/// The name under which a new key of a list is kept.
pub(crate) fn name(
    list: &MailingList,
    purpose: ListKeyPurpose,
    fingerprint: &str,
    generation: u32,
) -> KeyName {
    let (list, purpose) = (list.name.list_id(), purpose.name());
    KeyName { list, purpose, fingerprint: fingerprint.to_owned(), generation }
}
