//! The facts about a message by which it is judged. They are gathered once, completely, and then only read.

use std::borrow::Cow;

use sealist_mail::{Answerable, AuthorProblem, HOUR_MS, Mailbox, MessageOrigin};
use sealist_openpgp::Unreadable;

use crate::content::MessageContent;
use crate::model::{Action, ListSettings, PgpSettings, Role, SubAddress};
use crate::reason::Reason;

/// The facts that are known before anything is decrypted.
pub struct OuterFacts {
    /// The sub-address that the message was sent to.
    pub sub_address: SubAddress,
    /// Whether it is an ordinary message, an automatic answer, or a loop.
    pub origin: MessageOrigin,
    /// Whether the sender may be answered.
    pub answerable: Answerable,
    /// The single author of the outer From field.
    pub author: Result<Mailbox, AuthorProblem>,
}

/// All facts that rules can ask for.
#[derive(Clone)]
pub struct MessageFacts<'m> {
    /// The list's settings.
    pub settings: Cow<'m, ListSettings>,
    /// The header and the text of the message.
    pub content: &'m MessageContent<'m>,
    /// The sub-address whose route the message takes.
    pub sub_address: SubAddress,
    /// Whether the sender may be answered.
    pub is_answerable: bool,
    /// Whether the envelope sender is the author.
    pub envelope_names_author: bool,
    /// Whether the author or the envelope sender is banned on this list or on the site.
    pub banned: bool,
    /// The author's highest role on this list; `None` for strangers.
    pub author_role: Option<Role>,
    /// The author's own moderation action, if one is set.
    pub moderation_action: Option<Action>,
    /// The size of the message as it arrived.
    pub octets: u64,
    /// How the message uses OpenPGP.
    pub form: PgpForm,
    /// Whether the whole message was encrypted.
    pub encryption: EncryptionFact,
    /// The result of verifying its signature.
    pub signature: Signature,
    /// Whether the signed text was posted or refused before.
    pub replay: Replay,
    /// If another message with the same signed text waits at this address: the reasons why it waits.
    pub waiting: Option<Vec<Reason>>,
    /// Whom the protected To and Cc name.
    pub addressed: Addressed,
    /// The time from the good signature to the arrival of the message, in milliseconds. `None` without a good
    /// signature.
    pub signature_age_ms: Option<i64>,
    /// Whom the protected From fields name.
    pub inner_author: InnerAuthor,
}

impl MessageFacts<'_> {
    /// Whether the author may be told what becomes of the message: somebody with a role on the list who wrote
    /// it in person.
    pub fn author_may_be_told(&self) -> bool {
        self.author_role.is_some() && self.is_answerable
    }

    /// Whether the author's signature shows that the message is meant for this list.
    pub fn is_addressed(&self) -> bool {
        matches!(self.addressed, Addressed::Here | Addressed::Key)
    }

    /// Whether the good signature names no recipient and is at least `unaddressed_max_age_h` old. Then the
    /// author may have written the message to anybody.
    pub fn is_stale(&self) -> bool {
        let Some(pgp) = self.pgp() else { return false };
        let most_ms = i64::from(pgp.unaddressed_max_age_h) * HOUR_MS;
        self.signature == Signature::Good
            && self.addressed == Addressed::NotSaid
            && self.signature_age_ms.is_none_or(|age_ms| age_ms >= most_ms)
    }

    /// The OpenPGP settings; `None` on plain lists.
    pub fn pgp(&self) -> Option<&PgpSettings> {
        self.settings.pgp.as_ref()
    }
}

/// How a message uses OpenPGP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PgpForm {
    /// As PGP/MIME, or not at all.
    Mime,
    /// In its text (inline OpenPGP).
    Inline,
}

/// Whether the whole message was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionFact {
    /// It was not encrypted.
    None,
    /// The root was encrypted to the list and was decrypted.
    Whole,
    /// It can be read in two ways.
    Ambiguous,
    /// It was encrypted, but the list cannot decrypt it.
    Unreadable(Unreadable),
}

/// The result of verifying the signature over the root of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is no signature over the root.
    None,
    /// A valid signature by the From address's confirmed certificate covers the whole message.
    Good,
    /// It is signed, but the From address has no certificate here.
    NoKey,
    /// It is signed, but the certificate of the From address is not confirmed.
    KeyNotConfirmed,
    /// It is signed, but not by the certificate of the From address.
    UnknownSigner,
    /// The signature or its key is expired.
    Expired,
    /// The signing key is revoked.
    Revoked,
    /// The signature does not verify, or is too weak.
    Invalid,
    /// The signature is dated in the future or too long ago.
    WrongDate,
    /// The signature names its recipients, and this list is not among them.
    ForOthers,
}

/// What the replay record knows about the signed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The text was neither posted nor refused before, or is not signed.
    Fresh,
    /// The text was posted at other addresses, and the same transaction brought it there and here.
    SameArrival,
    /// The text was posted at this address.
    PostedHere,
    /// A person refused the text at this address.
    RefusedHere,
    /// The text came to this address before the record stored outcomes.
    SeenHere,
    /// The text was posted at another address of the site.
    PostedElsewhere,
}

/// Whom the signed, protected To and Cc fields name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressed {
    /// There is no signed To or Cc.
    NotSaid,
    /// They name this address.
    Here,
    /// There is no signed To or Cc, but the signature names the list's key as the recipient's.
    Key,
    /// They name only other addresses.
    Elsewhere,
}

/// Whom the From fields inside the protection of OpenPGP name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerAuthor {
    /// There are none.
    NotSaid,
    /// They name the address of the outer From field.
    Same,
    /// They name another address, or several.
    Other,
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::styles::STYLES;

    /// The facts about a post that a list of that style accepts.
    pub(crate) fn facts(style: &str) -> MessageFacts<'static> {
        let content =
            MessageContent::new(b"From: anne@example.org\r\nSubject: words\r\n\r\nWords.\r\n", None);
        MessageFacts {
            settings: Cow::Owned(STYLES.iter().find(|one| one.name == style).expect("a style").settings()),
            content: Box::leak(Box::new(content)),
            sub_address: SubAddress::Posting,
            is_answerable: true,
            envelope_names_author: true,
            banned: false,
            author_role: Some(Role::Member),
            moderation_action: None,
            octets: 1000,
            form: PgpForm::Mime,
            encryption: EncryptionFact::Whole,
            signature: Signature::Good,
            replay: Replay::Fresh,
            waiting: None,
            addressed: Addressed::NotSaid,
            signature_age_ms: Some(1000),
            inner_author: InnerAuthor::NotSaid,
        }
    }
}
