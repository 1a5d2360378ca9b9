//! Room in memory for large bodies: work on one begins when there is room for all the forms that it takes meanwhile.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::AppError;

/// Of all bodies in work at one place.
const ROOM_MIB: u32 = 160;

/// The room of one place of work, for messages in the order in which they come.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_MIB as usize)))
    }
}

impl Room {
    /// Waits for room for a body of so many octets, `forms` times over; all of it for what is larger. Given back when the
    /// answer is dropped.
    pub(crate) async fn wait(&self, octets: u64, forms: u64) -> Result<OwnedSemaphorePermit, AppError> {
        let mib = u32::try_from(octets * forms / (1024 * 1024) + 1).unwrap_or(ROOM_MIB).min(ROOM_MIB);
        self.0.clone().acquire_many_owned(mib).await.map_err(|_| AppError::Interrupted)
    }
}
