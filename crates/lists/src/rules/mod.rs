//! Rules: questions about a message. A rule reads facts and never changes anything; the list's settings
//! decide what a hit means. There is one file per rule; [`GATE`] and [`RULES`] name all that are built in.

mod addressed;
mod author;
mod banned;
mod encryption;
mod inline;
mod inner_author;
mod loops;
mod max_size;
mod member;
mod replay;
mod signature;
mod unaddressed;
mod unproven;
mod unproven_sender;

use crate::facts::{MessageFacts, OuterFacts};
pub use crate::reason::{Reason, RuleHit, UnknownReason};
use crate::rows::NamedRow;
pub use crate::unknown_name::UnknownName;

/// A rule of the gate with its name.
pub struct GateRule {
    /// The name in logs.
    pub name: &'static str,
    /// What the rule asks, in one line.
    pub description: &'static str,
    /// The question. `None`: nothing was found.
    pub check: fn(&OuterFacts) -> Option<RuleHit>,
}

/// A rule with its name.
pub struct Rule {
    /// The name in chains, settings, logs and holds. Where Mailman has the rule, it is Mailman's name.
    pub name: &'static str,
    /// What the rule asks, in one line.
    pub description: &'static str,
    /// The question. `None`: nothing was found.
    pub check: fn(&MessageFacts<'_>) -> Option<RuleHit>,
}

/// The built-in rules that are asked about every message before anything is decrypted.
pub const GATE: &[GateRule] = &[
    GateRule {
        name: "loop",
        description: "Has this list sent it already, or has it come a long way?",
        check: loops::check,
    },
    GateRule {
        name: "automatic",
        description: "Is it a bounce or an automatic answer, or would a program give commands?",
        check: loops::automatic,
    },
    GateRule { name: "author", description: "Is there exactly one author?", check: author::check },
];

/// The built-in rules that the chains ask when all facts are known.
pub const RULES: &[Rule] = &[
    Rule {
        name: "banned-address",
        description: "Is the author or the envelope sender banned?",
        check: banned::check,
    },
    Rule { name: "replay", description: "Was this signed text seen before?", check: replay::check },
    Rule { name: "pgp-inline", description: "Does OpenPGP lie in its text?", check: inline::check },
    Rule {
        name: "pgp-encryption",
        description: "Is the whole message encrypted, to us?",
        check: encryption::check,
    },
    Rule {
        name: "pgp-signature",
        description: "Is all of it signed by the member of the From field?",
        check: signature::check,
    },
    Rule {
        name: "addressed-here",
        description: "Was the signed text meant for this address?",
        check: addressed::check,
    },
    Rule {
        name: "unaddressed",
        description: "Does the signature say whom it is for, or is it young?",
        check: unaddressed::check,
    },
    Rule {
        name: "inner-author",
        description: "Does the protected header name another author?",
        check: inner_author::check,
    },
    Rule {
        name: "decrypted-for-unproven-sender",
        description: "Would we decrypt for somebody who proved nothing?",
        check: unproven_sender::check,
    },
    Rule {
        name: "member-moderation",
        description: "Are this member's posts moderated?",
        check: member::member,
    },
    Rule { name: "nonmember-moderation", description: "Is the author no member?", check: member::nonmember },
    Rule { name: "max-size", description: "Is it larger than the list allows?", check: max_size::check },
];

impl NamedRow for GateRule {
    const KIND: &'static str = "rule of the gate";

    fn name(&self) -> &'static str {
        self.name
    }
}

impl NamedRow for Rule {
    const KIND: &'static str = "rule";

    fn name(&self) -> &'static str {
        self.name
    }
}
