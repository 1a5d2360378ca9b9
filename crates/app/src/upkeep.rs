//! Regular upkeep: ends waits that reached their limit, and deletes data that is no longer needed.

use sealist_lists::events::{Actor, Event, EventKind, ServerCause};
use sealist_lists::model::{MailingList, SendingNo};
use sealist_lists::texts::Text;
use sealist_mail::{Address, DAY_MS, Timestamp};
use sealist_store::events::{self, Occasion, Trier};
use sealist_store::holds::{self, Leaving};
use sealist_store::requests::{Request, RequestedBy};
use sealist_store::traces::{Forgotten, MessageFate};
use sealist_store::transaction;
use sealist_store::{
    Conn, StoreError, bounce_proofs, bounce_scores, clock, deliveries, lists, notices, pending, put_aside,
    queue, replay, requests, sendings, tokens, traces,
};

use crate::changes::{Change, ChangeOutcome, Happened, Unrecorded, make};
use crate::effects::held;
use crate::error::AppError;
use crate::moderation::refusal_notice;
use crate::notice_kinds::{self, NotPosted};
use crate::notices::PreparedNotice;
use crate::seal_stored::seal_earlier;
use crate::site::App;
use crate::summaries::{gather, gather_for};
use crate::summary_facts::{SummaryFact, WhyGone};
use crate::{bounces, key_rollover};

/// How long the replay record is kept. A signature more than a week old is held, unless a list's
/// `wrong_date_action` accepts it; more than a year covers that, too.
const DIGESTS_KEPT_MS: i64 = 400 * DAY_MS;
/// How long events are kept.
const EVENTS_KEPT_MS: i64 = 400 * DAY_MS;
/// How long causes of bounces are kept for comparison.
const CAUSES_KEPT_MS: i64 = 30 * DAY_MS;
/// How long the counts of put-aside messages are kept.
const ASIDE_KEPT_MS: i64 = 30 * DAY_MS;
/// The most messages, and the most sendings, that are kept after they are done, however young they are.
const MAX_TRACES: u32 = 500_000;
/// Rows per transaction.
pub(crate) const CHUNK: u32 = 500;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaintenanceReport {
    /// Copies that waited for a key until `key_wait_days` were over.
    pub given_up: u64,
    /// Messages that were held until `max_days_to_hold` were over.
    pub holds_ended: u64,
    /// Posting keys that were retired because `key_overlap_days` are over.
    pub keys_retired: u64,
}

/// Makes timers due that were set before the clock was set back. No pause is longer than `longest_pause_ms`.
/// Returns how many.
pub async fn reset_future_timers(app: &App, longest_pause_ms: i64, now: Timestamp) -> Result<u64, AppError> {
    let latest = now.plus_ms(longest_pause_ms);
    if !clock::was_set_back(&mut *app.store.reader().await?, latest).await? {
        return Ok(0);
    }
    let mended = app.write_unrecorded(
        Unrecorded::Schedules,
        transaction!(|db| clock::reset_future_timers(db, now, latest).await),
    );
    Ok(mended.await?)
}

/// One round of upkeep. Deletes in small transactions, so that mail is not delayed.
pub async fn upkeep(app: &App, now: Timestamp) -> Result<MaintenanceReport, AppError> {
    let mut kept = MaintenanceReport::default();
    // Announces keys whose announcement was interrupted.
    key_rollover::announce(app, now).await?;
    app.write_unrecorded(Unrecorded::Schedules, transaction!(|db| holds::begin_waits(db, now).await)).await?;
    for list in lists::all(&mut *app.store.reader().await?).await? {
        bounces::remind(app, &list, now).await?;
        kept.holds_ended += end_holds(app, &list, now).await?;
        remind(app, &list, now).await?;
        if list.settings.encrypting()
            && let Err(error) = seal_earlier(app, &list).await
        {
            tracing::error!(
                event = "cleartext-not-sealed", list = %list.name, %error,
                "what the list stored before it began to encrypt is not sealed yet; it is tried again in the next round"
            );
        }
        let Some(pgp) = &list.settings.pgp else { continue };
        let before = Timestamp(now.0 - i64::from(pgp.key_wait_days) * DAY_MS);
        kept.given_up += give_up_copies(app, &list, before, now).await?;
        let before = Timestamp(now.0 - i64::from(pgp.key_overlap_days) * DAY_MS);
        kept.keys_retired += key_rollover::retire(app, &list, before, now).await?;
    }
    delete_finished(app, now).await?;
    forget_traces(app, now).await?;
    let before = Timestamp(now.0 - ASIDE_KEPT_MS);
    app.write_unrecorded(Unrecorded::Cleanup, transaction!(|db| put_aside::forget(db, before).await)).await?;
    let before = Timestamp(now.0 - DIGESTS_KEPT_MS);
    app.write_unrecorded(Unrecorded::Cleanup, transaction!(|db| replay::forget(db, before).await)).await?;
    app.write_unrecorded(Unrecorded::Cleanup, transaction!(|db| bounce_proofs::forget_sent(db, now).await))
        .await?;
    let before = Timestamp(now.0 - CAUSES_KEPT_MS);
    app.write_unrecorded(
        Unrecorded::Cleanup,
        transaction!(|db| bounce_scores::forget_causes(db, before).await),
    )
    .await?;
    forget_requests(app, now).await?;
    app.write_unrecorded(
        Unrecorded::Cleanup,
        transaction!(|db| {
            notices::forget_old(&mut *db, now).await?;
            pending::forget_old(&mut *db, now).await?;
            tokens::forget(db, now).await
        }),
    )
    .await?;
    Ok(kept)
}

/// Drops copies that waited too long for a key, and tells their recipients and the owners.
async fn give_up_copies(
    app: &App,
    list: &MailingList,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, AppError> {
    let ended = WaitingCopiesEnd { list: list.clone(), before };
    Ok(app.make_by_itself(ended, ServerCause::Expiry, now).await?)
}

/// Copies that waited too long for a key are dropped. Answers how many there are.
struct WaitingCopiesEnd {
    list: MailingList,
    before: Timestamp,
}

impl Change for WaitingCopiesEnd {
    type Answer = u64;
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<u64>, StoreError> {
        let (Self { list, before }, now) = (self, occasion.now);
        let readers = deliveries::give_up_waiting(&mut *db, list.no, before).await?;
        let mut happened = Vec::new();
        for reader in &readers {
            let fact = SummaryFact::Copy { email: reader.clone(), reply: deliveries::TOO_LATE.to_owned() };
            gather(&list, Text::CopiesDropped, std::slice::from_ref(&fact)).store(&mut *db, now).await?;
            let kind = EventKind::CopyDropped { why: deliveries::TOO_LATE.to_owned() };
            let subject = Address::from_stored(reader);
            if let Some(address) = &subject {
                gather_for(&list, address, Text::CopyDropped, &[fact]).store(&mut *db, now).await?;
            }
            happened.push(Happened::Change(Event { list: Some(list.no), subject, kind }));
        }
        Ok(ChangeOutcome::new(readers.len() as u64, happened))
    }
}

/// Deletes held messages about which nobody decided in time. The owners are told of each, and so is an author
/// who was told that it is held.
async fn end_holds(app: &App, list: &MailingList, now: Timestamp) -> Result<u64, AppError> {
    let days = list.settings.max_days_to_hold;
    if days == 0 {
        return Ok(0);
    }
    let before = Timestamp(now.0 - i64::from(days) * DAY_MS);
    let mut ended = 0;
    loop {
        let over = holds::since_before(&mut *app.store.reader().await?, list.no, before, CHUNK).await?;
        for leaving in &over {
            let notice = match leaving.entry.author_told {
                true => {
                    let refusal =
                        NotPosted { received_at: leaving.entry.received_at, reason: None, after_days: days };
                    refusal_notice(app, list, &leaving.entry, refusal, now).await?
                }
                false => None,
            };
            let end =
                HoldEnds { list: list.clone(), leaving: leaving.clone(), notice, why: WhyGone::TooLong };
            let gone = app.make_by_itself(end, ServerCause::Expiry, now);
            match gone.await {
                Ok(()) => {
                    tracing::warn!(
                        event = "holds-expired", entry = %leaving.entry.no, list = %list.name,
                        "ended a hold that no moderator decided about in time"
                    );
                    ended += 1;
                }
                // Somebody decided at this moment.
                Err(StoreError::Lost) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if over.len() < CHUNK as usize {
            return Ok(ended);
        }
    }
}

/// Reminds the owners of messages that were held for another `hold_reminder_days`.
async fn remind(app: &App, list: &MailingList, now: Timestamp) -> Result<(), AppError> {
    let days = list.settings.hold_reminder_days;
    if days == 0 {
        return Ok(());
    }
    let before = Timestamp(now.0 - i64::from(days) * DAY_MS);
    let list = list.clone();
    let reminded = app.write_unrecorded(
        Unrecorded::Notices,
        transaction!(|db| {
            let waiting = holds::told_before(&mut *db, list.no, before, u32::MAX).await?;
            for one in &waiting {
                notice_kinds::held(&list, &one.entry).store(&mut *db, now).await?;
                holds::mark_told(&mut *db, one.entry.no, now).await?;
            }
            Ok::<_, StoreError>(())
        }),
    );
    Ok(reminded.await?)
}

/// A held message goes without a decision.
struct HoldEnds {
    list: MailingList,
    leaving: Leaving,
    /// To its author, if the author may be told.
    notice: Option<PreparedNotice>,
    why: WhyGone,
}

impl Change for HoldEnds {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        let (Self { list, leaving, notice, why }, now) = (self, occasion.now);
        let subject = holds::held_for(&mut *db, leaving.entry.no).await?;
        if let Some(notice) = notice {
            notice.store(&mut *db, now).await?;
        }
        notice_kinds::no_longer_held(&list, &leaving, why).store(&mut *db, now).await?;
        tokens::decided(&mut *db, leaving.entry.no, "dropped", "", now).await?;
        let fate = match why {
            WhyGone::TooLong => MessageFate::HoldExpired,
            WhyGone::TooMany => MessageFate::HoldDropped,
        };
        queue::finish(db, &leaving.entry, fate, &leaving.entry.reasons, occasion.now).await?;
        let event = |kind| Event { list: Some(list.no), subject, kind };
        let held = held(&leaving.entry);
        let happened = match why {
            WhyGone::TooLong => Happened::Unproven(event(EventKind::HoldExpired(held))),
            // The notice names all of them. Of the events, the first ones of a day suffice.
            WhyGone::TooMany => Happened::Attempt(Trier::Anybody, event(EventKind::HoldDropped(held))),
        };
        Ok(ChangeOutcome::new((), [happened]))
    }
}

/// The held messages above the limits of a list.
pub(crate) async fn above_limits(db: &mut Conn, list: &MailingList) -> Result<Vec<Leaving>, StoreError> {
    let limits =
        holds::HoldLimits { messages: list.settings.max_held_messages, mib: list.settings.max_held_mib };
    holds::too_many(db, list.no, limits).await
}

/// Deletes held messages that are above the limits. The next notice names each, and an author who was told
/// that it is held is told that it is gone.
pub(crate) async fn give_way(
    db: &mut Conn,
    list: &MailingList,
    all: &[Leaving],
    now: Timestamp,
) -> Result<(), StoreError> {
    let occasion = Occasion { actor: Actor::Server(ServerCause::Limits), now };
    for leaving in all {
        let notice = notice_kinds::gave_way(list, leaving);
        let end = HoldEnds { list: list.clone(), leaving: leaving.clone(), notice, why: WhyGone::TooMany };
        make(&mut *db, end, &occasion).await?;
    }
    Ok(())
}

/// Deletes finished sendings with their payloads. Posts that the archive keeps stay.
async fn delete_finished(app: &App, now: Timestamp) -> Result<(), AppError> {
    let mut after = SendingNo(0);
    while let Some(next) = app
        .write_unrecorded(
            Unrecorded::Cleanup,
            transaction!(|db| sendings::delete_finished(db, after, CHUNK, now).await),
        )
        .await?
    {
        after = next;
    }
    Ok(())
}

/// Deletes what is kept of messages and copies that were done before `sent_kept_days`, and the oldest of what
/// is too much.
async fn forget_traces(app: &App, now: Timestamp) -> Result<(), AppError> {
    let too_old = Timestamp(now.0 - i64::from(app.sent_kept_days) * DAY_MS);
    let before = traces::limits(&mut *app.store.reader().await?, too_old, MAX_TRACES).await?;
    let forget = || {
        app.write_unrecorded(Unrecorded::Cleanup, transaction!(|db| traces::forget(db, before, CHUNK).await))
    };
    while forget().await? == Forgotten::Some {}
    Ok(())
}

/// Deletes requests that nobody answered in time, and events that are too old.
async fn forget_requests(app: &App, now: Timestamp) -> Result<(), AppError> {
    while app.make_by_itself(RequestsExpire, ServerCause::Expiry, now).await? == CHUNK as usize {}
    let before = Timestamp(now.0 - EVENTS_KEPT_MS);
    let forgotten =
        app.write_unrecorded(Unrecorded::Cleanup, transaction!(|db| events::forget(db, before).await));
    Ok(forgotten.await?)
}

/// Requests that nobody answered in time are deleted. Answers how many there are.
struct RequestsExpire;

impl Change for RequestsExpire {
    type Answer = usize;
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<usize>, StoreError> {
        let over = requests::expire(db, CHUNK, occasion.now).await?;
        let expired = |request: &Request| {
            let trier = match request.by {
                RequestedBy::Owner => Trier::Proven,
                RequestedBy::Anybody => Trier::Anybody,
            };
            let kind = EventKind::RequestExpired { action: request.run.goal.action().to_owned() };
            Happened::Attempt(trier, Event::about(request.list, &request.address, kind))
        };
        Ok(ChangeOutcome::new(over.len(), over.iter().map(expired).collect::<Vec<_>>()))
    }
}
