//! What people choose, on each level, and what that comes to.
//!
//! The effective values stand in `members` (and the language also in `addresses`), so that the fan-out reads
//! one table. They are never changed by themselves: [`choose`] changes one level and recomputes them in the
//! same transaction, and so does whoever changes which levels count: a new member, and an address that is
//! linked to a user.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sealist_lists::model::{
    AddressNo, DeliveryMode, DeliveryStatus, EffectivePreferences, MemberNo, PreferenceChange,
    PreferenceLevel, PreferenceLevels, PreferenceValue, Preferences, UserNo,
};
use sealist_lists::texts::Language;

use crate::sql::{SqlRow, Value, query};
use crate::{Conn, StoreError, newer};

const COLUMNS: &str = "p.level, p.delivery_mode, p.delivery_status, p.receive_own_postings, p.receive_list_copy, p.allow_cleartext,
    p.preferred_language";

/// Makes one choice on one level, or takes it back, and lets it count for every member whom it concerns.
/// Other choices of the level stay as they are, whoever changes them at the same time. Whether the level
/// takes such a choice is asked before ([`PreferenceLevel::takes`]). Returns whether the level chose
/// something else so far.
pub async fn choose(
    db: &mut Conn,
    level: PreferenceLevel,
    change: PreferenceChange,
) -> Result<bool, StoreError> {
    lock(&mut *db).await?;
    let changed = set(&mut *db, level, change).await?;
    if changed {
        recompute(db, level).await?;
    }
    Ok(changed)
}

/// What one level chose.
pub async fn choices(db: &mut Conn, level: PreferenceLevel) -> Result<Preferences, StoreError> {
    let row = query(format!("SELECT {COLUMNS} FROM preferences p WHERE {}", of_level(level)));
    let row = row.bind(number(level)).fetch_optional(db).await?;
    row.map_or(Ok(Preferences::default()), |row| preferences(&row))
}

/// What all levels chose that count for a member.
pub async fn levels_of(db: &mut Conn, member: MemberNo) -> Result<PreferenceLevels, StoreError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM members m JOIN addresses a ON a.no = m.address_no
         JOIN preferences p ON p.member_no = m.no OR p.address_no = a.no OR p.user_no = a.user_no OR p.level = 'site'
         WHERE m.no = $1",
    ));
    let mut levels = PreferenceLevels::default();
    for row in rows.bind(member.0).fetch_all(db).await? {
        let chosen = preferences(&row)?;
        match row.try_get::<String>("level")?.as_str() {
            "member" => levels.member = chosen,
            "address" => levels.address = chosen,
            "user" => levels.user = chosen,
            _ => levels.site = chosen,
        }
    }
    Ok(levels)
}

/// So that on PostgreSQL one node after the other changes what the effective values follow from.
const ONE_AT_A_TIME: i64 = 0x5ea1_1158;

/// Keeps other nodes from changing people until this transaction ends. Every function that changes a row of
/// `members` or `addresses` calls it before the first change: what is read afterwards is what the node before
/// committed, and no node waits for the lock while another one waits for such a row. It is one lock, because
/// the changes of several people share a transaction: with a lock for each row, two nodes would wait for each
/// other. Bounces and deliveries only touch rows of members, and take the lock where they change what counts.
pub(crate) async fn lock(db: &mut Conn) -> Result<(), StoreError> {
    db.lock_to_end(ONE_AT_A_TIME).await
}

/// Writes one choice of one level; [`recompute`] lets it count. Returns whether another value stood there:
/// the stored values are compared, because a newer version may have written one that this version does not
/// know.
pub(super) async fn set(
    db: &mut Conn,
    level: PreferenceLevel,
    change: PreferenceChange,
) -> Result<bool, StoreError> {
    let (name, value) = (change.name(), change.value());
    let (kind, column) = match level {
        // The site has its row, and to choose nothing needs none.
        PreferenceLevel::Site => ("", ""),
        _ if value.is_open() => ("", ""),
        PreferenceLevel::Member(_) => ("member", "member_no"),
        PreferenceLevel::Address(_) => ("address", "address_no"),
        PreferenceLevel::User(_) => ("user", "user_no"),
    };
    let sql = if column.is_empty() {
        format!("UPDATE preferences SET {name} = $2 WHERE {} AND {name} IS DISTINCT FROM $2", of_level(level))
    } else {
        format!(
            "INSERT INTO preferences (level, {column}, {name}) VALUES ('{kind}', $1, $2)
             ON CONFLICT ({column}) DO UPDATE SET {name} = excluded.{name}
             WHERE preferences.{name} IS DISTINCT FROM excluded.{name}"
        )
    };
    let written = query(sql).bind(number(level)).bind(stored(value)).execute(db).await?;
    Ok(written.rows_affected() > 0)
}

/// Makes the effective values what the levels come to, for every member whom a change of that level concerns.
/// The only place that writes them.
pub(super) async fn recompute(db: &mut Conn, level: PreferenceLevel) -> Result<(), StoreError> {
    let (members, addresses) = match level {
        PreferenceLevel::Member(_) => ("members.no = $1", None),
        PreferenceLevel::Address(_) => ("members.address_no = $1", Some("addresses.no = $1")),
        PreferenceLevel::User(_) => (
            "members.address_no IN (SELECT no FROM addresses WHERE user_no = $1)",
            Some("addresses.user_no = $1"),
        ),
        PreferenceLevel::Site => ("$1 = 0", Some("$1 = 0")),
    };
    let sql = format!("{} WHERE {members}", *RECOMPUTE);
    query(sql).bind(number(level)).execute(&mut *db).await?;
    let Some(addresses) = addresses else { return Ok(()) };
    let sql = format!(
        "UPDATE addresses SET preferred_language = COALESCE(
             (SELECT p.preferred_language FROM preferences p WHERE p.address_no = addresses.no),
             (SELECT p.preferred_language FROM preferences p WHERE p.user_no = addresses.user_no),
             (SELECT p.preferred_language FROM preferences p WHERE p.level = 'site'), '') WHERE {addresses}"
    );
    query(sql).bind(number(level)).execute(db).await?;
    Ok(())
}

/// For every choice: of the member, or else of the address, of the user, of the site, or else the default.
static RECOMPUTE: LazyLock<String> = LazyLock::new(|| {
    let mut columns = String::new();
    let mut values = String::new();
    for (name, default) in EffectivePreferences::default().values() {
        let default = match default {
            PreferenceValue::Flag(flag) => i64::from(flag == Some(true)).to_string(),
            PreferenceValue::Word(word) => format!("'{}'", word.unwrap_or_default()),
        };
        let comma = if columns.is_empty() { "" } else { ", " };
        let _ = write!(columns, "{comma}{name}");
        let _ = write!(values, "{comma}COALESCE(pm.{name}, pa.{name}, pu.{name}, ps.{name}, {default})");
    }
    format!(
        "UPDATE members SET ({columns}) = (SELECT {values} FROM addresses a
             LEFT JOIN preferences pm ON pm.member_no = members.no
             LEFT JOIN preferences pa ON pa.address_no = a.no
             LEFT JOIN preferences pu ON pu.user_no = a.user_no
             LEFT JOIN preferences ps ON ps.level = 'site'
             WHERE a.no = members.address_no)"
    )
});

fn of_level(level: PreferenceLevel) -> &'static str {
    match level {
        PreferenceLevel::Member(_) => "member_no = $1",
        PreferenceLevel::Address(_) => "address_no = $1",
        PreferenceLevel::User(_) => "user_no = $1",
        PreferenceLevel::Site => "level = 'site' AND $1 = 0",
    }
}

fn number(level: PreferenceLevel) -> i64 {
    match level {
        PreferenceLevel::Member(MemberNo(no))
        | PreferenceLevel::Address(AddressNo(no))
        | PreferenceLevel::User(UserNo(no)) => no,
        PreferenceLevel::Site => 0,
    }
}

fn stored(value: PreferenceValue) -> Value<'static> {
    match value {
        PreferenceValue::Flag(flag) => flag.map(i64::from).into(),
        PreferenceValue::Word(word) => word.map(str::to_owned).into(),
    }
}

fn preferences(row: &SqlRow) -> Result<Preferences, StoreError> {
    let flag = |name: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>>(name)?.map(|flag| flag != 0));
    Ok(Preferences {
        delivery_mode: word(row, "delivery_mode", DeliveryMode::from_name)?,
        delivery_status: word(row, "delivery_status", DeliveryStatus::from_name)?,
        receive_own_postings: flag("receive_own_postings")?,
        receive_list_copy: flag("receive_list_copy")?,
        allow_cleartext: flag("allow_cleartext")?,
        preferred_language: word(row, "preferred_language", Language::from_name)?,
    })
}

/// The effective values of a row of `members`.
pub(super) fn effective(row: &SqlRow) -> Result<EffectivePreferences, StoreError> {
    Ok(EffectivePreferences {
        delivery_mode: word(row, "delivery_mode", DeliveryMode::from_name)?.unwrap_or_default(),
        // Posts go to nobody whose status is another than `enabled`, whatever its name is.
        delivery_status: word(row, "delivery_status", DeliveryStatus::from_name)?
            .unwrap_or(DeliveryStatus::ByModerator),
        receive_own_postings: row.try_get("receive_own_postings")?,
        receive_list_copy: row.try_get("receive_list_copy")?,
        allow_cleartext: row.try_get("allow_cleartext")?,
        preferred_language: Language::from_name(&row.try_get::<String>("preferred_language")?),
    })
}

/// A word that only a newer version knows is reported, and counts as no choice.
fn word<T>(row: &SqlRow, name: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
    let Some(word) = row.try_get::<Option<String>>(name)? else { return Ok(None) };
    let known = read(&word);
    if known.is_none() {
        newer::report("preferences", &word);
    }
    Ok(known)
}
