//! `sealist members`: who belongs to a list, in which role.

use std::path::PathBuf;

use clap::Subcommand;
use sealist_app::{App, AppError, NewMember, add_member};
use sealist_lists::model::{
    ListName, MailingList, Member, MemberNo, MissingKey, PreferenceChange, PreferenceLevel, Role,
};
use sealist_mail::Address;
use sealist_store::people;
use serde_json::json;

use super::{CommandOutput, named, owners, read_file, warned};
use crate::exit::{Code, Ending};

#[derive(Subcommand)]
pub(crate) enum Members {
    /// Adds an address, with its OpenPGP certificate.
    Add {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// A file with the certificate, armored or binary.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The name shown to others.
        #[arg(long, default_value = "")]
        name: String,
        /// The role: member, owner, moderator or nonmember.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// Prints all members, owners and moderators.
    List {
        /// The name of the list.
        list: ListName,
    },
    /// Sets a choice of a member: delivery_status, receive_own_postings, receive_list_copy,
    /// allow_cleartext; and on all lists preferred_language.
    Set {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
        /// The name of the choice.
        name: String,
        /// The new value.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Takes all roles on a list from an address.
    Remove {
        /// The name of the list.
        list: ListName,
        /// The address of the person.
        address: Address,
    },
}

pub(super) async fn run(app: &App, command: Members) -> anyhow::Result<CommandOutput> {
    Ok(match command {
        Members::Add { list, address, key, name, role } => {
            let list = named(app, &list).await?;
            let name = shown_name(&name)?;
            let role = Role::from_name(&role).ok_or_else(|| {
                Ending::new(Code::Usage, format!("{role:?} is none of member, owner, moderator, nonmember"))
            })?;
            let there = people::roles_of(&mut *app.store.reader().await?, list.no, &address).await?;
            if there.iter().any(|member| member.role == role) {
                let text = format!("{address} is {} of {} already", role.name(), list.name);
                return Err(Ending::new(Code::CannotCreate, text).into());
            }
            let key = key.map(|file| read_file(&file)).transpose()?;
            let member = NewMember { address: address.clone(), name, role, key };
            add_member(app, &list, member, app.store.now()).await?;
            let warning = want_of_key(app, &list, &address).await?.map(|want| format!("{address}: {want}"));
            let added = format!("{address} is {} of {}\n", role.name(), list.name);
            warned((added, json!({ "added": address.to_string() })), warning)
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
        Members::Set { list, address, name, value } => {
            let of = named(app, &list).await?;
            let roles = people::roles_of(&mut *app.store.reader().await?, of.no, &address).await?;
            // An owner may be no member, and reads notices too.
            let found = roles.iter().find(|one| one.role == Role::Member).or(roles.first());
            let mut member = found.ok_or_else(|| no_role(&address, &list))?.clone();
            let change = PreferenceChange::parse(&name, Some(&value))?;
            let level = match change {
                PreferenceChange::PreferredLanguage(_) => PreferenceLevel::Address(member.address_no),
                _ => PreferenceLevel::Member(member.no),
            };
            app.store
                .write(move |db| Box::pin(people::choose(db, level, change)))
                .await
                .map_err(AppError::Store)?;
            let levels = people::levels_of(&mut *app.store.reader().await?, member.no).await?;
            member.preferences = levels.effective();
            let preferences = member.preferences;
            let text = format!("{address}: {name} is {value}\n");
            let warning = cleartext_warning(&of, &member).filter(|_| name == "allow_cleartext");
            warned((text, json!(preferences)), warning)
        }
        Members::Remove { list, address } => {
            let of = named(app, &list).await?;
            let no = of.no;
            let mut roles = people::roles_spelled(&mut *app.store.reader().await?, no, &address).await?;
            if roles.is_empty() {
                roles = people::roles_of(&mut *app.store.reader().await?, no, &address).await?;
            }
            if roles.is_empty() {
                return Err(no_role(&address, &list).into());
            }
            let was_owner = roles.iter().any(|member| member.role == Role::Owner);
            for member in roles {
                app.store
                    .write(move |db| Box::pin(people::remove_member(db, member.no)))
                    .await
                    .map_err(AppError::Store)?;
            }
            let warning = if was_owner { owners::lack(app, &of).await? } else { None };
            let removed = format!("{address} is removed from {list}\n");
            warned((removed, json!({ "removed": address.to_string() })), warning)
        }
    })
}

/// Longer names fill the header fields of others.
const MAX_NAME_CHARS: usize = 100;

/// The name with single blanks. An admin may give more than people may choose for themselves, but nothing that looks like an address.
fn shown_name(given: &str) -> Result<String, Ending> {
    let name = given.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_strange = |c: char| c.is_control() || "@<>\"".contains(c);
    match name.chars().count() > MAX_NAME_CHARS || name.contains(is_strange) {
        true => Err(Ending::new(
            Code::Data,
            format!("a name has at most {MAX_NAME_CHARS} characters, and no @, <, > or \" in it"),
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

fn no_role(address: &Address, list: &ListName) -> Ending {
    Ending::new(Code::NoUser, format!("{address} has no role on {list}"))
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
    let mut db = app.store.reader().await?;
    let waits =
        people::roles_of(&mut db, list.no, address).await?.iter().any(|member| member.key_pending_approval);
    let key = match people::find_address(&mut db, address).await? {
        Some(no) => sealist_store::keys::certificate_of(&mut db, no).await?,
        None => None,
    };
    Ok(match key {
        None => Some("without a key nothing can be sent there; fix: `sealist keys import` takes one"),
        Some(_) if waits => Some(
            "its key came from another list, and waits until those in charge approve it, or `sealist keys approve` does",
        ),
        Some(key) if key.card.is_none() => {
            Some("its key cannot be used, and without one nothing can be sent there: see `sealist keys show`")
        }
        Some(_) => None,
    })
}
