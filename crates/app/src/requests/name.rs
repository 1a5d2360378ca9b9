//! Decides which names members may have. No settings.

use sealist_lists::model::{MailingList, Member, MemberNo, person_name};
use sealist_mail::{Address, looks_like};
use sealist_openpgp::Certificate;
use sealist_store::{lists, people};

use super::ListContext;
use crate::error::AppError;
use crate::site::App;

/// Names per page.
const PAGE: u32 = 500;

/// Whether this person may have that name on the list, and on all other lists where the person has a role,
/// because a person has one name for the whole site.
pub(crate) async fn is_free(
    list_context: ListContext<'_>,
    address: &Address,
    name: &str,
) -> Result<bool, AppError> {
    if name.is_empty() {
        return Ok(true);
    }
    for list in lists_with_role(list_context.app, address)
        .await?
        .iter()
        .filter(|list| list.no != list_context.list.no)
    {
        if !is_free_on(list_context.app, list, address, name, EVERYBODY).await? {
            return Ok(false);
        }
    }
    is_free_on(list_context.app, list_context.list, address, name, EVERYBODY).await
}

/// Whether a person may choose a name on this list. On a list where only the mailbox proves the sender, a
/// name must not count for lists with OpenPGP on which the person is, too.
pub(crate) async fn is_chosen_here(
    list_context: ListContext<'_>,
    address: &Address,
) -> Result<bool, AppError> {
    let has_pgp = |list: &MailingList| list.settings.has_openpgp();
    Ok(has_pgp(list_context.list) || !lists_with_role(list_context.app, address).await?.iter().any(has_pgp))
}

/// Whether recipients see the name of an author with these roles. If two people on a list have similar names,
/// because one joined later with a name from another list, the first one keeps the name.
pub(crate) async fn is_shown(app: &App, list: &MailingList, roles: &[Member]) -> Result<bool, AppError> {
    let Some(first) = roles.iter().min_by_key(|member| member.no.0) else { return Ok(false) };
    is_free_on(app, list, &first.address, &first.display_name, first.no).await
}

/// After the number of every member.
const EVERYBODY: MemberNo = MemberNo(i64::MAX);

/// Whether the name resembles that of the list, or of another person with a lower number.
async fn is_free_on(
    app: &App,
    list: &MailingList,
    address: &Address,
    name: &str,
    before: MemberNo,
) -> Result<bool, AppError> {
    if looks_like(name, &list.display_name()) || looks_like(name, list.name.local()) {
        return Ok(false);
    }
    let mut after = MemberNo(0);
    loop {
        let mut db = app.store.reader().await?;
        let names = people::names_of_others(&mut db, list.no, address, after, PAGE).await?;
        let mut earlier = names.iter().take_while(|(no, _)| no.0 < before.0);
        if earlier.any(|(_, other)| looks_like(name, other)) {
            return Ok(false);
        }
        match names.last() {
            Some((last, _)) if names.len() == PAGE as usize && last.0 < before.0 => after = *last,
            _ => return Ok(true),
        }
    }
}

/// The lists on which an address has a role.
async fn lists_with_role(app: &App, address: &Address) -> Result<Vec<MailingList>, AppError> {
    let mut db = app.store.reader().await?;
    let Some(no) = people::find_address(&mut db, address).await? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for list in people::lists_with_role_of(&mut db, no).await? {
        found.extend(lists::by_no(&mut db, list).await?);
    }
    Ok(found)
}

/// The first of these names that this person may have on the list. Empty: none.
pub(crate) async fn first_free(
    list_context: ListContext<'_>,
    address: &Address,
    names: impl IntoIterator<Item = String>,
) -> Result<String, AppError> {
    if !is_chosen_here(list_context, address).await? {
        return Ok(String::new());
    }
    let names = names.into_iter().filter_map(|name| person_name(&name)).filter(|name| !name.is_empty());
    for name in names.collect::<Vec<_>>() {
        if is_free(list_context, address, &name).await? {
            return Ok(name);
        }
    }
    Ok(String::new())
}

/// The name in a key for this person.
pub(crate) fn in_key(
    list_context: ListContext<'_>,
    address: &Address,
    key: Option<&Certificate>,
) -> Option<String> {
    key.and_then(|key| key.name_of(address, list_context.now))
}
