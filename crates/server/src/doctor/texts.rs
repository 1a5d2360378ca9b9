//! Checks the admin's own texts: files that cannot be used, or that no notice uses.

use sealist_app::{App, AppError};
use sealist_lists::handlers::{FOOTER_VALUES, unknown_placeholders};
use sealist_lists::model::MailingList;

use super::Diagnosis;
use crate::config::Config;
use crate::templates;

pub(super) fn examine(config: &Config) -> Vec<Diagnosis> {
    let folder = config.templates();
    let warning = |fault: sealist_lists::texts::Fault| {
        let fix = format!("mend or remove {}; until then ours is used", folder.join(&fault.path).display());
        Diagnosis::warning("template", format!("{}: {}", fault.path, fault.detail), fix)
    };
    templates::faults(config).into_iter().map(warning).collect()
}

/// Files for lists and mail hosts that do not exist.
pub(super) async fn examine_scopes(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let all = app.as_operator().lists().all().await?;
    let known = |path: &String| match path.split('/').collect::<Vec<_>>().as_slice() {
        ["lists", list_id, ..] => all.iter().any(|list| list.name.list_id() == *list_id),
        ["domains", host, ..] => all.iter().any(|list| list.name.mail_host() == *host),
        _ => true,
    };
    let strangers = app.texts.files().into_iter().filter(|path| !known(path));
    let strangers =
        strangers.map(|path| Diagnosis::warning("template", format!("{path}: there is no such list"), FIX));
    Ok(strangers.chain(all.iter().filter_map(footer)).collect())
}

/// A footer with unknown placeholders.
fn footer(list: &MailingList) -> Option<Diagnosis> {
    let unknown = unknown_placeholders(&list.settings.footer);
    (!unknown.is_empty()).then(|| {
        let detail =
            format!("the footer of {} has {}, which is not filled in", list.name, unknown.join(", "));
        let fix = format!(
            "`sealist lists set {} footer WORDS`; {} are filled in",
            list.name,
            FOOTER_VALUES.join(" and ")
        );
        Diagnosis::warning("footer", detail, fix)
    })
}

const FIX: &str = "name the folder by the List-Id of a list (team.lists.example.org), or by its mail host";

#[cfg(test)]
mod tests {
    use sealist_lists::model::ListNo;
    use sealist_lists::registry::Registry;

    use super::*;

    #[test]
    fn a_footer_with_names_that_nobody_fills_in_is_told() {
        let found = |words: &str| {
            let mut settings = Registry::built_in().styles.named("pgp-default").unwrap().settings();
            words.clone_into(&mut settings.footer);
            let list = MailingList { no: ListNo(1), name: "team@lists.example".parse().unwrap(), settings };
            footer(&list).is_some()
        };
        assert!(!found("") && !found("Of the team."));
        for known in FOOTER_VALUES {
            assert!(!found(&format!("-- {known}")), "{known}");
        }
        assert!(found("{nope}") && found("Of {list_nme}"));
    }
}
