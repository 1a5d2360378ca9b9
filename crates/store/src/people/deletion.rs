//! The end of a person: what keeps an address on the site, and how all that names the address goes in one transaction.

use sealist_mail::Address;

use crate::sql::query;
use crate::{Conn, StoreError, events};

/// What keeps an address, and the rows that say so. `$1` is the look-up key of the address.
const KEEPS: &[(&str, &str)] = &[
    ("a role on a list", "members m JOIN addresses a ON a.no = m.address_no WHERE a.email_key = $1"),
    (
        "the charge of the site",
        "users u JOIN addresses a ON a.user_no = u.no WHERE a.email_key = $1 AND u.is_server_owner = 1",
    ),
    ("a request that waits", "requests WHERE email_key = $1"),
    (
        "a message that waits",
        "queue WHERE LOWER(sender) = $1 OR LOWER(author) = $1
         OR held_for IN (SELECT no FROM addresses WHERE email_key = $1)",
    ),
    ("a copy of a message that is still being sent", "deliveries WHERE LOWER(email) = $1"),
    ("a ban", "bans WHERE pattern = $1"),
];

/// What is done with all other rows that name an address. The key of the address, and who authorised it, go with the address.
const FORGET: &[&str] = &[
    "DELETE FROM tokens WHERE email_key = $1",
    "UPDATE tokens SET decided_by = '' WHERE LOWER(decided_by) = $1",
    "UPDATE signed_texts SET refused_by = '' WHERE LOWER(refused_by) = $1",
    "DELETE FROM notices WHERE email_key = $1",
    "DELETE FROM pending_notices WHERE email_key = $1",
    "DELETE FROM pending_facts WHERE email_key = $1 OR LOWER(subject) = $1 OR REPLACE(LOWER(fact), $1, '') <> LOWER(fact)",
    "DELETE FROM addresses WHERE email_key = $1",
];

/// What keeps an address on the site, in words; nothing if the address can be deleted.
pub async fn kept_by(db: &mut Conn, address: &Address) -> Result<Vec<&'static str>, StoreError> {
    let mut kept = Vec::new();
    for (what, rows) in KEEPS {
        let row = query(format!("SELECT COUNT(*) AS count_of_rows FROM {rows}")).bind(address.key());
        if row.fetch_one(&mut *db).await?.try_get::<i64>("count_of_rows")? > 0 {
            kept.push(*what);
        }
    }
    Ok(kept)
}

/// Deletes an address, its user if that has no other, and the name of the person in all events. Whether something keeps the
/// address is asked before ([`kept_by`]). Posts that a list keeps are its own, and stay.
pub async fn delete_address(db: &mut Conn, address: &Address) -> Result<(), StoreError> {
    super::lock_preferences(&mut *db).await?;
    for forget in FORGET {
        query(*forget).bind(address.key()).execute(&mut *db).await?;
    }
    query("DELETE FROM users WHERE NOT EXISTS (SELECT 1 FROM addresses WHERE user_no = users.no)")
        .execute(&mut *db)
        .await?;
    events::forget_person(db, address).await
}
