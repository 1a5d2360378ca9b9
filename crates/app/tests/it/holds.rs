//! Messages that wait for a moderator, under a moved clock: who hears of them, what is shown, who decides,
//! what goes.

mod rejections;
mod summaries;

use crate::moved_clock::{Mail, day, deliver, held, receive_from, site_in, site_on_postgres};
use crate::readers::read_copy;
use sealist_app::{App, AppError, ErrorKind, MessageDecision, Rejected, upkeep};
use sealist_lists::events::{Actor, MailProof};
use sealist_lists::model::{ListName, MailingList, Role};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Address, HOUR_MS, Timestamp};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::pending::{self, Beyond, Heap, NewFact, Pace};
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::transaction;
use sealist_store::{events, lists};
use tempfile::TempDir;

/// Stories that are the same on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(super::Stage::new("legacy-default").await.0).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(super::Stage::on_postgres("legacy-default").await).await;
            })+
        }
    };
}

on_both! {
    every_held_message_is_told_with_a_token,
    a_decision_counts_once_and_has_a_name,
    a_hold_is_remembered_and_ends,
    a_flood_pushes_out_itself_alone,
    what_is_only_counted_hides_nothing_that_waits,
}

const LIST: &str = "team@lists.example";

/// A list under a clock.
struct Stage {
    app: App,
    list: MailingList,
    _folder: TempDir,
}

impl Stage {
    /// A list of that style with Olga, its owner, and the member Anne. On lists with OpenPGP both have keys.
    async fn new(style: &str) -> (Self, Person, Person) {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        Self::on(app, folder, style).await
    }

    async fn on_postgres(style: &str) -> Self {
        Self::on(site_on_postgres().await, TempDir::new().unwrap(), style).await.0
    }

    async fn on(app: App, folder: TempDir, style: &str) -> (Self, Person, Person) {
        let name: ListName = LIST.parse().unwrap();
        app.as_operator().at(day(-10)).lists().create(&name, style).await.unwrap();
        let list = lists::by_name(&mut app.store().reader().await.unwrap(), &name).await.unwrap().unwrap();
        let stage = Self { app, list, _folder: folder };
        let olga = stage.person("olga@x.example", Role::Owner).await;
        let anne = stage.person("anne@x.example", Role::Member).await;
        (stage, olga, anne)
    }

    async fn person(&self, address: &str, role: Role) -> Person {
        let person = Person::new(address, Kind::Curve25519, day(-5));
        self.without_key(address, role).await;
        if self.list.settings.has_openpgp() {
            let key = person.certificate().to_bytes();
            self.app.as_operator().at(day(-4)).keys().import(&address.parse().unwrap(), &key).await.unwrap();
        }
        person
    }

    async fn without_key(&self, address: &str, role: Role) {
        crate::moved_clock::join(&self.app, &self.list, address, role, None).await;
    }

    async fn set(&mut self, name: &str, value: &str) {
        self.list = crate::moved_clock::set(&self.app, &self.list, name, value).await;
    }

    /// A message comes to an address of the list, and is judged.
    async fn send(&self, to: &str, sender: &str, message: &[u8], now: Timestamp) {
        receive_from(&self.app, sender, to, message, now).await;
    }

    async fn stranger(&self, number: usize, now: Timestamp) {
        let sender = format!("s{number}@far.example");
        self.send(LIST, &sender, &plain(&sender, &format!("Offer {number}"), "Buy."), now).await;
    }

    async fn audited(&self) -> Vec<(String, String)> {
        let events = events::newest(&mut self.app.store().reader().await.unwrap(), Some(self.list.no), 100)
            .await
            .unwrap();
        events.into_iter().map(|one| (one.event.kind.name(), one.actor.to_string())).collect()
    }

    /// What a token that stands in a notice answers.
    async fn subject(&self, token: &str, who: &str, now: Timestamp) -> Option<TokenSubject> {
        let mark = self.app.vault.mac().token_mark(token);
        let who: Address = who.parse().unwrap();
        let mut db = self.app.store().reader().await.unwrap();
        tokens::subject_of(&mut db, &mark, &who, now).await.unwrap()
    }
}

fn plain(from: &str, subject: &str, text: &str) -> Vec<u8> {
    format!("From: {from}\r\nTo: {LIST}\r\nSubject: {subject}\r\nDate: Thu, 28 May 2026 20:26:40 +0000\r\n\r\n{text}\r\n")
        .into_bytes()
}

/// The words of an open notice, quoted-printable undone as far as these tests need it.
fn text(mail: &Mail) -> String {
    String::from_utf8_lossy(&mail.message).replace("=\r\n", "").replace("=3D", "=").replace('\r', "")
}

fn tokens_in(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let behind = words.windows(2).filter(|pair| ["approve", "show"].contains(&pair[0]));
    behind.map(|pair| pair[1].to_owned()).filter(|word| word.len() >= 26).collect()
}

/// First a notice for each, then one for all that came; each message has a token of its own in exactly one of
/// them.
async fn every_held_message_is_told_with_a_token(stage: Stage) {
    let mut seen = Vec::new();
    for number in 0..5 {
        stage.stranger(number, day(0)).await;
        let mail = deliver(&stage.app, day(0)).await;
        let to_olga: Vec<&Mail> = mail.iter().filter(|mail| mail.to == "olga@x.example").collect();
        assert_eq!(to_olga.len(), 1, "message {number}");
        let text = text(to_olga[0]);
        for word in [format!("s{number}@far.example"), format!("Offer {number}"), "not a member".into()] {
            assert!(text.contains(&word), "{word}: {text}");
        }
        assert!(text.contains("message/rfc822") && text.contains("Buy."), "{text}");
        seen.extend(tokens_in(&text));
    }
    for number in 5..40 {
        stage.stranger(number, day(0)).await;
        assert!(deliver(&stage.app, day(0)).await.iter().all(|mail| mail.to != "olga@x.example"), "{number}");
    }
    let summary = deliver(&stage.app, day(0).plus_ms(5 * HOUR_MS)).await;
    let to_olga: Vec<&Mail> = summary.iter().filter(|mail| mail.to == "olga@x.example").collect();
    assert_eq!(to_olga.len(), 1);
    assert!(text(to_olga[0]).contains("35 messages wait for you"), "{}", text(to_olga[0]));
    seen.extend(tokens_in(&text(to_olga[0])));
    let mut entries = Vec::new();
    for token in &seen {
        match stage.subject(token, "olga@x.example", day(1)).await {
            Some(TokenSubject::Entry(no)) => entries.push(no.0),
            other => panic!("{other:?}"),
        }
        assert_eq!(stage.subject(token, "anne@x.example", day(1)).await, None, "Olga's alone");
    }
    entries.sort_unstable();
    entries.dedup();
    assert_eq!(entries.len(), 40);
    assert!(deliver(&stage.app, day(0).plus_ms(9 * HOUR_MS)).await.is_empty(), "all is told");
}

/// Whoever decides second hears who was first; nothing is decided twice, and the audit names whoever did.
async fn a_decision_counts_once_and_has_a_name(stage: Stage) {
    stage.without_key("mona@x.example", Role::Moderator).await;
    for (number, what, name, event) in [
        (0, MessageDecision::Accept, "accepted", "hold-accepted"),
        (1, MessageDecision::Reject("Not here.".into()), "rejected", "hold-rejected"),
        (2, MessageDecision::Discard, "discarded", "hold-discarded"),
    ] {
        stage.stranger(number, day(0)).await;
        let mail = deliver(&stage.app, day(0)).await;
        let token = |who: &str| {
            let notice = mail.iter().find(|mail| mail.to == who).unwrap();
            tokens_in(&text(notice)).remove(0)
        };
        let (olga, mona) = (token("olga@x.example"), token("mona@x.example"));
        assert_ne!(olga, mona);
        let entry = held(&stage.app).await.remove(0);
        let by = Actor::mail(&"mona@x.example".parse().unwrap(), MailProof::Token);
        stage.app.act_as(by).at(day(1)).messages().decide(entry.no, what.clone()).await.unwrap();
        for (who, token) in [("olga@x.example", &olga), ("mona@x.example", &mona)] {
            let Some(TokenSubject::Decided(decided)) = stage.subject(token, who, day(1)).await else {
                panic!("{name}: {who}")
            };
            assert_eq!((&*decided.decision, &*decided.by, decided.at), (name, "mona@x.example", day(1)));
        }
        let again = stage.app.as_operator().at(day(1)).messages().decide(entry.no, what).await;
        assert!(
            again.as_ref().is_err_and(|why| matches!(why.kind(), ErrorKind::Conflict | ErrorKind::NotFound)),
            "{name}: {again:?}"
        );
        assert_eq!(stage.audited().await[0], (event.to_owned(), "mona@x.example".to_owned()));
    }
}

/// What nobody decides about is told again, and goes in time, with a word to those who wait for it.
async fn a_hold_is_remembered_and_ends(mut stage: Stage) {
    stage.set("max_message_kib", "1").await;
    stage.stranger(1, day(0)).await;
    stage.send(LIST, "anne@x.example", &plain("anne@x.example", "Photo", &"x".repeat(2000)), day(0)).await;
    deliver(&stage.app, day(0)).await;
    assert_eq!(held(&stage.app).await.len(), 2);
    let mut reminders = 0;
    for days in 1..30 {
        upkeep(&stage.app, day(days)).await.unwrap();
        let mail = deliver(&stage.app, day(days)).await;
        for notice in mail.iter().filter(|mail| mail.to == "olga@x.example") {
            assert_eq!(tokens_in(&text(notice)).len(), 2, "on day {days}: {}", text(notice));
            reminders += 1;
        }
    }
    assert!((3..=5).contains(&reminders), "{reminders}");
    assert_eq!(upkeep(&stage.app, day(31)).await.unwrap().holds_ended, 2);
    assert_eq!(held(&stage.app).await.len(), 0);
    let mail = deliver(&stage.app, day(31)).await;
    let olga = text(mail.iter().find(|mail| mail.to == "olga@x.example").unwrap());
    assert!(olga.contains("<s1@far.example>") && olga.contains("<anne@x.example>"), "{olga}");
    assert!(olga.contains("too-large") && olga.contains("nonmember"), "{olga}");
    let anne = text(mail.iter().find(|mail| mail.to == "anne@x.example").unwrap());
    assert!(anne.contains("Nobody decided within 30 days"), "{anne}");
    assert_eq!(stage.audited().await.iter().filter(|(event, _)| event == "hold-expired").count(), 2);

    // 0: for ever.
    stage.set("max_days_to_hold", "0").await;
    stage.stranger(2, day(32)).await;
    assert_eq!(upkeep(&stage.app, day(400)).await.unwrap().holds_ended, 0);
    assert_eq!(held(&stage.app).await.len(), 1);
}

/// Strangers push out strangers, and each that goes leaves its facts; a member's message stays.
async fn a_flood_pushes_out_itself_alone(mut stage: Stage) {
    const FLOOD: usize = 60;
    for (name, value) in [("max_held_messages", "10"), ("max_message_kib", "1")] {
        stage.set(name, value).await;
    }
    stage.send(LIST, "anne@x.example", &plain("anne@x.example", "Photo", &"x".repeat(2000)), day(0)).await;
    for number in 0..FLOOD {
        stage.stranger(number, day(0)).await;
    }
    let waiting = held(&stage.app).await;
    assert_eq!(waiting.len(), 11);
    // Whoever writes in the names of others makes the list write to few of them.
    let answered = deliver(&stage.app, day(0).plus_ms(1)).await;
    assert_eq!(answered.iter().filter(|mail| mail.to.ends_with("@far.example")).count(), 5);
    assert!(waiting.iter().any(|entry| entry.sender == "anne@x.example"));
    let newest = (FLOOD - 10..FLOOD).map(|number| format!("s{number}@far.example"));
    for sender in newest {
        assert!(waiting.iter().any(|entry| entry.sender == sender), "{sender}");
    }
    // The owner was told nothing before: it is all in one notice.
    let to_olga: Vec<&Mail> = answered.iter().filter(|mail| mail.to == "olga@x.example").collect();
    assert_eq!(to_olga.len(), 1);
    let notice = text(to_olga[0]);
    assert!(notice.contains("11 messages wait for you"), "{notice}");
    assert_eq!(tokens_in(&notice).len(), 11);
    for number in 0..FLOOD {
        assert!(notice.contains(&format!("<s{number}@far.example>")), "{number} left no trace");
    }

    // In octets, too.
    stage.set("max_held_mib", "1").await;
    for number in 0..4 {
        let sender = format!("big{number}@far.example");
        stage.send(LIST, &sender, &plain(&sender, "Big", &"x\r\n".repeat(130_000)), day(0)).await;
    }
    let strangers: Vec<String> = held(&stage.app).await.into_iter().map(|entry| entry.sender).collect();
    assert_eq!(strangers, ["anne@x.example", "big2@far.example", "big3@far.example"]);
}

/// Many more than are kept one by one are counted, and what waits is told all the same.
async fn what_is_only_counted_hides_nothing_that_waits(stage: Stage) {
    let heap = Heap { list: stage.list.no, to: None, kind: "list:admin:action:post".into() };
    let gone = |number: usize| NewFact {
        subject: format!("{}", number + 1000),
        fact: format!(
            r#"{{"gone":{{"entry":{},"received_at_ms":0,"sender":"g{number}@far.example","octets":1,"reasons":[],"why":"too_many"}}}}"#,
            number + 1000
        ),
        beyond: Beyond::Counted,
    };
    let facts: Vec<NewFact> = (0..2100).map(gone).collect();
    let pace = Pace { at_once: 0, pause_ms: 4 * HOUR_MS };
    let added =
        stage.app.store().write(transaction!(|db| pending::add(db, &heap, &facts, pace, day(-2)).await));
    added.await.unwrap();
    stage.stranger(1, day(0)).await;
    let mail = deliver(&stage.app, day(0)).await;
    let notice = text(mail.iter().find(|mail| mail.to == "olga@x.example").unwrap());
    assert!(notice.contains("A message to Team waits for you"), "{notice}");
    assert_eq!(tokens_in(&notice).len(), 1);
    let more = notice.split("and ").find_map(|rest| rest.split_once(" more")?.0.parse::<usize>().ok());
    let named = (0..2100).filter(|number| notice.contains(&format!("<g{number}@far.example>"))).count();
    assert_eq!(named + more.unwrap(), 2100, "{named} are named");
}

/// An author hears that a post waits where that tells no secret, and not more often than others do.
#[tokio::test(flavor = "multi_thread")]
async fn authors_of_held_posts_hear_of_it_where_it_tells_no_secret() {
    async fn heard(stage: &Stage, sender: &str, message: &[u8], who: &str) -> bool {
        stage.send(LIST, sender, message, day(0)).await;
        assert_eq!(held(&stage.app).await.len(), 1, "it waits");
        let mail = deliver(&stage.app, day(0)).await;
        for entry in held(&stage.app).await {
            stage
                .app
                .as_operator()
                .at(day(0))
                .messages()
                .decide(entry.no, MessageDecision::Discard)
                .await
                .unwrap();
        }
        mail.iter().any(|mail| mail.to == who)
    }
    let large = |from: &str| plain(from, "Photo", &"x\r\n".repeat(1000));
    let (anne, far) = ("anne@x.example", "far@y.example");
    let (mut stage, ..) = Stage::new("legacy-default").await;
    stage.set("max_message_kib", "1").await;
    assert!(heard(&stage, anne, &large(anne), anne).await, "a member on a plain list");
    assert!(heard(&stage, far, &large(far), far).await, "a stranger whose envelope says the same");
    assert!(!heard(&stage, "evil@z.example", &plain("victim@y.example", "x", "y"), "victim@y.example").await);
    stage.set("respond_to_post_requests", "false").await;
    assert!(!heard(&stage, anne, &large(anne), anne).await, "the list does not want it");

    // On lists with OpenPGP: only what was not decrypted, and only members.
    let (mut stage, _, person) = Stage::new("pgp-default").await;
    for (name, value) in [("nonencrypted_msg_action", "hold"), ("unsigned_msg_action", "hold")] {
        stage.set(name, value).await;
    }
    let certificate = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
    let entity = b"Content-Type: text/plain\r\n\r\nx\r\n";
    assert!(
        heard(&stage, anne, &plain(anne, "x", "y"), anne).await,
        "everybody saw that it was in the clear"
    );
    assert!(!heard(&stage, far, &plain(far, "x", "y"), far).await, "a stranger");
    let unsigned = person.mail_of(&Person::unsigned_packets(&certificate, entity));
    assert!(!heard(&stage, anne, &unsigned, anne).await, "it was decrypted");
}

/// The facts of other kinds are gathered in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn of_copies_that_wait_for_keys_none_is_forgotten() {
    let (stage, ..) = Stage::new("pgp-default").await;
    for number in 0..3 {
        stage.without_key(&format!("m{number}@x.example"), Role::Member).await;
        crate::moved_clock::post(&stage.app, &stage.list, "words", day(0)).await;
        deliver(&stage.app, day(0)).await;
        deliver(&stage.app, day(0)).await;
    }
    upkeep(&stage.app, day(8)).await.unwrap();
    let mut mail = deliver(&stage.app, day(8)).await;
    mail.extend(deliver(&stage.app, day(9)).await);
    for number in 0..3 {
        let member = format!("m{number}@x.example");
        assert!(
            mail.iter().any(|mail| mail.to == member && text(mail).contains("is deleted for want")),
            "{member}"
        );
    }
    // Of six copies: there were one, two and three members.
    assert_eq!(stage.audited().await.iter().filter(|(event, _)| event == "copy-dropped").count(), 6);
}

/// Nobody can say whose words a message without exactly one author holds: it is refused or deleted, and the
/// notice offers nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_author_cannot_pass() {
    for from in ["", "From: anne@x.example, bob@x.example\r\n"] {
        let (stage, ..) = Stage::new("private-default").await;
        let message = format!("{from}To: {LIST}\r\nSubject: Words\r\n\r\nWords.\r\n");
        stage.send(LIST, "anne@x.example", message.as_bytes(), day(0)).await;
        let entry = held(&stage.app).await.remove(0);
        let mail = deliver(&stage.app, day(0)).await;
        let notice = text(mail.iter().find(|mail| mail.to == "olga@x.example").unwrap());
        assert!(notice.contains("reject ") && !notice.contains("approve "), "{notice}");
        let refused =
            stage.app.as_operator().at(day(0)).messages().decide(entry.no, MessageDecision::Accept).await;
        assert!(matches!(refused, Err(AppError::NoAuthor(_))), "{from:?}");
        assert_eq!(held(&stage.app).await.len(), 1, "it is still there");
        stage
            .app
            .as_operator()
            .at(day(0))
            .messages()
            .decide(entry.no, MessageDecision::Discard)
            .await
            .unwrap();
    }
}

/// What could be a captured message is shown to nobody unasked, accepted by nobody unseen, and opened for an
/// owner alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_captured_message_is_not_accepted_unseen() {
    let (stage, olga, anne) = Stage::new("pgp-default").await;
    let mona = stage.person("mona@x.example", Role::Moderator).await;
    let certificate = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
    let secret = b"Content-Type: text/plain\r\n\r\nI caught Eve stealing.\r\n";
    // Anne's, signed and encrypted to the list; Eve sends it in her own name.
    let captured = anne.mail(&certificate, secret, day(0));
    let captured = String::from_utf8(captured).unwrap().replace("anne@x.example", "eve@y.example");
    stage.send(LIST, "eve@y.example", captured.as_bytes(), day(0)).await;
    let entry = held(&stage.app).await.remove(0);
    assert!(entry.reasons.iter().any(|reason| reason.may_be_captured()), "{:?}", entry.reasons);
    let mail = deliver(&stage.app, day(0)).await;
    for (who, person) in [("olga@x.example", &olga), ("mona@x.example", &mona)] {
        let notice = mail.iter().find(|mail| mail.to == who).unwrap();
        let shown = read(&stage, person, notice).await;
        assert!(shown.contains("eve@y.example") && !shown.contains("stealing"), "{shown}");
        assert!(shown.contains("show ") && !shown.contains("approve "), "{shown}");
    }
    let unseen = stage
        .app
        .as_operator()
        .at(day(0))
        .messages()
        .decide(entry.no, MessageDecision::Accept)
        .await
        .unwrap_err();
    assert!(unseen.to_string().contains("sealist queue open"), "{unseen}");
    let [owner, moderator, other] =
        ["olga@x.example", "mona@x.example", "anne@x.example"].map(|who| who.parse::<Address>().unwrap());
    for who in [&moderator, &other] {
        let refused = stage.app.as_operator().at(day(0)).messages().open_for(entry.no, who).await;
        assert!(matches!(refused, Err(AppError::MayNotSee(_))), "{who}: {refused:?}");
    }
    assert!(deliver(&stage.app, day(0)).await.is_empty());
    stage.app.as_operator().at(day(0)).messages().open_for(entry.no, &owner).await.unwrap();
    let mail = deliver(&stage.app, day(0)).await;
    assert_eq!(mail.len(), 1);
    assert!(read(&stage, &olga, &mail[0]).await.contains("I caught Eve stealing."));
    assert!(!text(&mail[0]).contains("stealing"));
    assert_eq!(stage.audited().await[0], ("hold-shown".to_owned(), "(command line)".to_owned()));
    let file = stage.app.as_operator().at(day(0)).messages().open_to_file(entry.no, &owner).await.unwrap();
    let file = Mail { message: file, ..mail.into_iter().next().unwrap() };
    assert!(read(&stage, &olga, &file).await.contains("stealing"));
    let entry = held(&stage.app).await.remove(0);
    stage.app.as_operator().at(day(0)).messages().decide(entry.no, MessageDecision::Accept).await.unwrap();
}

/// By mail it is the same: `show TOKEN` of an owner, then `approve TOKEN`; whoever comes second hears who
/// decided.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_asks_for_a_message_by_mail() {
    const REQUEST: &str = "team-request@lists.example";
    let (stage, olga, anne) = Stage::new("pgp-default").await;
    let mona = stage.person("mona@x.example", Role::Moderator).await;
    let certificate = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
    let captured = anne.mail(&certificate, b"Content-Type: text/plain\r\n\r\nI caught Eve.\r\n", day(0));
    let captured = String::from_utf8(captured).unwrap().replace("anne@x.example", "eve@y.example");
    stage.send(LIST, "eve@y.example", captured.as_bytes(), day(0)).await;
    let mail = deliver(&stage.app, day(0)).await;
    let mut tokens = Vec::new();
    for (who, person) in [("olga@x.example", &olga), ("mona@x.example", &mona)] {
        let notice = mail.iter().find(|mail| mail.to == who).unwrap();
        tokens.push(tokens_in(&read(&stage, person, notice).await).remove(0));
    }
    let say = async |person: &Person, who: &str, words: String, second: i64| {
        let now = day(0).plus_ms(second * 1000);
        let entity = format!("Content-Type: text/plain\r\n\r\n{words}\r\n");
        stage.send(REQUEST, who, &person.mail(&certificate, entity.as_bytes(), now), now).await;
        let mut said = String::new();
        for notice in deliver(&stage.app, now).await.iter().filter(|mail| mail.to == who) {
            said.push_str(&read(&stage, person, notice).await);
        }
        said
    };
    for (person, who, words, expected) in [
        (&olga, "olga@x.example", format!("approve {}", tokens[0]), "no owner has seen it"),
        (&mona, "mona@x.example", format!("show {}", tokens[1]), "Only an owner may see"),
        (&olga, "olga@x.example", format!("show {}", tokens[0]), "I caught Eve."),
        (&olga, "olga@x.example", format!("reject {} Not yours.", tokens[0]), "ejected"),
        (&mona, "mona@x.example", format!("discard {}", tokens[1]), "rejected, olga@x.example"),
    ]
    .into_iter()
    .enumerate()
    .map(|(second, (person, who, words, expected))| (person, (who, second), words, expected))
    {
        let (who, second) = who;
        let said = say(person, who, words.clone(), i64::try_from(second).unwrap() + 1).await;
        assert!(said.contains(expected), "{words}: {said}");
        if expected == "I caught Eve." {
            // With it come the lines that decide.
            for decision in ["approve", "reject", "discard"] {
                assert!(said.contains(&format!("    {decision} {}", tokens[0])), "{decision}: {said}");
            }
        }
        assert_eq!(
            said.contains("I caught Eve."),
            words.starts_with("show") && who.starts_with("olga"),
            "{words}"
        );
    }
}

/// What a member signed for the list is shown to a moderator with a key, sealed, and cut where it is long.
#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_reads_what_a_member_signed() {
    let (mut stage, olga, anne) = Stage::new("pgp-default").await;
    stage.without_key("nokey@x.example", Role::Moderator).await;
    stage.set("default_member_action", "hold").await;
    let certificate = stage.app.keys_of(&stage.list).await.unwrap().posting.certificate().clone();
    for (words, is_whole) in
        [("Short words.", true), (&*format!("First.\r\n{}Last.", "x\r\n".repeat(40_000)), false)]
    {
        let entity = format!("Content-Type: text/plain\r\n\r\n{words}\r\n");
        stage.send(LIST, "anne@x.example", &anne.mail(&certificate, entity.as_bytes(), day(0)), day(0)).await;
        let mail = deliver(&stage.app, day(0)).await;
        let notice = mail.iter().find(|mail| mail.to == "olga@x.example").unwrap();
        let shown = read(&stage, &olga, notice).await;
        assert!(shown.contains(&words[..6]) && shown.contains("anne@x.example"), "{shown}");
        assert!(shown.contains("Subject: (not signed) "), "{shown}");
        assert_eq!(shown.contains("first 64 KiB"), !is_whole);
        assert!(!shown.contains("Last."));
        assert!(!text(notice).contains(&words[..6]));
        let open = text(mail.iter().find(|mail| mail.to == "nokey@x.example").unwrap());
        assert!(open.contains("has no key of yours") && !open.contains("approve "), "{open}");
        assert!(!open.contains(&words[..6]) && !open.contains("moderated"), "{open}");
    }
}

/// What a notice sealed to that person says, the list's signature checked.
async fn read(stage: &Stage, person: &Person, mail: &Mail) -> String {
    let Shape::Encrypted(armor) = classify(&mail.message) else { panic!("not sealed: {}", text(mail)) };
    let keys = stage.app.keys_of(&stage.list).await.unwrap();
    let (opened, is_good) = read_copy(person, &armor, &keys.posting.certificate()).unwrap();
    assert!(is_good, "signed by the list");
    String::from_utf8_lossy(&opened).replace("=\r\n", "").replace("=3D", "=").replace('\r', "")
}
