//! A connection to the next hop: greeting, TLS, capabilities, login.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fail::fail_point;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::replies::{PeerReply, Replies, ReplyError};
use super::{Login, NextHop, Protocol, Security, Verify, tls};
use crate::stream::SmtpStream;

/// A connection to the next hop after the greeting and, if configured, after TLS and login. It stays open
/// between messages.
pub struct Connection {
    pub(super) stream: Box<dyn SmtpStream>,
    pub(super) replies: Replies,
    pub(super) offers: Offers,
    /// Whether the peer has shown that it knows BDAT, instead of only offering CHUNKING.
    pub(super) proved: bool,
    /// Whether the peer refused a RSET. Then no more envelopes are sent on this connection, and refusals may
    /// concern an earlier envelope.
    pub(super) refused_reset: bool,
    pub(super) target: NextHop,
    pub(super) use_so_far: ConnectionUse,
    greeting: String,
}

/// How much a connection has been used.
pub(super) struct ConnectionUse {
    since: Instant,
    /// When the last mail on the connection ended.
    pub(super) last: Instant,
    pub(super) messages: u32,
}

impl ConnectionUse {
    fn begin() -> Self {
        let now = Instant::now();
        Self { since: now, last: now, messages: 0 }
    }
}

/// The extensions that the peer offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) chunking: bool,
    pub(super) eight_bit: bool,
    pub(super) utf8: bool,
    pub(super) size: bool,
    start_tls: bool,
    plain: bool,
    login: bool,
}

/// Why a connection could not be made. Each error is one plain sentence that says what to check.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No server answers at that address.
    #[error("{host}:{port} cannot be reached: {source}")]
    Unreachable {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// Connecting took too long.
    #[error("the mail server did not answer in time")]
    TimedOut,
    /// The answer is not SMTP.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The peer refused the connection.
    #[error("the mail server refuses: {0}")]
    Refused(PeerReply),
    /// STARTTLS is configured, but the peer does not offer it.
    #[error("the mail server offers no STARTTLS: set outgoing.security to what it offers")]
    NoTls,
    /// The TLS handshake failed, or the certificate is not valid for the host.
    #[error("TLS with the mail server failed: {0}")]
    Tls(std::io::Error),
    /// The host is not a name that a certificate can have.
    #[error("{0:?} is no host name for TLS")]
    TlsName(String),
    /// The password would be sent unencrypted.
    #[error("a password is sent only over TLS or to loopback: set outgoing.security")]
    PasswordInClear,
    /// The peer offers no login method that we know.
    #[error("the mail server offers neither AUTH PLAIN nor AUTH LOGIN")]
    NoLogin,
}

impl Connection {
    /// Connects, reads the greeting, starts TLS and logs in, as configured in `target`.
    pub async fn connect(target: &NextHop) -> Result<Self, ConnectError> {
        let limit = target.timeouts.connect;
        fail_point!("before-connect");
        let tcp = within(limit, TcpStream::connect((target.host.as_str(), target.port))).await?;
        let tcp = tcp.map_err(|source| ConnectError::Unreachable {
            host: target.host.clone(),
            port: target.port,
            source,
        })?;
        let _ = tcp.set_nodelay(true);
        let loopback = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        let stream: Box<dyn SmtpStream> = match target.security {
            Security::Tls => within(limit, handshake(tcp, target)).await??,
            Security::None | Security::StartTls => Box::new(tcp),
        };
        let mut connection = Self {
            stream,
            replies: Replies::new(),
            offers: Offers::default(),
            proved: false,
            refused_reset: false,
            target: target.clone(),
            use_so_far: ConnectionUse::begin(),
            greeting: String::new(),
        };
        connection.greeting = connection.expect_positive().await?.text;
        fail_point!("after-connect");
        connection.hello().await?;
        if target.security == Security::StartTls {
            connection = connection.start_tls().await?;
        }
        if let Some(login) = &target.login {
            if target.security == Security::None && !loopback {
                return Err(ConnectError::PasswordInClear);
            }
            connection.log_in(login).await?;
        }
        Ok(connection)
    }

    /// Whether the connection reached one of its limits. Then no more envelopes are sent on it.
    pub fn is_used_up(&self) -> bool {
        let ConnectionUse { since, messages, .. } = self.use_so_far;
        messages >= self.target.reuse.max_messages || since.elapsed() >= self.target.reuse.life
    }

    /// Whether the connection has had no mail for so long that it should be closed.
    pub fn is_idle(&self) -> bool {
        self.use_so_far.last.elapsed() >= self.target.reuse.idle
    }

    /// The text of the greeting. Most servers name their software in it.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Asks what the peer replies to RCPT for that recipient, from the null sender. No message is sent. Errs
    /// if the connection broke or the peer refused the sender.
    pub async fn ask_about(&mut self, recipient: &str) -> Result<PeerReply, ConnectError> {
        self.command("MAIL FROM:<>\r\n").await?;
        let reply = match self.command(&format!("RCPT TO:<{recipient}>\r\n")).await {
            Ok(reply) | Err(ConnectError::Refused(reply)) => reply,
            Err(error) => return Err(error),
        };
        self.command("RSET\r\n").await?;
        Ok(reply)
    }

    /// Sends QUIT. Errors are ignored.
    pub async fn quit(mut self) {
        let farewell = async {
            self.stream.write_all(b"QUIT\r\n").await.ok()?;
            self.replies.next(&mut self.stream).await.ok()
        };
        let _ = timeout(Duration::from_secs(5), farewell).await;
    }

    async fn hello(&mut self) -> Result<(), ConnectError> {
        let verb = match self.target.protocol {
            Protocol::Lmtp => "LHLO",
            Protocol::Smtp => "EHLO",
        };
        let greeted = self.command(&format!("{verb} {}\r\n", self.target.hello)).await;
        self.offers = match greeted {
            Ok(reply) => Offers::read(&reply.text),
            // Some old servers do not know EHLO ([RFC 5321, section 3.2]).
            Err(ConnectError::Refused(reply))
                if self.target.protocol == Protocol::Smtp && matches!(reply.code, 500 | 502 | 504) =>
            {
                self.command(&format!("HELO {}\r\n", self.target.hello)).await?;
                Offers::default()
            }
            Err(error) => return Err(error),
        };
        Ok(())
    }

    async fn start_tls(mut self) -> Result<Self, ConnectError> {
        if !self.offers.start_tls {
            return Err(ConnectError::NoTls);
        }
        self.command("STARTTLS\r\n").await?;
        let stream = within(self.target.timeouts.connect, handshake(self.stream, &self.target)).await??;
        // Unencrypted input after the reply to STARTTLS is dropped, because it may have been injected.
        let mut connection = Self {
            stream,
            replies: Replies::new(),
            offers: Offers::default(),
            proved: false,
            refused_reset: false,
            target: self.target,
            use_so_far: self.use_so_far,
            greeting: self.greeting,
        };
        connection.hello().await?;
        Ok(connection)
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), ConnectError> {
        let encode = |text: &str| Zeroizing::new(BASE64.encode(text));
        if self.offers.plain {
            let secret = Zeroizing::new(format!("\0{}\0{}", login.user, *login.password));
            let line = Zeroizing::new(format!("AUTH PLAIN {}\r\n", *encode(&secret)));
            self.command(&line).await?;
        } else if self.offers.login {
            self.command("AUTH LOGIN\r\n").await?;
            self.command(&format!("{}\r\n", *encode(&login.user))).await?;
            let line = Zeroizing::new(format!("{}\r\n", *encode(&login.password)));
            self.command(&line).await?;
        } else {
            return Err(ConnectError::NoLogin);
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> Result<PeerReply, ConnectError> {
        self.stream.write_all(line.as_bytes()).await.map_err(|_| ReplyError::Lost)?;
        self.stream.flush().await.map_err(|_| ReplyError::Lost)?;
        self.expect_positive().await
    }

    async fn expect_positive(&mut self) -> Result<PeerReply, ConnectError> {
        let limit = self.target.timeouts.command;
        let reply = within(limit, self.replies.next(&mut self.stream)).await??;
        if reply.is_positive() { Ok(reply) } else { Err(ConnectError::Refused(reply)) }
    }
}

impl Offers {
    fn read(text: &str) -> Self {
        let mut offers = Self::default();
        for line in text.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("CHUNKING") => offers.chunking = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.utf8 = true,
                Some("SIZE") => offers.size = true,
                Some("STARTTLS") => offers.start_tls = true,
                Some("AUTH") => {
                    let ways: Vec<&str> = words.collect();
                    offers.plain = ways.contains(&"PLAIN");
                    offers.login = ways.contains(&"LOGIN");
                }
                _ => {}
            }
        }
        offers
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, ConnectError> {
    timeout(limit, work).await.map_err(|_| ConnectError::TimedOut)
}

async fn handshake(
    stream: impl SmtpStream + 'static,
    target: &NextHop,
) -> Result<Box<dyn SmtpStream>, ConnectError> {
    let name = ServerName::try_from(target.host.clone());
    let name = match (name, target.verify) {
        (Ok(name), _) => name,
        (Err(_), Verify::Yes) => return Err(ConnectError::TlsName(target.host.clone())),
        (Err(_), Verify::No) => ServerName::try_from("localhost").expect("a constant host name"),
    };
    let config = tls::config(target.verify).ok_or(ConnectError::NoTls)?;
    let stream =
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(ConnectError::Tls)?;
    Ok(Box::new(stream))
}
