//! `sealist keys refresh`: looks for updates of keys now.

use anyhow::Context as _;
use sealist_app::{App, Refreshed, refresh_address, refresh_next, to_refresh};
use sealist_mail::Address;
use serde_json::json;

use super::CommandOutput;
use crate::config::Config;
use crate::exit::{Code, Ending};
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
            let refreshed = refresh_address(app, &servers, &address, app.store.now()).await?;
            all.push(refreshed.with_context(|| format!("{address} has no key"))?);
        }
        None => {
            let (began, count) = (app.store.now(), to_refresh(app).await?);
            while let Some(refreshed) = refresh_next(app, &servers, began, app.store.now()).await? {
                all.push(refreshed);
                print_error(&format!("\r{} of {count}", all.len()));
            }
            print_error("\n");
        }
    }
    let text = all.iter().map(lines).collect();
    let data = all.iter().map(|one| {
        json!({
            "address": one.address.to_string(),
            "fingerprint": one.fingerprint,
            "changes": one.changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "failures": one.failures,
        })
    });
    Ok((text, data.collect()))
}

fn lines(refreshed: &Refreshed) -> String {
    let Refreshed { address, changes, failures, .. } = refreshed;
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let what = if changes.is_empty() { "nothing new".to_owned() } else { changes.join(", ") };
    let failures: String = failures.iter().map(|failure| format!("    {failure}\n")).collect();
    format!("{address}: {what}\n{failures}")
}
