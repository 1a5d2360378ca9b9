//! Heartbeats: how this process enters itself among the nodes, stays there, and leaves.

use std::time::Instant;

use sealist_lists::events::{Actor, ServerCause};
use sealist_lists::model::{ListKeyNo, ListNo, NodeNo};
use sealist_mail::Timestamp;
use sealist_store::events::Occasion;
use sealist_store::nodes::{self, Claimant, Deployment};
use sealist_store::{StoreError, lists, rotation};

use crate::error::AppError;
use crate::node::MAX_PAUSE;
use crate::rotation::switch;
use crate::site::App;
use crate::succession::announce;

impl App {
    /// Whether what this process has claimed is still its own. Once the others may have taken it for dead, nothing goes
    /// out until they have seen it again.
    pub fn lease_is_valid(&self) -> bool {
        self.store.alone() == Deployment::Yes || self.node.is_seen()
    }

    /// Whether this process goes on under that number. If not, what it claimed under it will be freed.
    pub fn is_current_node(&self, node: NodeNo) -> bool {
        self.node.no() == node
    }

    /// A claim failed. If the database may have it all the same, this process goes on under another number, and what the
    /// old one has is freed as that of a dead one.
    pub fn note_uncertain_claim(&self, error: &StoreError) {
        if matches!(error, StoreError::Unsure { .. } | StoreError::Stopped) {
            self.node.set_unsure(true);
        }
    }

    /// Who claims here.
    pub fn claimant(&self) -> Claimant {
        self.node.claimant()
    }

    /// Leaves a list to other nodes, until [`Self::look_for_keys`] finds its keys.
    pub fn lacks_keys(&self, list: ListNo) {
        self.node.lacking().insert(list);
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
            self.node.lacking().remove(&no);
        }
        Ok(())
    }

    /// Enters this process among those that serve. With the database to itself it frees what the one before had claimed.
    pub async fn register_node(&self) -> Result<(), AppError> {
        let (alone, began) = (self.store.alone(), Instant::now());
        let joined = self.store.write(move |db| {
            Box::pin(async move {
                let node = nodes::register(&mut *db).await?;
                if alone == Deployment::Yes {
                    nodes::release_expired(db, node, alone).await?;
                }
                Ok::<_, StoreError>(node)
            })
        });
        self.node.set_no(joined.await?);
        self.node.can_judge(began);
        Ok(())
    }

    /// Says that this process lives and which of the keys that wait it has, frees what dead ones had claimed, and begins to
    /// use a key that all have. Says how many were dead. With the database to itself there is nobody to tell.
    pub async fn heartbeat(&self, now: Timestamp) -> Result<usize, AppError> {
        let buried = match self.store.alone() {
            Deployment::Yes => 0,
            Deployment::No => self.be_seen().await?,
        };
        let loaded = self.keyring.load_waiting(&self.store, &self.vault).await?;
        if !loaded.is_empty() {
            self.report(loaded, now).await?;
        }
        Ok(buried)
    }

    async fn be_seen(&self) -> Result<usize, AppError> {
        let (node, began) = (self.node.no(), Instant::now());
        // By itself: whatever becomes of the dead, this counts.
        let lives = self.store.write(move |db| Box::pin(nodes::heartbeat(db, node)));
        let lives = lives.await.map_err(|error: StoreError| error)?;
        if !lives || self.node.is_unsure() {
            // The others took us for dead, or will: what we had is theirs, and we are new.
            self.register_node().await?;
            self.node.set_unsure(false);
        }
        // A sign of life that took long was a pause too, for the others perhaps as for this one.
        if !self.node.can_judge(began) || began.elapsed() > MAX_PAUSE {
            return Ok(0);
        }
        let node = self.node.no();
        let buried = self.store.write(move |db| Box::pin(nodes::release_expired(db, node, Deployment::No)));
        Ok(buried.await.map_err(|error: StoreError| error)?)
    }

    async fn report(&self, loaded: Vec<ListKeyNo>, now: Timestamp) -> Result<(), AppError> {
        let (node, alone) = (self.node.no(), self.store.alone());
        let occasion = Occasion { actor: Actor::Server(ServerCause::Nodes), now };
        let switched = self.store.write(move |db| {
            Box::pin(async move {
                rotation::report(&mut *db, node, &loaded).await?;
                switch(db, alone, &occasion).await
            })
        });
        match switched.await {
            Ok(lists) if lists.is_empty() => {}
            Ok(lists) => {
                lists.iter().for_each(
                    |list| tracing::info!(event = "new-key-used", %list, "the list's new key is in use"),
                );
                announce(self, now).await?;
            }
            // Another node was quicker, or this is for the next time.
            Err(StoreError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Leaves in order: what this process had claimed is free.
    pub async fn deregister_node(&self) -> Result<(), AppError> {
        let node = self.node.no();
        self.store
            .write(move |db| Box::pin(nodes::deregister(db, node)))
            .await
            .map_err(|e: StoreError| e.into())
    }
}
