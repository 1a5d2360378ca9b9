//! How posts of an encrypting list reach their recipients, and what happens for members without a usable key.

use crate::names;

/// How many messages are sent for a post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SealedDelivery {
    /// A copy per recipient with that recipient's own PKESK. The body is encrypted once for all.
    #[default]
    Copies,
    /// One message for many recipients with the PKESKs of all of them, as mailman-pgp did in 2017. Each
    /// recipient sees how many recipients there are and, unless the list is `anonymous`, their key ids. Some
    /// programs cannot open such a message.
    Bulk,
    /// A message per recipient, encrypted and signed for that recipient only, with the recipient in To.
    Personalized,
}

names! { SealedDelivery { Copies = "copies", Bulk = "bulk", Personalized = "personalized" } }

/// What happens to a member's copy if the member has no usable key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// The copy waits, sealed, for `key_wait_days`. The member and the owners are told.
    #[default]
    HoldAndNotify,
    /// The copy is dropped. The member and the owners are told.
    Notify,
    /// The copy is dropped. Only the owners are told.
    Skip,
    /// The copy is sent unencrypted if the member allowed that, too. Otherwise it waits.
    Cleartext,
}

names! { MissingKey {
    HoldAndNotify = "hold-and-notify",
    Notify = "notify",
    Skip = "skip",
    Cleartext = "cleartext",
} }
