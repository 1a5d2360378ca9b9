//! Chains: the order in which the rules are asked. Each table can be read aloud: "if the sender is banned, if
//! it is a replay, …; otherwise it is posted". The list's settings decide what a hit means.
//!
//! `banned-address` and `replay` come first in every chain, so that no rule that accepts skips them. Guards
//! are asked even after a rule accepted, for the same reason.

use crate::facts::MessageFacts;
use crate::model::Action;
use crate::rows::{NamedRow, NamedRows};
use crate::rules::{Reason, Rule, RuleHit};

/// What a chain judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judges {
    /// Posts to a list without OpenPGP.
    PlainPosts,
    /// Posts to a list with OpenPGP.
    OpenPgpPosts,
    /// Mail to the owners.
    OwnerMail,
}

/// A chain with its name.
pub struct Chain {
    /// The name in `posting_chain`.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// What the chain judges. A list's posts are judged only by chains for its kind of posts.
    pub judges: Judges,
    /// The names of its rules, in order.
    pub links: &'static [&'static str],
    /// The names of the rules that are asked even after a rule accepted.
    pub guards: &'static [&'static str],
}

/// All built-in chains.
pub const CHAINS: &[Chain] = &[
    Chain {
        name: "default-posting-chain",
        description: "Posts to a plain list.",
        judges: Judges::PlainPosts,
        links: &["banned-address", "member-moderation", "nonmember-moderation", "max-size"],
        guards: &[],
    },
    Chain {
        name: "pgp-posting-chain",
        description: "Posts to a list with OpenPGP.",
        judges: Judges::OpenPgpPosts,
        links: &[
            "banned-address",
            "replay",
            "pgp-inline",
            "pgp-encryption",
            "pgp-signature",
            "addressed-here",
            "unaddressed",
            "inner-author",
            "member-moderation",
            "nonmember-moderation",
            "max-size",
        ],
        guards: &["decrypted-for-unproven-sender"],
    },
    Chain {
        name: "owner-chain",
        description: "Mail to the people in charge of a list.",
        judges: Judges::OwnerMail,
        links: &["banned-address", "replay", "addressed-here", "inner-author"],
        guards: &["decrypted-for-unproven-sender"],
    },
];

/// The default chain for the posts of a list with or without OpenPGP.
pub fn of_posts(has_openpgp: bool) -> Option<&'static Chain> {
    let judges = if has_openpgp { Judges::OpenPgpPosts } else { Judges::PlainPosts };
    built_in(judges)
}

fn built_in(judges: Judges) -> Option<&'static Chain> {
    CHAINS.iter().find(|chain| chain.judges == judges)
}

impl NamedRow for Chain {
    const KIND: &'static str = "chain";

    fn name(&self) -> &'static str {
        self.name
    }
}

/// The decision about a message, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Never [`Action::Defer`].
    pub action: Action,
    /// All findings, the deciding one first. If it is empty, nothing was found and the message is accepted.
    pub findings: Vec<RuleHit>,
}

impl Verdict {
    /// The verdict that follows from one finding.
    pub fn of(finding: RuleHit) -> Self {
        Self { action: finding.action, findings: vec![finding] }
    }

    /// Discards a message that would only wait for the same reasons, or more, as another waiting message with
    /// the same signed text, so that a person decides about the text once. A message with fewer reasons to
    /// wait is judged by itself, because it is the better form of the text.
    fn unless_it_waits(self, facts: &MessageFacts<'_>) -> Self {
        let reasons = self.reasons();
        let no_better = |waiting: &Vec<Reason>| {
            !waiting.is_empty() && waiting.iter().all(|reason| reasons.contains(reason))
        };
        let would_wait = matches!(self.action, Action::Hold | Action::Reject);
        if would_wait && facts.waiting.as_ref().is_some_and(no_better) {
            let first = RuleHit { reason: Reason::StillWaits, action: Action::Discard };
            return Self { action: first.action, findings: [vec![first], self.findings].concat() };
        }
        self
    }

    /// What becomes of a message after this verdict if its author cannot be told of it: a reject is a hold,
    /// so that those in charge see what nobody else hears of.
    pub fn action_if_untold(&self) -> Action {
        if self.action == Action::Reject { Action::Hold } else { self.action }
    }

    /// The reasons of all findings, the deciding one first.
    pub fn reasons(&self) -> Vec<Reason> {
        self.findings.iter().map(|finding| finding.reason).collect()
    }
}

impl Chain {
    /// Asks the rules in order, then the guards. The first action other than defer decides. If it accepts,
    /// the first guard with a finding decides instead. All rules are asked, so that a moderator sees every
    /// reason at once.
    ///
    /// `approved` holds the reasons that a moderator has seen and accepted. If another reason is found, the
    /// verdict is decided anew, and a worse one holds the message again.
    pub fn judge(&self, rules: &NamedRows<Rule>, facts: &MessageFacts<'_>, approved: &[Reason]) -> Verdict {
        let ask = |names: &[&str]| -> Vec<RuleHit> {
            let rules = names.iter().filter_map(|name| rules.named(name));
            let found = rules.filter_map(|rule| (rule.check)(facts));
            found.filter(|finding| !approved.contains(&finding.reason)).collect()
        };
        let (found, guarded) = (ask(self.links), ask(self.guards));
        let first = found.first().map(|finding| finding.action).unwrap_or(Action::Accept);
        let findings = match (first, guarded.is_empty()) {
            (Action::Accept, false) => [guarded, found].concat(),
            _ => [found, guarded].concat(),
        };
        let action = findings.first().map_or(Action::Accept, |finding| finding.action);
        Verdict { action, findings }.unless_it_waits(facts)
    }

    /// The first rule that every chain of this kind asks, but not this one, or not in that place. Chains that
    /// judge what was encrypted begin as the built-in ones and have their guards, so that no rule of a plugin
    /// accepts what these would not.
    pub(crate) fn skipped(&self) -> Option<&'static str> {
        let model = built_in(self.judges)?;
        let first = match self.judges {
            Judges::PlainPosts => &model.links[..1],
            Judges::OpenPgpPosts | Judges::OwnerMail => model.links,
        };
        let is_moved = |(place, rule): &(usize, &&'static str)| self.links.get(*place) != Some(*rule);
        let link = first.iter().enumerate().find(is_moved).map(|(_, rule)| *rule);
        link.or_else(|| model.guards.iter().find(|guard| !self.guards.contains(guard)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::facts;
    use crate::facts::{Addressed, EncryptionFact, InnerAuthor, PgpForm, Replay, Signature};
    use crate::model::Role;
    use crate::registry::Registry;
    use sealist_mail::HOUR_MS;
    use sealist_openpgp::Unreadable as Why;

    fn judge(chain: &str, facts: &MessageFacts<'_>, approved: &[Reason]) -> Verdict {
        let chain = Registry::built_in().chains.named(chain).unwrap();
        chain.judge(&Registry::built_in().rules, facts, approved)
    }

    fn check(style: &str, change: impl FnOnce(&mut MessageFacts<'_>), action: Action, reasons: &[Reason]) {
        let mut facts = facts(style);
        change(&mut facts);
        let verdict = judge(&facts.settings.posting_chain, &facts, &[]);
        assert_eq!((verdict.action, verdict.reasons().as_slice()), (action, reasons), "{style}");
    }

    #[test]
    fn a_ban_and_a_replay_are_never_skipped() {
        for chain in CHAINS {
            assert_eq!(chain.links[0], "banned-address", "{}", chain.name);
            assert!(chain.name == "default-posting-chain" || chain.links[1] == "replay", "{}", chain.name);
        }
    }

    #[test]
    fn a_pgp_list_takes_signed_and_encrypted_posts_of_members() {
        use Reason::*;
        let pgp = "pgp-default";
        check(pgp, |_| (), Action::Accept, &[]);
        check(pgp, |f| f.encryption = EncryptionFact::None, Action::Reject, &[NotEncrypted]);
        check(pgp, |f| f.encryption = EncryptionFact::Ambiguous, Action::Hold, &[Ambiguous]);
        check(pgp, |f| f.form = PgpForm::Inline, Action::Reject, &[Inline]);
        check(
            pgp,
            |f| f.signature = Signature::None,
            Action::Reject,
            &[Unsigned, DecryptedForUnprovenSender],
        );
        let unreadable = |f: &mut MessageFacts<'_>| {
            (f.encryption, f.signature) = (EncryptionFact::Unreadable(Why::Failed), Signature::None)
        };
        check(pgp, unreadable, Action::Reject, &[Unreadable, Unsigned]);
        check(
            pgp,
            |f| f.signature = Signature::UnknownSigner,
            Action::Reject,
            &[UnknownSigner, DecryptedForUnprovenSender],
        );
        check(pgp, |f| f.signature = Signature::NoKey, Action::Reject, &[NoKey, DecryptedForUnprovenSender]);
        let unconfirmed = |f: &mut MessageFacts<'_>| f.signature = Signature::KeyNotConfirmed;
        check(pgp, unconfirmed, Action::Reject, &[KeyNotConfirmed, DecryptedForUnprovenSender]);
        check(
            pgp,
            |f| f.signature = Signature::Expired,
            Action::Reject,
            &[ExpiredSignature, DecryptedForUnprovenSender],
        );
        check(
            pgp,
            |f| f.signature = Signature::Revoked,
            Action::Reject,
            &[RevokedSignature, DecryptedForUnprovenSender],
        );
        check(
            pgp,
            |f| f.signature = Signature::WrongDate,
            Action::Hold,
            &[WrongDate, DecryptedForUnprovenSender],
        );
        let carried = |f: &mut MessageFacts<'_>| f.signature = Signature::ForOthers;
        check(pgp, carried, Action::Hold, &[NotMeantForHere, DecryptedForUnprovenSender]);
        check(pgp, |f| f.author_role = None, Action::Reject, &[Nonmember, DecryptedForUnprovenSender]);
        check(pgp, |f| f.replay = Replay::PostedHere, Action::Discard, &[PostedHere]);
        check(pgp, |f| f.replay = Replay::RefusedHere, Action::Hold, &[RefusedBefore]);
        check(pgp, |f| f.replay = Replay::SeenHere, Action::Hold, &[SeenHere]);
        check(pgp, |f| f.replay = Replay::PostedElsewhere, Action::Hold, &[SeenElsewhere]);
        check(pgp, |f| f.replay = Replay::SameArrival, Action::Accept, &[]);
        check(pgp, |f| f.addressed = Addressed::Elsewhere, Action::Hold, &[NotMeantForHere]);
        check(pgp, |f| f.octets = 11 << 20, Action::Hold, &[TooLarge]);
        check(pgp, |f| f.banned = true, Action::Discard, &[Banned]);
    }

    /// Promise 3: whatever the owner configures, a person who sends in a captured message does not learn from
    /// the answer whether the list could read it or what it says.
    #[test]
    fn what_cannot_be_read_fares_as_what_is_not_proven() {
        const ACTIONS: [Action; 5] =
            [Action::Accept, Action::Defer, Action::Hold, Action::Reject, Action::Discard];
        let kinds = [Why::Failed, Why::OtherKeys, Why::NotOpenPgp]
            .map(|why| (EncryptionFact::Unreadable(why), Signature::None));
        let read = [
            Signature::None,
            Signature::NoKey,
            Signature::KeyNotConfirmed,
            Signature::UnknownSigner,
            Signature::Invalid,
        ]
        .map(|signature| (EncryptionFact::Whole, signature));
        let kinds = [&kinds[..], &read].concat();
        for number in 0..ACTIONS.len().pow(5) {
            let chosen = |place: u32| ACTIONS[number / ACTIONS.len().pow(place) % ACTIONS.len()];
            for moderation in [Action::Defer, Action::Reject] {
                let answered = |(encryption, signature): &(EncryptionFact, Signature)| {
                    let mut facts = facts("pgp-default");
                    let pgp = facts.settings.to_mut().pgp.as_mut().unwrap();
                    pgp.unsigned_msg_action = chosen(0);
                    pgp.no_key_action = chosen(1);
                    pgp.unconfirmed_key_action = chosen(2);
                    pgp.unknown_signer_action = chosen(3);
                    pgp.invalid_sig_action = chosen(4);
                    facts.moderation_action = Some(moderation);
                    (facts.encryption, facts.signature) = (*encryption, *signature);
                    let action = judge("pgp-posting-chain", &facts, &[]).action;
                    assert_ne!(action, Action::Accept, "{encryption:?} {signature:?}");
                    action == Action::Reject
                };
                let first = answered(&kinds[0]);
                for kind in &kinds {
                    assert_eq!(answered(kind), first, "{kind:?} {:?}", [0, 1, 2, 3, 4].map(chosen));
                }
            }
        }
    }

    /// Promise 3: whatever the owner accepts, a stranger gets nothing out of a captured ciphertext.
    #[test]
    fn accepting_what_is_unsigned_opens_nothing_for_strangers() {
        for role in [None, Some(Role::Nonmember), Some(Role::Member)] {
            for signature in [Signature::None, Signature::UnknownSigner, Signature::Invalid, Signature::NoKey]
            {
                let mut facts = facts("pgp-default");
                let pgp = facts.settings.to_mut().pgp.as_mut().unwrap();
                pgp.unsigned_msg_action = Action::Accept;
                pgp.unknown_signer_action = Action::Accept;
                pgp.invalid_sig_action = Action::Accept;
                pgp.no_key_action = Action::Accept;
                (facts.author_role, facts.signature) = (role, signature);
                let verdict = judge("pgp-posting-chain", &facts, &[]);
                assert_eq!(verdict.action, Action::Hold, "{role:?} {signature:?}");
                assert!(
                    verdict.reasons().contains(&Reason::DecryptedForUnprovenSender),
                    "{role:?} {signature:?}"
                );
                facts.encryption = EncryptionFact::None;
                facts.settings.to_mut().pgp.as_mut().unwrap().nonencrypted_msg_action = Action::Defer;
                let verdict = judge("pgp-posting-chain", &facts, &[]);
                assert_eq!(verdict.action, Action::Accept, "{role:?} {signature:?}");
            }
        }
    }

    #[test]
    fn a_repeat_that_names_this_address_is_a_cross_post() {
        check(
            "pgp-default",
            |f| (f.replay, f.addressed) = (Replay::PostedElsewhere, Addressed::Here),
            Action::Accept,
            &[],
        );
    }

    #[test]
    fn of_two_that_wait_for_the_same_reasons_one_is_enough() {
        use Reason::*;
        let moderated = |waiting: &[Reason]| {
            let waiting = Some(waiting.to_vec());
            move |f: &mut MessageFacts<'_>| (f.waiting, f.moderation_action) = (waiting, Some(Action::Hold))
        };
        let pgp = "pgp-default";
        check(pgp, moderated(&[ModeratedMember]), Action::Discard, &[StillWaits, ModeratedMember]);
        check(pgp, moderated(&[ModeratedMember, TooLarge]), Action::Hold, &[ModeratedMember]);
        check(pgp, |f| f.waiting = Some(vec![TooLarge]), Action::Accept, &[]);
        check(pgp, |f| f.waiting = Some(Vec::new()), Action::Accept, &[]);
        let inline = |f: &mut MessageFacts<'_>| (f.waiting, f.form) = (Some(vec![Inline]), PgpForm::Inline);
        check(pgp, inline, Action::Discard, &[StillWaits, Inline]);
        let banned = |f: &mut MessageFacts<'_>| (f.waiting, f.banned) = (Some(vec![Banned]), true);
        check(pgp, banned, Action::Discard, &[Banned]);
    }

    #[test]
    fn what_names_no_recipient_is_taken_while_it_is_young() {
        use Addressed::{Here, Key, NotSaid};
        let aged = |addressed, age_h: i64, action, max_age_h: u32, expected: Action| {
            let mut facts = facts("pgp-default");
            (facts.addressed, facts.signature_age_ms) = (addressed, Some(age_h * HOUR_MS));
            let pgp = facts.settings.to_mut().pgp.as_mut().unwrap();
            (pgp.unaddressed_msg_action, pgp.unaddressed_max_age_h) = (action, max_age_h);
            let verdict = judge("pgp-posting-chain", &facts, &[]);
            assert_eq!(verdict.action, expected, "{addressed:?} {age_h} {action} {max_age_h}");
            assert_eq!(verdict.reasons().contains(&Reason::Unaddressed), expected != Action::Accept);
        };
        let (defer, accept, hold) = (Action::Defer, Action::Accept, Action::Hold);
        aged(NotSaid, 23, defer, 24, accept);
        aged(NotSaid, 24, defer, 24, hold);
        aged(NotSaid, 23, accept, 24, accept);
        aged(NotSaid, 24, accept, 24, hold);
        aged(NotSaid, 0, hold, 24, hold);
        aged(NotSaid, 0, Action::Reject, 24, Action::Reject);
        aged(NotSaid, 0, defer, 0, hold);
        for addressed in [Here, Key] {
            aged(addressed, 100, defer, 24, accept);
            aged(addressed, 100, hold, 24, accept);
        }
        // An accept by this rule does not apply to a member whose posts are moderated.
        let moderated = |f: &mut MessageFacts<'_>| {
            f.settings.to_mut().pgp.as_mut().unwrap().unaddressed_msg_action = Action::Accept;
            f.moderation_action = Some(Action::Hold);
        };
        check("pgp-default", moderated, Action::Hold, &[Reason::ModeratedMember]);
    }

    #[test]
    fn another_author_within_holds_everywhere() {
        let mut facts = facts("pgp-default");
        (facts.inner_author, facts.author_role) = (InnerAuthor::Other, Some(Role::Owner));
        for chain in ["pgp-posting-chain", "owner-chain"] {
            let verdict = judge(chain, &facts, &[]);
            assert_eq!(
                (verdict.action, verdict.reasons()),
                (Action::Hold, vec![Reason::InnerAuthor]),
                "{chain}"
            );
        }
    }

    #[test]
    fn only_owners_post_to_an_announce_list() {
        let here = |f: &mut MessageFacts<'_>| f.addressed = Addressed::Here;
        check("pgp-announce", here, Action::Hold, &[Reason::ModeratedMember]);
        let owner =
            |f: &mut MessageFacts<'_>| (f.author_role, f.addressed) = (Some(Role::Owner), Addressed::Here);
        check("pgp-announce", owner, Action::Accept, &[]);
        check("pgp-announce", |f| f.author_role = Some(Role::Owner), Action::Hold, &[Reason::Unaddressed]);
    }

    #[test]
    fn a_plain_list_asks_for_no_signature() {
        let plain =
            |f: &mut MessageFacts<'_>| (f.encryption, f.signature) = (EncryptionFact::None, Signature::None);
        check("legacy-default", plain, Action::Accept, &[]);
        check("legacy-default", |f| f.author_role = None, Action::Hold, &[Reason::Nonmember]);
        check(
            "legacy-default",
            |f| f.moderation_action = Some(Action::Discard),
            Action::Discard,
            &[Reason::ModeratedMember],
        );
        check("legacy-default", |f| f.octets = 41 << 10, Action::Hold, &[Reason::TooLarge]);
    }

    #[test]
    fn a_moderator_accepts_what_was_seen_and_no_more() {
        let mut facts = facts("pgp-default");
        facts.signature = Signature::None;
        let chain = "pgp-posting-chain";
        let seen = judge(chain, &facts, &[]).reasons();
        assert_eq!(judge(chain, &facts, &seen).action, Action::Accept);
        facts.signature = Signature::Revoked;
        assert_eq!(judge(chain, &facts, &seen).reasons(), [Reason::RevokedSignature]);
        facts.banned = true;
        assert_eq!(judge(chain, &facts, &seen).action, Action::Discard);
    }
}
