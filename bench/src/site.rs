//! A site in a process of its own with a roster of new keys, and a mail server that takes its copies.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use sealist_mail::{Boundary, compose};
use sealist_openpgp::Certificate;
use sealist_smtp::client::{Connection, Envelope, NextHop, Protocol, RecipientResult, WireBody};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::counter::Counter;
use crate::gpg::Gpg;
use crate::{cpu, roster};

/// The style of encrypting lists.
pub(crate) const PGP: &str = "pgp-default";
/// The style of plain lists.
pub(crate) const PLAIN: &str = "private-default";
const LIST: &str = "team@lists.example";
const WAIT: Duration = Duration::from_secs(300);
/// The results of the last copies are recorded after this time.
const SETTLED: Duration = Duration::from_millis(250);

pub(crate) struct BenchSite {
    folder: TempDir,
    binary: PathBuf,
    server: Child,
    author: Gpg,
    addresses: Vec<String>,
    port: u16,
    pub(crate) counter: Counter,
    pub(crate) start_ms: f64,
}

impl BenchSite {
    /// A list of that style with `members` members (all with Curve25519 keys), and its server. The first
    /// member posts.
    pub(crate) async fn new(binary: &Path, style: &str, members: usize) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("sealist-bench")?;
        let counter = Counter::default();
        let next_hop = counter.start().await?;
        let config = format!(
            "data_dir = 'data'\n[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {next_hop}\n[keydirs]\nlist = 'keys'\n"
        );
        std::fs::write(folder.path().join("sealist.toml"), config)?;
        let cli = |arguments: &[&str]| run(binary, folder.path(), arguments);
        cli(&["lists", "create", LIST, "--style", style])?;
        cli(&["lists", "set", LIST, "max_message_kib", "0"])?;
        let author = Gpg::new()?;
        let addresses: Vec<String> = (0..members).map(|n| format!("m{n}@d{}.example", n % 100)).collect();
        if let Some(first) = addresses.first() {
            author.make_key(first, "curve25519")?;
            let first = Certificate::read_one(&author.export(first)?)?;
            let certificates = roster::fill(folder.path(), LIST, &addresses, &first).await?;
            if style == PGP {
                author.import(cli(&["lists", "key", LIST])?.as_bytes())?;
                let all: Vec<u8> = certificates.iter().flat_map(Certificate::armored).collect();
                author.import(&all)?;
            }
        }
        let began = Instant::now();
        let (server, port) = serve(binary, folder.path())?;
        let start_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(Self { folder, binary: binary.to_owned(), server, author, addresses, port, counter, start_ms })
    }

    /// From now on mail is received but not judged.
    pub(crate) fn hold(&self) -> anyhow::Result<()> {
        run(&self.binary, self.folder.path(), &["queue", "hold", LIST]).map(|_| ())
    }

    pub(crate) fn members(&self) -> usize {
        self.addresses.len()
    }

    pub(crate) fn target(&self) -> NextHop {
        NextHop::plain("127.0.0.1", self.port, Protocol::Lmtp)
    }

    pub(crate) fn posting(&self) -> String {
        LIST.to_owned()
    }

    /// Mail of a stranger, which is received and held.
    pub(crate) fn stranger(&self, octets: usize) -> Vec<u8> {
        let line = "0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
        let text = line.repeat(octets / line.len());
        format!("From: stranger@example.com\r\nTo: {LIST}\r\nSubject: x\r\n\r\n{text}").into_bytes()
    }

    /// An unencrypted post of the first member.
    pub(crate) fn compose_plain(&self, octets: usize) -> Vec<u8> {
        let line: String = sealist_openpgp::random::<32>().iter().map(|b| format!("{b:02x}")).collect();
        let text = format!("{line}\r\n").repeat(octets / (line.len() + 2) + 1);
        format!("From: {}\r\nTo: {LIST}\r\nSubject: Words\r\n\r\n{text}", self.addresses[0]).into_bytes()
    }

    /// A signed and encrypted post with that many octets of text.
    pub(crate) fn compose(&self, octets: usize) -> anyhow::Result<Vec<u8>> {
        let line: String = sealist_openpgp::random::<32>().iter().map(|b| format!("{b:02x}")).collect();
        let text = format!("{line}\r\n").repeat(octets / (line.len() + 2) + 1);
        let entity = format!("Content-Type: text/plain\r\n\r\n{text}");
        let armor = self.author.sign_and_encrypt(LIST, entity.as_bytes())?;
        let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(sealist_openpgp::random()));
        let header = format!("From: {}\r\nTo: {LIST}\r\nSubject: ...\r\n", self.addresses[0]);
        Ok([header.as_bytes(), &head, &armor, &tail].concat())
    }

    /// Posts the messages at the same time, each on a connection of its own, and waits until all copies are
    /// delivered.
    pub(crate) async fn post(&self, messages: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let all = self.counter.recipients() + (self.addresses.len() * messages.len()) as u64;
        self.send_all(&self.addresses[0], messages).await?;
        ensure!(self.counter.reaches(all, WAIT).await, "{} of {all} copies came", self.counter.recipients());
        Ok(())
    }

    /// Sends messages at the same time, each on a connection of its own, until all are received.
    pub(crate) async fn send_all(&self, sender: &str, messages: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let mut posting: JoinSet<_> =
            messages.into_iter().map(|message| hand_in(self.target(), sender.to_owned(), message)).collect();
        while let Some(taken) = posting.join_next().await {
            taken??;
        }
        Ok(())
    }

    /// Waits until no message waits to be judged.
    pub(crate) async fn judged(&self) -> anyhow::Result<()> {
        let end = Instant::now() + WAIT;
        while run(&self.binary, self.folder.path(), &["--json", "queue", "list"])?
            .contains("\"queue\":\"in\"")
        {
            ensure!(Instant::now() < end, "the queue does not drain");
            tokio::time::sleep(SETTLED).await;
        }
        Ok(())
    }

    /// The list's key.
    pub(crate) fn certificate(&self) -> anyhow::Result<Certificate> {
        let key = run(&self.binary, self.folder.path(), &["lists", "key", LIST])?;
        Ok(Certificate::read_one(key.as_bytes())?)
    }

    /// Waits until the results of all sent copies are recorded.
    pub(crate) async fn wait_for_results(&self) {
        tokio::time::sleep(SETTLED).await;
    }

    pub(crate) fn gpg_encrypt(&self, text: &[u8]) -> anyhow::Result<()> {
        self.author.encrypt_to(&self.addresses, text).map(|_| ())
    }

    pub(crate) fn cpu_ms(&self) -> anyhow::Result<f64> {
        cpu::of_process(self.server.id())
    }

    pub(crate) fn rss_kib(&self) -> anyhow::Result<u64> {
        cpu::rss_kib(self.server.id())
    }

    /// Resets the peak of the server's memory.
    pub(crate) fn forget_peak(&self) -> anyhow::Result<()> {
        cpu::forget_peak(&self.server.id().to_string())
    }

    pub(crate) fn peak_kib(&self) -> anyhow::Result<u64> {
        cpu::peak_kib(&self.server.id().to_string())
    }

    /// Stops the server, and returns how many commits it made.
    pub(crate) fn stop(mut self) -> anyhow::Result<u64> {
        let pid = self.server.id().to_string();
        ensure!(Command::new("kill").arg(&pid).status()?.success(), "the server takes the signal");
        self.server.wait()?;
        let log = std::fs::read_to_string(self.folder.path().join("log"))?;
        let commits = log.lines().rev().find_map(|line| line.split("stopped commits=").nth(1));
        Ok(commits
            .context("the log says how many commits there were")?
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .parse()?)
    }
}

impl Drop for BenchSite {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn hand_in(target: NextHop, sender: String, message: Vec<u8>) -> anyhow::Result<()> {
    let mut connection = Connection::connect(&target).await?;
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some(sender),
        recipients: vec![LIST.to_owned()],
        body: WireBody::from_message(&message),
    });
    let mut results = Vec::new();
    connection.deliver(|| envelope.take(), |_, outcome| results.extend(outcome)).await?;
    ensure!(matches!(results[..], [RecipientResult::Sent(_)]), "not taken: {results:?}");
    Ok(())
}

fn run(binary: &Path, folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output =
        Command::new(binary).arg("--config").arg(folder.join("sealist.toml")).args(arguments).output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn serve(binary: &Path, folder: &Path) -> anyhow::Result<(Child, u16)> {
    let log: PathBuf = folder.join("log");
    let server = Command::new(binary)
        .arg("--config")
        .arg(folder.join("sealist.toml"))
        .arg("serve")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log)?)
        .spawn()?;
    let end = Instant::now() + WAIT;
    while Instant::now() < end {
        let text = std::fs::read_to_string(&log)?;
        if let Some(port) = text.lines().find_map(|line| line.split("serving lmtp=127.0.0.1:").nth(1)) {
            return Ok((server, port.split_whitespace().next().unwrap_or_default().parse()?));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    bail!("the server does not come up: {}", std::fs::read_to_string(&log)?)
}
