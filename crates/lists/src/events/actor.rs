//! Who causes a change. An actor has a stable stored form, which keeps the kinds of actors that a newer
//! version knows.

use sealist_mail::Address;

use crate::names;

/// Who causes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Mail that names this address as its author.
    Mail {
        /// The address.
        address: Address,
        /// How far the mail proves that the address wrote it.
        proof: MailProof,
    },
    /// A person who logged in: the number of the user.
    Person(i64),
    /// A program with an access token: the number of the token.
    Token(i64),
    /// A user of the operating system who runs commands on the server.
    CommandLine {
        /// The number of that user.
        uid: u32,
        /// The name of that user: `root (command line)`.
        name: String,
    },
    /// A plugin, by its name.
    Plugin(String),
    /// The server itself.
    Server(ServerCause),
    /// An actor of a newer version, or one whom an older version recorded in words.
    Other(StoredActor),
}

/// How far mail proves who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailProof {
    /// The mail has nothing but its From field, which anybody can write.
    Nothing,
    /// The mail has a token that was sent to the address.
    Token,
    /// The certificate of the address signed all of the mail.
    Signature,
}

/// Why the server changes something by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerCause {
    /// A message was judged by the rules of its list.
    Rules,
    /// A period of waiting is over.
    Expiry,
    /// A limit of the list or of the site is reached.
    Limits,
    /// Mail to a member came back.
    Bounces,
    /// The daily check of keys, or a key server, says something new about a key.
    Keys,
    /// All nodes have a key that they waited for.
    Nodes,
    /// Work on something failed several times.
    Faults,
}

/// The stored form of an actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredActor {
    /// The kind of the actor: `mail`, `command-line`.
    pub kind: String,
    /// What its kind says of it, without the address of a person.
    pub detail: String,
    /// The address of the person, which the store keeps apart; `None` also when the person was deleted.
    pub address: Option<Address>,
}

names! { MailProof { Nothing = "nothing", Token = "token", Signature = "signature" } }

names! { ServerCause {
    Rules = "rules",
    Expiry = "expiry",
    Limits = "limits",
    Bounces = "bounces",
    Keys = "keys",
    Nodes = "nodes",
    Faults = "faults",
} }

impl Actor {
    /// Mail of that address.
    pub fn mail(address: &Address, proof: MailProof) -> Self {
        Self::Mail { address: address.clone(), proof }
    }

    /// The address of the person who acts, if the actor is one whom an address names.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Mail { address, .. } => Some(address),
            Self::Other(stored) => stored.address.as_ref(),
            _ => None,
        }
    }

    /// The form in which the actor is stored.
    pub fn stored(&self) -> StoredActor {
        let (kind, detail) = match self {
            Self::Mail { proof, .. } => ("mail", proof.name().to_owned()),
            Self::Person(number) => ("person", number.to_string()),
            Self::Token(number) => ("token", number.to_string()),
            Self::CommandLine { uid, name } => ("command-line", format!("{uid} {name}")),
            Self::Plugin(name) => ("plugin", name.clone()),
            Self::Server(cause) => ("server", cause.name().to_owned()),
            Self::Other(stored) => return stored.clone(),
        };
        StoredActor { kind: kind.to_owned(), detail, address: self.address().cloned() }
    }

    /// The actor of that stored form. A form that this version does not know is kept as it is.
    pub fn from_stored(stored: StoredActor) -> Self {
        Self::known(&stored).unwrap_or(Self::Other(stored))
    }

    fn known(stored: &StoredActor) -> Option<Self> {
        let detail = stored.detail.as_str();
        Some(match stored.kind.as_str() {
            "mail" => Self::Mail { address: stored.address.clone()?, proof: MailProof::from_name(detail)? },
            "person" => Self::Person(detail.parse().ok()?),
            "token" => Self::Token(detail.parse().ok()?),
            "command-line" => {
                let (uid, name) = detail.split_once(' ')?;
                Self::CommandLine { uid: uid.parse().ok()?, name: name.to_owned() }
            }
            "plugin" => Self::Plugin(detail.to_owned()),
            "server" => Self::Server(ServerCause::from_name(detail)?),
            _ => return None,
        })
    }
}

impl std::fmt::Display for Actor {
    /// How people read it: the address, or who it is in words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mail { address, .. } => f.write_str(&address.key()),
            Self::Person(number) => write!(f, "(user {number})"),
            Self::Token(number) => write!(f, "(token {number})"),
            Self::CommandLine { name, .. } => f.write_str(name),
            Self::Plugin(name) => write!(f, "(plugin {name})"),
            Self::Server(_) => f.write_str("(the server)"),
            Self::Other(stored) => match &stored.address {
                Some(address) => f.write_str(&address.key()),
                None if stored.detail.is_empty() => write!(f, "({})", stored.kind),
                None => f.write_str(&stored.detail),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_actor_is_read_as_it_was_stored() {
        fn check(actor: Actor, kind: &str, detail: &str) {
            let stored = actor.stored();
            assert_eq!((stored.kind.as_str(), stored.detail.as_str()), (kind, detail));
            assert_eq!(Actor::from_stored(stored), actor);
        }
        let anne: Address = "anne@example.org".parse().unwrap();
        for &proof in MailProof::ALL {
            check(Actor::mail(&anne, proof), "mail", proof.name());
        }
        for &cause in ServerCause::ALL {
            check(Actor::Server(cause), "server", cause.name());
        }
        check(Actor::Person(7), "person", "7");
        check(Actor::Token(8), "token", "8");
        check(Actor::Plugin("spam".to_owned()), "plugin", "spam");
        let name = "anne as root (command line)".to_owned();
        check(Actor::CommandLine { uid: 0, name }, "command-line", "0 anne as root (command line)");
    }

    #[test]
    fn actors_of_a_newer_version_are_kept_as_they_are() {
        fn check(kind: &str, detail: &str, shown: &str) {
            let stored = StoredActor { kind: kind.to_owned(), detail: detail.to_owned(), address: None };
            let actor = Actor::from_stored(stored.clone());
            assert_eq!(actor, Actor::Other(stored.clone()));
            assert_eq!((actor.stored(), actor.to_string().as_str()), (stored, shown));
        }
        check("robot", "", "(robot)");
        check("robot", "number 5", "number 5");
        check("server", "moon-phase", "moon-phase");
        check("command-line", "root", "root");
        check("person", "anne", "anne");
        // The person was deleted.
        check("mail", "signature", "signature");
    }
}
