//! Mail at `-sendkey`: the list's certificate goes to the envelope sender, once a day ([RFC 3834, section
//! 4]).

use sealist_store::traces::MessageFate;
use sealist_store::transaction;
use sealist_store::{people, queue};

use super::list_mail::ListMail;
use crate::addresses::source_of;
use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::key_rollover::published;
use crate::notice_kinds;
use crate::outcome::EntryOutcome;

/// Answers, unless there is no envelope sender or the sender is banned, and ends the entry in the same
/// transaction.
pub(super) async fn answer_sendkey(mail: &ListMail<'_>) -> Result<EntryOutcome, AppError> {
    let ListMail { app, list, entry, now, .. } = *mail;
    let mut answer = None;
    let published = published(app, list).await?;
    if let Some(sender) = mail.sender()
        && !people::is_banned(&mut *app.store.reader().await?, list.no, sender).await?
    {
        let source = Some(source_of(app, &entry.sender));
        answer = notice_kinds::sendkey(app, list, sender, source, &published, now).await?;
    }
    let entry = entry.clone();
    app.write_unrecorded(
        Unrecorded::Handled,
        transaction!(|db| {
            if let Some(answer) = answer {
                answer.caused_by(entry.no).store_or_wait(&mut *db, now).await?;
            }
            Ok::<_, AppError>(queue::finish(db, &entry, MessageFate::Answered, &[], now).await?)
        }),
    )
    .await?;
    Ok(EntryOutcome::ACCEPTED)
}
