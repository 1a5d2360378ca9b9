//! The action for encrypted mail without proof that its author signed it. Reads `unsigned_msg_action`,
//! `no_key_action`, `unconfirmed_key_action`, `unknown_signer_action`, `invalid_sig_action`.
//!
//! An attacker may send in a captured message under his own name and watch the list's answer. The answer must
//! not reveal whether the list could decrypt the message or whether somebody signed it (design promise 3). So
//! the list answers only if every one of these settings says so; otherwise it stays silent.

use crate::model::{Action, PgpSettings};

/// The action if the setting that applies says `own`. An accept becomes a hold, so that a moderator looks at
/// a captured message.
pub(super) fn action(pgp: &PgpSettings, own: Action) -> Action {
    let all = [
        pgp.unsigned_msg_action,
        pgp.no_key_action,
        pgp.unconfirmed_key_action,
        pgp.unknown_signer_action,
        pgp.invalid_sig_action,
    ];
    match own {
        Action::Accept | Action::Defer => Action::Hold,
        Action::Reject if all != [Action::Reject; 5] => Action::Hold,
        silent => silent,
    }
}
