//! `sealist members`: who belongs to a list, in which role, and what is set for them.

mod import;
mod show;

use std::path::PathBuf;

use clap::Subcommand;
use sealist_app::{App, LastOwner, MemberChange, NewMember, PageRange, RolesToEnd};
use sealist_lists::model::{ListName, MailingList, Member, MissingKey, Role};
use sealist_mail::Address;
use serde_json::json;

use super::{CommandOutput, find_list, owners, read_file, warned};
use crate::ending::{Code, Ending};

#[derive(Subcommand)]
pub(crate) enum Members {
    /// Gives an address a role on a list, with its OpenPGP certificate. An address can have several roles.
    Add {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// A file with the certificate, armored or binary; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The name shown to others.
        #[arg(long, default_value = "")]
        name: String,
        /// The role: member, owner, moderator or nonmember.
        #[arg(long, default_value = "member", value_parser = role)]
        role: Role,
        /// The person joins, and not the address: the membership goes to whichever address the person prefers
        /// (`users prefer`).
        #[arg(long)]
        as_user: bool,
    },
    /// Prints the members, owners, moderators and nonmembers of a list, with what keeps posts from them.
    List {
        /// The name of the list.
        list: ListName,
        /// Only this role: member, owner, moderator or nonmember.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
    },
    /// Prints all about an address on a list: roles, delivery, key, bounces, and where each preference comes
    /// from.
    Show {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
    },
    /// Prints on which lists an address has which role.
    Find {
        /// The address, or a pattern in which `*` stands for any characters: `*@example.org`.
        address: String,
    },
    /// Gives an address another name, which every list shows.
    Rename {
        /// The address of the person.
        address: Address,
        /// The new name; empty removes the name.
        name: String,
    },
    /// Sets a preference of a member: delivery_status, receive_own_postings, receive_list_copy,
    /// allow_cleartext; what happens to posts of the member: moderation_action; or, on all lists,
    /// preferred_language. Everything else stays as it is.
    Set {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// The name of the preference, as `members show` prints it.
        name: String,
        /// The new value.
        #[arg(allow_hyphen_values = true, required_unless_present = "unset")]
        value: Option<String>,
        /// Takes the preference back, so that the address, the site or the list decides.
        #[arg(long, conflicts_with = "value")]
        unset: bool,
        /// The role whose preference is set; without it, that of the member.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
    },
    /// Adds the people of a file: lines `ADDRESS`, `ADDRESS,NAME` or `NAME <ADDRESS>`, or a table with a
    /// column `email`. Who has the role stays as they are.
    Import {
        /// The name of the list.
        list: ListName,
        /// The file; `-` reads standard input.
        file: PathBuf,
        /// The role: member, owner, moderator or nonmember.
        #[arg(long, default_value = "member", value_parser = role)]
        role: Role,
        /// A folder of key files, or a file with many certificates: everybody gets the key that names the
        /// address. You vouch for them.
        #[arg(long, value_name = "PATH")]
        keys: Option<PathBuf>,
        /// Says what would be done, and does nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Makes the members of a list those of a file: adds who is missing and removes who is not in it. Owners,
    /// moderators and nonmembers stay.
    Sync {
        /// The name of the list.
        list: ListName,
        /// The file, as for `members import`; `-` reads standard input.
        file: PathBuf,
        /// A folder of key files, or a file with many certificates, as for `members import`.
        #[arg(long, value_name = "PATH")]
        keys: Option<PathBuf>,
        /// Says who would be added and removed, and does nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Takes one role on a list from an address, or all its roles. A member gets the list's goodbye notice.
    Remove {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// Only this role: member, owner, moderator or nonmember.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Also if the list has no owner then.
        #[arg(long)]
        last_owner: bool,
    },
}

/// Reads a role of the command line.
fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| format!("the roles are {}", Role::NAMES.join(", ")))
}

pub(super) async fn run(app: &App, command: Members) -> anyhow::Result<CommandOutput> {
    match command {
        Members::Add { list, address, key, name, role, as_user } => {
            let list = find_list(app, &list).await?;
            let (of, name) = (address.clone(), shown_name(&name)?);
            let member = NewMember { address: of, name, role, key: read_key(key)? };
            let members = app.as_operator().members(&list.name);
            if as_user {
                members.add_user(member).await?
            } else {
                members.add(member).await?
            }
            added(app, &list, &address, role).await
        }
        Members::List { list, role } => {
            let list = find_list(app, &list).await?;
            let roster = app.as_operator().members(&list.name).page(role, PageRange::ALL).await?;
            Ok(show::roster(&list, &roster.entries))
        }
        Members::Show { list, address } => {
            Ok(show::in_full(&app.as_operator().members(&list).show(&address).await?))
        }
        Members::Find { address } => {
            let found = app.as_operator().users().find(&address, PageRange::ALL).await?.entries;
            if found.is_empty() {
                return Err(Ending::new(Code::NoUser, format!("no list has a member like {address}")).into());
            }
            Ok(show::found(&found))
        }
        Members::Rename { address, name } => {
            let name = shown_name(&name)?;
            app.as_operator().users().rename(&address, &name).await?;
            let text = if name.is_empty() { "has no name".to_owned() } else { format!("is {name}") };
            Ok((format!("{address} {text}\n"), json!({ "address": address.to_string(), "name": name })))
        }
        Members::Set { list, address, name, value, role, .. } => {
            let list = find_list(app, &list).await?;
            let change = MemberChange::parse(&name, value.as_deref())?;
            let member = app.as_operator().members(&list.name).change(&address, role, change).await?;
            Ok(was_set(&list, &member, &name, value.as_deref()))
        }
        Members::Import { list, file, role, keys, dry_run } => {
            let list = find_list(app, &list).await?;
            let given = import::read(&file, keys.as_deref(), app.now())?;
            import::run(app, &list, given, role, import::Mode::of(dry_run)).await
        }
        Members::Sync { list, file, keys, dry_run } => {
            let list = find_list(app, &list).await?;
            let given = import::read(&file, keys.as_deref(), app.now())?;
            import::sync(app, &list, given, import::Mode::of(dry_run)).await
        }
        Members::Remove { list, address, role, last_owner } => {
            let roles = role.map_or(RolesToEnd::All, RolesToEnd::One);
            let last_owner = if last_owner { LastOwner::MayGo } else { LastOwner::Stays };
            remove(app, &list, &address, roles, last_owner).await
        }
    }
}

async fn added(
    app: &App,
    list: &MailingList,
    address: &Address,
    role: Role,
) -> anyhow::Result<CommandOutput> {
    let warning = want_of_key(app, list, address).await?.map(|want| format!("{address}: {want}"));
    let added = format!("{address} is {role} of {}\n", list.name);
    Ok(warned((added, json!({ "added": address.to_string(), "role": role })), warning))
}

fn was_set(list: &MailingList, member: &Member, name: &str, value: Option<&str>) -> CommandOutput {
    let text = match value {
        Some(value) => format!("{}: {name} is {value}\n", member.address),
        None => format!("{}: {name} is not set any more\n", member.address),
    };
    let warning = cleartext_warning(list, member).filter(|_| name == "allow_cleartext");
    warned((text, json!(member.preferences)), warning)
}

async fn remove(
    app: &App,
    list: &ListName,
    address: &Address,
    roles: RolesToEnd,
    last_owner: LastOwner,
) -> anyhow::Result<CommandOutput> {
    let ended = app.as_operator().members(list).remove(address, roles, last_owner).await?;
    let warning = if ended.contains(&Role::Owner) { owners::missing_owner(app, list).await? } else { None };
    let text = match roles {
        RolesToEnd::All => format!("{address} is removed from {list}\n"),
        RolesToEnd::One(role) => format!("{address} is no {role} of {list} any more\n"),
    };
    Ok(warned((text, json!({ "removed": address.to_string(), "roles": ended })), warning))
}

fn read_key(file: Option<PathBuf>) -> anyhow::Result<Option<Vec<u8>>> {
    file.map(|file| read_file(&file)).transpose()
}

/// Longer names fill the header fields of others.
const MAX_NAME_CHARS: usize = 100;

/// The name with single blanks. An admin may give more than people may choose for themselves, but nothing
/// that looks like an address.
fn shown_name(given: &str) -> Result<String, Ending> {
    let name = given.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_strange = |c: char| c.is_control() || "@<>\"".contains(c);
    match name.chars().count() > MAX_NAME_CHARS || name.contains(is_strange) {
        true => Err(Ending::new(
            Code::Data,
            format!(
                "a name has at most {MAX_NAME_CHARS} characters, no control characters, and no @, <, > or \" in it"
            ),
        )),
        false => Ok(name),
    }
}

/// A choice that changes nothing where the list sends no cleartext.
fn cleartext_warning(list: &MailingList, member: &Member) -> Option<String> {
    let goes_out = list.settings.encrypting()
        && list.settings.pgp.as_ref().is_some_and(|pgp| pgp.missing_key_action == MissingKey::Cleartext);
    (goes_out && member.preferences.allow_cleartext)
        .then(|| format!("{} gets copies in the clear while there is no usable key", member.address))
}

/// What stands in the way of mail to somebody, if the list encrypts.
pub(super) async fn want_of_key(
    app: &App,
    list: &MailingList,
    address: &Address,
) -> anyhow::Result<Option<&'static str>> {
    if !list.settings.encrypting() {
        return Ok(None);
    }
    let views = app.as_operator().members(&list.name).show(address).await?;
    Ok(views.first().and_then(|view| show::want_of_key(view.key.state)))
}
