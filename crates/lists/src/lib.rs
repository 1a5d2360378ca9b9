//! The list engine: decisions only.
//!
//! ```text
//! facts ──▶ rules, in the order of a chain ──▶ verdict
//! draft ──▶ handlers, in the order of a pipeline ──▶ payload
//! ```
//!
//! A rule reads facts and never changes a message. A handler changes a draft and never decides. Nothing in
//! this crate reads a file, a clock, a socket or a database, waits, or touches a key.

pub mod budgets;
pub mod chains;
pub mod commands;
pub mod content;
pub mod draft;
pub mod events;
pub mod facts;
pub mod handlers;
pub mod held_summary;
pub mod hold_author;
pub mod key_problem;
pub mod model;
mod names;
pub mod notices;
pub mod payload;
pub mod pipelines;
pub mod post_summary;
mod reason;
pub mod registry;
pub mod replay;
pub mod roster_file;
pub mod routes;
pub mod rows;
pub mod rules;
mod sentences;
pub mod styles;
pub mod texts;
mod threading;
mod unknown_name;
pub mod weaknesses;
pub mod workflows;
