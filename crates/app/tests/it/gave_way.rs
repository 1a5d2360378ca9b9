//! Authors on plain lists hear what becomes of messages that wait for a moderator: also when these give way
//! to others, and whatever came to other addresses of the list before.

use crate::moved_clock::{Mail, PLAIN, day, deliver, held, join, receive_from, set, site_with};
use sealist_app::{App, MessageDecision};
use sealist_lists::model::{MailingList, Role};
use sealist_mail::HOUR_MS;
use sealist_openpgp::testing::{Kind, Person};
use tempfile::TempDir;

const LIST: &str = "team@lists.example";
const ANNE: &str = "anne@x.example";
const OLGA: &str = "olga@x.example";

/// A plain list of Olga with the member Anne.
struct Stage {
    app: App,
    list: MailingList,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let (app, list, folder) = site_with(PLAIN, LIST).await;
        join(&app, &list, OLGA, Role::Owner, None).await;
        join(&app, &list, ANNE, Role::Member, None).await;
        Self { app, list, _folder: folder }
    }
}

fn text(mail: &Mail) -> String {
    let text = String::from_utf8_lossy(&mail.message).replace("=\r\n", "").replace("=3D", "=");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(from: &str, words: &str) -> Vec<u8> {
    format!("From: {from}\r\nTo: {LIST}\r\nSubject: Photo\r\n\r\n{words}\r\n").into_bytes()
}

/// Messages in a member's name from elsewhere leave hers alone. Whatever gives way, its author hears of it
/// who heard that it waits, and so do those in charge.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_heard_that_a_message_waits_hears_that_it_goes() {
    let mut stage = Stage::new().await;
    for (name, value) in [("max_held_messages", "3"), ("max_message_kib", "1")] {
        stage.list = set(&stage.app, &stage.list, name, value).await;
    }
    // Whose message it is, its envelope; From and envelope of the flood; whether it stays.
    let floods = [
        ((ANNE, ANNE), (ANNE, "e1@evil.example"), true),
        ((ANNE, ANNE), ("x@far.example", "x@far.example"), true),
        ((ANNE, ANNE), (ANNE, ANNE), false),
        ((ANNE, "srs0=anne@forward.example"), (ANNE, "e2@evil.example"), false),
        (("s@far.example", "s@far.example"), ("t@far.example", "t@far.example"), false),
    ];
    for (number, ((author, sender), (from, envelope), stays)) in floods.into_iter().enumerate() {
        let (today, large) = (day(10 * i64::try_from(number).unwrap()), "x".repeat(2000));
        receive_from(&stage.app, sender, LIST, &plain(author, &large), today).await;
        let own = held(&stage.app).await.last().unwrap().no;
        let mut mail = deliver(&stage.app, today).await;
        for _ in 0..5 {
            receive_from(&stage.app, envelope, LIST, &plain(from, &large), today).await;
        }
        mail.extend(deliver(&stage.app, today.plus_ms(HOUR_MS)).await);
        mail.extend(deliver(&stage.app, today.plus_ms(2 * 24 * HOUR_MS)).await);
        let case = format!("{author} <{sender}>, {from} <{envelope}>");
        assert_eq!(held(&stage.app).await.iter().any(|entry| entry.no == own), stays, "{case}");
        let told =
            |who: &str, words: &str| mail.iter().any(|mail| mail.to == who && text(mail).contains(words));
        assert!(told(author, "waits for a moderator"), "{case}");
        let came = today.rfc3339().replace('T', " ");
        assert!(stays && from != author || told(author, &format!("{} UTC, 3 KiB", &came[..16])), "{case}");
        assert!(told(OLGA, "of the others there were too many"), "{case}");
        for entry in held(&stage.app).await {
            stage
                .app
                .as_operator()
                .at(today)
                .messages()
                .decide(entry.no, MessageDecision::Discard)
                .await
                .unwrap();
        }
        deliver(&stage.app, today.plus_ms(3 * 24 * HOUR_MS)).await;
    }
}

/// The same signed message came to the owners, or to the address for bounces, before: its author hears that
/// it waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_elsewhere_before_waits_with_a_word() {
    let anne = Person::new(ANNE, Kind::Curve25519, day(-5));
    for first in ["team-owner@lists.example", "team-bounces@lists.example"] {
        let mut stage = Stage::new().await;
        stage.list = set(&stage.app, &stage.list, "default_member_action", "hold").await;
        let entity = b"Content-Type: text/plain\r\n\r\nWords.\r\n";
        let signed = anne.mail_signed(entity, &anne.signature(entity, day(0)));
        receive_from(&stage.app, "eve@evil.example", first, &signed, day(0)).await;
        deliver(&stage.app, day(0)).await;
        receive_from(&stage.app, ANNE, LIST, &signed, day(0)).await;
        let told = deliver(&stage.app, day(0)).await;
        let heard = told.iter().find(|mail| mail.to == ANNE).map(text).unwrap_or_default();
        assert!(heard.contains("waits for a moderator"), "{first}: {heard}");
    }
}
