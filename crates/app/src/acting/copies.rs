//! Copies that are being delivered: how they stand, and what an admin makes of them.

use std::collections::BTreeMap;

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{DeliveryNo, ListNo, SendingNo};
use sealist_store::copies::{self, CopySelection};
use sealist_store::events::Occasion;
use sealist_store::{Conn, lists};
use serde::Serialize;

use super::Acting;
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;

/// The copies that are being delivered, with somebody who looks at them or changes them.
pub struct Copies<'a>(pub(super) Acting<'a>);

/// What becomes of copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyChange {
    /// They wait until they are retried.
    Hold,
    /// They are tried now, also those that failed or are held.
    Retry,
    /// They are not sent any more.
    GiveUp,
}

/// A post or notice with copies that are not out.
#[derive(Clone, Debug, Serialize)]
pub struct SendingView {
    /// The number.
    pub post: SendingNo,
    /// The name of the list; empty if the list is gone.
    pub list: String,
    /// `posting`, `notice` or `probe`.
    pub kind: String,
    /// When it was accepted (RFC 3339, UTC).
    pub accepted_at: String,
    /// How long ago that was, in seconds.
    pub age_s: i64,
    /// Whether all recipients are known by now.
    pub whole_roster: bool,
    /// How many copies are in each state.
    pub copies: BTreeMap<String, i64>,
}

/// A copy that is not out.
#[derive(Clone, Debug, Serialize)]
pub struct CopyView {
    /// The number.
    pub copy: DeliveryNo,
    /// The number of the post or notice.
    pub post: SendingNo,
    /// The number of the list.
    pub list: ListNo,
    /// The recipient.
    pub email: String,
    /// `due`, `failed`, `held_for_key` or `held`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next (RFC 3339, UTC); `None` unless it is due.
    pub next_at: Option<String>,
    /// How long ago its post was accepted, in seconds.
    pub age_s: i64,
    /// The last words of the next hop, or our reason.
    pub reply: String,
}

impl Copies<'_> {
    /// All posts and notices with copies that are not out.
    pub async fn sendings(&self) -> Result<Vec<SendingView>, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let names = lists::names(&mut db).await?;
        let view = |one: copies::OnItsWay| SendingView {
            post: one.no,
            list: names.get(&one.list).cloned().unwrap_or_default(),
            kind: one.kind,
            accepted_at: one.accepted_at.rfc3339(),
            age_s: (self.0.now.0 - one.accepted_at.0) / 1000,
            whole_roster: one.whole_roster,
            copies: one.copies,
        };
        Ok(copies::on_their_way(&mut db).await?.into_iter().map(view).collect())
    }

    /// The first `most` copies behind `after` that are not out.
    pub async fn unsent(&self, after: DeliveryNo, most: u32) -> Result<Vec<CopyView>, AppError> {
        let page = copies::unsent(&mut *self.0.app.store.reader().await?, after, most).await?;
        let view = |one: copies::Unsent| CopyView {
            copy: one.no,
            post: one.post,
            list: one.list,
            next_at: (one.state == "due").then(|| one.next_at.rfc3339()),
            email: one.email,
            state: one.state,
            attempts: one.attempts,
            age_s: (self.0.now.0 - one.accepted_at.0) / 1000,
            reply: one.reply,
        };
        Ok(page.into_iter().map(view).collect())
    }

    /// Changes copies and returns how many were changed. Errs with [`AppError::NoSuchCopy`] or
    /// [`AppError::NoSuchPost`] if nothing of that number is there.
    pub async fn change(&self, which: CopySelection, change: CopyChange) -> Result<u64, AppError> {
        self.0.make(ChangeCopies { which, change }).await
    }

    /// Has all copies tried now that wait for their next try, and returns how many there are.
    pub async fn retry_all(&self) -> Result<u64, AppError> {
        self.0.make(RetryAllCopies).await
    }
}

struct ChangeCopies {
    which: CopySelection,
    change: CopyChange,
}

impl Change for ChangeCopies {
    type Answer = u64;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<u64>, AppError> {
        let Self { which, change } = self;
        let Some(list) = copies::list_of(&mut *db, which).await? else {
            return Err(match which {
                CopySelection::One(copy) => AppError::NoSuchCopy(copy),
                CopySelection::Of(post) => AppError::NoSuchPost(post),
            });
        };
        let copies = match change {
            CopyChange::Hold => copies::hold(db, which).await?,
            CopyChange::Retry => copies::retry(db, which, occasion.now).await?,
            CopyChange::GiveUp => copies::give_up(db, which).await?,
        };
        let event = Event::of_list(list, change.event(copies));
        Ok(ChangeOutcome::new(copies, (copies > 0).then_some(Happened::Change(event))))
    }
}

struct RetryAllCopies;

impl Change for RetryAllCopies {
    type Answer = u64;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<u64>, AppError> {
        let copies = copies::retry_all(db, occasion.now).await?;
        let event = Event { list: None, subject: None, kind: CopyChange::Retry.event(copies) };
        Ok(ChangeOutcome::new(copies, (copies > 0).then_some(Happened::Change(event))))
    }
}

impl CopyChange {
    fn event(self, copies: u64) -> EventKind {
        match self {
            Self::Hold => EventKind::CopiesHeld { copies },
            Self::Retry => EventKind::CopiesRetried { copies },
            Self::GiveUp => EventKind::CopiesGivenUp { copies },
        }
    }
}
