//! Rule `pgp-inline`: reads `inline_pgp_action`.
//!
//! Inline OpenPGP protects neither the header nor the MIME structure. If the list accepts it, the message is
//! judged like any other. It counts as signed or encrypted only if every part is one whole block.

use super::{Reason, RuleHit};
use crate::facts::{MessageFacts, PgpForm};

pub(super) fn check(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let pgp = facts.pgp()?;
    if facts.form == PgpForm::Inline { RuleHit::new(Reason::Inline, pgp.inline_pgp_action) } else { None }
}
