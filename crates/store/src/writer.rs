//! The one writer of a process: changes that come at the same time share a commit, and each fails alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::StoreError;
use crate::db::{Location, Work};
use crate::sql::Conn;

/// Changes in one commit.
const MAX_BATCH: usize = 256;
/// How long a commit waits for company once somebody shares it.
const GATHER: Duration = Duration::from_millis(1);

/// What a job says when it has run: whether it worked, and whom to tell after the commit.
pub(crate) struct Ran {
    pub(crate) worked: bool,
    pub(crate) tell: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

/// A change: with the connection, or with the reason why there is none.
pub(crate) type Job = Box<dyn for<'c> FnOnce(Result<&'c mut Conn, StoreError>) -> Work<'c, Ran> + Send>;

pub(crate) async fn run(
    location: Location,
    connection: Conn,
    mut jobs: mpsc::Receiver<Job>,
    commits: Arc<AtomicU64>,
) {
    let mut connection = Some(connection);
    while let Some(first) = jobs.recv().await {
        match opened(&location, &mut connection).await {
            Ok(open) => {
                if let Err(error) = share_commit(open, first, &mut jobs).await {
                    tracing::error!(%error, "a commit failed");
                    // Nobody knows what became of its transaction.
                    connection = None;
                } else {
                    commits.fetch_add(1, Ordering::Relaxed);
                }
            }
            Err(error) => {
                tracing::error!(%error, "no transaction could be begun");
                connection = None;
                let ran = first(Err(error.into())).await;
                (ran.tell)(None);
            }
        }
    }
}

/// The connection, made anew if it was lost, with a transaction begun.
async fn opened<'c>(
    location: &Location,
    connection: &'c mut Option<Conn>,
) -> Result<&'c mut Conn, sqlx::Error> {
    if let Some(known) = connection {
        let begin = known.begin();
        if known.run(begin).await.is_err() {
            *connection = None;
        }
    }
    if connection.is_none() {
        let mut fresh = location.connect().await?;
        let begin = fresh.begin();
        fresh.run(begin).await?;
        *connection = Some(fresh);
    }
    Ok(connection.as_mut().expect("it was there or was made"))
}

/// Runs the job and those that come meanwhile, commits, and tells them all.
async fn share_commit(
    connection: &mut Conn,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
) -> Result<(), sqlx::Error> {
    let mut told = Vec::new();
    let mut next = Some(first);
    while let Some(job) = next.take() {
        told.push(run_apart(job, connection).await);
        if told.len() >= MAX_BATCH {
            break;
        }
        next = jobs.try_recv().ok();
        if next.is_none() && told.len() > 1 {
            next = tokio::time::timeout(GATHER, jobs.recv()).await.ok().flatten();
        }
    }
    let committed = connection.run("COMMIT").await;
    if committed.is_err() {
        let _ = connection.run("ROLLBACK").await;
    }
    for tell in told {
        let failure = committed.as_ref().err();
        tell(failure.map(|error| StoreError::Transient { code: error.to_string() }));
    }
    committed
}

/// Runs a job inside its own savepoint.
async fn run_apart(job: Job, connection: &mut Conn) -> Box<dyn FnOnce(Option<StoreError>) + Send> {
    let opened = connection.run("SAVEPOINT job").await;
    let ran = job(Ok(&mut *connection)).await;
    let ended = match (&opened, ran.worked) {
        (Ok(()), true) => connection.run("RELEASE SAVEPOINT job").await,
        _ => connection.run("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job").await,
    };
    let tell = ran.tell;
    match (ran.worked, opened.and(ended)) {
        (true, Err(error)) => Box::new(move |_| tell(Some(error.into()))),
        // Its own error stands, whatever the commit does.
        (false, _) => Box::new(move |_| tell(None)),
        (true, Ok(())) => tell,
    }
}
