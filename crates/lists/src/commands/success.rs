//! How a command was carried out.

use crate::sentences::sentences;

sentences! {
    /// How a command was carried out.
    pub enum Success {
        /// It waits for a moderator.
        Waits = "waits",
        /// Has become a member.
        Joined = "joined",
        /// Is no longer a member.
        Left = "left",
        /// The key with that fingerprint came; it is still to be confirmed.
        KeyTaken(fingerprint: String) = "key-taken",
        /// The address has another key.
        KeySet = "key-set",
        /// The key of the address is the same, and says more.
        KeyUpdated = "key-updated",
        /// The key of the address is the same, and says more; why it cannot be used nevertheless.
        KeyUpdatedInPart(why: String) = "key-updated-in-part",
        /// The key of the address cannot be used any more.
        KeyReset = "key-reset",
        /// The list's key is on its way.
        KeySent = "key-sent",
        /// The list's key has more certifications.
        ListKeyUpdated = "list-key-updated",
        /// A choice is another one.
        PreferenceSet(what: String) = "preference-set",
        /// A moderator let a request happen.
        Approved = "approved",
        /// A moderator refused a request.
        Rejected = "rejected",
        /// A moderator refused a message or a request, and nobody could be told.
        RejectedUntold = "rejected-untold",
        /// A moderator dropped a request or a message, and nobody hears of it.
        Discarded = "discarded",
    }
}
