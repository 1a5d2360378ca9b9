//! Suspended keys: a key that a compromised key authorised is not used until the owners decide.

use sealist_mail::Timestamp;
use sealist_openpgp::{Certificate, Revocation, Unusable};
use sealist_store::key_changes::{Authority, KeyChange};
use sealist_store::keys::CertificateRow;

/// Whether others may have its secret half, because it is revoked as compromised.
pub(crate) fn is_compromised(certificate: &Certificate, now: Timestamp) -> bool {
    matches!(certificate.usable(now), Err(Unusable::Revoked(Revocation::Hard)))
}

/// Whether the current key was authorised by that key, and by nobody else since.
pub(crate) fn was_authorised_by(changes: &[KeyChange], revoked: &str) -> bool {
    let mut doubt = false;
    for change in changes {
        match change.authority {
            Authority::OldKey => doubt |= change.old == revoked,
            Authority::Moderator | Authority::Admin | Authority::Possession => doubt = false,
            Authority::Update | Authority::Revocation => {}
        }
    }
    doubt
}

/// The row of a known key that is neither used nor believed until somebody confirms it.
pub(crate) fn suspended_row(certificate: &Certificate) -> CertificateRow {
    CertificateRow {
        fingerprint: certificate.fingerprint().to_string(),
        certificate: certificate.to_bytes(),
        card: None,
        unusable: Some("the key was given by the word of one that is compromised".to_owned()),
        confirmed_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chain: &[(&str, &str, Authority)], revoked: &str, expected: bool) {
        let changes: Vec<KeyChange> = chain
            .iter()
            .map(|(old, new, authority)| KeyChange {
                old: (*old).to_owned(),
                old_certificate: None,
                new: (*new).to_owned(),
                authority: *authority,
                list: None,
                changed_at: Timestamp(0),
                suspended_at: None,
            })
            .collect();
        assert_eq!(was_authorised_by(&changes, revoked), expected, "{chain:?} without {revoked}");
    }

    #[test]
    fn a_key_stands_on_the_word_of_those_before_it() {
        use Authority::{Moderator, OldKey, Possession, Update};
        let chain = [("", "A", Possession), ("A", "B", OldKey), ("B", "B", Update), ("B", "C", OldKey)];
        check(&chain[..1], "A", false);
        check(&chain[..2], "A", true);
        check(&chain, "A", true);
        check(&chain, "B", true);
        check(&[("", "A", Possession), ("A", "B", OldKey), ("B", "C", Moderator)], "A", false);
        check(&[("", "A", Possession), ("A", "B", Moderator)], "A", false);
    }
}
