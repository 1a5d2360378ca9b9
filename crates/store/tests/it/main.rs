//! The store on SQLite and PostgreSQL: one test binary, one module per subject.

#![allow(clippy::too_many_lines, reason = "a test tells one story, or is a table of cases")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[macro_use]
mod common;

mod archive;
mod bounces;
mod consumers;
mod events;
mod faults;
mod key_life;
mod leaving;
mod list_keys;
mod list_settings;
mod log;
mod newer_reasons;
mod newer_values;
mod opening;
mod people;
mod replay;
mod requests;
mod story;
mod traces;
mod turns;
