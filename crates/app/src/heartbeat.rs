//! Heartbeats: registers this process as a node, renews its lease, and deregisters it.

use std::time::Instant;

use sealist_lists::events::{Actor, ServerCause};
use sealist_lists::model::{ListKeyNo, ListNo, NodeNo};
use sealist_mail::Timestamp;
use sealist_store::events::Occasion;
use sealist_store::nodes::{self, Deployment};
use sealist_store::transaction;
use sealist_store::{Calls, StoreError, lists, rotation};

use crate::changes::{Unrecorded, make};
use crate::error::AppError;
use crate::key_rollover::announce;
use crate::node::MAX_PAUSE;
use crate::rotation::SwitchKeys;
use crate::site::App;

/// Notifications of other nodes.
pub struct WorkCalls(Calls);

/// What another node has left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkCall {
    /// Messages wait to be judged.
    Incoming,
    /// Copies wait to be sent.
    Outgoing,
}

impl WorkCalls {
    /// Waits for the next notification. Errs if the connection is lost, or if the writer needs it.
    pub async fn next(&mut self) -> Result<WorkCall, AppError> {
        Ok(match self.0.next().await?.as_str() {
            "incoming" => WorkCall::Incoming,
            _ => WorkCall::Outgoing,
        })
    }
}

impl App {
    /// Whether this process still owns its claims. Shortly before its lease expires nothing more is sent,
    /// until the next heartbeat is recorded.
    pub(crate) fn lease_is_valid(&self) -> bool {
        self.store.alone() == Deployment::SingleProcess || self.node.is_seen()
    }

    /// Whether this process still has that node number. If not, the claims under that number will be
    /// released.
    pub(crate) fn is_current_node(&self, node: NodeNo) -> bool {
        self.node.no() == node
    }

    /// Handles a failed claim. If the database may have recorded the claim nevertheless, this process
    /// continues under a new number, and the claims of the old number are released like those of a dead node.
    pub(crate) fn note_uncertain_claim(&self, error: &StoreError) {
        if matches!(error, StoreError::Unsure { .. } | StoreError::Stopped) {
            self.node.set_unsure(true);
        }
    }

    /// Leaves a list to other nodes, until [`Self::look_for_keys`] finds its keys.
    pub fn lacks_keys(&self, list: ListNo) {
        self.node.lacking().insert(list);
    }

    /// Looks again for missing keys, which may have been restored or copied from another node. Lists whose
    /// keys are there are claimed again.
    pub async fn look_for_keys(&self) -> Result<(), AppError> {
        for no in self.node.claimant().lacking {
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

    /// Registers this process as a node. A process that uses the database alone also releases the claims of
    /// its predecessor.
    pub async fn register_node(&self) -> Result<(), AppError> {
        let (alone, began) = (self.store.alone(), Instant::now());
        let joined = self.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| {
                let node = nodes::register(&mut *db).await?;
                if alone == Deployment::SingleProcess {
                    nodes::release_expired(db, node, alone).await?;
                }
                Ok::<_, StoreError>(node)
            }),
        );
        self.node.set_no(joined.await?);
        self.node.can_judge(began);
        Ok(())
    }

    /// Sends a heartbeat, reports which waiting keys this node has, releases the claims of dead nodes, and
    /// activates a key that all nodes have. Returns how many nodes were dead. A process that uses the
    /// database alone sends no heartbeat.
    pub async fn heartbeat(&self, now: Timestamp) -> Result<usize, AppError> {
        let buried = match self.store.alone() {
            Deployment::SingleProcess => 0,
            Deployment::Cluster => self.be_seen().await?,
        };
        let loaded = self.keyring.load_waiting(&self.store, &self.vault).await?;
        if !loaded.is_empty() {
            self.report(loaded, now).await?;
        }
        Ok(buried)
    }

    async fn be_seen(&self) -> Result<usize, AppError> {
        let (node, began) = (self.node.no(), Instant::now());
        // The heartbeat is a transaction of its own, so that it counts even if the rest fails.
        let lives =
            self.write_unrecorded(Unrecorded::Claims, transaction!(|db| nodes::heartbeat(db, node).await));
        let lives = lives.await?;
        if !lives || self.node.is_unsure() {
            // Other nodes have declared this one dead, or will. They took over its claims, so it registers
            // again.
            self.register_node().await?;
            self.node.set_unsure(false);
        }
        // A slow heartbeat counts as a pause, because it may have been slow for the other nodes, too.
        if !self.node.can_judge(began) || began.elapsed() > MAX_PAUSE {
            return Ok(0);
        }
        let node = self.node.no();
        let buried = self.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| nodes::release_expired(db, node, Deployment::Cluster).await),
        );
        Ok(buried.await?)
    }

    async fn report(&self, loaded: Vec<ListKeyNo>, now: Timestamp) -> Result<(), AppError> {
        let (node, alone) = (self.node.no(), self.store.alone());
        let occasion = Occasion { actor: Actor::Server(ServerCause::Nodes), now };
        let switched = self.write_unrecorded(
            Unrecorded::Claims,
            transaction!(|db| {
                rotation::report(&mut *db, node, &loaded).await?;
                make(db, SwitchKeys(alone), &occasion).await
            }),
        );
        match switched.await {
            Ok(lists) if lists.is_empty() => {}
            Ok(lists) => {
                lists.iter().for_each(
                    |list| tracing::info!(event = "new-key-used", list_no = %list, "the list's new key is in use"),
                );
                announce(self, now).await?;
            }
            // Another node did so first, or the next heartbeat will.
            Err(StoreError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Reads the clock of the database, which [`App::now`] follows from then on. Returns how many
    /// milliseconds the clock of this machine is ahead; 0 with SQLite.
    pub async fn read_database_clock(&self) -> Result<i64, AppError> {
        Ok(self.store.read_database_clock().await?)
    }

    /// The notifications of other nodes. With SQLite there are none.
    pub async fn work_calls(&self) -> Result<WorkCalls, AppError> {
        Ok(WorkCalls(self.store.calls().await?))
    }

    /// Deregisters this node and releases its claims.
    pub async fn deregister_node(&self) -> Result<(), AppError> {
        let node = self.node.no();
        Ok(self
            .write_unrecorded(Unrecorded::Claims, transaction!(|db| nodes::deregister(db, node).await))
            .await?)
    }
}
