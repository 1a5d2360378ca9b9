//! Use cases: one function per change or question. Each loads the facts, lets `lists` decide, and records
//! the outcome in one transaction. Command line, runners and later REST all call these.
//!
//! No loops, no sockets, no files: secret keys at rest are behind [`KeyVault`].

mod bounce_address;
mod bounces;
mod commands;
mod earlier;
mod effects;
mod error;
mod incoming;
mod intake;
mod key_life;
mod key_work;
mod keyring;
mod moderation;
mod moderators;
mod new_keys;
mod node;
mod notice_kinds;
mod notices;
mod outgoing;
mod requests;
mod room;
mod rotation;
mod sealing;
mod settings;
mod setup;
mod spool;
mod succession;
mod summaries;
mod upkeep;
mod vault;

use std::sync::Arc;

use sealist_lists::budgets::Budgets;
use sealist_lists::texts::Texts;
use sealist_lists::workflows::Workflows;
use sealist_mail::Address;
use sealist_store::Store;
use tokio::sync::Mutex;

pub use error::AppError;
pub use incoming::{EntryOutcome, process};
pub use intake::{Destination, Intake};
pub use key_life::{
    KeyCheck, KeyCheckReport, KeyReport, KeyServerAnswer, KeyServers, Refreshed, Stages, key_report,
    refresh_address, refresh_next, to_refresh,
};
pub use keyring::ListKeys;
pub use moderation::{
    DecidedBy, MessageDecision, QueuedMessageView, Rejected, decide, open_for, open_to_file, outside_of,
    shunt,
};
pub use notices::UNTOLD;
pub use outgoing::{
    BatchReport, Copy, Ready, Recipient, RecipientBatching, Retry, could_not_be_made, prepare, record_results,
};
pub use requests::{approve_key, approve_request, refuse_request};
pub use rotation::{Rotated, keep_in_database, rotate};
pub use settings::{SettingRefused, set_setting};
pub use setup::{NewMember, add_member, check_not_own, create_list, list_certificate, set_key};
pub use succession::{announce, published, strip_certifications};
pub use summaries::tell_due;
pub use upkeep::{MaintenanceReport, purge, reset_future_timers, upkeep};
pub use vault::{KeyVault, Unavailable};

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
    /// Who works on the command line, in the words of the audit: `root (command line)`.
    pub operator: String,
    second_forms: Arc<Mutex<()>>,
    node: Arc<node::Node>,
    keyring: Arc<keyring::Keyring>,
    broken_off: spool::AbandonedUploads,
    /// For messages that are judged.
    judging: room::MemoryRoom,
    /// For what grows when it is opened: who waits for it has room to be judged, and nobody who has it waits for more.
    growing: room::MemoryRoom,
    /// For bodies that are on their way out: a next hop that hangs keeps nobody from judging.
    leaving: room::MemoryRoom,
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
            operator: "(command line)".to_owned(),
            second_forms: Arc::default(),
            node: Arc::default(),
            keyring: Arc::default(),
            broken_off: Arc::default(),
            judging: room::MemoryRoom::of_mib(48),
            growing: room::MemoryRoom::of_mib(64),
            leaving: room::MemoryRoom::of_mib(160),
        }
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
    pub fn with_operator(self, operator: String) -> Self {
        Self { operator, ..self }
    }

    /// The same site with these workflows.
    pub fn with_workflows(self, workflows: Workflows) -> Self {
        Self { workflows: Arc::new(workflows), ..self }
    }
}
