//! E6: no more files can be opened, and no more memory can be allocated.

use std::time::{Duration, Instant};

use sealist_smtp::client::RecipientResult;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::roster::{self, Roster};
use crate::site::Plan;
use crate::source::send_once;
use crate::{ExperimentResult, Lab, process};

const FILES: usize = 64;
const ROOM_MIB: u64 = 16;

pub(super) async fn reached(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let files = files(lab).await?;
    let memory = memory(lab).await?;
    Ok(ExperimentResult::new(format!("{}; {}", files.figure, memory.figure))
        .with(files.failures)
        .with(memory.failures))
}

async fn files(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let watch = lab.pick(Duration::from_secs(1), Duration::from_secs(10));
    let mut site = Plan::new(lab).made()?;
    let roster = Roster::plain(&site, "plain", 1)?;
    let limit = format!("ulimit -n {FILES}; exec \"$@\"");
    site.plan = site.plan.clone().behind(&["sh", "-c", &limit, "sh"]);
    site.start()?;
    let message = roster::strange(&roster.list, 1);
    let mut greeted = 0;
    let mut peers = Vec::new();
    for _ in 0..2 * FILES {
        let mut peer = TcpStream::connect(("127.0.0.1", site.lmtp_port().port())).await?;
        let mut greeting = [0; 4];
        let read = tokio::time::timeout(Duration::from_millis(20), peer.read_exact(&mut greeting)).await;
        greeted += usize::from(matches!(read, Ok(Ok(_)) if &greeting == b"220 "));
        peers.push(peer);
    }
    let (cpu, began) = (process::cpu_ms(site.pid()?)?, Instant::now());
    tokio::time::sleep(watch).await;
    let percent = (process::cpu_ms(site.pid()?)? - cpu) / began.elapsed().as_secs_f64() / 10.0;
    drop(peers);
    let freed = Instant::now();
    let mut taken = false;
    while !taken && freed.elapsed() < Duration::from_secs(20) {
        let sent = send_once(&site.lmtp_port(), "stranger@example.com", &roster.list, &message).await;
        taken = matches!(sent, Ok(RecipientResult::Sent(_)));
    }
    let back = freed.elapsed();
    let alive = site.runs()?;
    let figure = format!(
        "{FILES} files: {greeted} of {} connections greeted, {percent:.1} % CPU meanwhile, mail taken {} ms behind it",
        2 * FILES,
        back.as_millis()
    );
    Ok(ExperimentResult::new(figure)
        .expect((alive && taken).into(), "does not recover")
        .expect((greeted < 2 * FILES).into(), "the limit was not reached")
        .expect((percent < 5.0).into(), "spins"))
}

/// A failed allocation ends the process. After a new start nothing is lost.
async fn memory(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let rounds = lab.pick(1, 10);
    let mut site = Plan::new(lab).made()?;
    let roster = Roster::plain(&site, "plain", 1)?;
    site.start()?;
    let limit_kib = process::size_kib(site.pid()?)? + ROOM_MIB * 1024;
    site.kill()?;
    let limit = format!("ulimit -v {limit_kib}; exec \"$@\"");
    site.plan = site.plan.clone().behind(&["sh", "-c", &limit, "sh"]);
    site.start()?;
    let large =
        [&roster::strange(&roster.list, 1)[..], "0123456789abcdef\r\n".repeat(500_000).as_bytes()].concat();
    let (mut taken, mut put_off, mut broken, mut deaths) = (0, 0, 0, 0);
    for _ in 0..rounds {
        let mut senders = JoinSet::new();
        for _ in 0..8 {
            let (lmtp_port, list, large) = (site.lmtp_port(), roster.list.clone(), large.clone());
            senders.spawn(async move { send_once(&lmtp_port, "stranger@example.com", &list, &large).await });
        }
        while let Some(sent) = senders.join_next().await {
            match sent? {
                Ok(RecipientResult::Sent(_)) => taken += 1,
                Ok(RecipientResult::Deferred(..)) => put_off += 1,
                _ => broken += 1,
            }
        }
        if !site.runs()? {
            deaths += 1;
            site.kill()?;
            site.start()?;
        }
    }
    site.kill()?;
    site.plan = site.plan.clone().behind(&[]);
    site.start()?;
    let kept = site.json(&["queue", "list"])?.len();
    let figure = format!(
        "{ROOM_MIB} MiB of memory beyond its start: {taken} messages of 9 MB taken, {put_off} put off, {broken} broken off, {deaths} deaths, {kept} kept"
    );
    Ok(ExperimentResult::new(figure).expect((kept >= taken).into(), "what was taken is lost"))
}
