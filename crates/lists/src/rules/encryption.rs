//! Rule `pgp-encryption`: reads `nonencrypted_msg_action`, `unsigned_msg_action` and the settings of
//! [`unproven`].
//!
//! A message counts as encrypted only if its root is encrypted ([RFC 3156, section 4]). A message that we
//! cannot decrypt is treated like an unsigned message that we can decrypt, so that the list's answer does not
//! reveal which it was (design promise 3).

use sealist_openpgp::Unreadable;

use super::{Reason, RuleHit, unproven};
use crate::facts::{EncryptionFact, MessageFacts};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let pgp = facts.pgp()?;
    match facts.encryption {
        EncryptionFact::Whole => None,
        EncryptionFact::None => RuleHit::new(Reason::NotEncrypted, pgp.nonencrypted_msg_action),
        EncryptionFact::Ambiguous => RuleHit::new(Reason::Ambiguous, Action::Hold),
        EncryptionFact::Unreadable(why) => {
            RuleHit::new(reason(why), unproven::action(pgp, pgp.unsigned_msg_action))
        }
    }
}

/// Everybody who has the message can see these reasons, except the last one.
fn reason(why: Unreadable) -> Reason {
    match why {
        Unreadable::NotOpenPgp => Reason::Damaged,
        Unreadable::OtherKeys => Reason::OtherKeys,
        Unreadable::NoIntegrity => Reason::NoIntegrity,
        Unreadable::LibrePgp => Reason::LibrePgp,
        Unreadable::Mangled => Reason::Mangled,
        Unreadable::NotAlone => Reason::NotAlone,
        Unreadable::Failed => Reason::Unreadable,
    }
}
