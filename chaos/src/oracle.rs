//! Compares the acknowledged messages with the delivered copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::roster::Roster;
use crate::sink::{Sink, TakenCopy};
use crate::site::Site;
use crate::source::Pages;
use crate::tools;

/// The result of the comparison.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Acknowledged messages.
    pub acknowledged: usize,
    /// Copies of acknowledged messages that did not arrive and do not wait either.
    pub missing: usize,
    /// Copies that did not arrive but that an admin can see: held, set aside, or to be retried.
    pub waiting: usize,
    /// Second copies, not counting the first of each.
    pub duplicates: usize,
    /// Second copies per kill: the first copy was taken before the kill, the second after it.
    pub after_kill: Vec<usize>,
    /// The longest time from the first of two copies to the kill.
    pub oldest: Duration,
    /// Second copies without a kill in between, because the message was deferred with 451 and then sent
    /// again. Lists with OpenPGP recognise a signed message that arrives again; other lists do not.
    pub came_again: usize,
    /// Second copies without a kill in between and without any other explanation.
    pub unexplained: usize,
    /// Copies of messages that were never sent, or that their recipient cannot read.
    pub strange: usize,
}

/// All copies by message and recipient, in the order in which they were taken.
struct ReadCopies<'a> {
    seen: BTreeMap<(u64, String), Vec<&'a TakenCopy>>,
    strange: usize,
}

/// Waits for the copies of all acknowledged messages, as long as copies arrive, and compares.
pub async fn judge(sink: &Sink, pages: &Pages, rosters: &[Arc<Roster>], kills: &[Instant]) -> Comparison {
    let mut before = usize::MAX;
    // All copies are waited for, including notices and second copies. The claims of a dead process are
    // released after 6 s.
    while sink.count() != before {
        before = sink.count();
        if wait_for_all(sink, pages, rosters, Instant::now() + Duration::from_secs(10)).await.is_ok() {
            break;
        }
    }
    // A second copy would arrive now.
    sink.quiet(Duration::from_millis(300)).await;
    let taken = sink.taken();
    tokio::task::block_in_place(|| compare(&taken, pages, rosters, kills))
}

/// Compares the copies with the journal.
pub fn compare(taken: &[TakenCopy], pages: &Pages, rosters: &[Arc<Roster>], kills: &[Instant]) -> Comparison {
    let copies = copies(taken, pages, rosters);
    let mut verdict = Comparison {
        acknowledged: pages.acknowledged.len(),
        strange: copies.strange,
        after_kill: vec![0; kills.len()],
        ..Comparison::default()
    };
    for id in pages.acknowledged.keys() {
        let members = &roster_of(*id, rosters).members;
        verdict.missing +=
            members.iter().filter(|to| !copies.seen.contains_key(&(*id, (*to).clone()))).count();
    }
    for ((id, _), several) in &copies.seen {
        let mut doubtful = match roster_of(*id, rosters).knows_what_came_again() {
            true => 0,
            false => pages.doubtful.get(id).copied().unwrap_or_default(),
        };
        for pair in several.windows(2) {
            verdict.duplicates += 1;
            match kill_between(pair[0], pair[1], kills) {
                Some(at) => {
                    verdict.after_kill[at] += 1;
                    verdict.oldest = verdict.oldest.max(kills[at].saturating_duration_since(pair[0].at));
                }
                None if doubtful > 0 => {
                    doubtful -= 1;
                    verdict.came_again += 1;
                }
                None => verdict.unexplained += 1,
            }
        }
    }
    verdict
}

/// The kill that explains a second copy. The first copy may be taken a moment after it, because the next hop
/// reads to the end what a dead process had sent.
fn kill_between(first: &TakenCopy, second: &TakenCopy, kills: &[Instant]) -> Option<usize> {
    let before_second = |kill: &Instant| *kill <= second.at;
    kills
        .iter()
        .position(|kill| first.at <= *kill && before_second(kill))
        .or_else(|| kills.iter().rposition(|kill| first.opened <= *kill && before_second(kill)))
}

fn copies<'a>(taken: &'a [TakenCopy], pages: &Pages, rosters: &[Arc<Roster>]) -> ReadCopies<'a> {
    let mut copies = ReadCopies { seen: BTreeMap::new(), strange: 0 };
    let mut told = BTreeSet::new();
    for copy in taken {
        match read(copy, rosters).filter(|id| pages.offered.contains_key(id)) {
            Some(id) => copies.seen.entry((id, copy.recipient.clone())).or_default().push(copy),
            // Once a day the author is told that a message arrived twice: its first reply was lost, or was
            // 451 because it was unknown whether the commit was on disk.
            None if tells_of_second_arrival(copy, pages, rosters) && told.insert(&copy.recipient) => {}
            None => copies.strange += 1,
        }
    }
    for several in copies.seen.values_mut() {
        several.sort_by_key(|copy| copy.at);
    }
    copies
}

/// Whether the copy is the notice that a message arrived a second time, and some message was sent more than
/// once.
fn tells_of_second_arrival(copy: &TakenCopy, pages: &Pages, rosters: &[Arc<Roster>]) -> bool {
    let may_have_come_twice = !pages.put_off.is_empty() || !pages.unknown.is_empty();
    let tells = |roster: &Arc<Roster>| roster.tells_of_second_arrival(&copy.recipient, &copy.message);
    may_have_come_twice && rosters.iter().any(tells)
}

/// The number of the message in a copy.
fn read(copy: &TakenCopy, rosters: &[Arc<Roster>]) -> Option<u64> {
    let roster = rosters.iter().find(|roster| roster.members.contains(&copy.recipient))?;
    roster.read(&copy.recipient, &copy.message)
}

/// Waits until all copies of acknowledged messages have arrived. Returns when the last one arrived, or how
/// many are missing at `end`.
pub async fn wait_for_all(
    sink: &Sink,
    pages: &Pages,
    rosters: &[Arc<Roster>],
    end: Instant,
) -> Result<Option<Instant>, usize> {
    let members = |id: &u64| roster_of(*id, rosters).members.clone().into_iter();
    let mut missing: BTreeSet<(u64, String)> =
        pages.acknowledged.keys().flat_map(|id| members(id).map(move |member| (*id, member))).collect();
    let (mut looked_at, mut last) = (0, None);
    loop {
        let taken = sink.taken().split_off(looked_at);
        looked_at += taken.len();
        for copy in &taken {
            let id = tokio::task::block_in_place(|| read(copy, rosters));
            if id.is_some_and(|id| missing.remove(&(id, copy.recipient.clone()))) {
                last = Some(copy.at);
            }
        }
        if missing.is_empty() {
            return Ok(last);
        }
        if Instant::now() > end {
            return Err(missing.len());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn roster_of(id: u64, rosters: &[Arc<Roster>]) -> &Roster {
    &rosters[usize::try_from(id).unwrap_or_default() % rosters.len()]
}

impl Comparison {
    /// The failures, if a kill may cause second copies of copies that were taken within `window` before it,
    /// and at most `most` of them.
    pub fn failures(&self, window: Duration, most: usize) -> Vec<String> {
        let mut failures = Vec::new();
        let mut note = |count: usize, what: &str| {
            if count > 0 {
                failures.push(format!("{count} {what}"));
            }
        };
        note(self.missing, "copies of acknowledged messages did not come");
        note(self.came_again, "second copies of what was put off and came again");
        note(self.unexplained, "second copies without a kill between");
        note(self.strange, "copies of nothing that was offered");
        note(self.worst_kill().saturating_sub(most), "second copies beyond what one kill may cost");
        if self.oldest > window {
            failures.push(format!(
                "a second copy of what was taken {} ms before a kill",
                self.oldest.as_millis()
            ));
        }
        failures
    }

    /// Copies that an admin sees waiting do not count as lost.
    pub fn with_waiting(mut self, site: &Site, members: usize) -> anyhow::Result<Self> {
        if self.missing > 0 {
            let seen = site.held()? * members + site.json(&["queue", "copies"])?.len();
            self.waiting = seen.min(self.missing);
            self.missing -= self.waiting;
        }
        Ok(self)
    }

    /// The failures of an experiment without kills.
    pub fn failures_without_kill(&self) -> Vec<String> {
        self.failures(Duration::ZERO, 0)
    }

    /// Allows for commits whose outcome is unknown after a crash of the database.
    pub fn with_doubtful_commits(self) -> Self {
        Self { came_again: 0, ..self }
    }

    /// The most second copies of one kill.
    pub fn worst_kill(&self) -> usize {
        self.after_kill.iter().max().copied().unwrap_or_default()
    }
}

/// Checks the SQLite file of an idle server.
pub fn integrity(site: &Site) -> anyhow::Result<Vec<String>> {
    let database = site.database();
    let mut failures = Vec::new();
    let whole = tools::sqlite(&database, "PRAGMA integrity_check")?;
    if whole != "ok" {
        failures.push(format!("integrity_check: {whole}"));
    }
    let illegal = [
        ("rows that name what is not there", "SELECT COUNT(*) FROM pragma_foreign_key_check"),
        (
            "claims on copies that are done",
            "SELECT COUNT(*) FROM deliveries WHERE claimed_by IS NOT NULL AND state != 'due'",
        ),
        (
            "claims on messages that nobody judges",
            "SELECT COUNT(*) FROM queue WHERE claimed_by IS NOT NULL AND queue != 'in'",
        ),
        (
            "bodies that nothing names",
            "SELECT COUNT(*) FROM bodies WHERE no NOT IN (SELECT body_no FROM queue UNION SELECT body_no FROM sendings
             UNION SELECT second_body_no FROM sendings WHERE second_body_no IS NOT NULL)",
        ),
    ];
    for (what, count) in illegal {
        let found = tools::sqlite_number(&database, count)?;
        if found > 0 {
            failures.push(format!("{found} {what}"));
        }
    }
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(id: u64, recipient: &str, at: Instant) -> TakenCopy {
        let message = Arc::new(crate::roster::strange("list@lists.example", id));
        TakenCopy { recipient: recipient.to_owned(), message, opened: at, at }
    }

    fn seen(copies: &[(u64, &str, u64)], put_off: usize) -> Comparison {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let roster = Roster::of_strangers("list@lists.example", &["a@x.example", "b@x.example"]);
        let mut pages = Pages::default();
        for id in 0..2 {
            pages.offered.insert(id, 0);
        }
        pages.acknowledged.insert(0, began);
        pages.doubtful.insert(0, put_off);
        let copies: Vec<TakenCopy> = copies.iter().map(|(id, to, ms)| taken(*id, to, at(*ms))).collect();
        compare(&copies, &pages, &[Arc::new(roster)], &[at(100)])
    }

    fn check(copies: &[(u64, &str, u64)], failures: &[&str]) {
        assert_eq!(seen(copies, 0).failures(Duration::from_millis(50), 1), failures, "{copies:?}");
    }

    #[test]
    fn a_doubtful_commit_explains_so_many_copies() {
        let (a, b) = ("a@x.example", "b@x.example");
        let copies = [(0, a, 110), (0, b, 110), (0, a, 120), (0, b, 120), (0, a, 130)];
        let after = |put_off: usize| {
            let verdict = seen(&copies, put_off);
            let explained = verdict.clone().with_doubtful_commits().failures_without_kill();
            (verdict.came_again, verdict.unexplained, explained)
        };
        let unexplained = |count: usize| vec![format!("{count} second copies without a kill between")];
        assert_eq!(after(0), (0, 3, unexplained(3)));
        assert_eq!(after(1), (2, 1, unexplained(1)));
        assert_eq!(after(2), (3, 0, vec![]));
        let seen = seen(&copies, 2).failures_without_kill();
        assert_eq!(seen, ["3 second copies of what was put off and came again"]);
    }

    #[test]
    fn what_is_wrong_is_seen() {
        let (a, b) = ("a@x.example", "b@x.example");
        check(&[(0, a, 1), (0, b, 1)], &[]);
        check(&[(0, a, 1)], &["1 copies of acknowledged messages did not come"]);
        check(&[(0, a, 1), (1, b, 1)], &["1 copies of acknowledged messages did not come"]);
        check(&[(0, a, 60), (0, b, 1), (0, a, 101)], &[]);
        check(&[(0, a, 1), (0, b, 1), (0, a, 2)], &["1 second copies without a kill between"]);
        check(&[(0, a, 1), (0, b, 1), (9, a, 2)], &["1 copies of nothing that was offered"]);
        check(&[(0, a, 1), (0, b, 1), (0, "c@x.example", 2)], &["1 copies of nothing that was offered"]);
        check(
            &[(0, a, 60), (0, b, 60), (0, a, 101), (0, b, 101)],
            &["1 second copies beyond what one kill may cost"],
        );
        check(
            &[(0, a, 40), (0, b, 1), (0, a, 101)],
            &["a second copy of what was taken 60 ms before a kill"],
        );
    }
}
