//! Whose a held message is, and whether its author hears that it waits. Reads `respond_to_post_requests`.
//!
//! On a list with OpenPGP a signature shows whose a message is. There an author hears only what everybody on
//! the way of the message sees, because nothing of it was decrypted. On other lists the From field has to do
//! for hearing of it. A message counts as a member's only if the envelope names its author, too: mail that
//! others send in a member's name must not push the member's own mail out.

use crate::facts::{EncryptionFact, MessageFacts, Signature};
use crate::model::{Role, SubAddress};
use crate::reason::Reason;

/// Whose a held message is, and who hears of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HoldAuthor {
    /// Whether it counts as a member's message.
    pub is_members: bool,
    /// Whether the author hears that it waits.
    pub hears: bool,
    /// Whether the author is a member. Only so many strangers hear of a list each day.
    pub tells_member: bool,
}

impl HoldAuthor {
    /// Decides about a message that is held for these reasons. `heard`: whether the author heard of it
    /// before.
    pub fn of(facts: &MessageFacts<'_>, reasons: &[Reason], heard: bool) -> Self {
        let has_openpgp = facts.pgp().is_some();
        let is_member = facts.author_role.is_some_and(|role| role != Role::Nonmember);
        let is_shown =
            if has_openpgp { facts.signature == Signature::Good } else { facts.envelope_names_author };
        let is_public = if has_openpgp {
            facts.encryption == EncryptionFact::None && reasons.iter().any(|reason| reason.is_public())
        } else {
            // A stranger hears of it only if the envelope names the same address: no mail to people who wrote
            // nothing.
            is_member || facts.envelope_names_author
        };
        let hears = facts.settings.respond_to_post_requests
            && facts.sub_address == SubAddress::Posting
            && facts.is_answerable
            && !heard
            && is_public
            && (is_member || !has_openpgp)
            && !facts.banned;
        Self { is_members: is_member && is_shown, hears, tells_member: is_member }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::facts;

    fn check(
        style: &str,
        change: impl FnOnce(&mut MessageFacts<'_>),
        reason: Reason,
        expected: (bool, bool),
    ) {
        let mut facts = facts(style);
        facts.encryption = EncryptionFact::None;
        change(&mut facts);
        let author = HoldAuthor::of(&facts, &[reason], false);
        assert_eq!((author.is_members, author.hears), expected, "{style} {reason:?}");
    }

    #[test]
    fn a_member_of_a_plain_list_hears_and_a_forged_member_keeps_no_place() {
        let (plain, large) = ("legacy-default", Reason::TooLarge);
        check(plain, |_| (), large, (true, true));
        check(plain, |f| f.envelope_names_author = false, large, (false, true));
        check(plain, |f| f.author_role = None, large, (false, true));
        let forged = |f: &mut MessageFacts<'_>| (f.author_role, f.envelope_names_author) = (None, false);
        check(plain, forged, large, (false, false));
        check(plain, |f| f.is_answerable = false, large, (true, false));
        check(plain, |f| f.banned = true, large, (true, false));
        check(plain, |f| f.sub_address = SubAddress::Owner, large, (true, false));
        check(plain, |f| f.settings.to_mut().respond_to_post_requests = false, large, (true, false));
    }

    #[test]
    fn on_a_list_with_openpgp_an_author_hears_what_everybody_sees() {
        let (pgp, large) = ("pgp-default", Reason::TooLarge);
        check(pgp, |_| (), large, (true, true));
        check(pgp, |_| (), Reason::DecryptedForUnprovenSender, (true, false));
        check(pgp, |f| f.encryption = EncryptionFact::Whole, large, (true, false));
        check(pgp, |f| f.signature = Signature::None, large, (false, true));
        check(pgp, |f| f.author_role = None, large, (false, false));
    }

    #[test]
    fn nobody_hears_twice() {
        assert!(!HoldAuthor::of(&facts("legacy-default"), &[Reason::TooLarge], true).hears);
    }
}
