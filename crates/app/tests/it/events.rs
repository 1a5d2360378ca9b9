//! Every change leaves exactly one event with its actor: by the command line, by mail and by the server.

mod forged;

use sealist_app::{
    App, BanChange, CopyChange, CopySelection, ErrorKind, HeldSelection, LastOwner, MemberChange,
    MessageDecision, NewMember, RolesToEnd, StartAt, upkeep,
};
use sealist_lists::model::{DeliveryNo, EntryNo, ListName, MailingList, Role, SendingNo};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind as KeyKind, Person};
use sealist_store::copies;
use sealist_store::lists;
use tempfile::TempDir;

use crate::moved_clock::{PLAIN, confirm, day, held, post_plain, receive_from, set_setting, site_in};

const TEAM: &str = "team@lists.example";
const OLGA: &str = "olga@x.example";
const ANNE: &str = "anne@x.example";
const EVE: &str = "eve@far.example";

/// A site whose events are looked at after each change.
struct Stage {
    app: App,
    folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        app.as_operator().events().add_consumer("test", StartAt::Oldest).await.unwrap();
        let stage = Self { app, folder };
        assert_eq!(stage.happened().await, ["consumer-added by command-line"]);
        stage
    }

    /// Who did what to whom since the last look, in the order of the events.
    async fn happened(&self) -> Vec<String> {
        let events = self.app.as_operator().events();
        let found = events.next("test", 100).await.unwrap();
        if let Some(last) = found.last() {
            events.acknowledge("test", last.position.unwrap()).await.unwrap();
        }
        found
            .iter()
            .map(|one| format!("{} by {} {}", one.event, one.by, one.email).trim_end().to_owned())
            .collect()
    }

    async fn list(&self) -> MailingList {
        let name: ListName = TEAM.parse().unwrap();
        lists::by_name(&mut self.app.store().reader().await.unwrap(), &name).await.unwrap().unwrap()
    }

    async fn held(&self) -> EntryNo {
        held(&self.app).await[0].no
    }

    async fn send(&self, from: &str, to: &str, subject: &str, now: Timestamp) {
        let message = format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{subject}\r\n");
        receive_from(&self.app, from, to, message.as_bytes(), now).await;
    }
}

fn address(text: &str) -> sealist_mail::Address {
    text.parse().unwrap()
}

fn member(who: &str, role: Role, key: Option<Vec<u8>>) -> NewMember {
    NewMember { address: address(who), name: String::new(), role, key }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_on_the_command_line_is_one_event() {
    let stage = Stage::new().await;
    let app = &stage.app;
    let check = async |what: &str, expected: &[&str]| {
        assert_eq!(stage.happened().await, expected, "{what}");
    };
    let cli = "command-line";
    app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    check("create", &["list-created by command-line"]).await;
    let list = stage.list().await;
    app.as_operator().at(day(0)).members(&list.name).add(member(OLGA, Role::Owner, None)).await.unwrap();
    check(
        "owner",
        &["address-verified by command-line olga@x.example", "member-joined by command-line olga@x.example"],
    )
    .await;
    app.as_operator().at(day(0)).members(&list.name).add(member(OLGA, Role::Member, None)).await.unwrap();
    check("member", &["member-joined by command-line olga@x.example"]).await;
    for _ in 0..2 {
        let change = MemberChange::parse("receive_own_postings", Some("false")).unwrap();
        app.as_operator().at(day(0)).members(&list.name).change(&address(OLGA), None, change).await.unwrap();
    }
    check("preference", &["preference-changed by command-line olga@x.example"]).await;
    for _ in 0..2 {
        let change = MemberChange::parse("moderation_action", Some("hold")).unwrap();
        app.as_operator().at(day(0)).members(&list.name).change(&address(OLGA), None, change).await.unwrap();
    }
    check("moderation", &["preference-changed by command-line olga@x.example"]).await;
    for _ in 0..2 {
        app.as_operator().at(day(0)).users().rename(&address(OLGA), "Olga").await.unwrap();
    }
    check("rename", &["preference-changed by command-line olga@x.example"]).await;
    for change in [BanChange::Add, BanChange::Add, BanChange::Remove, BanChange::Remove] {
        app.as_operator()
            .at(day(0))
            .bans()
            .change(Some(&list.name), &EVE.parse().unwrap(), change)
            .await
            .unwrap();
    }
    check(
        "bans",
        &["ban-added by command-line eve@far.example", "ban-removed by command-line eve@far.example"],
    )
    .await;
    for value in ["Words", "Words"] {
        set_setting(app, &mut list.clone(), "description", value, day(0)).await.unwrap();
    }
    check("setting", &["setting-changed by command-line"]).await;
    app.as_operator().at(day(0)).users().link(&address(OLGA), &address("olga@home.example")).await.unwrap();
    let of_olga =
        ["address-linked by command-line olga@x.example", "address-preferred by command-line olga@x.example"];
    check("link", &[of_olga[0], of_olga[1], "address-linked by command-line olga@home.example"]).await;
    for _ in 0..2 {
        app.as_operator().at(day(0)).users().prefer(&address("olga@home.example")).await.unwrap();
    }
    check("prefer", &["address-preferred by command-line olga@home.example"]).await;
    app.as_operator().at(day(0)).users().prefer(&address(OLGA)).await.unwrap();
    app.as_operator().at(day(0)).users().unlink(&address("olga@home.example")).await.unwrap();
    check(
        "unlink",
        &[
            "address-preferred by command-line olga@x.example",
            "address-unlinked by command-line olga@home.example",
        ],
    )
    .await;
    app.as_operator()
        .at(day(0))
        .members(&list.name)
        .remove(&address(OLGA), RolesToEnd::One(Role::Member), LastOwner::Stays)
        .await
        .unwrap();
    check("leave", &["member-left by command-line olga@x.example"]).await;
    let name: ListName = TEAM.parse().unwrap();
    for _ in 0..2 {
        app.as_operator().lists().hold(&name).await.unwrap();
    }
    app.as_operator().lists().release(&name).await.unwrap();
    assert!(app.as_operator().lists().release(&name).await.is_err());
    check("hold a list", &[&format!("list-held by {cli}"), &format!("list-released by {cli}")]).await;
    app.as_operator().lists().purge_archive(&name).await.unwrap();
    check("nothing to purge", &[]).await;
    app.as_operator().lists().delete(&name).await.unwrap();
    check("delete", &["list-deleted by command-line"]).await;
    drop(stage.folder);
}

/// Only a consumer that is there acknowledges, and only what was given out.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_would_skip_changes_is_refused() {
    let stage = Stage::new().await;
    stage.app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    let events = stage.app.as_operator().events();
    let position = || async { events.consumers().await.unwrap()[0].1 };
    let check = async |consumer: &str, to: i64, refused: Option<ErrorKind>, stands_at: i64| {
        let outcome = events.acknowledge(consumer, to).await;
        assert_eq!(outcome.err().map(|error| error.kind()), refused, "{consumer} {to}");
        assert_eq!(position().await, stands_at, "{consumer} {to}");
    };
    let invalid = Some(ErrorKind::Invalid { field: "position" });
    check("test", 2, invalid, 1).await;
    let last = events.next("test", 100).await.unwrap().last().unwrap().position.unwrap();
    for to in [last + 1, i64::MAX, -1, i64::MIN] {
        check("test", to, invalid, 1).await;
    }
    for to in [-1, 0, last, last + 1] {
        check("nobody", to, Some(ErrorKind::NotFound), 1).await;
    }
    check("test", 0, None, 1).await;
    check("test", last, None, last).await;
    check("test", last, None, last).await;
    check("test", 0, None, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_decision_about_a_message_is_one_event() {
    let stage = Stage::new().await;
    let app = &stage.app;
    app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    stage.happened().await;
    let check = async |what: &str, expected: &[&str]| {
        assert_eq!(stage.happened().await, expected, "{what}");
    };
    let begun = "hold-begun by server";
    for (decision, event) in [
        (MessageDecision::Accept, "hold-accepted by command-line"),
        (MessageDecision::Reject("No.".to_owned()), "hold-rejected by command-line"),
        (MessageDecision::Discard, "hold-discarded by command-line"),
    ] {
        stage.send(EVE, TEAM, &format!("{decision:?}"), day(0)).await;
        check("held", &[begun]).await;
        app.as_operator().at(day(0)).messages().decide(stage.held().await, decision).await.unwrap();
        check(event, &[event]).await;
    }
    for number in 0..2 {
        stage.send(EVE, TEAM, &format!("Number {number}"), day(1)).await;
    }
    check("two", &[begun, begun]).await;
    app.as_operator().at(day(1)).messages().discard_all(&HeldSelection::default()).await.unwrap();
    check("all", &["hold-discarded by command-line"; 2]).await;
    stage.send(EVE, TEAM, "Nobody looks", day(1)).await;
    check("three", &[begun]).await;
    upkeep(app, day(100)).await.unwrap();
    check("in time", &["hold-expired by server"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_by_mail_is_one_event() {
    let stage = Stage::new().await;
    let app = &stage.app;
    app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    stage.happened().await;
    let check = async |what: &str, expected: &[&str]| {
        assert_eq!(stage.happened().await, expected, "{what}");
    };
    stage.send(ANNE, "team-join@lists.example", "", day(0)).await;
    check("join", &["request-asked by mail anne@x.example"]).await;
    confirm(app, ANNE, day(0)).await;
    let joined = ["request-done", "address-verified", "member-joined"];
    let joined: Vec<String> = joined.iter().map(|event| format!("{event} by mail {ANNE}")).collect();
    assert_eq!(stage.happened().await, joined);
    stage.send(ANNE, "team-request@lists.example", "set own-posts off", day(1)).await;
    check("set", &["request-asked by mail anne@x.example"]).await;
    confirm(app, ANNE, day(1)).await;
    check("confirm", &["request-done by mail anne@x.example", "preference-changed by mail anne@x.example"])
        .await;
    stage.send(EVE, "team-request@lists.example", "approve abcdef", day(1)).await;
    check("refused", &["command-refused by mail eve@far.example"]).await;
    stage.send(ANNE, "team-leave@lists.example", "", day(2)).await;
    check("leave", &["request-asked by mail anne@x.example"]).await;
    confirm(app, ANNE, day(2)).await;
    check("left", &["request-done by mail anne@x.example", "member-left by mail anne@x.example"]).await;
    stage.send(ANNE, "team-join@lists.example", "", day(3)).await;
    upkeep(app, day(30)).await.unwrap();
    check(
        "nobody answers",
        &["request-asked by mail anne@x.example", "request-expired by server anne@x.example"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_key_is_one_event() {
    let stage = Stage::new().await;
    let app = &stage.app;
    let check = async |what: &str, expected: &[&str]| {
        assert_eq!(stage.happened().await, expected, "{what}");
    };
    app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), "pgp-default").await.unwrap();
    check(
        "create",
        &["list-created by command-line", "list-key-made by command-line", "list-key-made by command-line"],
    )
    .await;
    let list = stage.list().await;
    let (anne, other) =
        (Person::new(ANNE, KeyKind::Curve25519, day(-5)), Person::new(ANNE, KeyKind::Curve25519, day(-4)));
    app.as_operator()
        .at(day(0))
        .members(&list.name)
        .add(member(ANNE, Role::Member, Some(anne.certificate().to_bytes())))
        .await
        .unwrap();
    let joined = ["address-verified", "key-changed", "member-joined"];
    let joined: Vec<String> = joined.iter().map(|event| format!("{event} by command-line {ANNE}")).collect();
    assert_eq!(stage.happened().await, joined);
    app.as_operator()
        .at(day(1))
        .keys()
        .import(&address(ANNE), &other.certificate().to_bytes())
        .await
        .unwrap();
    check("another key", &["key-changed by command-line anne@x.example"]).await;
    app.as_operator().at(day(1)).lists().rotate_key(&list.name).await.unwrap();
    let rotated = stage.happened().await;
    assert_eq!(rotated[0], "list-key-made by command-line");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_copies_is_one_event() {
    let stage = Stage::new().await;
    let app = &stage.app;
    app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    let list = stage.list().await;
    app.as_operator().at(day(0)).members(&list.name).add(member(ANNE, Role::Member, None)).await.unwrap();
    post_plain(app, &list, day(0)).await;
    stage.happened().await;
    let post = copies::on_their_way(&mut app.store().reader().await.unwrap()).await.unwrap()[0].no;
    for (change, expected) in [
        (CopyChange::Hold, &["copies-held by command-line"][..]),
        (CopyChange::Hold, &[]),
        (CopyChange::Retry, &["copies-retried by command-line"]),
        (CopyChange::GiveUp, &["copies-given-up by command-line"]),
        (CopyChange::GiveUp, &[]),
    ] {
        app.as_operator().copies().change(CopySelection::Of(post), change).await.unwrap();
        assert_eq!(stage.happened().await, expected, "{change:?}");
    }
    for which in [CopySelection::Of(SendingNo(99)), CopySelection::One(DeliveryNo(99))] {
        assert!(app.as_operator().copies().change(which, CopyChange::Retry).await.is_err());
    }
    assert_eq!(stage.happened().await, [""; 0]);
}
