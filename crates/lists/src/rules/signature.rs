//! Rule `pgp-signature`: reads `unsigned_msg_action`, `no_key_action`, `unconfirmed_key_action`,
//! `unknown_signer_action`, `expired_sig_action`, `revoked_sig_action`, `invalid_sig_action`,
//! `wrong_date_action`, `misdirected_msg_action`.
//!
//! A signature counts only if it covers the root of the message and is made by the confirmed certificate of
//! the address in the only From field (design promise 4).
//!
//! An encrypted message without such a signature is treated as [`unproven`] says.

use super::{Reason, RuleHit, unproven};
use crate::facts::{EncryptionFact, MessageFacts, Signature};

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let pgp = facts.pgp()?;
    let (reason, action) = match facts.signature {
        Signature::Good => return None,
        Signature::None => (Reason::Unsigned, pgp.unsigned_msg_action),
        Signature::NoKey => (Reason::NoKey, pgp.no_key_action),
        Signature::KeyNotConfirmed => (Reason::KeyNotConfirmed, pgp.unconfirmed_key_action),
        Signature::UnknownSigner => (Reason::UnknownSigner, pgp.unknown_signer_action),
        Signature::Expired => (Reason::ExpiredSignature, pgp.expired_sig_action),
        Signature::Revoked => (Reason::RevokedSignature, pgp.revoked_sig_action),
        Signature::Invalid => (Reason::InvalidSignature, pgp.invalid_sig_action),
        Signature::WrongDate => (Reason::WrongDate, pgp.wrong_date_action),
        Signature::ForOthers => (Reason::NotMeantForHere, pgp.misdirected_msg_action),
    };
    let by_author = matches!(
        facts.signature,
        Signature::Expired | Signature::Revoked | Signature::WrongDate | Signature::ForOthers
    );
    match facts.encryption {
        EncryptionFact::Whole if !by_author => RuleHit::new(reason, unproven::action(pgp, action)),
        _ => RuleHit::new(reason, action),
    }
}
