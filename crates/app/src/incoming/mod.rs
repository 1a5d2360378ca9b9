//! A message from the queue: opened, sent through the gate, and handled by the route of its sub-address.

mod gate;
mod gather;
mod judge;
mod list_mail;
mod outside;
mod post;
mod record;
mod sendkey;

use std::sync::Arc;

use sealist_lists::chains::Verdict;
use sealist_lists::model::Action;
use sealist_lists::routes::{Audience, Handling, Route};
use sealist_lists::rules::{Reason, RuleHit};
use sealist_mail::{DAY_MS, Timestamp};
use sealist_store::bodies;
use sealist_store::queue::{self, QueueEntry};
use sealist_store::transaction;

use crate::bounces::{self, BounceHandling};
use crate::changes::Unrecorded;
use crate::commands;
use crate::error::AppError;
use crate::opening::{FORMS, list_of, open_stored};
use crate::outcome::EntryOutcome;
use crate::site::App;
use gate::pass_gate;
use judge::judge;
use list_mail::ListMail;
use outside::MessageOutside;
use record::{JudgedMessage, record};
use sendkey::answer_sendkey;

/// The longest time that mail waits until notices to strangers are sent again.
const LONGEST_WAIT_MS: i64 = 5 * DAY_MS;

/// Handles one entry and records the outcome in one transaction. An error leaves the entry as it is.
///
/// Mail that asks for a notice to a stranger waits for the next hour when these notices are used up: its
/// outcome is [`Action::Defer`]. Mail that waited for days is held.
pub(crate) async fn process(app: &App, entry: QueueEntry, now: Timestamp) -> Result<EntryOutcome, AppError> {
    match Box::pin(handle(app, entry.clone(), now)).await {
        Err(AppError::NextHour(_)) if now.0 - entry.received_at.0 > LONGEST_WAIT_MS => {
            let list = list_of(app, &entry).await?;
            let held = Verdict::of(RuleHit { reason: Reason::Command, action: Action::Hold });
            record(app, JudgedMessage::new(&list, &entry, held), now).await
        }
        Err(AppError::NextHour(begins_at)) => {
            let waits = app.write_unrecorded(
                Unrecorded::Claims,
                transaction!(|db| queue::give_back(db, &entry, begins_at).await),
            );
            waits.await?;
            Ok(EntryOutcome { action: Action::Defer, reasons: Vec::new() })
        }
        handled => handled,
    }
}

async fn handle(app: &App, mut entry: QueueEntry, now: Timestamp) -> Result<EntryOutcome, AppError> {
    let octets = bodies::octets(&mut *app.store.reader().await?, entry.body).await?;
    let _room = app.judging.wait(octets, FORMS).await?;
    let list = list_of(app, &entry).await?;
    let received = Arc::new(open_stored(app, &list, &entry).await?);
    fail_point_on_marker(&received);
    let outside = MessageOutside::of(app, &list, &received).await?;
    if let Some(token) = received.confirm_token().filter(|_| entry.detail.is_empty()) {
        entry.detail = token.trim().to_owned();
    }
    if let Handling::Bounces { written_by_people } = Route::of(entry.sub_address).handling {
        let mail = ListMail { app, list: &list, entry: &entry, received: &received, outside: &outside, now };
        match bounces::handle_bounce(app, &list, &entry, mail.sender(), &received, now).await? {
            BounceHandling::Done => return Ok(EntryOutcome::of(Action::Discard, Reason::Bounce)),
            BounceHandling::Person => entry.sub_address = written_by_people,
        }
    }
    let mail = ListMail { app, list: &list, entry: &entry, received: &received, outside: &outside, now };
    match pass_gate(&mail) {
        Err(stopped) => {
            let mut judged = JudgedMessage::new(&list, &entry, Verdict::of(stopped));
            judged.received = Some(&received);
            record(app, judged, now).await
        }
        Ok(author) => match Route::of(entry.sub_address).handling {
            Handling::SendKey => answer_sendkey(&mail).await,
            Handling::Commands => {
                commands::process_commands(mail.list_context(), &entry, &received, author).await
            }
            Handling::Post(audience) => judge(&mail, author, audience).await,
            Handling::Bounces { .. } => judge(&mail, author, Audience::Owners).await,
        },
    }
}

/// In test builds: panics at a message with the text of the fail point.
fn fail_point_on_marker(message: &[u8]) {
    fail::fail_point!("judging", |text| {
        let text = text.unwrap_or_default();
        assert!(!message.windows(text.len().max(1)).any(|window| window == text.as_bytes()), "poison");
    });
    let _ = message;
}
