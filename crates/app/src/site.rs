//! A site: its database, its keys, and what every use case needs of it.

use std::sync::Arc;

use sealist_lists::budgets::Budgets;
use sealist_lists::events::Actor;
use sealist_lists::model::MailingList;
use sealist_lists::texts::Texts;
use sealist_lists::workflows::Workflows;
use sealist_mail::Address;
use sealist_store::Store;
use tokio::sync::Mutex;

use crate::error::AppError;
use crate::keyring::{Keyring, ListKeys};
use crate::node::Node;
use crate::room::MemoryRoom;
use crate::uploads::AbandonedUploads;
use crate::vault::KeyVault;

/// A site: its database and its keys.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The keys.
    pub vault: Arc<dyn KeyVault>,
    /// Who hears of a list that nobody is in charge of.
    pub contact: Option<Address>,
    /// The words of its notices.
    pub texts: Texts,
    /// The workflows that its lists may use.
    pub workflows: Arc<Workflows>,
    /// How many notices go to whom.
    pub budgets: Budgets,
    /// Who works on the command line.
    pub operator: Actor,
    /// Held while the second form of a post is made, so that it is made once.
    pub(crate) second_forms: Arc<Mutex<()>>,
    /// This process among those that serve the database.
    pub(crate) node: Arc<Node>,
    /// The keys of lists that this process has loaded.
    pub(crate) keyring: Arc<Keyring>,
    /// Messages that came in part and broke off.
    pub(crate) abandoned_uploads: AbandonedUploads,
    /// For messages that are judged.
    pub(crate) judging: MemoryRoom,
    /// For what grows when it is opened: who waits for it has room to be judged, and nobody who has it waits for more.
    pub(crate) growing: MemoryRoom,
    /// For bodies that are on their way out: a next hop that hangs keeps nobody from judging.
    pub(crate) leaving: MemoryRoom,
}

impl App {
    /// A site with that database and those keys.
    pub fn new(store: Store, vault: Arc<dyn KeyVault>, contact: Option<Address>) -> Self {
        Self {
            store,
            vault,
            contact,
            texts: Texts::default(),
            workflows: Arc::default(),
            budgets: Budgets::default(),
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

    /// Returns the keys of a list with OpenPGP. Errs with [`AppError::NoKeys`] if this node lacks a key that is in use or was
    /// in use until lately: another node handles what is encrypted to that key.
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

    /// The same site, with that person at the command line.
    pub fn with_operator(self, operator: Actor) -> Self {
        Self { operator, ..self }
    }

    /// The same site with these workflows.
    pub fn with_workflows(self, workflows: Workflows) -> Self {
        Self { workflows: Arc::new(workflows), ..self }
    }
}
