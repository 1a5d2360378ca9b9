//! E28: searches everything that was written for texts and keys that must not be there.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::Signal;
use sealist_smtp::client::RecipientResult;

use crate::roster::{Roster, plain};
use crate::sink::{Act, Point, Sink};
use crate::site::Plan;
use crate::source::send_once;
use crate::{ExperimentResult, Lab, process, tools, trace};

const SUBJECT: &str = "QuaggaSubject7141";
const BODY: &str = "ThylacineBody2093";
const PASSWORD: &str = "DodoPassword6620";
/// This many octets of a key file that are not in the certificate are a trace of the secret key.
const WINDOW: usize = 16;

pub(super) async fn sought(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let posts = lab.pick(4, 100);
    let sink = Sink::following(|_, point| match point {
        // One recipient is deferred, so that the post stays in the queue.
        Point::Recipient(to, _) if to.starts_with("m1.") => Act::Say("451 4.7.1 later".into()),
        _ => Act::Usual,
    })
    .await?;
    let mut site = Plan::new(lab)
        .sending_to(sink.port)
        .set("outgoing", "user = 'sealist'\npassword_file = 'password'")
        .with_variable("RUST_LOG", "trace")
        .made()?;
    std::fs::write(site.path("password"), format!("{PASSWORD}\n"))?;
    let roster = Roster::sealed(&site, "sealed", 2)?;
    site.cli(&["members", "add", &roster.list, "kim@example.org"])?;
    let record = site.path("record");
    let name = record.display().to_string();
    let calls = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg";
    let strace =
        ["strace", "-D", "-f", "-yy", "-xx", "-s", "1000000", "--seccomp-bpf", "-o", &name, "-e", calls];
    site.plan = site.plan.clone().behind(&strace);
    site.start()?;
    for id in 0..posts {
        let clear = format!("{BODY} {SUBJECT}\r\n");
        let clear = plain(roster.author(), &roster.list, id, &clear);
        let clear =
            String::from_utf8(clear)?.replace(&format!("Subject: No. {id}"), &format!("Subject: {SUBJECT}"));
        let sealed = roster.message_with(id, &format!("{BODY} {SUBJECT}"));
        for message in [clear.into_bytes(), sealed] {
            let sent = send_once(&site.lmtp_port(), roster.author(), &roster.list, &message).await?;
            ensure!(matches!(sent, RecipientResult::Sent(_)), "not taken: {sent:?}");
        }
    }
    site.judged(Duration::from_secs(60)).await?;
    let came = sink.wait_for(usize::try_from(posts)?, Duration::from_secs(20)).await;
    sink.quiet(Duration::from_millis(500)).await;
    // The server ends as in a crash. If a core file can be written, it is written now.
    process::signal(site.pid()?, Signal::ABORT)?;
    site.wait(Duration::from_secs(10))?.context("SIGABRT ends it")?;

    let certificates = tools::sqlite(&site.database(), "SELECT hex(certificate) FROM list_keys")?;
    let secrets = secrets(&site.path("keys"), &certificates)?;
    let copies: usize = sink
        .taken()
        .iter()
        .map(|taken| usize::from(holds(&taken.message, SUBJECT) || holds(&taken.message, BODY)))
        .sum();
    let key = all_files(&site.path("keys"))?.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let keys = key.iter().map(|key| binary(key)).collect::<Vec<_>>().concat();
    let control = [format!("{SUBJECT} {BODY} {PASSWORD}").as_bytes(), &keys].concat();
    let blind = found(&control, &secrets).count() != 4;
    let (mut hits, mut octets, mut files) = (Vec::new(), 0, 0);
    let spared = ["keys", "password", "record", "sealist.toml"];
    for path in all_files(site.folder())? {
        let inside = path.strip_prefix(site.folder())?;
        if spared.iter().any(|name| inside.starts_with(name)) {
            continue;
        }
        let content = std::fs::read(&path)?;
        octets += content.len();
        files += 1;
        hits.extend(found(&content, &secrets).map(|what| format!("{what} in {}", inside.display())));
        ensure!(!inside.to_string_lossy().contains("core"), "a core file: {}", inside.display());
    }
    let written = tokio::task::block_in_place(|| trace::written(&record))?;
    hits.extend(found(&written, &secrets).map(|what| format!("{what} in what was written")));
    let figure = format!(
        "{posts} posts in the clear and {posts} sealed, log at its loudest: {} hits in {files} files ({} KiB) and {} KiB written, {copies} in copies; {} octets of keys looked for",
        hits.len(),
        octets / 1024,
        written.len() / 1024,
        secrets.len()
    );
    hits.truncate(5);
    Ok(ExperimentResult::new(figure)
        .with(hits)
        .expect(came.into(), "no post came out")
        .expect((copies == 0).into(), "a copy holds cleartext")
        .expect((!written.is_empty() && !blind).into(), "what is sought would not be found"))
}

fn found<'a>(content: &'a [u8], secrets: &'a HashSet<Vec<u8>>) -> impl Iterator<Item = &'static str> + 'a {
    let words = [(SUBJECT, "the subject"), (BODY, "the body"), (PASSWORD, "the password")];
    let words = words.into_iter().filter(|(word, _)| holds(content, word)).map(|(_, what)| what);
    let key = content.windows(WINDOW).any(|window| secrets.contains(window));
    words.chain(key.then_some("a secret key"))
}

fn holds(content: &[u8], word: &str) -> bool {
    content.windows(word.len()).any(|window| window == word.as_bytes())
}

/// The parts of the key files that are not in the certificates. `certificates` are in hexadecimal, one per
/// line.
fn secrets(folder: &Path, certificates: &str) -> anyhow::Result<HashSet<Vec<u8>>> {
    let windows = |content: &[u8]| content.windows(WINDOW).map(<[u8]>::to_vec).collect::<HashSet<_>>();
    let public: HashSet<Vec<u8>> =
        certificates.lines().flat_map(|line| windows(&trace::octets(line, 0))).collect();
    let mut secrets = HashSet::new();
    for path in all_files(folder)? {
        let content = binary(&std::fs::read(&path)?);
        secrets.extend(windows(&content).into_iter().filter(|window| !public.contains(window)));
    }
    Ok(secrets)
}

/// Without armor.
fn binary(content: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    if !text.starts_with("-----BEGIN") {
        return content.to_vec();
    }
    let body = text.split("\n\n").nth(1).or_else(|| text.split("\r\n\r\n").nth(1)).unwrap_or_default();
    let lines = body.lines().take_while(|line| !line.starts_with(['=', '-']));
    sealist_mail::transfer::decode(lines.collect::<String>().as_bytes(), "base64")
        .unwrap_or_default()
        .into_owned()
}

fn all_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(all_files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}
