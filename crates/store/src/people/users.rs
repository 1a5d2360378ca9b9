//! Users: a person with any number of addresses.
//!
//! Linking an address to a user carries no key authority: no function here reads or writes a certificate, a
//! key change or the approval of a key, and allow_cleartext is no choice of users
//! ([`sealist_lists::model::PreferenceLevel::takes`]).

use sealist_lists::model::{AddressNo, LinkedAddress, PreferenceLevel, UniqueId, User, UserNo};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::random;

use super::preferences;
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "users" };
const COLUMNS: &str = "u.no, u.uuid, u.display_name, u.is_server_owner";

/// Makes a user without addresses.
pub async fn create_user(db: &mut Conn, display_name: &str, now: Timestamp) -> Result<UserNo, StoreError> {
    let row = query("INSERT INTO users (uuid, display_name, created_at) VALUES ($1, $2, $3)");
    let row = row.bind(UniqueId::from_octets(random()).to_string()).bind(display_name).bind(now.0);
    Ok(UserNo(row.insert(db).await?))
}

/// The user to whom an address is linked.
pub async fn user_of(db: &mut Conn, address: AddressNo) -> Result<Option<User>, StoreError> {
    let row =
        query(format!("SELECT {COLUMNS} FROM users u JOIN addresses a ON a.user_no = u.no WHERE a.no = $1"));
    let row = row.bind(address.0).fetch_optional(&mut *db).await?;
    with_addresses(db, row).await
}

/// A page of the users behind `after`, in the order in which they were made.
pub async fn users(db: &mut Conn, after: UserNo, limit: u32) -> Result<Vec<User>, StoreError> {
    let rows = query(format!("SELECT {COLUMNS} FROM users u WHERE u.no > $1 ORDER BY u.no LIMIT $2"));
    let mut users = Vec::new();
    for row in rows.bind(after.0).bind(limit).fetch_all(&mut *db).await? {
        users.extend(with_addresses(&mut *db, Some(row)).await?);
    }
    Ok(users)
}

/// Puts a user in charge of the whole site. Returns whether the user was not in charge of it before.
pub async fn appoint(db: &mut Conn, user: UserNo) -> Result<bool, StoreError> {
    let appoint = query("UPDATE users SET is_server_owner = 1 WHERE no = $1 AND is_server_owner = 0");
    Ok(appoint.bind(user.0).execute(db).await?.rows_affected() > 0)
}

/// Takes the charge of the whole site from a user. Returns whether the user was in charge of it.
pub async fn dismiss(db: &mut Conn, user: UserNo) -> Result<bool, StoreError> {
    let dismiss = query("UPDATE users SET is_server_owner = 0 WHERE no = $1 AND is_server_owner = 1");
    Ok(dismiss.bind(user.0).execute(db).await?.rows_affected() > 0)
}

/// Links an address to a user; the choices of the user count for the address from now on. `false`, and
/// nothing done, if the address is linked to somebody else.
pub async fn link(db: &mut Conn, user: UserNo, address: AddressNo) -> Result<bool, StoreError> {
    let level = PreferenceLevel::Address(address);
    preferences::lock(&mut *db).await?;
    let linked =
        query("UPDATE addresses SET user_no = $2 WHERE no = $1 AND (user_no IS NULL OR user_no = $2)");
    if linked.bind(address.0).bind(user.0).execute(&mut *db).await?.rows_affected() == 0 {
        return Ok(false);
    }
    preferences::recompute(db, level).await?;
    Ok(true)
}

/// Takes an address from its user. `false`, and nothing done, if memberships of the user go to it.
pub async fn unlink(db: &mut Conn, address: AddressNo) -> Result<bool, StoreError> {
    let level = PreferenceLevel::Address(address);
    preferences::lock(&mut *db).await?;
    let unlinked = query(
        "UPDATE addresses SET user_no = NULL, is_preferred = 0 WHERE no = $1
         AND NOT EXISTS (SELECT 1 FROM members WHERE address_no = $1 AND user_no IS NOT NULL)",
    );
    if unlinked.bind(address.0).execute(&mut *db).await?.rows_affected() == 0 {
        return Ok(false);
    }
    preferences::recompute(db, level).await?;
    Ok(true)
}

/// Makes one of the user's addresses the preferred one; the memberships of the user go to it. `false`, and
/// nothing done, if the address is not linked to the user. Errs with [`StoreError::Duplicate`] if the address
/// has one of the roles itself. Whether lists with OpenPGP allow it is asked before.
pub async fn prefer(db: &mut Conn, user: UserNo, address: AddressNo) -> Result<bool, StoreError> {
    let level = PreferenceLevel::User(user);
    preferences::lock(&mut *db).await?;
    let linked =
        query("SELECT no FROM addresses WHERE no = $1 AND user_no = $2").bind(address.0).bind(user.0);
    if linked.fetch_optional(&mut *db).await?.is_none() {
        return Ok(false);
    }
    // The old mark first: a user has one preferred address at every moment.
    for (mark, condition) in [(0_i64, "no <> $2"), (1, "no = $2")] {
        let sql = format!("UPDATE addresses SET is_preferred = $3 WHERE user_no = $1 AND {condition}");
        query(sql).bind(user.0).bind(address.0).bind(mark).execute(&mut *db).await?;
    }
    let moved = query("UPDATE members SET address_no = $2 WHERE user_no = $1");
    moved.bind(user.0).bind(address.0).execute(&mut *db).await?;
    preferences::recompute(db, level).await?;
    Ok(true)
}

async fn with_addresses(db: &mut Conn, row: Option<SqlRow>) -> Result<Option<User>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let no = UserNo(row.try_get("no")?);
    let addresses = query("SELECT no, email, is_preferred FROM addresses WHERE user_no = $1 ORDER BY no");
    let addresses = addresses.bind(no.0).fetch_all(db).await?;
    let linked = addresses.iter().map(|row| {
        Ok::<_, StoreError>(LinkedAddress {
            no: AddressNo(row.try_get("no")?),
            address: Address::from_stored(&row.try_get::<String>("email")?).ok_or(DAMAGED)?,
            is_preferred: row.try_get("is_preferred")?,
        })
    });
    Ok(Some(User {
        no,
        id: UniqueId::from_hex(&row.try_get::<String>("uuid")?).ok_or(DAMAGED)?,
        display_name: row.try_get("display_name")?,
        is_server_owner: row.try_get("is_server_owner")?,
        addresses: linked.collect::<Result<_, _>>()?,
    }))
}
