//! All settings of a list, with Mailman's and mailman-pgp's names where they have one.
//!
//! A line declares a setting: its name, type, default and kind, and which change of it weakens a list with
//! OpenPGP. The defaults are those of `legacy-default`; styles give other values (`styles.rs`). Only what
//! differs from the style is stored.

use std::collections::BTreeMap;

use super::setting_row::{
    ACTION, AttributeKind, BOOL, PASSES, SettingRow, SettingValue, TimeUnit, WORKFLOW, Weakening, days,
    first, hours, number, settings,
};
use super::{Action, PgpSettings, ReplyTo, RosterVisibility, SealedDelivery};
use crate::texts::Language;

/// Of texts that go into header fields.
const WORDS: AttributeKind = AttributeKind::Line { most_octets: 1000 };
const MINUTES: AttributeKind =
    AttributeKind::Duration { unit: TimeUnit::Minutes, least: 0, most: 365 * 24 * 60 };
/// Others change nothing, are answers, or have workflows of their own.
const COMMANDS: AttributeKind = AttributeKind::Set(&["echo", "help", "who"]);
const PIPELINE: &str = "default-posting-pipeline";
const WORKFLOWS: AttributeKind = AttributeKind::Workflows;
const ASKS_FOR_LESS: Weakening = Weakening::Leaves("pgp-posting-chain");
const REPLY_TO: AttributeKind = AttributeKind::OneOf(ReplyTo::NAMES);
const ROSTER: AttributeKind = AttributeKind::OneOf(RosterVisibility::NAMES);
const SHOWS_ROSTER: Weakening = Weakening::Order(&[&["moderators"], &["members"], &["public"]]);

settings! {
    /// The settings of a list.
    pub struct ListSettings {
        /// The name people see. Empty: made from the local part.
        display_name: String = String::new(), WORDS;
        /// One line that says what the list is for; part of List-Id (RFC 2919).
        description: String = String::new(), WORDS;
        /// The language of what the list writes, for readers who chose none. Empty: that of the site.
        preferred_language: Option<Language> = None, AttributeKind::Language;
        /// Put before each Subject. Empty: none.
        subject_prefix: String = String::new(), WORDS;
        /// Through which workflow an address becomes a member: see `workflows`.
        subscription_policy: String = "confirm".into(), WORKFLOW, Weakening::FewerChecks;
        /// Through which workflow a member leaves.
        unsubscription_policy: String = "confirm".into(), WORKFLOW, Weakening::FewerChecks;
        /// Through which workflow a command runs that changes something for a member (`set`).
        command_workflow: String = "confirm-command".into(), WORKFLOW, Weakening::FewerChecks;
        /// Commands that run through `command_workflow` too, although they change nothing: `who`, `echo`.
        confirmed_commands: Vec<String> = Vec::new(), COMMANDS, Weakening::Loses;
        /// Hours that a question to a person can be answered.
        request_life_h: u32 = 72, hours(1, 8760);
        /// Days that a request waits for a moderator.
        moderation_life_d: u32 = 30, days(1);
        /// Workflows of this list: a name, and the names of the steps.
        workflows: BTreeMap<String, Vec<String>> = BTreeMap::new(), WORKFLOWS, Weakening::FewerChecksInUse;
        /// Who may ask who the members are.
        member_roster_visibility: RosterVisibility = RosterVisibility::Moderators, ROSTER, SHOWS_ROSTER;
        /// Whether new members get a notice that greets them.
        send_welcome_message: bool = true, BOOL;
        /// Whether who leaves gets a notice that says so.
        send_goodbye_message: bool = true, BOOL;
        /// Whether owners and moderators hear at once of requests that wait for them.
        admin_immed_notify: bool = true, BOOL;
        /// Whether owners and moderators hear of it when members come and go.
        admin_notify_mchanges: bool = false, BOOL;
        /// Which chain judges posts: see `chains`.
        posting_chain: String = "default-posting-chain".into(), AttributeKind::Chain, ASKS_FOR_LESS;
        /// Which handlers make the copies: see `pipelines`.
        posting_pipeline: String = PIPELINE.into(), AttributeKind::Pipeline, Weakening::Leaves(PIPELINE);
        /// For posts of members who have no action of their own.
        default_member_action: Action = Action::Defer, ACTION, PASSES;
        /// For posts of everybody else.
        default_nonmember_action: Action = Action::Hold, ACTION, PASSES;
        /// Posts above this many KiB are held. 0: no limit but the server's own. What is also larger than 1
        /// MiB is refused when it comes.
        max_message_kib: u32 = 40, number(1_048_576);
        /// Days that a message waits for a moderator; then it is deleted, with a notice. 0: it waits for
        /// ever.
        max_days_to_hold: u32 = 30, days(0);
        /// Messages of strangers that may wait for a moderator, and as many of members. 0: no limit.
        max_held_messages: u32 = 500, number(1_000_000);
        /// MiB that they may take together. 0: no limit.
        max_held_mib: u32 = 64, number(1_048_576);
        /// After so many days moderators are reminded of a message that waits, and again after as many. 0:
        /// never.
        hold_reminder_days: u32 = 7, days(0);
        /// After the first notices of a kind on a day, facts gather for so many minutes, and one notice tells
        /// them all.
        summary_pause_min: u32 = 240, MINUTES;
        /// Whether authors hear that their posts wait for a moderator, where that tells no secret.
        respond_to_post_requests: bool = true, BOOL;
        /// Where answers go. On an encrypting list always to the list.
        reply_goes_to: ReplyTo = ReplyTo::Author, REPLY_TO, Weakening::Leaves("list");
        /// Whether the list shows List-Post; announce lists do not (RFC 2369).
        allow_list_posts: bool = true, BOOL;
        /// Text behind each post; `{list}` and `{address}` are filled in. Empty: none.
        footer: String = String::new(), AttributeKind::Text { most_octets: 10_000 };
        /// Whether accepted posts are kept after their last delivery. There is no reader for them yet.
        archive: bool = false, BOOL, Weakening::On;
        /// Whether each copy has an envelope sender of its own, by which a bounce tells whom it is about.
        /// Copies that go to several recipients at once have none. PGP styles say yes: their copies have one
        /// recipient anyway.
        verp: bool = false, BOOL;
        /// Whether bounces count.
        process_bounces: bool = true, BOOL;
        /// After so many days with bounces, posts to a member stop.
        bounce_score_threshold: u32 = 5, days(0);
        /// Whether a member is asked then whether mail arrives, and posts stop only if that notice comes back
        /// too.
        verp_probes: bool = false, BOOL;
        /// A member whose last bounce is so many days old begins anew.
        bounce_info_stale_after_days: u32 = 7, days(0);
    }
    and {
        /// The OpenPGP side; `None` on plain lists.
        pgp: Option<PgpSettings> = None;
    }
}

impl ListSettings {
    /// Whether the list demands encryption in or out: then nothing of its mail is kept in the clear.
    /// The one function that answers this for the whole code (design promise 2).
    pub fn encrypting(&self) -> bool {
        self.pgp.as_ref().is_some_and(|pgp| {
            pgp.encrypt_outgoing || !matches!(pgp.nonencrypted_msg_action, Action::Accept | Action::Defer)
        })
    }

    /// Whether copies to many members have one envelope sender: what comes back of a copy does not show then
    /// to whom it went.
    pub fn shares_envelope_sender(&self) -> bool {
        let is_bulk = |pgp: &PgpSettings| pgp.encrypt_outgoing && pgp.delivery == SealedDelivery::Bulk;
        !self.verp || self.pgp.as_ref().is_some_and(is_bulk)
    }

    /// Octets above which a message for the posting address is refused when it comes; `None`: no limit but
    /// the server's. Up to 1 MiB a moderator may let pass what is larger than the list allows.
    pub fn refused_above_octets(&self) -> Option<u64> {
        (self.max_message_kib > 0).then(|| u64::from(self.max_message_kib).max(1024) * 1024)
    }

    /// Whether the list has OpenPGP.
    pub fn has_openpgp(&self) -> bool {
        self.pgp.is_some()
    }

    /// Whether the list signs what it sends.
    pub fn signs(&self) -> bool {
        self.pgp.as_ref().is_some_and(|pgp| pgp.sign_outgoing)
    }

    /// Whether copies leave encrypted to their readers.
    pub fn encrypts_copies(&self) -> bool {
        self.pgp.as_ref().is_some_and(|pgp| pgp.encrypt_outgoing)
    }

    /// Whether the Subject outside the encryption is hidden.
    pub fn hides_subject(&self) -> bool {
        self.pgp.as_ref().is_some_and(|pgp| pgp.hide_subject)
    }

    /// Whether those in charge of the list approve each key themselves.
    pub fn approves_keys(&self) -> bool {
        self.pgp.as_ref().is_some_and(|pgp| pgp.own_key_approval)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Role, SettingError};
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
            let names: Vec<&str> = settings.fields().into_iter().map(|(name, _)| name).collect();
            assert_eq!(unknown, format!("there is no setting {far:?}; there are {}", names.join(", ")));
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
}
