//! Whether a list can work with settings, beyond what each attribute takes by itself.

use sealist_lists::chains;
use sealist_lists::handlers::unknown_placeholders;
use sealist_lists::model::attributes::{AttributeKind, attributes};
use sealist_lists::model::{ListSettings, ReplyTo};
use sealist_lists::registry::Registry;
use sealist_lists::workflows::{self, Asks, Step, StepPurpose, Workflow};

use super::SettingRefused;
use crate::requests::workflow_of;

/// What a list may have from an earlier version: only whoever sets it anew is refused.
pub(super) fn check_new(settings: &ListSettings, name: &str) -> Result<(), SettingRefused> {
    match name {
        "reply_goes_to" if settings.reply_goes_to == ReplyTo::Author && settings.encrypting() => {
            Err(SettingRefused::AuthorOutside)
        }
        "footer" => match unknown_placeholders(&settings.footer) {
            unknown if unknown.is_empty() => Ok(()),
            unknown => Err(SettingRefused::Placeholders(unknown)),
        },
        _ => Ok(()),
    }
}

/// Whether all settings together make a list that works. What did not fit before the change is no reason to
/// refuse the change: a newer version, or an earlier configuration of the site, may have made it so.
pub(super) fn check(
    before: &ListSettings,
    after: &ListSettings,
    registry: &Registry,
) -> Result<(), SettingRefused> {
    let earlier: Vec<String> = faults(before, registry).iter().map(ToString::to_string).collect();
    let new = faults(after, registry).into_iter().find(|fault| !earlier.contains(&fault.to_string()));
    new.map_or(Ok(()), Err)
}

/// Everything because of which the settings together make no list that works.
fn faults(settings: &ListSettings, registry: &Registry) -> Vec<SettingRefused> {
    let mut faults = Vec::new();
    // A list with OpenPGP would ask for no signature by the chain of others.
    let chosen = registry.chains.named(&settings.posting_chain);
    if let Some(own) = chains::of_posts(settings.has_openpgp())
        && chosen.is_none_or(|chosen| chosen.judges != own.judges)
    {
        faults.push(SettingRefused::OtherChain { name: settings.posting_chain.clone(), own: own.name });
    }
    for (name, steps) in &settings.workflows {
        let (name, description) = (name.clone(), String::new());
        let own = Workflow { name, description, steps: steps.clone() };
        faults.extend(workflows::check(&registry.steps, &own).err().map(SettingRefused::from));
    }
    for (setting, name) in workflow_names(settings) {
        faults.extend(check_workflow(settings, registry, setting, &name).err());
    }
    faults
}

/// The settings that name a workflow, and what they name.
pub(crate) fn workflow_names(settings: &ListSettings) -> impl Iterator<Item = (&'static str, String)> + '_ {
    let of_workflows = attributes().filter(|attribute| attribute.kind == AttributeKind::Workflow);
    of_workflows.filter_map(|attribute| {
        let name = attribute.get(settings)?;
        Some((attribute.name, name.as_str().unwrap_or_default().to_owned()))
    })
}

fn check_workflow(
    settings: &ListSettings,
    registry: &Registry,
    setting: &'static str,
    name: &str,
) -> Result<(), SettingRefused> {
    let Some(found) = workflow_of(settings, registry, name) else {
        let own = settings.workflows.keys().map(String::as_str);
        let known = own.chain(registry.workflows.all().map(|workflow| workflow.name.as_str()));
        let known = known.collect::<Vec<_>>().join(", ");
        return Err(SettingRefused::NoWorkflow { setting, name: name.to_owned(), known });
    };
    let has = |wanted: &dyn Fn(&Step) -> bool| {
        found.steps.iter().any(|name| registry.steps.named(name).is_some_and(wanted))
    };
    let is_about_keys = |step: &Step| matches!(step.purpose, StepPurpose::TakesKey | StepPurpose::ProvesKey);
    if !settings.has_openpgp() && has(&is_about_keys) {
        return Err(SettingRefused::AsksForKeys(name.to_owned()));
    }
    let asks = |step: &Step| step.purpose == StepPurpose::ProvesKey || step.asks == Asks::Moderators;
    if settings.has_openpgp() && setting != "subscription_policy" && !has(&asks) {
        return Err(SettingRefused::Unsigned(name.to_owned()));
    }
    Ok(())
}
