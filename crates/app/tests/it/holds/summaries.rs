//! What is kept beside a message that waits, so that a list of such messages opens none of them.

use rusqlite::Connection;

use super::*;

const DAVE: &str = "dave@x.example";

fn message() -> String {
    format!(
        "From: Dave Zebra <{DAVE}>\r\nTo: {LIST}\r\nSubject: Quagga\r\nMIME-Version: 1.0\r\n\
         Content-Type: application/pdf; name=okapi.pdf\r\n\r\nwords\r\n"
    )
}

fn count(stage: &Stage, sql: &str) -> i64 {
    let db = Connection::open(stage._folder.path().join("test.db")).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_held_messages_opens_none() {
    async fn check(style: &str, nonencrypted: Option<&str>, subject: Option<&str>) {
        let (mut stage, ..) = Stage::new(style).await;
        if let Some(action) = nonencrypted {
            stage.set("nonencrypted_msg_action", action).await;
            stage.set("unsigned_msg_action", "hold").await;
        }
        stage.send(LIST, DAVE, message().as_bytes(), day(0)).await;
        let entry = held(&stage.app).await.remove(0);
        let octets = message().len() as u64;
        let show = async || stage.app.as_operator().messages().show(entry.no).await.unwrap();
        let before = show().await;
        // The message is gone, so that nothing can open it.
        let db = Connection::open(stage._folder.path().join("test.db")).unwrap();
        db.execute("UPDATE bodies SET data = x'', octets = 0", []).unwrap();
        drop(db);
        for seen in [before, show().await] {
            assert_eq!(seen.author.as_deref(), Some("Dave Zebra <dave@x.example>"), "{style}");
            assert_eq!((seen.subject.as_deref(), seen.octets), (subject, octets), "{style}");
        }
        let stands = count(&stage, "SELECT COUNT(*) FROM hold_summaries WHERE INSTR(data, 'Quagga') > 0");
        assert_eq!(stands, i64::from(style == "legacy-default"), "{style}: sealed where the message is");
        let messages = stage.app.as_operator().at(day(0)).messages();
        messages.decide(entry.no, MessageDecision::Discard).await.unwrap();
        assert_eq!(
            count(&stage, "SELECT COUNT(*) FROM hold_summaries"),
            0,
            "{style}: it goes with the entry"
        );
    }
    check("legacy-default", None, Some("Quagga")).await;
    check("pgp-default", Some("hold"), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_in_the_clear_goes_when_a_list_begins_to_encrypt() {
    let (mut stage, ..) = Stage::new("pgp-default").await;
    for (name, value) in [
        ("encrypt_outgoing", "false"),
        ("nonencrypted_msg_action", "defer"),
        ("unsigned_msg_action", "defer"),
        ("default_nonmember_action", "hold"),
    ] {
        stage.set(name, value).await;
    }
    stage.send(LIST, DAVE, message().as_bytes(), day(0)).await;
    assert_eq!(count(&stage, "SELECT COUNT(*) FROM hold_summaries WHERE INSTR(data, 'Quagga') > 0"), 1);
    let mut list = stage.list.clone();
    crate::moved_clock::set_setting(&stage.app, &mut list, "encrypt_outgoing", "true", day(0)).await.unwrap();
    assert_eq!(count(&stage, "SELECT COUNT(*) FROM hold_summaries"), 0);
    let seen = stage.app.as_operator().messages().show(held(&stage.app).await[0].no).await.unwrap();
    assert_eq!(seen.author.as_deref(), Some("Dave Zebra <dave@x.example>"), "the message says it, too");
}
