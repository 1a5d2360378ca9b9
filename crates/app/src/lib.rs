//! Use cases: one function per change or question. Each loads the facts, lets `lists` decide, and records
//! the outcome in one transaction. Command line, runners and later REST all call these.
//!
//! No loops, no sockets, no files: key files are behind [`KeyVault`].

mod bounces;
mod error;
mod incoming;
mod intake;
mod letters;
mod moderation;
mod node;
mod notices;
mod outgoing;
mod sealing;
mod setup;
mod upkeep;

use std::sync::Arc;

use sealist_lists::model::{ListName, MailingList};
use sealist_mail::Address;
use sealist_openpgp::{ListKey, MacKey, StorageKey};
use sealist_store::Store;
use tokio::sync::{Mutex, Semaphore};

pub use error::AppError;
pub use incoming::{Outcome, process};
pub use intake::{Arrival, Intake};
pub use moderation::{Rejected, reject, shunt};
pub use outgoing::{Copy, Ready, Recipient, Report, Retry, Together, could_not_be_made, prepare, settle};
pub use setup::{NewMember, add_member, create_list, list_certificate, set_key};
pub use upkeep::{Kept, upkeep};

/// A site: its database and its keys.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The keys.
    pub vault: Arc<dyn KeyVault>,
    /// Who hears of a list that nobody is in charge of.
    pub contact: Option<Address>,
    second_forms: Arc<Mutex<()>>,
    node: Arc<node::Node>,
    /// Room in memory for bodies that are on their way out, in MiB.
    bodies: Arc<Semaphore>,
}

/// Of all bodies on their way out, in the forms they take there.
const ROOM_MIB: u32 = 160;

impl App {
    /// A site with that database and those keys.
    pub fn new(store: Store, vault: Arc<dyn KeyVault>, contact: Option<Address>) -> Self {
        let bodies = Arc::new(Semaphore::new(ROOM_MIB as usize));
        Self { store, vault, contact, second_forms: Arc::default(), node: Arc::default(), bodies }
    }

    /// The keys of a list that must have some.
    fn keys_of(&self, list: &MailingList) -> Result<Arc<ListKeys>, AppError> {
        self.vault.keys(&list.name).ok_or_else(|| AppError::NoKeys { list: list.name.to_string() })
    }
}

/// The secret keys of one list.
pub struct ListKeys {
    /// For correspondence.
    pub posting: ListKey,
    /// For stored bodies.
    pub storage: StorageKey,
}

/// Where secret keys are kept, apart from the database.
pub trait KeyVault: Send + Sync {
    /// The keys of a list; `None` if this server has none, which is never a decryption failure.
    fn keys(&self, list: &ListName) -> Option<Arc<ListKeys>>;

    /// Keeps new keys. They are on disk when this returns.
    fn keep(&self, list: &ListName, keys: ListKeys) -> std::io::Result<Arc<ListKeys>>;

    /// The key of the site.
    fn mac(&self) -> &MacKey;
}
