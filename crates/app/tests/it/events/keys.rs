//! Keys of people and of lists: what admins, mail and the server change about them.

use sealist_app::upkeep;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Entity, first_text};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Ends, Kind, Person, Revoked};
use sealist_store::keys::CertificateRow;
use sealist_store::{people, requests};

use super::*;
use crate::answer_forms::{Asked, text, with_key};
use crate::key_server::Says;
use crate::moved_clock::{check, join, key_row, make_list, post, receive, set, taken_from};
use crate::readers::read_copy;

const REQUEST: &str = "team-request@lists.example";

pub(super) async fn table() -> Vec<Stage> {
    vec![
        Box::pin(by_admins()).await,
        Box::pin(of_lists()).await,
        Box::pin(by_the_daily_check()).await,
        Box::pin(by_revocations()).await,
        Box::pin(by_a_subscription()).await,
        Box::pin(signed_commands()).await,
    ]
}

async fn by_admins() -> Stage {
    let (stage, list) = Stage::with_list(OPENPGP).await;
    let cli = || stage.app.as_operator().at(day(0));
    let of_anne = |kind: &str, at: &str| format!("{kind} command-line {at} {ANNE}");
    let anne = Person::new(ANNE, Kind::Curve25519, day(-5));
    let joined = ["address-verified", "key-changed", "member-joined"].map(|kind| of_anne(kind, "team"));
    let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
    stage
        .row("add with a key", &joined, Again::Refused, async || {
            let key = Some(anne.certificate().to_bytes());
            cli().members(&list.name).add(member(ANNE, Role::Member, key)).await
        })
        .await;
    let other = Person::new(ANNE, Kind::Curve25519, day(-4)).certificate();
    stage
        .row("another key", &[&of_anne("key-changed", "-")], Again::Nothing, async || {
            cli().keys().import(&address(ANNE), &other.to_bytes()).await.map(drop)
        })
        .await;
    stage
        .row("approve what is approved", &[], Again::Nothing, async || {
            cli().keys().approve(&address(ANNE), &other.fingerprint()).await.map(drop)
        })
        .await;
    let no = list.no;
    let waits =
        stage
            .app
            .store()
            .write(transaction!(|db| people::mark_key_pending_approval(db, no, &address(ANNE)).await));
    waits.await.unwrap();
    stage
        .row("approve", &[&of_anne("key-approved", "-")], Again::Nothing, async || {
            cli().keys().approve(&address(ANNE), &other.fingerprint()).await.map(drop)
        })
        .await;
    stage
}

async fn of_lists() -> Stage {
    let stage = Stage::new().await;
    let cli = || stage.app.as_operator().at(day(0));
    let name: ListName = TEAM.parse().unwrap();
    let made = "list-key-made command-line team -";
    stage
        .row("create", &["list-created command-line team -", made, made], Again::Refused, async || {
            cli().lists().create(&name, OPENPGP).await.map(drop)
        })
        .await;
    stage
        .row("rotate", &[made], Again::Another, async || cli().lists().rotate_key(&name).await.map(drop))
        .await;
    stage
        .row("a node has it", &["list-key-used server team -"], Again::Nothing, async || {
            stage.app.heartbeat(day(0)).await.map(drop)
        })
        .await;
    stage
        .row("the overlap is over", &["list-key-retired server team -"], Again::Nothing, async || {
            upkeep(&stage.app, day(91)).await.map(drop)
        })
        .await;
    stage
        .row("strip nothing", &[], Again::Nothing, async || cli().lists().strip_certifications(&name).await)
        .await;
    stage
}

async fn by_the_daily_check() -> Stage {
    let (stage, list) = Stage::with_list(OPENPGP).await;
    let app = &stage.app;
    let ends = Ends { primary: Some(8), ..Ends::default() };
    let (anne, olga) = (Person::ending(ANNE, ends, day(-6)), Person::new(OLGA, Kind::Curve25519, day(-6)));
    join(app, &list, ANNE, Role::Member, Some(key_row(app, &anne, ANNE, day(-5)))).await;
    // Somebody whose key was taken for unusable.
    let unusable = Some("an old rule".to_owned());
    let row = CertificateRow { card: None, unusable, ..key_row(app, &olga, OLGA, day(-5)) };
    join(app, &list, OLGA, Role::Member, Some(row)).await;
    let usable = format!("key-usable server - {OLGA}");
    stage
        .row("usable", &[&usable], Again::Nothing, async || {
            check(app, day(0)).await;
            Ok(())
        })
        .await;
    deliver(app, day(0)).await;
    let gone = format!("key-unusable server - {ANNE}");
    stage
        .row("ended", &[&gone], Again::Nothing, async || {
            check(app, day(3)).await;
            Ok(())
        })
        .await;
    post(app, &list, "Words.", day(3)).await;
    deliver(app, day(3)).await;
    let dropped = format!("copy-dropped server team {ANNE}");
    stage
        .row("waited too long", &[&dropped], Again::Nothing, async || upkeep(app, day(20)).await.map(drop))
        .await;
    let refresh = async |answer: Vec<u8>| {
        app.as_operator()
            .at(day(20))
            .keys()
            .refresh(&Says(vec![Ok(Some(answer))]), &address(ANNE))
            .await
            .map(drop)
    };
    let changed = format!("key-changed command-line - {ANNE}");
    let renewed = anne.renewed(day(100), day(19)).certificate();
    stage.row("refresh", &[&changed], Again::Nothing, async || refresh(renewed.to_bytes()).await).await;
    let answers = Says::knows(&anne.renewed(day(200), day(20)).certificate());
    let changed = format!("key-changed server - {ANNE}");
    stage
        .row("refresh by the server", &[&changed], Again::Nothing, async || {
            for _ in [ANNE, OLGA] {
                let server = app.act_as(Actor::Server(ServerCause::Keys)).at(day(20));
                server.keys().refresh_next(&answers, day(21)).await?;
            }
            Ok(())
        })
        .await;
    let old = Person::new(ANNE, Kind::Curve25519, day(-9));
    taken_from(app, &list, ANNE, &old, &anne).await;
    let lost = old.certificate().merge(&old.revocation(Revoked::Compromised, day(0))).unwrap().to_bytes();
    let suspended = format!("key-suspended command-line - {ANNE}");
    stage.row("in doubt", &[&suspended], Again::Nothing, async || refresh(lost.clone()).await).await;
    stage
}

async fn by_revocations() -> Stage {
    let (stage, list) = Stage::with_list(OPENPGP).await;
    for (who, what, kind) in
        [(ANNE, Revoked::Retired, "key-revoked"), (OLGA, Revoked::Compromised, "key-compromised")]
    {
        let person = Person::new(who, Kind::Curve25519, day(-6));
        let row = key_row(&stage.app, &person, who, day(-5));
        join(&stage.app, &list, who, Role::Member, Some(row)).await;
        let revocation = person.revocation(what, day(0));
        let mail = [
            format!("From: {who}\r\nTo: {REQUEST}\r\nSubject: key revoke\r\nMIME-Version: 1.0\r\n")
                .as_bytes(),
            &with_key("", &revocation),
        ]
        .concat();
        receive(&stage.app, REQUEST, &mail, day(0)).await;
        let happened = stage.happened().await;
        assert_eq!(happened.first(), Some(&format!("{kind} mail team {who}")), "{happened:?}");
        receive(&stage.app, REQUEST, &mail, day(0)).await;
        let happened = stage.happened().await;
        assert!(!happened.iter().any(|one| one.starts_with("key-")), "again: {happened:?}");
    }
    stage
}

/// Anne asks for a subscription with a new key, which her statement proves, so that her request waits for a
/// moderator. Returns her last mail, and what she answered with.
pub(super) async fn ask_with_a_key(stage: &Stage, list: &MailingList) -> (Vec<u8>, Asked) {
    let app = &stage.app;
    let key = app.keys_of(list).await.unwrap().posting.certificate();
    let asked = format!("request-asked mail team {ANNE}");
    stage.send(ANNE, REQUEST, "join", day(0)).await;
    assert_eq!(stage.happened().await, [asked.as_str()]);
    let came = deliver(app, day(0)).await;
    let notice = String::from_utf8_lossy(&came[0].message).replace("=\r\n", "");
    let behind = |mark: &str| notice.split_once(mark).unwrap().1[..32].to_owned();
    let anne = Asked {
        person: Person::new(ANNE, Kind::Curve25519, day(-1)),
        list: key.clone(),
        token: behind("key set "),
        reply_to: format!("team-confirm+{}@lists.example", behind("team-confirm+")),
        statement: String::new(),
        address: ANNE.to_owned(),
    };
    receive(app, REQUEST, &anne.with_key(&format!("key set {}", anne.token), ""), day(0)).await;
    assert_eq!(stage.happened().await, [asked.as_str()], "a statement is to be signed");
    let came = deliver(app, day(0)).await;
    let armor = came.iter().find_map(|one| match classify(&one.message) {
        Shape::Encrypted(armor) => Some(armor),
        _ => None,
    });
    let words = read_copy(&anne.person, &armor.unwrap(), &key).unwrap().0;
    let words = first_text(&Entity::parse(&words)).replace('\r', "");
    let statement = words.lines().skip_while(|line| !line.starts_with("List: "));
    let statement: Vec<&str> = statement.take_while(|line| !line.starts_with("---")).collect();
    let statement = statement.join("\n").trim_end().to_owned();
    let signed = anne.signed("x", &text(&statement));
    receive(app, REQUEST, &signed, day(0)).await;
    assert_eq!(stage.happened().await, [format!("request-waits mail team {ANNE}")]);
    (signed, anne)
}

/// Somebody joins one list with a key; another list on which the address has a role must approve keys itself.
async fn by_a_subscription() -> Stage {
    let (stage, list) = Stage::with_list(OPENPGP).await;
    let app = &stage.app;
    let closed = make_list(app, "closed@lists.example").await;
    let closed = set(app, &closed, "own_key_approval", "true").await;
    join(app, &closed, ANNE, Role::Member, None).await;
    stage.happened().await;
    let (signed, _) = Box::pin(ask_with_a_key(&stage, &list)).await;
    receive(app, REQUEST, &signed, day(0)).await;
    assert_eq!(stage.happened().await, [format!("replayed mail team {ANNE}")]);
    let request = {
        let mut db = app.store().reader().await.unwrap();
        requests::of_address(&mut db, list.no, &address(ANNE), day(0)).await.unwrap()[0].no
    };
    let here = ["request-approved", "request-done", "address-verified", "key-changed"];
    let here = here.map(|kind| format!("{kind} command-line team {ANNE}"));
    let there = ["key-set-elsewhere", "key-waits", "request-waits"];
    let there = there.map(|kind| format!("{kind} command-line closed {ANNE}"));
    let joined = [format!("member-joined command-line team {ANNE}")];
    let expected: Vec<&str> = here.iter().chain(&there).chain(&joined).map(String::as_str).collect();
    stage
        .row("approve", &expected, Again::Refused, async || {
            app.as_operator().at(day(0)).requests().approve(request).await
        })
        .await;
    stage
}

/// Commands and posts that Anne signs.
async fn signed_commands() -> Stage {
    let (stage, list) = Stage::with_list(OPENPGP).await;
    let app = &stage.app;
    let anne = Person::new(ANNE, Kind::Curve25519, day(-6));
    let row = key_row(app, &anne, ANNE, day(-5));
    join(app, &list, ANNE, Role::Owner, Some(row.clone())).await;
    join(app, &list, ANNE, Role::Member, Some(row)).await;
    let key: Certificate = app.keys_of(&list).await.unwrap().posting.certificate();
    let of_anne = |kind: &str| format!("{kind} mail team {ANNE}");
    let send = async |to: &str, entity: &[u8]| {
        receive(app, to, &anne.mail(&key, entity, day(0)), day(0)).await;
        Ok(())
    };
    let said = |to: &str, words: &str| {
        format!(
            "Content-Type: text/plain; protected-headers=\"v1\"\r\nFrom: {ANNE}\r\nTo: {to}\r\n\r\n{words}\r\n"
        )
    };
    let sign = with_key("key sign", &anne.certified(&key, day(0)));
    stage
        .row("sign", &[&of_anne("list-key-signed")], Again::Another, async || send(REQUEST, &sign).await)
        .await;
    stage
        .row("strip", &["list-key-stripped command-line team -"], Again::Nothing, async || {
            app.as_operator().at(day(0)).lists().strip_certifications(&list.name).await
        })
        .await;
    let elsewhere = said("friend@example.net", "set own-posts off");
    let head = format!("From: {ANNE}\r\nTo: {REQUEST}\r\nSubject: ...\r\nMIME-Version: 1.0\r\n");
    let signature = anne.signature(elsewhere.as_bytes(), day(0));
    let elsewhere = [head.as_bytes(), &Person::signed(elsewhere.as_bytes(), &signature)].concat();
    stage
        .row("for others", &[&of_anne("not-meant-for-here")], Again::Another, async || {
            receive(app, REQUEST, &elsewhere, day(0)).await;
            Ok(())
        })
        .await;
    for line in ["own-posts off", "own-posts on", "copies off", "copies on", "delivery off", "delivery on"]
        .into_iter()
        .chain(["language de", "language fr", "name Anne B", "name Anne C"])
    {
        let line = said(REQUEST, &format!("set {line}"));
        stage
            .row("set", &[&of_anne("request-asked")], Again::Another, async || {
                send(REQUEST, line.as_bytes()).await
            })
            .await;
    }
    let words = anne.mail(&key, said(TEAM, "Words.").as_bytes(), day(0));
    receive(app, TEAM, &words, day(0)).await;
    stage
        .row("once more", &[&format!("posted-already server team {ANNE}")], Again::Another, async || {
            receive(app, TEAM, &words, day(0)).await;
            Ok(())
        })
        .await;
    stage
}
