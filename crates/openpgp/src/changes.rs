//! The differences between two versions of a certificate, for people.

use std::collections::BTreeSet;
use std::fmt;

use sealist_mail::Timestamp;

use crate::certificate::Certificate;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateChange {
    /// Another expiry date. `None`: the key does not expire any more.
    Until(Option<Timestamp>),
    /// The key can no longer be used; the sentence says why.
    Unusable(String),
    /// The key can be used now, and could not before.
    Usable,
    /// This many new subkeys.
    Subkeys(usize),
    /// This many new user ids. They do not change whose address the key has.
    UserIds(usize),
    /// New self-signatures with no other effect.
    Signatures,
}

impl Certificate {
    /// The changes of this certificate since an older version. Empty if there are none.
    pub fn changes_since(&self, before: &Self, now: Timestamp) -> Vec<CertificateChange> {
        if self.to_bytes() == before.to_bytes() {
            return Vec::new();
        }
        let mut changes = Vec::new();
        let (was, is) = (before.usable(now), self.usable(now));
        match (&was, &is) {
            (Ok(was), Ok(is)) if was.valid_until() != is.valid_until() => {
                changes.push(CertificateChange::Until(is.valid_until()));
            }
            (Err(_), Ok(is)) => {
                changes.extend([CertificateChange::Usable, CertificateChange::Until(is.valid_until())])
            }
            (was, Err(why)) if was.as_ref().err() != Some(why) => {
                changes.push(CertificateChange::Unusable(why.to_string()));
            }
            _ => {}
        }
        let subkeys = |one: &Self| one.cert().keys().subkeys().map(|key| key.key().fingerprint()).collect();
        let user_ids = |one: &Self| one.user_ids().into_iter().collect();
        let more = [
            (
                new::<_>(subkeys(self), subkeys(before)),
                CertificateChange::Subkeys as fn(usize) -> CertificateChange,
            ),
            (new::<String>(user_ids(self), user_ids(before)), CertificateChange::UserIds),
        ];
        changes.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, change)| change(count)));
        if changes.is_empty() {
            changes.push(CertificateChange::Signatures);
        }
        changes
    }
}

fn new<T: Ord>(now: BTreeSet<T>, before: BTreeSet<T>) -> usize {
    now.difference(&before).count()
}

impl fmt::Display for CertificateChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(Some(until)) => write!(f, "ends on {}", &until.rfc3339()[..10]),
            Self::Until(None) => f.write_str("has no end"),
            Self::Unusable(why) => f.write_str(why),
            Self::Usable => f.write_str("can be used again"),
            Self::Subkeys(count) => write!(f, "{count} new subkeys"),
            Self::UserIds(count) => write!(f, "{count} new user ids"),
            Self::Signatures => f.write_str("new signatures of its own"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ends, Person, Revoked};

    #[test]
    fn updates_say_what_they_changed() {
        let now = Timestamp(1_790_000_000_000);
        let day = |days: i64| now.plus_ms(days * 24 * 3600 * 1000);
        let person =
            Person::ending("anne@example.org", Ends { primary: Some(7), ..Ends::default() }, day(-1));
        let known = person.certificate();
        let renewed = person.renewed(day(100), day(1));
        let check = |update: &[u8], at: Timestamp, expected: &[CertificateChange]| {
            let merged = known.merge(update).unwrap();
            assert_eq!(merged.changes_since(&known, at), expected);
        };
        check(&known.to_bytes(), day(1), &[]);
        let longer = renewed.certificate().to_bytes();
        check(&longer, day(2), &[CertificateChange::Until(Some(day(100)))]);
        check(&longer, day(8), &[CertificateChange::Usable, CertificateChange::Until(Some(day(100)))]);
        let revoked = person.revocation(Revoked::Compromised, day(1));
        check(&revoked, day(2), &[CertificateChange::Unusable("the key is revoked".into())]);
    }
}
