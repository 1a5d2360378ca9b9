//! Records the results of copies. Many results share a commit, and none waits long for it.
//!
//! A copy that was sent but not recorded is sent again after a crash, so this window is kept small.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sealist_app::{App, AppError, BatchLabel, BatchReport, DeliveryResult, DeliveryState, record_results};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// The most results in one commit.
const MAX_RESULTS: usize = 500;
/// How long a result waits for others while copies are being sent.
const GATHER: Duration = Duration::from_millis(200);
/// With so many unrecorded results no more copies are sent.
const MAX_UNRECORDED: usize = 2 * MAX_RESULTS;
/// The pause after the database failed to record results.
const PAUSE: Duration = Duration::from_millis(500);
/// How often recording is tried after the signal to stop, before the results are given up.
const MAX_TRIES_AT_STOP: u32 = 6;

/// The sender's end of the queue of results.
#[derive(Clone)]
pub(super) struct Results {
    sender: mpsc::UnboundedSender<ResultMessage>,
    backlog: Arc<Backlog>,
}

enum ResultMessage {
    Result(One),
    /// A sender has started to send copies.
    Begun,
    /// A sender has finished. When no sender is sending, the results are recorded at once.
    Over,
}

struct One {
    of: BatchLabel,
    settled: DeliveryResult,
    since: Instant,
}

#[derive(Default)]
struct Backlog {
    unrecorded: AtomicUsize,
    less: Notify,
}

impl Results {
    pub(super) fn new(app: App, stop: watch::Receiver<bool>) -> (Self, Recorder) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let backlog = Arc::<Backlog>::default();
        let recorder = Recorder { app, receiver, under_way: 0, backlog: backlog.clone(), stop };
        (Self { sender, backlog }, recorder)
    }

    pub(super) fn put(&self, of: BatchLabel, settled: DeliveryResult) {
        self.backlog.unrecorded.fetch_add(1, Ordering::Relaxed);
        let _ = self.sender.send(ResultMessage::Result(One { of, settled, since: Instant::now() }));
    }

    /// Announces that copies are being sent, until the returned value is dropped. Meanwhile results wait for
    /// each other.
    pub(super) fn under_way(&self) -> UnderWay<'_> {
        let _ = self.sender.send(ResultMessage::Begun);
        UnderWay(self)
    }

    /// Whether more copies may be sent. Copies that are sent but not recorded are sent twice after a crash,
    /// so their number is limited.
    pub(super) fn has_room(&self) -> bool {
        self.backlog.unrecorded.load(Ordering::Relaxed) < MAX_UNRECORDED
    }

    /// Waits until more copies may be sent.
    pub(super) async fn wait_for_room(&self) {
        loop {
            let less = self.backlog.less.notified();
            if self.has_room() {
                return;
            }
            less.await;
        }
    }
}

/// Marks a sender as sending.
pub(super) struct UnderWay<'r>(&'r Results);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let _ = self.0.sender.send(ResultMessage::Over);
    }
}

/// The recorder's end of the queue.
pub(super) struct Recorder {
    app: App,
    receiver: mpsc::UnboundedReceiver<ResultMessage>,
    /// How many senders are sending.
    under_way: usize,
    backlog: Arc<Backlog>,
    stop: watch::Receiver<bool>,
}

impl Recorder {
    /// Runs until all senders are dropped.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.receiver.recv().await {
            let some = self.gather(first).await;
            let count = some.len();
            if count == 0 {
                continue;
            }
            self.record(some).await;
            self.backlog.unrecorded.fetch_sub(count, Ordering::Relaxed);
            self.backlog.less.notify_waiters();
        }
    }

    /// Collects results for one commit: those that are there and, while copies are being sent, those that
    /// arrive until the oldest has waited long enough.
    async fn gather(&mut self, first: ResultMessage) -> Vec<One> {
        let mut some: Vec<One> = Vec::new();
        let mut next = Some(first);
        while let Some(word) = next {
            match word {
                ResultMessage::Result(one) => some.push(one),
                ResultMessage::Begun => self.under_way += 1,
                ResultMessage::Over => self.under_way -= 1,
            }
            next = match some.first() {
                _ if some.len() >= MAX_RESULTS => None,
                Some(oldest) if self.under_way > 0 => {
                    timeout_at(oldest.since + GATHER, self.receiver.recv()).await.ok().flatten()
                }
                _ => self.receiver.try_recv().ok(),
            };
        }
        some
    }

    /// Retries until it succeeds, because a result that is not recorded causes a second copy.
    async fn record(&self, some: Vec<One>) {
        let mut reports: BTreeMap<BatchLabel, Vec<DeliveryResult>> = BTreeMap::new();
        for one in some {
            reports.entry(one.of).or_default().push(one.settled);
        }
        let reports: Vec<BatchReport> =
            reports.into_iter().map(|(of, results)| BatchReport { of, results }).collect();
        reports.iter().for_each(log_results);
        let (mut groups, mut tries) = (vec![reports], 0);
        while let Some(group) = groups.pop() {
            let Err(error) = record_results(&self.app, group.clone(), self.app.now()).await else {
                continue;
            };
            group.iter().for_each(|report| log_not_recorded(report, &error));
            if error.is_transient() {
                tries += 1;
                if *self.stop.borrow() && tries >= MAX_TRIES_AT_STOP {
                    return;
                }
                groups.push(group);
                tokio::time::sleep(PAUSE).await;
            } else if group.len() > 1 {
                // One of the results causes the error, so each is recorded by itself.
                groups.extend(group.into_iter().map(|report| vec![report]));
            }
        }
    }
}

fn log_not_recorded(report: &BatchReport, error: &AppError) {
    let BatchLabel { list, post, entry, .. } = report.of;
    tracing::error!(
        event = "results-not-recorded", entry = entry.map(display), %post, list_no = %list, %error,
        "cannot record the results of copies; retrying"
    );
}

fn log_results(report: &BatchReport) {
    let count =
        |wanted: fn(&DeliveryState) -> bool| report.results.iter().filter(|one| wanted(&one.state)).count();
    let BatchLabel { list, post, entry, .. } = report.of;
    tracing::info!(event = "copies-delivered", entry = entry.map(display), %post, list_no = %list,
        sent = count(|state| *state == DeliveryState::Sent),
        deferred = count(|state| matches!(state, DeliveryState::Due(_))),
        failed = count(|state| *state == DeliveryState::Failed),
        waiting = count(|state| *state == DeliveryState::HeldForKey),
        "delivered"
    );
}
