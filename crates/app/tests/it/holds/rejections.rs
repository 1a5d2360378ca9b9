//! What authors and moderators hear of a message that is rejected.

use super::*;

/// The words of a moderator reach the author.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_carries_the_moderators_words() {
    async fn check(style: &str, from: &str, message: &[u8], stage: &Stage, reason: &str, told: Rejected) {
        stage.send(LIST, from, message, day(0)).await;
        let entry = held(&stage.app).await.remove(0);
        let what = MessageDecision::Reject(reason.to_owned());
        let rejected = stage.app.as_operator().at(day(0)).messages().decide(entry.no, what).await.unwrap();
        assert_eq!(rejected, told, "{style} {from}");
    }
    let (stage, ..) = Stage::new("legacy-default").await;
    check("plain", "far@y.example", &plain("far@y.example", "x", "y"), &stage, "Too loud.", Rejected::Told)
        .await;
    let mail = deliver(&stage.app, day(0)).await;
    let notice = mail.iter().find(|mail| text(mail).contains("Too loud.")).unwrap();
    assert_eq!(notice.to, "far@y.example");
    assert!(!text(notice).contains("takes messages only if"), "{}", text(notice));

    let (stage, _, anne) = Stage::new("pgp-default").await;
    let certificate = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
    let unsigned =
        anne.mail_of(&Person::unsigned_packets(&certificate, b"Content-Type: text/plain\r\n\r\nx\r\n"));
    let mut stage = stage;
    stage.set("unsigned_msg_action", "hold").await;
    check("pgp", "anne@x.example", &unsigned, &stage, "Sign it.", Rejected::Told).await;
    check("pgp", "far@y.example", &plain("far@y.example", "x", "y"), &stage, "No.", Rejected::Untold).await;
    let mail = deliver(&stage.app, day(0)).await;
    assert!(mail.iter().any(|mail| mail.to == "anne@x.example"));
    assert!(mail.iter().all(|mail| mail.to != "far@y.example" && !text(mail).contains("Sign it.")));
}

/// The first refused post of a day has a notice, which says what becomes of the next ones: they wait.
#[tokio::test(flavor = "multi_thread")]
async fn an_author_hears_what_becomes_of_a_second_refused_post() {
    for (language, words) in [
        ("en", "waits for a moderator"),
        ("de", "wartet stattdessen auf die"),
        ("fr", "Un autre message de vous que la liste refuserait"),
    ] {
        let (mut stage, _, anne) = Stage::new("pgp-default").await;
        stage.set("preferred_language", language).await;
        for (number, waiting) in [(0, 0), (1, 1), (2, 2)] {
            let message = plain("anne@x.example", &format!("{language} {number}"), "In the clear.");
            stage.send(LIST, "anne@x.example", &message, day(0)).await;
            assert_eq!(held(&stage.app).await.len(), waiting, "{language} {number}");
            let mail = deliver(&stage.app, day(0)).await;
            if number == 0 {
                let notice = mail.iter().find(|mail| mail.to == "anne@x.example").unwrap();
                let said = read(&stage, &anne, notice).await;
                let said = said.replace("=\r\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(said.contains(words), "{said}");
            }
        }
    }
}

/// The moderator hears whether the words reached anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_hears_whom_a_rejection_reached() {
    const UNTOLD: &str = "Nobody was told";
    const REASON: &str = "Too loud.\nFar too loud.\n";
    let from = |fields: &str| format!("{fields}To: team@lists.example\r\nSubject: x\r\n\r\ny\r\n");
    for (style, sender, message, reached) in [
        ("legacy-default", "far@y.example", from("From: far@y.example\r\n"), true),
        ("legacy-default", "far@y.example", from(""), false),
        ("legacy-default", "far@y.example", from("From: far@y.example, b@y.example\r\n"), false),
        ("legacy-default", "", from("From: far@y.example\r\n"), false),
        (
            "legacy-default",
            "far@y.example",
            from("From: far@y.example\r\nAuto-Submitted: auto-generated\r\n"),
            false,
        ),
        ("legacy-default", "far@y.example", from("From: far@y.example\r\nPrecedence: bulk\r\n"), false),
        ("pgp-default", "far@y.example", from("From: far@y.example\r\n"), false),
        ("pgp-default", "far@y.example", from(""), false),
    ] {
        let (stage, olga, _) = Stage::new(style).await;
        stage.send(LIST, sender, message.as_bytes(), day(0)).await;
        assert_eq!(held(&stage.app).await.len(), 1, "{message}");
        let notices = deliver(&stage.app, day(0)).await;
        let notice = notices.iter().find(|mail| mail.to == "olga@x.example").unwrap();
        let words = read_any(&stage, &olga, notice).await;
        let token = &words.split_once("reject ").unwrap().1[..32];
        let line = format!("Hello,\r\n\r\nreject {token} Too loud.\r\nFar too loud.\r\n-- \r\nOlga\r\n");
        let answer = match stage.list.settings.pgp {
            None => plain("olga@x.example", "x", &line),
            Some(_) => {
                let key = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
                olga.mail(&key, format!("Content-Type: text/plain\r\n\r\n{line}").as_bytes(), day(1))
            }
        };
        stage.send("team-request@lists.example", "olga@x.example", &answer, day(1)).await;
        let mail = deliver(&stage.app, day(1)).await;
        let answer = mail.iter().find(|mail| mail.to == "olga@x.example").unwrap();
        let answer = read_any(&stage, &olga, answer).await;
        assert!(answer.contains("Rejected."), "{answer}");
        assert_eq!(answer.contains(UNTOLD), !reached, "{style} {message}: {answer}");
        let told: Vec<&Mail> = mail.iter().filter(|mail| mail.to != "olga@x.example").collect();
        assert_eq!(told.iter().filter(|mail| text(mail).contains(REASON)).count(), usize::from(reached));
        assert_eq!(told.len(), usize::from(reached), "{style} {message}");
    }
}

async fn read_any(stage: &Stage, person: &Person, mail: &Mail) -> String {
    match stage.list.settings.encrypting() {
        true => read(stage, person, mail).await.replace("=\r\n", ""),
        false => text(mail),
    }
}
