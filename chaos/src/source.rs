//! Senders: LMTP clients that number their messages and keep a journal of the replies.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sealist_smtp::client::{Connection, Envelope, NextHop, Protocol, RecipientResult, WireBody};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::roster::Roster;
use crate::site::LmtpPort;

/// The pause before a deferred message is sent again, and before the next attempt to connect.
const PAUSE: Duration = Duration::from_millis(20);

/// The outcome of messages, by number.
#[derive(Default)]
pub struct Journal(Mutex<Pages>);

/// The pages of a journal.
#[derive(Clone, Default)]
pub struct Pages {
    /// Messages that were sent at least once, and how often.
    pub offered: BTreeMap<u64, usize>,
    /// Messages that were answered with 250, and when. Recorded before the next message is sent.
    pub acknowledged: BTreeMap<u64, Instant>,
    /// Messages that were refused permanently.
    pub refused: BTreeMap<u64, u16>,
    /// Messages whose reply never arrived, so that it is unknown whether the server has them.
    pub unknown: Vec<u64>,
    /// How often messages were deferred, by reply code.
    pub put_off: BTreeMap<u16, u64>,
    /// How often each message was deferred with 451. The server may have it if the outcome of a commit was
    /// unknown.
    pub doubtful: BTreeMap<u64, usize>,
}

impl Journal {
    /// The current content.
    pub fn pages(&self) -> Pages {
        self.lock().clone()
    }

    /// How many messages were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.lock().acknowledged.len()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the reply to a message. Returns whether it should be sent again.
    fn enter(&self, id: u64, result: &RecipientResult) -> Again {
        let mut pages = self.lock();
        match result {
            RecipientResult::Sent(_) => {
                pages.acknowledged.insert(id, Instant::now());
            }
            RecipientResult::Failed(reply, _) => {
                pages.refused.insert(id, reply.code);
            }
            RecipientResult::Unknown => pages.unknown.push(id),
            RecipientResult::Deferred(reply, _) => {
                *pages.put_off.entry(reply.code).or_default() += 1;
                if reply.code == 451 {
                    *pages.doubtful.entry(id).or_default() += 1;
                }
                return Again::Yes;
            }
            RecipientResult::NotSent | RecipientResult::NeedsSevenBit => return Again::Yes,
        }
        Again::No
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

/// Messages to some lists through one or more LMTP ports.
pub struct Traffic {
    rosters: Vec<Arc<Roster>>,
    journal: Arc<Journal>,
    queue: Arc<MessageNumbers>,
    senders: JoinSet<()>,
}

/// The numbers that may be sent.
#[derive(Default)]
struct MessageNumbers {
    next: AtomicU64,
    /// All numbers below this one may be sent.
    allowed: AtomicU64,
    /// No more numbers will be allowed.
    complete: AtomicBool,
    /// No message is started or retried.
    stop: AtomicBool,
}

impl MessageNumbers {
    async fn next_number(&self) -> Option<u64> {
        while !self.stop.load(Ordering::Relaxed) {
            // This is read before the numbers, so that everything that was allowed before is sent.
            let complete = self.complete.load(Ordering::Acquire);
            let allowed = self.allowed.load(Ordering::Acquire);
            let take = |next| (next < allowed).then_some(next + 1);
            match self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
                Ok(id) => return Some(id),
                Err(_) if complete => return None,
                Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
        None
    }
}

impl Traffic {
    /// Message `n` goes to list `n` modulo the number of lists. Nothing is sent before [`Self::allow`].
    pub fn new(rosters: Vec<Arc<Roster>>) -> Self {
        Self { rosters, journal: Arc::default(), queue: Arc::default(), senders: JoinSet::new() }
    }

    /// Adds that many senders at that LMTP port.
    pub fn enter_by(&mut self, lmtp_port: &LmtpPort, senders: usize) {
        for _ in 0..senders {
            let sender = TestSender {
                lmtp_port: lmtp_port.clone(),
                rosters: self.rosters.clone(),
                journal: self.journal.clone(),
                queue: self.queue.clone(),
                connection: None,
            };
            self.senders.spawn(sender.run());
        }
    }

    /// Allows that many more messages.
    pub fn allow(&self, messages: usize) {
        self.queue.allowed.fetch_add(messages as u64, Ordering::Release);
    }

    /// The outcomes.
    pub fn journal(&self) -> Arc<Journal> {
        self.journal.clone()
    }

    /// Waits until all allowed messages were answered, but not longer than `limit`. Returns whether they
    /// were.
    pub async fn done(&mut self, limit: Duration) -> bool {
        self.queue.complete.store(true, Ordering::Release);
        let joined = async { while self.senders.join_next().await.is_some() {} };
        let all = tokio::time::timeout(limit, joined).await.is_ok();
        self.end().await;
        all
    }

    /// Stops: no message is retried or started.
    pub async fn end(&mut self) {
        self.queue.stop.store(true, Ordering::Relaxed);
        while self.senders.join_next().await.is_some() {}
    }

    /// The lists.
    pub fn rosters(&self) -> &[Arc<Roster>] {
        &self.rosters
    }
}

struct TestSender {
    lmtp_port: LmtpPort,
    rosters: Vec<Arc<Roster>>,
    journal: Arc<Journal>,
    queue: Arc<MessageNumbers>,
    connection: Option<Connection>,
}

impl TestSender {
    async fn run(mut self) {
        while let Some(id) = self.queue.next_number().await {
            let at = usize::try_from(id).unwrap_or_default() % self.rosters.len();
            let roster = self.rosters[at].clone();
            let message = roster.message(id);
            self.journal.lock().offered.insert(id, at);
            while self.send(id, &roster, &message).await == Again::Yes
                && !self.queue.stop.load(Ordering::Relaxed)
            {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn send(&mut self, id: u64, roster: &Roster, message: &[u8]) -> Again {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::connect(&target(self.lmtp_port.port())).await {
                Ok(connection) => connection,
                Err(_) => return Again::Yes,
            },
        };
        let (kept, result) = deliver(&mut connection, roster.author(), &roster.list, message).await;
        if kept == ConnectionKept::Yes {
            self.connection = Some(connection);
        }
        self.journal.enter(id, &result)
    }
}

/// Whether a connection can be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionKept {
    /// It can.
    Yes,
    /// It is lost.
    No,
}

/// Sends one message to one address.
pub async fn deliver(
    connection: &mut Connection,
    from: &str,
    to: &str,
    message: &[u8],
) -> (ConnectionKept, RecipientResult) {
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some(from.to_owned()),
        recipients: vec![to.to_owned()],
        body: WireBody::from_message(message),
    });
    let mut result = RecipientResult::NotSent;
    let done = |_, results: Vec<RecipientResult>| {
        result = results.into_iter().next().unwrap_or(RecipientResult::NotSent)
    };
    let kept = connection.deliver(|| envelope.take(), done).await;
    (if kept.is_ok() { ConnectionKept::Yes } else { ConnectionKept::No }, result)
}

/// The same on a connection of its own.
pub async fn send_once(
    lmtp_port: &LmtpPort,
    from: &str,
    to: &str,
    message: &[u8],
) -> anyhow::Result<RecipientResult> {
    let mut connection = Connection::connect(&target(lmtp_port.port())).await?;
    Ok(deliver(&mut connection, from, to, message).await.1)
}

/// The server behind a port.
pub fn target(port: u16) -> NextHop {
    let mut target = NextHop::plain("127.0.0.1", port, Protocol::Lmtp);
    target.timeouts.connect = Duration::from_secs(5);
    target.timeouts.command = Duration::from_secs(30);
    target.timeouts.data = Duration::from_secs(30);
    target.timeouts.data_done = Duration::from_secs(60);
    target
}

/// An LMTP client that sends exactly the given octets.
pub struct RawLmtpClient(BufReader<TcpStream>);

impl RawLmtpClient {
    /// Connects, reads the greeting and sends LHLO.
    pub async fn open(lmtp_port: &LmtpPort) -> anyhow::Result<Self> {
        let mut wire = Self(BufReader::new(TcpStream::connect(("127.0.0.1", lmtp_port.port())).await?));
        wire.reply().await?;
        wire.exchange("LHLO chaos.example").await?;
        Ok(wire)
    }

    /// Our own port.
    pub fn own_port(&self) -> anyhow::Result<u16> {
        Ok(self.0.get_ref().local_addr()?.port())
    }

    /// Sends a line and returns the reply.
    pub async fn exchange(&mut self, line: &str) -> anyhow::Result<String> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Sends octets.
    pub async fn write(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        Ok(self.0.write_all(octets).await?)
    }

    /// The next reply; of several lines the last. Empty if the peer has gone.
    pub async fn reply(&mut self) -> anyhow::Result<String> {
        loop {
            let mut line = Vec::new();
            let read = self.0.read_until(b'\n', &mut line);
            tokio::time::timeout(Duration::from_secs(60), read).await??;
            if line.get(3) != Some(&b'-') {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }

    /// Everything that arrives until the peer has gone.
    pub async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(60), self.0.read_to_end(&mut rest)).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}
