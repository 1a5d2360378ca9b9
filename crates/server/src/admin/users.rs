//! `sealist users`: which addresses belong to one person.

use clap::Subcommand;
use sealist_app::{App, link_address, prefer_address, show_user, unlink_address};
use sealist_lists::model::User;
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
    Ok(match command {
        Users::Show { address } => shown(&show_user(app, &address).await?),
        Users::Link { address, other } => shown(&link_address(app, &address, &other, app.store.now()).await?),
        Users::Prefer { address } => shown(&prefer_address(app, &address, app.store.now()).await?),
        Users::Unlink { address } => {
            unlink_address(app, &address, app.store.now()).await?;
            (format!("{address} belongs to nobody now\n"), json!({ "unlinked": address.to_string() }))
        }
    })
}

fn shown(user: &User) -> CommandOutput {
    let mut text = format!("id         {}\n", user.id);
    if !user.display_name.is_empty() {
        text += &format!("name       {}\n", user.display_name);
    }
    for linked in &user.addresses {
        let preferred = if linked.is_preferred { "  (preferred)" } else { "" };
        text += &format!("address    {}{preferred}\n", linked.address);
    }
    let addresses: Vec<_> = user
        .addresses
        .iter()
        .map(|linked| json!({ "address": linked.address.to_string(), "preferred": linked.is_preferred }))
        .collect();
    let data = json!({
        "id": user.id, "number": user.id.decimal(), "name": user.display_name,
        "server_owner": user.is_server_owner, "addresses": addresses,
    });
    (text, data)
}
