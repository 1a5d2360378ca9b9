//! Members: one address in one role on one list.

use sealist_lists::model::{
    Action, AddressNo, DeliveryMode, DeliveryStatus, ListNo, Member, MemberNo, Preferences, Role,
};
use sealist_lists::texts::Language;
use sealist_mail::{Address, Timestamp};

use super::find_address;
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, deliveries};

const DAMAGED: StoreError = StoreError::Damaged { table: "members" };

const SELECT: &str = "SELECT m.no, m.list_no, m.address_no, a.email, a.display_name, m.role, m.delivery_mode,
    m.delivery_status, m.receive_own_postings, m.receive_list_copy, m.moderation_action, m.allow_cleartext,
    a.preferred_language, m.key_waits
    FROM members m JOIN addresses a ON a.no = m.address_no";

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
