//! What the database knows of the author of a message.

use sealist_lists::model::{MailingList, Member};
use sealist_mail::{Address, Mailbox};
use sealist_openpgp::Certificate;
use sealist_store::{keys, people};

use crate::error::AppError;
use crate::site::App;

/// What the database knows of an author's key.
pub(crate) enum AuthorKey {
    /// The list does not use OpenPGP, so no key was looked up.
    NotAsked,
    /// The author has no role.
    OfNobody,
    /// The author has no key.
    Missing,
    /// The key is not confirmed, so it proves nothing.
    Unconfirmed,
    /// The confirmed key.
    Confirmed(Box<Certificate>),
}

impl AuthorKey {
    /// The certificates whose signatures count as the author's.
    pub(crate) fn signers(&self) -> &[Certificate] {
        match self {
            Self::Confirmed(certificate) => std::slice::from_ref(certificate),
            _ => &[],
        }
    }
}

/// What the database knows of an author.
pub(crate) struct KnownAuthor {
    pub(crate) roles: Vec<Member>,
    pub(crate) key: AuthorKey,
    pub(crate) banned: bool,
}

/// Asks the database for the roles, the key and the bans of an author. A ban counts for the envelope sender,
/// too.
pub(crate) async fn look_up(
    app: &App,
    list: &MailingList,
    author: &Mailbox,
    sender: Option<&Address>,
) -> Result<KnownAuthor, AppError> {
    let mut db = app.store.reader().await?;
    let roles = people::roles_of(&mut db, list.no, &author.address).await?;
    let key = match roles.first() {
        _ if !list.settings.has_openpgp() => AuthorKey::NotAsked,
        None => AuthorKey::OfNobody,
        Some(member) => match keys::certificate_of(&mut db, member.address_no).await? {
            None => AuthorKey::Missing,
            Some(row) if row.confirmed_at.is_none() || member.key_pending_approval => AuthorKey::Unconfirmed,
            Some(row) => AuthorKey::Confirmed(Box::new(Certificate::from_stored(&row.certificate)?)),
        },
    };
    let mut banned = people::is_banned(&mut db, list.no, &author.address).await?;
    if let Some(sender) = sender.filter(|sender| **sender != author.address) {
        banned |= people::is_banned(&mut db, list.no, sender).await?;
    }
    Ok(KnownAuthor { roles, key, banned })
}
