//! Checks the clock. With a wrong clock, keys expire too early or never.

use std::process::Command;
use std::time::{Duration, SystemTime};

use sealist_app::{App, AppError, ClockView};
use sealist_mail::Timestamp;

use super::Diagnosis;

/// The time when this program was made. A correct clock shows a later time.
const BUILT: Duration = Duration::from_secs(1_780_000_000);
/// The largest tolerated difference from the clock of the database, or from the newest time in it.
const APART_MS: i64 = 10_000;
const FIX: &str = "set the clock by NTP: timedatectl set-ntp true";

/// What this machine alone can tell.
pub(super) fn examine() -> Vec<Diagnosis> {
    let now = SystemTime::now();
    if now < SystemTime::UNIX_EPOCH + BUILT {
        return vec![Diagnosis::fault("clock", "it is set to a time before this program was made", FIX)];
    }
    let mut findings = vec![Diagnosis::good("clock", Timestamp::now().rfc3339())];
    if is_synchronised() == Some(false) {
        let detail = "this machine says that nothing keeps its clock right";
        findings.push(Diagnosis::warning("clock", detail, FIX));
    }
    findings
}

/// Whether systemd reports the clock as synchronised. `None` without systemd.
fn is_synchronised() -> Option<bool> {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    match asked.ok()?.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

/// Compares with the database: its clock, and the newest time stored in it.
pub(super) async fn examine_database(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    Ok(compare(&app.as_operator().health().clock().await?))
}

fn compare(clock: &ClockView) -> Vec<Diagnosis> {
    let ClockView { ahead_ms, now, newest } = *clock;
    let mut findings = Vec::new();
    if ahead_ms.abs() > APART_MS {
        let (by, direction) = (ahead_ms.abs() / 1000, if ahead_ms > 0 { "ahead of" } else { "behind" });
        let detail = format!("this machine's is {by} s {direction} that of the database");
        findings.push(Diagnosis::fault("clock", detail, "set both by NTP"));
    }
    if let Some(newest) = newest.filter(|newest| newest.0 - now.0 > APART_MS) {
        let detail = format!("the database knows of {}, which is still to come", newest.rfc3339());
        findings.push(Diagnosis::fault("clock", detail, "it was ahead, or is behind now: set it by NTP"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_found() {
        fn check(ahead_ms: i64, newest: Option<i64>, words: &[&str]) {
            let now = Timestamp(1_790_000_000_000);
            let newest = newest.map(|after| now.plus_ms(after));
            let findings = compare(&ClockView { ahead_ms, now, newest });
            assert_eq!(findings.len(), words.len(), "{findings:?}");
            for (finding, word) in findings.iter().zip(words) {
                assert!(finding.detail.contains(word), "{}", finding.detail);
            }
        }
        check(0, None, &[]);
        check(-2_000, Some(-1), &[]);
        check(3_600_000, Some(0), &["3600 s ahead of"]);
        check(-3_600_000, Some(0), &["3600 s behind"]);
        check(0, Some(86_400_000), &["still to come"]);
        check(-86_400_000, Some(86_400_000), &["behind", "still to come"]);
    }
}
