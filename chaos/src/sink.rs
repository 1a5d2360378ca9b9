//! The next hop: an SMTP server that follows a script and records the messages that it accepted.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The point of a dialogue at which the script is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point<'a> {
    /// The connection is open, and the greeting is due.
    Banner,
    /// EHLO.
    Hello,
    /// MAIL FROM.
    Mail,
    /// RCPT TO that address, with the number of earlier times.
    Recipient(&'a str, u32),
    /// DATA, or the end of a content after BDAT.
    Data,
    /// The end of the content, whose reply is due.
    Dot,
}

/// What the server does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Replies as a good server.
    Usual,
    /// Sends another reply, given without its line end.
    Say(String),
    /// Closes the connection without a reply.
    Close,
    /// Sends the usual reply and closes the connection.
    CloseAfter,
    /// Resets the connection.
    Reset,
    /// Stops writing and continues reading.
    HalfClose,
    /// Sends nothing for that time.
    Hang(Duration),
    /// Sends the usual reply, one octet after each pause.
    Slowly(Duration),
    /// Sends octets that are not a reply.
    Raw(Vec<u8>),
}

/// Decides what to do on a connection (counted from 0) at a point of the dialogue.
pub type SinkScript = Arc<dyn Fn(u64, Point<'_>) -> Act + Send + Sync>;

/// A copy for which the final 250 was sent.
#[derive(Clone, Debug)]
pub struct TakenCopy {
    /// The recipient.
    pub recipient: String,
    /// The message. Copies of one transaction share it.
    pub message: Arc<Vec<u8>>,
    /// When its connection was opened.
    pub opened: Instant,
    /// When the 250 was sent.
    pub at: Instant,
}

/// A listening next hop.
#[derive(Clone)]
pub struct Sink {
    /// The port.
    pub port: u16,
    state: Arc<Mutex<SinkState>>,
    listens: Arc<JoinHandle<()>>,
}

struct SinkState {
    script: SinkScript,
    connections: u64,
    taken: Vec<TakenCopy>,
    /// Contents that arrived completely, whatever the reply.
    contents: u64,
    offers: HashMap<String, u32>,
}

impl Sink {
    /// Accepts everything, on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        Self::at(0, Arc::new(|_, _| Act::Usual)).await
    }

    /// Follows a script, on a free port.
    pub async fn following(
        script: impl Fn(u64, Point<'_>) -> Act + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        Self::at(0, Arc::new(script)).await
    }

    /// Follows a script, on that port.
    pub async fn at(port: u16, script: SinkScript) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.context("the port of the next hop")?;
        let port = listener.local_addr()?.port();
        let state =
            SinkState { script, connections: 0, taken: Vec::new(), contents: 0, offers: HashMap::new() };
        let state = Arc::new(Mutex::new(state));
        let listens = tokio::spawn(listen(listener, state.clone()));
        Ok(Self { port, state, listens: Arc::new(listens) })
    }

    /// A port on which nobody listens yet.
    pub async fn reserved() -> anyhow::Result<u16> {
        Ok(TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port())
    }

    /// Follows that script from now on.
    pub fn follow(&self, script: impl Fn(u64, Point<'_>) -> Act + Send + Sync + 'static) {
        self.lock().script = Arc::new(script);
    }

    /// The copies so far.
    pub fn taken(&self) -> Vec<TakenCopy> {
        self.lock().taken.clone()
    }

    /// The number of copies so far.
    pub fn count(&self) -> usize {
        self.lock().taken.len()
    }

    /// The number of complete contents.
    pub fn contents(&self) -> u64 {
        self.lock().contents
    }

    /// The number of connections.
    pub fn connections(&self) -> u64 {
        self.lock().connections
    }

    /// How often that recipient was sent by RCPT.
    pub fn offers(&self, recipient: &str) -> u32 {
        self.lock().offers.get(recipient).copied().unwrap_or_default()
    }

    /// Waits until `count` copies were taken. Returns whether they were in time.
    pub async fn wait_for(&self, count: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.count() < count {
            if Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Waits until nothing new has arrived for that long.
    pub async fn quiet(&self, pause: Duration) {
        loop {
            let before = self.count();
            tokio::time::sleep(pause).await;
            if self.count() == before {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, SinkState> {
        lock(&self.state)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if Arc::strong_count(&self.listens) == 1 {
            self.listens.abort();
        }
    }
}

fn lock(state: &Mutex<SinkState>) -> MutexGuard<'_, SinkState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, state: Arc<Mutex<SinkState>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = {
            let mut state = lock(&state);
            state.connections += 1;
            state.connections - 1
        };
        let dialogue =
            Dialogue { number, opened: Instant::now(), stream: BufReader::new(stream), state: state.clone() };
        // Errors mean that the peer has gone.
        tokio::spawn(async move { dialogue.talk().await });
    }
}

struct Dialogue {
    number: u64,
    opened: Instant,
    stream: BufReader<TcpStream>,
    state: Arc<Mutex<SinkState>>,
}

impl Dialogue {
    async fn talk(mut self) -> io::Result<()> {
        self.stream.get_ref().set_nodelay(true)?;
        self.act(Point::Banner, "220 next.example ESMTP").await?;
        let mut recipients = Vec::new();
        loop {
            let line = self.line().await?;
            let verb = line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    // Every other connection offers CHUNKING, so that both ways are tested.
                    let chunking = if self.number.is_multiple_of(2) { "250-CHUNKING\r\n" } else { "" };
                    let offer = format!(
                        "250-next.example\r\n{chunking}250-PIPELINING\r\n250-AUTH PLAIN\r\n250 8BITMIME"
                    );
                    self.act(Point::Hello, &offer).await?;
                }
                "AUTH" => self.send_reply("235 2.7.0 welcome").await?,
                "MAIL" => {
                    recipients.clear();
                    self.act(Point::Mail, "250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    let to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    let before = {
                        let mut state = lock(&self.state);
                        let offers = state.offers.entry(to.clone()).or_default();
                        *offers += 1;
                        *offers - 1
                    };
                    if self.act(Point::Recipient(&to, before), "250 2.1.5 ok").await? == SaidReply::Good {
                        recipients.push(to);
                    }
                }
                "DATA" if recipients.is_empty() => self.send_reply("554 5.5.1 no valid recipients").await?,
                "DATA" => {
                    if self.act(Point::Data, "354 go on").await? == SaidReply::Good {
                        let message = self.content().await?;
                        self.record(message, std::mem::take(&mut recipients)).await?;
                    }
                }
                "BDAT" => {
                    let octets = line.split(' ').nth(1).and_then(|octets| octets.parse().ok());
                    let mut message = vec![0; octets.ok_or_else(ended)?];
                    self.stream.read_exact(&mut message).await?;
                    if recipients.is_empty() {
                        self.send_reply("503 5.5.1 no valid recipients").await?;
                        continue;
                    }
                    match self.decide(Point::Data) {
                        Act::Usual => self.record(message, std::mem::take(&mut recipients)).await?,
                        other => self.do_otherwise(other).await.map(|_| ())?,
                    }
                }
                "QUIT" => return self.send_reply("221 2.0.0 bye").await,
                _ => self.send_reply("250 2.0.0 ok").await?,
            }
        }
    }

    /// Records the copies after their final 250 was sent.
    async fn record(&mut self, message: Vec<u8>, recipients: Vec<String>) -> io::Result<()> {
        lock(&self.state).contents += 1;
        let message = Arc::new(message);
        let (state, opened) = (self.state.clone(), self.opened);
        let record = move || {
            let at = Instant::now();
            let taken = recipients.into_iter().map(|recipient| TakenCopy {
                recipient,
                message: message.clone(),
                opened,
                at,
            });
            lock(&state).taken.extend(taken);
        };
        match self.decide(Point::Dot) {
            act @ (Act::Usual | Act::CloseAfter) => {
                self.send_reply("250 2.0.0 kept").await?;
                record();
                if matches!(act, Act::CloseAfter) { Err(ended()) } else { Ok(()) }
            }
            Act::Slowly(pause) => {
                self.slowly("250 2.0.0 kept\r\n", pause).await?;
                record();
                Ok(())
            }
            other => self.do_otherwise(other).await.map(|_| ()),
        }
    }

    fn decide(&self, point: Point<'_>) -> Act {
        let script = lock(&self.state).script.clone();
        script(self.number, point)
    }

    /// Asks the script. Returns whether the reply was positive.
    async fn act(&mut self, point: Point<'_>, usual: &str) -> io::Result<SaidReply> {
        match self.decide(point) {
            Act::Usual => self.send_reply(usual).await.map(|()| SaidReply::Good),
            Act::CloseAfter => {
                self.send_reply(usual).await?;
                Err(ended())
            }
            Act::Slowly(pause) => self.slowly(&format!("{usual}\r\n"), pause).await.map(|()| SaidReply::Good),
            other => self.do_otherwise(other).await,
        }
    }

    async fn do_otherwise(&mut self, act: Act) -> io::Result<SaidReply> {
        match act {
            Act::Say(reply) => {
                self.send_reply(&reply).await?;
                return Ok(if reply.starts_with(['2', '3']) { SaidReply::Good } else { SaidReply::Bad });
            }
            Act::Raw(octets) => self.stream.write_all(&octets).await?,
            Act::Hang(pause) => {
                tokio::time::sleep(pause).await;
                return Err(ended());
            }
            Act::HalfClose => {
                self.stream.shutdown().await?;
                while !self.line().await?.is_empty() {}
            }
            Act::Reset => self.stream.get_ref().set_zero_linger()?,
            Act::Usual | Act::Close | Act::CloseAfter | Act::Slowly(_) => {}
        }
        Err(ended())
    }

    async fn send_reply(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await
    }

    async fn slowly(&mut self, reply: &str, pause: Duration) -> io::Result<()> {
        for octet in reply.bytes() {
            tokio::time::sleep(pause).await;
            self.stream.write_all(&[octet]).await?;
        }
        Ok(())
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(ended());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn content(&mut self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let start = content.len();
            if self.stream.read_until(b'\n', &mut content).await? == 0 {
                return Err(ended());
            }
            if &content[start..] == b".\r\n" {
                content.truncate(start);
                return Ok(content);
            }
            if content[start] == b'.' {
                content.remove(start);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SaidReply {
    Good,
    Bad,
}

fn ended() -> io::Error {
    ErrorKind::ConnectionAborted.into()
}
