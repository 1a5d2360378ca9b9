//! The admin's own words: files that cannot be used.

use super::Finding;
use crate::config::Config;
use crate::templates;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let folder = config.templates();
    let warning = |fault: sealist_lists::texts::Fault| {
        let fix = format!("mend or remove {}; until then ours is used", folder.join(&fault.path).display());
        Finding::warning("template", format!("{}: {}", fault.path, fault.detail), fix)
    };
    templates::faults(config).into_iter().map(warning).collect()
}
