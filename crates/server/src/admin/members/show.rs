//! Members as text and as data.

use std::fmt::Write as _;

use sealist_app::{MemberKeyState, MemberView};
use sealist_lists::model::{DeliveryStatus, MailingList, PreferenceSource};
use serde_json::json;

use crate::admin::CommandOutput;

/// A line for each member, with what keeps posts from them.
pub(super) fn roster(list: &MailingList, members: &[MemberView]) -> CommandOutput {
    let encrypts = list.settings.encrypting();
    let mut text = String::new();
    for view in members {
        let mut notes = Vec::new();
        if view.delivery_status != DeliveryStatus::Enabled {
            notes.push(format!("delivery {}", view.delivery_status));
        }
        if encrypts && view.key.state != MemberKeyState::Usable {
            notes.push(format!("key {}", view.key.state));
        }
        notes.extend(view.moderation_action.map(|action| format!("posts {action}")));
        let line = format!("{:<10} {:<40} {:<24} {}", view.role, view.address, view.name, notes.join(", "));
        text += line.trim_end();
        text += "\n";
    }
    (text, json!(members))
}

/// A line for each list and role of each address.
pub(super) fn found(members: &[MemberView]) -> CommandOutput {
    let mut text = String::new();
    for view in members {
        let line = format!("{:<40} {:<10} {:<40} {}", view.address, view.role, view.list, view.name);
        text += line.trim_end();
        text += "\n";
    }
    (text, json!(members))
}

/// All about each membership.
pub(super) fn in_full(members: &[MemberView]) -> CommandOutput {
    let texts: Vec<String> = members.iter().map(membership).collect();
    (texts.join("\n"), json!(members))
}

fn membership(view: &MemberView) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<22} {value}");
    };
    line("address", &view.address);
    line("name", &view.name);
    line("role", view.role.name());
    line("since", &view.subscribed_at);
    line("subscribed as", if view.as_user { "user: it follows the preferred address" } else { "address" });
    line("address verified", if view.verified { "yes" } else { "no" });
    let fingerprint = view.key.fingerprint.as_deref().unwrap_or_default();
    line("key", format!("{} {fingerprint}", view.key.state).trim_end());
    if let Some(reason) = &view.key.reason {
        line("", reason);
    }
    let last = view.last_bounce_at.as_deref().map(|at| format!(", the last {at}")).unwrap_or_default();
    line("bounce score", &format!("{}{last}", view.bounce_score));
    line("moderation_action", view.moderation_action.map_or("(that of the list)", |action| action.name()));
    for preference in &view.preferences {
        let value = match preference.value.to_string() {
            empty if empty.is_empty() => "(that of the list)".to_owned(),
            value => value,
        };
        line(preference.name, &format!("{value:<22} {}", source(preference.source)));
    }
    text
}

/// Why nothing can be encrypted to that key, and the fix; `None`: it can be.
pub(super) fn want_of_key(state: MemberKeyState) -> Option<&'static str> {
    match state {
        MemberKeyState::Missing => {
            Some("without a key nothing can be sent there; fix: `sealist keys import` takes one")
        }
        MemberKeyState::PendingApproval => Some(
            "its key came from another list, and waits until those in charge approve it, or `sealist keys approve` does",
        ),
        MemberKeyState::InDoubt | MemberKeyState::Unusable => {
            Some("its key cannot be used, and without one nothing can be sent there: see `sealist keys show`")
        }
        MemberKeyState::Usable => None,
    }
}

fn source(source: PreferenceSource) -> &'static str {
    match source {
        PreferenceSource::Member => "set for the member",
        PreferenceSource::Address => "set for the address, on all lists",
        PreferenceSource::User => "set for the user, for all addresses",
        PreferenceSource::Site => "set for the site",
        PreferenceSource::Default => "default",
    }
}
