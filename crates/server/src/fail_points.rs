//! Fail-points, which test builds have (feature `fail-points`): the process ends at the one that `SEALIST_ABORT_AT` counts
//! to, or breaks at a message with the text of `SEALIST_POISON`. Other builds read neither.

use std::sync::atomic::{AtomicU64, Ordering};

/// Before and behind each commit and each word to another program.
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

/// Arms them as the environment says.
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
}

/// Says how many were passed.
pub(crate) fn count() {
    if fail::has_failpoints() {
        tracing::info!(passed = PASSED.load(Ordering::Relaxed), "fail-points");
    }
}
