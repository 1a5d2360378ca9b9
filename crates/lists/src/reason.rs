//! The finding of a rule: a reason, and the list's action.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Action;
use crate::unknown_name::UnknownName;

/// Makes the type and the table of its stable names: no reason is without one.
macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $name:literal,)+) => {
        /// Why a rule hit. The names are stable: they are stored with held messages and appear in logs and
        /// `--json`. The sentences that people read are in `texts/`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $reason,)+
            /// A reason of a newer version of Sealist, or of a rule that is not built in. It is kept and
            /// shown by its name.
            Unknown(UnknownName),
        }

        /// The stable names of the reasons that this version knows.
        const NAMES: &[(Reason, &str)] = &[$((Reason::$reason, $name),)+];

        impl Reason {
            /// The stable name, for instance `not-encrypted`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => $name,)+
                    Self::Unknown(name) => name.0,
                }
            }
        }
    };
}

reasons! {
    /// The message has the list's own List-Id or X-Loop.
    OwnLoop = "own-loop",
    /// The message has more than 50 Received fields.
    TooManyHops = "too-many-hops",
    /// The message is a delivery report.
    Bounce = "bounce",
    /// The message is an automatic answer (RFC 3834), a receipt, or a complaint.
    AutoReply = "auto-reply",
    /// A program sent the message to an address for commands.
    ByProgram = "by-program",
    /// There is no From field, or two, or several authors, or an unreadable one.
    NoSoleAuthor = "no-sole-author",
    /// The author or the envelope sender is banned.
    Banned = "banned",
    /// The same signed text came to this address before the replay record stored outcomes.
    SeenHere = "seen-here",
    /// The same signed text was posted at this address.
    PostedHere = "posted-here",
    /// A message with the same signed text waits at this address for the same or fewer reasons.
    StillWaits = "still-waits",
    /// A person refused the same signed text at this address.
    RefusedBefore = "refused-before",
    /// The same signed text was posted at another address of the site.
    SeenElsewhere = "seen-elsewhere",
    /// The message is not encrypted as a whole.
    NotEncrypted = "not-encrypted",
    /// The encrypted part is not an OpenPGP message, or it is damaged.
    Damaged = "damaged",
    /// The message is encrypted, but not to the list's keys.
    OtherKeys = "other-keys",
    /// The message is encrypted without integrity protection.
    NoIntegrity = "no-integrity",
    /// The message is encrypted in the LibrePGP format.
    LibrePgp = "libre-pgp",
    /// A mail server took the encrypted message apart.
    Mangled = "mangled",
    /// The encrypted part is one part among others.
    NotAlone = "not-alone",
    /// The message could not be decrypted. All causes after the first secret-key operation have the same
    /// reason.
    Unreadable = "unreadable",
    /// The message is not signed as a whole.
    Unsigned = "unsigned",
    /// The message uses inline OpenPGP.
    Inline = "inline",
    /// The message can be read in two ways, so neither counts.
    Ambiguous = "ambiguous",
    /// The message is signed, but the From address has no certificate here.
    NoKey = "no-key",
    /// The message is signed, but the certificate of the From address is not confirmed.
    KeyNotConfirmed = "key-not-confirmed",
    /// The message is signed, but not by the certificate of the From address.
    UnknownSigner = "unknown-signer",
    /// The signature or its key is expired.
    ExpiredSignature = "expired-signature",
    /// The signing key is revoked.
    RevokedSignature = "revoked-signature",
    /// A signature does not verify, or is too weak.
    InvalidSignature = "invalid-signature",
    /// The signature is dated in the future or more than a week ago.
    WrongDate = "wrong-date",
    /// The protected To and Cc name only other addresses.
    NotMeantForHere = "not-meant-for-here",
    /// The signature does not name the recipients, and it is too old for that.
    Unaddressed = "unaddressed",
    /// The protected header names another author than the outer one, or several.
    InnerAuthor = "inner-author",
    /// The message was encrypted, and nothing proves that a member sent it.
    DecryptedForUnprovenSender = "decrypted-for-unproven-sender",
    /// The member's posts wait for a moderator.
    ModeratedMember = "moderated-member",
    /// The author is not a member.
    Nonmember = "nonmember",
    /// The message is larger than `max_message_kib`.
    TooLarge = "too-large",
    /// An admin holds the message.
    ByAdmin = "by-admin",
    /// The message broke a runner three times.
    Poison = "poison",
    /// The message asks a list without OpenPGP for its key.
    Command = "command",
}

/// The name is not the name of a reason that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no reason; the reasons are {}", Reason::names().join(", "))]
pub struct UnknownReason {
    name: String,
}

/// Parses a stable name that a person wrote. What is stored is read by [`Reason::read`], which keeps unknown
/// names.
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

    /// Reads a stored name, or that of a rule that is not built in. A name that this version does not know is
    /// kept.
    pub fn read(name: &str) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Unknown(UnknownName::keep(name)))
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
                // Only a newer version, or the rule of a plugin, knows why the message is held: the worst is
                // taken for granted.
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
            assert!(Reason::names().iter().all(|name| error.contains(name)), "{error}");
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
