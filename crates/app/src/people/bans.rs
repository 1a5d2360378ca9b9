//! Bans of addresses and domains, on one list or on the whole site. The rule `banned-address` and the workflows read them.

use sealist_lists::model::{BanPattern, MailingList};
use sealist_mail::Timestamp;
use sealist_store::people;

use crate::effects::{Effect, carry_out};
use crate::error::AppError;
use crate::site::App;

/// What becomes of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanChange {
    /// The ban is made.
    Add,
    /// The ban is taken back.
    Remove,
}

/// Whether a ban changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanResult {
    /// It is made, or taken back.
    Changed,
    /// It was so before.
    Unchanged,
}

/// Makes a ban or takes it back: on a list, or on the whole site (`None`).
pub async fn change_ban(
    app: &App,
    list: Option<&MailingList>,
    pattern: &BanPattern,
    change: BanChange,
    now: Timestamp,
) -> Result<BanResult, AppError> {
    let (no, pattern, audited) = (list.map(|list| list.no), pattern.clone(), audited(app, pattern, change));
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
                if let Some(no) = no {
                    carry_out(db, no, vec![audited], now).await?;
                }
                Ok(BanResult::Changed)
            })
        })
        .await
}

/// The entry of the audit. A ban of the whole site belongs to no list, and has no entry.
fn audited(app: &App, pattern: &BanPattern, change: BanChange) -> Effect {
    let (address, whom) = match pattern {
        BanPattern::Address(address) => (address, "the address"),
        BanPattern::Domain(address) => (address, "the whole domain"),
    };
    let event = match change {
        BanChange::Add => "ban-added",
        BanChange::Remove => "ban-removed",
    };
    Effect::Changed { address: address.clone(), event, detail: format!("{whom}, by {}", app.operator) }
}
