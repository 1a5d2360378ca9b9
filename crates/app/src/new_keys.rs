//! New keys of a list: made, kept, and the rows that name them.

use sealist_lists::model::{MailingList, SubAddress};
use sealist_mail::Timestamp;
use sealist_openpgp::{Certificate, ListKey, StorageKey};
use sealist_store::list_keys::{ListKeyPurpose, ListKeyState, NewListKey};

use crate::error::AppError;
use crate::key_names::name;
use crate::site::App;

/// A new posting key. Either it is on disk when this returns, or its wrapped form is in the row.
pub(crate) fn posting(
    app: &App,
    list: &MailingList,
    generation: u32,
    state: ListKeyState,
    now: Timestamp,
) -> Result<NewListKey, AppError> {
    let addresses = [SubAddress::Posting, SubAddress::Request, SubAddress::Owner]
        .map(|sub_address| list.name.address(sub_address));
    let key = ListKey::generate(&list.display_name(), &addresses, now)?;
    let row = row(ListKeyPurpose::Posting, &key.certificate(), generation, state);
    keep(app, list, row, &key.to_secret_bytes())
}

/// A new storage key, in the same way.
pub(crate) fn storage(app: &App, list: &MailingList, now: Timestamp) -> Result<NewListKey, AppError> {
    let key = StorageKey::generate(&list.name.to_string(), now)?;
    let row = row(ListKeyPurpose::Storage, key.certificate().certificate(), 1, ListKeyState::Used);
    keep(app, list, row, &key.to_secret_bytes())
}

fn row(
    purpose: ListKeyPurpose,
    certificate: &Certificate,
    generation: u32,
    state: ListKeyState,
) -> NewListKey {
    NewListKey {
        purpose,
        fingerprint: certificate.fingerprint().to_string(),
        certificate: certificate.to_bytes(),
        generation,
        state,
        wrapped: None,
    }
}

fn keep(app: &App, list: &MailingList, row: NewListKey, secret: &[u8]) -> Result<NewListKey, AppError> {
    let name = name(list, row.purpose, &row.fingerprint, row.generation);
    let wrapped = app.vault.keep(&name, secret).map_err(AppError::Vault)?;
    Ok(NewListKey { wrapped, ..row })
}
