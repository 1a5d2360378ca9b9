//! The names of members: which may stand for whom. No settings.

use sealist_lists::model::{MemberNo, person_name};
use sealist_mail::{Address, looks_like};
use sealist_openpgp::Certificate;
use sealist_store::people;

use super::Desk;
use crate::AppError;

/// Names that are read at a time.
const PAGE: u32 = 500;

/// Whether that name may stand for this person on the list: it looks like no list's, and like nobody else's.
pub(crate) async fn is_free(desk: Desk<'_>, address: &Address, name: &str) -> Result<bool, AppError> {
    let list = desk.list;
    if name.is_empty() {
        return Ok(true);
    }
    if looks_like(name, &list.display_name()) || looks_like(name, list.name.local()) {
        return Ok(false);
    }
    let mut after = MemberNo(0);
    loop {
        let mut db = desk.app.store.reader().await?;
        let names = people::names_of_others(&mut db, list.no, address, after, PAGE).await?;
        if names.iter().any(|(_, other)| looks_like(name, other)) {
            return Ok(false);
        }
        match names.last() {
            Some((last, _)) if names.len() == PAGE as usize => after = *last,
            _ => return Ok(true),
        }
    }
}

/// The first of these names that may stand for this person on the list; empty: none.
pub(crate) async fn first_free(
    desk: Desk<'_>,
    address: &Address,
    names: impl IntoIterator<Item = String>,
) -> Result<String, AppError> {
    let names = names.into_iter().filter_map(|name| person_name(&name)).filter(|name| !name.is_empty());
    for name in names.collect::<Vec<_>>() {
        if is_free(desk, address, &name).await? {
            return Ok(name);
        }
    }
    Ok(String::new())
}

/// The name that a key has for this person.
pub(crate) fn in_key(desk: Desk<'_>, address: &Address, key: Option<&Certificate>) -> Option<String> {
    key.and_then(|key| key.name_of(address, desk.now))
}
