//! Certificates of people.

use sealist_lists::model::AddressNo;
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// The fingerprint of the confirmed certificate of an address.
pub async fn fingerprint_of(db: &mut Conn, address: AddressNo) -> Result<Option<String>, StoreError> {
    let row =
        query("SELECT fingerprint FROM certificates WHERE address_no = $1 AND confirmed_at IS NOT NULL")
            .bind(address.0)
            .fetch_optional(db)
            .await?;
    row.map(|row| row.value()).transpose()
}

/// An address other than this one that has the certificate of that fingerprint; `None` if no other address
/// has it.
pub async fn other_holder(
    db: &mut Conn,
    fingerprint: &str,
    address: &Address,
) -> Result<Option<String>, StoreError> {
    let row = query(
        "SELECT a.email FROM certificates c JOIN addresses a ON a.no = c.address_no
         WHERE c.fingerprint = $1 AND a.email_key != $2 ORDER BY a.no LIMIT 1",
    );
    let row = row.bind(fingerprint).bind(address.key()).fetch_optional(db).await?;
    row.map(|row| row.value()).transpose()
}

/// The certificate of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRow {
    /// Of the primary key.
    pub fingerprint: String,
    /// Binary.
    pub certificate: Vec<u8>,
    /// The sealing card in its stored form; none if the certificate cannot be used.
    pub card: Option<Vec<u8>>,
    /// Why there is no card.
    pub unusable: Option<String>,
    /// When its holder or an owner confirmed it.
    pub confirmed_at: Option<Timestamp>,
}

/// Sets the certificate of an address, whatever it had before. If it has a card, waiting copies become due.
pub async fn set_certificate(
    db: &mut Conn,
    address: AddressNo,
    row: &CertificateRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let seen = generation_of(&mut *db, address).await?;
    if replace_certificate(db, address, seen, row, now).await? { Ok(()) } else { Err(StoreError::Lost) }
}

/// The generation of an address's certificate, which grows with every change. `None`: there is no
/// certificate. Read it before the certificate itself, so that a later change can check that the certificate
/// is still the one that was read.
pub async fn generation_of(db: &mut Conn, address: AddressNo) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT generation FROM certificates WHERE address_no = $1")
        .bind(address.0)
        .fetch_optional(db)
        .await?;
    row.map(|row| row.value()).transpose()
}

/// Sets the certificate of an address if it still has the generation that was read. Returns `false` and
/// changes nothing if somebody else changed it. If the new one has a card, waiting copies become due.
pub async fn replace_certificate(
    db: &mut Conn,
    address: AddressNo,
    seen: Option<i64>,
    row: &CertificateRow,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = match seen {
        None => {
            "INSERT INTO certificates (address_no, fingerprint, certificate, card, unusable, generation, confirmed_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 1, $6, $7) ON CONFLICT (address_no) DO NOTHING"
        }
        Some(_) => {
            "UPDATE certificates SET fingerprint = $2, certificate = $3, card = $4, unusable = $5, confirmed_at = $6,
                 updated_at = $7, generation = generation + 1 WHERE address_no = $1 AND generation = $8"
        }
    };
    let statement = query(sql)
        .bind(address.0)
        .bind(&row.fingerprint)
        .bind(&row.certificate)
        .bind(&row.card)
        .bind(&row.unusable)
        .bind(row.confirmed_at.map(|t| t.0))
        .bind(now.0);
    let statement = match seen {
        None => statement,
        Some(seen) => statement.bind(seen),
    };
    let written = statement.execute(&mut *db).await?.rows_affected() > 0;
    if written && seen.is_none() {
        for table in ["certificate_checks", "certificate_refreshes"] {
            let row = query(format!("INSERT INTO {table} (address_no) VALUES ($1)"));
            row.bind(address.0).execute(&mut *db).await?;
        }
    }
    if written && row.card.is_some() {
        release_held_for_key(db, address, now).await?;
    }
    Ok(written)
}

/// Makes copies due that waited for a usable certificate of the address.
pub(crate) async fn release_held_for_key(
    db: &mut Conn,
    address: AddressNo,
    now: Timestamp,
) -> Result<(), StoreError> {
    let due = query(
        "UPDATE deliveries SET state = 'due', next_at = $2 WHERE address_no = $1 AND state = 'held_for_key'",
    );
    if due.bind(address.0).bind(now.0).execute(&mut *db).await?.rows_affected() > 0 {
        db.notify("outgoing").await?;
    }
    Ok(())
}

/// The certificate of an address.
pub async fn certificate_of(db: &mut Conn, address: AddressNo) -> Result<Option<CertificateRow>, StoreError> {
    let row = query("SELECT fingerprint, certificate, card, unusable, confirmed_at FROM certificates WHERE address_no = $1")
        .bind(address.0)
        .fetch_optional(db)
        .await?;
    row.map(|row| {
        Ok(CertificateRow {
            fingerprint: row.try_get("fingerprint")?,
            certificate: row.try_get("certificate")?,
            card: row.try_get("card")?,
            unusable: row.try_get("unusable")?,
            confirmed_at: row.try_get::<Option<i64>>("confirmed_at")?.map(Timestamp),
        })
    })
    .transpose()
}
