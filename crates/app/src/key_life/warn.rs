//! Decides when the holder of a key is warned: a number of days before it expires, and when it cannot be used
//! any more. Each warning is given once as long as the key does not change.

use sealist_mail::{DAY_MS, Timestamp};
use sealist_store::key_checks::Warned;

use super::judge::JudgedCertificate;

/// The stage of a key that cannot be used any more.
pub(super) const UNUSABLE: u32 = 0;

/// How many days before the end of a key its holder is warned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages(Vec<u32>);

impl Stages {
    /// Makes stages from those days, in any order. The expiry itself is always a stage.
    pub fn new(days: &[u32]) -> Self {
        let mut days: Vec<u32> = days.iter().copied().filter(|days| *days != UNUSABLE).collect();
        days.sort_unstable();
        Self(days)
    }

    /// The nearest stage that a key has reached. A check that missed some stages warns once.
    fn reached(&self, until: Timestamp, now: Timestamp) -> Option<u32> {
        let left_ms = until.0.saturating_sub(now.0);
        self.0.iter().copied().find(|days| left_ms <= i64::from(*days) * DAY_MS)
    }
}

impl Default for Stages {
    fn default() -> Self {
        Self::new(&[60, 30, 14, 7, 1])
    }
}

/// Computes the warning state after today's notice. A notice is due if this differs from `last`. Returns
/// `None` for a key that needs no warning, which also clears the stored state: a later expiry date starts
/// again at the first stage.
pub(super) fn state(
    stages: &Stages,
    fingerprint: &str,
    judged: &JudgedCertificate,
    last: Option<&Warned>,
    now: Timestamp,
) -> Option<Warned> {
    let until = judged.until();
    let stage = match (&judged.card, until) {
        (Err(_), _) => UNUSABLE,
        (Ok(_), Some(until)) => stages.reached(until, now)?,
        (Ok(_), None) => return None,
    };
    let told = |last: &&Warned| {
        last.fingerprint == fingerprint && last.stage <= stage && (stage == UNUSABLE || last.until == until)
    };
    match last.filter(told) {
        Some(last) => Some(last.clone()),
        None => Some(Warned { fingerprint: fingerprint.to_owned(), until, stage }),
    }
}

#[cfg(test)]
mod tests {
    use sealist_openpgp::testing::{Ends, Person};

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn day(day: i64) -> Timestamp {
        NOW.plus_ms(day * DAY_MS)
    }

    /// The stages of the notices on the days on which somebody looks.
    fn notices(ends: Option<u64>, looks: &[i64]) -> Vec<(i64, u32)> {
        let person = Person::ending("anne@example.org", Ends { primary: ends, ..Ends::default() }, NOW);
        let (certificate, mut last, mut notices) = (person.certificate(), None, Vec::new());
        for look in looks {
            let judged =
                super::super::judge::judge(&certificate, &"a@x.example".parse().unwrap(), day(*look));
            let next = state(&Stages::default(), "F", &judged, last.as_ref(), day(*look));
            if next != last {
                notices.extend(next.as_ref().map(|warned| (*look, warned.stage)));
            }
            last = next;
        }
        notices
    }

    #[test]
    fn each_stage_has_one_notice() {
        fn check(ends: Option<u64>, looks: &[i64], expected: &[(i64, u32)]) {
            assert_eq!(notices(ends, looks), expected, "{ends:?} {looks:?}");
        }
        let daily: Vec<i64> = (0..70).collect();
        check(Some(61), &daily, &[(1, 60), (31, 30), (47, 14), (54, 7), (60, 1), (61, 0)]);
        check(Some(30), &daily, &[(0, 30), (16, 14), (23, 7), (29, 1), (30, 0)]);
        check(None, &daily, &[]);
        // Days that were missed: only the nearest, once.
        check(Some(61), &[0, 50, 50, 51], &[(50, 14)]);
        check(Some(61), &[0, 62, 69], &[(62, 0)]);
    }

    #[test]
    fn a_key_that_changed_starts_anew() {
        fn warned(until: Option<i64>, stage: u32) -> Option<Warned> {
            Some(Warned { fingerprint: "F".into(), until: until.map(day), stage })
        }
        /// A key that ends in ten days, or never, after that warning.
        fn check(ends: Option<u64>, last: &Option<Warned>, expected: &Option<Warned>) {
            let person = Person::ending("anne@example.org", Ends { primary: ends, ..Ends::default() }, NOW);
            let judged =
                super::super::judge::judge(&person.certificate(), &"a@x.example".parse().unwrap(), NOW);
            assert_eq!(state(&Stages::default(), "F", &judged, last.as_ref(), NOW), *expected);
        }
        let now = warned(Some(10), 14);
        check(Some(10), &None, &now);
        check(Some(10), &warned(Some(10), 30), &now);
        check(Some(10), &warned(Some(10), 7), &warned(Some(10), 7));
        check(Some(10), &warned(Some(3), 1), &now);
        check(Some(10), &warned(None, 0), &now);
        check(Some(10), &Some(Warned { fingerprint: "G".into(), until: Some(day(10)), stage: 7 }), &now);
        check(None, &warned(Some(3), 1), &None);
    }
}
