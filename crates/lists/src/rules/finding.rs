//! What a rule found: a reason, and what the list does about it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::Action;

/// Why a rule hit. The names are stable: they stand in holds, logs and `--json`; the sentences that
/// people read are in `texts/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Our own List-Id or X-Loop stands in it.
    OwnLoop,
    /// More than 50 Received fields.
    TooManyHops,
    /// A delivery report.
    Bounce,
    /// An automatic answer (RFC 3834), a receipt, or a complaint.
    AutoReply,
    /// A program sent it to an address for commands.
    ByProgram,
    /// No From field, two of them, several authors, or one that cannot be read.
    NoSoleAuthor,
    /// The author or sender is banned.
    Banned,
    /// The same signed text came to this address before the record kept what became of it.
    SeenHere,
    /// The same signed text was posted at this address.
    PostedHere,
    /// A message with the same signed text waits at this address, for no better reasons.
    StillWaits,
    /// A person refused the same signed text at this address.
    RefusedBefore,
    /// The same signed text was posted at another address of the site.
    SeenElsewhere,
    /// Not encrypted as a whole.
    NotEncrypted,
    /// Its encrypted part is no OpenPGP message, or a damaged one.
    Damaged,
    /// Encrypted to keys that are not the list's.
    OtherKeys,
    /// Encrypted without integrity protection.
    NoIntegrity,
    /// Encrypted in LibrePGP's own format.
    LibrePgp,
    /// A mail server pulled its parts apart.
    Mangled,
    /// Its encrypted part stands beside other parts.
    NotAlone,
    /// Could not be read; the same for all causes behind the first secret-key operation.
    Unreadable,
    /// Not signed as a whole.
    Unsigned,
    /// Inline OpenPGP.
    Inline,
    /// Two readings are possible, so none counts.
    Ambiguous,
    /// Signed, and the From address has no certificate here.
    NoKey,
    /// Signed, and the certificate of the From address is not confirmed.
    KeyNotConfirmed,
    /// Signed, but not by the certificate of the From address.
    UnknownSigner,
    /// A signature or its key is expired.
    ExpiredSignature,
    /// The signing key is revoked.
    RevokedSignature,
    /// A signature does not verify or is too weak.
    InvalidSignature,
    /// Dated in the future or more than a week ago.
    WrongDate,
    /// The protected To and Cc name others, not this address.
    NotMeantForHere,
    /// Signed, without a word in the signature on whom it is for, and too old for that.
    Unaddressed,
    /// The protected header names another author than the outer one, or several.
    InnerAuthor,
    /// Encrypted by somebody who did not prove to be a member.
    CovertContent,
    /// The member's posts wait for a moderator.
    ModeratedMember,
    /// The author is no member.
    Nonmember,
    /// Larger than `max_message_kib`.
    TooLarge,
    /// An admin keeps it.
    ByAdmin,
    /// Broke a runner three times.
    Poison,
    /// Asks a list without OpenPGP for its key.
    Command,
}

/// No reason has that name.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no reason; the reasons are {}", Reason::names().join(", "))]
pub struct UnknownReason {
    name: String,
}

/// Reads the stable name.
impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        serde_json::from_value(name.into()).map_err(|_| UnknownReason { name: name.to_owned() })
    }
}

impl Reason {
    /// The stable names of all reasons: what serde says to a name that it does not know.
    pub fn names() -> Vec<String> {
        let unknown = serde_json::from_value::<Self>("?".into()).map_err(|error| error.to_string());
        let unknown = unknown.err().unwrap_or_default();
        unknown.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    /// The stable name, `not-encrypted`.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether a message that is held for this reason could be somebody else's, captured on its way or carried here from
    /// another address. Nobody sees its content unasked, and nobody accepts it unseen.
    pub fn may_be_captured(self) -> bool {
        matches!(
            self,
            Self::CovertContent
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

    /// Whether nobody can let a message pass that is held for this reason: the list could not say whose words it posts.
    pub fn is_final(self) -> bool {
        self == Self::NoSoleAuthor
    }

    /// Whether everybody on the way of a message sees this reason, because it lies in size and framing: an author may hear
    /// of it from a list with OpenPGP.
    pub fn is_public(self) -> bool {
        matches!(self, Self::TooLarge | Self::NotEncrypted | Self::Inline)
    }
}

/// A hit: which rule says so is known from the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// Why.
    pub reason: Reason,
    /// What the list's settings make of it.
    pub action: Action,
}

impl RuleHit {
    /// A finding, unless the settings defer to the next rule.
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
