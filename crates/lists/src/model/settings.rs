//! All settings of a list, with Mailman's and mailman-pgp's names where they have one.
//!
//! Stored as JSON. A missing field has the default below; styles give other values at creation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::set::{SettingError, set_field};
use super::{Action, MissingKey, Role, SealedDelivery};
use crate::texts::{Language, language};

/// The settings of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListSettings {
    /// The name people see. Empty: made from the local part.
    pub display_name: String,
    /// One line that says what the list is for; part of List-Id (RFC 2919).
    pub description: String,
    /// The language of what the list writes, for readers who chose none. Empty: that of the site.
    #[serde(with = "language::or_empty")]
    pub preferred_language: Option<Language>,
    /// Put before each Subject. Empty: none.
    pub subject_prefix: String,
    /// Through which workflow an address becomes a member: see `workflows`.
    pub subscription_policy: String,
    /// Through which workflow a member leaves.
    pub unsubscription_policy: String,
    /// Through which workflow a command runs that changes something for a member (`set`).
    pub command_workflow: String,
    /// Commands that run through `command_workflow` too, although they change nothing: `who`, `echo`.
    pub confirmed_commands: Vec<String>,
    /// Hours that a question to a person can be answered.
    pub request_life_h: u32,
    /// Days that a request waits for a moderator.
    pub moderation_life_d: u32,
    /// Workflows of this list: a name, and the names of the steps.
    pub workflows: BTreeMap<String, Vec<String>>,
    /// Who may ask who the members are.
    pub member_roster_visibility: RosterVisibility,
    /// Whether new members get a notice that greets them.
    pub send_welcome_message: bool,
    /// Whether who leaves gets a notice that says so.
    pub send_goodbye_message: bool,
    /// Whether owners and moderators hear at once of requests that wait for them.
    pub admin_immed_notify: bool,
    /// Whether owners and moderators hear of it when members come and go.
    pub admin_notify_mchanges: bool,
    /// Which chain judges posts: see `chains`.
    pub posting_chain: String,
    /// Which handlers make the copies: see `pipelines`.
    pub posting_pipeline: String,
    /// For posts of members who have no action of their own.
    pub default_member_action: Action,
    /// For posts of everybody else.
    pub default_nonmember_action: Action,
    /// Posts above this many KiB are held. 0: no limit but the server's own. What is also larger than 1 MiB is refused
    /// when it comes.
    pub max_message_kib: u32,
    /// Days that a message waits for a moderator; then it is deleted, with a notice. 0: it waits for ever.
    pub max_days_to_hold: u32,
    /// Messages of strangers that may wait for a moderator, and as many of members. 0: no limit.
    pub max_held_messages: u32,
    /// MiB that they may take together. 0: no limit.
    pub max_held_mib: u32,
    /// After so many days moderators are reminded of a message that waits, and again after as many. 0: never.
    pub hold_reminder_days: u32,
    /// After the first notices of a kind on a day, facts gather for so many minutes, and one notice tells them all.
    pub summary_pause_min: u32,
    /// Whether authors hear that their posts wait for a moderator, where that tells no secret.
    pub respond_to_post_requests: bool,
    /// Where answers go. On an encrypting list always to the list.
    pub reply_goes_to: ReplyTo,
    /// Whether the list shows List-Post; announce lists do not (RFC 2369).
    pub allow_list_posts: bool,
    /// Text behind each post; `{list}` and `{address}` are filled in. Empty: none.
    pub footer: String,
    /// Whether accepted posts are kept after their last delivery. There is no reader for them yet.
    pub archive: bool,
    /// Whether each copy has an envelope sender of its own, by which a bounce tells whom it is about. Copies that
    /// go to several recipients at once have none. PGP styles say yes: their copies have one recipient anyway.
    pub verp: bool,
    /// Whether bounces count.
    pub process_bounces: bool,
    /// After so many days with bounces, posts to a member stop.
    pub bounce_score_threshold: u32,
    /// Whether a member is asked then whether mail arrives, and posts stop only if that notice comes back too.
    pub verp_probes: bool,
    /// A member whose last bounce is so many days old begins anew.
    pub bounce_info_stale_after_days: u32,
    /// The OpenPGP side; `None` on plain lists.
    pub pgp: Option<PgpSettings>,
}

/// Who may ask who the members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterVisibility {
    /// Owners and moderators.
    Moderators,
    /// Members too.
    Members,
    /// Everybody.
    Public,
}

/// Where Reply-To points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyTo {
    /// To the author (and the list stays reachable by List-Post).
    Author,
    /// To the list.
    List,
}

/// What becomes of a Subject that no signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedSubject {
    /// It stands behind a mark that says so.
    Mark,
    /// It is left out.
    Drop,
}

/// The OpenPGP settings: the names of mailman-pgp's per-list attributes, and new ones in the same manner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PgpSettings {
    /// The message is not signed as a whole.
    pub unsigned_msg_action: Action,
    /// The message is signed or encrypted inline.
    pub inline_pgp_action: Action,
    /// A signature, or its key, is expired.
    pub expired_sig_action: Action,
    /// The signing key is revoked.
    pub revoked_sig_action: Action,
    /// A signature does not verify or is too weak.
    pub invalid_sig_action: Action,
    /// The message is signed by another key than that of the From address.
    pub unknown_signer_action: Action,
    /// The message is signed, and the From address has no key here.
    pub no_key_action: Action,
    /// The message is signed, and nobody confirmed the key of the From address.
    pub unconfirmed_key_action: Action,
    /// The signed digest was seen before at another address of the site; at the same one it is discarded.
    pub duplicate_sig_action: Action,
    /// The protected To and Cc do not name this address.
    pub misdirected_msg_action: Action,
    /// The message is signed, and no To or Cc is within the signature. With accept or defer it goes on while the signature is
    /// younger than `unaddressed_max_age_h`, and is held when it is older.
    pub unaddressed_msg_action: Action,
    /// Hours for which a signature counts that does not say whom it is for.
    pub unaddressed_max_age_h: u32,
    /// What becomes of a Subject that no signature covers, on an encrypting list.
    pub unsigned_subject: UnsignedSubject,
    /// The signature's date is in the future or more than a week old.
    pub wrong_date_action: Action,
    /// The message is not encrypted as a whole.
    pub nonencrypted_msg_action: Action,
    /// Whether what is signed is entered into the site's replay record, and looked for in it. Without it a post can
    /// be sent in again.
    pub collect_sig_hashes: bool,
    /// Whether the author's own signature is taken off the copies.
    pub strip_original_sig: bool,
    /// Whether the list signs what it sends.
    pub sign_outgoing: bool,
    /// Whether copies are encrypted to their readers. Without it they leave as cleartext, signed if
    /// `sign_outgoing` says so.
    pub encrypt_outgoing: bool,
    /// Whether the Subject outside the encryption is `[...]`; inside it is always the real one.
    pub hide_subject: bool,
    /// Whether the readers' key ids are left out of their copies.
    pub anonymous: bool,
    /// How many messages a post becomes.
    pub delivery: SealedDelivery,
    /// What happens to a post for a member without a usable key.
    pub missing_key_action: MissingKey,
    /// Days that a post waits, sealed, for a member without a usable key.
    pub key_wait_days: u32,
    /// Days that a posting key still opens mail after another has taken its place.
    pub key_overlap_days: u32,
    /// Whether those in charge of this list approve each key themselves, also one that the address got elsewhere.
    pub own_key_approval: bool,
    /// Hours that a statement can be signed; at most 24.
    pub change_request_life_h: u32,
    /// Which workflow a key change runs through.
    pub key_change_workflow: String,
    /// Who may add a certification to the list key.
    pub key_signing_allowed: Vec<Role>,
}

impl ListSettings {
    /// Whether the list demands encryption in or out: then nothing of its mail is kept in the clear.
    /// The one function that answers this for the whole code (design promise 2).
    pub fn encrypting(&self) -> bool {
        self.pgp.as_ref().is_some_and(|pgp| {
            pgp.encrypt_outgoing || !matches!(pgp.nonencrypted_msg_action, Action::Accept | Action::Defer)
        })
    }

    /// Whether copies to many members have one envelope sender: what comes back of a copy does not show then to whom it went.
    pub fn shares_envelope_sender(&self) -> bool {
        let is_bulk = |pgp: &PgpSettings| pgp.encrypt_outgoing && pgp.delivery == SealedDelivery::Bulk;
        !self.verp || self.pgp.as_ref().is_some_and(is_bulk)
    }

    /// Octets above which a message for the posting address is refused when it comes; `None`: no limit but the server's.
    /// Up to 1 MiB a moderator may let pass what is larger than the list allows.
    pub fn refused_above_octets(&self) -> Option<u64> {
        (self.max_message_kib > 0).then(|| u64::from(self.max_message_kib).max(1024) * 1024)
    }

    /// Sets one field by its name, as the command line and REST do. Fields of the OpenPGP side go by
    /// their own name. `value` is read as JSON and, where that fails, as a text.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let known = self.pgp.is_some()
            || serde_json::to_value(PgpSettings::default()).is_ok_and(|all| all.get(name).is_none());
        match set_field(self, name, value) {
            Err(SettingError::Unknown { .. }) if !known => Err(SettingError::OfOpenpgp(name.to_owned())),
            done => done,
        }
    }

    /// All fields by name with their values as JSON, those of the OpenPGP side behind the others.
    pub fn fields(&self) -> Vec<(String, serde_json::Value)> {
        let tree = serde_json::to_value(self).unwrap_or_default();
        let flat = |value: &serde_json::Value| -> Vec<(String, serde_json::Value)> {
            value.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        let (nested, mut fields): (Vec<_>, Vec<_>) = flat(&tree).into_iter().partition(|(k, _)| k == "pgp");
        fields.extend(nested.iter().flat_map(|(_, pgp)| flat(pgp)));
        fields
    }
}

impl Default for ListSettings {
    /// The values of `legacy-default`.
    fn default() -> Self {
        Self {
            display_name: String::new(),
            description: String::new(),
            preferred_language: None,
            subject_prefix: String::new(),
            subscription_policy: "confirm".into(),
            unsubscription_policy: "confirm".into(),
            command_workflow: "confirm-command".into(),
            confirmed_commands: Vec::new(),
            request_life_h: 72,
            moderation_life_d: 30,
            workflows: BTreeMap::new(),
            member_roster_visibility: RosterVisibility::Moderators,
            send_welcome_message: true,
            send_goodbye_message: true,
            admin_immed_notify: true,
            admin_notify_mchanges: false,
            posting_chain: "default-posting-chain".into(),
            posting_pipeline: "default-posting-pipeline".into(),
            default_member_action: Action::Defer,
            default_nonmember_action: Action::Hold,
            max_message_kib: 40,
            max_days_to_hold: 30,
            max_held_messages: 500,
            max_held_mib: 64,
            hold_reminder_days: 7,
            summary_pause_min: 240,
            respond_to_post_requests: true,
            reply_goes_to: ReplyTo::Author,
            allow_list_posts: true,
            footer: String::new(),
            archive: false,
            verp: false,
            process_bounces: true,
            bounce_score_threshold: 5,
            verp_probes: false,
            bounce_info_stale_after_days: 7,
            pgp: None,
        }
    }
}

impl Default for PgpSettings {
    /// Closed by default (design promise 8): signed and encrypted posts of members only.
    fn default() -> Self {
        Self {
            unsigned_msg_action: Action::Reject,
            inline_pgp_action: Action::Reject,
            expired_sig_action: Action::Reject,
            revoked_sig_action: Action::Reject,
            invalid_sig_action: Action::Reject,
            unknown_signer_action: Action::Reject,
            no_key_action: Action::Reject,
            unconfirmed_key_action: Action::Reject,
            duplicate_sig_action: Action::Hold,
            misdirected_msg_action: Action::Hold,
            unaddressed_msg_action: Action::Defer,
            unaddressed_max_age_h: 24,
            unsigned_subject: UnsignedSubject::Mark,
            wrong_date_action: Action::Hold,
            nonencrypted_msg_action: Action::Reject,
            collect_sig_hashes: true,
            strip_original_sig: false,
            sign_outgoing: true,
            encrypt_outgoing: true,
            hide_subject: true,
            anonymous: false,
            delivery: SealedDelivery::Copies,
            missing_key_action: MissingKey::HoldAndNotify,
            key_wait_days: 7,
            key_overlap_days: 90,
            own_key_approval: false,
            change_request_life_h: 24,
            key_change_workflow: "pgp-key-change-mod-workflow".into(),
            key_signing_allowed: vec![Role::Owner, Role::Moderator],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pgp_list() -> ListSettings {
        ListSettings { pgp: Some(PgpSettings::default()), ..ListSettings::default() }
    }

    #[test]
    fn one_function_says_whether_a_list_encrypts() {
        fn check(nonencrypted: Action, encrypt_outgoing: bool, expected: bool) {
            let pgp =
                PgpSettings { nonencrypted_msg_action: nonencrypted, encrypt_outgoing, ..Default::default() };
            let settings = ListSettings { pgp: Some(pgp), ..Default::default() };
            assert_eq!(settings.encrypting(), expected, "{nonencrypted} {encrypt_outgoing}");
        }
        check(Action::Reject, true, true);
        check(Action::Hold, false, true);
        check(Action::Defer, true, true);
        check(Action::Defer, false, false);
        check(Action::Accept, false, false);
        assert!(!ListSettings::default().encrypting());
    }

    #[test]
    fn settings_are_set_by_name() {
        let mut settings = pgp_list();
        settings.set("subject_prefix", "[team] ").unwrap();
        settings.set("description", "42").unwrap();
        settings.set("max_message_kib", "100").unwrap();
        settings.set("unsigned_msg_action", "defer").unwrap();
        settings.set("key_signing_allowed", r#"["owner"]"#).unwrap();
        assert_eq!(settings.subject_prefix, "[team] ");
        assert_eq!(settings.description, "42");
        assert_eq!(settings.max_message_kib, 100);
        let pgp = settings.pgp.as_ref().unwrap();
        assert_eq!(pgp.unsigned_msg_action, Action::Defer);
        assert_eq!(pgp.key_signing_allowed, [Role::Owner]);
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_neighbour() {
        let mut settings = pgp_list();
        let unknown = settings.set("subjectprefix", "x").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            r#"there is no setting "subjectprefix"; did you mean "subject_prefix"?"#
        );
        for far in ["frobnicate", "postal_code", "digest_volume", "x"] {
            let unknown = settings.set(far, "x").unwrap_err().to_string();
            assert_eq!(unknown, format!("there is no setting {far:?}"));
        }
        let value = settings.set("unsigned_msg_action", "explode").unwrap_err();
        let words = r#""explode" is no value for "unsigned_msg_action": it takes one of accept, defer, hold, reject, discard"#;
        assert_eq!(value.to_string(), words);
        assert!(settings.set("pgp", "null").is_err());
        assert_eq!(settings, pgp_list());
    }

    #[test]
    fn a_plain_list_has_no_openpgp_settings() {
        let refused = ListSettings::default().set("encrypt_outgoing", "true");
        assert_eq!(refused, Err(SettingError::OfOpenpgp("encrypt_outgoing".to_owned())));
    }

    #[test]
    fn every_setting_is_documented() {
        let documented = [
            include_str!("../../../../docs/owners.md"),
            include_str!("../../../../docs/admins.md"),
            include_str!("../../../../docs/members.md"),
        ];
        let is_documented = |name: &str| documented.iter().any(|text| text.contains(&format!("`{name}")));
        let lacking: Vec<String> = pgp_list()
            .fields()
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !is_documented(name))
            .collect();
        assert_eq!(lacking, [""; 0], "write what they mean into docs/owners.md");
    }

    #[test]
    fn stored_settings_come_back() {
        let text = serde_json::to_string(&pgp_list()).unwrap();
        assert_eq!(serde_json::from_str::<ListSettings>(&text).unwrap(), pgp_list());
        assert_eq!(serde_json::from_str::<ListSettings>("{}").unwrap(), ListSettings::default());
    }
}
