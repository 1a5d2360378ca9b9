//! The keys of people: what an admin asks for and changes.

use sealist_lists::model::AddressNo;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::keys::CertificateRow;
use sealist_store::{keys, people};
use serde::Serialize;

use super::Acting;
use crate::error::AppError;
use crate::key_life::{self, KeyReport, KeyServers, Refreshed};
use crate::requests;
use crate::setup::{self, KnownKey};

/// The keys of people, with somebody who looks at them or changes them.
pub struct KeyActions<'a>(pub(super) Acting<'a>);

/// A certificate as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateView {
    /// The fingerprint of the primary key.
    pub fingerprint: String,
    /// The user ids.
    pub user_ids: Vec<String>,
    /// Whether mail can be encrypted to it now.
    pub usable: bool,
    /// Why it cannot be used.
    pub problem: Option<String>,
    /// Until when it can be used (RFC 3339, UTC); `None`: without limit, or not at all.
    pub usable_until: Option<String>,
}

/// The certificate of an address.
#[derive(Clone, Debug, Serialize)]
pub struct AddressKeyView {
    /// The address.
    pub address: String,
    /// Its certificate.
    #[serde(flatten)]
    pub certificate: CertificateView,
    /// Since when a person stands for it (RFC 3339, UTC); `None`: it is in doubt.
    pub confirmed_at: Option<String>,
}

impl CertificateView {
    /// That certificate, seen at that time.
    pub fn of(certificate: &Certificate, now: Timestamp) -> Self {
        let card = certificate.usable(now);
        Self {
            fingerprint: certificate.fingerprint().to_string(),
            user_ids: certificate.user_ids(),
            usable: card.is_ok(),
            usable_until: card.as_ref().ok().and_then(|card| card.valid_until()).map(Timestamp::rfc3339),
            problem: card.err().map(|problem| problem.to_string()),
        }
    }
}

impl KeyActions<'_> {
    /// The key of an address. Errs with [`AppError::NotKnown`] or [`AppError::NoKeyOf`].
    pub async fn show(&self, address: &Address) -> Result<AddressKeyView, AppError> {
        let row = self.stored(address).await?;
        Ok(AddressKeyView {
            address: address.to_string(),
            certificate: CertificateView::of(&Certificate::from_stored(&row.certificate)?, self.0.now),
            confirmed_at: row.confirmed_at.map(Timestamp::rfc3339),
        })
    }

    /// The certificate of an address. Errs as [`Self::show`].
    pub async fn certificate(&self, address: &Address) -> Result<Certificate, AppError> {
        Ok(Certificate::from_stored(&self.stored(address).await?.certificate)?)
    }

    /// Among the next `limit` addresses behind `after`: those with a key, judged now, and those that need one
    /// because they are on an encrypting list; and the last of those addresses. `None`: there are no more. A
    /// page costs the signatures on its keys, so that nobody counts the whole.
    pub async fn report(
        &self,
        after: AddressNo,
        limit: u32,
    ) -> Result<Option<(Vec<KeyReport>, AddressNo)>, AppError> {
        key_life::key_report(self.0.app, after, limit, self.0.now).await
    }

    /// Gives an address the certificate that the actor vouches for, armored or binary, or merges an update or
    /// a revocation into its certificate, without losing anything that is known. Copies that waited become
    /// due if it can be used.
    pub async fn import(&self, address: &Address, key: &[u8]) -> Result<AddressKeyView, AppError> {
        let rule = KnownKey::MayBeReplaced;
        let effect = setup::set_key(self.0.app, address, key, rule, self.0.now).await?;
        self.0.carry_out(None, vec![effect]).await?;
        self.show(address).await
    }

    /// Approves the key that an address has, after somebody compared the fingerprint. Copies that waited are
    /// sent. Errs with [`AppError::NoKeyOf`], with [`AppError::OtherFingerprint`] if the address has another
    /// key, and with [`AppError::Overtaken`] if the key is changed at this moment.
    pub async fn approve(
        &self,
        address: &Address,
        fingerprint: &Fingerprint,
    ) -> Result<AddressKeyView, AppError> {
        requests::approve_key(self.0.app, address, fingerprint, &self.0.occasion()).await?;
        self.show(address).await
    }

    /// Looks for updates of the key of an address now. `None`: the address has no key.
    pub async fn refresh(
        &self,
        servers: &dyn KeyServers,
        address: &Address,
    ) -> Result<Option<Refreshed>, AppError> {
        key_life::refresh_address(self.0.app, servers, address, &self.0.occasion()).await
    }

    /// Looks for updates of the key whose last look-up is the oldest and before `before`. `None`: there is
    /// none.
    pub async fn refresh_next(
        &self,
        servers: &dyn KeyServers,
        before: Timestamp,
    ) -> Result<Option<Refreshed>, AppError> {
        key_life::refresh_next(self.0.app, servers, before, &self.0.occasion()).await
    }

    /// How many keys can be looked up.
    pub async fn refreshable(&self) -> Result<u64, AppError> {
        key_life::to_refresh(self.0.app).await
    }

    async fn stored(&self, address: &Address) -> Result<CertificateRow, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let no = people::find_address(&mut db, address).await?;
        let no = no.ok_or_else(|| AppError::NotKnown(address.to_string()))?;
        let row = keys::certificate_of(&mut db, no).await?;
        row.ok_or_else(|| AppError::NoKeyOf(address.to_string()))
    }
}
