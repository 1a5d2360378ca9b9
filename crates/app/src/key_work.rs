//! Work on keys that people sent: on threads for such work, so that connections and timers go on meanwhile.

use tokio::sync::Semaphore;

use crate::error::AppError;

/// One at a time, so that mail with many keys leaves the other processors to the rest. Whoever has the place waits for nothing
/// else.
static PLACE: Semaphore = Semaphore::const_new(1);

/// Does the work when the place is free, and returns what comes of it. Errs if the process stops.
pub(crate) async fn key_work<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let place = PLACE.acquire().await.map_err(|_| AppError::Interrupted)?;
    let done = tokio::task::spawn_blocking(move || {
        // The work goes on when nobody waits for it any more.
        let _place = place;
        work()
    });
    done.await.map_err(|_| AppError::Interrupted)
}
