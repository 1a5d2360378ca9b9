//! Checks for waiting mail: shunted messages, old holds and requests, held lists and copies, copies without a
//! key.

use sealist_app::{App, UNTOLD};
use sealist_lists::events::EventKind;
use sealist_lists::workflows::Question;
use sealist_mail::Timestamp;
use sealist_store::queue::{self, QueueName};
use sealist_store::{StoreError, archive, deliveries, events, lists, put_aside, requests};

use super::Diagnosis;

const OLD_MS: i64 = 5 * 24 * 3600 * 1000;
/// How far back the report on put-aside mail goes.
const ASIDE_MS: i64 = 7 * 24 * 3600 * 1000;

pub(super) async fn examine(app: &App) -> Vec<Diagnosis> {
    look(app).await.unwrap_or_else(|error| {
        vec![Diagnosis::fault("queue", error.to_string(), "restore the database from the backup")]
    })
}

async fn look(app: &App) -> Result<Vec<Diagnosis>, StoreError> {
    let now = Timestamp::now();
    let mut db = app.store.reader().await?;
    let mut findings = Vec::new();
    let shunted = queue::listed(&mut db, QueueName::Shunt).await?;
    if let Some(first) = shunted.first() {
        findings.push(Diagnosis::fault(
            "shunt",
            format!("{} messages broke the server and wait", shunted.len()),
            format!("look for entry={} in the log, then `sealist queue retry {}`", first.no, first.no),
        ));
    }
    let held = queue::listed(&mut db, QueueName::Hold).await?;
    if let Some(oldest) = held.first().filter(|entry| now.0 - entry.received_at.0 > OLD_MS) {
        findings.push(Diagnosis::warning(
            "hold",
            format!(
                "{} messages wait for a moderator, the first since {}",
                held.len(),
                oldest.received_at.rfc3339()
            ),
            format!("sealist queue show {}", oldest.no),
        ));
    }
    let asked = requests::counted(&mut db, Question::Approval.name()).await?;
    if let Some((count, since)) = asked.filter(|(_, since)| now.0 - since.0 > OLD_MS) {
        findings.push(Diagnosis::warning(
            "requests",
            format!("{count} requests wait for a moderator, the first since {}", since.rfc3339()),
            "sealist requests list",
        ));
    }
    if findings.is_empty() {
        findings.push(Diagnosis::good("queue", format!("{} held", held.len())));
    }
    let untold = events::counted(&mut db, UNTOLD, Timestamp(now.0 - ASIDE_MS)).await?;
    if !untold.is_empty() {
        let counts: Vec<String> =
            untold.iter().map(|(kind, count)| format!("{count} by the limit of {}", limit(kind))).collect();
        findings.push(Diagnosis::good(
            "notices",
            format!("not sent in the last 7 days, to answer is rare: {}", counts.join(", ")),
        ));
    }
    for (list, since) in lists::held(&mut db).await? {
        findings.push(Diagnosis::warning(
            "held list",
            format!("{} is held since {}: its mail is accepted and waits", list.name, since.rfc3339()),
            format!("sealist queue release {}", list.name),
        ));
    }
    for list in lists::all(&mut db).await? {
        let kept = archive::kept(&mut db, list.no).await?;
        if list.settings.archive || kept.posts > 0 {
            let detail = format!(
                "{} keeps {} posts, {} octets, and nothing reads them",
                list.name, kept.posts, kept.octets
            );
            let fix =
                format!("`sealist lists set {0} archive false`, and `sealist archive purge {0}`", list.name);
            findings.push(Diagnosis::warning("archive", detail, fix));
        }
        let aside = put_aside::counts(&mut db, list.no, Timestamp(now.0 - ASIDE_MS)).await?;
        if !aside.is_empty() {
            let counts: Vec<String> =
                aside.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            findings.push(Diagnosis::good(
                "put aside",
                format!("{} discarded in the last 7 days: {}", list.name, counts.join(", ")),
            ));
        }
        let counts = deliveries::counts(&mut db, list.no).await?;
        let in_state = |name| counts.iter().find(|(state, _)| state == name).map_or(0, |(_, count)| *count);
        if in_state("held") > 0 {
            findings.push(Diagnosis::warning(
                "copies",
                format!("{} copies of {} are held", in_state("held"), list.name),
                "`sealist queue copies` says why; then `sealist queue resend` or `drop` with `--post`",
            ));
        }
        let waiting = in_state("held_for_key");
        if waiting > 0 {
            findings.push(Diagnosis::warning(
                "copies",
                format!("{waiting} copies of {} wait for usable keys", list.name),
                "see the members named above",
            ));
        }
    }
    Ok(findings)
}

fn limit(kind: &EventKind) -> &str {
    match kind {
        EventKind::NoticeUntold { limit } => limit,
        _ => "another version",
    }
}
