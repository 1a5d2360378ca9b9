//! Rule `pgp-encryption`: reads `nonencrypted_msg_action`, `unsigned_msg_action` and what [`unproven`] reads.
//!
//! Encrypted counts only when it is the root of the message ([RFC 3156, section 4]). A message that we
//! cannot read fares as one that we can read and that nobody signed: what the list answers does not tell
//! which it was (design promise 3).

use sealist_openpgp::Unreadable;

use super::{Reason, RuleHit, unproven};
use crate::facts::{EncryptionFact, MessageFacts};
use crate::model::Action;

pub(super) fn check(facts: &MessageFacts) -> Option<RuleHit> {
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

/// All but the last can be seen by anybody who has the message.
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
