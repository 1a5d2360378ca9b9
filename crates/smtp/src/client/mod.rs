//! The SMTP and LMTP client: one connection that stays open, and one result per recipient.
//!
//! If the next hop offers PIPELINING ([RFC 2920]), a message's content, its final dot and the commands of the
//! next message are sent in one write, and their replies are read in one read. With CHUNKING ([RFC 3030])
//! several whole messages are sent in one write.

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

/// Where mail is sent, and how.
#[derive(Clone)]
pub struct NextHop {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Which protocol is spoken.
    pub protocol: Protocol,
    /// How the connection is encrypted.
    pub security: Security,
    /// Whether the peer's certificate must be valid for `host`.
    pub verify: Verify,
    /// User and password for AUTH ([RFC 4954]).
    pub login: Option<Login>,
    /// Our name in EHLO or LHLO.
    pub hello: String,
    /// The timeouts of each step.
    pub timeouts: Timeouts,
    /// When a connection is replaced.
    pub reuse: Reuse,
    /// What connections to this peer have learned about it.
    pub trust: Trust,
}

/// When a connection is replaced. A mail server applies a changed configuration only to new connections, so a
/// connection that never ended would keep using the old configuration.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// How long it stays open without mail.
    pub idle: Duration,
    /// How long it is used in total.
    pub life: Duration,
    /// How many messages are sent on it.
    pub max_messages: u32,
}

/// Postfix also closes its own connections after 300 seconds (`smtp_connection_reuse_time_limit`).
impl Default for Reuse {
    fn default() -> Self {
        Self { idle: Duration::from_secs(5), life: Duration::from_secs(300), max_messages: 100 }
    }
}

/// User and password. It has no Debug.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password. It is zeroed on drop.
    pub password: Zeroizing<String>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not encrypted.
    None,
    /// STARTTLS; without it nothing is sent ([RFC 3207]).
    StartTls,
    /// TLS from the first octet ([RFC 8314]).
    Tls,
}

/// Whether the peer's certificate is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// It is verified against the system's roots.
    Yes,
    /// Any certificate is accepted. This protects only against passive listeners.
    No,
}

/// The timeouts of each step ([RFC 5321, section 4.5.3.2]).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For connecting, including TLS.
    pub connect: Duration,
    /// For the reply to a command.
    pub command: Duration,
    /// For writing the content.
    pub data: Duration,
    /// For the reply to the end of the content.
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
    /// An unencrypted peer with the usual limits, on a connection that is never replaced: for loopback.
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
