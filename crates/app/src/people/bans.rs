//! Bans of addresses and domains, on one list or on the whole site. The rule `banned-address` and the
//! workflows read them.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{BanPattern, ListName, ListNo};
use sealist_store::events::Occasion;
use sealist_store::{Conn, lists, people};
use serde::Serialize;

use super::BanActions;
use crate::acting::{PageRange, Paged};
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;

/// A change of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanChange {
    /// Adds it.
    Add,
    /// Removes it.
    Remove,
}

/// Whether a ban changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanResult {
    /// It is made, or taken back.
    Changed,
    /// There was nothing to change.
    Unchanged,
}

/// A ban as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct BanView {
    /// The address, or a domain with `@` before it.
    pub pattern: String,
    /// The name of the list; `None` for all lists.
    pub list: Option<String>,
    /// When it was made (RFC 3339, UTC).
    pub created_at: String,
}

impl BanActions<'_> {
    /// The bans: all, or those that apply on a list, which are its own and those of the site.
    pub async fn page(&self, list: Option<&ListName>, page: PageRange) -> Result<Paged<BanView>, AppError> {
        let of = self.0.list_no(list).await?;
        let mut db = self.0.app.store.reader().await?;
        let names = lists::names(&mut db).await?;
        let bans = people::bans(&mut db, of).await?;
        Ok(Paged::of(bans, page).map(|ban| BanView {
            pattern: ban.pattern.to_string(),
            list: ban.list.and_then(|no| names.get(&no).cloned()),
            created_at: ban.created_at.rfc3339(),
        }))
    }

    /// Adds or removes a ban: on a list, or on the whole site (`None`).
    pub async fn change(
        &self,
        list: Option<&ListName>,
        pattern: &BanPattern,
        change: BanChange,
    ) -> Result<BanResult, AppError> {
        let list = self.0.list_no(list).await?;
        self.0.make(BanEdit { list, pattern: pattern.clone(), change }).await
    }
}

struct BanEdit {
    list: Option<ListNo>,
    pattern: BanPattern,
    change: BanChange,
}

impl Change for BanEdit {
    type Answer = BanResult;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<BanResult>, AppError> {
        let is_changed = match self.change {
            BanChange::Add => people::ban(db, self.list, &self.pattern, occasion.now).await?,
            BanChange::Remove => people::unban(db, self.list, &self.pattern).await?,
        };
        Ok(match is_changed {
            true => ChangeOutcome::new(BanResult::Changed, [Happened::Change(self.event())]),
            false => ChangeOutcome::nothing(BanResult::Unchanged),
        })
    }
}

impl BanEdit {
    fn event(&self) -> Event {
        let (subject, domain) = match &self.pattern {
            BanPattern::Address(address) => (Some(address.clone()), None),
            BanPattern::Domain(address) => (None, Some(address.ascii_domain().to_owned())),
        };
        let kind = match self.change {
            BanChange::Add => EventKind::BanAdded { domain },
            BanChange::Remove => EventKind::BanRemoved { domain },
        };
        Event { list: self.list, subject, kind }
    }
}
