//! Checks for waiting mail: shunted messages, old holds and requests, held lists and copies, copies without a
//! key.

use sealist_app::{App, AppError, ListBacklogView, SiteBacklogView};
use sealist_mail::{DAY_MS, Timestamp};

use super::Diagnosis;

const OLD_MS: i64 = 5 * DAY_MS;
/// How far back the report on put-aside mail goes.
const ASIDE_MS: i64 = 7 * DAY_MS;

pub(super) async fn examine(app: &App) -> Vec<Diagnosis> {
    look(app).await.unwrap_or_else(|error| {
        vec![Diagnosis::fault("queue", error.to_string(), "restore the database from the backup")]
    })
}

async fn look(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let now = Timestamp::now();
    let since = Timestamp(now.0 - ASIDE_MS);
    let site = app.as_operator().health().backlog(since).await?;
    let lists = app.as_operator().health().list_backlogs(since).await?;
    let mut findings = waiting(&site, now);
    findings.extend(untold(&site));
    findings.extend(site.held_lists.iter().map(|(list, since)| {
        Diagnosis::warning(
            "held list",
            format!("{list} is held since {}: its mail is accepted and waits", since.rfc3339()),
            format!("sealist queue release {list}"),
        )
    }));
    findings.extend(lists.iter().flat_map(of_list));
    Ok(findings)
}

/// Messages and requests that wait too long; a good finding if none does.
fn waiting(site: &SiteBacklogView, now: Timestamp) -> Vec<Diagnosis> {
    let mut findings = Vec::new();
    if let Some(shunted) = &site.shunted {
        findings.push(Diagnosis::fault(
            "shunt",
            format!("{} messages broke the server and wait", shunted.count),
            format!(
                "look for entry={} in the log, then `sealist queue retry {}`",
                shunted.first, shunted.first
            ),
        ));
    }
    if let Some(held) = site.held.as_ref().filter(|held| now.0 - held.since.0 > OLD_MS) {
        findings.push(Diagnosis::warning(
            "hold",
            format!("{} messages wait for a moderator, the first since {}", held.count, held.since.rfc3339()),
            format!("sealist queue show {}", held.first),
        ));
    }
    if let Some((count, since)) = site.approvals.filter(|(_, since)| now.0 - since.0 > OLD_MS) {
        findings.push(Diagnosis::warning(
            "requests",
            format!("{count} requests wait for a moderator, the first since {}", since.rfc3339()),
            "sealist requests list",
        ));
    }
    if findings.is_empty() {
        let held = site.held.as_ref().map_or(0, |held| held.count);
        findings.push(Diagnosis::good("queue", format!("{held} held")));
    }
    findings
}

fn untold(site: &SiteBacklogView) -> Option<Diagnosis> {
    let count = |(limit, count): &(Option<String>, u64)| {
        format!("{count} by the limit of {}", limit.as_deref().unwrap_or("another version"))
    };
    let counts: Vec<String> = site.untold.iter().map(count).collect();
    (!counts.is_empty()).then(|| {
        let detail = format!("not sent in the last 7 days, to answer is rare: {}", counts.join(", "));
        Diagnosis::good("notices", detail)
    })
}

fn of_list(backlog: &ListBacklogView) -> Vec<Diagnosis> {
    let (archive, mut findings) = (&backlog.archive, Vec::new());
    let list = &archive.list;
    if archive.archive || archive.posts > 0 {
        findings.push(Diagnosis::warning(
            "archive",
            format!(
                "{list} keeps {} posts, {} octets, and nothing reads them",
                archive.posts, archive.octets
            ),
            format!("`sealist lists set {list} archive false`, and `sealist archive purge {list}`"),
        ));
    }
    if !backlog.put_aside.is_empty() {
        let counts: Vec<String> =
            backlog.put_aside.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let detail = format!("{list} discarded in the last 7 days: {}", counts.join(", "));
        findings.push(Diagnosis::good("put aside", detail));
    }
    if backlog.held_copies > 0 {
        findings.push(Diagnosis::warning(
            "copies",
            format!("{} copies of {list} are held", backlog.held_copies),
            "`sealist queue copies` says why; then `sealist queue resend` or `drop` with `--post`",
        ));
    }
    if backlog.copies_without_key > 0 {
        findings.push(Diagnosis::warning(
            "copies",
            format!("{} copies of {list} wait for usable keys", backlog.copies_without_key),
            "see the members named above",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use sealist_app::{ArchiveSizeView, BacklogView};
    use sealist_lists::model::EntryNo;

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn days_ago(days: i64) -> Timestamp {
        NOW.plus_ms(-days * 24 * 3600 * 1000)
    }

    fn check(findings: &[Diagnosis], expected: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> =
            findings.iter().map(|finding| (finding.check, finding.detail.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((check, detail), (expected, words)) in found.iter().zip(expected) {
            assert!(check == expected && detail.contains(words), "{check}: {detail}");
        }
    }

    #[test]
    fn what_waits_too_long_on_the_site_is_found() {
        let backlog = |count, days| Some(BacklogView { count, first: EntryNo(7), since: days_ago(days) });
        let site = |shunted, held, approvals| SiteBacklogView {
            shunted,
            held,
            approvals,
            untold: Vec::new(),
            held_lists: Vec::new(),
        };
        check(&waiting(&site(None, None, None), NOW), &[("queue", "0 held")]);
        check(&waiting(&site(None, backlog(3, 4), Some((2, days_ago(4)))), NOW), &[("queue", "3 held")]);
        check(&waiting(&site(None, backlog(3, 6), None), NOW), &[("hold", "3 messages wait")]);
        check(&waiting(&site(None, None, Some((2, days_ago(6)))), NOW), &[("requests", "2 requests wait")]);
        check(
            &waiting(&site(backlog(1, 0), backlog(9, 1), None), NOW),
            &[("shunt", "1 messages broke the server")],
        );
    }

    #[test]
    fn notices_that_were_not_sent_are_counted_by_their_limit() {
        let site = |untold| SiteBacklogView {
            shunted: None,
            held: None,
            approvals: None,
            untold,
            held_lists: Vec::new(),
        };
        assert!(untold(&site(Vec::new())).is_none());
        let found = untold(&site(vec![(Some("strangers".to_owned()), 4), (None, 1)]));
        let words = "4 by the limit of strangers, 1 by the limit of another version";
        check(&found.into_iter().collect::<Vec<_>>(), &[("notices", words)]);
    }

    #[test]
    fn what_waits_on_a_list_is_found() {
        let backlog = |archive, posts, aside: &[(&str, i64)], held_copies, copies_without_key| {
            let list = "team@lists.example".to_owned();
            let put_aside = aside.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
            let archive = ArchiveSizeView { list, archive, posts, octets: 10 };
            of_list(&ListBacklogView { archive, put_aside, held_copies, copies_without_key })
        };
        check(&backlog(false, 0, &[], 0, 0), &[]);
        check(&backlog(true, 0, &[], 0, 0), &[("archive", "keeps 0 posts")]);
        check(&backlog(false, 2, &[], 0, 0), &[("archive", "keeps 2 posts, 10 octets")]);
        check(&backlog(false, 0, &[("loop", 5), ("bulk", 1)], 0, 0), &[("put aside", "5 loop, 1 bulk")]);
        check(&backlog(false, 0, &[], 3, 0), &[("copies", "3 copies of team@lists.example are held")]);
        check(&backlog(false, 0, &[], 0, 8), &[("copies", "8 copies of team@lists.example wait")]);
    }
}
