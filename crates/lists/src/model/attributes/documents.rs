//! The documents that are made from the tables of attributes: `UPDATE_EXPECT=1` writes them.

use std::fmt::Write as _;

use expect_test::expect_file;

use super::*;
use crate::registry::Registry;
use crate::styles::{STYLES, Style};
use crate::texts::{TextPlace, Texts};

/// The names as Mailman 3.3.10 gives them, for `GET /3.1/lists/LIST/config`.
const NAMES: &str = "
accept_these_nonmembers acceptable_aliases admin_immed_notify admin_notify_mchanges administrivia
advertised allow_list_posts anonymous_list archive_policy archive_rendering_mode autorespond_owner
autorespond_postings autorespond_requests autoresponse_grace_period autoresponse_owner_text
autoresponse_postings_text autoresponse_request_text bounce_info_stale_after
bounce_notify_owner_on_bounce_increment bounce_notify_owner_on_disable
bounce_notify_owner_on_removal bounce_score_threshold bounce_you_are_disabled_warnings
bounce_you_are_disabled_warnings_interval bounces_address collapse_alternatives
convert_html_to_plaintext created_at default_member_action default_nonmember_action description
digest_last_sent_at digest_send_periodic digest_size_threshold digest_volume_frequency
digests_enabled discard_these_nonmembers display_name dmarc_addresses dmarc_mitigate_action
dmarc_mitigate_unconditionally dmarc_moderation_notice dmarc_wrapped_message_text emergency
filter_action filter_content filter_extensions filter_types first_strip_reply_to
forward_unrecognized_bounces_to fqdn_listname gateway_to_mail gateway_to_news hold_these_nonmembers
include_rfc2369_headers info join_address last_post_at leave_address linked_newsgroup list_name
mail_host max_days_to_hold max_message_size max_num_recipients member_roster_visibility
moderator_password newsgroup_moderation next_digest_number nntp_prefix_subject_too no_reply_address
owner_address pass_extensions pass_types personalize post_id posting_address posting_pipeline
preferred_language process_bounces reject_these_nonmembers reply_goes_to_list reply_to_address
request_address require_explicit_destination respond_to_post_requests send_goodbye_message
send_welcome_message subject_prefix subscription_policy unsubscription_policy usenet_watermark
volume
";

#[test]
fn every_attribute_of_mailmans_has_a_row() {
    let rows: Vec<&str> = MAILMAN.iter().map(|row| row.name).collect();
    assert_eq!(rows, NAMES.split_whitespace().collect::<Vec<_>>());
    assert_eq!(rows.len(), 93);
}

#[test]
fn what_acts_is_an_attribute_here() {
    for row in MAILMAN {
        let (MailmanSupport::Acts(name) | MailmanSupport::Partly(name, _)) = row.here else {
            assert!(attribute(row.name).is_none(), "{} is a setting here", row.name);
            continue;
        };
        let is_here = attribute(name).is_some() || DERIVED.iter().any(|derived| derived.name == name);
        assert!(is_here, "{}: there is no {name}", row.name);
    }
}

#[test]
fn the_documentation_has_all_attributes_of_mailmans() {
    let mut page = String::from(
        "# Mailman's attributes of a list

Mailman 3.3.10 gives a list 93 attributes in its REST interface. This page says what Sealist does with each of them. It is made from
`crates/lists/src/model/attributes/mailman.rs`. Our own settings are in [settings.md](settings.md).

| attribute | here | |
|---|---|---|
",
    );
    for row in MAILMAN {
        let (here, words) = match row.here {
            MailmanSupport::Acts(name) => (format!("acts as `{name}`"), ""),
            MailmanSupport::Partly(name, words) => (format!("acts in part as `{name}`"), words),
            MailmanSupport::Later(words) => ("comes later".to_owned(), words),
            MailmanSupport::Never(words) => ("does not come".to_owned(), words),
        };
        writeln!(page, "| `{}` | {here} | {words} |", row.name).unwrap();
    }
    expect_file!["../../../../../docs/mailman-attributes.md"].assert_eq(&page);
}

#[test]
fn the_documentation_has_every_setting() {
    let mut page = String::from(HEAD);
    for (heading, scope) in [
        ("Settings of every list", AttributeScope::EveryList),
        ("Settings of lists with OpenPGP", AttributeScope::OpenPgpLists),
    ] {
        write!(
            page,
            "\n## {heading}\n\n| setting | what it says | it takes | default |\n|---|---|---|---|\n"
        )
        .unwrap();
        for attribute in attributes().filter(|attribute| attribute.scope == scope) {
            let mark = if attribute.weakening == Weakening::Never { "" } else { " (!)" };
            let (says, takes) =
                (sentence(attribute.name), cell(&attribute.kind.allowed(&Registry::built_in())));
            writeln!(page, "| `{}`{mark} | {says} | {takes} | {} |", attribute.name, default(&attribute))
                .unwrap();
        }
    }
    page.push_str("\n## What is only read\n\n| attribute | what it says |\n|---|---|\n");
    for derived in DERIVED {
        writeln!(page, "| `{}` | {} |", derived.name, sentence(derived.name)).unwrap();
    }
    expect_file!["../../../../../docs/settings.md"].assert_eq(&page);
}

const HEAD: &str = "# All settings of a list

    sealist lists show team@lists.example.org
    sealist lists set team@lists.example.org subject_prefix \"[team] \"
    sealist lists set team@lists.example.org max_message_kib=100 send_welcome_message=false
    sealist lists reset team@lists.example.org max_message_kib

`set` changes all that it names, or nothing. `reset` gives a setting the default of the list's style back. A change that weakens a list
with OpenPGP is told to its owners and moderators, with who made it; settings by which that can happen have a (!) here.

This page is made from the table of attributes. [owners.md](owners.md) says how the settings work together, and
[mailman-attributes.md](mailman-attributes.md) what becomes of Mailman's attributes.
";

fn sentence(name: &str) -> String {
    cell(&Texts::default().attribute(name, &TextPlace::default()))
}

fn cell(words: &str) -> String {
    words.trim().replace('|', "\\|")
}

/// The default of most styles, and behind it the styles that have another.
fn default(attribute: &Attribute) -> String {
    let of_style = |style: &Style| Some((style.name, attribute.get(&style.settings())?));
    let all: Vec<(&str, Value)> = STYLES.iter().filter_map(of_style).collect();
    let mut values: Vec<&Value> = Vec::new();
    for (_, value) in &all {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let written = |value: &Value| match value.as_str() {
        Some("") => "nothing".to_owned(),
        Some(text) => format!("`{text}`"),
        None => format!("`{value}`"),
    };
    let mut words = values.first().map(|value| written(value)).unwrap_or_default();
    for value in values.iter().skip(1) {
        let of: Vec<&str> = all.iter().filter(|(_, other)| other == *value).map(|(name, _)| *name).collect();
        write!(words, "; {}: {}", of.join(", "), written(value)).unwrap();
    }
    words
}
