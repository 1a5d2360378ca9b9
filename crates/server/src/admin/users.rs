//! `sealist users`: which addresses belong to one person, what is set for that person, and how the person is
//! deleted.

use clap::Subcommand;
use sealist_app::{App, UserChange, UserView};
use sealist_mail::Address;
use serde_json::json;

use super::{CommandOutput, preferences};

#[derive(Subcommand)]
pub(crate) enum Users {
    /// Prints the person behind an address: the id, all addresses, and what is set for the person.
    Show {
        /// An address of the person.
        address: Address,
    },
    /// Says that two addresses belong to one person. Keys stay with each address.
    Link {
        /// An address that is known. If it belongs to no person yet, the person prefers it.
        address: Address,
        /// The other address.
        other: Address,
    },
    /// Takes an address from the person to whom it belongs. Its memberships and its key stay.
    Unlink {
        /// The address.
        address: Address,
    },
    /// Sets a preference for all addresses of a person, or `server_owner`: whether the person is in charge of
    /// the whole site. Nothing asks for `server_owner` yet; the REST interface and the pages will. Everything
    /// else stays as it is.
    Set {
        /// An address of the person.
        address: Address,
        /// The name, as `users show` prints it.
        name: String,
        /// The new value.
        #[arg(required_unless_present = "unset")]
        value: Option<String>,
        /// Takes it back, so that the site or the list decides.
        #[arg(long, conflicts_with = "value")]
        unset: bool,
    },
    /// Deletes a person with all addresses and their keys. Nothing in the database names the person
    /// afterwards; posts that a list keeps stay, and what owners wrote into settings.
    Delete {
        /// An address of the person. No address may have a role, a ban, or anything that waits.
        address: Address,
    },
    /// Makes an address the preferred one of its person: memberships of the person go there from now on.
    Prefer {
        /// The address.
        address: Address,
    },
}

pub(super) async fn run(app: &App, command: Users) -> anyhow::Result<CommandOutput> {
    let users = app.as_operator().users();
    Ok(match command {
        Users::Show { address } => shown(&users.show(&address).await?),
        Users::Link { address, other } => shown(&users.link(&address, &other).await?),
        Users::Prefer { address } => shown(&users.prefer(&address).await?),
        Users::Set { address, name, value, .. } => {
            let change = UserChange::parse(&name, value.as_deref())?;
            shown(&users.change(&address, change).await?)
        }
        Users::Delete { address } => {
            let deleted: Vec<String> =
                users.delete(&address).await?.iter().map(ToString::to_string).collect();
            (format!("deleted: {}\n", deleted.join(", ")), json!({ "deleted": deleted }))
        }
        Users::Unlink { address } => {
            users.unlink(&address).await?;
            (format!("{address} belongs to nobody now\n"), json!({ "unlinked": address.to_string() }))
        }
    })
}

fn shown(user: &UserView) -> CommandOutput {
    let mut text = format!("{:<22} {}\n", "id", user.id);
    if !user.name.is_empty() {
        text += &format!("{:<22} {}\n", "name", user.name);
    }
    for linked in &user.addresses {
        let preferred = if linked.preferred { "  (preferred)" } else { "" };
        text += &format!("{:<22} {}{preferred}\n", "address", linked.address);
    }
    text += &format!("{:<22} {}\n", "server_owner", user.server_owner);
    text += &preferences::shown(&user.preferences);
    (text, json!(user))
}
