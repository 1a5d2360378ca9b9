//! `members import` and `members sync`: many people from a file.

use std::path::Path;

use anyhow::Context as _;
use sealist_app::{App, ImportReport, ImportedKeys, LastOwner, RolesToEnd};
use sealist_lists::model::{MailingList, Role};
use sealist_lists::roster_file::{ListedPerson, read_roster};
use sealist_mail::Timestamp;
use serde_json::json;

use super::shown_name;
use crate::admin::{CommandOutput, read_file, warned};
use crate::ending::{Code, Ending};

/// More lines of one kind are counted, and not printed.
const MOST_LINES: usize = 10;
/// People between two lines of progress.
const PROGRESS: usize = 2000;

/// Whether anything is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Do,
    Say,
}

impl Mode {
    pub(super) fn of(dry_run: bool) -> Self {
        if dry_run { Self::Say } else { Self::Do }
    }
}

/// What the files give.
pub(super) struct ImportFiles {
    people: Vec<ListedPerson>,
    keys: ImportedKeys,
}

/// Reads the people and the keys. Errs with the lines that cannot be read: then nothing is done.
pub(super) fn read(file: &Path, keys: Option<&Path>, now: Timestamp) -> anyhow::Result<ImportFiles> {
    let text = String::from_utf8(read_file(file)?)
        .map_err(|_| Ending::new(Code::Data, format!("{} is no text in UTF-8", file.display())))?;
    let mut people = read_roster(&text).map_err(|lines| {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        Ending::new(Code::Data, format!("{}, so that nobody is added:\n{}", file.display(), few(&lines)))
    })?;
    for person in &mut people {
        person.name = shown_name(&person.name)
            .map_err(|error| Ending::new(Code::Data, format!("{}: {error}", person.address)))?;
    }
    let keys = keys.map_or(Ok(ImportedKeys::default()), |path| read_keys(path, now))?;
    Ok(ImportFiles { people, keys })
}

fn read_keys(path: &Path, now: Timestamp) -> anyhow::Result<ImportedKeys> {
    let mut keys = ImportedKeys::default();
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
    }
    for file in files {
        keys.add(&read_file(&file)?, now).with_context(|| file.display().to_string())?;
    }
    Ok(keys)
}

pub(super) async fn run(
    app: &App,
    list: &MailingList,
    given: ImportFiles,
    role: Role,
    mode: Mode,
) -> anyhow::Result<CommandOutput> {
    let ImportFiles { people, keys } = given;
    let members = app.as_operator().members(&list.name);
    if mode == Mode::Say {
        let new = members.without_role(&people, role).await?;
        let new: Vec<String> = new.iter().map(|person| person.address.to_string()).collect();
        let text = format!("{} would be added as {role}:\n{}", new.len(), few(&new));
        return Ok((text, json!({ "would_add": new })));
    }
    let report = members.import(&people, role, &keys, told(people.len())).await?;
    Ok(imported(list, role, &report))
}

fn told(all: usize) -> impl FnMut(usize) + Send {
    let mut next = PROGRESS;
    move |done| {
        if done >= next {
            next = done + PROGRESS;
            crate::print_error(&format!("{done} of {all}\n"));
        }
    }
}

fn imported(list: &MailingList, role: Role, report: &ImportReport) -> CommandOutput {
    let ImportReport { added, already, keys, refused_keys } = report;
    let text = format!(
        "{} added as {role} to {}, {keys} with a key; {already} were there already\n",
        added.len(),
        list.name
    );
    let mut warnings: Vec<String> =
        refused_keys.iter().take(MOST_LINES).map(|(address, why)| format!("{address}: {why}")).collect();
    if refused_keys.len() > MOST_LINES {
        warnings
            .push(format!("{} more keys were not taken; --json names all", refused_keys.len() - MOST_LINES));
    }
    let without = added.len() - keys;
    if list.settings.encrypting() && without > 0 {
        warnings.push(format!(
            "{without} were added without a key from you: `sealist members list {}` names those to whom nothing can be sent",
            list.name
        ));
    }
    warned((text, json!(report)), warnings)
}

pub(super) async fn sync(
    app: &App,
    list: &MailingList,
    given: ImportFiles,
    mode: Mode,
) -> anyhow::Result<CommandOutput> {
    let ImportFiles { people, keys } = given;
    if people.is_empty() {
        let text = "the file names nobody, and everybody would be removed: nothing is done";
        return Err(Ending::new(Code::Data, text).into());
    }
    let members = app.as_operator().members(&list.name);
    let plan = members.plan_sync(&people).await?;
    let add: Vec<String> = plan.add.iter().map(|person| person.address.to_string()).collect();
    let remove: Vec<String> = plan.remove.iter().map(ToString::to_string).collect();
    if mode == Mode::Say {
        let text = format!(
            "{} would be added:\n{}{} would be removed:\n{}",
            add.len(),
            few(&add),
            remove.len(),
            few(&remove)
        );
        return Ok((text, json!({ "would_add": add, "would_remove": remove })));
    }
    let report = members.import(&people, Role::Member, &keys, told(add.len())).await?;
    let (text, mut data) = imported(list, Role::Member, &report);
    for address in &plan.remove {
        let member = RolesToEnd::One(Role::Member);
        members.remove(address, member, LastOwner::Stays).await?;
    }
    if let Some(data) = data.as_object_mut() {
        data.insert("removed".to_owned(), json!(remove));
    }
    Ok((format!("{text}{} removed\n", remove.len()), data))
}

/// Some of the lines, and how many more there are.
fn few(lines: &[String]) -> String {
    let mut text: String = lines.iter().take(MOST_LINES).map(|line| format!("  {line}\n")).collect();
    if lines.len() > MOST_LINES {
        text += &format!("  and {} more\n", lines.len() - MOST_LINES);
    }
    text
}
