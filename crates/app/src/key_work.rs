//! Runs work on keys that people sent on separate threads, so that connections and timers are not delayed.

use tokio::sync::Semaphore;

use crate::error::AppError;

/// One job at a time, so that mail with many keys leaves the other processors free. A running job waits for
/// nothing else.
static PLACE: Semaphore = Semaphore::const_new(1);

/// Runs the job when its turn comes, and returns the result. Errs if the process stops.
pub(crate) async fn key_work<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let place = PLACE.acquire().await.map_err(|_| AppError::Interrupted)?;
    let done = tokio::task::spawn_blocking(move || {
        // The job continues even if nobody waits for it any more.
        let _place = place;
        work()
    });
    done.await.map_err(|_| AppError::Interrupted)
}
