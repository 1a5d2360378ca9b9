//! The wire: an LMTP server and an SMTP client. Knows no lists.
//!
//! [`server`] takes mail in and answers once per recipient when somebody else has made it durable;
//! [`client`] hands envelopes to the next hop over kept, pipelined connections. Neither stores anything.

pub mod client;
mod reply;
pub mod server;

pub use reply::Reply;
