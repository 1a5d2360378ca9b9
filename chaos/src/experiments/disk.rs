//! E4 and E5: syncs of the disk fail, and the disk is full.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sealist_smtp::client::RecipientResult;

use crate::oracle;
use crate::roster::{self, Roster};
use crate::sink::Sink;
use crate::site::{Plan, Site};
use crate::source::{Traffic, send_once};
use crate::{ExperimentResult, Lab, tools};

const LIMIT: Duration = Duration::from_secs(60);
const MIB: usize = 1 << 20;

pub(super) async fn fails_to_sync(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (posts, seconds) = lab.pick((40, 2_u64), (2000, 10));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let rosters =
        vec![Arc::new(Roster::plain(&site, "plain", 2)?), Arc::new(Roster::sealed(&site, "sealed", 2)?)];
    site.start()?;
    let mut traffic = Traffic::new(rosters);
    traffic.enter_by(&site.lmtp_port(), 4);
    traffic.allow(posts / 2);
    while traffic.journal().acknowledged() < posts / 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = traffic.journal().pages();
    let record = site.path("record");
    // It ends by itself and detaches from the server.
    let mut strace = tools::as_root("timeout");
    strace.args(["-s", "INT", &seconds.to_string(), "strace", "-f", "-p", &site.pid()?.to_string(), "-o"]);
    strace.arg(&record).args(["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]);
    let mut strace =
        strace.stderr(Stdio::piped()).spawn().context("strace: scripts/install-deps installs it")?;
    let mut said = BufReader::new(strace.stderr.take().context("it has one")?).lines();
    let first = tokio::task::block_in_place(|| said.next()).context("it says so")??;
    // strace reports each new thread, and would end if nobody read its output.
    std::thread::spawn(move || said.for_each(drop));
    ensure!(first.contains("attached"), "strace may not trace the server, it needs root: {first}");
    traffic.allow(posts / 2);
    tokio::time::sleep(Duration::from_secs(seconds) * 2 / 3).await;
    let meanwhile = traffic.journal().pages();
    tokio::task::block_in_place(|| strace.wait())?;
    let injected = std::fs::read_to_string(&record)?.matches("INJECTED").count();
    let acknowledged = meanwhile.acknowledged.len() - before.acknowledged.len();
    let put_off: u64 = meanwhile.put_off.values().sum();
    let recovered = traffic.done(LIMIT).await;
    site.kill()?;
    let killed = Instant::now();
    site.start()?;
    let pages = traffic.journal().pages();
    let verdict = oracle::judge(&sink, &pages, traffic.rosters(), &[killed]).await.with_waiting(&site, 2)?;
    site.kill()?;
    let figure = format!(
        "{injected} syncs failed in {seconds} s: {acknowledged} acknowledged, {put_off} answers of 4xx, {} of 5xx; behind it {}; {} acknowledged in all, {} lost, {} set aside",
        pages.refused.len(),
        if recovered { "all is taken" } else { "not all is taken" },
        verdict.acknowledged,
        verdict.missing,
        verdict.waiting
    );
    Ok(ExperimentResult::new(figure)
        .with(verdict.failures(Duration::from_secs(5), 1000))
        .with(oracle::integrity(&site)?)
        .expect((injected > 0).into(), "no sync failed")
        .expect((acknowledged == 0).into(), "acknowledged behind a sync that failed")
        .expect((put_off > 0 && pages.refused.is_empty()).into(), "not answered with 4xx"))
}

/// A site whose data is on a small disk of its own, in a mount namespace of its own.
struct SmallDisk {
    site: Site,
}

impl SmallDisk {
    fn of(lab: &Lab, min_free_mib: u32) -> anyhow::Result<(Self, Roster)> {
        let mut site = Plan::new(lab).set("queue", format!("min_free_mib = {min_free_mib}")).made()?;
        let roster = Roster::plain(&site, "plain", 1)?;
        std::fs::create_dir(site.path("small"))?;
        let mount = "mount -t tmpfs -o size=24m tmpfs small && cp -a data/. small/ && mount --bind small data && exec \"$@\"";
        let unshare = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
        site.plan = site.plan.clone().behind(&["unshare", unshare, "sh", "-c", mount, "sh"]);
        site.start()?;
        Ok((Self { site }, roster))
    }

    fn ballast(&self) -> anyhow::Result<PathBuf> {
        let inside = Path::new("/proc").join(self.site.pid()?.to_string()).join("root");
        Ok(inside.join(self.site.path("data/ballast").strip_prefix("/")?))
    }

    /// Fills the disk and leaves that many octets.
    fn fill(&self, leave: usize) -> anyhow::Result<()> {
        let ballast = self.ballast()?;
        let mut content = vec![0; 24 * MIB];
        // What does not fit is not written.
        let _ = std::fs::write(&ballast, &content);
        let written = usize::try_from(std::fs::metadata(&ballast)?.len())?;
        content.truncate(written.saturating_sub(leave));
        Ok(std::fs::write(&ballast, content)?)
    }

    fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.ballast()?)?)
    }

    /// Messages that are claimed and not judged, even after a moment.
    async fn still_claimed(&self) -> anyhow::Result<String> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let claimed = "SELECT COUNT(*) FROM queue WHERE queue = 'in' AND claimed_by IS NOT NULL";
            let claimed = self.sqlite(claimed)?;
            if claimed == "0" || Instant::now() > end {
                return Ok(claimed);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs a statement on the database file.
    fn sqlite(&self, statement: &str) -> anyhow::Result<String> {
        let mut inside = Command::new("nsenter");
        inside.args(["-t", &self.site.pid()?.to_string(), "-m"]);
        if !rustix::process::geteuid().is_root() {
            inside.args(["-U", "--preserve-credentials"]);
        }
        let output = tools::run(inside.arg("sqlite3").arg(self.site.database()).arg(statement))?;
        ensure!(output.status.success(), "sqlite3: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

pub(super) async fn full(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (mut figures, mut failures) = (Vec::new(), Vec::new());
    for (what, min_free_mib, leave, code) in
        [("below the reserve", 4, 2 * MIB, 452), ("to the last octet", 0, 0, 451)]
    {
        let (disk, roster) = SmallDisk::of(lab, min_free_mib)?;
        let send = async |id| {
            let message = roster::strange(&roster.list, id);
            send_once(&disk.site.lmtp_port(), "stranger@example.com", &roster.list, &message).await
        };
        let mut taken = 0;
        let mut count =
            |result: &RecipientResult| taken += u64::from(matches!(result, RecipientResult::Sent(_)));
        // Some messages are being judged when the disk becomes full.
        for id in 20_000..20_000 + lab.pick(10, 50) {
            count(&send(id).await?);
        }
        disk.fill(leave)?;
        // The server checks the free room once a second.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let mut answers = Vec::new();
        for id in 1..=lab.pick(10, 200) {
            let result = send(id).await?;
            count(&result);
            answers.push(match result {
                RecipientResult::Deferred(reply, _)
                | RecipientResult::Failed(reply, _)
                | RecipientResult::Sent(reply) => reply.code,
                RecipientResult::NotSent | RecipientResult::NeedsSevenBit | RecipientResult::Unknown => 0,
            });
        }
        disk.free()?;
        let freed = Instant::now();
        let mut id = 10_000;
        while !matches!(send(id).await?, RecipientResult::Sent(_)) && freed.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(50)).await;
            id += 1;
        }
        taken += 1;
        let back = freed.elapsed();
        let stuck = disk.still_claimed().await?;
        let rows: u64 = disk.sqlite("SELECT COUNT(*) FROM queue")?.parse()?;
        let whole = disk.sqlite("PRAGMA integrity_check")?;
        let orphans =
            disk.sqlite("SELECT COUNT(*) FROM bodies WHERE no NOT IN (SELECT body_no FROM queue UNION SELECT body_no FROM sendings)")?;
        answers.sort_unstable();
        answers.dedup();
        figures.push(format!("{what}: answers {answers:?}, taken again after {} ms", back.as_millis()));
        let mut expect = |good: bool, failure: String| {
            if !good {
                failures.push(format!("{what}: {failure}"));
            }
        };
        // If the room is not checked, the rest of the disk may suffice for a message.
        let allowed = |answer: &u16| *answer == code || (min_free_mib == 0 && [250, 452].contains(answer));
        expect(
            answers.iter().all(allowed) && answers.iter().any(|answer| *answer != 250),
            format!("{answers:?} is not {code}"),
        );
        expect(back < Duration::from_secs(5), "not taken again within 5 s".into());
        expect(
            whole == "ok" && orphans == "0",
            format!("integrity_check: {whole}, {orphans} bodies without a row"),
        );
        expect(stuck == "0", format!("{stuck} messages are claimed and not judged"));
        expect(rows == taken, format!("{rows} rows for {taken} messages taken"));
    }
    Ok(ExperimentResult::new(figures.join("; ")).with(failures))
}
