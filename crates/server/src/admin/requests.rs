//! `sealist requests`: the requests that wait for an answer. `sealist workflows`: the steps that they pass.

use anyhow::bail;
use clap::Subcommand;
use sealist_app::{App, approve_request, refuse_request};
use sealist_lists::model::{ListName, RequestNo};
use sealist_lists::workflows::STEPS;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::lists;
use sealist_store::requests::{self, Request};
use serde_json::{Value, json};

use super::{CommandOutput, find_list, number};
use crate::exit::{Code, Ending};

#[derive(Subcommand)]
pub(crate) enum Requests {
    /// Lists the requests that wait: for whom, since when, until when.
    List {
        /// Only requests on this list.
        list: Option<ListName>,
    },
    /// Prints the requests of an address in full, with the fingerprints and user ids of its keys.
    Show {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
    },
    /// Approves a request.
    Approve {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// The number of the request, if the address has several.
        #[arg(long, value_parser = number::<i64>)]
        number: Option<i64>,
    },
    /// Rejects a request. The person is told.
    Reject {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// The number of the request, if the address has several.
        #[arg(long, value_parser = number::<i64>)]
        number: Option<i64>,
        /// The reason: one sentence for the person.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

pub(super) async fn run(app: &App, command: Requests) -> anyhow::Result<CommandOutput> {
    let now = app.store.now();
    Ok(match command {
        Requests::List { list } => list_all(app, list).await?,
        Requests::Show { list, address } => {
            let list = find_list(app, &list).await?;
            let all = requests::of_address(&mut *app.store.reader().await?, list.no, &address, now).await?;
            if all.is_empty() {
                return Err(none_waits(&address, &list.name).into());
            }
            let text = all.iter().map(|request| in_full(request, now)).collect::<Vec<_>>().join("\n");
            (text, all.iter().map(|request| data(request, &list.name)).collect())
        }
        Requests::Approve { list, address, number } => {
            let request = the_one(app, &list, &address, number).await?;
            let action = request.run.goal.action().to_owned();
            approve_request(app, request, app.operator.clone(), now).await?;
            (format!("{address}: {action}: approved\n"), json!({ "approved": address.to_string() }))
        }
        Requests::Reject { list, address, number, reason } => {
            let request = the_one(app, &list, &address, number).await?;
            let action = request.run.goal.action().to_owned();
            refuse_request(app, request, &reason, app.operator.clone(), now).await?;
            (format!("{address}: {action}: rejected\n"), json!({ "rejected": address.to_string() }))
        }
    })
}

async fn list_all(app: &App, list: Option<ListName>) -> anyhow::Result<CommandOutput> {
    let of = match &list {
        Some(name) => Some(find_list(app, name).await?.no),
        None => None,
    };
    let mut db = app.store.reader().await?;
    let all = requests::waiting(&mut db, of, RequestNo(0), u32::MAX).await?;
    let mut text = String::new();
    let mut rows = Vec::new();
    for request in &all {
        let Some(list) = lists::by_no(&mut db, request.list).await? else { continue };
        text += &format!(
            "{:>6}  {:<30} {:<30} {:<14} waits for {}, until {}\n",
            request.no.0,
            list.name.to_string(),
            request.address.to_string(),
            request.run.goal.action(),
            request.question,
            request.expires_at.rfc3339(),
        );
        rows.push(data(request, &list.name));
    }
    for unknown in requests::unknown(&mut db, of).await? {
        let Some(list) = lists::by_no(&mut db, unknown.list).await? else { continue };
        text += &format!(
            "{:>6}  {:<30} {:<30} not known to this version\n",
            unknown.no.0,
            list.name.to_string(),
            unknown.address.to_string()
        );
        rows.push(json!({ "number": unknown.no.0, "list": list.name, "address": unknown.address.to_string(), "known": false }));
    }
    Ok((text, rows.into()))
}

fn none_waits(address: &Address, list: &ListName) -> Ending {
    let text = format!("nothing of {address} waits at {list}; `sealist requests list` names all that do");
    Ending::new(Code::Data, text)
}

async fn the_one(
    app: &App,
    list: &ListName,
    address: &Address,
    number: Option<i64>,
) -> anyhow::Result<Request> {
    let no = find_list(app, list).await?.no;
    let mut db = app.store.reader().await?;
    let mut found = requests::of_address(&mut db, no, address, app.store.now()).await?;
    if let Some(number) = number {
        found.retain(|request| request.no.0 == number);
    }
    match (found.len(), found.pop()) {
        (1, Some(request)) => Ok(request),
        (0, _) => Err(none_waits(address, list).into()),
        _ => bail!("{address} has several requests at {list}: say which with --number"),
    }
}

fn in_full(request: &Request, now: Timestamp) -> String {
    let key = request.certificate.as_deref().and_then(|stored| Certificate::from_stored(stored).ok());
    let key = key.map_or(String::new(), |key| {
        let named = key.addresses(now).contains(&request.address);
        let note = if named { "" } else { "  (none of them has the address!)" };
        format!("offered key  {}\nuser ids     {}{note}\n", key.fingerprint(), key.user_ids().join(", "))
    });
    format!(
        "number       {}\nasks for     {}\nworkflow     {}\nwaits for    {}\nsince        {}\nuntil        {}\n{key}",
        request.no.0,
        request.run.goal.action(),
        request.run.workflow,
        request.question,
        request.begun_at.rfc3339(),
        request.expires_at.rfc3339(),
    )
}

fn data(request: &Request, list: &ListName) -> Value {
    json!({
        "number": request.no.0,
        "list": list.to_string(),
        "address": request.address.to_string(),
        "asks_for": request.run.goal.action(),
        "workflow": request.run.workflow,
        "waits_for": request.question,
        "fingerprint": request.run.key.as_ref().map(ToString::to_string),
        "signed_by": request.run.signed_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "since": request.begun_at.rfc3339(),
        "until": request.expires_at.rfc3339(),
    })
}

/// All workflows of the site, and the steps that a site's own workflows can use.
pub(super) fn workflows(app: &App) -> CommandOutput {
    let mut text = String::new();
    for workflow in app.workflows.all() {
        text +=
            &format!("{}\n    {}\n    {}\n", workflow.name, workflow.description, workflow.steps.join(", "));
    }
    text += "\nsteps\n";
    for step in STEPS {
        text += &format!("    {:<22} {}\n", step.name, step.description);
    }
    let rows: Vec<Value> = app
        .workflows
        .all()
        .map(|workflow| {
            json!({ "name": workflow.name, "description": workflow.description, "steps": workflow.steps })
        })
        .collect();
    (text, rows.into())
}
