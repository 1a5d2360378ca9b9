//! Rule `pgp-inline`: reads `inline_pgp_action`.
//!
//! OpenPGP in the text protects no header and no MIME structure. Where the list lets it pass, it is judged
//! like any other message: it counts only when every part is one whole block.

use super::{Reason, RuleHit};
use crate::facts::{MessageFacts, PgpForm};

pub(super) fn check(facts: &MessageFacts) -> Option<RuleHit> {
    let pgp = facts.pgp()?;
    if facts.form == PgpForm::Inline { RuleHit::new(Reason::Inline, pgp.inline_pgp_action) } else { None }
}
