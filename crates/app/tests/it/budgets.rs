//! Forged mail and the people in whose names it comes: they are not locked out, others are not written to,
//! and the tables do not grow.

use crate::moved_clock::{
    DAY_MS, Mail, day, deliver, join, judge_due, make_list, make_plain_list, receive, receive_from, site_in,
};
use rusqlite::Connection;
use sealist_app::{App, Destination};
use sealist_lists::budgets::Budgets;
use sealist_lists::model::Role;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Entity, HOUR_MS, Timestamp, first_text};
use tempfile::TempDir;

const NORA: &str = "nora@example.org";
const ANNE: &str = "anne@example.org";
/// A member of `l0` alone.
const BEA: &str = "bea@example.org";

struct Stage {
    app: App,
    folder: TempDir,
}

impl Stage {
    /// Lists `l0` to `l9`, plain; `team`, with OpenPGP. Anne is a member of `l0`, of `l1` and of `team`.
    async fn new(per_hour: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let budgets = Budgets { max_stranger_notices_per_hour: per_hour };
        let app = site_in(folder.path()).await.with_budgets(budgets);
        for number in 0..10 {
            let list = make_plain_list(&app, &format!("l{number}@lists.example")).await;
            if number < 2 {
                join(&app, &list, ANNE, Role::Member, None).await;
            }
            if number == 0 {
                join(&app, &list, BEA, Role::Member, None).await;
            }
        }
        join(&app, &make_list(&app, "team@lists.example").await, ANNE, Role::Member, None).await;
        Self { app, folder }
    }

    /// Somebody writes in the name of `from`; who is told what because of it.
    async fn mail(&self, from: &str, to: &str, subject: &str, now: Timestamp) -> Vec<(String, String)> {
        let words = format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n\r\n");
        receive_from(&self.app, from, to, words.as_bytes(), now).await;
        self.heard(now).await
    }

    /// Who is told what.
    async fn heard(&self, now: Timestamp) -> Vec<(String, String)> {
        self.no_request_without_notice();
        deliver(&self.app, now).await.iter().map(heard).collect()
    }

    /// Others ask in so many names, each from a domain of its own: what strangers have in this hour is used
    /// up.
    async fn use_hour_up(&self, names: usize, now: Timestamp) -> usize {
        let mut sent = 0;
        for number in 0..names {
            let from = format!("v{number}@d{number}.example");
            sent += self.mail(&from, "l5-join@lists.example", "x", now).await.len();
        }
        sent
    }

    async fn has_room(&self, to: &str, sender: &str) -> bool {
        let arrival = Destination::at(&self.app, &to.parse().unwrap()).await.unwrap().unwrap();
        arrival.has_room(&self.app, Some(sender), day(0)).await.unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        let db = Connection::open(self.folder.path().join("test.db")).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// What nobody was asked about does not wait.
    fn no_request_without_notice(&self) {
        let unasked = "SELECT COUNT(*) FROM requests WHERE no NOT IN
                       (SELECT request_no FROM tokens WHERE request_no IS NOT NULL)";
        assert_eq!(self.count(unasked), 0);
    }
}

fn heard(mail: &Mail) -> (String, String) {
    let text = match classify(&mail.message) {
        Shape::Signed { signed, .. } => first_text(&Entity::parse(signed)),
        _ => first_text(&Entity::parse(&mail.message)),
    };
    (mail.to.clone(), text.to_string())
}

/// `l3-confirm+token@lists.example`: where the answer to a question goes.
fn reply_to(stage: &Stage) -> impl Fn(&Mail) -> String + use<> {
    let _ = stage;
    |mail: &Mail| {
        let message = String::from_utf8_lossy(&mail.message).into_owned();
        let at = message.find("\r\nReply-To: ").unwrap() + 12;
        let line = message[at..].split("\r\n").next().unwrap();
        line.trim_matches(['<', '>', ' ']).to_owned()
    }
}

fn token_of(question: &Mail) -> String {
    let words = heard(question).1;
    words.split("confirm ").nth(1).unwrap().chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn asks(heard: &[(String, String)], whom: &str) -> bool {
    heard.iter().any(|(to, text)| to == whom && text.contains("confirm"))
}

/// Whatever others have a site answer in her name, and however often: her own join is asked about.
#[tokio::test(flavor = "multi_thread")]
async fn forged_commands_keep_nobody_from_joining() {
    let answered =
        ["help", "nonsense", "echo words", "who", "leave", "set copies off", "approve abc", "show abc"];
    for sub_address in ["request", "confirm+abc", "leave"] {
        let stage = Stage::new(1000).await;
        for number in 0..20 {
            let to = format!("l{}-{sub_address}@lists.example", number % 10);
            stage.mail(NORA, &to, answered[number % answered.len()], day(0)).await;
        }
        let heard = stage.mail(NORA, "l9-join@lists.example", "x", day(0)).await;
        assert!(asks(&heard, NORA), "{sub_address}: {heard:?}");
    }
}

/// Others ask for her all day to join elsewhere; when she answers one of these questions, the list that she
/// wants asks her.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lifts_the_limits_of_strangers() {
    let stage = Stage::new(1000).await;
    let mut questions = Vec::new();
    for number in 0..9 {
        let to = format!("l{number}-join@lists.example");
        let mail = format!("From: {NORA}\r\nTo: {to}\r\nSubject: x\r\n\r\n\r\n");
        receive(&stage.app, &to, mail.as_bytes(), day(0)).await;
        questions.extend(deliver(&stage.app, day(0)).await);
    }
    assert_eq!(questions.len(), 5, "no more than that comes to somebody who may not have asked");
    assert!(!asks(&stage.mail(NORA, "l9-join@lists.example", "x", day(0)).await, NORA));
    stage.no_request_without_notice();
    // Eve answers without a token of Nora's, Nora with one.
    let wrong = "l3-confirm+abcdefghijklmnop@lists.example";
    stage.mail(NORA, wrong, "Re: x", day(0)).await;
    assert!(!asks(&stage.mail(NORA, "l9-join@lists.example", "x", day(0)).await, NORA));
    stage.mail(NORA, &reply_to(&stage)(&questions[2]), "Re: x", day(0)).await;
    assert!(asks(&stage.mail(NORA, "l9-join@lists.example", "x", day(0)).await, NORA));
}

/// A member whose name others use all day is still asked and answered when she shows a token.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_uses_nothing_of_the_proven() {
    let stage = Stage::new(1000).await;
    let mut mail = Vec::new();
    for number in 0..24_u8 {
        let subject = format!("set name Anne {0}{0}", char::from(b'a' + number));
        let words = format!("From: {BEA}\r\nTo: l0-request@lists.example\r\nSubject: {subject}\r\n\r\n\r\n");
        receive(&stage.app, "l0-request@lists.example", words.as_bytes(), day(0)).await;
        stage.no_request_without_notice();
        mail.extend(deliver(&stage.app, day(0)).await);
        stage.mail(BEA, "l0-request@lists.example", "help", day(0)).await;
    }
    let questions: Vec<&Mail> = mail.iter().filter(|one| heard(one).1.contains("confirm")).collect();
    let told: Vec<_> = mail.iter().map(heard).collect();
    assert_eq!(questions.len(), 1, "{told:?}: one a day to somebody who proved nothing");
    // With a token her commands are her own: she is asked about others, and told about help.
    let to = reply_to(&stage)(questions[0]);
    let words = format!("From: {BEA}\r\nTo: {to}\r\nSubject: Re: x\r\n\r\nset language de\r\nhelp\r\n");
    receive(&stage.app, &to, words.as_bytes(), day(0)).await;
    let heard: Vec<_> = deliver(&stage.app, day(0)).await.iter().map(heard).collect();
    assert!(asks(&heard, BEA), "{heard:?}");
    assert!(heard.len() >= 2, "{heard:?}");
}

/// Ten thousand addresses that know nothing of it are not written to, whatever the mail asks for; what is not
/// sent is counted; nobody who proves something, or whom a list knows, is concerned; and the next hour begins
/// anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_no_reflector() {
    let stage = Stage::new(10).await;
    let asked = [
        ("l5-join@lists.example", "x"),
        ("l6-request@lists.example", "help"),
        ("team-sendkey@lists.example", "x"),
        ("l7-request@lists.example", "nonsense"),
        ("l8-leave@lists.example", "x"),
        ("l9@lists.example", "A post"),
    ];
    let mut sent = 0;
    for number in 0..120 {
        let (to, subject) = asked[number % asked.len()];
        let heard = stage.mail(&format!("v{number}@d{number}.example"), to, subject, day(0)).await;
        sent += heard.len();
    }
    assert_eq!(sent, 10);
    let waiting = "SELECT COUNT(*) FROM queue WHERE queue = 'in'";
    let before = stage.count(waiting);
    assert!(before >= 90, "the other commands wait: {before}");
    let heard = stage.mail(ANNE, "l0-request@lists.example", "set copies off", day(0)).await;
    assert!(asks(&heard, ANNE), "a list knows her");
    let later = day(0).plus_ms(HOUR_MS);
    stage.mail("late@d130.example", "l5-join@lists.example", "x", later).await;
    assert_eq!(stage.count(waiting), before + 1 - 10, "ten more went out");
}

/// Whatever a newcomer asks in an hour that others have used up: nothing of it is lost, and it is answered
/// when the next hour begins. Members, whoever proves something, and posts are concerned in nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_newcomers_ask_waits_for_the_next_hour() {
    let asked = [
        ("l6-join@lists.example", "x"),
        ("l6-request@lists.example", "help"),
        ("l6-request@lists.example", "nonsense"),
        ("l6-leave@lists.example", "x"),
        ("l6-confirm+abcdefgh@lists.example", "x"),
        ("team-join@lists.example", "x"),
        ("team-request@lists.example", "key receive"),
        ("team-sendkey@lists.example", "x"),
    ];
    for (to, subject) in asked {
        let stage = Stage::new(10).await;
        let question = stage.use_hour_up(9, day(0)).await;
        assert_eq!(question, 9);
        let words = b"From: nora@example.org\r\nSubject: x\r\n\r\n\r\n";
        receive_from(&stage.app, NORA, "l8-join@lists.example", words, day(0)).await;
        let question = deliver(&stage.app, day(0)).await;
        assert_eq!(stage.use_hour_up(15, day(0)).await, 0, "each was asked, or waits");
        assert_eq!(stage.mail("rolf@new.example", to, subject, day(0)).await, [], "{to} {subject}");
        // A member, somebody with a token, and a post.
        assert!(asks(&stage.mail(ANNE, "l0-request@lists.example", "set copies off", day(0)).await, ANNE));
        let welcome = stage.mail(NORA, &reply_to(&stage)(&question[0]), "Re: x", day(0)).await;
        assert!(welcome.iter().any(|(to, _)| to == NORA), "{welcome:?}");
        let copies = stage.mail(ANNE, "l0@lists.example", "A post", day(0)).await;
        assert!(copies.iter().any(|(to, _)| to == BEA), "{copies:?}");
        let later = day(0).plus_ms(HOUR_MS);
        judge_due(&stage.app, later).await;
        let heard = stage.heard(later).await;
        assert!(heard.iter().any(|(to, _)| to == "rolf@new.example"), "{to} {subject}: {heard:?}");
        assert_eq!(stage.count("SELECT COUNT(*) FROM queue WHERE queue <> 'hold'"), 0);
    }
}

/// However much more was forged than an hour lets out: each hour lets out as much, those who came alone from
/// their domain are among the first, and in the end all have their answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_out_hour_by_hour() {
    let stage = Stage::new(50).await;
    for number in 0..60 {
        let from = format!("v{number}@flood{}.example", number % 3);
        stage.mail(&from, "l5-join@lists.example", "x", day(0)).await;
    }
    assert_eq!(stage.use_hour_up(35, day(0)).await, 35, "a flood of three domains takes three tenths");
    assert_eq!(stage.mail("rolf@new.example", "l5-join@lists.example", "x", day(0)).await, []);
    let mut heard = Vec::new();
    for hour in 1..=3 {
        let now = day(0).plus_ms(hour * HOUR_MS);
        judge_due(&stage.app, now).await;
        heard.extend(stage.heard(now).await.into_iter().map(|(to, _)| to));
        assert!(hour > 1 || heard.contains(&"rolf@new.example".to_owned()), "{heard:?}");
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), 60 - 15 + 1);
    assert_eq!(stage.count("SELECT COUNT(*) FROM queue WHERE queue = 'in'"), 0);
}

/// On a site that writes to few strangers, what no hour can answer is seen by those in charge in the end.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_answered_is_held() {
    let stage = Stage::new(1).await;
    let many = "From: nora@example.org\r\nSubject: x\r\n\r\nhelp\r\njoin\r\n";
    receive_from(&stage.app, NORA, "l5-request@lists.example", many.as_bytes(), day(0)).await;
    for hour in 1..=5 * 24 {
        judge_due(&stage.app, day(0).plus_ms(hour * HOUR_MS)).await;
        assert_eq!(stage.count("SELECT COUNT(*) FROM queue WHERE queue = 'in'"), 1, "{hour}");
    }
    judge_due(&stage.app, day(6)).await;
    assert_eq!(stage.count("SELECT COUNT(*) FROM queue WHERE queue = 'hold'"), 1);
}

/// So much waits, of one source and of all, and more is put off before it is taken in. Who is a member shows
/// nowhere: only where the mail comes from counts, and a token that somebody was given.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_wait_is_limited_and_tells_nothing_of_members() {
    let stage = Stage::new(10).await;
    receive_from(&stage.app, NORA, "l8-join@lists.example", b"From: nora@example.org\r\n\r\n", day(0)).await;
    let confirm = reply_to(&stage)(&deliver(&stage.app, day(0)).await[0]);
    let sub_addresses = ["l0-join", "l1-request", "team-sendkey", "team-leave", "l3-confirm+abcdefgh"];
    let senders = [ANNE, BEA, NORA, "nobody@example.org"];
    let has_room = async |sender: &str| {
        let mut room = Vec::new();
        for sub_address in sub_addresses {
            room.push(stage.has_room(&format!("{sub_address}@lists.example"), sender).await);
        }
        room
    };
    for number in 0..14 {
        let room = [true; 5];
        for sender in senders {
            assert_eq!(has_room(sender).await, room, "{sender} {number}");
        }
        stage.mail(&format!("v{number}@example.org"), "l5-join@lists.example", "x", day(0)).await;
    }
    for sender in senders {
        assert_eq!(has_room(sender).await, [false; 5], "{sender}");
        for sub_address in ["l0", "l0-owner", "l0-bounces"] {
            assert!(
                stage.has_room(&format!("{sub_address}@lists.example"), sender).await,
                "{sub_address} {sender}"
            );
        }
        assert!(stage.has_room(&confirm, sender).await, "a token that was given to somebody");
    }
    assert_eq!(has_room("rolf@new.example").await, [true; 5]);
    stage.use_hour_up(100, day(0)).await;
    assert_eq!(has_room("rolf@new.example").await, [false; 5], "all sources together");
}

/// However much is forged: the tables stay within bounds, and what changed stands there.
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_bounded_and_changes_are_there() {
    let stage = Stage::new(40).await;
    let subjects = ["help", "x", "set copies off", "leave", "key change", "confirm abcdefgh", "who"];
    let mut changes = 0;
    for number in 0..350 {
        let to = ["l3-request", "l3-join", "l3-leave", "team-request", "l4-confirm+abc"][number % 5];
        let from = format!("v{number}@example.com");
        let hour = day(0).plus_ms(i64::try_from(number).unwrap() * DAY_MS / 700);
        let words = format!("From: {from}\r\nSubject: {}\r\n\r\n\r\n", subjects[number % subjects.len()]);
        receive_from(&stage.app, &from, &format!("{to}@lists.example"), words.as_bytes(), hour).await;
        if number % 50 == 0 {
            let joiner = format!("j{number}@example.org");
            let words = format!("From: {joiner}\r\nSubject: x\r\n\r\n\r\n");
            receive_from(&stage.app, &joiner, "l2-join@lists.example", words.as_bytes(), hour).await;
            for question in deliver(&stage.app, hour).await.iter().filter(|one| one.to == joiner) {
                stage.mail(&joiner, &reply_to(&stage)(question), "Re: x", hour).await;
                changes += 1;
            }
        }
    }
    assert!(changes > 3);
    assert_eq!(stage.count("SELECT COUNT(*) FROM events WHERE kind = 'request-done'"), changes);
    assert_eq!(stage.count("SELECT COUNT(*) FROM members WHERE list_no = 3"), changes);
    let lists_and_events = 5 * 4;
    assert!(stage.count("SELECT COUNT(*) FROM events") <= changes * 3 + lists_and_events * 21);
    assert!(stage.count("SELECT COUNT(*) FROM requests") <= 40 * 13);
    assert!(stage.count("SELECT COUNT(*) FROM notices WHERE pool <> ''") <= 40 * 13);
}

/// Forged mail that asks for one thing in a member's name keeps nothing else from being asked about, and the
/// one question of the day says that it is the last.
#[tokio::test(flavor = "multi_thread")]
async fn one_command_keeps_no_other_from_being_asked_about() {
    let stage = Stage::new(1000).await;
    let request = "l0-request@lists.example";
    for _ in 0..5 {
        for subject in ["set copies on", "help", "who"] {
            stage.mail(BEA, request, subject, day(0)).await;
        }
    }
    for subject in ["set delivery off", "set own-posts off", "set language de", "set name Anne Mill", "leave"]
    {
        let heard = stage.mail(BEA, request, subject, day(0)).await;
        assert!(asks(&heard, BEA), "{subject}: {heard:?}");
        let words = heard[0].1.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("no second question"), "{subject}: {words}");
    }
    assert_eq!(stage.mail(BEA, request, "show settings", day(0)).await.len(), 1);
}

/// Whose request gave way to many others may ask again the same day.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_displaced_may_ask_again() {
    let stage = Stage::new(1000).await;
    let join = "l5-join@lists.example";
    receive_from(&stage.app, NORA, join, b"From: nora@example.org\r\nSubject: x\r\n\r\n", day(0)).await;
    let question = deliver(&stage.app, day(0)).await.remove(0);
    assert!(asks(&[heard(&question)], NORA));
    assert!(!asks(&stage.mail(NORA, join, "x", day(0)).await, NORA), "one question a day");
    for number in 0..500 {
        let from = format!("v{number}@d{}.example", number % 10);
        let words = format!("From: {from}\r\nSubject: x\r\n\r\n\r\n");
        receive_from(&stage.app, &from, join, words.as_bytes(), day(0)).await;
    }
    assert_eq!(stage.count("SELECT COUNT(*) FROM requests WHERE email_key LIKE 'nora%'"), 0);
    // Others write in her name what may be answered once a day. Her own answer comes too late, and she hears
    // why.
    let (to, token) = (reply_to(&stage)(&question), token_of(&question));
    for (to, subject, words) in [
        (to.as_str(), "Re: x".to_owned(), "yes"),
        ("l5-request@lists.example", format!("confirm {token}"), ""),
        ("l5-request@lists.example", "Re: your question".to_owned(), &format!("confirm {token}\r\n")),
    ] {
        for _ in 0..3 {
            stage.mail(NORA, "l5-request@lists.example", "confirm abcdefgh", day(0)).await;
        }
        let answer = format!("From: {NORA}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{words}\r\n");
        receive_from(&stage.app, NORA, to, answer.as_bytes(), day(0)).await;
        let told = stage.heard(day(0)).await;
        let says = |(who, text): &(String, String)| {
            who == NORA && flat(text).contains("the oldest requests gave way")
        };
        assert!(told.iter().any(says), "{subject}: {told:?}");
    }
    assert_eq!(stage.count("SELECT COUNT(*) FROM members WHERE list_no = 6 AND role = 'member'"), 0);
    assert!(asks(&stage.mail(NORA, join, "x", day(0)).await, NORA));
}
