//! What becomes of encrypted mail that its author is not proven to have signed. Reads `unsigned_msg_action`,
//! `no_key_action`, `unconfirmed_key_action`, `unknown_signer_action`, `invalid_sig_action`.
//!
//! Somebody may send in a message that he captured, as his own, and look at what the list answers. The answer must not tell
//! whether the message could be read, nor whether somebody signed it (design promise 3). So the list answers only if each
//! of these settings says so. What they say otherwise happens in silence.

use crate::model::{Action, PgpSettings};

/// What happens when the setting that is asked says `own`. An accept is none: a moderator looks at what is captured.
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
