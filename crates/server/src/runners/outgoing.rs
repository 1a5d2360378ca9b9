//! Runner `outgoing`: makes recipients of posts, claims them, sends their copies and records the results.
//! Settings: `[outgoing]`, `[queue]`.

use std::sync::Arc;

use sealist_app::{App, AppError, Copy, Ready, prepare, settle};
use sealist_lists::model::DeliveryNo;
use sealist_mail::Timestamp;
use sealist_smtp::client::{Body, Connection, Envelope, RecipientResult, Target};
use sealist_store::StoreError;
use sealist_store::posts::{self, Batch, Settled, State};
use tokio::sync::{Notify, watch};

use super::POLL;
use crate::config::Queue;

const CHUNK: u32 = 500;
/// Sending a chunk may take long; what a dead process had is freed before that.
const LEASE_MS: i64 = 3_600_000;
/// Pauses when copies could not be made: for want of memory, or of something that a person must mend.
const NO_ROOM_MS: i64 = 250;
const FAULT_MS: i64 = 60_000;

/// What the runner needs of the configuration.
pub(crate) struct Outgoing {
    pub(crate) target: Target,
    pub(crate) max_recipients: usize,
    pub(crate) retry: Queue,
}

pub(crate) async fn run(
    app: App,
    settings: Arc<Outgoing>,
    accepted: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connection = None;
    while !*stop.borrow() {
        match step(&app, &settings, &accepted, &mut connection).await {
            Ok(true) => {}
            Ok(false) => tokio::select! {
                () = accepted.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            },
            Err(error) => {
                tracing::error!(%error, "delivery is interrupted");
                tokio::time::sleep(POLL).await;
            }
        }
    }
    if let Some(connection) = connection {
        Connection::quit(connection).await;
    }
}

/// One chunk of work; says whether there was any.
async fn step(
    app: &App,
    settings: &Outgoing,
    accepted: &Notify,
    connection: &mut Option<Connection>,
) -> anyhow::Result<bool> {
    let now = Timestamp::now();
    let claimant = app.claimant();
    let (made, batch) = app
        .store
        .write(move |db| {
            Box::pin(async move {
                let made = posts::fan_out(&mut *db, CHUNK, now).await?;
                Ok::<_, StoreError>((made, posts::claim(db, &claimant, CHUNK, LEASE_MS, now).await?))
            })
        })
        .await?;
    let Some(batch) = batch else { return Ok(made.is_some()) };
    if batch.rows.len() >= CHUNK as usize {
        // There is more: another connection may begin with it.
        accepted.notify_one();
    }
    let list = batch.list;
    let rows: Vec<DeliveryNo> = batch.rows.iter().map(|row| row.no).collect();
    // What is not served now is given back here and nowhere else, so that nobody else's claim is touched.
    let (back, put_off_ms) = match serve(app, settings, connection, batch).await {
        Ok(later) => (later, 0),
        Err(error @ AppError::NoKeys { .. }) => {
            tracing::warn!(%list, %error, "left to a node that has its keys");
            app.lacks_keys(list);
            (rows, 0)
        }
        Err(AppError::NoRoom) => (rows, NO_ROOM_MS),
        Err(error) => {
            tracing::error!(%list, %error, "copies could not be made, tried again");
            (rows, FAULT_MS)
        }
    };
    if back.is_empty() {
        return Ok(true);
    }
    let until = Timestamp::now().plus_ms(put_off_ms);
    let back = app.store.write(move |db| Box::pin(async move { posts::give_back(db, &back, until).await }));
    back.await.map_err(|e: StoreError| e)?;
    Ok(true)
}

/// Makes the copies, sends them, and records what became of them; who must be claimed again.
async fn serve(
    app: &App,
    settings: &Outgoing,
    connection: &mut Option<Connection>,
    batch: Batch,
) -> Result<Vec<DeliveryNo>, AppError> {
    let attempts = batch.rows.iter().map(|row| row.attempts).max().unwrap_or(1);
    let (list, kind) = (batch.list, batch.kind);
    let mut ready = prepare(app, batch, settings.max_recipients, Timestamp::now()).await?;
    let mut results = std::mem::take(&mut ready.held);
    results.extend(send(settings, connection, &ready, attempts).await);
    let count = |wanted: fn(&State) -> bool| results.iter().filter(|one| wanted(&one.state)).count();
    tracing::info!(
        %list,
        sent = count(|state| *state == State::Sent),
        deferred = count(|state| matches!(state, State::Due(_))),
        failed = count(|state| *state == State::Failed),
        waiting = count(|state| *state == State::HeldForKey),
        "delivered"
    );
    settle(app, list, kind, results, Timestamp::now()).await?;
    Ok(ready.later)
}

async fn send(
    settings: &Outgoing,
    connection: &mut Option<Connection>,
    ready: &Ready,
    attempts: u32,
) -> Vec<Settled> {
    let copies = &ready.copies;
    let later = |reason: &str, copies: &[Copy]| -> Vec<Settled> {
        let rows = copies.iter().flat_map(Copy::rows);
        let settled = |(no, email): (DeliveryNo, &str)| Settled {
            no,
            email: email.to_owned(),
            state: retry(&settings.retry, attempts),
            reply: reason.to_owned(),
        };
        rows.map(settled).collect()
    };
    if copies.is_empty() {
        return Vec::new();
    }
    let mut open = match connection.take() {
        Some(open) => open,
        None => match Connection::connect(&settings.target).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "the next mail server cannot be used");
                return later(&error.to_string(), copies);
            }
        },
    };
    let mut results = Vec::new();
    let mut unsent = copies.iter().enumerate();
    let next = || {
        let (at, copy) = unsent.next()?;
        let body = match copy.wire_form {
            true => Body::from_wire_pieces(copy.pieces.clone()),
            false => Body::from_message(&copy.pieces.concat()),
        };
        Some(Envelope {
            id: at as u64,
            sender: copy.sender.clone(),
            recipients: copy.recipients.clone(),
            body,
        })
    };
    let mut answered = 0;
    let done = |id: u64, outcomes: Vec<RecipientResult>| {
        answered += 1;
        let rows = usize::try_from(id).ok().and_then(|at| copies.get(at)).into_iter().flat_map(Copy::rows);
        for ((no, email), outcome) in rows.zip(outcomes) {
            let (state, reply) = match outcome {
                RecipientResult::Sent(reply) => (State::Sent, reply.to_string()),
                RecipientResult::Failed(reply) => (State::Failed, reply.to_string()),
                RecipientResult::Deferred(reply) => (retry(&settings.retry, attempts), reply.to_string()),
                RecipientResult::NotSent => {
                    (retry(&settings.retry, attempts), "the connection broke".to_owned())
                }
                RecipientResult::Unknown => {
                    (retry(&settings.retry, attempts), "the last reply never came".to_owned())
                }
            };
            results.push(Settled { no, email: email.to_owned(), state, reply });
        }
    };
    match open.deliver(next, done).await {
        Ok(()) => *connection = Some(open),
        Err(error) => {
            tracing::warn!(%error, "the connection to the next mail server was lost");
            results.extend(later(&error.to_string(), &copies[answered..]));
        }
    }
    results
}

/// The next try, doubling with jitter; after the retry period it has failed.
fn retry(settings: &Queue, attempts: u32) -> State {
    let pause_s = |attempt: u32| {
        let doubled = u64::from(settings.retry_after_s) << attempt.saturating_sub(1).min(20);
        doubled.min(u64::from(settings.max_retry_after_s))
    };
    let waited_s: u64 = (1..=attempts).map(pause_s).sum();
    if waited_s > u64::from(settings.retry_period_h) * 3600 {
        return State::Failed;
    }
    let [jitter] = sealist_openpgp::random::<1>();
    let pause_ms = pause_s(attempts) * 1000 * (224 + u64::from(jitter) / 4) / 256;
    State::Due(Timestamp::now().plus_ms(i64::try_from(pause_ms).unwrap_or(i64::MAX)))
}
