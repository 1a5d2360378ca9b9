//! E16 and E27: expensive mail, and altered ciphertext.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::hostile::{ATTACKS, Material, Stage};
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::{Connection, RecipientResult};

use crate::roster::Roster;
use crate::sink::Sink;
use crate::site::Plan;
use crate::source::{deliver, send_once, target};
use crate::{ExperimentResult, Lab, Scale, process, tools};

const LIMIT: Duration = Duration::from_secs(120);
/// Attacks that take a test build many seconds to make, or that consist of many mails.
const ONLY_AT_LENGTH: [&str; 4] =
    ["2,400 flipped bits", "100,000 signatures, encrypted", "100,000 signatures, detached", "bomb of 1 GiB"];

pub(super) async fn costly(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Roster::sealed(&site, "sealed", 1)?;
    let (_, list) = roster.signer().context("a sealed list")?;
    let author = Person::new("anne@example.org", Kind::Curve25519, Timestamp::now());
    std::fs::write(site.path("anne.asc"), author.certificate().armored())?;
    site.cli(&[
        "members",
        "add",
        &roster.list,
        "anne@example.org",
        "--key",
        &site.path("anne.asc").display().to_string(),
    ])?;
    site.start()?;
    let stage = Stage::against(list.clone(), author, Timestamp::now());
    let mut mails: Vec<(&str, Vec<u8>)> = vec![("100,000 parts", parts()), ("100,000 levels", levels())];
    for attack in
        ATTACKS.iter().filter(|attack| lab.scale == Scale::Full || !ONLY_AT_LENGTH.contains(&attack.name))
    {
        if let Material::Mail(made) = tokio::task::block_in_place(|| attack.material(&stage)) {
            mails.extend(made.into_iter().map(|mail| (attack.name, mail)));
        }
    }
    let mut failures = Vec::new();
    let (mut refused, mut taken) = (0, 0);
    let (mut dearest, mut all_ms) = ((0.0, ""), 0.0);
    let peak_kib = process::peak_kib(site.pid()?)?;
    for (name, mail) in &mails {
        let before = process::cpu_ms(site.pid()?)?;
        match send_once(&site.lmtp_port(), "anne@example.org", &roster.list, mail).await? {
            RecipientResult::Sent(_) => taken += 1,
            RecipientResult::Failed(..) => refused += 1,
            other => failures.push(format!("{name}: {other:?}")),
        }
        let end = Instant::now() + LIMIT;
        while tools::sqlite_number(&site.database(), "SELECT COUNT(*) FROM queue WHERE queue = 'in'")? > 0
            && Instant::now() < end
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ms = process::cpu_ms(site.pid()?)? - before;
        all_ms += ms;
        if ms > dearest.0 {
            dearest = (ms, name);
        }
    }
    let more_mib = process::peak_kib(site.pid()?)?.saturating_sub(peak_kib) / 1024;
    let posted =
        tools::sqlite_number(&site.database(), "SELECT COUNT(*) FROM sendings WHERE kind = 'posting'")?;
    let good = send_once(&site.lmtp_port(), roster.author(), &roster.list, &roster.message(1)).await?;
    let flows = matches!(good, RecipientResult::Sent(_)) && sink.wait_for(2, LIMIT).await;
    let figure = format!(
        "{} mails: {taken} taken, {refused} refused, {posted} posted; CPU {:.0} ms each, at most {:.0} ms ({}); memory +{more_mib} MiB",
        mails.len(),
        all_ms / f64::from(u32::try_from(mails.len())?),
        dearest.0,
        dearest.1
    );
    Ok(ExperimentResult::new(figure)
        .with(failures)
        .expect((posted == 0).into(), "one is posted")
        .expect((site.runs()? && flows).into(), "the server does not serve on"))
}

fn parts() -> Vec<u8> {
    let head = "From: anne@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    format!("{head}{}", "--b\r\n\r\nx\r\n".repeat(100_000)).into_bytes()
}

fn levels() -> Vec<u8> {
    let level = |n| format!("Content-Type: multipart/mixed; boundary=b{n}b\r\n\r\n--b{n}b\r\n");
    format!("From: anne@example.org\r\n{}", (0..100_000).map(level).collect::<String>()).into_bytes()
}

/// How many messages of strangers wait at a list. The oldest are dropped for new ones.
const MOST_HELD: usize = 500;

/// Flips each bit of the last octets of a member's post, one at a time.
pub(super) async fn bent(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    const OCTETS: usize = 300;
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Roster::sealed(&site, "sealed", 2)?;
    site.start()?;
    let (author, list) = roster.signer().context("a sealed list")?;
    let text =
        b"Content-Type: text/plain\r\n\r\nWe meet at seven, as we did last week and the week before.\r\n";
    let good = author.packets(&[list], &text.repeat(4), Timestamp::now());
    let step = lab.pick(OCTETS * 8 / 100, 1);
    let mut connection = Connection::connect(&target(site.lmtp_port().port())).await?;
    let (mut bent, mut answers) = (0_usize, BTreeSet::new());
    for bit in (0..OCTETS * 8).step_by(step) {
        let mut packets = good.clone();
        let at = packets.len() - OCTETS + bit / 8;
        packets[at] ^= 1 << (bit % 8);
        let (_, answer) =
            deliver(&mut connection, roster.author(), &roster.list, &author.mail_of(&packets)).await;
        bent += 1;
        // The number in the reply says how many came, and nothing else.
        let number = format!("queued as {bent}\"");
        answers.insert(format!("{answer:?}").replace(&number, "queued as the next\""));
    }
    site.judged(LIMIT).await?;
    sink.quiet(Duration::from_millis(700)).await;
    let posted =
        tools::sqlite_number(&site.database(), "SELECT COUNT(*) FROM sendings WHERE kind = 'posting'")?;
    let (notices, held) = (sink.count(), site.held()?);
    let figure = format!(
        "{bent} bits: {posted} accepted, {} different answers, {held} held, {notices} notice",
        answers.len()
    );
    let same = answers.len() == 1 && answers.iter().all(|answer| answer.starts_with("Sent"));
    Ok(ExperimentResult::new(figure)
        .expect((posted == 0).into(), "one is accepted")
        .expect(same.into(), format!("the answers differ: {answers:?}"))
        .expect(
            (held == (bent - notices).min(MOST_HELD)).into(),
            "not each is held, as far as there is room",
        ))
}
