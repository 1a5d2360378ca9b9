//! Interprets the replay record: what the earlier outcomes of a signed text mean for a message that contains
//! it again.

use crate::facts::Replay;
use crate::model::{EntryNo, ListNo, SubAddress};
use crate::rules::Reason;

/// The outcome of a signed text at one address. Refusals by a rule are not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenText {
    /// The list.
    pub list: ListNo,
    /// The sub-address.
    pub sub_address: SubAddress,
    /// The entry that was accepted, waits, or was refused.
    pub entry: EntryNo,
    /// The transaction that brought this entry.
    pub arrival: Vec<u8>,
    /// The outcome.
    pub fate: ReplayFate,
    /// Whether a person refused the text at this address.
    pub refused: bool,
}

/// The outcome of an entry with a signed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayFate {
    /// It was posted, or its commands were carried out.
    Accepted,
    /// It waits for a person, for these reasons.
    Waits(Vec<Reason>),
    /// A person refused it.
    Refused,
    /// Its commands were refused, and the author was told why.
    Answered,
    /// It came before outcomes were recorded.
    Unknown,
}

/// The message that is judged: its address and transaction.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// The list.
    pub list: ListNo,
    /// The sub-address.
    pub sub_address: SubAddress,
    /// The entry.
    pub entry: EntryNo,
    /// The transaction.
    pub arrival: &'a [u8],
}

/// What the record knows about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayHistory {
    /// Whether the text was posted or refused before.
    pub replay: Replay,
    /// If another message with the same text waits at the same address: the reasons why it waits.
    pub waiting: Option<Vec<Reason>>,
}

impl ReplayHistory {
    /// The history of a message without signed text.
    pub const NONE: Self = Self { replay: Replay::Fresh, waiting: None };

    /// Combines the rows of all signed texts of a message. The worst outcome counts.
    pub fn of(seen: &[SeenText], here: Here<'_>) -> Self {
        let (at_this, elsewhere): (Vec<&SeenText>, Vec<&SeenText>) =
            seen.iter().partition(|seen| seen.list == here.list && seen.sub_address == here.sub_address);
        let others = || at_this.iter().filter(|seen| seen.entry != here.entry);
        let waiting = others().find_map(|seen| match &seen.fate {
            ReplayFate::Waits(reasons) => Some(reasons.clone()),
            _ => None,
        });
        let accepted = |seen: &&&SeenText| matches!(seen.fate, ReplayFate::Accepted | ReplayFate::Unknown);
        let replay = if others().any(|seen| seen.fate == ReplayFate::Accepted) {
            Replay::PostedHere
        } else if at_this.iter().any(|seen| seen.refused) {
            Replay::RefusedHere
        } else if others().any(|seen| matches!(seen.fate, ReplayFate::Unknown | ReplayFate::Answered)) {
            Replay::SeenHere
        } else {
            match elsewhere.iter().filter(accepted).map(|seen| seen.arrival == here.arrival).min() {
                None => Replay::Fresh,
                Some(true) => Replay::SameArrival,
                Some(false) => Replay::PostedElsewhere,
            }
        };
        Self { replay, waiting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: (i64, SubAddress) = (1, SubAddress::Posting);

    fn seen(
        (list, sub_address): (i64, SubAddress),
        entry: i64,
        arrival: &[u8],
        fate: ReplayFate,
    ) -> SeenText {
        let refused = fate == ReplayFate::Refused;
        SeenText {
            list: ListNo(list),
            sub_address,
            entry: EntryNo(entry),
            arrival: arrival.to_vec(),
            fate,
            refused,
        }
    }

    fn check(seen: &[SeenText], replay: Replay, waiting: Option<&[Reason]>) {
        let here = Here { list: ListNo(HERE.0), sub_address: HERE.1, entry: EntryNo(9), arrival: b"nine" };
        let past = ReplayHistory::of(seen, here);
        assert_eq!((past.replay, past.waiting.as_deref()), (replay, waiting), "{seen:?}");
    }

    #[test]
    fn only_what_was_posted_counts_elsewhere() {
        for other in [(2, SubAddress::Posting), (1, SubAddress::Owner), (1, SubAddress::Request)] {
            check(&[seen(other, 1, b"one", ReplayFate::Accepted)], Replay::PostedElsewhere, None);
            check(&[seen(other, 1, b"one", ReplayFate::Unknown)], Replay::PostedElsewhere, None);
            check(&[seen(other, 1, b"nine", ReplayFate::Accepted)], Replay::SameArrival, None);
            check(&[seen(other, 1, b"one", ReplayFate::Waits(vec![Reason::TooLarge]))], Replay::Fresh, None);
            check(&[seen(other, 1, b"one", ReplayFate::Refused)], Replay::Fresh, None);
            check(&[seen(other, 1, b"one", ReplayFate::Answered)], Replay::Fresh, None);
        }
    }

    #[test]
    fn at_the_same_address_the_fate_counts() {
        let (large, fresh) = (vec![Reason::TooLarge], Replay::Fresh);
        check(&[], fresh, None);
        check(&[seen(HERE, 1, b"one", ReplayFate::Accepted)], Replay::PostedHere, None);
        check(&[seen(HERE, 1, b"nine", ReplayFate::Accepted)], Replay::PostedHere, None);
        check(&[seen(HERE, 1, b"one", ReplayFate::Refused)], Replay::RefusedHere, None);
        check(&[seen(HERE, 1, b"one", ReplayFate::Unknown)], Replay::SeenHere, None);
        check(&[seen(HERE, 1, b"one", ReplayFate::Answered)], Replay::SeenHere, None);
        check(&[seen(HERE, 9, b"nine", ReplayFate::Answered)], fresh, None);
        check(&[seen(HERE, 1, b"one", ReplayFate::Waits(large.clone()))], fresh, Some(&large));
        check(&[seen(HERE, 9, b"nine", ReplayFate::Waits(large.clone()))], fresh, None);
        let mut again = seen(HERE, 9, b"nine", ReplayFate::Waits(large.clone()));
        again.refused = true;
        check(&[again.clone()], Replay::RefusedHere, None);
        again.entry = EntryNo(1);
        check(&[again], Replay::RefusedHere, Some(&large));
    }

    #[test]
    fn the_worst_of_several_counts() {
        let elsewhere = seen((2, SubAddress::Posting), 1, b"one", ReplayFate::Accepted);
        let same = seen((3, SubAddress::Posting), 2, b"nine", ReplayFate::Accepted);
        let refused = seen(HERE, 3, b"three", ReplayFate::Refused);
        let posted = seen(HERE, 4, b"four", ReplayFate::Accepted);
        check(&[same.clone(), elsewhere.clone()], Replay::PostedElsewhere, None);
        check(&[elsewhere.clone(), refused.clone()], Replay::RefusedHere, None);
        check(&[elsewhere, refused, same, posted], Replay::PostedHere, None);
    }
}
