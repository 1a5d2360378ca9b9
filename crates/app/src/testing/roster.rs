//! Writes a roster of any length, unasked: without events, welcomes or a check of any key.

use std::path::Path;

use sealist_lists::model::{ListName, ListNo, Preferences, Role};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, POLICY_EPOCH};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::transaction;
use sealist_store::{Store, StoreError, key_checks, lists, people};

use crate::error::AppError;

/// A new member, with a certificate that need not name the address.
pub struct JoiningMember {
    /// The address.
    pub address: Address,
    /// The certificate.
    pub certificate: Certificate,
    /// The sealing card that was made of the certificate for this address.
    pub card: Vec<u8>,
}

/// Writes the roster of one list.
pub struct RosterWriter {
    store: Store,
    list: ListNo,
    now: Timestamp,
}

impl RosterWriter {
    /// Opens the SQLite file of a site that has the list. Errs with [`AppError::NoSuchList`].
    pub async fn open(database: &Path, list: &ListName, now: Timestamp) -> Result<Self, AppError> {
        let store = Store::open(database).await?;
        let found = lists::by_name(&mut *store.reader().await?, list).await?;
        let list = found.ok_or_else(|| AppError::NoSuchList(list.to_string()))?.no;
        Ok(Self { store, list, now })
    }

    /// Adds members in one commit.
    pub async fn add(&self, joining: Vec<JoiningMember>) -> Result<(), AppError> {
        let (list, now) = (self.list, self.now);
        let joined = self.store.write(transaction!(|db| {
            for JoiningMember { address, certificate, card } in &joining {
                let row = CertificateRow {
                    fingerprint: certificate.fingerprint().to_string(),
                    certificate: certificate.to_bytes(),
                    card: Some(card.clone()),
                    unusable: None,
                    confirmed_at: Some(now),
                };
                let no = people::ensure_address(&mut *db, address, "", now).await?;
                keys::set_certificate(&mut *db, no, &row, now).await?;
                people::add_member(&mut *db, list, no, Role::Member, Preferences::default(), now).await?;
            }
            Ok::<_, StoreError>(())
        }));
        Ok(joined.await?)
    }

    /// Records today's check of keys as done. Otherwise the check would run during a measurement.
    pub async fn finish(self) -> Result<(), AppError> {
        let now = self.now;
        let checked = self.store.write(transaction!(|db| {
            if let Some(pass) = key_checks::begin(&mut *db, POLICY_EPOCH, now).await? {
                key_checks::end(db, pass, now).await?;
            }
            Ok::<_, StoreError>(())
        }));
        Ok(checked.await?)
    }
}
