//! E34: a stranger sends at full speed under changing names, while members post.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sealist_smtp::client::{Connection, RecipientResult};

use crate::roster::Roster;
use crate::sink::Sink;
use crate::site::{LmtpPort, Plan};
use crate::source::{deliver, send_once, target};
use crate::{ExperimentResult, Lab, oracle, tools};

const OWNER: &str = "owner@people.example";
/// How many MiB of strangers' mail the list keeps.
const HELD_MIB: u64 = 2;
/// How many MiB the rows of the database may take beside that: facts, members, copies.
const BESIDE_MIB: u64 = 16;
/// How many MiB the files may take: the write-ahead log, and the reused room of messages that waited to be
/// judged.
const FILES_MIB: u64 = 96;
const ROWS: &str = "SELECT (p.page_count - f.freelist_count) * s.page_size / 1048576
    FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s";
/// A post must be delivered within this time.
const LIMIT: Duration = Duration::from_secs(60);

/// The counts of the flood.
#[derive(Default)]
struct Flood {
    ends: AtomicBool,
    taken: AtomicU64,
    put_off: AtomicU64,
    refused: AtomicU64,
}

pub(super) async fn flooded(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (senders, posts, pause) =
        lab.pick((4_u64, 3_u64, Duration::from_secs(1)), (8, 60, Duration::from_secs(2)));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).set("queue", "max_waiting = 200").made()?;
    let roster = Roster::plain(&site, "plain", 2)?;
    let list = roster.list.clone();
    site.cli(&["members", "add", &list, OWNER, "--role", "owner"])?;
    for (name, value) in [("max_held_mib", HELD_MIB.to_string()), ("max_message_kib", "100".into())] {
        site.cli(&["lists", "set", &list, name, &value])?;
    }
    site.start()?;
    let flood = Arc::new(Flood::default());
    let strangers: Vec<_> = (0..senders)
        .map(|number| tokio::spawn(pour(site.lmtp_port(), list.clone(), number, flood.clone())))
        .collect();
    let mut slowest = Duration::ZERO;
    for id in 0..posts {
        tokio::time::sleep(pause).await;
        let (begun, before) = (Instant::now(), copies(&sink, &roster));
        let message = roster.message(id);
        while begun.elapsed() < LIMIT {
            let sent = send_once(&site.lmtp_port(), roster.author(), &list, &message).await;
            if matches!(sent, Ok(RecipientResult::Sent(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        while copies(&sink, &roster) < before + roster.members.len() && begun.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slowest = slowest.max(begun.elapsed());
    }
    flood.ends.store(true, Ordering::Relaxed);
    for stranger in strangers {
        stranger.await?;
    }
    site.judged(LIMIT).await?;
    let delivered = copies(&sink, &roster);
    let taken = flood.taken.load(Ordering::Relaxed);
    let at_once = to_owner(&sink);
    // The summary is due after hours, so the test makes it due now.
    tools::sqlite(&site.database(), "UPDATE pending_notices SET due_at = 1 WHERE due_at IS NOT NULL")?;
    let end = Instant::now() + LIMIT;
    while to_owner(&sink) == at_once && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sink.quiet(Duration::from_secs(1)).await;
    let summaries = to_owner(&sink) - at_once;
    let held = site.held()?;
    let untold =
        tools::sqlite_number(&site.database(), "SELECT COUNT(*) FROM pending_facts WHERE email_key = ''")?;
    let log = site.database().with_extension("db-wal");
    let octets = |file| std::fs::metadata(file).map_or(0, |file| file.len());
    let mib = (octets(site.database()) + octets(log)) >> 20;
    let rows_mib = tools::sqlite_number(&site.database(), ROWS)?;
    site.kill()?;
    let figure = format!(
        "{taken} messages of strangers taken, {} put off; {posts} posts out within {:.1} s; {held} wait, the rows take {rows_mib} MiB, the files {mib} MiB; the owner had {at_once} notices and {summaries} summary",
        flood.put_off.load(Ordering::Relaxed),
        slowest.as_secs_f64(),
    );
    let all = usize::try_from(posts)? * roster.members.len();
    Ok(ExperimentResult::new(figure)
        .with(oracle::integrity(&site)?)
        .expect((delivered == all).into(), "not all posts of members are out within 60 s")
        .expect((taken > 100).into(), "that was no flood")
        .expect((flood.refused.load(Ordering::Relaxed) == 0).into(), "not answered with 2xx or 4xx")
        .expect((rows_mib <= HELD_MIB + BESIDE_MIB && mib <= FILES_MIB).into(), "the flood stays on the disk")
        .expect((at_once <= 5 && summaries == 1).into(), "the owner did not get one summary")
        .expect((untold == 0).into(), "something that waits or is gone is told to nobody"))
}

/// Sends as fast as the server accepts, each message under another name.
async fn pour(lmtp_port: LmtpPort, list: String, number: u64, flood: Arc<Flood>) {
    let text = "Buy now, buy here, buy all of it, buy it again.\r\n".repeat(600);
    let mut connection = None;
    for count in 0_u64.. {
        if flood.ends.load(Ordering::Relaxed) {
            return;
        }
        let from = format!("s{count}@flood{number}.example");
        let message = format!("From: {from}\r\nTo: {list}\r\nSubject: Offer {count}\r\n\r\n{text}");
        let open = match connection.take() {
            Some(open) => Some(open),
            None => Connection::connect(&target(lmtp_port.port())).await.ok(),
        };
        let Some(mut open) = open else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (_, result) = deliver(&mut open, &from, &list, message.as_bytes()).await;
        match result {
            RecipientResult::Sent(_) => {
                flood.taken.fetch_add(1, Ordering::Relaxed);
                connection = Some(open);
            }
            RecipientResult::Failed(..) => {
                flood.refused.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                flood.put_off.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn copies(sink: &Sink, roster: &Roster) -> usize {
    let taken = sink.taken();
    let of_posts = taken.iter().filter(|copy| roster.members.contains(&copy.recipient));
    of_posts.filter(|copy| copy.message.windows(9).any(|word| word == b"chaos-id=")).count()
}

fn to_owner(sink: &Sink) -> usize {
    sink.taken().iter().filter(|copy| copy.recipient == OWNER).count()
}
