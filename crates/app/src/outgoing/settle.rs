//! What became of recipients, and who should know.

use sealist_lists::model::ListNo;
use sealist_lists::texts::Text;
use sealist_mail::Timestamp;
use sealist_store::lists;
use sealist_store::posts::{self, Kind, Settled, State};

use crate::notices::Prepared;
use crate::{App, AppError, letters};

/// Records what became of recipients, and writes to those who should know: a reader without a usable key,
/// and the people in charge. Of notices nobody is told.
pub async fn settle(
    app: &App,
    list: ListNo,
    kind: Kind,
    results: Vec<Settled>,
    now: Timestamp,
) -> Result<(), AppError> {
    let tidings = match kind {
        Kind::Posting => tidings(app, list, &results, now).await?,
        Kind::Notice => Vec::new(),
    };
    let node = app.claimant().node;
    app.store
        .write(move |db| {
            Box::pin(async move {
                posts::record(&mut *db, node, &results).await?;
                for letter in tidings {
                    letter.store(&mut *db, now).await?;
                }
                Ok::<_, AppError>(())
            })
        })
        .await
}

async fn tidings(
    app: &App,
    list: ListNo,
    results: &[Settled],
    now: Timestamp,
) -> Result<Vec<Prepared>, AppError> {
    let of = |state: State| results.iter().filter(move |settled| settled.state == state).collect::<Vec<_>>();
    let (waiting, not_kept) = (of(State::HeldForKey), of(State::NotKept));
    let failed = [of(State::Failed), not_kept.clone()].concat();
    if waiting.is_empty() && failed.is_empty() {
        return Ok(Vec::new());
    }
    let list = lists::by_no(&mut *app.store.reader().await?, list)
        .await?
        .ok_or_else(|| AppError::NoSuchList(list.to_string()))?;
    let mut all = letters::about_copies(app, &list, Text::MemberKeyNeeded, &waiting, now).await?;
    all.extend(letters::about_copies(app, &list, Text::Undelivered, &failed, now).await?);
    for settled in waiting.into_iter().chain(not_kept) {
        let Ok(reader) = settled.email.parse() else { continue };
        all.extend(letters::key_needed(app, &list, &reader, settled, now).await?);
    }
    Ok(all)
}
