//! Limits the memory for large bodies: work on a body starts when there is memory for all of its copies.

use std::sync::Arc;

use sealist_openpgp::{TakeRoom, TakenRoom};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::AppError;

/// The memory limit of one kind of work. Messages wait in order.
#[derive(Clone)]
pub(crate) struct MemoryRoom {
    mib: u32,
    left: Arc<Semaphore>,
}

impl MemoryRoom {
    /// The limit for all bodies of one kind of work.
    pub(crate) fn of_mib(mib: u32) -> Self {
        Self { mib, left: Arc::new(Semaphore::new(mib as usize)) }
    }

    /// Waits for memory for `forms` copies of a body of that many octets, or for the whole limit if it is
    /// larger. The memory is released when the result is dropped. Less than 1 MiB never waits, so that an
    /// ordinary post is not delayed by large ones.
    pub(crate) async fn wait(&self, octets: u64, forms: u64) -> Result<OwnedSemaphorePermit, AppError> {
        let mib = octets.saturating_mul(forms) / (1024 * 1024);
        let mib = u32::try_from(mib).unwrap_or(self.mib).min(self.mib);
        self.left.clone().acquire_many_owned(mib).await.map_err(|_| AppError::Interrupted)
    }

    /// The same for code that cannot await: it blocks, on a thread for such work.
    pub(crate) fn taker(&self, forms: u64) -> TakeRoom {
        let (room, runtime) = (self.clone(), Handle::current());
        Box::new(move |octets| {
            let taken = runtime.block_on(room.wait(octets as u64, forms));
            Box::new(taken.ok()) as TakenRoom
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_small_does_not_wait_behind_what_is_large() {
        const MIB: u64 = 1024 * 1024;
        let room = MemoryRoom::of_mib(10);
        let large = room.wait(9 * MIB, 1).await.unwrap();
        let larger = room.wait(100 * MIB, 5);
        tokio::pin!(larger);
        let soon = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, &mut larger).await.is_err(), "it waits for all of the room");
        let _small = room.wait(MIB / 5 - 1, 5).await.unwrap();
        drop(large);
        let larger = larger.await.unwrap();
        assert!(tokio::time::timeout(soon, room.wait(MIB, 1)).await.is_err(), "the room is taken");
        drop(larger);
        drop(room.wait(MIB, 1).await.unwrap());
    }
}
