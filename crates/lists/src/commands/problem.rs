//! Why a command was not carried out.

use crate::sentences::sentences;

sentences! {
    /// Why a command was not carried out.
    pub enum Problem {
        /// No command begins so.
        Unrecognized(what: String) = "unrecognized",
        /// More commands than a mail may have.
        TooMany = "too-many",
        /// Arguments where none belong.
        Extraneous(what: String) = "extraneous",
        /// There is no such choice.
        NoSuchSetting(what: String) = "no-such-setting",
        /// A language in which the list has no words.
        NoSuchLanguage(what: String) = "no-such-language",
        /// Digests, which there are not.
        NoDigests = "no-digests",
        /// A name that could be taken for something else, or for somebody else.
        NameRefused = "name-refused",
        /// A name that counts for lists with OpenPGP too, where a signature is asked for.
        NameElsewhere = "name-elsewhere",
        /// `key` alone.
        NoSubcommand = "no-subcommand",
        /// `key` and a word that is none of its own.
        WrongSubcommand = "wrong-subcommand",
        /// The list has no OpenPGP side.
        NotPgp = "not-pgp",
        /// No token, or more than one.
        MissingToken = "missing-token",
        /// A token that was never given, not to this person, not for this, or is used up.
        WrongToken = "wrong-token",
        /// The token of a request that gave way to others.
        GaveWay = "gave-way",
        /// A decision in a Subject that nobody signed.
        SubjectNotSigned = "subject-not-signed",
        /// The token of a notice to a moderator, and no decision that somebody wrote.
        Undecided = "undecided",
        /// An answer to the right question, without the line that the notice has.
        LineMissing = "line-missing",
        /// No key where one is asked for.
        NoKey = "no-key",
        /// A packed file where a key is asked for.
        Packed = "packed",
        /// Several keys where one is asked for.
        SeveralKeys = "several-keys",
        /// A secret key.
        SecretKey = "secret-key",
        /// A key that is none, too large, or cannot be used; and why.
        Unusable(what: String) = "unusable",
        /// A key whose user ids do not have the address, where no moderator looks at it.
        NamesOther = "names-other",
        /// The address has no role on the list.
        UnknownAddress = "unknown-address",
        /// The address has no key.
        NoOwnKey = "no-own-key",
        /// Nobody confirmed the key of the address.
        KeyNotConfirmed = "key-not-confirmed",
        /// The key of the address cannot sign for another any more.
        ResetInstead = "reset-instead",
        /// A statement that nobody signed.
        NotSigned = "not-signed",
        /// A signature that is not by the right key.
        NotVerified = "not-verified",
        /// Signed, but not the statement that was asked for.
        NoStatement = "no-statement",
        /// Another key is still to sign.
        OneMoreSignature(what: String) = "one-more-signature",
        /// No revocation where one is asked for.
        NoRevocation = "no-revocation",
        /// A revocation for another key.
        OtherRevocation = "other-revocation",
        /// What was sent changes nothing.
        NothingNew = "nothing-new",
        /// The role may not certify the list's key.
        MayNotSign = "may-not-sign",
        /// A key that is not the list's.
        NotTheListKey = "not-the-list-key",
        /// A list key without user ids that somebody signed.
        NoSignedUserIds = "no-signed-user-ids",
        /// No certification by the sender that is new.
        NoNewCertifications = "no-new-certifications",
        /// Banned.
        Banned = "banned",
        /// A member already.
        AlreadyMember = "already-member",
        /// No member.
        NotMember = "not-member",
        /// The roster, on a list that shows it to owners and moderators.
        NotForYou = "not-for-you",
        /// The roster, on a list that shows it to members.
        OnlyMembers = "only-members",
        /// The roster of a list with OpenPGP, for nobody's signature.
        RosterUnsigned = "roster-unsigned",
        /// The roster of an encrypting list, for somebody without a usable key.
        RosterUnsealed = "roster-unsealed",
        /// Not signed by a moderator's key, or not by a moderator.
        NotModerator = "not-moderator",
        /// A message about which somebody decided already: what, who and when.
        Decided(what: String) = "decided",
        /// A message that may be shown to owners alone, or to nobody without a key.
        MayNotSee = "may-not-see",
        /// A message that could be a captured one, and that no owner has seen.
        Unseen = "unseen",
        /// A message without exactly one author, which somebody approves.
        NoAuthor = "no-author",
        /// Signed words that came here before, or were posted.
        Replayed = "replayed",
        /// Signed words that are addressed to somewhere else.
        NotMeantForHere = "not-meant-for-here",
        /// A step of the workflow is gone: it must be begun again.
        Outdated = "outdated",
    }
}

impl Problem {
    /// The same without what it quotes of a message.
    pub fn without_words(&self) -> Self {
        match self {
            Self::Unrecognized(_) => Self::Unrecognized(String::new()),
            Self::Extraneous(_) => Self::Extraneous(String::new()),
            Self::NoSuchLanguage(_) => Self::NoSuchLanguage(String::new()),
            Self::NoSuchSetting(_) => Self::NoSuchSetting(String::new()),
            other => other.clone(),
        }
    }
}

impl std::error::Error for Problem {}
