//! `sealist users`: which addresses belong to one person.

use clap::Subcommand;
use sealist_app::{App, UserView};
use sealist_mail::Address;
use serde_json::json;

use super::CommandOutput;

#[derive(Subcommand)]
pub(crate) enum Users {
    /// Prints the person behind an address: the id, and all addresses.
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
        Users::Unlink { address } => {
            users.unlink(&address).await?;
            (format!("{address} belongs to nobody now\n"), json!({ "unlinked": address.to_string() }))
        }
    })
}

fn shown(user: &UserView) -> CommandOutput {
    let mut text = format!("id         {}\n", user.id);
    if !user.name.is_empty() {
        text += &format!("name       {}\n", user.name);
    }
    for linked in &user.addresses {
        let preferred = if linked.preferred { "  (preferred)" } else { "" };
        text += &format!("address    {}{preferred}\n", linked.address);
    }
    (text, json!(user))
}
