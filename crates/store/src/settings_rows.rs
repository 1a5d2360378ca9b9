//! The migration of settings: from one JSON text of a list to one row for each setting that differs from the
//! style. A list behaves as before: the values that its JSON did not have were the defaults of that time,
//! which `0022.json` keeps.

use serde_json::Value;

use crate::sql::query;
use crate::{Conn, StoreError};

/// The number of the migration behind whose script this runs.
pub(crate) const NUMBER: i64 = 22;

const DAMAGED: StoreError = StoreError::Damaged { table: "lists" };
/// The defaults of that time, which counted for a value that a list's JSON did not have, and what each style
/// said otherwise.
const STYLES: &str = include_str!("../migrations/0022.json");

/// Writes the rows of all lists.
pub(crate) async fn write(db: &mut Conn) -> Result<(), StoreError> {
    for row in query("SELECT no, style, settings FROM lists").fetch_all(&mut *db).await? {
        let (no, style, settings): (i64, String, String) =
            (row.try_get("no")?, row.try_get("style")?, row.try_get("settings")?);
        let list = ListRows::of(&style, &settings).ok_or(DAMAGED)?;
        let set = query("UPDATE lists SET openpgp = $2 WHERE no = $1");
        set.bind(no).bind(i64::from(list.has_openpgp)).execute(&mut *db).await?;
        for (name, value) in list.rows {
            let insert = query("INSERT INTO list_settings (list_no, name, value) VALUES ($1, $2, $3)");
            insert.bind(no).bind(name).bind(value.to_string()).execute(&mut *db).await?;
        }
    }
    Ok(())
}

/// What the tables have of a list from now on.
#[derive(Debug, PartialEq)]
struct ListRows {
    has_openpgp: bool,
    rows: Vec<(String, Value)>,
}

impl ListRows {
    /// `None` if the JSON is none of a list.
    fn of(style: &str, settings: &str) -> Option<Self> {
        let then: Value = serde_json::from_str(STYLES).ok()?;
        let Value::Object(mut own) = serde_json::from_str(settings).ok()? else { return None };
        let own_openpgp = own.remove("pgp").unwrap_or_default();
        let mut defaults = then["every list"].as_object()?.clone();
        let mut values = defaults.clone();
        values.extend(own);
        if let Some(own) = own_openpgp.as_object() {
            let openpgp = then["openpgp"].as_object()?;
            defaults.extend(openpgp.clone());
            values.extend(openpgp.clone());
            values.extend(own.clone());
        }
        let has_openpgp = own_openpgp.is_object();
        // A style that nobody knows counts as the simplest one.
        let simplest = if has_openpgp { "pgp-default" } else { "legacy-default" };
        let style = then["styles"].get(style).unwrap_or(&then["styles"][simplest]);
        defaults.extend(style.as_object()?.clone());
        let rows = values.into_iter().filter(|(name, value)| defaults.get(name) != Some(value)).collect();
        Some(Self { has_openpgp, rows })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(style: &str, settings: &Value, has_openpgp: bool, expected: &[(&str, Value)]) {
        let rows = expected.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let made = ListRows::of(style, &settings.to_string());
        assert_eq!(made, Some(ListRows { has_openpgp, rows }), "{style} {settings}");
    }

    #[test]
    fn only_what_differs_has_a_row() {
        check("legacy-default", &json!({}), false, &[]);
        check("legacy-default", &json!({"archive": false, "pgp": null}), false, &[]);
        check("legacy-default", &json!({"archive": true}), false, &[("archive", json!(true))]);
        check("no-such", &json!({"subject_prefix": "[x]"}), false, &[("subject_prefix", json!("[x]"))]);
        // What the style said and the list did not.
        check("private-default", &json!({}), false, &[("default_nonmember_action", json!("hold"))]);
        check("private-default", &json!({"default_nonmember_action": "reject"}), false, &[]);
        // A list of then, before that setting was there.
        let rows = [
            ("command_workflow", json!("confirm-command")),
            ("default_nonmember_action", json!("hold")),
            ("max_message_kib", json!(40)),
            ("own_key_approval", json!(false)),
            ("posting_chain", json!("default-posting-chain")),
            ("reply_goes_to", json!("author")),
            ("subscription_policy", json!("confirm")),
            ("unsubscription_policy", json!("confirm")),
            ("verp", json!(false)),
        ];
        check("pgp-default", &json!({"pgp": {}}), true, &rows);
        check("no-such", &json!({"pgp": {}}), true, &rows);
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let settings = json!({"colour": "red"});
        check("legacy-default", &settings, false, &[("colour", json!("red"))]);
        assert_eq!(ListRows::of("legacy-default", "[]"), None);
        assert_eq!(ListRows::of("legacy-default", "?"), None);
    }
}
