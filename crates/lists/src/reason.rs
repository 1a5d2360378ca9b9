//! The finding of a rule: a reason, and the list's action.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Action;
use crate::unknown_name::UnknownName;

/// Why a rule hit. The names are stable: they are stored with held messages and appear in logs and `--json`.
/// The sentences that people read are in `texts/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// A reason of a newer version of Sealist. It is kept and shown by its name.
    Unknown(UnknownName),
}

/// The stable names of the reasons that this version knows.
const NAMES: &[(Reason, &str)] = &[
    (Reason::OwnLoop, "own-loop"),
    (Reason::TooManyHops, "too-many-hops"),
    (Reason::Bounce, "bounce"),
    (Reason::AutoReply, "auto-reply"),
    (Reason::ByProgram, "by-program"),
    (Reason::NoSoleAuthor, "no-sole-author"),
    (Reason::Banned, "banned"),
    (Reason::SeenHere, "seen-here"),
    (Reason::PostedHere, "posted-here"),
    (Reason::StillWaits, "still-waits"),
    (Reason::RefusedBefore, "refused-before"),
    (Reason::SeenElsewhere, "seen-elsewhere"),
    (Reason::NotEncrypted, "not-encrypted"),
    (Reason::Damaged, "damaged"),
    (Reason::OtherKeys, "other-keys"),
    (Reason::NoIntegrity, "no-integrity"),
    (Reason::LibrePgp, "libre-pgp"),
    (Reason::Mangled, "mangled"),
    (Reason::NotAlone, "not-alone"),
    (Reason::Unreadable, "unreadable"),
    (Reason::Unsigned, "unsigned"),
    (Reason::Inline, "inline"),
    (Reason::Ambiguous, "ambiguous"),
    (Reason::NoKey, "no-key"),
    (Reason::KeyNotConfirmed, "key-not-confirmed"),
    (Reason::UnknownSigner, "unknown-signer"),
    (Reason::ExpiredSignature, "expired-signature"),
    (Reason::RevokedSignature, "revoked-signature"),
    (Reason::InvalidSignature, "invalid-signature"),
    (Reason::WrongDate, "wrong-date"),
    (Reason::NotMeantForHere, "not-meant-for-here"),
    (Reason::Unaddressed, "unaddressed"),
    (Reason::InnerAuthor, "inner-author"),
    (Reason::DecryptedForUnprovenSender, "decrypted-for-unproven-sender"),
    (Reason::ModeratedMember, "moderated-member"),
    (Reason::Nonmember, "nonmember"),
    (Reason::TooLarge, "too-large"),
    (Reason::ByAdmin, "by-admin"),
    (Reason::Poison, "poison"),
    (Reason::Command, "command"),
];

/// The name is not the name of a reason that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no reason; the reasons are {}", Reason::names().join(", "))]
pub struct UnknownReason {
    name: String,
}

/// Parses a stable name that a person wrote. What is stored is read by [`Reason::read`], which keeps unknown names.
impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        Self::known(name).ok_or_else(|| UnknownReason { name: name.to_owned() })
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::read(&Cow::<'de, str>::deserialize(from)?))
    }
}

impl Reason {
    /// The stable names of all reasons that this version knows.
    pub fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(_, name)| *name).collect()
    }

    fn known(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(reason, _)| *reason)
    }

    /// Reads a stored name. A name that a newer version wrote is kept.
    pub fn read(name: &str) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Unknown(UnknownName::keep(name)))
    }

    /// The stable name, for instance `not-encrypted`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown(name) => name.0,
            known => NAMES.iter().find(|(reason, _)| *reason == known).map_or("", |(_, name)| name),
        }
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
                // A newer version knows why the message is held: this one takes the worst for granted.
                | Self::Unknown(_)
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
            assert!(!matches!(Reason::read(name), Reason::Unknown(_)), "{name}");
        }
        for unknown in ["", "x", "Nonmember", "too_large", "nonmember "] {
            let error = unknown.parse::<Reason>().unwrap_err().to_string();
            assert!(error.contains("nonmember, too-large"), "{error}");
        }
    }

    #[test]
    fn a_reason_of_a_newer_version_is_kept_and_opens_nothing() {
        let stored = r#"["too-large","smells-of-fish","x y","\u00e9"]"#;
        let read: Vec<Reason> = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["too-large","smells-of-fish","x y","é"]"#);
        assert_eq!(read[1], Reason::read("smells-of-fish"));
        assert_ne!(read[1], read[2]);
        assert!(read[1].may_be_captured() && !read[1].is_public() && !read[1].is_final());
    }
}
