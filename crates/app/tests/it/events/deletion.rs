//! A person is deleted: nothing in the database names the person any more, and what still stands is a reason
//! to refuse. Who comes again starts anew.

use sealist_app::{BanChange, LastOwner, RolesToEnd, upkeep};
use sealist_store::{keys, people, requests};

use super::keys::ask_with_a_key;
use super::*;
use crate::answer_forms::Asked;
use crate::moved_clock::{receive, site_on_postgres};

const HOME: &str = "Änne@bücher.example";
const OTHER: &str = "other@lists.example";
/// An address that has that of Anne inside.
const SUSANNE: &str = "susanne@x.example";

/// Where the addresses and the keys of Anne stand.
async fn places(stage: &Stage, fingerprints: &[String]) -> Vec<String> {
    // SQLite does not know capitals beyond ASCII.
    let addresses = [ANNE, "nne@bücher.example", "nne@xn--bcher-kva.example"].map(str::to_owned);
    let mut places = Vec::new();
    let mut db = stage.app.store().reader().await.unwrap();
    for words in addresses.iter().chain(fingerprints) {
        places.extend(testing::columns_that_say(&mut db, words).await.unwrap());
    }
    places
}

async fn key_of(stage: &Stage, who: &Address) -> Option<String> {
    let mut db = stage.app.store().reader().await.unwrap();
    let no = people::find_address(&mut db, who).await.unwrap()?;
    keys::certificate_of(&mut db, no).await.unwrap().map(|row| row.fingerprint)
}

async fn request_of(stage: &Stage, list: &MailingList) -> sealist_lists::model::RequestNo {
    let mut db = stage.app.store().reader().await.unwrap();
    requests::of_address(&mut db, list.no, &address(ANNE), day(0)).await.unwrap()[0].no
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_names_a_person_who_was_deleted() {
    Box::pin(story(Stage::new().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_deleted_on_postgresql_too() {
    let app = site_on_postgres().await;
    let stage = Box::pin(Stage::on(app, TempDir::new().unwrap())).await;
    Box::pin(story(stage)).await;
}

async fn story(stage: Stage) {
    let (stage, list) = Box::pin(stage.and_list(OPENPGP)).await;
    let (statement, asked) = Box::pin(joins(&stage, &list)).await;
    let fingerprints = [key_of(&stage, &address(ANNE)).await.expect("Anne has a key")];
    Box::pin(refusals(&stage, &list)).await;
    let before = places(&stage, &fingerprints).await;
    for place in [
        "addresses.email",
        "certificates.certificate",
        "done_copies.copies",
        "events.data",
        "pending_facts.fact",
        "signed_texts.refused_by",
        "tokens.decided_by",
    ] {
        assert!(before.iter().any(|one| one == place), "{place}: {before:?}");
    }
    Box::pin(goes(&stage)).await;
    assert_eq!(places(&stage, &fingerprints).await, [""; 0]);
    Box::pin(comes_again(&stage, &list, &statement, &asked)).await;
}

/// Anne joins with a key, which she renews later, and has a second address. Returns her statement and what
/// she answered with.
async fn joins(stage: &Stage, list: &MailingList) -> (Vec<u8>, Asked) {
    let cli = || stage.app.as_operator().at(day(0));
    let anne = address(ANNE);
    cli().members(&list.name).add(member(OLGA, Role::Owner, None)).await.unwrap();
    let unknown = cli().users().delete(&anne).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "no such person");
    stage.happened().await;
    let (statement, asked) = Box::pin(ask_with_a_key(stage, list)).await;
    let approved = request_of(stage, list).await;
    Box::pin(cli().requests().approve(approved)).await.unwrap();
    let newer = asked.person.renewed(day(100), day(0)).certificate();
    Box::pin(cli().keys().import(&anne, &newer.to_bytes())).await.unwrap();
    cli().users().link(&anne, &address(HOME)).await.unwrap();
    stage.happened().await;
    (statement, asked)
}

async fn goes(stage: &Stage) {
    let cli = || stage.app.as_operator().at(day(0));
    let anne = address(ANNE);
    stage
        .row("delete", &["person-deleted command-line - -"], Again::Refused, async || {
            cli().users().delete(&anne).await.map(drop)
        })
        .await;
    let events = cli().events().newest(None, 1000).await.unwrap();
    assert!(events.iter().any(|one| one.event == "member-left" && one.email.is_empty()), "the events stay");
    let of_others = testing::columns_that_say(&mut stage.app.store().reader().await.unwrap(), SUSANNE).await;
    assert_eq!(
        of_others.unwrap(),
        ["pending_facts.fact", "pending_facts.subject"],
        "what is about others stays"
    );
    write(stage, format!("DELETE FROM pending_facts WHERE subject = '{SUSANNE}'")).await;
}

/// Anne decides about a message on the other list, and what others have not heard yet is about her and about
/// Susanne.
async fn leaves_traces(stage: &Stage, other: &MailingList) {
    let members = || stage.app.as_operator().at(day(0));
    for who in [OLGA, ANNE] {
        members().members(&other.name).add(member(who, Role::Owner, None)).await.unwrap();
    }
    Box::pin(stage.send(EVE, OTHER, "Words", day(0))).await;
    let token = Box::pin(stage.token(ANNE, "approve ", day(0))).await;
    let discard = format!("discard {token}");
    Box::pin(stage.send(ANNE, "other-request@lists.example", &discard, day(0))).await;
    assert_eq!(held(&stage.app).await.len(), 0, "Anne decided");
    let ended = members();
    Box::pin(ended.members(&other.name).remove(&address(ANNE), RolesToEnd::All, LastOwner::Stays))
        .await
        .unwrap();
    write(stage, "UPDATE signed_texts SET refused_by = 'Anne@X.example'".to_owned()).await;
    let no = other.no;
    let fact = |who: &str| format!(r#"({no}, '', 'joined', '{who}', '{{"member":{{"email":"{who}"}}}}', 0)"#);
    let facts = "INSERT INTO pending_facts (list_no, email_key, kind, subject, fact, at) VALUES";
    write(stage, format!("{facts} {}, {}", fact(ANNE), fact(SUSANNE))).await;
}

async fn write(stage: &Stage, statement: String) {
    let write = stage.app.store().write(transaction!(|db| testing::write_as_newer(db, &statement).await));
    write.await.unwrap();
}

/// Each thing that keeps Anne, one after the other, until nothing does.
async fn refusals(stage: &Stage, list: &MailingList) {
    let cli = || stage.app.as_operator().at(day(0));
    let anne = address(ANNE);
    let other = Box::pin(cli().lists().create(&OTHER.parse().unwrap(), PLAIN)).await.unwrap();
    Box::pin(leaves_traces(stage, &other)).await;
    stage.happened().await;
    let refused = async |who: &str, why: &str| {
        let error = cli().users().delete(&address(who)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains(why), "{why}: {error}");
        assert_eq!(stage.happened().await, [""; 0], "{why}");
    };
    refused(OLGA, "a role on a list").await;
    refused(HOME, "a role on a list").await;
    Box::pin(cli().members(&list.name).remove(&anne, RolesToEnd::All, LastOwner::Stays)).await.unwrap();
    Box::pin(stage.send(ANNE, "other-join@lists.example", "", day(0))).await;
    stage.happened().await;
    refused(ANNE, "a request that waits").await;
    let waits = request_of(stage, &other).await;
    Box::pin(cli().requests().reject(waits, "")).await.unwrap();
    Box::pin(deliver(&stage.app, day(0))).await;
    // One of the copies went to another spelling of the other address.
    let last = format!("(SELECT MAX(no) FROM deliveries WHERE email = '{ANNE}')");
    let other_spelling = "UPDATE deliveries SET email = 'Änne@BÜCHER.example', address_no = NULL WHERE no =";
    write(stage, format!("{other_spelling} {last}")).await;
    write(stage, "UPDATE deliveries SET reply = '550 <' || email || '>: unknown'".to_owned()).await;
    stage.happened().await;
    refused(ANNE, "a copy of a message").await;
    Box::pin(upkeep(&stage.app, day(0))).await.unwrap();
    cli().bans().change(None, &ANNE.parse().unwrap(), BanChange::Add).await.unwrap();
    stage.happened().await;
    refused(ANNE, "a ban").await;
    cli().bans().change(None, &ANNE.parse().unwrap(), BanChange::Remove).await.unwrap();
    stage.happened().await;
}

/// What Anne had before gives no authority: not her statement, not her token, not her key. She gets a key as
/// a stranger does.
async fn comes_again(stage: &Stage, list: &MailingList, statement: &[u8], asked: &Asked) {
    let anne = address(ANNE);
    let key = stage.app.keys_of(list).await.unwrap().posting.certificate();
    let entity =
        format!("Content-Type: text/plain\r\nFrom: {ANNE}\r\nTo: {TEAM}\r\nSubject: x\r\n\r\nWords.\r\n");
    let token = format!("key confirm {}", asked.token);
    let request = "team-request@lists.example";
    for (what, to, mail) in [
        ("the statement", request, statement.to_vec()),
        ("the token", request, asked.signed(&token, b"Content-Type: text/plain\r\n\r\nx\r\n")),
        ("the address of the token", &*asked.reply_to, asked.with_key("x", "")),
        ("the key", TEAM, asked.person.mail(&key, entity.as_bytes(), day(0))),
    ] {
        Box::pin(receive(&stage.app, to, &mail, day(0))).await;
        let happened = stage.happened().await;
        // Her post is that of a stranger, about which a moderator decides.
        let harmless =
            ["replayed", "command-refused", "request-unasked", "notice-untold", "hold-begun server team -"];
        let is_harmless = |one: &String| harmless.iter().any(|kind| one.starts_with(kind));
        assert!(happened.iter().all(is_harmless), "{what}: {happened:?}");
        assert_eq!(key_of(stage, &anne).await, None, "{what}");
    }
    Box::pin(deliver(&stage.app, day(0))).await;
    stage.happened().await;
    Box::pin(ask_with_a_key(stage, list)).await;
    assert_eq!(key_of(stage, &anne).await, None, "a moderator decides again");
}
