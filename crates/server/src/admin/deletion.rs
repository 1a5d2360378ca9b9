//! `sealist lists delete`: says what goes with the list, and asks.

use std::io::{BufRead as _, IsTerminal as _};

use sealist_app::{App, ListContent};
use sealist_lists::model::ListName;
use serde_json::json;

use super::CommandOutput;
use crate::ending::{Code, Ending};

/// Whether the admin agreed on the command line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    Given,
    Asked,
}

/// Deletes a list. Without consent it asks on the terminal; without a terminal it says what would go, and
/// errs.
pub(super) async fn run(app: &App, name: &ListName, consent: Consent) -> anyhow::Result<CommandOutput> {
    let content = app.as_operator().lists().content(name).await?;
    let goes = in_words(&content);
    if consent == Consent::Asked {
        ask(name, &goes)?;
    }
    app.as_operator().lists().delete(name).await?;
    Ok((format!("{name} is deleted, with {goes}\n"), json!({ "deleted": name, "content": content })))
}

fn ask(name: &ListName, goes: &str) -> Result<(), Ending> {
    let question = format!("{name} is deleted with {goes}. Nothing brings it back but a backup.");
    if !std::io::stdin().is_terminal() {
        return Err(Ending::new(Code::Usage, format!("{question} Give --yes if you mean it")));
    }
    crate::print_error(&format!("{question}\nType the name of the list to continue: "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim().eq_ignore_ascii_case(&name.to_string()) => Ok(()),
        _ => Err(Ending::new(Code::Usage, "nothing is deleted")),
    }
}

fn in_words(content: &ListContent) -> String {
    let ListContent { members, in_charge, held_messages, other_messages, requests, waiting_copies } =
        *content;
    let parts = [
        (members, "members"),
        (in_charge, "owners and moderators"),
        (held_messages, "held messages"),
        (other_messages, "messages that wait"),
        (requests, "requests"),
        (waiting_copies, "copies that are not delivered"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    match parts.as_slice() {
        [] => "its settings and nothing else".to_owned(),
        parts => format!("its settings, {}", parts.join(", ")),
    }
}
