//! The finding of a rule: a reason, and the list's action.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::Action;

/// Why a rule hit. The names are stable: they are stored with held messages and appear in logs and `--json`.
/// The sentences that people read are in `texts/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The message has the list's own List-Id or X-Loop.
    OwnLoop,
    /// The message has more than 50 Received fields.
    TooManyHops,
    /// The message is a delivery report.
    Bounce,
    /// The message is an automatic answer (RFC 3834), a receipt, or a complaint.
    AutoReply,
    /// A program sent the message to an address for commands.
    ByProgram,
    /// There is no From field, or two, or several authors, or an unreadable one.
    NoSoleAuthor,
    /// The author or the envelope sender is banned.
    Banned,
    /// The same signed text came to this address before the replay record stored outcomes.
    SeenHere,
    /// The same signed text was posted at this address.
    PostedHere,
    /// A message with the same signed text waits at this address for the same or fewer reasons.
    StillWaits,
    /// A person refused the same signed text at this address.
    RefusedBefore,
    /// The same signed text was posted at another address of the site.
    SeenElsewhere,
    /// The message is not encrypted as a whole.
    NotEncrypted,
    /// The encrypted part is not an OpenPGP message, or it is damaged.
    Damaged,
    /// The message is encrypted, but not to the list's keys.
    OtherKeys,
    /// The message is encrypted without integrity protection.
    NoIntegrity,
    /// The message is encrypted in the LibrePGP format.
    LibrePgp,
    /// A mail server took the encrypted message apart.
    Mangled,
    /// The encrypted part is one part among others.
    NotAlone,
    /// The message could not be decrypted. All causes after the first secret-key operation have the same
    /// reason.
    Unreadable,
    /// The message is not signed as a whole.
    Unsigned,
    /// The message uses inline OpenPGP.
    Inline,
    /// The message can be read in two ways, so neither counts.
    Ambiguous,
    /// The message is signed, but the From address has no certificate here.
    NoKey,
    /// The message is signed, but the certificate of the From address is not confirmed.
    KeyNotConfirmed,
    /// The message is signed, but not by the certificate of the From address.
    UnknownSigner,
    /// The signature or its key is expired.
    ExpiredSignature,
    /// The signing key is revoked.
    RevokedSignature,
    /// A signature does not verify, or is too weak.
    InvalidSignature,
    /// The signature is dated in the future or more than a week ago.
    WrongDate,
    /// The protected To and Cc name only other addresses.
    NotMeantForHere,
    /// The signature does not name the recipients, and it is too old for that.
    Unaddressed,
    /// The protected header names another author than the outer one, or several.
    InnerAuthor,
    /// The message was encrypted, and nothing proves that a member sent it.
    DecryptedForUnprovenSender,
    /// The member's posts wait for a moderator.
    ModeratedMember,
    /// The author is not a member.
    Nonmember,
    /// The message is larger than `max_message_kib`.
    TooLarge,
    /// An admin holds the message.
    ByAdmin,
    /// The message broke a runner three times.
    Poison,
    /// The message asks a list without OpenPGP for its key.
    Command,
}

/// The name is not the name of a reason.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no reason; the reasons are {}", Reason::names().join(", "))]
pub struct UnknownReason {
    name: String,
}

/// Parses the stable name.
impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        serde_json::from_value(name.into()).map_err(|_| UnknownReason { name: name.to_owned() })
    }
}

impl Reason {
    /// The stable names of all reasons. They are taken from serde's error for an unknown name.
    pub fn names() -> Vec<String> {
        let unknown = serde_json::from_value::<Self>("?".into()).map_err(|error| error.to_string());
        let unknown = unknown.err().unwrap_or_default();
        unknown.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    /// The stable name, for instance `not-encrypted`.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether a message held for this reason may be somebody else's: captured on its way, or sent here from
    /// another address. Its content is shown only on request, and nobody can accept it before seeing it.
    pub fn may_be_captured(self) -> bool {
        matches!(
            self,
            Self::DecryptedForUnprovenSender
                | Self::SeenHere
                | Self::SeenElsewhere
                | Self::NotMeantForHere
                | Self::Unreadable
                | Self::Damaged
                | Self::OtherKeys
                | Self::NoIntegrity
                | Self::LibrePgp
                | Self::Mangled
                | Self::Ambiguous
                | Self::NotAlone
        )
    }

    /// Whether nobody can accept a message held for this reason, because the list could not say whose words
    /// it would post.
    pub fn is_final(self) -> bool {
        self == Self::NoSoleAuthor
    }

    /// Whether every mail server on the way can see this reason from size and structure. Then a list with
    /// OpenPGP may tell it to the author.
    pub fn is_public(self) -> bool {
        matches!(self, Self::TooLarge | Self::NotEncrypted | Self::Inline)
    }
}

/// A hit of a rule. The table knows which rule it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// The reason.
    pub reason: Reason,
    /// The action that the list's settings choose.
    pub action: Action,
}

impl RuleHit {
    /// A hit, or `None` if the settings defer to the next rule.
    pub fn new(reason: Reason, action: Action) -> Option<Self> {
        (action != Action::Defer).then_some(Self { reason, action })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_read_by_its_name() {
        for name in Reason::names() {
            assert_eq!(name.parse::<Reason>().unwrap().name(), name);
        }
        for unknown in ["", "x", "Nonmember", "too_large", "nonmember "] {
            let error = unknown.parse::<Reason>().unwrap_err().to_string();
            assert!(error.contains("nonmember, too-large"), "{error}");
        }
    }
}
