//! Tells who gets the notices of a list that has no owner. Such a list works and can be managed on the
//! command line, so a warning is enough. Setting: `[site] contact`.

use sealist_app::App;
use sealist_lists::model::{MailingList, MemberNo, Role};
use sealist_store::{StoreError, people};

/// What a list without an owner lacks, and the fix. `None` if it has an owner.
pub(super) async fn missing_owner(app: &App, list: &MailingList) -> Result<Option<String>, StoreError> {
    let lack = notice_recipient(app, list).await?;
    Ok(lack.map(|who| format!("{}: {who}; fix: {}", list.name, fix(list))))
}

/// Who gets the notices instead of an owner. `None` if the list has one.
pub(crate) async fn notice_recipient(app: &App, list: &MailingList) -> Result<Option<String>, StoreError> {
    let mut db = app.store.reader().await?;
    let mut has = [false; 2];
    for (has, role) in has.iter_mut().zip([Role::Owner, Role::Moderator]) {
        *has = !people::roster(&mut db, list.no, role, MemberNo(0), 1).await?.is_empty();
    }
    Ok(match (has, &app.contact) {
        ([true, _], _) => None,
        ([false, true], _) => Some("it has no owner: only its moderators get its notices".to_owned()),
        ([false, false], Some(contact)) => Some(format!(
            "it has no owner: {contact}, the contact of the site, gets its notices, and nobody decides by mail"
        )),
        ([false, false], None) => Some("it has no owner: nobody gets its notices".to_owned()),
    })
}

/// The command that adds an owner.
pub(crate) fn fix(list: &MailingList) -> String {
    format!("sealist members add {} ADDRESS --role owner", list.name)
}
