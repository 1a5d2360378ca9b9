//! Commands of an admin: `lists`, `members`, `queue`. Each calls one use case and prints what it says.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use sealist_app::{App, AppError, NewMember, Rejected, add_member, create_list, list_certificate, reject};
use sealist_lists::model::{EntryNo, ListName, MailingList, MemberNo, Role};
use sealist_lists::texts;
use sealist_mail::{Address, Timestamp};
use sealist_store::queue::{self, Entry, Place};
use sealist_store::{lists, people};
use serde_json::{Value, json};

/// How data is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists of this site.
    #[command(subcommand)]
    Lists(Lists),
    /// Members of a list.
    #[command(subcommand)]
    Members(Members),
    /// What came in and waits.
    #[command(subcommand)]
    Queue(Queue),
}

#[derive(Subcommand)]
pub(crate) enum Lists {
    /// Makes a list, with its keys if the style has OpenPGP.
    Create {
        list: ListName,
        #[arg(long, default_value = "pgp-default")]
        style: String,
        /// Who is in charge.
        #[arg(long)]
        owner: Option<Address>,
    },
    /// All lists.
    List,
    /// All settings of a list.
    Show { list: ListName },
    /// Changes a setting.
    Set { list: ListName, name: String, value: String },
    /// The certificate that people encrypt to.
    Key { list: ListName },
    /// Deletes a list with its members and posts; its key files stay.
    Delete { list: ListName },
}

#[derive(Subcommand)]
pub(crate) enum Members {
    /// Adds an address, with its OpenPGP certificate.
    Add {
        list: ListName,
        address: Address,
        /// A file with the certificate, armored or binary.
        #[arg(long)]
        key: Option<PathBuf>,
        /// The name shown to others.
        #[arg(long, default_value = "")]
        name: String,
        /// member, owner, moderator or nonmember.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// All members, owners and moderators.
    List { list: ListName },
    /// Takes all roles of an address away.
    Remove { list: ListName, address: Address },
}

#[derive(Subcommand)]
pub(crate) enum Queue {
    /// What waits, for a moderator or for the runner.
    List,
    /// Why an entry waits.
    Show { entry: i64 },
    /// Lets a held message pass for the reasons shown; it is opened and judged again.
    Accept { entry: i64 },
    /// Deletes a message and tells its author, if that is a member.
    Reject { entry: i64 },
    /// Deletes a message and tells nobody.
    Discard { entry: i64 },
    /// Tries a shunted message again.
    Retry { entry: i64 },
}

/// Runs a command and returns what to print.
pub(crate) async fn run(app: &App, command: Command, output: Output) -> anyhow::Result<String> {
    let (text, data) = match command {
        Command::Lists(command) => run_lists(app, command).await?,
        Command::Members(command) => run_members(app, command).await?,
        Command::Queue(command) => run_queue(app, command).await?,
    };
    Ok(match output {
        Output::Text => text,
        Output::Json => format!("{data}\n"),
    })
}

async fn named(app: &App, name: &ListName) -> anyhow::Result<MailingList> {
    let list = lists::by_name(&mut *app.store.reader().await?, name).await?;
    Ok(list.ok_or_else(|| AppError::NoSuchList(name.to_string()))?)
}

async fn run_lists(app: &App, command: Lists) -> anyhow::Result<(String, Value)> {
    Ok(match command {
        Lists::Create { list, style, owner } => {
            create_list(app, list.clone(), &style, Timestamp::now()).await?;
            let made = named(app, &list).await?;
            if let Some(owner) = owner {
                add_member(
                    app,
                    &made,
                    NewMember { address: owner, name: String::new(), role: Role::Owner, key: None },
                    Timestamp::now(),
                )
                .await?;
            }
            let key = list_certificate(app, made.no).await?.map(|key| key.fingerprint().to_string());
            let line = key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
            (format!("{list} is made{line}\n"), json!({ "list": list, "fingerprint": key }))
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
            list.settings.set(&name, &value)?;
            let (no, settings) = (list.no, list.settings);
            app.store
                .write(move |db| Box::pin(async move { lists::set_settings(db, no, &settings).await }))
                .await
                .map_err(AppError::Store)?;
            (format!("{name} is set\n"), json!({ "set": name }))
        }
        Lists::Key { list } => {
            let list = named(app, &list).await?;
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

async fn run_members(app: &App, command: Members) -> anyhow::Result<(String, Value)> {
    Ok(match command {
        Members::Add { list, address, key, name, role } => {
            let list = named(app, &list).await?;
            let role = Role::from_name(&role)
                .with_context(|| format!("{role:?} is none of member, owner, moderator, nonmember"))?;
            let key = match key {
                Some(file) => {
                    Some(std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?)
                }
                None => None,
            };
            let warning = if key.is_none() && list.settings.encrypting() {
                "; without a key nothing can be sent there"
            } else {
                ""
            };
            let member = NewMember { address: address.clone(), name, role, key };
            add_member(app, &list, member, Timestamp::now()).await?;
            (
                format!("{address} is {} of {}{warning}\n", role.name(), list.name),
                json!({ "added": address.to_string() }),
            )
        }
        Members::List { list } => {
            let no = named(app, &list).await?.no;
            let mut rows = Vec::new();
            for role in [Role::Owner, Role::Moderator, Role::Member, Role::Nonmember] {
                rows.extend(
                    people::roster(&mut *app.store.reader().await?, no, role, MemberNo(0), u32::MAX).await?,
                );
            }
            let text = rows.iter().map(|m| format!("{:<10} {}\n", m.role.name(), m.address)).collect();
            (text, rows.iter().map(|m| json!({ "role": m.role, "address": m.address.to_string() })).collect())
        }
        Members::Remove { list, address } => {
            let no = named(app, &list).await?.no;
            let roles = people::roles_of(&mut *app.store.reader().await?, no, &address).await?;
            if roles.is_empty() {
                bail!("{address} has no role on {list}");
            }
            for member in roles {
                app.store
                    .write(move |db| Box::pin(people::remove_member(db, member.no)))
                    .await
                    .map_err(AppError::Store)?;
            }
            (format!("{address} is removed from {list}\n"), json!({ "removed": address.to_string() }))
        }
    })
}

async fn run_queue(app: &App, command: Queue) -> anyhow::Result<(String, Value)> {
    Ok(match command {
        Queue::List => {
            let mut entries = Vec::new();
            for place in [Place::Hold, Place::Shunt, Place::In] {
                entries.extend(queue::listed(&mut *app.store.reader().await?, place).await?);
            }
            let mut text = String::new();
            for entry in &entries {
                let list = lists::by_no(&mut *app.store.reader().await?, entry.list).await?;
                let name = list.map(|list| list.name.address(entry.door).to_string()).unwrap_or_default();
                let reasons: Vec<String> = entry.reasons.iter().map(|reason| reason.name()).collect();
                text.push_str(&format!(
                    "{} {} {name} {} {}\n",
                    entry.no,
                    entry.place.name(),
                    entry.received_at.rfc3339(),
                    reasons.join(",")
                ));
            }
            (text, entries.iter().map(to_json).collect())
        }
        Queue::Show { entry } => {
            let entry = find(app, entry).await?;
            let reasons: String =
                entry.reasons.iter().map(|reason| format!("  {}\n", texts::sentence(*reason))).collect();
            (
                format!(
                    "{} {} since {}\n{reasons}",
                    entry.no,
                    entry.place.name(),
                    entry.received_at.rfc3339()
                ),
                to_json(&entry),
            )
        }
        Queue::Accept { entry } => resume(app, entry, Place::Hold).await?,
        Queue::Retry { entry } => resume(app, entry, Place::Shunt).await?,
        Queue::Reject { entry } => {
            let entry = find(app, entry).await?;
            let no = entry.no;
            let told = reject(app, entry, Timestamp::now()).await? == Rejected::Told;
            let line = match told {
                true => "its author gets a notice",
                false => {
                    "nobody is told: its author is not subscribed, has no usable key, or had a notice today"
                }
            };
            (format!("{no} is rejected; {line}\n"), json!({ "rejected": no, "told": told }))
        }
        Queue::Discard { entry } => {
            let entry = find(app, entry).await?;
            let no = entry.no;
            app.store
                .write(move |db| Box::pin(async move { queue::finish(db, &entry).await }))
                .await
                .map_err(AppError::Store)?;
            (format!("{no} is discarded\n"), json!({ "discarded": no }))
        }
    })
}

async fn find(app: &App, no: i64) -> anyhow::Result<Entry> {
    queue::find(&mut *app.store.reader().await?, EntryNo(no))
        .await?
        .with_context(|| format!("there is no entry {no}"))
}

async fn resume(app: &App, no: i64, from: Place) -> anyhow::Result<(String, Value)> {
    let entry = find(app, no).await?;
    if entry.place != from {
        bail!("entry {no} is in {}, not in {}", entry.place.name(), from.name());
    }
    app.store
        .write(move |db| Box::pin(queue::resume(db, entry.no, Timestamp::now())))
        .await
        .map_err(AppError::Store)?;
    Ok((format!("{no} is on its way; it is judged again\n"), json!({ "resumed": no })))
}

fn to_json(entry: &Entry) -> Value {
    json!({
        "entry": entry.no,
        "queue": entry.place.name(),
        "door": entry.door,
        "received_at": entry.received_at.rfc3339(),
        "attempts": entry.attempts,
        "reasons": entry.reasons,
    })
}
