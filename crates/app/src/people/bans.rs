//! Bans of addresses and domains, on one list or on the whole site. The rule `banned-address` and the workflows read them.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{BanPattern, MailingList};
use sealist_mail::Timestamp;
use sealist_store::events::{self, Occasion};
use sealist_store::people;

use crate::error::AppError;
use crate::site::App;

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

/// Adds or removes a ban: on a list, or on the whole site (`None`).
pub async fn change_ban(
    app: &App,
    list: Option<&MailingList>,
    pattern: &BanPattern,
    change: BanChange,
    now: Timestamp,
) -> Result<BanResult, AppError> {
    let occasion = Occasion { actor: app.operator.clone(), now };
    let (no, pattern, event) = (list.map(|list| list.no), pattern.clone(), event_of(list, pattern, change));
    app.store
        .write(move |db| {
            Box::pin(async move {
                let is_changed = match change {
                    BanChange::Add => people::ban(&mut *db, no, &pattern, now).await?,
                    BanChange::Remove => people::unban(&mut *db, no, &pattern).await?,
                };
                if !is_changed {
                    return Ok(BanResult::Unchanged);
                }
                events::record(db, &occasion, &event).await?;
                Ok(BanResult::Changed)
            })
        })
        .await
}

fn event_of(list: Option<&MailingList>, pattern: &BanPattern, change: BanChange) -> Event {
    let (subject, domain) = match pattern {
        BanPattern::Address(address) => (Some(address.clone()), None),
        BanPattern::Domain(address) => (None, Some(address.ascii_domain().to_owned())),
    };
    let kind = match change {
        BanChange::Add => EventKind::BanAdded { domain },
        BanChange::Remove => EventKind::BanRemoved { domain },
    };
    Event { list: list.map(|list| list.no), subject, kind }
}
