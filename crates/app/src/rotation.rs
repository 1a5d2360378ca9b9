//! A new posting key for a list, and keys into the database.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{ListNo, MailingList, NodeNo};
use sealist_openpgp::KeyName;
use sealist_store::events::{self, Occasion};
use sealist_store::list_keys::{self, ListKeyPurpose, ListKeyState};
use sealist_store::nodes::Deployment;
use sealist_store::{Conn, StoreError, lists, rotation, site_key};

use crate::error::AppError;
use crate::key_names::name_of;
use crate::key_rollover::announce;
use crate::keyring::lacks;
use crate::new_keys;
use crate::setup::list_key_made;
use crate::site::App;
use crate::vault::Unavailable;

/// The result of a rotation.
pub struct Rotated {
    /// The new key.
    pub fingerprint: String,
    /// The nodes that have not loaded it yet. If it is empty, the key is in use.
    pub waits_for: Vec<NodeNo>,
    /// Whether other nodes can serve the site.
    pub alone: Deployment,
}

/// Makes a new posting key for a list. It is used when every live node has loaded it, or at once if no node
/// is live. The old key opens mail until `key_overlap_days` are over. A key that still waited is dropped.
/// Errs with [`StoreError::Duplicate`] if another rotation happened at the same time.
pub(crate) async fn rotate(app: &App, list: &MailingList, occasion: &Occasion) -> Result<Rotated, AppError> {
    let now = occasion.now;
    if !list.settings.has_openpgp() {
        return Err(AppError::Plain(list.name.to_string()));
    }
    let last =
        list_keys::generation(&mut *app.store.reader().await?, list.no, ListKeyPurpose::Posting).await?;
    let key = new_keys::posting(app, list, last + 1, ListKeyState::Waiting, now)?;
    let (fingerprint, no, alone) = (key.fingerprint.clone(), list.no, app.store.alone());
    let occasion = occasion.clone();
    let waits_for = app.store.write(move |db| {
        Box::pin(async move {
            rotation::give_up_waiting(&mut *db, no, now).await?;
            let made = list_key_made(no, &key);
            let key = list_keys::insert(&mut *db, no, &key, now).await?;
            events::record(&mut *db, &occasion, &made).await?;
            let switched = switch(&mut *db, alone, &occasion).await?;
            match switched.contains(&no) {
                true => Ok::<_, StoreError>(Vec::new()),
                false => rotation::lacking(db, key, alone).await,
            }
        })
    });
    let waits_for = waits_for.await?;
    if waits_for.is_empty() {
        announce(app, now).await?;
    }
    Ok(Rotated { fingerprint, waits_for, alone })
}

/// Activates the keys that all nodes have. Returns the lists of those keys.
pub(crate) async fn switch(
    db: &mut Conn,
    alone: Deployment,
    occasion: &Occasion,
) -> Result<Vec<ListNo>, StoreError> {
    let switched = rotation::switch(&mut *db, alone, occasion.now).await?;
    for (list, fingerprint) in &switched {
        let used = EventKind::ListKeyUsed { fingerprint: fingerprint.clone() };
        events::record(&mut *db, occasion, &Event::of_list(*list, used)).await?;
    }
    Ok(switched.into_iter().map(|(list, _)| list).collect())
}

/// Stores every key of this node in the database, wrapped: those of the lists and the site key. Nothing is
/// deleted elsewhere. Returns how many list keys were added. Errs with [`AppError::NoKeys`] if a key that is
/// still needed is not available.
pub(crate) async fn keep_in_database(app: &App, occasion: &Occasion) -> Result<usize, AppError> {
    let site = app.vault.wrap(&KeyName::of_site(), &*app.vault.mac().to_bytes());
    let site = site.ok_or(AppError::NoMasterKey)?;
    let mut moved = Vec::new();
    for row in list_keys::all(&mut *app.store.reader().await?).await? {
        let mut db = app.store.reader().await?;
        let Some(list) = lists::by_no(&mut db, row.list).await? else { continue };
        if list_keys::wrapped(&mut db, row.no).await?.is_some() {
            continue;
        }
        let name = name_of(&list, &row);
        match app.vault.secret(&name, None) {
            Ok(secret) => moved.push((row.no, app.vault.wrap(&name, &secret).ok_or(AppError::NoMasterKey)?)),
            // The key is no longer needed.
            Err(Unavailable::Missing) if row.state == ListKeyState::Retired => {}
            Err(why) => return Err(lacks(&list, &row, why)),
        }
    }
    let count = moved.len();
    let occasion = occasion.clone();
    let kind = EventKind::ListKeysWrapped { keys: count as u64 };
    let event = (count > 0).then_some(Event { list: None, subject: None, kind });
    let kept = app.store.write(move |db| {
        Box::pin(async move {
            for (no, wrapped) in moved {
                list_keys::keep_wrapped(&mut *db, no, &wrapped).await?;
            }
            site_key::keep_wrapped(&mut *db, &site).await?;
            match event {
                Some(event) => events::record(db, &occasion, &event).await,
                None => Ok(()),
            }
        })
    });
    kept.await?;
    Ok(count)
}
