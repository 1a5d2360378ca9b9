//! Members: one address in one role on one list.

use sealist_lists::model::{
    Action, AddressNo, ListNo, Member, MemberNo, PreferenceLevel, Preferences, Role, UniqueId, UserNo,
};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::random;

use super::{find_address, preferences};
use crate::newer;
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, deliveries};

const DAMAGED: StoreError = StoreError::Damaged { table: "members" };
/// What [`member`] reads of a member `m` and the address `a`.
pub(super) const COLUMNS: &str =
    "m.no, m.uuid, m.list_no, m.address_no, m.user_no, m.role, m.delivery_mode, m.delivery_status,
    m.receive_own_postings, m.receive_list_copy, m.allow_cleartext, m.preferred_language, m.moderation_action,
    m.key_pending_approval, m.subscribed_at, a.email, a.display_name";
const FROM: &str = "FROM members m JOIN addresses a ON a.no = m.address_no";

/// On that list the key of the address is neither used nor believed before those in charge approve it.
/// Returns whether it was so far.
pub async fn mark_key_pending_approval(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
) -> Result<bool, StoreError> {
    preferences::lock(&mut *db).await?;
    let marked = query(
        "UPDATE members SET key_pending_approval = 1
         WHERE list_no = $1 AND address_no = (SELECT no FROM addresses WHERE email_key = $2)
         AND key_pending_approval = 0",
    );
    let marked = marked.bind(list.0).bind(address.key()).execute(db).await?;
    Ok(marked.rows_affected() > 0)
}

/// The key of the address is approved, on that list or on all. Copies that waited become due. Returns whether
/// the approval was waited for.
pub async fn approve_key(
    db: &mut Conn,
    list: Option<ListNo>,
    address: &Address,
    now: Timestamp,
) -> Result<bool, StoreError> {
    preferences::lock(&mut *db).await?;
    let approved = query(
        "UPDATE members SET key_pending_approval = 0 WHERE ($1 = 0 OR list_no = $1)
         AND key_pending_approval = 1
         AND address_no = (SELECT no FROM addresses WHERE email_key = $2)",
    );
    let approved = approved.bind(list.map_or(0, |list| list.0)).bind(address.key());
    let approved = approved.execute(&mut *db).await?.rows_affected() > 0;
    if let Some(no) = find_address(&mut *db, address).await? {
        crate::keys::release_held_for_key(db, no, now).await?;
    }
    Ok(approved)
}

/// Who takes a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscriber {
    /// An address.
    Address(AddressNo),
    /// A user: the membership goes to that address as long as the user prefers it.
    User(UserNo, AddressNo),
}

/// Gives an address a role on a list, with the choices of the member. Errs with [`StoreError::Duplicate`] if
/// the address has the role.
pub async fn add_member(
    db: &mut Conn,
    list: ListNo,
    address: AddressNo,
    role: Role,
    preferences: Preferences,
    now: Timestamp,
) -> Result<MemberNo, StoreError> {
    subscribe(db, list, Subscriber::Address(address), role, preferences, now).await
}

/// Gives an address or a user a role on a list, as [`add_member`] does.
pub async fn subscribe(
    db: &mut Conn,
    list: ListNo,
    subscriber: Subscriber,
    role: Role,
    chosen: Preferences,
    now: Timestamp,
) -> Result<MemberNo, StoreError> {
    let (address, user) = match subscriber {
        Subscriber::Address(address) => (address, None),
        Subscriber::User(user, address) => (address, Some(user.0)),
    };
    preferences::lock(&mut *db).await?;
    let insert = query(
        "INSERT INTO members (list_no, address_no, role, uuid, user_no, subscribed_at, key_pending_approval)
         VALUES ($1, $2, $3, $4, $5, $6, COALESCE(
             (SELECT MAX(o.key_pending_approval) FROM members o WHERE o.list_no = $1 AND o.address_no = $2), 0))",
    );
    let insert = insert.bind(list.0).bind(address.0).bind(role.name());
    let insert = insert.bind(UniqueId::from_octets(random()).to_string()).bind(user).bind(now.0);
    let member = MemberNo(insert.insert(&mut *db).await?);
    let level = PreferenceLevel::Member(member);
    for change in chosen.changes() {
        if !change.value().is_open() {
            preferences::set(&mut *db, level, change).await?;
        }
    }
    preferences::recompute(db, level).await?;
    Ok(member)
}

/// All roles of an address on a list.
pub async fn roles_of(db: &mut Conn, list: ListNo, address: &Address) -> Result<Vec<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE a.email_key = $2 AND m.list_no = $1");
    query(sql).bind(list.0).bind(address.key()).fetch_all(db).await?.iter().map(member).collect()
}

/// All roles of an address on a list that is spelled exactly so: another spelling may be another row, made
/// when addresses were compared otherwise.
pub async fn roles_spelled(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
) -> Result<Vec<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE a.email = $2 AND m.list_no = $1");
    query(sql).bind(list.0).bind(address.to_string()).fetch_all(db).await?.iter().map(member).collect()
}

/// All roles of an address on all lists, by list.
pub async fn memberships_of(db: &mut Conn, address: AddressNo) -> Result<Vec<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE m.address_no = $1 ORDER BY m.list_no, m.no");
    query(sql).bind(address.0).fetch_all(db).await?.iter().map(member).collect()
}

/// All roles that a user, and not one of the user's addresses, took.
pub async fn subscriptions_of(db: &mut Conn, user: UserNo) -> Result<Vec<Member>, StoreError> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE m.user_no = $1 ORDER BY m.list_no, m.no");
    query(sql).bind(user.0).fetch_all(db).await?.iter().map(member).collect()
}

/// A page of a roster: the members of a role behind `after`, by number.
pub async fn roster(
    db: &mut Conn,
    list: ListNo,
    role: Role,
    after: MemberNo,
    limit: u32,
) -> Result<Vec<Member>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE m.list_no = $1 AND m.role = $2 AND m.no > $3 ORDER BY m.no LIMIT $4"
    );
    let rows = query(sql).bind(list.0).bind(role.name()).bind(after.0).bind(limit).fetch_all(db).await?;
    rows.iter().map(member).collect()
}

/// The members of a role on a list. On PostgreSQL nobody else changes or removes them until this transaction
/// ends.
pub async fn locked_roster(db: &mut Conn, list: ListNo, role: Role) -> Result<Vec<MemberNo>, StoreError> {
    preferences::lock(&mut *db).await?;
    let sql = format!("SELECT no FROM members WHERE list_no = $1 AND role = $2 ORDER BY no {}", db.locked());
    let rows = query(sql).bind(list.0).bind(role.name()).fetch_all(db).await?;
    rows.iter().map(|row| row.value().map(MemberNo)).collect()
}

/// What happens to posts of a member; `None`: the default of the list. Returns whether it was something else.
pub async fn set_moderation_action(
    db: &mut Conn,
    member: MemberNo,
    action: Option<Action>,
) -> Result<bool, StoreError> {
    preferences::lock(&mut *db).await?;
    let row = query(
        "UPDATE members SET moderation_action = $2 WHERE no = $1 AND moderation_action IS DISTINCT FROM $2",
    );
    let row = row.bind(member.0).bind(action.map(|action| action.name().to_owned()));
    Ok(row.execute(db).await?.rows_affected() > 0)
}

/// How many have a role on a list.
pub async fn count_of_role(db: &mut Conn, list: ListNo, role: Role) -> Result<i64, StoreError> {
    let row = query("SELECT COUNT(*) FROM members WHERE list_no = $1 AND role = $2");
    row.bind(list.0).bind(role.name()).fetch_one(db).await?.value()
}

/// Takes a role away, with the copies to the member that are not out; says whether there was one.
pub async fn remove_member(db: &mut Conn, member: MemberNo) -> Result<bool, StoreError> {
    preferences::lock(&mut *db).await?;
    deliveries::drop_copies_to(&mut *db, member).await?;
    Ok(query("DELETE FROM members WHERE no = $1").bind(member.0).execute(db).await?.rows_affected() > 0)
}

pub(super) fn member(row: &SqlRow) -> Result<Member, StoreError> {
    let text = |name: &str| row.try_get::<String>(name);
    let action: Option<String> = row.try_get("moderation_action")?;
    Ok(Member {
        no: MemberNo(row.try_get("no")?),
        id: UniqueId::from_hex(&text("uuid")?).ok_or(DAMAGED)?,
        list: ListNo(row.try_get("list_no")?),
        address_no: AddressNo(row.try_get("address_no")?),
        address: Address::from_stored(&text("email")?).ok_or(DAMAGED)?,
        subscribed_user: row.try_get::<Option<i64>>("user_no")?.map(UserNo),
        display_name: text("display_name")?,
        role: Role::from_name(&text("role")?).ok_or(DAMAGED)?,
        preferences: preferences::effective(row)?,
        moderation_action: action.map(|name| known_action(&name)),
        key_pending_approval: row.try_get("key_pending_approval")?,
        subscribed_at: Timestamp(row.try_get("subscribed_at")?),
    })
}

/// An action that only a newer version knows is reported, and posts of that member wait for a moderator.
fn known_action(name: &str) -> Action {
    Action::from_name(name).unwrap_or_else(|| {
        newer::report("members", name);
        Action::Hold
    })
}
