//! Tells who gets the notices of a list that has no owner. Such a list works and can be managed on the
//! command line, so a warning is enough. Setting: `[site] contact`.

use sealist_app::{App, AppError, NoticeRecipients};
use sealist_lists::model::ListName;

/// What a list without an owner lacks, and the fix. `None` if it has an owner.
pub(super) async fn missing_owner(app: &App, list: &ListName) -> Result<Option<String>, AppError> {
    let lack = notice_recipient(app, list).await?;
    Ok(lack.map(|who| format!("{list}: {who}; fix: {}", fix(list))))
}

/// Who gets the notices instead of an owner. `None` if the list has one.
pub(crate) async fn notice_recipient(app: &App, list: &ListName) -> Result<Option<String>, AppError> {
    Ok(match app.as_operator().lists().notice_recipients(list).await? {
        NoticeRecipients::Owners => None,
        NoticeRecipients::ModeratorsOnly => {
            Some("it has no owner: only its moderators get its notices".to_owned())
        }
        NoticeRecipients::Contact(contact) => Some(format!(
            "it has no owner: {contact}, the contact of the site, gets its notices, and nobody decides by mail"
        )),
        NoticeRecipients::Nobody => Some("it has no owner: nobody gets its notices".to_owned()),
    })
}

/// The command that adds an owner.
pub(crate) fn fix(list: &ListName) -> String {
    format!("sealist members add {list} ADDRESS --role owner")
}
