//! The facts about an address for a step.

use sealist_lists::model::{MailingList, Member};
use sealist_lists::workflows::ConfirmedKey;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::people::Person;
use sealist_store::{keys, people};

use crate::error::AppError;
use crate::key_work::key_work;
use crate::site::App;

/// The facts about an address, read anew for each step.
pub(crate) struct PersonFacts {
    pub(crate) person: Option<Person>,
    pub(crate) roles: Vec<Member>,
    pub(crate) banned: bool,
    /// The confirmed certificate, if this list accepts it.
    pub(crate) known: Option<Certificate>,
    /// Whether there is a certificate that is not confirmed or not approved here.
    pub(crate) unconfirmed: bool,
    /// The generation of the certificate, confirmed or not. A later change checks that it is still the same.
    pub(crate) generation: Option<i64>,
}

impl PersonFacts {
    pub(super) fn known_key(&self, now: Timestamp) -> Option<ConfirmedKey> {
        self.known.as_ref().map(|certificate| ConfirmedKey {
            fingerprint: certificate.fingerprint(),
            usable: certificate.usable(now).is_ok(),
        })
    }
}

pub(crate) async fn facts(app: &App, list: &MailingList, address: &Address) -> Result<PersonFacts, AppError> {
    let mut db = app.store.reader().await?;
    let person = people::person(&mut db, address).await?;
    let (generation, row) = match &person {
        Some(person) => {
            (keys::generation_of(&mut db, person.no).await?, keys::certificate_of(&mut db, person.no).await?)
        }
        None => (None, None),
    };
    let roles = people::roles_of(&mut db, list.no, address).await?;
    let waits = roles.iter().any(|member| member.key_pending_approval);
    let unconfirmed = row.as_ref().is_some_and(|row| waits || row.confirmed_at.is_none());
    let confirmed = row.filter(|_| !unconfirmed);
    let banned = people::is_banned(&mut db, list.no, address).await?;
    drop(db);
    let now = app.store.now();
    let known = match confirmed {
        Some(row) => Some(key_work(move || verified(&row.certificate, now)).await??),
        None => None,
    };
    Ok(PersonFacts { roles, banned, known, unconfirmed, generation, person })
}

/// Parses a stored certificate and verifies its signatures once; it remembers which are valid.
fn verified(stored: &[u8], now: Timestamp) -> Result<Certificate, AppError> {
    let certificate = Certificate::from_stored(stored)?;
    let _ = certificate.usable(now);
    Ok(certificate)
}
