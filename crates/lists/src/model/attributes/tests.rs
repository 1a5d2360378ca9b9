use std::collections::BTreeSet;

use super::*;
use crate::registry::Registry;
use crate::styles::STYLES;

fn pgp_list() -> ListSettings {
    ListSettings { pgp: Some(PgpSettings::default()), ..ListSettings::default() }
}

#[test]
fn names_are_unique() {
    let names = attributes().map(|one| one.name).chain(DERIVED.iter().map(|one| one.name));
    let all: Vec<&str> = names.collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
}

/// What a style says can be set by hand too, and comes back as it was.
#[test]
fn each_default_is_a_value_that_the_attribute_takes() {
    for style in STYLES {
        let settings = style.settings();
        let mut other = if settings.has_openpgp() { pgp_list() } else { ListSettings::default() };
        for attribute in attributes() {
            let Some(value) = attribute.get(&settings) else { continue };
            attribute.set(&Registry::built_in(), &mut other, &value).unwrap();
        }
        assert_eq!(other, settings, "{}", style.name);
    }
}

/// The names in a row are those of the type: none lacks and none is too many.
#[test]
fn names_of_a_row_are_those_of_the_type() {
    for attribute in attributes() {
        let (AttributeKind::OneOf(names) | AttributeKind::Set(names)) = attribute.kind else { continue };
        let is_set = matches!(attribute.kind, AttributeKind::Set(_));
        let as_value = |name: &str| if is_set { Value::from(vec![name]) } else { Value::from(name) };
        for name in names {
            assert_eq!(
                attribute.load(&Registry::built_in(), &mut pgp_list(), &as_value(name)),
                Some(()),
                "{} {name}",
                attribute.name
            );
        }
        assert!(
            attribute.set(&Registry::built_in(), &mut pgp_list(), &as_value("no-such")).is_err(),
            "{}",
            attribute.name
        );
    }
}

/// At and beyond each bound.
#[test]
fn bounds_hold() {
    for attribute in attributes() {
        let (AttributeKind::Int { least, most } | AttributeKind::Duration { least, most, .. }) =
            attribute.kind
        else {
            continue;
        };
        let takes = |number: i64| {
            attribute.set_written(&Registry::built_in(), &mut pgp_list(), &number.to_string()).is_ok()
        };
        let all = [i64::from(least) - 1, i64::from(least), i64::from(most), i64::from(most) + 1].map(takes);
        assert_eq!(all, [false, true, true, false], "{}", attribute.name);
    }
}

#[test]
fn what_people_write_is_read_by_kind() {
    fn check(name: &str, written: &str, expected: Option<Value>) {
        let mut settings = pgp_list();
        let attribute = attribute(name).unwrap();
        let set = attribute.set_written(&Registry::built_in(), &mut settings, written);
        match expected {
            Some(value) => {
                assert_eq!(set, Ok(()), "{name} {written}");
                assert_eq!(attribute.get(&settings), Some(value), "{name} {written}");
            }
            None => {
                let words = set.unwrap_err().to_string();
                assert!(words.contains(&attribute.kind.allowed(&Registry::built_in())), "{words}");
                assert_eq!(settings, pgp_list());
            }
        }
    }
    check("description", "42", Some("42".into()));
    check("description", "\"quoted\"", Some("quoted".into()));
    check("description", "two\nlines", None);
    check("description", &"x".repeat(1001), None);
    check("footer", "two\nlines", Some("two\nlines".into()));
    check("preferred_language", "", Some("".into()));
    check("preferred_language", "fr", Some("fr".into()));
    check("preferred_language", "es", None);
    check("max_message_kib", "40", Some(40.into()));
    for bad in ["-1", "4.5", "3MB", "", "true", "[40]", "99999999999"] {
        check("max_message_kib", bad, None);
    }
    check("verp", "true", Some(true.into()));
    for bad in ["1", "perhaps", "\"true\"", ""] {
        check("verp", bad, None);
    }
    check("key_signing_allowed", r#"["owner"]"#, Some(serde_json::json!(["owner"])));
    check("key_signing_allowed", "[]", Some(serde_json::json!([])));
    check("key_signing_allowed", r#"["boss"]"#, None);
    check("key_signing_allowed", "owner", None);
    check("workflows", r#"{"a": ["do-it"]}"#, Some(serde_json::json!({"a": ["do-it"]})));
    check("workflows", r#"{"a": "do-it"}"#, None);
    check("posting_chain", "no-such", None);
    check("posting_pipeline", "no-such", None);
    check("unsigned_msg_action", "explode", None);
}

/// What a newer version wrote changes nothing, and what an older one let through is taken as it is.
#[test]
fn stored_values_are_not_judged_anew() {
    let mut settings = pgp_list();
    let load = |settings: &mut ListSettings, name: &str, value: Value| {
        attribute(name).unwrap().load(&Registry::built_in(), settings, &value)
    };
    assert_eq!(load(&mut settings, "unsigned_msg_action", "quarantine".into()), None);
    assert_eq!(load(&mut settings, "max_message_kib", "large".into()), None);
    assert_eq!(load(&mut settings, "key_signing_allowed", serde_json::json!(["owner", "boss"])), None);
    assert_eq!(settings, pgp_list());
    assert_eq!(load(&mut settings, "max_message_kib", 4_000_000_000_u32.into()), Some(()));
    assert_eq!(load(&mut settings, "description", "two\nlines".into()), Some(()));
    assert_eq!(
        load(&mut ListSettings::default(), "hide_subject", false.into()),
        None,
        "a plain list has none"
    );
}

#[test]
fn a_change_names_what_is_another_value_now() {
    let defaults = pgp_list();
    let change = |name: &str, to: NewValue| SettingChange { name: name.to_owned(), to };
    let written = |name: &str, value: &str| change(name, NewValue::Written(value.to_owned()));
    let wishes = [
        written("subject_prefix", "[a]"),
        written("subject_prefix", "[b]"),
        change("hide_subject", NewValue::Json(false.into())),
        written("verp", "false"),
    ];
    let (after, changes) = changed(&Registry::built_in(), &defaults, &defaults, &wishes).unwrap();
    let told: Vec<_> = changes.iter().map(|one| (one.name, one.after.to_string(), one.weakens)).collect();
    let expected =
        [("subject_prefix", r#""[b]""#.to_owned(), false), ("hide_subject", "false".to_owned(), true)];
    assert_eq!(told, expected);
    let resets = ["hide_subject", "subject_prefix"].map(|name| change(name, NewValue::Default));
    let (again, changes) = changed(&Registry::built_in(), &after, &defaults, &resets).unwrap();
    assert_eq!((again, changes.len()), (defaults.clone(), 2));
    // One wrong wish, and nothing is changed.
    let half = [written("subject_prefix", "[c]"), written("sign_outgoing", "perhaps")];
    assert!(changed(&Registry::built_in(), &defaults, &defaults, &half).is_err());
}

/// Every attribute by which a list with OpenPGP can give something up, with a step in that direction; each
/// other attribute says that no change of it does.
#[test]
fn each_weakening_is_seen_in_its_direction_alone() {
    const ACTIONS: [(&str, &str); 3] = [("reject", "hold"), ("hold", "defer"), ("defer", "accept")];
    let moderate = "pgp-policy-moderate";
    let mut steps: Vec<(&str, &str, &str)> = vec![
        ("subscription_policy", moderate, "pgp-policy-open"),
        ("subscription_policy", moderate, "pgp-policy-confirm"),
        ("subscription_policy", moderate, "no-such"),
        ("unsubscription_policy", "pgp-policy-leave", "open"),
        ("command_workflow", "pgp-confirm-command", "command"),
        ("key_change_workflow", "pgp-key-change-mod-workflow", "pgp-key-change-workflow"),
        ("confirmed_commands", r#"["who", "help"]"#, r#"["help"]"#),
        ("member_roster_visibility", "moderators", "members"),
        ("member_roster_visibility", "members", "public"),
        ("posting_chain", "pgp-posting-chain", "default-posting-chain"),
        ("posting_pipeline", "default-posting-pipeline", "owner-pipeline"),
        ("reply_goes_to", "list", "author"),
        ("archive", "false", "true"),
        ("unaddressed_max_age_h", "24", "25"),
        ("unsigned_subject", "drop", "mark"),
        ("collect_sig_hashes", "true", "false"),
        ("strip_original_sig", "false", "true"),
        ("sign_outgoing", "true", "false"),
        ("encrypt_outgoing", "true", "false"),
        ("hide_subject", "true", "false"),
        ("anonymous", "true", "false"),
        ("delivery", "copies", "bulk"),
        ("delivery", "personalized", "bulk"),
        ("missing_key_action", "skip", "cleartext"),
        ("key_overlap_days", "90", "91"),
        ("own_key_approval", "true", "false"),
        ("change_request_life_h", "23", "24"),
        ("key_signing_allowed", r#"["owner"]"#, r#"["owner", "nonmember"]"#),
        ("key_signing_allowed", r#"["owner"]"#, r#"["member"]"#),
        ("workflows", r#"{"own": ["moderation-checks", "do-it"]}"#, r#"{"own": ["do-it"]}"#),
        ("workflows", r#"{"own": ["do-it"]}"#, "{}"),
    ];
    let of_actions =
        attributes().filter(|one| one.name.ends_with("_action") && one.name != "missing_key_action");
    steps.extend(of_actions.flat_map(|one| ACTIONS.map(|(strong, weak)| (one.name, strong, weak))));
    let with = |name: &str, value: &str| {
        let mut settings = pgp_list();
        if name == "workflows" {
            settings.set("subscription_policy", "own").unwrap();
        }
        settings.set(name, value).unwrap();
        settings
    };
    for (name, strong, weak) in &steps {
        let attribute = attribute(name).unwrap();
        let (strong, weak) = (with(name, strong), with(name, weak));
        assert!(attribute.weakens(&strong, &weak), "{name}");
        let is_back_unclear =
            matches!(attribute.weakening, Weakening::FewerChecks | Weakening::FewerChecksInUse);
        assert!(is_back_unclear || !attribute.weakens(&weak, &strong), "{name}: the way back");
        assert!(!attribute.weakens(&strong, &strong), "{name}: no change");
        let plain = |settings: &ListSettings| ListSettings { pgp: None, ..settings.clone() };
        assert!(!attribute.weakens(&plain(&strong), &plain(&weak)), "{name}: a plain list promises nothing");
    }
    for attribute in attributes() {
        let is_in_table = steps.iter().any(|(name, ..)| *name == attribute.name);
        assert_eq!(attribute.weakening != Weakening::Never, is_in_table, "{}", attribute.name);
    }
}

/// A signature asks for more than an answer does.
#[test]
fn a_stronger_check_in_place_of_another_weakens_nothing() {
    let attribute = attribute("subscription_policy").unwrap();
    for (before, after, expected) in [
        ("open", "confirm", false),
        ("open", "pgp-policy-open", false),
        ("confirm", "pgp-policy-open", false),
        ("pgp-policy-confirm", "pgp-policy-moderate", false),
        ("pgp-policy-confirm_then_moderate", "pgp-policy-moderate", false),
        ("moderate", "confirm_then_moderate", false),
        ("confirm", "moderate", true),
        ("moderate", "pgp-policy-confirm", true),
        ("pgp-policy-moderate", "confirm_then_moderate", true),
    ] {
        let with = |policy: &str| ListSettings { subscription_policy: policy.to_owned(), ..pgp_list() };
        assert_eq!(attribute.weakens(&with(before), &with(after)), expected, "{before} {after}");
    }
}
