//! Why a command was not carried out: each is one plain sentence, in `texts/`.

use minijinja::{Value, context};

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.name())]
pub enum Problem {
    /// No command begins so.
    Unrecognized(String),
    /// More commands than a mail may have.
    TooMany,
    /// Arguments where none belong.
    Extraneous(String),
    /// There is no such choice.
    NoSuchSetting(String),
    /// `key` alone.
    NoSubcommand,
    /// `key` and a word that is none of its own.
    WrongSubcommand,
    /// The list has no OpenPGP side.
    NotPgp,
    /// No token, or more than one.
    MissingToken,
    /// A token that was never given, not to this person, not for this, or is used up.
    WrongToken,
    /// No key where one is asked for.
    NoKey,
    /// Several keys where one is asked for.
    SeveralKeys,
    /// A secret key.
    SecretKey,
    /// A key that is none, too large, or cannot be used; and why.
    Unusable(String),
    /// A key whose user ids do not have the address, where no moderator looks at it.
    NamesOther,
    /// The address has no role on the list.
    UnknownAddress,
    /// The address has no key.
    NoOwnKey,
    /// Nobody confirmed the key of the address.
    KeyNotConfirmed,
    /// The key of the address cannot sign for another any more.
    ResetInstead,
    /// A statement that nobody signed.
    NotSigned,
    /// A signature that is not by the right key.
    NotVerified,
    /// Signed, but not the statement that was asked for.
    NoStatement,
    /// Another key is still to sign.
    OneMoreSignature(String),
    /// No revocation where one is asked for.
    NoRevocation,
    /// A revocation for another key.
    OtherRevocation,
    /// What was sent changes nothing.
    NothingNew,
    /// The role may not certify the list's key.
    MayNotSign,
    /// A key that is not the list's.
    NotTheListKey,
    /// A list key without user ids that somebody signed.
    NoSignedUserIds,
    /// No certification by the sender that is new.
    NoNewCertifications,
    /// Banned.
    Banned,
    /// A member already.
    AlreadyMember,
    /// No member.
    NotMember,
    /// The roster is not for this person.
    NotForYou,
    /// Not signed by a moderator's key, or not by a moderator.
    NotModerator,
    /// A step of the workflow is gone: it must be begun again.
    Outdated,
}

impl Problem {
    /// The stable name of its sentence.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unrecognized(_) => "unrecognized",
            Self::TooMany => "too-many",
            Self::Extraneous(_) => "extraneous",
            Self::NoSuchSetting(_) => "no-such-setting",
            Self::NoSubcommand => "no-subcommand",
            Self::WrongSubcommand => "wrong-subcommand",
            Self::NotPgp => "not-pgp",
            Self::MissingToken => "missing-token",
            Self::WrongToken => "wrong-token",
            Self::NoKey => "no-key",
            Self::SeveralKeys => "several-keys",
            Self::SecretKey => "secret-key",
            Self::Unusable(_) => "unusable",
            Self::NamesOther => "names-other",
            Self::UnknownAddress => "unknown-address",
            Self::NoOwnKey => "no-own-key",
            Self::KeyNotConfirmed => "key-not-confirmed",
            Self::ResetInstead => "reset-instead",
            Self::NotSigned => "not-signed",
            Self::NotVerified => "not-verified",
            Self::NoStatement => "no-statement",
            Self::OneMoreSignature(_) => "one-more-signature",
            Self::NoRevocation => "no-revocation",
            Self::OtherRevocation => "other-revocation",
            Self::NothingNew => "nothing-new",
            Self::MayNotSign => "may-not-sign",
            Self::NotTheListKey => "not-the-list-key",
            Self::NoSignedUserIds => "no-signed-user-ids",
            Self::NoNewCertifications => "no-new-certifications",
            Self::Banned => "banned",
            Self::AlreadyMember => "already-member",
            Self::NotMember => "not-member",
            Self::NotForYou => "not-for-you",
            Self::NotModerator => "not-moderator",
            Self::Outdated => "outdated",
        }
    }

    /// What its sentence may say: `what`, the words that came or the reason.
    pub fn values(&self) -> Value {
        match self {
            Self::Unrecognized(what)
            | Self::Extraneous(what)
            | Self::NoSuchSetting(what)
            | Self::Unusable(what)
            | Self::OneMoreSignature(what) => context! { what },
            _ => context! { what => "" },
        }
    }
}
