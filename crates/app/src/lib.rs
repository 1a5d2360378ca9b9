//! Use cases. Each loads the facts, lets `lists` decide, and records the outcome in one transaction.
//!
//! Whoever asks or changes something comes through [`App::act_as`], which knows the actor: the command line,
//! and later REST and pages. The runners call functions of their own for mail that comes in and goes out.
//!
//! This crate has no loops, sockets or files. Stored secret keys are behind [`KeyVault`].

mod acting;
mod addresses;
mod archive;
mod bounce_address;
mod bounces;
mod changes;
mod claims;
mod commands;
mod database;
mod decisions;
mod effects;
mod envelope;
mod error;
mod goodbye;
mod heartbeat;
mod incoming;
mod intake;
mod key_life;
mod key_names;
mod key_rollover;
mod key_work;
mod keyring;
mod known_author;
mod memory_room;
mod moderation;
mod moderators;
mod new_keys;
mod node;
mod notice_kinds;
mod notices;
mod opening;
mod outcome;
mod outgoing;
mod partial_body;
mod people;
mod requests;
mod rotation;
mod seal_stored;
mod sealing;
mod settings;
mod setup;
mod signed_texts;
mod site;
mod summaries;
mod summary_facts;
#[cfg(feature = "testing")]
pub mod testing;
mod upkeep;
mod uploads;
mod user_of_address;
mod vault;

pub use acting::{
    Acting, AddressKeyView, AddressTrace, ArchiveSizeView, BacklogView, Capacity, CertificateView, ClockView,
    ConsumerView, Copies, CopyChange, CopySelection, CopyState, CopyTrace, CopyView, EventLog, EventView,
    Health, HeldSelection, KeyActions, ListActions, ListBacklogView, ListContent, ListView, ListedRequest,
    MessageTrace, NewKeyView, NotKnown, NotKnownKind, NoticeRecipients, OfferedKeyView, PageRange, Paged,
    QueuedMessageView, QueuedMessages, RefusalView, RequestActions, RequestView, SendingTrace, SendingView,
    SiteBacklogView, StartAt, Traces, UnknownRequestView,
};
pub use claims::{ClaimedEntry, CopyClaim, IncomingClaims};
pub use database::{Migrated, OpenDatabase, SiteDatabase, SiteKeyRow};
pub use decisions::MessageDecision;
pub use error::{AppError, ErrorKind};
pub use heartbeat::{WorkCall, WorkCalls};
pub use intake::{Destination, Intake};
pub use key_life::{KeyCheck, KeyCheckReport, KeyReport, KeyServerAnswer, KeyServers, Refreshed, Stages};
pub use keyring::ListKeys;
pub use moderation::Rejected;
pub use outcome::EntryOutcome;
pub use outgoing::{
    BatchLabel, BatchReport, Copy, Ready, Recipient, RecipientBatching, Retry, could_not_be_made, prepare,
    record_results,
};
pub use people::{
    BanActions, BanChange, BanResult, BanView, ChosenPreference, ImportReport, ImportedKeys, LastOwner,
    LevelView, LinkedAddressView, MemberActions, MemberChange, MemberKeyState, MemberKeyView, MemberView,
    PreferenceActions, PreferenceHolder, RolesToEnd, SyncPlan, UserActions, UserChange, UserView,
};
pub use rotation::Rotated;
pub use sealist_store::deliveries::{Batch, DeliveryResult, DeliveryState};
pub use sealist_store::nodes::Deployment;
pub use sealist_store::transfer::{TransferError, TransferProgress};
pub use settings::{SettingActions, SettingRefused, SettingView, SettingsChanged, SettingsView};
pub use setup::NewMember;
pub use site::App;
pub use summaries::send_due_summaries;
pub use upkeep::{MaintenanceReport, reset_future_timers, upkeep};
pub use vault::{KeyVault, Unavailable};
