//! How posts of an encrypting list reach their readers, and what happens to readers without a usable key.

use serde::{Deserialize, Serialize};

/// How many messages a post becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealedDelivery {
    /// A copy for each reader with that reader's own PKESK; the body is encrypted once for all.
    #[default]
    Copies,
    /// One message for many readers, with the PKESKs of all of them: the scheme of 2017. Each reader sees how many
    /// there are and, unless the list is `anonymous`, with which keys; some programs do not open such a message.
    Bulk,
    /// A message for each reader, encrypted and signed for that reader alone, whose To names the reader.
    Personalized,
}

/// What happens to a post for a member without a usable key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingKey {
    /// It waits, sealed, for `key_wait_days`; the member and the owners hear of it.
    #[default]
    HoldAndNotify,
    /// It is not kept for the member, who hears of it, as do the owners.
    Notify,
    /// It is not kept for the member; only the owners hear of it.
    Skip,
    /// It goes to the member as cleartext if the member allowed that too; else it waits.
    Cleartext,
}
