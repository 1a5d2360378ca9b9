//! Whether a certificate can be used for an address, at a time.

use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, MacKey, SealingCard, Unusable};

use crate::error::AppError;

/// Whether and how a certificate can be used.
pub(crate) struct JudgedCertificate {
    /// The sealing card, or why there is none.
    pub(crate) card: Result<SealingCard, AppError>,
}

/// Judges a certificate that was confirmed for an address. It must be usable. If one of its user ids has the
/// address, that user id must be valid. A certificate that never had the address was vouched for by an owner
/// or admin.
pub(crate) fn judge(certificate: &Certificate, address: &Address, now: Timestamp) -> JudgedCertificate {
    let gone = || certificate.mentions(address) && !certificate.addresses(now).contains(address);
    let card = match certificate.usable(now) {
        Ok(_) if gone() => Err(AppError::OtherAddress(address.to_string())),
        card => card.map_err(AppError::Unusable),
    };
    JudgedCertificate { card }
}

/// The same for a stored certificate. A damaged one cannot be used.
pub(super) fn judge_stored(stored: &[u8], address: &Address, now: Timestamp) -> JudgedCertificate {
    match Certificate::from_stored(stored) {
        Ok(certificate) => judge(&certificate, address, now),
        Err(damaged) => JudgedCertificate { card: Err(damaged.into()) },
    }
}

impl JudgedCertificate {
    /// Until when it can be used. `None`: without limit, or not at all.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.card.as_ref().ok().and_then(SealingCard::valid_until)
    }

    /// Whether it cannot be used because its holder revoked it.
    pub(crate) fn is_revoked(&self) -> bool {
        matches!(self.card, Err(AppError::Unusable(Unusable::Revoked(_))))
    }

    /// The card in its stored form, or one plain sentence why there is none.
    pub(crate) fn stored(&self, mac: &MacKey, address: &Address) -> Result<Vec<u8>, String> {
        match &self.card {
            Ok(card) => Ok(card.to_bytes(mac, &address.key())),
            Err(problem) => Err(problem.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sealist_openpgp::testing::{Ends, Person, Revoked};

    use super::*;

    #[test]
    fn an_address_that_was_taken_back_counts_no_more() {
        const NOW: Timestamp = Timestamp(1_790_000_000_000);
        let anne = Person::ending("anne@example.org", Ends::default(), NOW);
        let known = anne.certificate();
        let gone = known.merge(&anne.nameless(NOW.plus_ms(1000)).to_bytes()).unwrap();
        let revoked = known.merge(&anne.revocation(Revoked::Retired, NOW.plus_ms(1000))).unwrap();
        let check = |certificate: &Certificate, address: &str, expected: Option<&str>| {
            let judged = judge(certificate, &address.parse().unwrap(), NOW.plus_ms(2000));
            assert_eq!(
                judged.card.err().map(|problem| problem.to_string()).as_deref(),
                expected,
                "{address}"
            );
        };
        check(&known, "Anne@example.org", None);
        check(&gone, "anne@example.org", Some("the key does not name anne@example.org"));
        // Somebody vouched for these.
        check(&known, "office@example.org", None);
        check(&gone, "office@example.org", None);
        check(&revoked, "office@example.org", Some("the key was retired by its owner"));
    }
}
