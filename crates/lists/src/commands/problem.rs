//! Why a command was not carried out.

use crate::sentences::sentences;

sentences! {
    /// Why a command was not carried out.
    pub enum Problem {
        /// The line begins with no known command.
        Unrecognized(what: String) = "unrecognized",
        /// The mail has more commands than are allowed.
        TooMany = "too-many",
        /// The command takes no such arguments.
        Extraneous(what: String) = "extraneous",
        /// There is no preference of that name.
        NoSuchSetting(what: String) = "no-such-setting",
        /// There are no texts in that language.
        NoSuchLanguage(what: String) = "no-such-language",
        /// Digests do not exist yet.
        NoDigests = "no-digests",
        /// The name could be taken for something else, or for somebody else.
        NameRefused = "name-refused",
        /// The name would also be shown on lists with OpenPGP, where a signature is required.
        NameElsewhere = "name-elsewhere",
        /// `key` without a subcommand.
        NoSubcommand = "no-subcommand",
        /// `key` with an unknown subcommand.
        WrongSubcommand = "wrong-subcommand",
        /// The list does not use OpenPGP.
        NotPgp = "not-pgp",
        /// There is no token, or more than one.
        MissingToken = "missing-token",
        /// The token does not exist, belongs to another person or question, or is used up.
        WrongToken = "wrong-token",
        /// The request of that token was deleted to make room for others.
        GaveWay = "gave-way",
        /// The decision stands in an unsigned Subject.
        SubjectNotSigned = "subject-not-signed",
        /// There is the token of a notice to a moderator, but no decision.
        Undecided = "undecided",
        /// The answer lacks the line that the notice asks for.
        LineMissing = "line-missing",
        /// A key is asked for, but none is attached.
        NoKey = "no-key",
        /// A key is asked for, but an archive is attached.
        Packed = "packed",
        /// One key is asked for, but several are attached.
        SeveralKeys = "several-keys",
        /// A secret key is attached.
        SecretKey = "secret-key",
        /// The key is not a key, is too large, or cannot be used; with the reason.
        Unusable(what: String) = "unusable",
        /// No user id of the key has the address, and no moderator would see it.
        NamesOther = "names-other",
        /// The address has no role on the list.
        UnknownAddress = "unknown-address",
        /// The address has no key.
        NoOwnKey = "no-own-key",
        /// The key of the address is not confirmed.
        KeyNotConfirmed = "key-not-confirmed",
        /// The key of the address can no longer sign for another key.
        ResetInstead = "reset-instead",
        /// The statement is not signed.
        NotSigned = "not-signed",
        /// The signature is not by the right key.
        NotVerified = "not-verified",
        /// The signed text is not the statement that was asked for.
        NoStatement = "no-statement",
        /// Another key must sign, too.
        OneMoreSignature(what: String) = "one-more-signature",
        /// A revocation is asked for, but none is attached.
        NoRevocation = "no-revocation",
        /// The revocation is for another key.
        OtherRevocation = "other-revocation",
        /// The attached key changes nothing.
        NothingNew = "nothing-new",
        /// The role does not allow certifying the list's key.
        MayNotSign = "may-not-sign",
        /// The key is not the list's key.
        NotTheListKey = "not-the-list-key",
        /// The list's key has no certified user ids.
        NoSignedUserIds = "no-signed-user-ids",
        /// There is no new certification by the sender.
        NoNewCertifications = "no-new-certifications",
        /// The address is banned.
        Banned = "banned",
        /// The address is a member already.
        AlreadyMember = "already-member",
        /// The address is not a member.
        NotMember = "not-member",
        /// The roster is visible to owners and moderators only.
        NotForYou = "not-for-you",
        /// The roster is visible to members only.
        OnlyMembers = "only-members",
        /// The roster of a list with OpenPGP needs a signed command.
        RosterUnsigned = "roster-unsigned",
        /// The roster of an encrypting list is sent only to usable keys.
        RosterUnsealed = "roster-unsealed",
        /// The mail is not signed by a moderator's key, or not from a moderator.
        NotModerator = "not-moderator",
        /// Somebody has decided about the message already: what, who and when.
        Decided(what: String) = "decided",
        /// The message is visible to owners only, or to nobody without a key.
        MayNotSee = "may-not-see",
        /// The message may be a captured one, and no owner has seen it yet.
        Unseen = "unseen",
        /// The message to approve does not have exactly one author.
        NoAuthor = "no-author",
        /// The same signed text came here before.
        Replayed = "replayed",
        /// The signed text is addressed to somebody else.
        NotMeantForHere = "not-meant-for-here",
        /// The workflow ended without a change, so the request must be started again.
        Outdated = "outdated",
        /// A newer version wrote a step of the workflow, and this version does not know the step. The request waits.
        NotKnownYet = "not-known-yet",
        /// A setting of the list names a workflow that is not defined.
        NoWorkflow = "no-workflow",
    }
}

impl Problem {
    /// The same problem without quoted words of a message.
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
