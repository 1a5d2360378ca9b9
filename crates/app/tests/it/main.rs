//! The use cases on an in-process site: one test binary, one module per subject.

#![allow(clippy::too_many_lines, reason = "a test tells one story, or is a table of cases")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a test writes rows that no command writes")]

mod acting;
mod addressed;
mod answer_forms;
mod answers;
mod archive;
mod bounces;
mod budgets;
mod carried;
mod choices;
mod containers;
mod deleted;
mod events;
mod forged_copies;
mod gave_way;
mod holds;
mod imported_keys;
mod key_costs;
mod key_life;
mod key_rollover;
mod key_server;
mod members;
mod moved_clock;
mod names;
mod newer;
mod outside;
mod people;
mod preferences;
#[path = "../readers/mod.rs"]
mod readers;
mod refresh;
mod registry;
mod replays;
mod seal_stored;
mod settings;
mod shown_messages;
mod state_equality;
mod told_later;
mod traces;
mod waiting_authors;
