//! `sealist lists`: makes, shows, changes and deletes lists.

use anyhow::bail;
use clap::Subcommand;
use sealist_app::{
    App, AppError, NewMember, add_member, check_not_own, create_list, list_certificate, set_setting,
};
use sealist_lists::model::{ListName, Role};
use sealist_mail::{Address, Timestamp};
use sealist_store::lists;
use serde_json::{Value, json};

use super::members::want_of_key;
use super::{CommandOutput, named, owners, warned};

#[derive(Subcommand)]
pub(crate) enum Lists {
    /// Makes a list, with its keys if the style has OpenPGP.
    Create {
        /// The name of the new list: its posting address.
        list: ListName,
        /// Which settings it begins with: pgp-default, pgp-announce, legacy-default, legacy-announce or private-default.
        #[arg(long, default_value = "pgp-default")]
        style: String,
        /// The address of its first owner.
        #[arg(long)]
        owner: Option<Address>,
    },
    /// Prints the names of all lists.
    List,
    /// Prints all settings of a list.
    Show {
        /// The name of the list.
        list: ListName,
    },
    /// Changes a setting of a list.
    Set {
        /// The name of the list.
        list: ListName,
        /// The name of the setting, as `lists show` prints it.
        name: String,
        /// The new value.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Prints the certificate that people encrypt to.
    Key {
        /// The name of the list.
        list: ListName,
        /// First takes off what others signed: the key is as the list made it.
        #[arg(long)]
        strip_certifications: bool,
    },
    /// Deletes a list with its members and posts; its key files stay, keys in the database go.
    Delete {
        /// The name of the list.
        list: ListName,
    },
}

pub(super) async fn run(app: &App, command: Lists) -> anyhow::Result<CommandOutput> {
    Ok(match command {
        Lists::Create { list, style, owner } => {
            // Before the list is made: what fails leaves nothing behind.
            owner.as_ref().map_or(Ok(()), |owner| check_not_own(&list, owner))?;
            create_list(app, list.clone(), &style, app.store.now()).await?;
            let made = named(app, &list).await?;
            let mut warnings = Vec::new();
            if let Some(address) = owner {
                let of = address.clone();
                let owner = NewMember { address, name: String::new(), role: Role::Owner, key: None };
                add_member(app, &made, owner, app.store.now()).await?;
                warnings.extend(want_of_key(app, &made, &of).await?.map(|want| format!("{of}: {want}")));
            }
            warnings.extend(owners::lack(app, &made).await?);
            let key = list_certificate(app, made.no).await?.map(|key| key.fingerprint().to_string());
            let line = key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
            let data = json!({ "list": list, "fingerprint": key });
            warned((format!("{list} is made{line}\n"), data), warnings)
        }
        Lists::List => {
            let all = lists::all(&mut *app.store.reader().await?).await?;
            let names: Vec<String> = all.iter().map(|list| list.name.to_string()).collect();
            (names.iter().map(|name| format!("{name}\n")).collect(), json!(names))
        }
        Lists::Show { list } => {
            let fields = named(app, &list).await?.settings.fields();
            let text = fields.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
            (text, Value::Object(fields.into_iter().collect()))
        }
        Lists::Set { list, name, value } => {
            let mut list = named(app, &list).await?;
            let weaker = set_setting(app, &mut list, &name, &value, Timestamp::now()).await?;
            let warnings = weaker.iter().map(|weakness| {
                format!("{}: {}; fix: sealist lists set {0} {}", list.name, weakness.what, weakness.mend)
            });
            warned((format!("{name} is set\n"), json!({ "set": name })), warnings)
        }
        Lists::Key { list, strip_certifications } => {
            let list = named(app, &list).await?;
            if strip_certifications {
                sealist_app::strip_certifications(app, &list).await?;
            }
            let Some(key) = list_certificate(app, list.no).await? else {
                bail!("{} has no key: its style is a plain one", list.name)
            };
            let armored = String::from_utf8_lossy(&key.armored()).into_owned();
            (armored.clone(), json!({ "fingerprint": key.fingerprint().to_string(), "certificate": armored }))
        }
        Lists::Delete { list } => {
            let no = named(app, &list).await?.no;
            app.store.write(move |db| Box::pin(lists::delete(db, no))).await.map_err(AppError::Store)?;
            (format!("{list} is deleted\n"), json!({ "deleted": list }))
        }
    })
}
