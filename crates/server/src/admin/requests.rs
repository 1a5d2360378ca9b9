//! `sealist requests`: the requests that wait for an answer. `sealist workflows`: the steps that they pass.

use anyhow::bail;
use clap::Subcommand;
use sealist_app::{App, AppError, ListedRequest, PageRange, RequestView};
use sealist_lists::model::ListName;
use sealist_mail::Address;
use serde_json::{Value, json};

use super::{CommandOutput, number};

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
    let requests = app.as_operator().requests();
    Ok(match command {
        Requests::List { list } => {
            let all = requests.page(list.as_ref(), PageRange::ALL).await?.entries;
            (all.iter().map(line).collect(), json!(all))
        }
        Requests::Show { list, address } => {
            let all = requests.of(&list, &address).await?;
            (all.iter().map(in_full).collect::<Vec<_>>().join("\n"), json!(all))
        }
        Requests::Approve { list, address, number } => {
            let request = the_one(app, &list, &address, number).await?;
            requests.approve(request.number).await?;
            let text = format!("{address}: {}: approved\n", request.asks_for);
            (text, json!({ "approved": address.to_string() }))
        }
        Requests::Reject { list, address, number, reason } => {
            let request = the_one(app, &list, &address, number).await?;
            requests.reject(request.number, &reason).await?;
            let text = format!("{address}: {}: rejected\n", request.asks_for);
            (text, json!({ "rejected": address.to_string() }))
        }
    })
}

async fn the_one(
    app: &App,
    list: &ListName,
    address: &Address,
    number: Option<i64>,
) -> anyhow::Result<RequestView> {
    let mut found = app.as_operator().requests().of(list, address).await?;
    if let Some(number) = number {
        found.retain(|request| request.number.0 == number);
    }
    match (found.len(), found.pop()) {
        (1, Some(request)) => Ok(request),
        (0, _) => Err(AppError::NoRequestOf { address: address.to_string(), list: list.to_string() }.into()),
        _ => bail!("{address} has several requests at {list}: say which with --number"),
    }
}

fn line(request: &ListedRequest) -> String {
    match request {
        ListedRequest::Known(request) => format!(
            "{:>6}  {:<30} {:<30} {:<14} waits for {}, until {}{}\n",
            request.number.0,
            request.list,
            request.address,
            request.asks_for,
            request.waits_for,
            request.until,
            unknown_steps(request),
        ),
        ListedRequest::Unknown(request) => format!(
            "{:>6}  {:<30} {:<30} not known to this version\n",
            request.number.0, request.list, request.address,
        ),
    }
}

/// Why a request does not go on here, if it does not.
fn unknown_steps(request: &RequestView) -> String {
    match request.unknown_steps.is_empty() {
        true => String::new(),
        false => format!("; not known to this version: {}", request.unknown_steps.join(", ")),
    }
}

fn in_full(request: &RequestView) -> String {
    let key = request.offered_key.as_ref().map_or(String::new(), |key| {
        let note = if key.names_address { "" } else { "  (none of them has the address!)" };
        format!("offered key  {}\nuser ids     {}{note}\n", key.fingerprint, key.user_ids.join(", "))
    });
    format!(
        "number       {}\nasks for     {}\nworkflow     {}\nwaits for    {}{}\nsince        {}\nuntil        {}\n{key}",
        request.number.0,
        request.asks_for,
        request.workflow,
        request.waits_for,
        unknown_steps(request),
        request.since,
        request.until,
    )
}

/// All workflows of the site, and the steps that a site's own workflows can use.
pub(super) fn workflows(app: &App) -> CommandOutput {
    let mut text = String::new();
    for workflow in app.registry.workflows.all() {
        text +=
            &format!("{}\n    {}\n    {}\n", workflow.name, workflow.description, workflow.steps.join(", "));
    }
    text += "\nsteps\n";
    for step in app.registry.steps.all() {
        text += &format!("    {:<22} {}\n", step.name, step.description);
    }
    let rows: Vec<Value> = app
        .registry
        .workflows
        .all()
        .map(|workflow| {
            json!({ "name": workflow.name, "description": workflow.description, "steps": workflow.steps })
        })
        .collect();
    (text, rows.into())
}
