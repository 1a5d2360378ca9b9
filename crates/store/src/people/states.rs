//! Members with all that an admin sees of them: bounces, and the state of the key.

use sealist_lists::model::{AddressNo, ListNo, Member, MemberNo, Role};
use sealist_mail::{Address, Timestamp};

use super::members;
use crate::sql::{Query, SqlRow, query};
use crate::{Conn, StoreError};

/// A member with all that an admin sees.
#[derive(Clone, Debug)]
pub struct MemberState {
    /// The member.
    pub member: Member,
    /// Whether somebody answered from the address, or an admin vouched for it.
    pub verified: bool,
    /// How many days of late had a bounce.
    pub bounce_score: u32,
    /// When mail came back last.
    pub last_bounce_at: Option<Timestamp>,
    /// The key of the address; `None`: it has none.
    pub key: Option<KeySummary>,
}

/// The state of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// The fingerprint of the primary key.
    pub fingerprint: String,
    /// Whether mail can be encrypted to it.
    pub has_card: bool,
    /// Why mail cannot be encrypted to it, if that is known.
    pub unusable: Option<String>,
    /// Whether a person must confirm it first.
    pub in_doubt: bool,
}

/// A page of a roster: the members of a role behind `after`, by number.
pub async fn states_of_role(
    db: &mut Conn,
    list: ListNo,
    role: Role,
    after: MemberNo,
    limit: u32,
) -> Result<Vec<MemberState>, StoreError> {
    let found = select("WHERE m.list_no = $1 AND m.role = $2 AND m.no > $3 ORDER BY m.no LIMIT $4");
    read(db, found.bind(list.0).bind(role.name()).bind(after.0).bind(limit)).await
}

/// All roles of an address on a list.
pub async fn states_of(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
) -> Result<Vec<MemberState>, StoreError> {
    let found = select("WHERE m.list_no = $1 AND a.email_key = $2 ORDER BY m.no");
    read(db, found.bind(list.0).bind(address.key())).await
}

/// A page of the addresses whose look-up key fits a pattern, in which `*` stands for any characters: each
/// address with all its roles on all lists. Addresses without a role are left out. Addresses come by number,
/// behind `after`.
pub async fn states_like(
    db: &mut Conn,
    pattern: &str,
    after: AddressNo,
    limit: u32,
) -> Result<Vec<MemberState>, StoreError> {
    let escaped = pattern.replace('!', "!!").replace('%', "!%").replace('_', "!_").replace('*', "%");
    let found = select(
        "WHERE a.no IN (SELECT no FROM addresses WHERE email_key LIKE $1 ESCAPE '!' AND no > $2
             AND EXISTS (SELECT 1 FROM members r WHERE r.address_no = addresses.no) ORDER BY no LIMIT $3) ORDER BY a.no, m.list_no, m.no",
    );
    read(db, found.bind(escaped).bind(after.0).bind(limit)).await
}

/// Members of whom the rest of the statement says which.
fn select(rest: &str) -> Query<'static> {
    query(format!(
        "SELECT {}, m.bounce_score, m.last_bounce_at, a.verified_at, c.fingerprint, c.unusable, c.confirmed_at,
         CASE WHEN c.card IS NULL THEN 0 ELSE 1 END AS has_card
         FROM members m JOIN addresses a ON a.no = m.address_no LEFT JOIN certificates c ON c.address_no = a.no {rest}",
        members::COLUMNS
    ))
}

async fn read(db: &mut Conn, query: Query<'_>) -> Result<Vec<MemberState>, StoreError> {
    query.fetch_all(db).await?.iter().map(state).collect()
}

fn state(row: &SqlRow) -> Result<MemberState, StoreError> {
    let last_bounce: i64 = row.try_get("last_bounce_at")?;
    let key = row.try_get::<Option<String>>("fingerprint")?.map(|fingerprint| {
        Ok::<_, StoreError>(KeySummary {
            fingerprint,
            has_card: row.try_get("has_card")?,
            unusable: row.try_get("unusable")?,
            in_doubt: row.try_get::<Option<i64>>("confirmed_at")?.is_none(),
        })
    });
    Ok(MemberState {
        member: members::member(row)?,
        verified: row.try_get::<Option<i64>>("verified_at")?.is_some(),
        bounce_score: row.try_get("bounce_score")?,
        last_bounce_at: (last_bounce > 0).then_some(Timestamp(last_bounce)),
        key: key.transpose()?,
    })
}
