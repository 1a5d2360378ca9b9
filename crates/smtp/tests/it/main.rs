//! The SMTP and LMTP sides against real peers: one test binary, one module per subject.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod connect;
mod identity;
mod server;
mod trust;
