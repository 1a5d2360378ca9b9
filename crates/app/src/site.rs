//! A site: its database, its keys, and everything else that use cases need.

use std::sync::Arc;

use sealist_lists::budgets::Budgets;
use sealist_lists::events::Actor;
use sealist_lists::model::MailingList;
use sealist_lists::registry::Registry;
use sealist_lists::texts::Texts;
use sealist_mail::{Address, Timestamp};
use sealist_store::Store;
use sealist_store::nodes::Deployment;
use sealist_store::transfer::{self, TransferProgress};
use tokio::sync::Mutex;

use crate::database::OpenDatabase;
use crate::error::AppError;
use crate::keyring::{Keyring, ListKeys};
use crate::memory_room::MemoryRoom;
use crate::node::Node;
use crate::uploads::AbandonedUploads;
use crate::vault::KeyVault;

/// A site: its database and its keys.
#[derive(Clone)]
pub struct App {
    /// The database. No other crate sees it.
    pub(crate) store: Store,
    /// The keys.
    pub vault: Arc<dyn KeyVault>,
    /// The address that gets the notices of lists without an owner.
    pub contact: Option<Address>,
    /// The texts of its notices.
    pub texts: Texts,
    /// Everything that its lists find by name: rules, chains, workflows, commands, styles.
    pub registry: Arc<Registry>,
    /// The limits of notices.
    pub budgets: Budgets,
    /// How many days it is kept what became of messages and copies.
    pub sent_kept_days: u32,
    /// The user on the command line.
    pub operator: Actor,
    /// Held while the second form of a post is made, so that it is made once.
    pub(crate) second_forms: Arc<Mutex<()>>,
    /// The state of this process as a node.
    pub(crate) node: Arc<Node>,
    /// The keys of lists that this process has loaded.
    pub(crate) keyring: Arc<Keyring>,
    /// Partial bodies of interrupted messages.
    pub(crate) abandoned_uploads: AbandonedUploads,
    /// Memory for messages that are judged.
    pub(crate) judging: MemoryRoom,
    /// Memory for decompressed data. A message that waits for it already has memory to be judged, and one
    /// that has it waits for nothing more.
    pub(crate) growing: MemoryRoom,
    /// Memory for bodies that are being delivered, separate so that a slow next hop does not delay judging.
    pub(crate) leaving: MemoryRoom,
}

impl App {
    /// How many days it is kept what became of messages and copies, unless the configuration says otherwise.
    pub const SENT_KEPT_DAYS: u32 = 7;

    /// A site with that database and those keys.
    pub fn new(
        database: impl Into<OpenDatabase>,
        vault: Arc<dyn KeyVault>,
        contact: Option<Address>,
    ) -> Self {
        Self {
            store: database.into().0,
            vault,
            contact,
            texts: Texts::default(),
            registry: Registry::built_in(),
            budgets: Budgets::default(),
            sent_kept_days: Self::SENT_KEPT_DAYS,
            operator: Actor::CommandLine { uid: 0, name: "(command line)".to_owned() },
            second_forms: Arc::default(),
            node: Arc::default(),
            keyring: Arc::default(),
            abandoned_uploads: AbandonedUploads::default(),
            judging: MemoryRoom::of_mib(48),
            growing: MemoryRoom::of_mib(64),
            leaving: MemoryRoom::of_mib(160),
        }
    }

    /// The time of the site. On PostgreSQL it is the database's clock, which is the same for all nodes.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// The database of this site.
    pub fn database(&self) -> OpenDatabase {
        OpenDatabase(self.store.clone())
    }

    /// The number of commits so far, for tests and benchmarks.
    pub fn commits(&self) -> u64 {
        self.store.commits()
    }

    /// Returns whether this process has the database to itself.
    pub fn deployment(&self) -> Deployment {
        self.store.alone()
    }

    /// Copies every row of this site, which is on SQLite, into an empty PostgreSQL database. Nobody may serve
    /// either database meanwhile. Returns the number of rows. If it errs, nothing was changed.
    pub async fn move_to(
        &self,
        to: &OpenDatabase,
        progress: impl FnMut(TransferProgress) + Send,
    ) -> Result<i64, AppError> {
        Ok(transfer::transfer(&self.store, &to.0, progress).await?)
    }

    /// Returns the keys of a list with OpenPGP. Errs with [`AppError::NoKeys`] if this node lacks a key that
    /// is in use or was in use until lately: another node handles what is encrypted to that key.
    pub async fn keys_of(&self, list: &MailingList) -> Result<Arc<ListKeys>, AppError> {
        self.keyring.keys_of(&self.store, &self.vault, list).await
    }

    /// The same site with other words.
    pub fn with_texts(self, texts: Texts) -> Self {
        Self { texts, ..self }
    }

    /// The same site with these budgets.
    pub fn with_budgets(self, budgets: Budgets) -> Self {
        Self { budgets, ..self }
    }

    /// The same site, which keeps for so many days what became of messages and copies.
    pub fn with_sent_kept_days(self, sent_kept_days: u32) -> Self {
        Self { sent_kept_days, ..self }
    }

    /// The same site, with that person at the command line.
    pub fn with_operator(self, operator: Actor) -> Self {
        Self { operator, ..self }
    }

    /// The same site with what that registry names.
    pub fn with_registry(self, registry: Registry) -> Self {
        let registry = Arc::new(registry);
        Self { store: self.store.with_registry(registry.clone()), registry, ..self }
    }
}
