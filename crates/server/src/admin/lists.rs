//! `sealist lists`: makes, shows, changes and deletes lists.

use anyhow::bail;
use clap::Subcommand;
use sealist_app::{App, PageRange};
use sealist_lists::model::ListName;
use sealist_mail::Address;
use serde_json::json;

use super::members::want_of_key;
use super::{CommandOutput, deletion, owners, settings, warned};

#[derive(Subcommand)]
pub(crate) enum Lists {
    /// Makes a list, with its keys if the style has OpenPGP.
    Create {
        /// The name of the new list: its posting address.
        list: ListName,
        /// Which settings it begins with: pgp-default, pgp-announce, legacy-default, legacy-announce or
        /// private-default.
        #[arg(long, default_value = "pgp-default")]
        style: String,
        /// The address of its first owner.
        #[arg(long)]
        owner: Option<Address>,
    },
    /// Prints the names of all lists.
    List,
    /// Prints all settings of a list; with --json also the default of each and what it does.
    Show {
        /// The name of the list.
        list: ListName,
    },
    /// Changes settings of a list: all that are named, or none.
    Set {
        /// The name of the list.
        list: ListName,
        /// `NAME VALUE`, or any number of `NAME=VALUE`; the names are those that `lists show` prints.
        #[arg(required = true, num_args = 1.., allow_hyphen_values = true, value_names = ["SETTING", "VALUE"])]
        changes: Vec<String>,
    },
    /// Gives settings of a list the defaults of its style back.
    Reset {
        /// The name of the list.
        list: ListName,
        /// The names of the settings.
        #[arg(required = true)]
        settings: Vec<String>,
    },
    /// Prints the certificate that people encrypt to.
    Key {
        /// The name of the list.
        list: ListName,
        /// First takes off what others signed: the key is as the list made it.
        #[arg(long)]
        strip_certifications: bool,
    },
    /// Deletes a list with its members and posts, after it says what goes and asks. Its key files stay, keys
    /// in the database go.
    Delete {
        /// The name of the list.
        list: ListName,
        /// Deletes without a question.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(app: &App, command: Lists) -> anyhow::Result<CommandOutput> {
    Ok(match command {
        Lists::Create { list, style, owner } => {
            let lists = app.as_operator().lists();
            let made = match &owner {
                Some(owner) => lists.create_with_owner(&list, &style, owner).await?,
                None => lists.create(&list, &style).await?,
            };
            let mut warnings = Vec::new();
            if let Some(owner) = &owner {
                warnings.extend(want_of_key(app, &made, owner).await?.map(|want| format!("{owner}: {want}")));
            }
            warnings.extend(owners::missing_owner(app, &list).await?);
            let key = lists.certificate(&list).await?.map(|key| key.fingerprint().to_string());
            let line = key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
            let data = json!({ "list": list, "fingerprint": key });
            warned((format!("{list} is made{line}\n"), data), warnings)
        }
        Lists::List => {
            let all = app.as_operator().lists().page(PageRange::ALL).await?;
            let names: Vec<String> = all.entries.into_iter().map(|list| list.list).collect();
            (names.iter().map(|name| format!("{name}\n")).collect(), json!(names))
        }
        Lists::Show { list } => settings::show(app, &list).await?,
        Lists::Set { list, changes } => settings::change(app, &list, settings::written(&changes)?).await?,
        Lists::Reset { list, settings } => {
            settings::change(app, &list, settings::to_default(settings)).await?
        }
        Lists::Key { list, strip_certifications } => {
            let lists = app.as_operator().lists();
            if strip_certifications {
                lists.strip_certifications(&list).await?;
            }
            let Some(key) = lists.certificate(&list).await? else {
                bail!("{list} has no key: its style is a plain one")
            };
            let armored = String::from_utf8_lossy(&key.armored()).into_owned();
            (armored.clone(), json!({ "fingerprint": key.fingerprint().to_string(), "certificate": armored }))
        }
        Lists::Delete { list, yes } => {
            let consent = if yes { deletion::Consent::Given } else { deletion::Consent::Asked };
            deletion::run(app, &list, consent).await?
        }
    })
}
