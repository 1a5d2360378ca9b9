//! The settings of lists with OpenPGP: the names of mailman-pgp's per-list attributes, and new ones in the
//! same manner. The defaults are closed: only signed and encrypted posts of members pass.

use super::setting_row::{
    ACTION, AttributeKind, BOOL, PASSES, SettingRow, SettingValue, WORKFLOW, Weakening, days, first, hours,
    settings,
};
use super::{Action, MissingKey, Role, SealedDelivery, UnsignedSubject};

const UNSIGNED: AttributeKind = AttributeKind::OneOf(UnsignedSubject::NAMES);
const DELIVERY: AttributeKind = AttributeKind::OneOf(SealedDelivery::NAMES);
const SHOWS_READERS: Weakening = Weakening::Order(&[&["copies", "personalized"], &["bulk"]]);
const MISSING_KEY: AttributeKind = AttributeKind::OneOf(MissingKey::NAMES);
const SENDS_CLEARTEXT: Weakening =
    Weakening::Order(&[&["hold-and-notify", "notify", "skip"], &["cleartext"]]);
const ROLES: AttributeKind = AttributeKind::Set(Role::NAMES);
const LETS_MORE_CERTIFY: Weakening =
    Weakening::Order(&[&["owner"], &["moderator"], &["member"], &["nonmember"]]);

settings! {
    /// The OpenPGP settings of a list.
    pub struct PgpSettings {
        /// The message is not signed as a whole.
        unsigned_msg_action: Action = Action::Reject, ACTION, PASSES;
        /// The message is signed or encrypted inline.
        inline_pgp_action: Action = Action::Reject, ACTION, PASSES;
        /// A signature, or its key, is expired.
        expired_sig_action: Action = Action::Reject, ACTION, PASSES;
        /// The signing key is revoked.
        revoked_sig_action: Action = Action::Reject, ACTION, PASSES;
        /// A signature does not verify or is too weak.
        invalid_sig_action: Action = Action::Reject, ACTION, PASSES;
        /// The message is signed by another key than that of the From address.
        unknown_signer_action: Action = Action::Reject, ACTION, PASSES;
        /// The message is signed, and the From address has no key here.
        no_key_action: Action = Action::Reject, ACTION, PASSES;
        /// The message is signed, and nobody confirmed the key of the From address.
        unconfirmed_key_action: Action = Action::Reject, ACTION, PASSES;
        /// The signed digest was seen before at another address of the site; at the same one it is discarded.
        duplicate_sig_action: Action = Action::Hold, ACTION, PASSES;
        /// The protected To and Cc do not name this address.
        misdirected_msg_action: Action = Action::Hold, ACTION, PASSES;
        /// The message is signed, and no To or Cc is within the signature. With accept or defer it goes on
        /// while the signature is younger than `unaddressed_max_age_h`, and is held when it is older.
        unaddressed_msg_action: Action = Action::Defer, ACTION, PASSES;
        /// Hours for which a signature counts that does not say whom it is for.
        unaddressed_max_age_h: u32 = 24, hours(0, 8760), Weakening::Grows;
        /// What becomes of a Subject that no signature covers, on an encrypting list.
        unsigned_subject: UnsignedSubject = UnsignedSubject::Mark, UNSIGNED, Weakening::Leaves("drop");
        /// The signature's date is in the future or more than a week old.
        wrong_date_action: Action = Action::Hold, ACTION, PASSES;
        /// The message is not encrypted as a whole.
        nonencrypted_msg_action: Action = Action::Reject, ACTION, PASSES;
        /// Whether what is signed is entered into the site's replay record, and looked for in it. Without it
        /// a post can be sent in again.
        collect_sig_hashes: bool = true, BOOL, Weakening::Off;
        /// Whether the author's own signature is taken off the copies.
        strip_original_sig: bool = false, BOOL, Weakening::On;
        /// Whether the list signs what it sends.
        sign_outgoing: bool = true, BOOL, Weakening::Off;
        /// Whether copies are encrypted to their readers. Without it they leave as cleartext, signed if
        /// `sign_outgoing` says so.
        encrypt_outgoing: bool = true, BOOL, Weakening::Off;
        /// Whether the Subject outside the encryption is `[...]`; inside it is always the real one.
        hide_subject: bool = true, BOOL, Weakening::Off;
        /// Whether the readers' key ids are left out of their copies.
        anonymous: bool = false, BOOL, Weakening::Off;
        /// How many messages a post becomes.
        delivery: SealedDelivery = SealedDelivery::Copies, DELIVERY, SHOWS_READERS;
        /// What happens to a post for a member without a usable key.
        missing_key_action: MissingKey = MissingKey::HoldAndNotify, MISSING_KEY, SENDS_CLEARTEXT;
        /// Days that a post waits, sealed, for a member without a usable key.
        key_wait_days: u32 = 7, days(0);
        /// Days that a posting key still opens mail after another has taken its place.
        key_overlap_days: u32 = 90, days(0), Weakening::Grows;
        /// Whether those in charge of this list approve each key themselves, also one that the address got
        /// elsewhere.
        own_key_approval: bool = false, BOOL, Weakening::Off;
        /// Hours that a statement can be signed; at most 24.
        change_request_life_h: u32 = 24, hours(1, 24), Weakening::Grows;
        /// Which workflow a key change runs through.
        key_change_workflow: String = "pgp-key-change-mod-workflow".into(), WORKFLOW, Weakening::FewerChecks;
        /// Who may add a certification to the list key.
        key_signing_allowed: Vec<Role> = vec![Role::Owner, Role::Moderator], ROLES, LETS_MORE_CERTIFY;
    }
}
