//! The only writer of a process. Concurrent changes share a commit, and each fails alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fail::fail_point;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::StoreError;
use crate::location::{Location, ReadPool, Work};
use crate::sql::Conn;

/// The most changes in one commit.
const MAX_BATCH: usize = 256;
/// The time limit of a transaction if the server does not answer.
const MAX_TRANSACTION: Duration = Duration::from_secs(60);
/// The longest wait of a commit for other changes, however long a commit takes. On PostgreSQL it is a little
/// longer.
const MAX_GATHER: Duration = Duration::from_micros(500);

/// The result of a job: whether it succeeded, and whom to notify after the commit.
pub(crate) struct Ran {
    pub(crate) worked: bool,
    pub(crate) tell: Tell,
}

/// Notifies the caller of a change about the commit.
pub(crate) type Tell = Box<dyn FnOnce(Option<StoreError>) + Send>;

/// A change. It gets the connection, or the reason why there is none.
pub(crate) type Job = Box<dyn for<'c> FnOnce(Result<&'c mut Conn, StoreError>) -> Work<'c, Ran> + Send>;

/// The writer's connection, and the waiting jobs.
pub(crate) struct Writer {
    location: Location,
    readers: ReadPool,
    connection: Option<Conn>,
    jobs: mpsc::Receiver<Job>,
    commits: Arc<AtomicU64>,
    last: LastCommit,
}

/// The size and duration of the last commit, which predict the next one.
#[derive(Default)]
struct LastCommit {
    /// The jobs in the commit, and those that waited behind it.
    crowd: usize,
    took: Duration,
}

impl Writer {
    pub(crate) fn new(
        location: Location,
        readers: ReadPool,
        connection: Option<Conn>,
        jobs: mpsc::Receiver<Job>,
        commits: Arc<AtomicU64>,
    ) -> Self {
        Self { location, readers, connection, jobs, commits, last: LastCommit::default() }
    }

    /// Runs on a thread of its own, because with SQLite each statement occupies the thread.
    pub(crate) fn start(mut self) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| StoreError::Transient { code: error.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let thread = std::thread::Builder::new().name("writer".into());
        let serve = move || {
            // A panic rolls its transaction back and its callers get an error. All other changes are still
            // served.
            while catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.run()))).is_err() {
                tracing::error!(
                    event = "writer-panicked",
                    "a change panicked in the writer; its transaction is rolled back"
                );
                self.connection = None;
            }
        };
        thread.spawn(serve).map_err(failed)?;
        Ok(())
    }

    /// Runs until all senders are dropped.
    async fn run(&mut self) {
        while let Some(first) = self.jobs.recv().await {
            if let Err(error) = self.open().await {
                tracing::error!(event = "transaction-failed", %error, "cannot begin a transaction");
                self.connection = None;
                let ran = first(Err(error)).await;
                (ran.tell)(None);
                continue;
            }
            let shared = match timeout(MAX_TRANSACTION, self.share_commit(first)).await {
                Ok(shared) => shared,
                Err(_) => Err(StoreError::Unsure { code: "no answer in time".into() }),
            };
            if let Err(error) = shared {
                tracing::error!(
                    event = "commit-failed", %error,
                    "a commit failed; its callers retry or report the error"
                );
                // The outcome of its transaction is unknown.
                self.connection = None;
            } else {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Begins a transaction, with a new connection if the old one was lost.
    async fn open(&mut self) -> Result<(), StoreError> {
        if let Some(known) = &mut self.connection {
            let begin = known.begin();
            if known.run(begin).await.is_ok() {
                return Ok(());
            }
        }
        let mut fresh = self.readers.connect_writer(&self.location).await?;
        let begin = fresh.begin();
        fresh.run(begin).await?;
        self.connection = Some(fresh);
        Ok(())
    }

    /// Runs the job and those that arrive meanwhile, commits, and notifies all callers.
    async fn share_commit(&mut self, first: Job) -> Result<(), StoreError> {
        let connection = self.connection.as_mut().ok_or(StoreError::Stopped)?;
        let (tell, mut sound) = run_apart(first, connection).await;
        let mut told = vec![tell];
        // As many jobs as last time are probably on their way or here. Half of them suffice, so that the
        // others arrive during the commit. If commits are slow, all jobs that are here are included.
        let (began, half, patience) = (Instant::now(), self.last.crowd / 2, self.last.took / 2);
        while sound && told.len() < MAX_BATCH && (told.len() < half || began.elapsed() < patience) {
            if let Ok(job) = self.jobs.try_recv() {
                let (tell, still) = run_apart(job, connection).await;
                told.push(tell);
                sound = still;
            } else if told.len() < half && began.elapsed() < patience.min(MAX_GATHER) {
                connection.wait_a_little().await;
            } else {
                break;
            }
        }
        let began = Instant::now();
        fail_point!("before-commit");
        let committed = if sound {
            let committed = connection.run("COMMIT").await;
            committed.map_err(|error| StoreError::Unsure { code: error.to_string() })
        } else {
            // PostgreSQL would roll it back and report success.
            Err(StoreError::Transient { code: "the transaction was rolled back".into() })
        };
        fail_point!("after-commit");
        self.last = LastCommit { crowd: told.len() + self.jobs.len(), took: began.elapsed() };
        if committed.is_err() {
            let _ = connection.run("ROLLBACK").await;
        }
        for tell in told {
            tell(match &committed {
                Ok(()) => None,
                Err(StoreError::Unsure { code }) => Some(StoreError::Unsure { code: code.clone() }),
                Err(error) => Some(StoreError::Transient { code: error.to_string() }),
            });
        }
        committed
    }
}

/// Runs a job in its own savepoint. Returns whether the transaction can still be committed.
async fn run_apart(job: Job, connection: &mut Conn) -> (Tell, bool) {
    connection.forget_locks();
    if let Err(error) = connection.run("SAVEPOINT job").await {
        let tell = job(Err(error)).await.tell;
        return (Box::new(move |_| tell(None)), false);
    }
    let ran = job(Ok(&mut *connection)).await;
    let tell = ran.tell;
    if !ran.worked {
        // The caller gets the job's own error, whatever the commit does.
        return (Box::new(move |_| tell(None)), undo(connection).await.is_ok());
    }
    match connection.run("RELEASE SAVEPOINT job").await {
        Ok(()) => (tell, true),
        Err(error) => (Box::new(move |_| tell(Some(error))), undo(connection).await.is_ok()),
    }
}

async fn undo(connection: &mut Conn) -> Result<(), StoreError> {
    connection.run("ROLLBACK TO SAVEPOINT job").await?;
    connection.run("RELEASE SAVEPOINT job").await
}
