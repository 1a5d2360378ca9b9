//! Section `[workflows.NAME]`: workflows that the site composes of steps.

use std::collections::BTreeMap;

use sealist_lists::registry::{Registry, RegistryError};
use sealist_lists::workflows::Workflow;
use serde::{Deserialize, Serialize};

/// The site's workflows by name.
pub(crate) type OwnWorkflows = BTreeMap<String, OwnWorkflow>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OwnWorkflow {
    /// What the workflow requires, in one line.
    pub(crate) description: String,
    /// The names of its steps. `sealist workflows` lists the known ones.
    pub(crate) steps: Vec<String>,
}

/// The registry of the site. Errs if one of its own workflows is invalid.
pub(super) fn with_own(own: &OwnWorkflows) -> Result<Registry, RegistryError> {
    let mut all = Registry::with(&[])?;
    for (name, OwnWorkflow { description, steps }) in own {
        let (name, description, steps) = (name.clone(), description.clone(), steps.clone());
        all.add_workflow(Workflow { name, description, steps })?;
    }
    Ok(all)
}
