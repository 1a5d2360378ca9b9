//! This process among those that serve the database.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};

use sealist_lists::model::{ListNo, NodeNo};
use sealist_store::nodes::{self, Claimant};
use sealist_store::{StoreError, nodes::Alone};

use crate::{App, AppError};

/// Which process this is, and for which lists it has no keys.
#[derive(Default)]
pub(crate) struct Node {
    no: AtomicI64,
    lacking: Mutex<BTreeSet<ListNo>>,
}

impl App {
    /// Who claims here.
    pub fn claimant(&self) -> Claimant {
        let lacking = self.node.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        Claimant {
            node: NodeNo(self.node.no.load(Ordering::Relaxed)),
            lacking: lacking.iter().copied().collect(),
        }
    }

    /// Leaves a list to other nodes, until [`Self::look_for_keys`].
    pub fn lacks_keys(&self, list: ListNo) {
        self.node.lacking.lock().unwrap_or_else(PoisonError::into_inner).insert(list);
    }

    /// Tries all lists again: their keys may have been restored.
    pub fn look_for_keys(&self) {
        self.node.lacking.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Enters this process among those that serve, and frees what dead ones had claimed.
    pub async fn join(&self) -> Result<(), AppError> {
        let alone = self.store.alone();
        let joined = self.store.write(move |db| {
            Box::pin(async move {
                let node = nodes::join(&mut *db).await?;
                nodes::bury(db, node, alone).await?;
                Ok::<_, StoreError>(node)
            })
        });
        self.node.no.store(joined.await?.0, Ordering::Relaxed);
        Ok(())
    }

    /// Says that this process lives, and frees what dead ones had claimed; says how many there were. With the
    /// database to itself there is nobody to tell.
    pub async fn live(&self) -> Result<usize, AppError> {
        if self.store.alone() == Alone::Yes {
            return Ok(0);
        }
        let node = self.claimant().node;
        let lives = self.store.write(move |db| {
            Box::pin(async move {
                let lives = nodes::live(&mut *db, node).await?;
                Ok::<_, StoreError>((lives, nodes::bury(db, node, Alone::No).await?))
            })
        });
        let (lives, buried) = lives.await?;
        if !lives {
            // The others took us for dead: what we had is theirs, and we are new.
            self.join().await?;
        }
        Ok(buried)
    }

    /// Leaves in order: what this process had claimed is free.
    pub async fn leave(&self) -> Result<(), AppError> {
        let node = self.claimant().node;
        self.store.write(move |db| Box::pin(nodes::leave(db, node))).await.map_err(|e: StoreError| e.into())
    }
}
