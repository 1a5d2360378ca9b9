//! How a command succeeded.

use crate::sentences::sentences;

sentences! {
    /// How a command succeeded.
    pub enum Success {
        /// The request waits for a moderator.
        Waits = "waits",
        /// The person has become a member.
        Joined = "joined",
        /// The person is no longer a member.
        Left = "left",
        /// The key with that fingerprint was received and must still be confirmed.
        KeyTaken(fingerprint: String) = "key-taken",
        /// The address has a new key.
        KeySet = "key-set",
        /// The key of the address was updated.
        KeyUpdated = "key-updated",
        /// The key of the address was updated, but still cannot be used; with the reason.
        KeyUpdatedInPart(why: String) = "key-updated-in-part",
        /// The key of the address is revoked.
        KeyReset = "key-reset",
        /// The list's key is sent.
        KeySent = "key-sent",
        /// The list's key has new certifications.
        ListKeyUpdated = "list-key-updated",
        /// A preference was changed.
        PreferenceSet(what: String) = "preference-set",
        /// A moderator approved a request.
        Approved = "approved",
        /// A moderator rejected a request.
        Rejected = "rejected",
        /// A moderator rejected a message or a request, and nobody could be told.
        RejectedUntold = "rejected-untold",
        /// A moderator discarded a request or a message, and nobody is told.
        Discarded = "discarded",
    }
}
