//! This process among those that serve the database.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sealist_lists::model::{ListKeyNo, ListNo, NodeNo};
use sealist_mail::Timestamp;
use sealist_store::nodes::{self, Claimant, DEAD_AFTER_MS};
use sealist_store::{StoreError, lists, nodes::Alone, rotation};

use crate::{App, AppError};

/// Which process this is, and for which lists it has no keys.
#[derive(Default)]
pub(crate) struct Node {
    no: AtomicI64,
    /// When the others last could see that it lives.
    seen: Mutex<Option<Instant>>,
    lacking: Mutex<BTreeSet<ListNo>>,
}

/// So long before the others take it for dead, a node stops to send what they will send.
const MARGIN_MS: u64 = 1000;

impl App {
    /// Whether what this process has claimed is still its own. Once the others may have taken it for dead, nothing goes
    /// out until they have seen it again.
    pub fn is_among_the_living(&self) -> bool {
        let limit = Duration::from_millis(DEAD_AFTER_MS.unsigned_abs() - MARGIN_MS);
        let seen = *self.node.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.alone() == Alone::Yes || seen.is_some_and(|seen| seen.elapsed() < limit)
    }

    fn was_seen(&self, at: Instant) {
        *self.node.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Who claims here.
    pub fn claimant(&self) -> Claimant {
        let lacking = self.node.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        Claimant {
            node: NodeNo(self.node.no.load(Ordering::Relaxed)),
            lacking: lacking.iter().copied().collect(),
        }
    }

    /// Leaves a list to other nodes, until [`Self::look_for_keys`] finds its keys.
    pub fn lacks_keys(&self, list: ListNo) {
        self.node.lacking.lock().unwrap_or_else(PoisonError::into_inner).insert(list);
    }

    /// Looks again for keys that were missing: they may have been restored, or come from another node. Lists whose keys are
    /// there are claimed again.
    pub async fn look_for_keys(&self) -> Result<(), AppError> {
        for no in self.claimant().lacking {
            let list = lists::by_no(&mut *self.store.reader().await?, no).await?;
            if let Some(list) = list {
                match self.keys_of(&list).await {
                    Err(AppError::NoKeys { .. }) => continue,
                    keys => drop(keys?),
                }
            }
            self.node.lacking.lock().unwrap_or_else(PoisonError::into_inner).remove(&no);
        }
        Ok(())
    }

    /// Enters this process among those that serve, and frees what dead ones had claimed.
    pub async fn join(&self) -> Result<(), AppError> {
        let (alone, began) = (self.store.alone(), Instant::now());
        let joined = self.store.write(move |db| {
            Box::pin(async move {
                let node = nodes::join(&mut *db).await?;
                nodes::bury(db, node, alone).await?;
                Ok::<_, StoreError>(node)
            })
        });
        self.node.no.store(joined.await?.0, Ordering::Relaxed);
        self.was_seen(began);
        Ok(())
    }

    /// Says that this process lives and which of the keys that wait it has, frees what dead ones had claimed, and begins to
    /// use a key that all have. Says how many were dead. With the database to itself there is nobody to tell.
    pub async fn live(&self, now: Timestamp) -> Result<usize, AppError> {
        let buried = match self.store.alone() {
            Alone::Yes => 0,
            Alone::No => self.be_seen().await?,
        };
        let loaded = self.load_waiting().await?;
        if !loaded.is_empty() {
            self.report(loaded, now).await?;
        }
        Ok(buried)
    }

    async fn be_seen(&self) -> Result<usize, AppError> {
        let (node, began) = (self.claimant().node, Instant::now());
        let lives = self.store.write(move |db| {
            Box::pin(async move {
                let lives = nodes::live(&mut *db, node).await?;
                Ok::<_, StoreError>((lives, nodes::bury(db, node, Alone::No).await?))
            })
        });
        let (lives, buried) = lives.await?;
        if lives {
            self.was_seen(began);
        } else {
            // The others took us for dead: what we had is theirs, and we are new.
            self.join().await?;
        }
        Ok(buried)
    }

    async fn report(&self, loaded: Vec<ListKeyNo>, now: Timestamp) -> Result<(), AppError> {
        let (node, alone) = (self.claimant().node, self.store.alone());
        let switched = self.store.write(move |db| {
            Box::pin(async move {
                rotation::report(&mut *db, node, &loaded).await?;
                rotation::switch(db, alone, now).await
            })
        });
        match switched.await {
            Ok(lists) => lists.iter().for_each(|list| tracing::info!(%list, "the new key is used")),
            // Another node was quicker, or this is for the next time.
            Err(StoreError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Leaves in order: what this process had claimed is free.
    pub async fn leave(&self) -> Result<(), AppError> {
        let node = self.claimant().node;
        self.store.write(move |db| Box::pin(nodes::leave(db, node))).await.map_err(|e: StoreError| e.into())
    }
}
