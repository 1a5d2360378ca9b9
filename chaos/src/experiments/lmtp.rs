//! E15, E19, E20: messages to LMTP are too large, have mixed recipients, or come from clients that leave
//! early.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sealist_mail::Headers;
use sealist_smtp::client::RecipientResult;

use crate::oracle;
use crate::roster::{self, Roster};
use crate::sink::{Sink, TakenCopy};
use crate::site::{LmtpPort, Plan, Site};
use crate::source::{self, RawLmtpClient};
use crate::{ExperimentResult, Lab, process, tools};

const GIB: u64 = 1 << 30;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn too_large(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    // A message just below the limit must be larger than the allowed growth of memory.
    let (limit_kib, octets) = lab.pick((24 * 1024_u32, 64 << 20), (50 * 1024, 2 * GIB));
    let site = Plan::new(lab).set("lmtp", format!("max_message_kib = {limit_kib}")).made()?;
    let plain = Roster::plain(&site, "plain", 1)?;
    let sealed = Roster::sealed(&site, "sealed", 1)?;
    let mut site = site;
    site.start()?;
    let declared = declare(&site.lmtp_port(), octets).await?;
    let (mut grown_kib, mut sent, mut replies) = (0, 0, Vec::new());
    for list in [&plain.list, &sealed.list] {
        let before = process::peak_kib(site.pid()?)?;
        let (octets, reply) = stream(&site.lmtp_port(), list, octets).await?;
        grown_kib = grown_kib.max(process::peak_kib(site.pid()?)?.saturating_sub(before));
        sent = sent.max(octets);
        replies.push(reply);
    }
    let over = one_over(&site.lmtp_port(), &plain.list, u64::from(limit_kib) * 1024).await?;
    let left = parts_left(&mut site, &[&plain.list, &sealed.list]).await?;
    let kept = site.json(&["queue", "list"])?.len();
    site.kill()?;
    let figure = format!(
        "SIZE={octets}: {declared}; limit of {limit_kib} KiB + 1: {over}; streamed: cut at {} MiB of {} with {:?}; memory +{} MiB; {} parts left of what broke off, {} behind a kill",
        sent >> 20,
        octets >> 20,
        replies[0],
        grown_kib / 1024,
        left.broken_off,
        left.killed
    );
    let cut = replies.iter().all(|reply| reply.starts_with("421") || reply.starts_with("552"));
    Ok(ExperimentResult::new(figure)
        .expect(declared.starts_with("552").into(), "SIZE= is not refused")
        .expect(over.starts_with("552").into(), "one octet too many is not refused with 552")
        .expect(cut.into(), "the stream is not refused")
        .expect((kept == 0).into(), "something of it is kept")
        .expect((left.seen > 0).into(), "nothing was stored as it came")
        .expect((left.broken_off == 0 && left.killed == 0).into(), "parts stay in the database")
        .expect((grown_kib < 16 * 1024).into(), "memory grows by 16 MiB or more")
        .with(oracle::integrity(&site)?))
}

/// Messages that were partly stored.
struct Left {
    /// While they arrived.
    seen: u64,
    /// After their senders had disconnected.
    broken_off: u64,
    /// After the server was killed and started again.
    killed: u64,
}

/// What ends in the middle of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Sender,
    Server,
}

/// Starts messages that never end: once their senders disconnect, once the server is killed.
async fn parts_left(site: &mut Site, lists: &[&str]) -> anyhow::Result<Left> {
    let parts = |site: &Site| tools::sqlite_number(&site.database(), "SELECT COUNT(*) FROM bodies");
    let mut left = Left { seen: 0, broken_off: 0, killed: 0 };
    for ends in [Ends::Sender, Ends::Server] {
        let mut wires = Vec::new();
        for list in lists {
            let mut wire = begun(&site.lmtp_port(), list).await?;
            wire.write(b"From: a@x.example\r\n\r\n").await?;
            wire.write("0123456789abcdef\r\n".repeat(100_000).as_bytes()).await?;
            wires.push(wire);
        }
        let end = Instant::now() + PATIENCE;
        while parts(site)? < lists.len() as u64 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        left.seen = parts(site)?;
        if ends == Ends::Server {
            site.kill()?;
            site.start()?;
        }
        drop(wires);
        let end = Instant::now() + PATIENCE;
        while parts(site)? > 0 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        match ends {
            Ends::Sender => left.broken_off = parts(site)?,
            Ends::Server => left.killed = parts(site)?,
        }
    }
    Ok(left)
}

async fn declare(lmtp_port: &LmtpPort, octets: u64) -> anyhow::Result<String> {
    let mut wire = RawLmtpClient::open(lmtp_port).await?;
    wire.exchange(&format!("MAIL FROM:<a@x.example> SIZE={octets}")).await
}

/// How much could be sent, and the reply.
async fn stream(lmtp_port: &LmtpPort, list: &str, octets: u64) -> anyhow::Result<(u64, String)> {
    let mut wire = begun(lmtp_port, list).await?;
    let chunk = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(1024);
    wire.write(b"From: a@x.example\r\n\r\n").await?;
    let mut sent = 0;
    while sent < octets && wire.write(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len() as u64;
    }
    let _ = wire.write(b".\r\n").await;
    // A reset of our connection may drop the last reply.
    let reply = wire.reply().await.unwrap_or_else(|_| "421 (reset)".to_owned());
    Ok((sent, reply))
}

async fn one_over(lmtp_port: &LmtpPort, list: &str, limit: u64) -> anyhow::Result<String> {
    let mut wire = begun(lmtp_port, list).await?;
    let head = b"From: a@x.example\r\n\r\n";
    let body = usize::try_from(limit)? + 1 - head.len() - 2;
    let lines = "x".repeat(62) + "\r\n";
    let mut text = lines.repeat(body / lines.len());
    text.push_str(&"y".repeat(body - text.len()));
    wire.write(&[&head[..], text.as_bytes(), b"\r\n.\r\n"].concat()).await?;
    wire.reply().await
}

async fn begun(lmtp_port: &LmtpPort, list: &str) -> anyhow::Result<RawLmtpClient> {
    let mut wire = RawLmtpClient::open(lmtp_port).await?;
    wire.exchange("MAIL FROM:<a@x.example>").await?;
    wire.exchange(&format!("RCPT TO:<{list}>")).await?;
    wire.exchange("DATA").await?;
    Ok(wire)
}

/// Of a hundred recipients, fifty do not exist and ten belong to a list whose keys are missing. Both are
/// refused at RCPT, the second kind temporarily. The others are accepted and get a reply each.
pub(super) async fn mixed(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let mut site = Plan::new(lab).made()?;
    let lists: Vec<Roster> =
        (0..40).map(|at| Roster::plain(&site, &format!("good{at}"), 1)).collect::<Result<_, _>>()?;
    let keyless = Roster::sealed(&site, "keyless", 1)?;
    for key in std::fs::read_dir(site.path("keys"))? {
        let path = key?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("keyless")) {
            std::fs::remove_file(path)?;
        }
    }
    site.start()?;
    let lmtp_ports = [
        "",
        "-owner",
        "-bounces",
        "-request",
        "-join",
        "-leave",
        "-sendkey",
        "-confirm+a",
        "-confirm+b",
        "-bounces+c",
    ];
    let mut wanted = Vec::new();
    for (at, list) in lists.iter().enumerate() {
        wanted.push((list.list.clone(), "250"));
        if at < 10 {
            wanted.push((format!("keyless{}@lists.example", lmtp_ports[at]), "451"));
        }
        wanted.push((format!("nobody{at}@lists.example"), "550"));
    }
    wanted.extend((0..10).map(|at| (format!("nobody@nowhere{at}.example"), "550")));
    let mut wire = RawLmtpClient::open(&site.lmtp_port()).await?;
    wire.exchange("MAIL FROM:<a@x.example>").await?;
    let mut wrong = Vec::new();
    for (to, code) in &wanted {
        let reply = wire.exchange(&format!("RCPT TO:<{to}>")).await?;
        if !reply.starts_with(code) {
            wrong.push(format!("RCPT {to}: {reply}"));
        }
    }
    wire.exchange("DATA").await?;
    wire.write(&[&roster::strange(&keyless.list, 1)[..], b".\r\n"].concat()).await?;
    let good = wanted.iter().filter(|(_, code)| *code == "250").map(|(to, _)| to);
    let mut taken = 0;
    for to in good {
        let reply = wire.reply().await?;
        if reply.starts_with("250") {
            taken += 1;
        } else {
            wrong.push(format!("{to}: {reply}"));
        }
    }
    let next = wire.exchange("NOOP").await?;
    let figure = format!(
        "{} recipients: a reply to each RCPT (50 x 550, 10 x 451), then {taken} x 250 in order; {} wrong",
        wanted.len(),
        wrong.len()
    );
    let in_step = next.starts_with("250 2.0.0 ok");
    Ok(ExperimentResult::new(figure)
        .expect((wanted.len() == 100).into(), "not a hundred recipients")
        .expect(in_step.into(), format!("not exactly one reply each: NOOP gets {next:?}"))
        .with(wrong.into_iter().take(3).collect()))
}

/// The client disconnects before the reply to its final dot, and sends the same message again.
pub(super) async fn gone_early(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let posts = lab.pick(20, 200);
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let rosters =
        [Arc::new(Roster::plain(&site, "plain", 1)?), Arc::new(Roster::sealed(&site, "sealed", 1)?)];
    site.start()?;
    let mut copies = Vec::new();
    for roster in &rosters {
        for id in 0..posts {
            let message = roster.message(id);
            let mut wire = begun(&site.lmtp_port(), &roster.list).await?;
            wire.write(&[&message[..], b".\r\n"].concat()).await?;
            drop(wire);
            let sent = source::send_once(&site.lmtp_port(), roster.author(), &roster.list, &message).await?;
            anyhow::ensure!(matches!(sent, RecipientResult::Sent(_)), "not taken: {sent:?}");
        }
        site.judged(Duration::from_secs(60)).await?;
        sink.quiet(Duration::from_millis(700)).await;
        let mut times = vec![0_usize; usize::try_from(posts)?];
        // The author also gets the notice that the text was already posted.
        let is_notice = |message: &[u8]| Headers::parse(message).0.count("auto-submitted") > 0;
        let to_author = |taken: &&TakenCopy| taken.recipient == roster.author() && !is_notice(&taken.message);
        for taken in sink.taken().iter().filter(to_author) {
            let id = roster.read(&taken.recipient, &taken.message).context("a copy of ours")?;
            times[usize::try_from(id)?] += 1;
        }
        copies.push(times);
    }
    let (plain, sealed) = (&copies[0], &copies[1]);
    let figure = format!(
        "{posts} each: plain {} lost, {} twice; signed {} lost, {} twice",
        plain.iter().filter(|times| **times == 0).count(),
        plain.iter().filter(|times| **times == 2).count(),
        sealed.iter().filter(|times| **times == 0).count(),
        sealed.iter().filter(|times| **times > 1).count()
    );
    site.kill()?;
    Ok(ExperimentResult::new(figure)
        .expect(plain.iter().all(|times| (1..=2).contains(times)).into(), "a plain post came never or thrice")
        .expect(sealed.iter().all(|times| *times == 1).into(), "a signed post did not come once")
        .with(oracle::integrity(&site)?))
}
