//! What people in charge decide, and what the server sets aside itself.

use sealist_lists::model::MailingList;
use sealist_lists::rules::Reason;
use sealist_mail::{Headers, Timestamp, sole_author};
use sealist_store::queue::{self, Entry, Place};
use sealist_store::{StoreError, bodies, lists, people, replay};

use crate::incoming::reveal;
use crate::notices::Prepared;
use crate::{App, AppError, letters};

/// Whether the author of a rejected message hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// A notice is on its way.
    Told,
    /// The author is not subscribed, has no usable key, or had a notice today.
    Untold,
}

/// Deletes a message for an admin and writes to its author, if that is a subscribed address.
pub async fn reject(app: &App, entry: Entry, now: Timestamp) -> Result<Rejected, AppError> {
    let list = lists::by_no(&mut *app.store.reader().await?, entry.list)
        .await?
        .ok_or_else(|| AppError::NoSuchList(entry.list.to_string()))?;
    let letter = rejection(app, &list, &entry, now).await?;
    app.store
        .write(move |db| {
            Box::pin(async move {
                let mut told = Rejected::Untold;
                if let Some(letter) = letter
                    && letter.store(&mut *db, now).await?
                {
                    told = Rejected::Told;
                }
                replay::refuse(&mut *db, entry.no, "", now).await?;
                queue::finish(db, &entry).await?;
                Ok::<_, AppError>(told)
            })
        })
        .await
}

/// The letter to the author of a rejected message, if that is a subscribed address.
pub(crate) async fn rejection(
    app: &App,
    list: &MailingList,
    entry: &Entry,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let body = bodies::load(&mut *app.store.reader().await?, entry.body).await?;
    let (outer, _) = Headers::parse(&reveal(app, list, body).await?);
    let Ok(author) = sole_author(&outer) else { return Ok(None) };
    let roles = people::roles_of(&mut *app.store.reader().await?, list.no, &author.address).await?;
    if roles.is_empty() { Ok(None) } else { letters::not_posted(app, list, &author.address, now).await }
}

/// Sets a message aside that cannot be handled, and writes to those in charge. A letter that cannot be
/// made does not keep the message from its place.
pub async fn shunt(app: &App, entry: Entry, now: Timestamp) -> Result<(), AppError> {
    let list = lists::by_no(&mut *app.store.reader().await?, entry.list).await?;
    let letters = match list {
        Some(list) => letters::shunted(app, &list, &entry, now).await.unwrap_or_default(),
        None => Vec::new(),
    };
    app.store
        .write(move |db| {
            Box::pin(async move {
                queue::set_aside(&mut *db, &entry, Place::Shunt, &[Reason::Poison]).await?;
                for letter in letters {
                    letter.store(&mut *db, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}
