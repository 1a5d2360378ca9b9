//! The state of all keys of the site.

use sealist_lists::model::{AddressNo, ListNo};
use sealist_mail::{Address, Timestamp};
use sealist_store::{key_checks, keys, lists};
use serde::{Serialize, Serializer};

use super::judge::judge_stored;
use crate::error::AppError;
use crate::site::App;

/// The key of an address.
#[derive(Clone, Debug, Serialize)]
pub struct KeyReport {
    /// Whose it is.
    pub address: String,
    /// Of the primary key; `None`: there is no key.
    pub fingerprint: Option<String>,
    /// Whether it can be used.
    pub usable: bool,
    /// Why it cannot be used.
    pub problem: Option<String>,
    /// Until when it can be used (RFC 3339 where it is printed). `None`: without limit, or not at all.
    #[serde(serialize_with = "as_rfc3339")]
    pub usable_until: Option<Timestamp>,
}

fn as_rfc3339<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::rfc3339).serialize(to)
}

/// Among the next `limit` addresses after `after`: those with a key, judged now, and those that need one
/// because they are on an encrypting list. `None`: there are no more.
pub(crate) async fn key_report(
    app: &App,
    after: AddressNo,
    limit: u32,
    now: Timestamp,
) -> Result<Option<(Vec<KeyReport>, AddressNo)>, AppError> {
    let mut db = app.store.reader().await?;
    let all = lists::all(&mut db).await?;
    let encrypting: Vec<ListNo> =
        all.iter().filter(|list| list.settings.encrypting()).map(|list| list.no).collect();
    let page = key_checks::everybody(&mut db, after, limit).await?;
    let Some((last, _)) = page.last() else { return Ok(None) };
    let (last, mut states) = (*last, Vec::new());
    for (no, email) in page {
        let address: Option<Address> = email.parse().ok();
        let mut state =
            KeyReport { address: email, fingerprint: None, usable: false, problem: None, usable_until: None };
        match (keys::certificate_of(&mut db, no).await?, address) {
            (Some(row), Some(address)) => {
                let judged = judge_stored(&row.certificate, &address, now);
                state.fingerprint = Some(row.fingerprint);
                state.usable_until = judged.until();
                let doubt = row.unusable.filter(|_| row.confirmed_at.is_none());
                state.problem = doubt.or(judged.card.err().map(|problem| problem.to_string()));
                state.usable = state.problem.is_none();
            }
            _ if key_checks::openpgp_lists_of(&mut db, no)
                .await?
                .iter()
                .any(|no| encrypting.contains(no)) =>
            {
                state.problem = Some("there is no key".to_owned());
            }
            _ => continue,
        }
        states.push(state);
    }
    Ok(Some((states, last)))
}
