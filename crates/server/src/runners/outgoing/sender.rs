//! One sender: claims recipients of a post, has their copies made, and sends them on its own connection.

use std::sync::Arc;

use sealist_app::{App, AppError, Batch, BatchLabel, CopyClaim, Ready, could_not_be_made, prepare};
use sealist_lists::model::DeliveryNo;
use sealist_mail::Timestamp;
use sealist_smtp::client::Connection;
use tokio::sync::{Notify, watch};

use super::super::{POLL, retry_until_stopped};
use super::SenderSettings;
use super::gone::Gone;
use super::results::Results;
use super::wire::{self, ConnectionWork};

const CHUNK: u32 = 500;
/// The pause after the database failed while copies were made.
const PAUSE_MS: i64 = 2_000;

pub(super) struct CopySender {
    pub(super) app: App,
    pub(super) settings: Arc<SenderSettings>,
    pub(super) accepted: Arc<Notify>,
    pub(super) results: Results,
    pub(super) stop: watch::Receiver<bool>,
}

/// Claimed recipients.
type Rows = Vec<(DeliveryNo, String)>;

impl CopySender {
    pub(super) async fn run(mut self) {
        let mut connection = None;
        while !*self.stop.borrow() {
            match self.step(&mut connection).await {
                Ok(true) => {}
                Ok(false) => {
                    if let Some(idle) = connection.take_if(|connection| connection.is_idle()) {
                        tokio::spawn(idle.quit());
                    }
                    tokio::select! {
                        () = self.accepted.notified() => {}
                        () = tokio::time::sleep(POLL) => {}
                        _ = self.stop.wait_for(|stop| *stop) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(
                        event = "delivery-interrupted", %error,
                        "cannot claim recipients; retrying"
                    );
                    tokio::time::sleep(POLL).await;
                }
            }
        }
        if let Some(connection) = connection {
            Connection::quit(connection).await;
        }
    }

    /// Processes one batch. Returns whether there was one.
    async fn step(&self, connection: &mut Option<Connection>) -> Result<bool, AppError> {
        let (node, batch) = match self.app.claim_copies(CHUNK).await? {
            CopyClaim::Nothing => return Ok(false),
            CopyClaim::FannedOut => return Ok(true),
            CopyClaim::Copies(node, batch) => (node, batch),
        };
        if batch.rows.len() >= CHUNK as usize {
            // There may be more work for another connection.
            self.accepted.notify_one();
        }
        let of = BatchLabel::of(node, &batch);
        let BatchLabel { list, post, entry, .. } = of;
        let rows: Rows = batch.rows.iter().map(|row| (row.no, row.email.clone())).collect();
        // Recipients that are not served now are given back only here.
        match self.prepare(batch).await {
            Ok(mut ready) => {
                let under_way = self.results.under_way();
                for settled in std::mem::take(&mut ready.held) {
                    self.results.put(of, settled);
                }
                let gone = Gone::among(&self.app, numbers(&rows));
                let sending = ConnectionWork {
                    entry,
                    is_gone: &|row| gone.has(row),
                    settings: &self.settings,
                    results: &self.results,
                    may_go: &|| !*self.stop.borrow() && self.app.still_claims(node),
                    now: &|| self.app.now(),
                    put: |settled| self.results.put(of, settled),
                };
                let mut back = wire::send(sending, connection, &ready.copies).await;
                drop(under_way);
                back.extend(ready.later);
                self.give_back(of, back, self.app.now()).await;
            }
            Err(error @ AppError::NoKeys { .. }) => {
                tracing::warn!(
                    event = "left-to-other-node", entry = entry.map(display), %post, list_no = %list, %error,
                    "this node lacks the keys of the list; another node handles it"
                );
                self.app.lacks_keys(list);
                self.give_back(of, numbers(&rows), self.app.now()).await;
            }
            Err(error) if error.is_transient() => {
                // The post is not at fault, so this does not count as a try.
                tracing::error!(
                    event = "copies-delayed", entry = entry.map(display), %post, list_no = %list, %error,
                    "cannot make copies because of the database; retrying"
                );
                self.give_back(of, numbers(&rows), self.app.now().plus_ms(PAUSE_MS)).await;
            }
            Err(error) => {
                tracing::error!(
                    event = "copies-failed", entry = entry.map(display), %post, list_no = %list, %error,
                    "cannot make copies of a post; they are retried, and held after three tries"
                );
                let put_off = || could_not_be_made(&self.app, of, rows.clone(), self.app.now());
                retry_until_stopped(entry, &self.stop, put_off).await;
            }
        }
        Ok(true)
    }

    /// The copies are made in a task of their own, so that a panic does not end the runner.
    async fn prepare(&self, batch: Batch) -> Result<Ready, AppError> {
        let (app, together) = (self.app.clone(), self.settings.together);
        let made = tokio::spawn(async move { prepare(&app, batch, together, app.now()).await });
        made.await.map_err(|_| AppError::Interrupted)?
    }

    async fn give_back(&self, of: BatchLabel, rows: Vec<DeliveryNo>, from: Timestamp) {
        if rows.is_empty() {
            return;
        }
        let back = || self.app.give_back_copies(of.node, rows.clone(), from);
        retry_until_stopped(of.entry, &self.stop, back).await;
    }
}

fn numbers(rows: &Rows) -> Vec<DeliveryNo> {
    rows.iter().map(|(no, _)| *no).collect()
}
