//! `sealist preferences`: what counts for an address on all lists, or for everybody. `members set` and `users
//! set` set the preferences of one membership and of one user.

use clap::Subcommand;
use sealist_app::{App, ChosenPreference, PreferenceHolder};
use sealist_lists::model::{PreferenceChange, PreferenceValue};
use sealist_mail::Address;
use serde_json::json;

use super::CommandOutput;

#[derive(Subcommand)]
pub(crate) enum PreferenceCommands {
    /// Prints what is set for everybody, or for one address on all lists.
    Show {
        /// The address; without it, the site.
        #[arg(long)]
        address: Option<Address>,
    },
    /// Sets a preference of everybody who has set nothing else, or of one address on all lists.
    Set {
        /// The name of the preference, as `preferences show` prints it.
        name: String,
        /// The new value.
        #[arg(required_unless_present = "unset")]
        value: Option<String>,
        /// Takes the preference back, so that the next level decides.
        #[arg(long, conflicts_with = "value")]
        unset: bool,
        /// The address; without it, the site.
        #[arg(long)]
        address: Option<Address>,
    },
}

pub(super) async fn run(app: &App, command: PreferenceCommands) -> anyhow::Result<CommandOutput> {
    let holder = |address: Option<Address>| address.map_or(PreferenceHolder::Site, PreferenceHolder::Address);
    let view = match command {
        PreferenceCommands::Show { address } => app.as_operator().preferences().of(&holder(address)).await?,
        PreferenceCommands::Set { name, value, address, .. } => {
            let change = PreferenceChange::parse(&name, value.as_deref())?;
            app.as_operator().preferences().choose(holder(address), change).await?
        }
    };
    Ok((shown(&view.preferences), json!(view)))
}

/// A line for each preference that a level takes.
pub(super) fn shown(preferences: &[ChosenPreference]) -> String {
    let line = |name: &str, value: PreferenceValue| {
        let value = if value.is_open() { "(not set)".to_owned() } else { value.to_string() };
        format!("{name:<22} {value}\n")
    };
    preferences.iter().map(|one| line(one.name, one.value)).collect()
}
