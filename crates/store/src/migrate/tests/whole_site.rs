//! A whole site that the program of schema 3 made comes up to date with all that is in it: lists of all
//! styles with changed settings, members with keys and without, held messages, a request, copies that wait,
//! tokens and keys.

use sealist_lists::model::attributes::attributes;
use sealist_lists::model::{BodyNo, EntryNo, MailingList, RequestNo};
use serde_json::{Map, Value};

use super::super::{MIGRATIONS, apply_all};
use crate::bodies::StoredBody;
use crate::sql::query;
use crate::testing::Postgres;
use crate::{Conn, Database, bodies, list_settings, lists, queue, requests};

/// The rows of the site. `{x}` and `{/x}` stand around octets in hexadecimal digits.
const ROWS: &str = include_str!("fixtures/site_of_0003.sql");
/// What `sealist lists show` of that program said of each list.
const SETTINGS: &str = include_str!("fixtures/settings_of_0003.json");
const VERSION: usize = 3;

/// What stays as it was: the table then and now, and its columns with their types (`i`: number, `t`: text,
/// `b`: octets). A column that has another name now has both, the older one first.
const KEPT: &[(&str, &str, &str)] = &[
    ("domains", "domains", "no:i mail_host:t description:t created_at:i"),
    ("lists", "lists", "no:i domain_no:i local:t style:t held_at:i created_at:i"),
    (
        "list_keys",
        "list_keys",
        "no:i list_no:i purpose:t fingerprint:t certificate:b created_at:i retired_at:i generation:i state:t
         replaced_at:i announced_at:i",
    ),
    ("site_keys", "site_keys", "no:i purpose:t mark:b wrapped:b"),
    (
        "addresses",
        "addresses",
        "no:i user_no:i email_key:t email:t display_name:t preferred_language:t verified_at:i keys_told_at:i created_at:i",
    ),
    (
        "members",
        "members",
        "no:i list_no:i address_no:i role:t delivery_mode:t delivery_status:t receive_own_postings:i receive_list_copy:i
         allow_cleartext:i moderation_action:t key_waits>key_pending_approval:i bounce_score:i last_bounce_at:i
         created_at>subscribed_at:i",
    ),
    (
        "certificates",
        "certificates",
        "address_no:i fingerprint:t certificate:b card:b unusable:t generation:i confirmed_at:i updated_at:i",
    ),
    (
        "certificates",
        "certificate_checks",
        "address_no:i checked_at:i warned_of:t warned_until:i warned_stage:i warned_at:i",
    ),
    ("certificates", "certificate_refreshes", "address_no:i asked_at:i changes:t changed_at:i"),
    ("bodies", "bodies", "no:i form:t wrapped_key:b outer_part:b octets:i data:b"),
    (
        "queue",
        "queue",
        "no:i queue:t list_no:i door>sub_address:t detail:t body_no:i arrival:b received_at:i attempts:i reasons:t approved:i",
    ),
    (
        "posts",
        "sendings",
        "no:i list_no:i kind:t channel:t body_no:i second_body_no:i envelope_from:t recipients:t accepted_at:i
         fan_out_after:i fan_out_done:i faults:i",
    ),
    (
        "deliveries",
        "deliveries",
        "no:i post_no>sending_no:i address_no:i member_no:i email:t state:t attempts:i next_at:i reply:t",
    ),
    ("signature_digests", "signed_texts", "digest:b list_no:i door>sub_address:t seen_at:i"),
    (
        "requests",
        "requests",
        "no:i list_no:i email_key:t email:t goal:t fingerprint:t certificate:b run:t question:t begun_at:i expires_at:i",
    ),
    ("tokens", "tokens", "mark:b request_no:i entry_no:i email_key:t expires_at:i"),
    (
        "key_changes",
        "key_changes",
        "no:i address_no:i old_fingerprint:t old_certificate:b new_fingerprint:t authority:t list_no:i changed_at:i
         void_since>suspended_at:i",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_site_comes_over_on_sqlite() {
    let folder = tempfile::TempDir::new().expect("a folder");
    comes_over(&Database::file(&folder.path().join("test.db")), ("x'", "'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_comes_over_on_postgres() {
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.expect("a database");
    comes_over(&Database::server(&url).expect("an address"), ("'\\x", "'::BYTEA")).await;
}

async fn comes_over(at: &Database, (before_octets, after_octets): (&str, &str)) {
    let mut db = at.0.connect().await.expect("a database");
    apply_all(&mut db, &MIGRATIONS[..VERSION]).await.expect("the old tables");
    let rows = ROWS.replace("{x}", before_octets).replace("{/x}", after_octets);
    db.run_script(rows).await.expect("old rows");
    let mut before = Vec::new();
    for (table, _, columns) in KEPT {
        before.push(contents(&mut db, table, columns, 0).await);
    }
    apply_all(&mut db, MIGRATIONS).await.expect("the new tables");
    for ((old, table, columns), before) in KEPT.iter().zip(before) {
        assert!(!before.is_empty(), "nothing was in {old}");
        assert_eq!(contents(&mut db, table, columns, 1).await, before, "{old}");
    }
    check_settings(&mut db).await;
    check_what_waits(&mut db).await;
}

/// All rows of a table, as text; `name`: which of two names of a column counts.
async fn contents(db: &mut Conn, table: &str, columns: &str, name: usize) -> Vec<Vec<String>> {
    let typed = columns.split_whitespace().filter_map(|column| column.rsplit_once(':'));
    let typed: Vec<(&str, &str)> = typed
        .map(|(names, kind)| {
            let names: Vec<&str> = names.split('>').collect();
            (*names.get(name).unwrap_or(&names[0]), kind)
        })
        .collect();
    let names: Vec<&str> = typed.iter().map(|(name, _)| *name).collect();
    let rows = query(format!("SELECT {} FROM {table} ORDER BY 1", names.join(", "))).fetch_all(db).await;
    let rows = rows.expect(table);
    let value = |row: &crate::sql::SqlRow, (name, kind): &(&str, &str)| match *kind {
        "i" => format!("{:?}", row.try_get::<Option<i64>>(name).expect(name)),
        "t" => format!("{:?}", row.try_get::<Option<String>>(name).expect(name)),
        _ => format!("{:?}", row.try_get::<Option<Vec<u8>>>(name).expect(name)),
    };
    rows.iter().map(|row| typed.iter().map(|column| value(row, column)).collect()).collect()
}

/// Each list behaves as before: what its program said of it counts, and what that program did not know is as
/// it was for it.
async fn check_settings(db: &mut Conn) {
    let then: Map<String, Value> = serde_json::from_str(SETTINGS).expect("settings");
    let all: Vec<MailingList> = lists::all(&mut *db).await.expect("lists");
    assert_eq!(all.len(), then.len());
    for list in all {
        let said = then[list.name.local()].as_object().expect("settings of a list");
        let stored = list_settings::stored(&mut *db, list.no).await.expect("settings").expect("a list");
        assert_eq!(stored.settings, list.settings);
        assert_eq!((stored.unknown.len(), stored.generation), (0, 0), "{}", list.name);
        let mut known = 0;
        for attribute in attributes() {
            let Some(value) = attribute.get(&list.settings) else { continue };
            let Some(expected) = said.get(attribute.name).or_else(|| later(attribute.name)) else {
                panic!("{} came later: say here what counted before", attribute.name)
            };
            known += usize::from(said.contains_key(attribute.name));
            assert_eq!(&value, expected, "{} {}", list.name, attribute.name);
        }
        assert_eq!(known, said.len(), "{}: each setting is there", list.name);
    }
}

/// What counts on a list of then for a setting that came later.
fn later(name: &str) -> Option<&'static Value> {
    static LATER: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| {
        serde_json::json!({
            "max_days_to_hold": 30,
            "max_held_messages": 500,
            "max_held_mib": 64,
            "hold_reminder_days": 7,
            "summary_pause_min": 240,
            "respond_to_post_requests": true,
            "unaddressed_msg_action": "defer",
            "unaddressed_max_age_h": 24,
            "unsigned_subject": "mark",
        })
    });
    LATER.get(name)
}

/// What waits can be read and worked on.
async fn check_what_waits(db: &mut Conn) {
    for (number, reasons) in [(2, 1), (4, 3)] {
        let entry = queue::find(&mut *db, EntryNo(number)).await.expect("asked").expect("a held message");
        assert_eq!(entry.reasons.len(), reasons);
        let body = bodies::load(&mut *db, entry.body).await.expect("its body");
        assert_eq!(
            matches!(body, StoredBody::Plain { .. }),
            number == 2,
            "of a list that encrypts it is sealed"
        );
    }
    let request = requests::by_no(&mut *db, RequestNo(1)).await.expect("asked").expect("a request");
    assert_eq!(request.address.to_string(), "new@example.com");
    let bodies = query("SELECT no FROM bodies ORDER BY no").fetch_all(&mut *db).await.expect("bodies");
    for row in bodies {
        let no = BodyNo(row.value().expect("a number"));
        bodies::load(&mut *db, no).await.expect("a body that can be read");
    }
    let waits = query("SELECT COUNT(*) FROM deliveries WHERE state = 'held_for_key'").fetch_one(db).await;
    assert_eq!(waits.expect("a count").value::<i64>().ok(), Some(1));
}
