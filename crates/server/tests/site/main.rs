//! The server as its own process, with GnuPG as the members' program and a next hop that keeps what it gets.
//!
//! All end-to-end tests are modules of this one program, because linking the server once a file took longer
//! than the tests.

#![allow(clippy::too_many_lines, reason = "a test tells one story, or is a table of cases")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod bombs;
mod bounces;
mod command_attacks;
mod command_events;
mod command_faults;
mod commands;
mod common;
mod conversations;
mod deliveries;
mod demo;
mod doctor;
mod endings;
mod faults;
mod gnupg_keys;
mod key_changes;
mod key_commands;
mod list_bombing;
mod mail_servers;
mod members;
mod next_hops;
mod node_keys;
mod nodes;
mod notices;
mod opening;
mod own_keys;
mod owners;
mod plain_commands;
mod postfix;
mod published_keys;
mod queue;
mod serve;
mod settings;
mod sizes;
mod stuck;
mod texts;
mod trace;
mod unrecorded;
mod workflows;
