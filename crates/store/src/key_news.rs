//! News for owners about the keys of members: warnings of the daily check, and updates.

use sealist_lists::model::{AddressNo, ListNo};
use sealist_mail::{Address, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "addresses" };
/// The news that an owner of lists with OpenPGP has not been told.
const OWNED: &str = "FROM members o JOIN members m ON m.list_no = o.list_no AND m.role != 'nonmember'
    JOIN certificates c ON c.address_no = m.address_no JOIN addresses a ON a.no = c.address_no
    JOIN certificate_checks k ON k.address_no = c.address_no JOIN certificate_refreshes r ON r.address_no = c.address_no
    WHERE o.role = 'owner' AND o.address_no = $1 AND o.list_no IN (SELECT list_no FROM list_keys) AND (k.warned_at > $2 OR r.changed_at > $2)";

/// An owner of lists.
#[derive(Clone, Debug)]
pub struct OwnerOfList {
    /// The address's row.
    pub no: AddressNo,
    /// The address.
    pub address: Address,
    told_at: i64,
}

/// The next owners after `after` who were not told anything since `before`.
pub async fn owners(
    db: &mut Conn,
    before: Timestamp,
    after: AddressNo,
    limit: u32,
) -> Result<Vec<OwnerOfList>, StoreError> {
    let rows = query(
        "SELECT a.no, a.email, a.keys_told_at FROM addresses a WHERE a.no > $1 AND a.keys_told_at < $2
         AND EXISTS (SELECT 1 FROM members o WHERE o.address_no = a.no AND o.role = 'owner') ORDER BY a.no LIMIT $3",
    );
    let rows = rows.bind(after.0).bind(before.0).bind(limit).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let address = Address::from_stored(&row.try_get::<String>("email")?).ok_or(DAMAGED)?;
            Ok(OwnerOfList {
                no: AddressNo(row.try_get("no")?),
                address,
                told_at: row.try_get("keys_told_at")?,
            })
        })
        .collect()
}

/// News about the key of a member.
#[derive(Clone, Debug)]
pub struct News {
    /// The address of the member.
    pub email: String,
    /// When it became known.
    pub at: Timestamp,
    /// The expiry date, if the holder was warned of it.
    pub until: Option<Timestamp>,
    /// Why the key cannot be used, if it cannot.
    pub unusable: Option<String>,
    /// The changes by an update; empty if there were none.
    pub changes: String,
}

/// The first `limit` news for an owner, and how many there are. Each member appears once, however many lists
/// they are on.
pub async fn for_owner(
    db: &mut Conn,
    owner: &OwnerOfList,
    limit: u32,
) -> Result<(Vec<News>, i64), StoreError> {
    let all = query(format!("SELECT COUNT(DISTINCT c.address_no) {OWNED}"));
    let all = all.bind(owner.no.0).bind(owner.told_at).fetch_one(&mut *db).await?.value()?;
    let rows = query(format!(
        "SELECT DISTINCT a.email, k.warned_at, r.changed_at, k.warned_until, c.unusable, r.changes {OWNED} ORDER BY a.email LIMIT $3"
    ));
    let rows = rows.bind(owner.no.0).bind(owner.told_at).bind(limit).fetch_all(db).await?;
    let news = rows.iter().map(|row| {
        let (warned, changed): (i64, i64) = (row.try_get("warned_at")?, row.try_get("changed_at")?);
        let told = owner.told_at;
        Ok(News {
            email: row.try_get("email")?,
            at: Timestamp(warned.max(changed)),
            until: row.try_get::<Option<i64>>("warned_until")?.filter(|_| warned > told).map(Timestamp),
            unusable: row.try_get("unusable")?,
            changes: if changed > told { row.try_get("changes")? } else { String::new() },
        })
    });
    Ok((news.collect::<Result<_, StoreError>>()?, all))
}

/// The lists with OpenPGP that an owner owns.
pub async fn lists_owned_by(db: &mut Conn, owner: AddressNo) -> Result<Vec<ListNo>, StoreError> {
    let rows = query(
        "SELECT list_no FROM members WHERE address_no = $1 AND role = 'owner'
         AND list_no IN (SELECT list_no FROM list_keys) ORDER BY list_no",
    );
    let rows = rows.bind(owner.0).fetch_all(db).await?;
    rows.iter().map(|row| Ok(ListNo(row.value()?))).collect()
}

/// Records that an owner was told everything until then. Returns `false` and changes nothing if another node
/// did so first.
pub async fn mark_told(db: &mut Conn, owner: &OwnerOfList, until: Timestamp) -> Result<bool, StoreError> {
    let told = query("UPDATE addresses SET keys_told_at = $3 WHERE no = $1 AND keys_told_at = $2");
    let told = told.bind(owner.no.0).bind(owner.told_at).bind(until.0).execute(db).await?;
    Ok(told.rows_affected() > 0)
}
