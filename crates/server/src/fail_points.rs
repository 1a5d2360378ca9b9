//! Fail points for tests (feature `fail-points`). The process aborts at the fail point whose number is
//! `SEALIST_ABORT_AT`, panics at a message with the text of `SEALIST_POISON`, or has a clock that is as many
//! milliseconds ahead as the file of `SEALIST_CLOCK` says. Other builds read none of these variables.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Points before and after each commit and each command to another program.
const POINTS: [&str; 9] = [
    "before-commit",
    "after-commit",
    "before-connect",
    "after-connect",
    "before-send",
    "after-send",
    "after-outcome",
    "before-reply",
    "after-reply",
];

static PASSED: AtomicU64 = AtomicU64::new(0);

/// Activates the fail points that the environment names.
pub(crate) fn arm() {
    if !fail::has_failpoints() {
        return;
    }
    let abort_at: u64 =
        std::env::var("SEALIST_ABORT_AT").ok().and_then(|number| number.parse().ok()).unwrap_or(0);
    for point in POINTS {
        let pass = move || {
            if PASSED.fetch_add(1, Ordering::Relaxed) + 1 == abort_at {
                std::process::abort();
            }
        };
        fail::cfg_callback(point, pass).expect("a name without options");
    }
    if let Ok(text) = std::env::var("SEALIST_POISON") {
        fail::cfg("judging", &format!("return({text})")).expect("a text without parentheses");
    }
    if let Ok(file) = std::env::var("SEALIST_CLOCK") {
        std::thread::spawn(move || {
            loop {
                set_clock(Path::new(&file));
                std::thread::sleep(Duration::from_millis(10));
            }
        });
    }
}

/// While the file is being written it holds no number, and the clock stays unchanged.
fn set_clock(file: &Path) {
    let words = std::fs::read_to_string(file).unwrap_or_default();
    if let Ok(ahead_ms) = words.parse::<i64>() {
        fail::cfg("clock", &format!("return({ahead_ms})")).expect("a number without parentheses");
    }
}

/// Logs how many fail points were passed.
pub(crate) fn count() {
    if fail::has_failpoints() {
        tracing::info!(passed = PASSED.load(Ordering::Relaxed), event = "fail-points-passed", "fail-points");
    }
}
