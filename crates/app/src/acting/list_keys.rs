//! The keys of lists: what an admin asks for and changes. Reads `key_overlap_days`.

use sealist_lists::model::ListName;
use sealist_openpgp::Certificate;

use super::ListActions;
use crate::error::AppError;
use crate::key_rollover;
use crate::rotation::{self, Rotated};

impl ListActions<'_> {
    /// The certificate that correspondents of a list encrypt to. `None` if the list has no keys.
    pub async fn certificate(&self, name: &ListName) -> Result<Option<Certificate>, AppError> {
        let no = self.0.named(name).await?.no;
        key_rollover::list_certificate(self.0.app, no).await
    }

    /// The keys of a list that are published: the one in use, and the one before it if that is revoked.
    pub async fn published_keys(&self, name: &ListName) -> Result<Vec<Certificate>, AppError> {
        let list = self.0.named(name).await?;
        key_rollover::published(self.0.app, &list).await
    }

    /// Removes from the posting key what others certified. Errs with [`AppError::Plain`] if the list has no
    /// keys, and if somebody certifies the key at this moment.
    pub async fn strip_certifications(&self, name: &ListName) -> Result<(), AppError> {
        let list = self.0.named(name).await?;
        key_rollover::strip_certifications(self.0.app, &list, &self.0.occasion()).await
    }

    /// Makes a new posting key for a list. It is used when every live node has loaded it. Errs with
    /// [`AppError::Plain`] if the list has no keys.
    pub async fn rotate_key(&self, name: &ListName) -> Result<Rotated, AppError> {
        let list = self.0.named(name).await?;
        rotation::rotate(self.0.app, &list, &self.0.occasion()).await
    }

    /// Stores the keys of all lists in the database, wrapped, and returns how many were added. Errs with
    /// [`AppError::NoMasterKey`] if there is nothing to wrap them with.
    pub async fn keep_keys_in_database(&self) -> Result<usize, AppError> {
        rotation::keep_in_database(self.0.app, &self.0.occasion()).await
    }
}
