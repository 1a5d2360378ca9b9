//! Whether a list can work with settings, beyond what each attribute takes by itself.

use sealist_lists::chains;
use sealist_lists::handlers::unknown_placeholders;
use sealist_lists::model::attributes::{AttributeKind, attributes};
use sealist_lists::model::{ListSettings, ReplyTo};
use sealist_lists::workflows::{self, Asks, Step, StepPurpose, Workflow, Workflows, step_named};

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

/// Whether all settings together make a list that works. `of_site`: the workflows of the site.
pub(super) fn check(settings: &ListSettings, of_site: &Workflows) -> Result<(), SettingRefused> {
    // A list with OpenPGP would ask for no signature by the chain of others.
    if let Some(own) = chains::of_posts(settings.has_openpgp())
        && own.name != settings.posting_chain
    {
        return Err(SettingRefused::OtherChain { name: settings.posting_chain.clone(), own: own.name });
    }
    for (name, steps) in &settings.workflows {
        let (name, description) = (name.clone(), String::new());
        workflows::check(&Workflow { name, description, steps: steps.clone() })?;
    }
    for attribute in attributes().filter(|attribute| attribute.kind == AttributeKind::Workflow) {
        let Some(name) = attribute.get(settings) else { continue };
        check_workflow(settings, of_site, attribute.name, name.as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn check_workflow(
    settings: &ListSettings,
    of_site: &Workflows,
    setting: &'static str,
    name: &str,
) -> Result<(), SettingRefused> {
    let Some(found) = workflow_of(settings, of_site, name) else {
        let own = settings.workflows.keys().map(String::as_str);
        let known = own.chain(of_site.all().map(|workflow| workflow.name.as_str()));
        let known = known.collect::<Vec<_>>().join(", ");
        return Err(SettingRefused::NoWorkflow { setting, name: name.to_owned(), known });
    };
    let has =
        |wanted: &dyn Fn(&Step) -> bool| found.steps.iter().any(|name| step_named(name).is_some_and(wanted));
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
