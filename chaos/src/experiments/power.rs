//! E3: the power fails. The order of writes, syncs and replies is recorded, and disks are made from it as a
//! power failure would leave them: synced writes are there, and of the others each is there, missing, or
//! torn.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::roster::{self, Roster};
use crate::seeded::Seeded;
use crate::site::{LmtpPort, Plan};
use crate::source::RawLmtpClient;
use crate::trace::{self, DiskEvent};
use crate::{ExperimentResult, Lab, tools};

const FILES: [&str; 2] = ["sealist.db", "sealist.db-wal"];
const SECTOR: u64 = 512;

pub(super) async fn failed(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (posts, images, resumed) = lab.pick((40, 30, 1), (400, 500, 10));
    let mut site = Plan::new(lab).made()?;
    let roster = Roster::plain(&site, "plain", 1)?;
    let mut disk = Disk::default();
    for name in FILES {
        let path = site.path("data").join(name);
        disk.durable.insert(name.to_owned(), std::fs::read(path).unwrap_or_default());
    }
    let record = site.path("record").display().to_string();
    let calls = "trace=pwrite64,fsync,fdatasync,ftruncate,unlink,sendto";
    let strace =
        ["strace", "-D", "-f", "-yy", "-xx", "-s", "10000000", "--seccomp-bpf", "-o", &record, "-e", calls];
    site.plan = site.plan.clone().behind(&strace);
    site.start()?;
    let senders = sent(&site.lmtp_port(), &roster.list, posts).await?;
    site.judged(std::time::Duration::from_secs(60)).await?;
    site.kill()?;
    let events = tokio::task::block_in_place(|| trace::read(Path::new(&record)))?;

    let mut seeded = Seeded::new(lab.seed, "power");
    let acks: Vec<usize> = events
        .iter()
        .enumerate()
        .filter(|(_, e)| matches!(e, DiskEvent::Taken { .. }))
        .map(|(at, _)| at)
        .collect();
    // Half of the failures are directly after a reply.
    let mut cuts: Vec<usize> = Vec::new();
    for image in 0..images {
        cuts.push(match image % 2 {
            0 => usize::try_from(seeded.below(events.len() as u64))?,
            _ => acks[usize::try_from(seeded.below(acks.len() as u64))?] + 1,
        });
    }
    cuts.sort_unstable();
    let (mut failures, mut lost, mut dropped, mut at) = (Vec::new(), 0, 0, 0);
    let mut taken: Vec<u64> = Vec::new();
    for (number, cut) in cuts.iter().enumerate() {
        for event in &events[at..*cut] {
            disk.see(event);
            if let DiskEvent::Taken { port } = event {
                let sender = senders.get(port).with_context(|| format!("a reply to port {port}"))?;
                let before = taken.iter().filter(|id| sender.contains(id)).count();
                taken.push(*sender.get(before).context("a reply more than messages")?);
            }
        }
        at = *cut;
        let mut after = Plan::new(lab).with_keys_of(&site).made()?;
        std::fs::create_dir(after.path("data"))?;
        dropped += disk.leave(&after.path("data"), &mut seeded)?;
        let whole = tools::sqlite(&after.database(), "PRAGMA integrity_check")?;
        if whole != "ok" {
            failures.push(format!("image {number}: {whole}"));
            continue;
        }
        let text = tools::sqlite(&after.database(), "SELECT CAST(data AS TEXT) FROM bodies")?;
        let there: Vec<u64> = text.lines().filter_map(|line| roster::number(line.as_bytes())).collect();
        lost += taken.iter().filter(|id| !there.contains(id)).count();
        if number % (images / resumed) == 0 {
            after.start()?;
            after.judged(std::time::Duration::from_secs(60)).await?;
            let held = after.held()?;
            if held < taken.len() {
                failures.push(format!("image {number}: {held} held of {} taken", taken.len()));
            }
        }
    }
    let syncs = events.iter().filter(|event| matches!(event, DiskEvent::Synced { .. })).count();
    let figure = format!(
        "{images} images of {} events ({} replies, {syncs} syncs): {dropped} unsynced writes dropped or torn, {lost} taken messages lost, {resumed} served again",
        events.len(),
        acks.len()
    );
    Ok(ExperimentResult::new(figure)
        .with(failures)
        .expect((lost == 0).into(), "what was acknowledged is lost")
        .expect((acks.len() == posts).into(), "not every message was taken"))
}

/// Sends from four senders at a time. Returns the numbers that each sent, in order, by its port.
async fn sent(lmtp_port: &LmtpPort, list: &str, posts: usize) -> anyhow::Result<BTreeMap<u16, Vec<u64>>> {
    let mut senders = JoinSet::new();
    let each = posts as u64 / 4;
    for sender in 0..4 {
        let (lmtp_port, list) = (lmtp_port.clone(), list.to_owned());
        senders.spawn(async move {
            let mut wire = RawLmtpClient::open(&lmtp_port).await?;
            let ids: Vec<u64> = (sender * each..(sender + 1) * each).collect();
            for id in &ids {
                wire.exchange("MAIL FROM:<stranger@example.com>").await?;
                wire.exchange(&format!("RCPT TO:<{list}>")).await?;
                wire.exchange("DATA").await?;
                wire.write(&roster::strange(&list, *id)).await?;
                let reply = wire.exchange(".").await?;
                anyhow::ensure!(reply.starts_with("250"), "not taken: {reply}");
            }
            anyhow::Ok((wire.own_port()?, ids))
        });
    }
    let mut all = BTreeMap::new();
    while let Some(ended) = senders.join_next().await {
        let (port, ids) = ended??;
        all.insert(port, ids);
    }
    Ok(all)
}

/// The files as they are on the disk, and the writes that are only in its cache.
#[derive(Default)]
struct Disk {
    durable: BTreeMap<String, Vec<u8>>,
    pending: BTreeMap<String, Vec<DiskEvent>>,
}

impl Disk {
    fn see(&mut self, event: &DiskEvent) {
        match event {
            DiskEvent::Written { file, .. } | DiskEvent::Cut { file, .. }
                if self.durable.contains_key(file) =>
            {
                self.pending.entry(file.clone()).or_default().push(event.clone());
            }
            DiskEvent::Synced { file, unfinished } => {
                // Writes made while the sync ran are not covered by it.
                let pending = self.pending.entry(file.clone()).or_default();
                let covered = pending.len().saturating_sub(*unfinished);
                let rest = pending.split_off(covered);
                for event in std::mem::replace(pending, rest) {
                    apply(self.durable.entry(file.clone()).or_default(), &event, u64::MAX);
                }
            }
            _ => {}
        }
    }

    /// Writes the files that a power failure would leave now. Returns how many writes are dropped or torn.
    fn leave(&self, folder: &Path, seeded: &mut Seeded) -> anyhow::Result<usize> {
        let mut dropped = 0;
        for (name, durable) in &self.durable {
            let mut content = durable.clone();
            for event in self.pending.get(name).into_iter().flatten() {
                let keep = match seeded.below(4) {
                    0 | 1 => u64::MAX,
                    2 => 0,
                    _ => seeded.below(8) * SECTOR,
                };
                dropped += usize::from(keep != u64::MAX);
                apply(&mut content, event, keep);
            }
            if !content.is_empty() {
                std::fs::write(folder.join(name), content)?;
            }
        }
        Ok(dropped)
    }
}

/// Applies up to `octets` of a write. A truncation happens completely or not at all.
fn apply(content: &mut Vec<u8>, event: &DiskEvent, octets: u64) {
    match event {
        DiskEvent::Written { at, data, .. } => {
            let taken = data.len().min(usize::try_from(octets).unwrap_or(usize::MAX));
            let end = at + taken;
            if taken == 0 {
                return;
            }
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*at..end].copy_from_slice(&data[..taken]);
        }
        DiskEvent::Cut { length, .. } if octets > 0 => content.resize(*length, 0),
        _ => {}
    }
}
