//! A mail server that keeps its mail: the next hop of the demonstration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sealist_smtp::Reply;
use sealist_smtp::server::{self, Protocol, Service, Settings, Transaction};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// One received message.
#[derive(Clone)]
pub(crate) struct Received {
    /// MAIL FROM; empty for the null sender.
    #[allow(dead_code, reason = "tests answer to it")]
    pub(crate) sender: String,
    pub(crate) recipient: String,
    pub(crate) message: Vec<u8>,
    pub(crate) at: Instant,
}

/// The messages so far, and the recipients that are refused.
#[derive(Clone, Default)]
pub(crate) struct RecordingSink(Arc<Mutex<RecordedMail>>);

#[derive(Default)]
pub(crate) struct RecordedMail {
    received: Vec<Received>,
    /// How many messages came.
    count: u64,
    /// Recipients that are refused with this reply. The demonstration refuses nobody; tests do.
    pub(crate) turned_away: HashMap<String, Reply>,
}

impl RecordingSink {
    /// Serves on a free port of loopback and returns the port.
    pub(crate) async fn start(&self, stop: watch::Receiver<bool>) -> std::io::Result<u16> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let settings = Settings { protocol: Protocol::Smtp, ..Settings::default() };
        tokio::spawn(server::serve(listener, Arc::new(self.clone()), settings, stop, Duration::from_secs(1)));
        Ok(port)
    }

    /// Waits until `count` messages have arrived or the time is over, and takes them.
    pub(crate) async fn wait_for(&self, count: usize, limit: Duration) -> Vec<Received> {
        let end = Instant::now() + limit;
        while self.lock().received.len() < count && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::mem::take(&mut self.lock().received)
    }

    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, RecordedMail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Incoming {
    sink: RecordingSink,
    sender: String,
    recipients: Vec<String>,
    message: Vec<u8>,
}

impl Service for RecordingSink {
    type Transaction = Incoming;

    async fn begin(&self, sender: Option<&str>, _size: Option<u64>) -> Result<Incoming, Reply> {
        let sender = sender.unwrap_or_default().to_owned();
        Ok(Incoming { sink: self.clone(), sender, recipients: Vec::new(), message: Vec::new() })
    }
}

impl Transaction for Incoming {
    async fn recipient(&mut self, recipient: &str) -> Result<(), Reply> {
        if let Some(reply) = self.sink.lock().turned_away.get(recipient) {
            return Err(reply.clone());
        }
        self.recipients.push(recipient.to_owned());
        Ok(())
    }

    async fn start(&mut self) -> Result<(), Reply> {
        Ok(())
    }

    async fn data(&mut self, chunk: &[u8]) -> Result<(), Reply> {
        self.message.extend_from_slice(chunk);
        Ok(())
    }

    async fn finish(self) -> Vec<Reply> {
        let at = Instant::now();
        let received = self.recipients.iter().map(|recipient| Received {
            sender: self.sender.clone(),
            recipient: recipient.clone(),
            message: self.message.clone(),
            at,
        });
        let mut mail = self.sink.lock();
        mail.received.extend(received);
        mail.count += 1;
        vec![Reply::ok(format!("Ok: queued as S{}", mail.count)); self.recipients.len()]
    }
}
