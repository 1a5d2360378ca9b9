//! The database row of a certificate.

use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::keys::CertificateRow;

use super::judge::judge;
use crate::site::App;

/// The row of a certificate that was confirmed now: with its card or, if it cannot be used, with the reason.
pub(crate) fn row_of(
    app: &App,
    address: &Address,
    certificate: &Certificate,
    now: Timestamp,
) -> CertificateRow {
    let card = judge(certificate, address, now).stored(app.vault.mac(), address);
    CertificateRow {
        fingerprint: certificate.fingerprint().to_string(),
        certificate: certificate.to_bytes(),
        unusable: card.as_ref().err().cloned(),
        card: card.ok(),
        confirmed_at: Some(now),
    }
}

/// The row of a newer version of a known certificate. It is accepted even if it ends the use of the key, and
/// it never confirms the key. A key in doubt stays in doubt.
pub(crate) fn updated_row(
    app: &App,
    address: &Address,
    before: &CertificateRow,
    merged: &Certificate,
    now: Timestamp,
) -> CertificateRow {
    let row = row_of(app, address, merged, now);
    match before.confirmed_at {
        Some(at) => CertificateRow { confirmed_at: Some(at), ..row },
        None => CertificateRow { certificate: row.certificate, card: None, ..before.clone() },
    }
}
