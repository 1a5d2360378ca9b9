//! `sealist keys refresh`: looks for updates of keys now.

use anyhow::Context as _;
use sealist_app::{App, Refreshed};
use sealist_mail::Address;
use serde_json::json;

use super::CommandOutput;
use crate::config::Config;
use crate::ending::{Code, Ending};
use crate::keyservers::Servers;
use crate::print_error;

/// Progress is printed to standard error, changes to standard output.
pub(super) async fn run(
    app: &App,
    config: &Config,
    address: Option<Address>,
) -> anyhow::Result<CommandOutput> {
    let servers = Servers::of(&config.keys)?;
    let servers = servers.ok_or_else(|| {
        Ending::new(Code::Config, "nobody is asked: set refresh in [keys] to wkd, keyserver or both")
    })?;
    let mut all = Vec::new();
    match address {
        Some(address) => {
            let refreshed = app.as_operator().keys().refresh(&servers, &address).await?;
            all.push(refreshed.with_context(|| format!("{address} has no key"))?);
        }
        None => {
            let (began, count) = (app.now(), app.as_operator().keys().refreshable().await?);
            while let Some(refreshed) = app.as_operator().keys().refresh_next(&servers, began).await? {
                all.push(refreshed);
                print_error(&format!("\r{} of {count}", all.len()));
            }
            print_error("\n");
        }
    }
    Ok((all.iter().map(lines).collect(), json!(all)))
}

fn lines(refreshed: &Refreshed) -> String {
    let Refreshed { address, changes, failures, .. } = refreshed;
    let what = if changes.is_empty() { "nothing new".to_owned() } else { changes.join(", ") };
    let failures: String = failures.iter().map(|failure| format!("    {failure}\n")).collect();
    format!("{address}: {what}\n{failures}")
}
