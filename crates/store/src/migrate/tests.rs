//! Databases of earlier versions, with rows as those versions wrote them, come up to date with all that is in
//! them.

mod whole_site;

use sealist_lists::events::{EventKind, in_words};
use sealist_lists::model::{
    AddressNo, DeliveryMode, DeliveryStatus, EffectivePreferences, EntryNo, ListNo, PreferenceChange,
    PreferenceLevel, Preferences, Role, SendingNo,
};
use sealist_lists::texts::Language;
use sealist_mail::Timestamp;

use super::{MIGRATIONS, apply_all, filled_in};
use crate::sql::query;
use crate::testing::Postgres;
use crate::{Conn, Database, events, people, sendings, traces};

/// The last version in which a member had choices of its own alone.
const BEFORE_PEOPLE: usize = 17;

/// Makes a database of that version, fills it, and brings it up to date.
async fn up_to_date(at: &Database, version: usize, rows: &str) -> Conn {
    let mut db = at.0.connect().await.expect("a database");
    apply_all(&mut db, &MIGRATIONS[..version]).await.expect("the old tables");
    let rows = filled_in(&db, rows);
    db.run_script(rows).await.expect("old rows");
    apply_all(&mut db, MIGRATIONS).await.expect("the new tables");
    db
}

/// Runs the same on both databases.
macro_rules! on_both {
    ($version:expr, $rows:expr, $check:expr) => {{
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = Database::file(&folder.path().join("test.db"));
        $check(up_to_date(&file, $version, $rows).await).await;
        let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.expect("a database");
        $check(up_to_date(&Database::server(&url).expect("an address"), $version, $rows).await).await;
    }};
}

const MEMBERS: &str = "
    INSERT INTO domains (no, mail_host, created_at) VALUES (1, 'lists.example', 0);
    INSERT INTO lists (no, domain_no, local, style, settings, created_at) VALUES (1, 1, 'team', 'legacy-default', '{}', 0);
    INSERT INTO users (no, display_name, created_at) VALUES (1, 'Una', 5);
    INSERT INTO addresses (no, user_no, email_key, email, display_name, preferred_language, created_at) VALUES
        (1, NULL, 'anne@x.example', 'Anne@x.example', 'Anne', '', 1), (2, NULL, 'bart@x.example', 'bart@x.example', '', 'de', 1),
        (3, 1, 'cris@x.example', 'cris@x.example', '', 'fr', 1);
    INSERT INTO members (no, list_no, address_no, role, delivery_mode, delivery_status, receive_own_postings, receive_list_copy,
        allow_cleartext, moderation_action, key_waits, bounce_score, last_bounce_at, created_at) VALUES
        (1, 1, 1, 'member', 'regular', 'enabled', 1, 1, 0, NULL, 0, 0, 0, 10),
        (2, 1, 2, 'member', 'mime_digests', 'by_bounces', 0, 0, 1, 'hold', 1, 3, 99, 20),
        (3, 1, 2, 'owner', 'regular', 'enabled', 1, 1, 0, NULL, 0, 0, 0, 30),
        (4, 1, 3, 'member', 'regular', 'by_user', 1, 1, 0, NULL, 0, 0, 0, 40);
    INSERT INTO key_changes (address_no, authority, changed_at, void_since) VALUES (1, 'old-key', 1, 77);
    INSERT INTO bodies (form, octets, data, coming_to) VALUES ('plain', 0, {no octets}, 9);
";

/// Every member keeps what counted; what was not the default stays a choice of the member, and the rest is
/// open.
#[tokio::test(flavor = "multi_thread")]
async fn members_keep_what_counted_for_them() {
    on_both!(BEFORE_PEOPLE, MEMBERS, check_members);
}

async fn check_members(mut db: Conn) {
    let default = EffectivePreferences::default();
    let open = Preferences::default();
    let bart = EffectivePreferences { preferred_language: Some(Language::De), ..default };
    let cases = [
        ("anne@x.example", Role::Member, default, open),
        (
            "bart@x.example",
            Role::Member,
            EffectivePreferences {
                delivery_mode: DeliveryMode::MimeDigests,
                delivery_status: DeliveryStatus::ByBounces,
                receive_own_postings: false,
                receive_list_copy: false,
                allow_cleartext: true,
                ..bart
            },
            Preferences {
                delivery_mode: Some(DeliveryMode::MimeDigests),
                delivery_status: Some(DeliveryStatus::ByBounces),
                receive_own_postings: Some(false),
                receive_list_copy: Some(false),
                allow_cleartext: Some(true),
                preferred_language: None,
            },
        ),
        ("bart@x.example", Role::Owner, bart, open),
        (
            "cris@x.example",
            Role::Member,
            EffectivePreferences {
                delivery_status: DeliveryStatus::ByUser,
                preferred_language: Some(Language::Fr),
                ..default
            },
            Preferences { delivery_status: Some(DeliveryStatus::ByUser), ..open },
        ),
    ];
    let mut ids = std::collections::BTreeSet::new();
    for (email, role, counts, chosen) in cases {
        let roles = people::roles_of(&mut db, ListNo(1), &email.parse().expect("an address")).await;
        let member = roles.expect("roles").into_iter().find(|one| one.role == role).expect(email);
        assert_eq!(member.preferences, counts, "{email}");
        let levels = people::levels_of(&mut db, member.no).await.expect("levels");
        assert_eq!(levels.member, chosen, "{email}");
        assert_eq!(levels.effective(), counts, "{email}: what is stored is what the levels come to");
        assert_eq!(member.subscribed_at.0, member.no.0 * 10, "{email}");
        assert_eq!(member.key_pending_approval, member.no.0 == 2, "{email}");
        assert_eq!(member.moderation_action.is_some(), member.no.0 == 2, "{email}");
        ids.insert(member.id);
    }
    assert_eq!(ids.len(), 4, "each member has an id of its own");
    let user = people::user_of(&mut db, AddressNo(3)).await.expect("asked").expect("a user");
    assert_eq!((user.display_name.as_str(), user.is_server_owner, user.preferred()), ("Una", false, None));
    let suspended = query("SELECT suspended_at FROM key_changes").fetch_one(&mut db).await.expect("a row");
    assert_eq!(suspended.try_get::<i64>("suspended_at").ok(), Some(77));
    let body = query("SELECT receiving_node FROM bodies").fetch_one(&mut db).await.expect("a row");
    assert_eq!(body.try_get::<i64>("receiving_node").ok(), Some(9));
}

/// A choice that is made later for all reaches members of before, and never those who chose otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn what_members_left_open_follows_later_choices() {
    on_both!(BEFORE_PEOPLE, MEMBERS, check_later_choices);
}

async fn check_later_choices(mut db: Conn) {
    for change in [
        PreferenceChange::ReceiveListCopy(Some(false)),
        PreferenceChange::DeliveryStatus(Some(DeliveryStatus::ByModerator)),
    ] {
        people::choose(&mut db, PreferenceLevel::Site, change).await.expect("chosen");
    }
    let rows =
        query("SELECT delivery_status, receive_list_copy FROM members ORDER BY no").fetch_all(&mut db).await;
    let rows = rows.expect("rows");
    let found = rows.iter().map(|row| {
        let status = row.try_get::<String>("delivery_status").expect("a status");
        (status, row.try_get::<bool>("receive_list_copy").expect("a flag"))
    });
    let found: Vec<(String, bool)> = found.collect();
    let expected = ["by_moderator", "by_bounces", "by_moderator", "by_user"];
    assert_eq!(found, expected.map(|status| (status.to_owned(), false)));
}

/// The last version in which the audit recorded who did what in words.
const BEFORE_EVENTS: usize = 20;

const AUDIT: &str = "
    INSERT INTO audit (list_no, at, email_key, event, detail, unproven, times, day) VALUES
        (1, 1, 'anne@example.org', 'request-done', 'subscribe', 0, 1, NULL),
        (1, 2, 'eve@example.org', 'request-asked', 'subscribe: \"it\"', 1, 1, NULL),
        (1, 3, '', 'request-asked', '', 0, 40, 7),
        (NULL, 4, 'mona@example.org', 'hold-accepted', 'entry 5 from <eve@example.org>, own-loop', 0, 1, NULL),
        (1, 5, 'root (command line)', 'weakened', 'archive true: x', 0, 1, NULL),
        (1, 6, '(the server)', 'hold-expired', '', 0, 1, NULL),
        (1, 7, '', 'notice-untold', 'day', 0, 3, 8);
";

/// Every row of the audit is an event afterwards, with who did it and whom it is about.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_the_audit_becomes_events() {
    on_both!(BEFORE_EVENTS, AUDIT, check_events);
}

async fn check_events(mut db: Conn) {
    let mut found = events::newest(&mut db, None, 99).await.expect("events");
    found.reverse();
    let shown = found.iter().map(|one| {
        let subject = one.event.subject.as_ref().map_or_else(String::new, ToString::to_string);
        let (kind, words) = (one.event.kind.name(), in_words(&one.data));
        format!("{} {kind} {words} | {} | {subject} | {}", one.at.0, one.actor, one.times)
    });
    let expected = [
        "1 request-done subscribe | (earlier) | anne@example.org | 1",
        "2 request-asked subscribe: \"it\" | eve@example.org | eve@example.org | 1",
        "3 request-asked  | (anybody) |  | 40",
        "4 hold-accepted entry 5 from <eve@example.org>, own-loop | mona@example.org |  | 1",
        "5 weakened archive true: x | root (command line) |  | 1",
        "6 hold-expired  | (the server) |  | 1",
        "7 notice-untold day | (anybody) |  | 3",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!(found[0].event.kind, EventKind::RequestDone { action: "subscribe".to_owned() });
    assert_eq!(found[6].event.kind, EventKind::NoticeUntold { limit: "day".to_owned() });
    assert_eq!(found.iter().filter(|one| one.event.list.is_none()).count(), 1);
}

/// The last version that kept nothing of messages and copies that were done.
const BEFORE_TRACES: usize = 27;

const WAITING: &str = "
    INSERT INTO domains (no, mail_host, created_at) VALUES (1, 'lists.example', 1);
    INSERT INTO lists (no, domain_no, local, style, created_at) VALUES (1, 1, 'team', 'legacy-default', 1);
    INSERT INTO bodies (no, form, octets, data) VALUES (1, 'plain', 0, {no octets}), (2, 'plain', 0, {no octets});
    INSERT INTO queue (no, queue, list_no, sub_address, body_no, arrival, received_at, next_at, sender)
        VALUES (5, 'hold', 1, 'posting', 1, {no octets}, 3, 3, 'eve@far.example');
    INSERT INTO sendings (no, list_no, kind, channel, body_no, envelope_from, accepted_at, fan_out_done)
        VALUES (7, 1, 'posting', 'open', 2, '', 4, 1);
    INSERT INTO deliveries (sending_no, email, state, next_at, reply) VALUES (7, 'anne@example.org', 'sent', 0, '250 ok');
";

/// What waits is found by its number afterwards, and what was sent is kept as if it had always been so.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_was_sent_is_found() {
    on_both!(BEFORE_TRACES, WAITING, check_traces);
}

async fn check_traces(mut db: Conn) {
    let message = traces::message(&mut db, EntryNo(5)).await.expect("readable").expect("there");
    assert_eq!((message.state.as_str(), message.origin.as_str()), ("hold", "lmtp"));
    sendings::delete_finished(&mut db, SendingNo(0), 9, Timestamp(8)).await.expect("packed");
    let to = traces::receipts_of(&mut db, &"anne@example.org".parse().expect("an address")).await;
    let [copy] = &to.expect("readable")[..] else { panic!("one copy") };
    assert_eq!((copy.copy.reply.as_str(), copy.entry, copy.sending.no), ("250 ok", None, SendingNo(7)));
}
