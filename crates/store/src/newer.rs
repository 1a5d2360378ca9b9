//! Rows that a newer version wrote, and that this one does not know: they are kept, and each stands in the
//! log once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sealist_lists::model::{Action, BanPattern, DeliveryMode, DeliveryStatus, ListNo, SubAddress};
use sealist_lists::texts::Language;

use crate::sql::query;
use crate::{Conn, StoreError};

/// A value in a row that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerValue {
    /// The list of the row; `None`: the row belongs to no list.
    pub list: Option<ListNo>,
    /// What the value is.
    pub what: &'static str,
    /// The value.
    pub value: String,
}

/// A kind of value, whether this version knows one, and all of them with the numbers of their lists.
struct ValuePlace(&'static str, fn(&str) -> bool, &'static str);

const PLACES: &[ValuePlace] = &[
    ValuePlace("delivery_mode", |value| DeliveryMode::from_name(value).is_some(), OF_PREFERENCES),
    ValuePlace("delivery_status", |value| DeliveryStatus::from_name(value).is_some(), OF_PREFERENCES),
    ValuePlace("preferred_language", |value| Language::from_name(value).is_some(), OF_PREFERENCES),
    ValuePlace(
        "moderation_action",
        |value| Action::from_name(value).is_some(),
        "SELECT DISTINCT list_no, moderation_action AS value FROM members WHERE moderation_action IS NOT NULL",
    ),
    ValuePlace(
        "ban",
        |value| value.parse::<BanPattern>().is_ok(),
        "SELECT DISTINCT list_no, pattern AS value FROM bans",
    ),
    ValuePlace(
        "sub-address of a message that waits",
        |value| SubAddress::from_name(value).is_some(),
        "SELECT DISTINCT list_no, sub_address AS value FROM queue",
    ),
];

/// `{name}` is the column.
const OF_PREFERENCES: &str = "SELECT DISTINCT m.list_no, p.{name} AS value FROM preferences p
    LEFT JOIN members m ON m.no = p.member_no WHERE p.{name} IS NOT NULL";

/// All values about people and messages that this version does not know. It reads whole tables.
pub async fn values(db: &mut Conn) -> Result<Vec<NewerValue>, StoreError> {
    let mut found = Vec::new();
    for ValuePlace(what, is_known, sql) in PLACES {
        for row in query(sql.replace("{name}", what)).fetch_all(&mut *db).await? {
            let value: String = row.try_get("value")?;
            if !is_known(&value) {
                let list = row.try_get::<Option<i64>>("list_no")?.map(ListNo);
                found.push(NewerValue { list, what, value });
            }
        }
    }
    Ok(found)
}

/// How many rows are remembered. Beyond that the log says nothing: who writes that many has been told of the
/// first ones.
const MOST: usize = 1000;

/// Reports a value that this version does not know, once. The row stays as it is.
pub(crate) fn report(table: &'static str, value: &str) {
    if is_first(format!("{table} {value}")) {
        tracing::warn!(
            event = "value-not-known",
            table,
            value,
            "a value is not known to this version; it is kept for the version that wrote it"
        );
    }
}

/// Whether this process meets it for the first time.
pub(crate) fn is_first(what: String) -> bool {
    static MET: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    met.len() < MOST && met.insert(what)
}
