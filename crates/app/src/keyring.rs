//! The loaded keys of the lists. Each key is read once, and the database is asked every time which key is
//! used for what, so that a rotation takes effect on all nodes when it is committed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealist_lists::model::{ListKeyNo, ListNo, MailingList};
use sealist_openpgp::{Certificate, KeyName, ListKey, StorageKey};
use sealist_store::Store;
use sealist_store::list_keys::{self, ListKeyPurpose, ListKeyRow, ListKeyState};

use crate::error::AppError;
use crate::key_names::name_of;
use crate::vault::{KeyVault, Unavailable};

/// The secret keys of one list.
pub struct ListKeys {
    /// The posting key: it signs, and members get its certificate.
    pub posting: Arc<ListKey>,
    /// Other keys that open mail: replaced ones until they are retired, and a waiting one.
    pub others: Vec<Arc<ListKey>>,
    /// The storage key.
    pub storage: Arc<StorageKey>,
}

impl ListKeys {
    /// All that open mail, the one in use first.
    pub fn openers(&self) -> Vec<&ListKey> {
        std::iter::once(&self.posting).chain(&self.others).map(AsRef::as_ref).collect()
    }
}

/// What this process has loaded.
#[derive(Default)]
pub(crate) struct Keyring(Mutex<HashMap<ListNo, Held>>);

/// The keys of one list.
#[derive(Default)]
struct Held {
    keys: BTreeMap<ListKeyNo, LoadedKey>,
    /// Missing keys that were already logged.
    complained: BTreeSet<ListKeyNo>,
    together: Option<CachedListKeys>,
}

#[derive(Clone)]
enum LoadedKey {
    Posting(Arc<ListKey>),
    Storage(Arc<StorageKey>),
}

/// The state of a list's keys in the database, and the keys that were loaded for it.
struct CachedListKeys {
    states: Vec<(ListKeyNo, ListKeyState)>,
    keys: Arc<ListKeys>,
}

impl Keyring {
    /// Returns the keys of a list with OpenPGP, as the database says now that they are used. Errs with
    /// [`AppError::NoKeys`] if this node lacks a key that is in use or was in use until lately.
    pub(crate) async fn keys_of(
        &self,
        store: &Store,
        vault: &Arc<dyn KeyVault>,
        list: &MailingList,
    ) -> Result<Arc<ListKeys>, AppError> {
        let states = list_keys::states(&mut *store.reader().await?, list.no).await?;
        if let Some(together) = self.held().get(&list.no).and_then(|held| held.together.as_ref())
            && together.states == states
        {
            return Ok(together.keys.clone());
        }
        let rows = list_keys::of_list(&mut *store.reader().await?, list.no).await?;
        for row in &rows {
            match self.load(store, vault, list, row).await? {
                Err(why) if row.state != ListKeyState::Waiting => return Err(lacks(list, row, why)),
                _ => {}
            }
        }
        self.join(list, &rows)
    }

    /// Loads the keys that wait until every node has them. Returns those that this node has.
    pub(crate) async fn load_waiting(
        &self,
        store: &Store,
        vault: &Arc<dyn KeyVault>,
    ) -> Result<Vec<ListKeyNo>, AppError> {
        let rows = sealist_store::rotation::waiting(&mut *store.reader().await?).await?;
        let mut loaded = Vec::new();
        for row in rows {
            let list = sealist_store::lists::by_no(&mut *store.reader().await?, row.list).await?;
            let Some(list) = list else { continue };
            match self.load(store, vault, &list, &row).await? {
                Ok(()) => loaded.push(row.no),
                Err(why) => self.log_missing_key(&list, &row, why),
            }
        }
        Ok(loaded)
    }

    /// Loads a key unless it is loaded. The inner error says why this node cannot.
    async fn load(
        &self,
        store: &Store,
        vault: &Arc<dyn KeyVault>,
        list: &MailingList,
        row: &ListKeyRow,
    ) -> Result<Result<(), Unavailable>, AppError> {
        if self.held().get(&list.no).is_some_and(|held| held.keys.contains_key(&row.no)) {
            return Ok(Ok(()));
        }
        let wrapped = list_keys::wrapped(&mut *store.reader().await?, row.no).await?;
        let (vault, named, key) = (vault.clone(), name_of(list, row), row.clone());
        let opened = tokio::task::spawn_blocking(move || open(&*vault, &named, &key, wrapped.as_deref()));
        Ok(match opened.await.map_err(|_| AppError::Interrupted)? {
            Ok(secret) => {
                self.take(list.no, row.no, secret);
                Ok(())
            }
            Err(why) => Err(why),
        })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ListNo, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, list: ListNo, no: ListKeyNo, secret: LoadedKey) {
        let mut all = self.held();
        let held = all.entry(list).or_default();
        held.keys.insert(no, secret);
        held.complained.remove(&no);
        held.together = None;
    }

    /// Logs a missing key once, until it is there.
    fn log_missing_key(&self, list: &MailingList, row: &ListKeyRow, why: Unavailable) {
        if self.held().entry(list.no).or_default().complained.insert(row.no) {
            tracing::warn!(
                event = "new-key-missing",
                list = %list.name, key = row.fingerprint, %why, fix = why.fix(),
                "a new key of a list waits because this node lacks its secret key"
            );
        }
    }

    /// Combines the loaded keys, and drops retired ones.
    fn join(&self, list: &MailingList, rows: &[ListKeyRow]) -> Result<Arc<ListKeys>, AppError> {
        let mut all = self.held();
        let held = all.entry(list.no).or_default();
        held.keys.retain(|no, _| rows.iter().any(|row| row.no == *no));
        let (mut posting, mut storage, mut others) = (None, None, Vec::new());
        for row in rows {
            match (held.keys.get(&row.no), row.state) {
                (Some(LoadedKey::Posting(key)), ListKeyState::Used) => posting = Some(key.clone()),
                (Some(LoadedKey::Posting(key)), _) => others.push(key.clone()),
                (Some(LoadedKey::Storage(key)), ListKeyState::Used) => storage = Some(key.clone()),
                _ => {}
            }
        }
        let (Some(posting), Some(storage)) = (posting, storage) else {
            let key = "posting key or storage key".to_owned();
            return Err(AppError::NoKeys { list: list.name.to_string(), key, why: Unavailable::Missing });
        };
        let keys = Arc::new(ListKeys { posting, others, storage });
        let states = rows.iter().map(|row| (row.no, row.state)).collect();
        held.together = Some(CachedListKeys { states, keys: keys.clone() });
        Ok(keys)
    }
}

/// A key is used only if its two halves match and it is the key that the row names.
fn open(
    vault: &dyn KeyVault,
    name: &KeyName,
    row: &ListKeyRow,
    wrapped: Option<&[u8]>,
) -> Result<LoadedKey, Unavailable> {
    let octets = vault.secret(name, wrapped)?;
    let named = Certificate::from_stored(&row.certificate).map_err(|_| Unavailable::Other)?;
    let (secret, is_named) = match row.purpose {
        ListKeyPurpose::Posting => {
            let key = ListKey::from_secret_bytes(&octets)?;
            let is_named = key.belongs_to(&named);
            (LoadedKey::Posting(Arc::new(key)), is_named)
        }
        ListKeyPurpose::Storage => {
            let key = StorageKey::from_secret_bytes(&octets)?;
            let is_named = key.belongs_to(&named);
            (LoadedKey::Storage(Arc::new(key)), is_named)
        }
    };
    if is_named && named.fingerprint().to_string() == name.fingerprint {
        Ok(secret)
    } else {
        Err(Unavailable::Other)
    }
}

pub(crate) fn lacks(list: &MailingList, row: &ListKeyRow, why: Unavailable) -> AppError {
    let key = format!("{} key {}", row.purpose.name(), row.fingerprint);
    AppError::NoKeys { list: list.name.to_string(), key, why }
}
