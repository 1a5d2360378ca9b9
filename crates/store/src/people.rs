//! Addresses, members, bans.

use sealist_lists::model::{
    Action, AddressNo, DeliveryMode, DeliveryStatus, ListNo, Member, MemberNo, Preferences, Role,
};
use sealist_lists::texts::Language;
use sealist_mail::{Address, Timestamp};

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, deliveries};

const DAMAGED: StoreError = StoreError::Damaged { table: "members" };
const SELECT: &str = "SELECT m.no, m.list_no, m.address_no, a.email, a.display_name, m.role, m.delivery_mode,
    m.delivery_status, m.receive_own_postings, m.receive_list_copy, m.moderation_action, m.allow_cleartext,
    a.preferred_language, m.key_waits
    FROM members m JOIN addresses a ON a.no = m.address_no";

/// The row of an address; made if there is none. A display name that is not empty replaces the old one.
pub async fn ensure_address(
    db: &mut Conn,
    address: &Address,
    display_name: &str,
    now: Timestamp,
) -> Result<AddressNo, StoreError> {
    let row = query(
        "INSERT INTO addresses (email_key, email, display_name, created_at) VALUES ($1, $2, $3, $4)
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
    Ok(AddressNo(row.try_get(0)?))
}

/// The row of an address, if there is one.
pub async fn find_address(db: &mut Conn, address: &Address) -> Result<Option<AddressNo>, StoreError> {
    let row =
        query("SELECT no FROM addresses WHERE email_key = $1").bind(address.key()).fetch_optional(db).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(AddressNo))
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
    let row = query("SELECT no, display_name, verified_at IS NOT NULL FROM addresses WHERE email_key = $1")
        .bind(address.key())
        .fetch_optional(db)
        .await?;
    row.map(|row| {
        Ok(Person {
            no: AddressNo(row.try_get(0)?),
            display_name: row.try_get(1)?,
            verified: row.try_get(2)?,
        })
    })
    .transpose()
}

/// Mail to the address reaches somebody who answered, or an admin vouches for it.
pub async fn verify(db: &mut Conn, address: AddressNo, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE addresses SET verified_at = $2 WHERE no = $1 AND verified_at IS NULL")
        .bind(address.0)
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// The language that the owner of an address chose.
pub async fn language_of(db: &mut Conn, address: &Address) -> Result<Option<Language>, StoreError> {
    let row = query("SELECT preferred_language FROM addresses WHERE email_key = $1")
        .bind(address.key())
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| row.try_get::<String>(0)).transpose()?.and_then(|name| Language::from_name(&name)))
}

/// In which language lists write to an address.
pub async fn set_language(db: &mut Conn, address: &Address, language: Language) -> Result<(), StoreError> {
    query("UPDATE addresses SET preferred_language = $2 WHERE email_key = $1")
        .bind(address.key())
        .bind(language.name())
        .execute(db)
        .await?;
    Ok(())
}

/// The name that others see; empty: none.
pub async fn set_name(db: &mut Conn, address: &Address, name: &str) -> Result<(), StoreError> {
    query("UPDATE addresses SET display_name = $2 WHERE email_key = $1")
        .bind(address.key())
        .bind(name)
        .execute(db)
        .await?;
    Ok(())
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
    rows.iter().map(|row| Ok((MemberNo(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// The lists on which an address has a role.
pub async fn lists_of(db: &mut Conn, address: AddressNo) -> Result<Vec<ListNo>, StoreError> {
    let rows = query("SELECT DISTINCT list_no FROM members WHERE address_no = $1 ORDER BY list_no")
        .bind(address.0)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| row.try_get(0).map(ListNo)).collect()
}

/// On that list the key of the address is neither used nor believed before those in charge approve it.
pub async fn mark_key_pending_approval(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
) -> Result<(), StoreError> {
    query(
        "UPDATE members SET key_waits = 1
         WHERE list_no = $1 AND address_no = (SELECT no FROM addresses WHERE email_key = $2)",
    )
    .bind(list.0)
    .bind(address.key())
    .execute(db)
    .await?;
    Ok(())
}

/// The key of the address is approved, on that list or on all. Copies that waited become due.
pub async fn approve_key(
    db: &mut Conn,
    list: Option<ListNo>,
    address: &Address,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "UPDATE members SET key_waits = 0 WHERE ($1 = 0 OR list_no = $1)
         AND address_no = (SELECT no FROM addresses WHERE email_key = $2)",
    )
    .bind(list.map_or(0, |list| list.0))
    .bind(address.key())
    .execute(&mut *db)
    .await?;
    match find_address(&mut *db, address).await? {
        Some(no) => crate::keys::release_held_for_key(db, no, now).await,
        None => Ok(()),
    }
}

/// Gives an address a role on a list; the language of an address stays as it is. Errs with [`StoreError::Duplicate`] if it has it.
pub async fn add_member(
    db: &mut Conn,
    list: ListNo,
    address: AddressNo,
    role: Role,
    preferences: Preferences,
    now: Timestamp,
) -> Result<MemberNo, StoreError> {
    let row = query(
        "INSERT INTO members (list_no, address_no, role, delivery_mode, delivery_status, receive_own_postings,
         receive_list_copy, allow_cleartext, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING no",
    )
    .bind(list.0)
    .bind(address.0)
    .bind(role.name())
    .bind(preferences.delivery_mode.name())
    .bind(preferences.delivery_status.name())
    .bind(preferences.receive_own_postings)
    .bind(preferences.receive_list_copy)
    .bind(preferences.allow_cleartext)
    .bind(now.0)
    .fetch_one(&mut *db)
    .await?;
    // A key that waits for approval waits in every role.
    query(
        "UPDATE members SET key_waits = 1 WHERE list_no = $1 AND address_no = $2
         AND EXISTS (SELECT 1 FROM members o WHERE o.list_no = $1 AND o.address_no = $2 AND o.key_waits = 1)",
    )
    .bind(list.0)
    .bind(address.0)
    .execute(db)
    .await?;
    Ok(MemberNo(row.try_get(0)?))
}

/// All roles of an address on a list.
pub async fn roles_of(db: &mut Conn, list: ListNo, address: &Address) -> Result<Vec<Member>, StoreError> {
    let sql = format!("{SELECT} WHERE a.email_key = $2 AND m.list_no = $1");
    query(sql).bind(list.0).bind(address.key()).fetch_all(db).await?.iter().map(member).collect()
}

/// All roles of an address on a list that is spelled exactly so: another spelling may be another row, made when addresses were
/// compared otherwise.
pub async fn roles_spelled(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
) -> Result<Vec<Member>, StoreError> {
    let sql = format!("{SELECT} WHERE a.email = $2 AND m.list_no = $1");
    query(sql).bind(list.0).bind(address.to_string()).fetch_all(db).await?.iter().map(member).collect()
}

/// A page of a roster: the members of a role behind `after`, by number.
pub async fn roster(
    db: &mut Conn,
    list: ListNo,
    role: Role,
    after: MemberNo,
    limit: u32,
) -> Result<Vec<Member>, StoreError> {
    let sql = format!("{SELECT} WHERE m.list_no = $1 AND m.role = $2 AND m.no > $3 ORDER BY m.no LIMIT $4");
    let rows = query(sql).bind(list.0).bind(role.name()).bind(after.0).bind(limit).fetch_all(db).await?;
    rows.iter().map(member).collect()
}

/// Replaces a member's choices, on all lists that of the language.
pub async fn set_preferences(
    db: &mut Conn,
    member: MemberNo,
    preferences: Preferences,
) -> Result<(), StoreError> {
    query(
        "UPDATE members SET delivery_mode = $2, delivery_status = $3, receive_own_postings = $4,
         receive_list_copy = $5, allow_cleartext = $6 WHERE no = $1",
    )
    .bind(member.0)
    .bind(preferences.delivery_mode.name())
    .bind(preferences.delivery_status.name())
    .bind(preferences.receive_own_postings)
    .bind(preferences.receive_list_copy)
    .bind(preferences.allow_cleartext)
    .execute(&mut *db)
    .await?;
    query(
        "UPDATE addresses SET preferred_language = $2 WHERE no = (SELECT address_no FROM members WHERE no = $1)",
    )
    .bind(member.0)
    .bind(preferences.preferred_language.map_or("", Language::name))
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a role away, with the copies to the member that are not out; says whether there was one.
pub async fn remove_member(db: &mut Conn, member: MemberNo) -> Result<bool, StoreError> {
    deliveries::drop_copies_to(&mut *db, member).await?;
    Ok(query("DELETE FROM members WHERE no = $1").bind(member.0).execute(db).await?.rows_affected() > 0)
}

/// Bans an address, or a whole domain with `@domain`; `list` `None`: on all lists.
pub async fn ban(
    db: &mut Conn,
    list: Option<ListNo>,
    pattern: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO bans (list_no, pattern, created_at) VALUES ($1, $2, $3)")
        .bind(list.map(|list| list.0))
        .bind(pattern_key(pattern))
        .bind(now.0)
        .execute(db)
        .await?;
    Ok(())
}

/// The form for look-ups of an address, or of `@domain`.
pub(crate) fn pattern_key(pattern: &str) -> String {
    match pattern.strip_prefix('@') {
        Some(_) => Address::key_of(&format!("x{pattern}"))[1..].to_owned(),
        None => Address::key_of(pattern),
    }
}

/// Whether an address is banned from a list.
pub async fn is_banned(db: &mut Conn, list: ListNo, address: &Address) -> Result<bool, StoreError> {
    let row = query(
        "SELECT EXISTS (SELECT 1 FROM bans WHERE (list_no IS NULL OR list_no = $1) AND pattern IN ($2, $3))",
    )
    .bind(list.0)
    .bind(address.key())
    .bind(format!("@{}", address.ascii_domain()))
    .fetch_one(db)
    .await?;
    row.try_get(0)
}

fn member(row: &SqlRow) -> Result<Member, StoreError> {
    let text = |at: usize| row.try_get::<String>(at);
    let action: Option<String> = row.try_get(10)?;
    let action =
        action.map(|name| serde_json::from_value::<Action>(name.into())).transpose().map_err(|_| DAMAGED)?;
    Ok(Member {
        no: MemberNo(row.try_get(0)?),
        list: ListNo(row.try_get(1)?),
        address_no: AddressNo(row.try_get(2)?),
        address: Address::from_stored(&text(3)?).ok_or(DAMAGED)?,
        display_name: text(4)?,
        role: Role::from_name(&text(5)?).ok_or(DAMAGED)?,
        preferences: Preferences {
            delivery_mode: DeliveryMode::from_name(&text(6)?).ok_or(DAMAGED)?,
            delivery_status: DeliveryStatus::from_name(&text(7)?).ok_or(DAMAGED)?,
            receive_own_postings: row.try_get(8)?,
            receive_list_copy: row.try_get(9)?,
            allow_cleartext: row.try_get(11)?,
            preferred_language: Language::from_name(&text(12)?),
        },
        moderation_action: action,
        key_waits: row.try_get(13)?,
    })
}
