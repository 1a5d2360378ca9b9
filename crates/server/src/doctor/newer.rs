//! What a newer version wrote and this one does not know: it is kept, and the list works without it.

use sealist_app::{App, AppError, NotKnown, NotKnownKind};

use super::Diagnosis;

const CHECK: &str = "newer version";

/// A warning for everything that is not known.
pub(super) async fn examine(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    Ok(app.as_operator().lists().not_known().await?.iter().map(warning).collect())
}

fn warning(NotKnown { list, kind }: &NotKnown) -> Diagnosis {
    let install = "install the newer version here too";
    let (what, fix) = match kind {
        NotKnownKind::Style { name, in_place } => (
            format!("the style {name:?} is not known to this version, and {in_place} counts in its place"),
            install.to_owned(),
        ),
        NotKnownKind::Setting { name } => (
            format!("{name} or its value is not known to this version, and the style of the list counts"),
            format!("{install}, or `sealist lists reset {list} {name}`"),
        ),
        NotKnownKind::Workflow { setting, name } => (
            format!(
                "{setting} names the workflow {name:?}, which nobody defines, and whoever asks is refused"
            ),
            format!("{install}, define the workflow, or `sealist lists set {list} {setting} WORKFLOW`"),
        ),
        NotKnownKind::Request { number } => (
            format!("request {number} is not known to this version, and waits"),
            format!("{install}; `sealist requests list {list}` says whose request it is"),
        ),
        NotKnownKind::Value { what, value } => {
            (format!("the {what} {value:?} is not known to this version, and is kept"), install.to_owned())
        }
    };
    let place = if list.is_empty() { "the site" } else { list };
    Diagnosis::warning(CHECK, format!("{place}: {what}"), fix)
}
