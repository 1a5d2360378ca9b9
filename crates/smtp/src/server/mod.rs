//! The LMTP server ([RFC 2033]): one reply per recipient after the content, strict line ends, and limits on
//! everything.

mod command;
mod content;
mod session;
mod wire;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::reply::Reply;

/// The receiver of mail. Sessions call it.
pub trait Service: Send + Sync + 'static {
    /// The type of one message that is being received.
    type Transaction: Transaction;

    /// MAIL FROM. `sender` is the addr-spec, or `None` for the null sender. `size` is the declared size in
    /// octets.
    fn begin(
        &self,
        sender: Option<&str>,
        size: Option<u64>,
    ) -> impl Future<Output = Result<Self::Transaction, Reply>> + Send;
}

/// One message that is being received.
pub trait Transaction: Send {
    /// RCPT TO, an addr-spec. A refused recipient gets no reply after the data.
    fn recipient(&mut self, recipient: &str) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Called before the first octet of content. May refuse if there is no room.
    fn start(&mut self) -> impl Future<Output = Result<(), Reply>> + Send;

    /// The next octets of content, with dots unstuffed. After an error the rest is read and dropped, and
    /// every recipient gets that reply.
    fn data(&mut self, chunk: &[u8]) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Called after the last octet. Returns exactly one reply per accepted recipient, in order. A positive
    /// reply makes us responsible for the message.
    fn finish(self) -> impl Future<Output = Vec<Reply>> + Send;
}

/// Which protocol a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// [RFC 2033]: one reply per recipient after the content.
    Lmtp,
    /// [RFC 5321]: one reply after the content. For the receiving side of demonstrations and tests.
    Smtp,
}

/// The limits of a server.
#[derive(Clone)]
pub struct Settings {
    /// The protocol.
    pub protocol: Protocol,
    /// The name in the greeting.
    pub hostname: String,
    /// Larger messages are refused with 552, in octets.
    pub max_message_octets: u64,
    /// Further connections are answered with 421.
    pub max_connections: usize,
    /// Further recipients of a transaction are answered with 452.
    pub max_recipients: usize,
    /// After so many wrong commands the session ends.
    pub max_errors: u32,
    /// The longest wait for the next command.
    pub command_timeout: Duration,
    /// The longest time for the whole content.
    pub data_timeout: Duration,
    /// The session ends if content arrives more slowly than this, after a grace period.
    pub min_octets_per_s: u64,
    /// If set, STARTTLS is offered.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            protocol: Protocol::Lmtp,
            hostname: "localhost".into(),
            max_message_octets: 50 << 20,
            max_connections: 200,
            max_recipients: 5000,
            max_errors: 20,
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(600),
            min_octets_per_s: 500,
            tls: None,
        }
    }
}

/// Serves until `stop` becomes true. Then accepts no more connections, gives running transactions at most
/// `drain` to end, and returns.
pub async fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    settings: Settings,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let settings = Arc::new(settings);
    let room = Arc::new(Semaphore::new(settings.max_connections));
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(event = "connection-not-accepted", %error, "cannot accept an LMTP connection");
                // The process has no file descriptors left. Wait for sessions to end instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            sessions.spawn(wire::turn_away(stream));
            continue;
        };
        let (service, settings, stop) = (service.clone(), settings.clone(), stop.clone());
        sessions.spawn(async move {
            session::run(stream, service, settings, stop).await;
            drop(place);
        });
    }
    let _ = tokio::time::timeout(drain, async { while sessions.join_next().await.is_some() {} }).await;
}
