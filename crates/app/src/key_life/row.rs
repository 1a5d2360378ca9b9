//! What the database keeps of a certificate.

use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::keys::CertificateRow;

use super::judge::judge;
use crate::site::App;

/// Of one that was confirmed now: with its card if it can be used, else with the reason.
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

/// Of a newer form of the one that is known: taken also when it ends the use of the key, and never a confirmation. What is
/// in doubt stays so.
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
