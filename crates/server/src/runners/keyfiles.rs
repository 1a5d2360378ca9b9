//! Runner `keyfiles`: logs once which lists lack a key on this node, at the start and when a key file
//! disappears. Loaded keys work until the next start, so a missing file would not be noticed otherwise.
//! Settings: `[keydirs] list`.

use std::collections::BTreeSet;
use std::time::Duration;

use sealist_app::{App, AppError};
use sealist_lists::events::{Actor, ServerCause};
use tokio::sync::watch;

use crate::config::Config;
use crate::vault;

const EVERY: Duration = Duration::from_secs(60);

pub(crate) async fn run(app: App, config: Config, mut stop: watch::Receiver<bool>) {
    if let Err(error) = tell_lacking(&app).await {
        tracing::error!(
            event = "list-keys-unchecked", %error,
            "cannot check whether all keys of lists are there"
        );
    }
    let mut seen = vault::key_files(&config.keydirs);
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let now = vault::key_files(&config.keydirs);
        for file in lost_files(&seen, &now) {
            tracing::warn!(
                event = "list-key-file-lost",
                file,
                "a key file of a list disappeared from the key directory; restore it before the next start"
            );
        }
        seen = now;
    }
}

fn lost_files<'a>(
    before: &'a BTreeSet<String>,
    now: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a String> {
    before.difference(now)
}

async fn tell_lacking(app: &App) -> Result<(), AppError> {
    let all = app.act_as(Actor::Server(ServerCause::Nodes)).lists().all().await?;
    for list in all.iter().filter(|list| list.settings.has_openpgp()) {
        match app.keys_of(list).await {
            Err(AppError::NoKeys { key, why, .. }) => {
                tracing::warn!(
                    event = "list-key-missing", list = %list.name, key,
                    "this node lacks a key of a list and defers its mail: {why}"
                );
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(())
}
