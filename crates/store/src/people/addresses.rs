//! Addresses: rows that certificates, memberships and the choices of a person hang on.

use sealist_lists::model::{AddressNo, ListNo, MemberNo, PreferenceChange, PreferenceLevel};
use sealist_lists::texts::Language;
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// The row of an address; made if there is none. A display name that is not empty replaces the old one.
pub async fn ensure_address(
    db: &mut Conn,
    address: &Address,
    display_name: &str,
    now: Timestamp,
) -> Result<AddressNo, StoreError> {
    super::lock_preferences(&mut *db).await?;
    let row = query(
        "INSERT INTO addresses (email_key, email, display_name, created_at, preferred_language) VALUES ($1, $2, $3, $4,
             COALESCE((SELECT preferred_language FROM preferences WHERE level = 'site'), ''))
         ON CONFLICT (email_key) DO UPDATE SET display_name =
             CASE WHEN excluded.display_name = '' THEN addresses.display_name ELSE excluded.display_name END
         RETURNING no",
    )
    .bind(address.key())
    .bind(address.to_string())
    .bind(display_name)
    .bind(now.0)
    .fetch_one(db)
    .await?;
    Ok(AddressNo(row.value()?))
}

/// The row of an address, if there is one.
pub async fn find_address(db: &mut Conn, address: &Address) -> Result<Option<AddressNo>, StoreError> {
    let row =
        query("SELECT no FROM addresses WHERE email_key = $1").bind(address.key()).fetch_optional(db).await?;
    Ok(row.map(|row| row.value()).transpose()?.map(AddressNo))
}

/// The address of a row.
pub async fn address_of(db: &mut Conn, no: AddressNo) -> Result<Option<Address>, StoreError> {
    let row = query("SELECT email FROM addresses WHERE no = $1").bind(no.0).fetch_optional(db).await?;
    Ok(row.map(|row| row.value::<String>()).transpose()?.and_then(|email| Address::from_stored(&email)))
}

/// An address as the site knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The row.
    pub no: AddressNo,
    /// The name shown to others; may be empty.
    pub display_name: String,
    /// Whether mail to the address is known to reach somebody who answered, or an admin vouched for it.
    pub verified: bool,
}

/// What the site knows of an address.
pub async fn person(db: &mut Conn, address: &Address) -> Result<Option<Person>, StoreError> {
    let row = query(
        "SELECT no, display_name, verified_at IS NOT NULL AS verified FROM addresses WHERE email_key = $1",
    )
    .bind(address.key())
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Person {
            no: AddressNo(row.try_get("no")?),
            display_name: row.try_get("display_name")?,
            verified: row.try_get("verified")?,
        })
    })
    .transpose()
}

/// Mail to the address reaches somebody who answered, or an admin vouches for it. Returns whether that is
/// new.
pub async fn verify(db: &mut Conn, address: AddressNo, now: Timestamp) -> Result<bool, StoreError> {
    super::lock_preferences(&mut *db).await?;
    let verify = query("UPDATE addresses SET verified_at = $2 WHERE no = $1 AND verified_at IS NULL");
    Ok(verify.bind(address.0).bind(now.0).execute(db).await?.rows_affected() > 0)
}

/// In which language a list writes to an address: what its member chose, or else its address, its user or the
/// site. `None`: nobody chose, and the list's own language counts.
pub async fn language_of(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
) -> Result<Option<Language>, StoreError> {
    let row = query(
        "SELECT COALESCE((SELECT m.preferred_language FROM members m WHERE m.list_no = $1 AND m.address_no = a.no
             ORDER BY CASE m.role WHEN 'member' THEN 0 ELSE 1 END, m.no LIMIT 1), a.preferred_language)
         FROM addresses a WHERE a.email_key = $2",
    );
    let row = row.bind(list.0).bind(address.key()).fetch_optional(db).await?;
    Ok(row.map(|row| row.value::<String>()).transpose()?.and_then(|name| Language::from_name(&name)))
}

/// In which language all lists write to an address; `None`: in their own. Returns whether it was another one.
pub async fn set_language(
    db: &mut Conn,
    address: &Address,
    language: Option<Language>,
) -> Result<bool, StoreError> {
    let Some(no) = find_address(&mut *db, address).await? else { return Ok(false) };
    let change = PreferenceChange::PreferredLanguage(language);
    super::choose(db, PreferenceLevel::Address(no), change).await
}

/// The name that others see; empty: none. Returns whether it was another one.
pub async fn set_name(db: &mut Conn, address: &Address, name: &str) -> Result<bool, StoreError> {
    super::lock_preferences(&mut *db).await?;
    let named = query("UPDATE addresses SET display_name = $2 WHERE email_key = $1 AND display_name <> $2");
    Ok(named.bind(address.key()).bind(name).execute(db).await?.rows_affected() > 0)
}

/// A page of the names of others with a role on that list, behind `after`, by number.
pub async fn names_of_others(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    after: MemberNo,
    limit: u32,
) -> Result<Vec<(MemberNo, String)>, StoreError> {
    let rows = query(
        "SELECT m.no, a.display_name FROM members m JOIN addresses a ON a.no = m.address_no
         WHERE m.list_no = $1 AND a.email_key <> $2 AND a.display_name <> '' AND m.no > $3 ORDER BY m.no LIMIT $4",
    )
    .bind(list.0)
    .bind(address.key())
    .bind(after.0)
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((MemberNo(row.try_get("no")?), row.try_get("display_name")?))).collect()
}

/// The lists on which an address has a role.
pub async fn lists_with_role_of(db: &mut Conn, address: AddressNo) -> Result<Vec<ListNo>, StoreError> {
    let rows = query("SELECT DISTINCT list_no FROM members WHERE address_no = $1 ORDER BY list_no")
        .bind(address.0)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| row.value().map(ListNo)).collect()
}
