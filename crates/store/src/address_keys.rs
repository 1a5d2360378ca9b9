//! The migration of look-up keys: a person has one key, however the address is spelled. Two rows of one
//! address by [`Address::key`] that were two persons before are never merged.

use sealist_mail::Address;

use crate::people::pattern_key;
use crate::sql::query;
use crate::{Conn, StoreError};

/// The number of the migration after whose script this runs.
pub(crate) const NUMBER: i64 = 4;

/// A column with look-up keys.
struct AddressColumn {
    /// Selects all rows: their identity and their key.
    select: &'static str,
    /// Gives a row another key, unless the key is taken.
    update: &'static str,
}

/// An ASCII key does not change.
const COLUMNS: [AddressColumn; 5] = [
    AddressColumn {
        select: "SELECT no, pattern AS old FROM bans WHERE OCTET_LENGTH(pattern) > LENGTH(pattern)",
        update: "UPDATE bans SET pattern = $2 WHERE no = $1",
    },
    AddressColumn {
        select: "SELECT no, email_key AS old FROM requests WHERE OCTET_LENGTH(email_key) > LENGTH(email_key)",
        update: "UPDATE requests SET email_key = $2 WHERE no = $1 AND NOT EXISTS (SELECT 1 FROM requests o
             WHERE o.list_no = requests.list_no AND o.email_key = $2 AND o.goal = requests.goal
             AND o.fingerprint = requests.fingerprint)",
    },
    AddressColumn {
        select: "SELECT no, email_key AS old FROM audit WHERE OCTET_LENGTH(email_key) > LENGTH(email_key)",
        update: "UPDATE audit SET email_key = $2 WHERE no = $1",
    },
    AddressColumn {
        select: "SELECT COUNT(*) AS no, email_key AS old FROM tokens WHERE OCTET_LENGTH(email_key) > LENGTH(email_key)
             GROUP BY email_key",
        update: "UPDATE tokens SET email_key = $2 WHERE $1 > 0 AND email_key = $3",
    },
    AddressColumn {
        select: "SELECT DISTINCT list_no AS no, email_key AS old FROM notices WHERE OCTET_LENGTH(email_key) > LENGTH(email_key)",
        update: "UPDATE notices SET email_key = $2 WHERE list_no = $1 AND email_key = $3 AND NOT EXISTS
             (SELECT 1 FROM notices o WHERE o.list_no = notices.list_no AND o.email_key = $2 AND o.kind = notices.kind)",
    },
];

/// Gives every row that was made under older rules its key of today.
pub(crate) async fn renew(db: &mut Conn) -> Result<(), StoreError> {
    for column in COLUMNS {
        for row in query(column.select).fetch_all(&mut *db).await? {
            let (no, old): (i64, String) = (row.try_get("no")?, row.try_get("old")?);
            let new = pattern_key(&old);
            if new != old {
                let update = query(column.update).bind(no).bind(new);
                let update = if column.update.contains("$3") { update.bind(old) } else { update };
                update.execute(&mut *db).await?;
            }
        }
    }
    addresses(db).await
}

const ADDRESSES: &str =
    "SELECT no, email_key, email FROM addresses WHERE OCTET_LENGTH(email) > LENGTH(email) ORDER BY no";

async fn addresses(db: &mut Conn) -> Result<(), StoreError> {
    for row in query(ADDRESSES).fetch_all(&mut *db).await? {
        let (no, old, email): (i64, String, String) =
            (row.try_get("no")?, row.try_get("email_key")?, row.try_get("email")?);
        let new = Address::key_of(&email);
        if new == old {
            continue;
        }
        let other = query("SELECT no FROM addresses WHERE email_key = $1")
            .bind(&new)
            .fetch_optional(&mut *db)
            .await?;
        if let Some(other) = other {
            let other: i64 = other.value()?;
            if is_held(&mut *db, other).await? || !is_held(&mut *db, no).await? {
                continue; // `spelled_twice` shows them if both are.
            }
            // The other row holds nothing, so it gives its key away and takes one that no address can have.
            rename(&mut *db, other, &format!("{new} (spelled otherwise: {no})")).await?;
        }
        rename(&mut *db, no, &new).await?;
    }
    Ok(())
}

async fn rename(db: &mut Conn, no: i64, key: &str) -> Result<(), StoreError> {
    query("UPDATE addresses SET email_key = $2 WHERE no = $1").bind(no).bind(key).execute(db).await?;
    Ok(())
}

/// Whether the row holds a key or a membership.
async fn is_held(db: &mut Conn, no: i64) -> Result<bool, StoreError> {
    let row = query(
        "SELECT EXISTS (SELECT 1 FROM members WHERE address_no = $1)
         OR EXISTS (SELECT 1 FROM certificates WHERE address_no = $1)",
    );
    row.bind(no).fetch_one(db).await?.value()
}

/// Pairs of rows that are one address by today's rules, and both hold a key or a membership: the spelling
/// that mail no longer finds, and the one that it finds.
pub async fn spelled_twice(db: &mut Conn) -> Result<Vec<(Address, Address)>, StoreError> {
    let mut twice = Vec::new();
    for row in query(ADDRESSES).fetch_all(&mut *db).await? {
        let (no, key, email): (i64, String, String) =
            (row.try_get("no")?, row.try_get("email_key")?, row.try_get("email")?);
        let new = Address::key_of(&email);
        if new == key || !is_held(&mut *db, no).await? {
            continue;
        }
        let found = query("SELECT email FROM addresses WHERE email_key = $1")
            .bind(new)
            .fetch_optional(&mut *db)
            .await?;
        let found = found.map(|row| row.value::<String>()).transpose()?;
        if let (Some(lost), Some(found)) =
            (Address::from_stored(&email), found.and_then(|f| Address::from_stored(&f)))
        {
            twice.push((lost, found));
        }
    }
    Ok(twice)
}

#[cfg(test)]
mod tests {
    use sealist_lists::model::{ListNo, ListSettings, Preferences, Role};
    use sealist_mail::Timestamp;

    use super::*;
    use crate::testing::Postgres;
    use crate::transaction;
    use crate::{Store, lists, people};

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    /// Rows as they were written before, with the keys of those days.
    async fn old_site(db: &mut Conn) -> Result<ListNo, StoreError> {
        let name = "team@lists.example".parse().expect("a name");
        let list = lists::create(&mut *db, &name, "default", &ListSettings::default(), NOW).await?;
        let rows = [
            ("lone@münchen.example", true),
            ("both@münchen.example", true),
            ("both@xn--mnchen-3ya.example", true),
            ("first@münchen.example", true),
            ("first@xn--mnchen-3ya.example", false),
            ("second@münchen.example", false),
            ("second@xn--mnchen-3ya.example", true),
            ("rene\u{301}@x.example", true),
            ("un\u{200b}seen@x.example", true),
            ("Anne@x.example", true),
        ];
        for (email, is_member) in rows {
            let row =
                query("INSERT INTO addresses (email_key, email, created_at) VALUES ($1, $2, 0) RETURNING no");
            let row = row.bind(email.to_lowercase()).bind(email).fetch_one(&mut *db).await?;
            if is_member {
                let no = sealist_lists::model::AddressNo(row.value()?);
                people::add_member(&mut *db, list, no, Role::Member, Preferences::default(), NOW).await?;
            }
        }
        query(
            "INSERT INTO bans (pattern, created_at) VALUES ('@bücher.example', 0), ('eve@bücher.example', 0)",
        )
        .execute(&mut *db)
        .await?;
        // A later migration moves this table away.
        db.run("CREATE TABLE audit (no BIGINT PRIMARY KEY, email_key TEXT NOT NULL)").await?;
        db.run("INSERT INTO audit (no, email_key) VALUES (1, 'lone@münchen.example')").await?;
        let notices = [
            ("lone@münchen.example", 1_i64),
            ("both@münchen.example", 2),
            ("both@xn--mnchen-3ya.example", 3),
        ];
        for (email, sent_at) in notices {
            query("INSERT INTO notices (list_no, email_key, kind, sent_at) VALUES ($1, $2, 'x', $3)")
                .bind(list.0)
                .bind(email)
                .bind(sent_at)
                .execute(&mut *db)
                .await?;
        }
        renew(db).await?;
        renew(db).await?;
        Ok(list)
    }

    async fn check(store: Store) {
        let list = store.write(transaction!(|db| old_site(db).await)).await.expect("renewed");
        let mut db = store.reader().await.expect("a reader");
        for (asked, spelled) in [
            ("lone@xn--mnchen-3ya.example", "lone@münchen.example"),
            ("lone@münchen.example", "lone@münchen.example"),
            // Two that hold something stay two.
            ("both@münchen.example", "both@xn--mnchen-3ya.example"),
            ("first@xn--mnchen-3ya.example", "first@münchen.example"),
            ("second@münchen.example", "second@xn--mnchen-3ya.example"),
            ("ren\u{e9}@x.example", "rene\u{301}@x.example"),
            ("anne@X.example", "Anne@x.example"),
        ] {
            let roles =
                people::roles_of(&mut db, list, &asked.parse().expect("an address")).await.expect("roles");
            let found: Vec<String> = roles.iter().map(|member| member.address.to_string()).collect();
            assert_eq!(found, [spelled], "{asked}");
        }
        let roster =
            people::roster(&mut db, list, Role::Member, sealist_lists::model::MemberNo(0), 100).await;
        let roster: Vec<String> =
            roster.expect("a roster").iter().map(|one| one.address.to_string()).collect();
        assert_eq!(roster.len(), 8, "nobody is lost: {roster:?}");
        assert!(roster.contains(&"un\\u{200b}seen@x.example".to_owned()), "{roster:?}");
        let twice = spelled_twice(&mut db).await.expect("asked");
        let twice: Vec<_> = twice.iter().map(|(lost, found)| format!("{lost} {found}")).collect();
        assert_eq!(twice, ["both@münchen.example both@xn--mnchen-3ya.example"]);
        for banned in ["x@bücher.example", "x@xn--bcher-kva.example"] {
            assert!(
                people::is_banned(&mut db, list, &banned.parse().expect("an address")).await.expect("asked")
            );
        }
        let audit = query("SELECT email_key FROM audit").fetch_one(&mut db).await.expect("asked");
        assert_eq!(audit.value::<String>().expect("a key"), "lone@xn--mnchen-3ya.example");
        let keys = query("SELECT email_key FROM notices ORDER BY email_key")
            .fetch_all(&mut db)
            .await
            .expect("asked");
        assert_eq!(keys.len(), 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn old_keys_become_those_of_today() {
        let folder = tempfile::TempDir::new().expect("a folder");
        check(Store::open(&folder.path().join("test.db")).await.expect("a store")).await;
        let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.expect("a database");
        check(Store::open_url(&url).await.expect("a store")).await;
    }
}
