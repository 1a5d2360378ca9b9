//! The wire protocols: an LMTP server and an SMTP client. This crate knows no lists.
//!
//! [`server`] receives mail and replies once per recipient, after its caller has stored the message durably.
//! [`client`] sends envelopes to the next hop over pipelined connections that stay open. Neither of them
//! stores anything.

pub mod client;
mod reply;
pub mod server;
mod stream;

pub use reply::Reply;
