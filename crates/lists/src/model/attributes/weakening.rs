//! Which change of an attribute weakens a list with OpenPGP. The owners of the list are told of such a
//! change.

use serde_json::Value;

use super::super::ListSettings;
use super::Weakening;
use crate::workflows::Workflows;

/// A change of one attribute.
pub(super) struct ValueChange<'a> {
    pub(super) before: (&'a ListSettings, Value),
    pub(super) after: (&'a ListSettings, Value),
}

impl Weakening {
    /// Whether the change goes in that direction.
    pub(super) fn is_seen_in(self, change: &ValueChange<'_>) -> bool {
        let (before, after) = (&change.before.1, &change.after.1);
        match self {
            Self::Never => false,
            Self::On => before == false && after == true,
            Self::Off => before == true && after == false,
            Self::Order(groups) => rank(groups, after) > rank(groups, before),
            Self::Grows => after.as_u64() > before.as_u64(),
            Self::Loses => has_more(before, after),
            Self::Leaves(strong) => before == strong && after != strong,
            Self::FewerChecks => {
                let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                before != after && checks_less(change, &name(before), &name(after))
            }
            Self::FewerChecksInUse => {
                workflows_in_use(change.before.0).into_iter().any(|name| checks_less(change, name, name))
            }
        }
    }
}

/// The group of a value, or of the weakest value of a set; `None`: the set is empty. Values of which nothing
/// is known count as the weakest.
fn rank(groups: &[&[&str]], value: &Value) -> Option<usize> {
    let of_one = |one: &Value| {
        let is_in = |group: &&[&str]| one.as_str().is_some_and(|name| group.contains(&name));
        groups.iter().position(is_in).unwrap_or(groups.len())
    };
    match value.as_array() {
        Some(items) => items.iter().map(of_one).max(),
        None => Some(of_one(value)),
    }
}

fn has_more(one: &Value, other: &Value) -> bool {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let others = items(other);
    items(one).iter().any(|item| !others.contains(item))
}

/// A step that protects a list.
struct ProtectingStep {
    name: &'static str,
    /// Steps that ask for more: where one of them is taken, nothing is lost.
    stronger: &'static [&'static str],
}

const CHECKS: [ProtectingStep; 5] = [
    ProtectingStep { name: "moderation-checks", stronger: &[] },
    ProtectingStep { name: "pubkey-checks", stronger: &[] },
    ProtectingStep { name: "pubkey-confirmation", stronger: &[] },
    ProtectingStep { name: "confirmation-checks", stronger: &["pubkey-confirmation"] },
    ProtectingStep { name: "verification-checks", stronger: &["confirmation-checks", "pubkey-confirmation"] },
];

impl ProtectingStep {
    fn is_in(&self, steps: &[String]) -> bool {
        steps.iter().any(|step| step == self.name || self.stronger.contains(&step.as_str()))
    }
}

fn workflows_in_use(settings: &ListSettings) -> Vec<&str> {
    let own = [&settings.subscription_policy, &settings.unsubscription_policy, &settings.command_workflow];
    let of_keys = settings.pgp.as_ref().map(|pgp| &pgp.key_change_workflow);
    own.into_iter().chain(of_keys).map(String::as_str).collect()
}

/// Whether the one workflow makes a check that the other does not. A workflow of the site's own is not known
/// here: then the owners are told, unless its name stays.
fn checks_less(change: &ValueChange<'_>, before: &str, after: &str) -> bool {
    match (steps(change.before.0, before), steps(change.after.0, after)) {
        (Some(before), Some(after)) => {
            CHECKS.iter().any(|check| check.is_in(&before) && !check.is_in(&after))
        }
        (None, None) => before != after,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

fn steps(settings: &ListSettings, workflow: &str) -> Option<Vec<String>> {
    let own = settings.workflows.get(workflow).cloned();
    own.or_else(|| Workflows::default().named(workflow).map(|workflow| workflow.steps.clone()))
}
