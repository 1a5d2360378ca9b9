//! The only crate with SQL: lists, people, keys and bodies of a site, in one SQLite file or in PostgreSQL.
//!
//! One writer combines concurrent changes into one commit and returns after it is on disk; readers never wait
//! for it. The store never receives cleartext of encrypting lists, and secret keys only if they are wrapped.

pub mod address_keys;
pub mod archive;
pub mod bodies;
pub mod bounce_proofs;
pub mod bounce_scores;
pub mod capacity;
mod causes;
pub mod clock;
pub mod coming;
pub mod copies;
pub mod database;
mod db;
pub mod deliveries;
mod error;
pub mod events;
pub mod holds;
pub mod key_changes;
pub mod key_checks;
pub mod key_news;
pub mod key_refresh;
pub mod keys;
pub mod list_content;
pub mod list_keys;
pub mod list_settings;
pub mod lists;
mod location;
mod migrate;
pub mod newer;
pub mod nodes;
pub mod notices;
pub mod pending;
pub mod people;
pub mod posts;
pub mod put_aside;
pub mod queue;
mod queue_entry;
pub mod replay;
pub mod requests;
pub mod rotation;
pub mod sendings;
mod settings_rows;
mod shortage;
pub mod site_key;
mod sql;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod traces;
pub mod transfer;
pub mod turns;
mod writer;

pub use causes::{For, Remedy};
pub use database::Database;
pub use db::{Calls, Store};
pub use error::StoreError;
pub use location::Work;
pub use sql::{Conn, ReadConnection};
