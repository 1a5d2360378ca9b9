//! The end of a person: what keeps an address on the site, and how all that names the address goes in one
//! transaction.

use std::collections::BTreeSet;

use sealist_mail::Address;

use super::naming::Naming;
use crate::sql::query;
use crate::{Conn, StoreError, events, traces};

/// What keeps an address, with what ends it, and the rows that say so. `$1` is the look-up key of the
/// address.
const KEEPS: &[(&str, &str)] = &[
    (
        "a role on a list (`sealist members remove` ends it; the last owner of a list names another owner)",
        "members m JOIN addresses a ON a.no = m.address_no WHERE a.email_key = $1",
    ),
    (
        "the charge of the site (`sealist users set ADDRESS server_owner false` ends it)",
        "users u JOIN addresses a ON a.user_no = u.no WHERE a.email_key = $1 AND u.is_server_owner = 1",
    ),
    (
        "a request that waits (`sealist requests list` shows it, and `sealist requests reject` ends it)",
        "requests WHERE email_key = $1",
    ),
    (A_MESSAGE, "queue WHERE held_for IN (SELECT no FROM addresses WHERE email_key = $1)"),
    (A_COPY, "deliveries WHERE address_no IN (SELECT no FROM addresses WHERE email_key = $1)"),
    ("a ban (`sealist bans remove` ends it)", "bans WHERE pattern = $1"),
];
const A_MESSAGE: &str = "a message that waits (`sealist queue list` shows it)";
const A_COPY: &str = "a copy of a message that is still being sent (it goes within an hour after the last copy of its message)";

/// Columns that keep an address in which somebody wrote it: what keeps it, the table and the column.
const KEEPS_AS_WRITTEN: &[(&str, &str, &str)] =
    &[(A_MESSAGE, "queue", "sender"), (A_MESSAGE, "queue", "author"), (A_COPY, "deliveries", "email")];

/// What is done with other rows that name an address. A certificate, its checks, the changes of keys and
/// preferences go with the row of the address.
const FORGET: &[&str] = &[
    "DELETE FROM tokens WHERE email_key = $1",
    "DELETE FROM notices WHERE email_key = $1",
    "DELETE FROM pending_notices WHERE email_key = $1",
    "DELETE FROM pending_facts WHERE email_key = $1",
    // The second one is a row that gave its key away: `address_keys.rs`.
    "DELETE FROM addresses WHERE email_key = $1
     OR SUBSTR(email_key, 1, LENGTH($1 || ' (spelled otherwise: ')) = $1 || ' (spelled otherwise: '",
];

/// Columns that are emptied where an address stands in them as somebody wrote it.
const EMPTIED: &[(&str, &str)] = &[("tokens", "decided_by"), ("signed_texts", "refused_by")];

/// What keeps an address on the site, in words; nothing if the address can be deleted. A key keeps nobody.
/// Until the transaction ends no other node gives the address a role.
pub async fn kept_by(db: &mut Conn, address: &Address) -> Result<Vec<&'static str>, StoreError> {
    super::lock_preferences(&mut *db).await?;
    let mut kept = Vec::new();
    for (what, rows) in KEEPS {
        let row = query(format!("SELECT COUNT(*) AS count_of_rows FROM {rows}")).bind(address.key());
        if row.fetch_one(&mut *db).await?.try_get::<i64>("count_of_rows")? > 0 {
            kept.push(*what);
        }
    }
    for (what, table, column) in KEEPS_AS_WRITTEN {
        if !kept.contains(what) && !written(&mut *db, table, column, address).await?.is_empty() {
            kept.push(*what);
        }
    }
    Ok(kept)
}

/// Deletes an address with its certificate, its user if that has no other, and the name of the person in all
/// events and traces. Whether something keeps the address is asked before ([`kept_by`]). Posts that a list
/// keeps are its own, and stay.
pub async fn delete_address(db: &mut Conn, address: &Address) -> Result<(), StoreError> {
    let naming = Naming::read(&mut *db, address).await?;
    forget_fingerprints(&mut *db, address).await?;
    traces::forget_person(&mut *db, address, &naming).await?;
    forget_facts(&mut *db, &naming).await?;
    for (table, column) in EMPTIED {
        for spelling in written(&mut *db, table, column, address).await? {
            let empty = query(format!("UPDATE {table} SET {column} = '' WHERE {column} = $1"));
            empty.bind(spelling).execute(&mut *db).await?;
        }
    }
    for forget in FORGET {
        query(*forget).bind(address.key()).execute(&mut *db).await?;
    }
    query("DELETE FROM users WHERE NOT EXISTS (SELECT 1 FROM addresses WHERE user_no = users.no)")
        .execute(&mut *db)
        .await?;
    events::forget_person(db, address).await
}

/// How a column spells an address. SQL folds only ASCII, so that the other spellings are compared here.
async fn written(
    db: &mut Conn,
    table: &str,
    column: &str,
    address: &Address,
) -> Result<Vec<String>, StoreError> {
    let rows = query(format!(
        "SELECT DISTINCT {column} FROM {table} WHERE LOWER({column}) = $1
         OR OCTET_LENGTH({column}) > LENGTH({column}) OR LOWER({column}) LIKE '%xn--%'"
    ));
    let rows = rows.bind(address.key()).fetch_all(db).await?;
    let mut written = rows.iter().map(|row| row.value::<String>()).collect::<Result<Vec<_>, _>>()?;
    written.retain(|written| Address::key_of(written) == address.key());
    Ok(written)
}

/// A fingerprint names a person wherever the key is published. So the events of the person lose the
/// fingerprints of all keys that the person had; the events of another person with the same key keep it.
async fn forget_fingerprints(db: &mut Conn, address: &Address) -> Result<(), StoreError> {
    let keys = query(
        "SELECT c.fingerprint AS one, '' AS other FROM certificates c JOIN addresses a ON a.no = c.address_no WHERE a.email_key = $1
         UNION SELECT k.old_fingerprint, k.new_fingerprint FROM key_changes k JOIN addresses a ON a.no = k.address_no
         WHERE a.email_key = $1",
    );
    let mut fingerprints = BTreeSet::new();
    for row in keys.bind(address.key()).fetch_all(&mut *db).await? {
        fingerprints.extend([row.try_get::<String>("one")?, row.try_get::<String>("other")?]);
    }
    fingerprints.remove("");
    let Some(person) = events::find_person(&mut *db, address).await? else { return Ok(()) };
    for fingerprint in fingerprints {
        let forget =
            query("UPDATE events SET data = REPLACE(data, $2, '') WHERE subject_no = $1 OR actor_no = $1");
        forget.bind(person).bind(&fingerprint).execute(&mut *db).await?;
    }
    Ok(())
}

/// Deletes facts about the person that others have not been told yet.
async fn forget_facts(db: &mut Conn, naming: &Naming) -> Result<(), StoreError> {
    let rows = query("SELECT no, subject, fact FROM pending_facts").fetch_all(&mut *db).await?;
    for row in rows {
        let (subject, fact): (String, String) = (row.try_get("subject")?, row.try_get("fact")?);
        if naming.is_in(&subject) || naming.is_in(&fact) {
            let no: i64 = row.try_get("no")?;
            query("DELETE FROM pending_facts WHERE no = $1").bind(no).execute(&mut *db).await?;
        }
    }
    Ok(())
}
