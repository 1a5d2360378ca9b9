//! Checks whether mail reaches the contact and each domain of lists. (The lines for the lists may have taken
//! over the contact's domain.) The next hop is asked and nothing is sent. A next hop that accepts everything
//! from this machine does not reveal its routes, so the tables of a Postfix on this machine are read, too.
//! Settings: `[site] contact`, `[outgoing]`, `[lmtp] listen`.

use std::collections::BTreeSet;
use std::time::Duration;

use sealist_app::{App, AppError};
use sealist_lists::model::ListName;
use sealist_smtp::client::{ConnectError, Connection};
use tokio::time::timeout;

use super::{Diagnosis, Level, network, postfix};
use crate::config::Config;
use crate::serve;

/// The time limit for all questions together.
const PATIENCE: Duration = Duration::from_secs(20);
const TAKE_THE_LINES: &str =
    "take the lines of `sealist mta print` for your mail server into its configuration";

/// The lists whose addresses are checked: each list of a domain with mailboxes, and one list of every other
/// domain.
pub(super) async fn lists_to_ask_for(config: &Config, app: &App) -> Result<Vec<ListName>, AppError> {
    let all = app.as_operator().lists().all().await?;
    let mut names: Vec<ListName> = all.into_iter().map(|list| list.name).collect();
    let mut domains = BTreeSet::new();
    names.retain(|name| {
        let domain = name.mail_host();
        config.site.has_mailboxes(domain) || domains.insert(domain.to_owned())
    });
    Ok(names)
}

/// Returns no findings if the next hop does not answer, because another check reports that.
pub(super) async fn examine(config: &Config, lists: &[ListName]) -> Vec<Diagnosis> {
    let mut findings = Vec::new();
    if timeout(PATIENCE, ask_next_hop(config, lists, &mut findings)).await.is_err() {
        let fix = "look into the log of the mail server for what keeps it";
        findings.push(Diagnosis::warning(
            "routes",
            "the next hop takes long to say whom it takes mail for",
            fix,
        ));
    }
    findings
}

async fn ask_next_hop(config: &Config, lists: &[ListName], findings: &mut Vec<Diagnosis>) {
    let Ok(target) = serve::target(&config.outgoing) else { return };
    let Ok(mut next_hop) = Connection::connect(&network::hasty(target)).await else { return };
    if let Err(error) = ask_about_all(&mut next_hop, config, lists, findings).await {
        let fix = "let the next hop take the null sender, which bounces and notices have";
        let detail = format!("the next hop does not say whom it takes mail for: {error}");
        findings.push(Diagnosis::warning("routes", detail, fix));
    }
    next_hop.quit().await;
}

async fn ask_about_all(
    next_hop: &mut Connection,
    config: &Config,
    lists: &[ListName],
    findings: &mut Vec<Diagnosis>,
) -> Result<(), ConnectError> {
    if let Some(contact) = config.contact() {
        let fix = "if its domain has lists too, take the lines of `sealist mta print`, which leave its mailboxes alone; \
                   else correct contact in [site]";
        findings.push(ask_about(next_hop, "contact", &contact.to_string(), fix).await?);
    }
    let postfix = next_hop.greeting().contains("Postfix") && config.outgoing.is_here();
    for list in lists {
        let asked = ask_about(next_hop, "list domain", &list.to_string(), TAKE_THE_LINES).await?;
        let in_tables = (postfix && asked.level == Level::Good).then(|| postfix::examine(config, list));
        findings.push(in_tables.flatten().unwrap_or(asked));
    }
    Ok(())
}

async fn ask_about(
    next_hop: &mut Connection,
    check: &'static str,
    address: &str,
    fix: &str,
) -> Result<Diagnosis, ConnectError> {
    let reply = next_hop.ask_about(address).await?;
    Ok(match reply.code {
        500.. => Diagnosis::fault(check, format!("the next hop refuses mail for {address}: {reply}"), fix),
        400.. => Diagnosis::warning(check, format!("the next hop puts mail for {address} off: {reply}"), fix),
        _ => Diagnosis::good(check, format!("the next hop takes mail for {address}")),
    })
}
