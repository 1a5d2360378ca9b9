//! Lists as a whole: what an admin does with one.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::ListName;
use sealist_store::list_content::{self, ListContent};
use sealist_store::lists;

use super::Acting;
use crate::error::AppError;

/// The lists, with somebody who changes them.
pub struct ListActions<'a>(pub(super) Acting<'a>);

impl ListActions<'_> {
    /// What a list holds and would lose if it were deleted.
    pub async fn content(&self, name: &ListName) -> Result<ListContent, AppError> {
        let no = self.0.named(name).await?.no;
        Ok(list_content::content(&mut *self.0.app.store.reader().await?, no).await?)
    }

    /// Deletes a list with its members, posts and everything that waits. Key files stay. The event belongs to the site.
    pub async fn delete(&self, name: &ListName) -> Result<(), AppError> {
        let no = self.0.named(name).await?.no;
        let kind = EventKind::ListDeleted { list: name.to_string() };
        let event = Event { list: None, subject: None, kind };
        let delete = self.0.change(move |db| {
            Box::pin(async move {
                lists::delete(db, no).await?;
                Ok(((), Some(event)))
            })
        });
        delete.await
    }

    /// Holds a list: its mail is accepted, and nothing is judged or sent. Holding it again changes nothing.
    pub async fn hold(&self, name: &ListName) -> Result<(), AppError> {
        let (no, now) = (self.0.named(name).await?.no, self.0.now);
        let hold = self.0.change(move |db| {
            Box::pin(async move {
                let is_new = lists::hold(db, no, now).await?;
                Ok(((), is_new.then(|| Event::of_list(no, EventKind::ListHeld {}))))
            })
        });
        hold.await
    }

    /// Releases a held list. Errs with [`AppError::ListNotHeld`] if it is not held.
    pub async fn release(&self, name: &ListName) -> Result<(), AppError> {
        let (no, shown) = (self.0.named(name).await?.no, name.to_string());
        let release = self.0.change(move |db| {
            Box::pin(async move {
                match lists::release(db, no).await? {
                    true => Ok(((), Some(Event::of_list(no, EventKind::ListReleased {})))),
                    false => Err(AppError::ListNotHeld(shown)),
                }
            })
        });
        release.await
    }

    /// Deletes the posts that a list keeps and returns how many there were.
    pub async fn purge_archive(&self, name: &ListName) -> Result<u64, AppError> {
        let no = self.0.named(name).await?.no;
        let posts = crate::archive::purge(self.0.app, no).await?;
        let record = self.0.change(move |_| {
            let event = Event::of_list(no, EventKind::ArchivePurged { posts });
            Box::pin(async move { Ok(((), (posts > 0).then_some(event))) })
        });
        record.await?;
        Ok(posts)
    }
}
