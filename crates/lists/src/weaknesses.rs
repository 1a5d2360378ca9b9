//! Settings by which a list with OpenPGP gives up a promise, as a table. Owners may choose them, but must
//! know the effect: the command that sets one explains it, `doctor` warns while it is set, and the audit
//! records who set it.

use serde_json::Value;

use crate::model::attributes::AttributeChange;
use crate::model::{Action, ListSettings, MissingKey, PgpSettings, Role, SealedDelivery};
use crate::rows::NamedRows;
use crate::workflows::{Asks, Step, StepPurpose, Workflows};

/// Whether a list with these settings made the choice, on a site with these steps of workflows.
type IsChosen = fn(&ListSettings, &PgpSettings, &NamedRows<Step>) -> bool;

/// A choice that weakens a list.
#[derive(Debug)]
pub struct Weakness {
    /// The name of the check in `doctor`.
    pub check: &'static str,
    /// The effect, as a sentence that continues after the name of the list.
    pub what: &'static str,
    /// The setting and value that end the weakness.
    pub mend: &'static str,
    is_chosen: IsChosen,
}

const fn row(check: &'static str, what: &'static str, mend: &'static str, is_chosen: IsChosen) -> Weakness {
    Weakness { check, what, mend, is_chosen }
}

const ACCEPT: Action = Action::Accept;

const TABLE: &[Weakness] = &[
    row("weak list", "its copies go out in the clear", "encrypt_outgoing true", |_, pgp, _| {
        !pgp.encrypt_outgoing
    }),
    row(
        "weak list",
        "nobody asks whether its posts are signed and encrypted",
        "posting_chain pgp-posting-chain",
        |list, _, _| list.posting_chain != "pgp-posting-chain",
    ),
    row(
        "weak list",
        "unsigned mail is posted, whoever wrote it",
        "unsigned_msg_action reject",
        |_, pgp, _| pgp.unsigned_msg_action == ACCEPT,
    ),
    row("weak list", "mail in the clear is posted", "nonencrypted_msg_action reject", |_, pgp, _| {
        pgp.nonencrypted_msg_action == ACCEPT
    }),
    row("weak list", "mail with a false signature is posted", "invalid_sig_action reject", |_, pgp, _| {
        pgp.invalid_sig_action == ACCEPT
    }),
    row(
        "weak list",
        "people join by mail alone, without the proof of a key",
        "subscription_policy pgp-policy-moderate",
        |list, _, steps| lacks(list, steps, PROVES_KEY),
    ),
    row(
        "weak list",
        "whoever proves to hold any key joins, and nobody in charge is asked",
        "subscription_policy pgp-policy-moderate",
        |list, _, steps| !lacks(list, steps, PROVES_KEY) && lacks(list, steps, ASKS_MODERATORS),
    ),
    row("weak list", "mail of anybody is posted", "default_nonmember_action hold", |list, _, _| {
        list.default_nonmember_action == ACCEPT
    }),
    row(
        "key approval",
        "it takes every key that another list of this site took; new lists ask first",
        "own_key_approval true",
        |_, pgp, _| !pgp.own_key_approval,
    ),
    row(
        "list signature",
        "its copies have no signature of the list: readers see no verdict on the author",
        "sign_outgoing true",
        |_, pgp, _| !pgp.sign_outgoing,
    ),
    row(
        "bulk messages",
        "readers see how many others there are, and some programs cannot open the message",
        "delivery copies",
        |list, pgp, _| list.encrypting() && pgp.delivery == SealedDelivery::Bulk,
    ),
    row(
        "cleartext",
        "members without a key who allowed it get cleartext",
        "missing_key_action hold-and-notify",
        |list, pgp, _| list.encrypting() && pgp.missing_key_action == MissingKey::Cleartext,
    ),
    row("weak list", "mail signed by an expired key is posted", "expired_sig_action reject", |_, pgp, _| {
        pgp.expired_sig_action == ACCEPT
    }),
    row("weak list", "mail signed by a revoked key is posted", "revoked_sig_action reject", |_, pgp, _| {
        pgp.revoked_sig_action == ACCEPT
    }),
    row(
        "weak list",
        "mail signed by a key of somebody else is posted",
        "unknown_signer_action reject",
        |_, pgp, _| pgp.unknown_signer_action == ACCEPT,
    ),
    row("weak list", "mail of members without a key is posted", "no_key_action reject", |_, pgp, _| {
        pgp.no_key_action == ACCEPT
    }),
    row("weak list", "a key that nobody confirmed counts", "unconfirmed_key_action reject", |_, pgp, _| {
        pgp.unconfirmed_key_action == ACCEPT
    }),
    row("weak list", "the same signed text is posted again", "duplicate_sig_action discard", |_, pgp, _| {
        pgp.duplicate_sig_action == ACCEPT
    }),
    row(
        "weak list",
        "signed mail that is meant for others is posted",
        "misdirected_msg_action hold",
        |_, pgp, _| pgp.misdirected_msg_action == ACCEPT,
    ),
    row(
        "weak list",
        "signed mail that names no recipient is posted, however old it is",
        "unaddressed_msg_action defer",
        |_, pgp, _| pgp.unaddressed_msg_action == ACCEPT,
    ),
    row("weak list", "signatures of any date count", "wrong_date_action hold", |_, pgp, _| {
        pgp.wrong_date_action == ACCEPT
    }),
    row(
        "weak list",
        "signed texts are not remembered: they can be posted again",
        "collect_sig_hashes true",
        |_, pgp, _| !pgp.collect_sig_hashes,
    ),
    row("weak list", "Subjects stand outside the encryption", "hide_subject true", |_, pgp, _| {
        !pgp.hide_subject
    }),
    row(
        "weak list",
        "anybody may certify the key of the list",
        r#"key_signing_allowed ["owner"]"#,
        |_, pgp, _| pgp.key_signing_allowed.contains(&Role::Nonmember),
    ),
];

const PROVES_KEY: fn(&Step) -> bool = |step| step.purpose == StepPurpose::ProvesKey;
const ASKS_MODERATORS: fn(&Step) -> bool = |step| step.asks == Asks::Moderators;

/// Whether people can join without such a step. A site's own workflow is the admin's responsibility and not
/// known here.
fn lacks(list: &ListSettings, known: &NamedRows<Step>, wanted: fn(&Step) -> bool) -> bool {
    let all = Workflows::default();
    let own = list.workflows.get(&list.subscription_policy);
    let steps = own.or_else(|| all.named(&list.subscription_policy).map(|workflow| &workflow.steps));
    let has = |name: &String| known.named(name).is_some_and(wanted);
    steps.is_some_and(|steps| !steps.iter().any(has))
}

/// The weaknesses of a list with these settings, on a site with these steps of workflows. A list without
/// OpenPGP makes no promise, so it has none.
pub fn of<'a>(
    settings: &'a ListSettings,
    steps: &'a NamedRows<Step>,
) -> impl Iterator<Item = &'static Weakness> + 'a {
    let chosen = move |weakness: &&'static Weakness| {
        settings.pgp.as_ref().is_some_and(|pgp| (weakness.is_chosen)(settings, pgp, steps))
    };
    TABLE.iter().filter(chosen)
}

/// The weaknesses that a change adds.
fn new<'a>(
    before: &'a ListSettings,
    after: &'a ListSettings,
    steps: &'a NamedRows<Step>,
) -> impl Iterator<Item = &'static Weakness> + 'a {
    of(after, steps).filter(|weakness| of(before, steps).all(|earlier| earlier.what != weakness.what))
}

impl Weakness {
    /// The setting that ends it.
    fn setting(&self) -> &'static str {
        self.mend.split(' ').next().unwrap_or_default()
    }
}

/// What a list gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The effect, as a sentence that continues after the name of the list.
    pub what: String,
    /// The setting and value that end it, as `lists set` takes them.
    pub mend: String,
}

impl GivenUp {
    fn of(weakness: &Weakness) -> Self {
        Self { what: weakness.what.to_owned(), mend: weakness.mend.to_owned() }
    }

    /// What is known of a change that weakens a list and stands in no row of the table: its direction.
    fn unnamed(change: &AttributeChange) -> Self {
        Self {
            what: format!("by its new {} it protects its members less", change.name),
            mend: format!("{} {}", change.name, as_written(&change.before)),
        }
    }
}

/// What the list gives up by that change of one setting. It is recorded with the change.
pub fn given_up(
    before: &ListSettings,
    after: &ListSettings,
    steps: &NamedRows<Step>,
    change: &AttributeChange,
) -> Vec<GivenUp> {
    let known = new(before, after, steps).filter(|weakness| weakness.setting() == change.name);
    let known: Vec<GivenUp> = known.map(GivenUp::of).collect();
    match known.is_empty() && change.weakens {
        true => vec![GivenUp::unnamed(change)],
        false => known,
    }
}

/// What is said to whoever named these settings: what the changes of them give up, and what their values
/// leave weak as it was.
pub fn to_report(
    before: &ListSettings,
    after: &ListSettings,
    steps: &NamedRows<Step>,
    named: &[&str],
    changes: &[AttributeChange],
) -> Vec<GivenUp> {
    let is_new = |weakness: &Weakness| of(before, steps).all(|earlier| earlier.what != weakness.what);
    let reported =
        of(after, steps).filter(|weakness| named.contains(&weakness.setting()) || is_new(weakness));
    let mut reported: Vec<GivenUp> = reported.map(GivenUp::of).collect();
    for change in changes {
        for one in given_up(before, after, steps, change) {
            if !reported.contains(&one) {
                reported.push(one);
            }
        }
    }
    reported
}

/// A value as the command line takes it.
fn as_written(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::{Contribution, Registry};
    use crate::workflows::STEPS;

    /// Each choice is reported when it is made and not when it is taken back, and the setting that is said to
    /// end it does end it.
    #[test]
    fn every_choice_is_seen_and_can_be_mended() {
        let steps = Registry::built_in().steps.clone();
        let strong = |name: &str, value: &str| {
            let mut settings = ListSettings { pgp: Some(PgpSettings::default()), ..ListSettings::default() };
            for weakness in TABLE {
                let (setting, mended) = weakness.mend.split_once(' ').unwrap();
                settings.set(setting, mended).unwrap();
            }
            let before = settings.clone();
            settings.set(name, value).unwrap();
            let added = |from: &ListSettings, to: &ListSettings| {
                new(from, to, &steps).map(|one| one.what).collect::<Vec<_>>()
            };
            assert_eq!(added(&settings, &before), [""; 0], "{name} {value}");
            added(&before, &settings)
        };
        for weakness in TABLE {
            let (setting, mended) = weakness.mend.split_once(' ').unwrap();
            let weak = [
                "default-posting-chain",
                "accept",
                "true",
                "false",
                "bulk",
                "cleartext",
                "nonmember",
                r#"["nonmember"]"#,
                "open",
                "pgp-policy-open",
            ];
            let found = weak.iter().filter(|value| {
                let mut settings =
                    ListSettings { pgp: Some(PgpSettings::default()), ..ListSettings::default() };
                settings.set(setting, value).is_ok() && **value != mended
            });
            let found: Vec<&str> = found.flat_map(|value| strong(setting, value)).collect();
            assert!(found.contains(&weakness.what), "{setting}: {found:?}");
        }
        let plain = ListSettings { default_nonmember_action: Action::Accept, ..ListSettings::default() };
        assert_eq!(of(&plain, &steps).count(), 0, "it promises nothing");
    }

    /// A step that a plugin added counts like a built-in one.
    #[test]
    fn a_step_of_a_plugin_counts() {
        const ADDED: &[Step] = &[
            Step { name: "own-proof", purpose: StepPurpose::ProvesKey, asks: Asks::Nobody, ..STEPS[0] },
            Step { name: "own-approval", asks: Asks::Moderators, ..STEPS[0] },
        ];
        let added = Contribution { steps: ADDED, ..Contribution::default() };
        let registry = Registry::with(&[added]).unwrap();
        let check = |steps: &[&str], expected: usize| {
            let steps = steps.iter().map(|step| (*step).to_owned()).collect();
            let settings = ListSettings {
                pgp: Some(PgpSettings::default()),
                subscription_policy: "own".to_owned(),
                workflows: [("own".to_owned(), steps)].into(),
                ..ListSettings::default()
            };
            let weak = of(&settings, &registry.steps).filter(|one| one.setting() == "subscription_policy");
            assert_eq!(weak.count(), expected);
        };
        check(&["own-proof", "own-approval", "do-it"], 0);
        check(&["own-proof", "do-it"], 1);
        check(&["own-approval", "do-it"], 1);
    }

    /// The way back of a change that stands in no row is a command: what the shell reads otherwise is quoted.
    #[test]
    fn a_change_without_a_row_names_its_way_back() {
        fn check(before: Value, mend: &str) {
            let change = AttributeChange { name: "verp", before, after: json!(0), weakens: true };
            assert_eq!(GivenUp::unnamed(&change).mend, format!("verp {mend}"));
        }
        check(json!("pgp-policy-open"), "pgp-policy-open");
        check(json!(true), "true");
        check(json!(14), "14");
        check(json!(["owner"]), r#"'["owner"]'"#);
        check(json!(""), "''");
    }
}
