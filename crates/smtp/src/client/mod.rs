//! The SMTP and LMTP client: one kept connection, results for each recipient.
//!
//! Where the next hop offers PIPELINING ([RFC 2920]) a message's body, its final dot and the next message's
//! commands leave in one write, and their replies come in one read; with CHUNKING ([RFC 3030]) several messages do.

mod chunking;
mod connection;
mod deliver;
mod envelope;
mod replies;
mod tls;
mod trust;

use std::time::Duration;

use zeroize::Zeroizing;

pub use crate::server::Protocol;
pub use connection::{ConnectError, Connection};
pub use envelope::{Envelope, RecipientResult, WireBody};
pub use replies::PeerReply;
pub use trust::Trust;

/// Where mail goes, and how.
#[derive(Clone)]
pub struct NextHop {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What is spoken.
    pub protocol: Protocol,
    /// How the connection is protected.
    pub security: Security,
    /// Whether the peer's certificate must be valid for `host`.
    pub verify: Verify,
    /// User and password for AUTH ([RFC 4954]).
    pub login: Option<Login>,
    /// Our name in EHLO or LHLO.
    pub hello: String,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// How long a connection is used.
    pub reuse: Reuse,
    /// What connections to it learn about it.
    pub trust: Trust,
}

/// How long a connection is used. A mail server that reads its configuration anew does so for new connections only, so that
/// a connection which never ended would be served by the old one.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// How long it stays open without mail.
    pub idle: Duration,
    /// How long it is used at all.
    pub life: Duration,
    /// How many messages go over it.
    pub max_messages: u32,
}

/// Postfix ends its own connections after 300 seconds, too (`smtp_connection_reuse_time_limit`).
impl Default for Reuse {
    fn default() -> Self {
        Self { idle: Duration::from_secs(5), life: Duration::from_secs(300), max_messages: 100 }
    }
}

/// User and password. No Debug.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password; zeroed on drop.
    pub password: Zeroizing<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// In the clear.
    None,
    /// STARTTLS, or nothing is sent ([RFC 3207]).
    StartTls,
    /// TLS from the first octet ([RFC 8314]).
    Tls,
}

/// Whether the peer's certificate is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Against the system's roots.
    Yes,
    /// Any certificate will do: protects against listeners only.
    No,
}

/// How long each step may take ([RFC 5321, section 4.5.3.2]).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// For the reply to a command.
    pub command: Duration,
    /// For a body to be taken.
    pub data: Duration,
    /// For the reply to the final dot.
    pub data_done: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_secs(300),
            data: Duration::from_secs(600),
            data_done: Duration::from_secs(600),
        }
    }
}

impl NextHop {
    /// A peer in the clear with the usual limits, on a connection that lasts as long as it is wanted: for loopback.
    pub fn plain(host: &str, port: u16, protocol: Protocol) -> Self {
        Self {
            host: host.to_owned(),
            port,
            protocol,
            security: Security::None,
            verify: Verify::Yes,
            login: None,
            hello: "localhost".to_owned(),
            timeouts: Timeouts::default(),
            reuse: Reuse { idle: Duration::MAX, life: Duration::MAX, max_messages: u32::MAX },
            trust: Trust::default(),
        }
    }
}
