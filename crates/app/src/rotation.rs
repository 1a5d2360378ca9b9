//! A new posting key for a list, and keys into the database.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{ListKeyNo, ListNo, MailingList, NodeNo};
use sealist_openpgp::KeyName;
use sealist_store::events::Occasion;
use sealist_store::list_keys::{self, ListKeyPurpose, ListKeyState, NewListKey};
use sealist_store::nodes::Deployment;
use sealist_store::{Conn, StoreError, lists, rotation, site_key};

use crate::changes::{Change, ChangeOutcome, Happened, make};
use crate::error::AppError;
use crate::key_names::name_of;
use crate::key_rollover::announce;
use crate::keyring::lacks;
use crate::new_keys;
use crate::setup::NewKey;
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
    let waits_for = app.make(NewPostingKey { list: no, key, alone }, occasion);
    let waits_for = waits_for.await?;
    if waits_for.is_empty() {
        announce(app, now).await?;
    }
    Ok(Rotated { fingerprint, waits_for, alone })
}

/// A new posting key, which is used at once if every live node has it. Answers the nodes that have not loaded
/// it yet.
struct NewPostingKey {
    list: ListNo,
    key: NewListKey,
    alone: Deployment,
}

impl Change for NewPostingKey {
    type Answer = Vec<NodeNo>;
    type Error = StoreError;

    async fn apply(
        self,
        db: &mut Conn,
        occasion: &Occasion,
    ) -> Result<ChangeOutcome<Vec<NodeNo>>, StoreError> {
        let Self { list, key, alone } = self;
        rotation::give_up_waiting(&mut *db, list, occasion.now).await?;
        let no = make(&mut *db, NewKey { list, key }, occasion).await?;
        let switched = make(&mut *db, SwitchKeys(alone), occasion).await?;
        Ok(ChangeOutcome::nothing(match switched.contains(&list) {
            true => Vec::new(),
            false => rotation::lacking(db, no, alone).await?,
        }))
    }
}

/// Activates the keys that all nodes have. Answers the lists of those keys.
pub(crate) struct SwitchKeys(pub(crate) Deployment);

impl Change for SwitchKeys {
    type Answer = Vec<ListNo>;
    type Error = StoreError;

    async fn apply(
        self,
        db: &mut Conn,
        occasion: &Occasion,
    ) -> Result<ChangeOutcome<Vec<ListNo>>, StoreError> {
        let switched = rotation::switch(db, self.0, occasion.now).await?;
        let used = |(list, fingerprint): &(ListNo, String)| {
            let used = EventKind::ListKeyUsed { fingerprint: fingerprint.clone() };
            Happened::Change(Event::of_list(*list, used))
        };
        let happened: Vec<_> = switched.iter().map(used).collect();
        Ok(ChangeOutcome::new(switched.into_iter().map(|(list, _)| list).collect(), happened))
    }
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
    app.make(KeysToKeep { moved, site }, occasion).await?;
    Ok(count)
}

/// Keys that the database keeps from now on, wrapped.
struct KeysToKeep {
    moved: Vec<(ListKeyNo, Vec<u8>)>,
    site: Vec<u8>,
}

impl Change for KeysToKeep {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        for (no, wrapped) in &self.moved {
            list_keys::keep_wrapped(&mut *db, *no, wrapped).await?;
        }
        site_key::keep_wrapped(db, &self.site).await?;
        let kind = EventKind::ListKeysWrapped { keys: self.moved.len() as u64 };
        let kept = Happened::Change(Event { list: None, subject: None, kind });
        Ok(ChangeOutcome::new((), (!self.moved.is_empty()).then_some(kept)))
    }
}
