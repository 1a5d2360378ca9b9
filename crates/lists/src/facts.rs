//! What is known of a message when it is judged: gathered once, eagerly, then only looked at.

use sealist_mail::{Answerable, AuthorProblem, Mailbox, MessageOrigin};
use sealist_openpgp::Unreadable;

use crate::model::{Action, ListSettings, PgpSettings, Role, SubAddress};
use crate::rules::Reason;

const HOUR_MS: i64 = 3_600_000;

/// What the outside of a message shows, before anything is decrypted.
pub struct OuterFacts {
    /// Which address of the list it came to.
    pub sub_address: SubAddress,
    /// Whether it is a message, an answer, or a loop.
    pub origin: MessageOrigin,
    /// Whether something may be written back.
    pub answerable: Answerable,
    /// The one author of the outer From field.
    pub author: Result<Mailbox, AuthorProblem>,
}

/// Everything the chains ask about.
#[derive(Clone, Debug)]
pub struct MessageFacts {
    /// The list's settings.
    pub settings: ListSettings,
    /// Whether the author or envelope sender is banned here or on the whole site.
    pub banned: bool,
    /// The author's highest role on this list; `None` for strangers.
    pub author_role: Option<Role>,
    /// The author's own moderation action, if one is set.
    pub moderation_action: Option<Action>,
    /// The size of the message as it came.
    pub octets: u64,
    /// How OpenPGP lies in it.
    pub form: PgpForm,
    /// Whether it was encrypted as a whole.
    pub encryption: EncryptionFact,
    /// What its signature is worth.
    pub signature: Signature,
    /// Whether the signed text was posted or refused before.
    pub replay: Replay,
    /// Why another message with the same signed text waits at this address, if one does.
    pub waiting: Option<Vec<Reason>>,
    /// Whom the protected headers name.
    pub addressed: Addressed,
    /// How long before its arrival its good signature was made, in milliseconds; `None` without one.
    pub signature_age_ms: Option<i64>,
    /// Whom the From fields within OpenPGP's protection name.
    pub inner_author: InnerAuthor,
}

impl MessageFacts {
    /// Whether the author's signature says that the message is for this list.
    pub fn is_addressed(&self) -> bool {
        matches!(self.addressed, Addressed::Here | Addressed::Key)
    }

    /// Whether its good signature names no recipient and is as old as `unaddressed_max_age_h` or older: the author may have
    /// written it to anybody.
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

/// How OpenPGP lies in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PgpForm {
    /// As MIME, or not at all.
    Mime,
    /// In the text.
    Inline,
}

/// Whether a message was encrypted as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionFact {
    /// It came in the clear.
    None,
    /// The root was encrypted to the list, and is opened.
    Whole,
    /// Two readings are possible.
    Ambiguous,
    /// Encrypted, and not to be opened by us.
    Unreadable(Unreadable),
}

/// What the signature over the root of a message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is none over the root.
    None,
    /// All is covered by a valid signature of the From address's confirmed certificate.
    Good,
    /// There is one, and the From address has no certificate here.
    NoKey,
    /// There is one, and nobody confirmed the certificate of the From address.
    KeyNotConfirmed,
    /// Not by the certificate of the From address.
    UnknownSigner,
    /// The signature or its key is expired.
    Expired,
    /// The signing key is revoked.
    Revoked,
    /// Does not verify, or is too weak.
    Invalid,
    /// Dated in the future or too long ago.
    WrongDate,
    /// Names its recipients, and this list is none of them.
    ForOthers,
}

/// What the replay record says of the signed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Nowhere posted and by nobody refused, or not signed.
    Fresh,
    /// Posted at other addresses, to which the same transaction brought it.
    SameArrival,
    /// Posted at this address.
    PostedHere,
    /// Refused at this address, by a person.
    RefusedHere,
    /// Seen at this address, before the record kept what became of a text.
    SeenHere,
    /// Posted at another address of the site.
    PostedElsewhere,
}

/// Whom the signed, protected To and Cc name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressed {
    /// No signed To or Cc.
    NotSaid,
    /// This address is among them.
    Here,
    /// No signed To or Cc, and the signature names the list's key as its recipient's.
    Key,
    /// Others only.
    Elsewhere,
}

/// Whom the From fields within OpenPGP's protection name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerAuthor {
    /// There is none.
    NotSaid,
    /// One, with the address of the outer one.
    Same,
    /// Another address, or several.
    Other,
}
