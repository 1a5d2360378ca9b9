//! Every change leaves exactly one event with its actor: by the command line, by mail and by the server. Each
//! row of the table does one change and looks what happened, and does it again. A kind of event without a row
//! fails.

mod by_command_line;
mod by_mail;
mod by_server;
mod deletion;
mod forged;
mod keys;

use std::collections::BTreeSet;
use std::sync::Mutex;

use sealist_app::{App, AppError, ErrorKind, NewMember, StartAt};
use sealist_lists::events::{Actor, EventKind, ServerCause};
use sealist_lists::model::{EntryNo, ListName, MailingList, Role};
use sealist_mail::{Address, Timestamp};
use sealist_store::{lists, testing, transaction};
use tempfile::TempDir;

use crate::moved_clock::{OPENPGP, PLAIN, confirm, day, deliver, held, receive_from, site_in};

const TEAM: &str = "team@lists.example";
const OLGA: &str = "olga@x.example";
const ANNE: &str = "anne@x.example";
const EVE: &str = "eve@far.example";
/// What a moderator writes to somebody whom the moderator refuses. It is for that person alone.
const REASON: &str = "Zebra5581.";

/// A site whose events are looked at after each change.
struct Stage {
    app: App,
    _folder: TempDir,
    /// The kinds that occurred.
    seen: Mutex<BTreeSet<String>>,
}

/// What happens when a change is made a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// It succeeds, and nothing happens.
    Nothing,
    /// It is refused, and nothing happens.
    Refused,
    /// It is another change, so that it is not made again.
    Another,
}

impl Stage {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let app = site_in(folder.path()).await;
        Self::on(app, folder).await
    }

    /// On a site that has no events yet.
    async fn on(app: App, folder: TempDir) -> Self {
        app.as_operator().events().add_consumer("test", StartAt::Oldest).await.unwrap();
        let stage = Self { app, _folder: folder, seen: Mutex::default() };
        assert_eq!(stage.happened().await, ["consumer-added command-line - -"]);
        stage
    }

    /// With a list of that style.
    async fn with_list(style: &str) -> (Self, MailingList) {
        Self::new().await.and_list(style).await
    }

    /// The same with a list of that style.
    async fn and_list(self, style: &str) -> (Self, MailingList) {
        let stage = self;
        stage.app.as_operator().at(day(-9)).lists().create(&TEAM.parse().unwrap(), style).await.unwrap();
        let list = stage.list().await;
        stage.happened().await;
        (stage, list)
    }

    /// What happened since the last look, in the order of the events: the kind, the kind of the actor, the
    /// list without its domain, and the person.
    async fn happened(&self) -> Vec<String> {
        let events = self.app.as_operator().events();
        let mut happened = Vec::new();
        loop {
            let found = events.next("test", 100).await.unwrap();
            let Some(last) = found.last() else { return happened };
            events.acknowledge("test", last.position.unwrap()).await.unwrap();
            for one in &found {
                self.seen.lock().unwrap().insert(one.event.clone());
                let list = one.list.split('@').next().filter(|list| !list.is_empty()).unwrap_or("-");
                let email = if one.email.is_empty() { "-" } else { &one.email };
                happened.push(format!("{} {} {list} {email}", one.event, one.by));
            }
        }
    }

    /// One row: makes a change, which leaves just these events, and makes it again.
    async fn row<F>(&self, what: &str, expected: &[&str], again: Again, change: F)
    where
        F: AsyncFn() -> Result<(), AppError>,
    {
        assert_eq!(self.happened().await, [""; 0], "before: {what}");
        Box::pin(change()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(self.happened().await, expected, "{what}");
        if again == Again::Another {
            return;
        }
        assert_eq!(Box::pin(change()).await.is_ok(), again == Again::Nothing, "{what}, again");
        assert_eq!(self.happened().await, [""; 0], "{what}, again");
    }

    async fn list(&self) -> MailingList {
        let name: ListName = TEAM.parse().unwrap();
        lists::by_name(&mut self.app.store().reader().await.unwrap(), &name).await.unwrap().unwrap()
    }

    /// The operator gives an address a role.
    async fn joins(&self, who: &str, role: Role) {
        let members = self.app.as_operator().at(day(0)).members(&TEAM.parse().unwrap());
        members.add(member(who, role, None)).await.unwrap();
    }

    async fn held(&self) -> EntryNo {
        held(&self.app).await[0].no
    }

    async fn send(&self, from: &str, to: &str, subject: &str, now: Timestamp) {
        let message = format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{subject}\r\n");
        receive_from(&self.app, from, to, message.as_bytes(), now).await;
    }

    /// The token behind a mark in the newest notice to that person.
    async fn token(&self, who: &str, mark: &str, now: Timestamp) -> String {
        let mail = deliver(&self.app, now).await;
        let notices = mail.iter().rev().filter(|mail| mail.to == who);
        let texts = notices.map(|notice| String::from_utf8_lossy(&notice.message).replace("=\r\n", ""));
        let behind = |text: String| text.split_once(mark).map(|(_, behind)| behind.to_owned());
        let behind = texts.into_iter().find_map(behind).unwrap();
        behind.chars().take_while(char::is_ascii_alphanumeric).collect()
    }

    /// Answers the newest notice to that person from the address that it names.
    async fn confirm(&self, who: &str, now: Timestamp) {
        confirm(&self.app, who, now).await;
    }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn member(who: &str, role: Role, key: Option<Vec<u8>>) -> NewMember {
    NewMember { address: address(who), name: String::new(), role, key }
}

/// The names of all kinds: those that are expected where an unknown one is read.
fn all_kinds() -> BTreeSet<String> {
    let unknown = serde_json::json!({ "kind": "?", "data": {} });
    let error = serde_json::from_value::<EventKind>(unknown).unwrap_err().to_string();
    let (_, expected) = error.split_once("expected one of ").unwrap();
    let names = expected.split('`').skip(1).step_by(2).map(str::to_owned);
    names.collect()
}

/// The kinds that only the binary can show: the vault of these tests wraps nothing.
const BY_THE_BINARY: &[&str] = &["list-keys-wrapped"];

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_one_event() {
    let mut seen = BTreeSet::new();
    for stages in [
        Box::pin(by_command_line::table()).await,
        Box::pin(by_mail::table()).await,
        Box::pin(by_server::table()).await,
        Box::pin(keys::table()).await,
    ] {
        for stage in stages {
            // What is only counted does not come to consumers.
            let newest = stage.app.as_operator().events().newest(None, 1000).await.unwrap();
            assert!(!serde_json::to_string(&newest).unwrap().contains(REASON), "{newest:?}");
            seen.extend(newest.into_iter().filter(|one| one.by == "anybody").map(|one| one.event));
            seen.extend(stage.seen.into_inner().unwrap());
        }
    }
    seen.extend(BY_THE_BINARY.iter().map(|kind| (*kind).to_owned()));
    let missing: Vec<String> = all_kinds().difference(&seen).cloned().collect();
    assert_eq!(missing, [""; 0], "kinds without a row");
}

/// The event of its deletion is forgotten like all others.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_name_nobody_knows_has_its_number() {
    let (stage, list) = Stage::with_list(PLAIN).await;
    stage.app.as_operator().lists().delete(&list.name).await.unwrap();
    let names = async || -> BTreeSet<String> {
        let newest = stage.app.as_operator().events().newest(None, 1000).await.unwrap();
        newest.into_iter().map(|one| one.list).filter(|list| !list.is_empty()).collect()
    };
    assert_eq!(names().await, BTreeSet::from([TEAM.to_owned()]));
    let forgotten = stage.app.store().write(transaction!(|db| {
        testing::write_as_newer(db, "DELETE FROM events WHERE kind = 'list-deleted'").await
    }));
    forgotten.await.unwrap();
    assert_eq!(names().await, BTreeSet::from([format!("#{}", list.no)]));
}

/// Only a consumer that is there acknowledges, and only what was given out.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_would_skip_changes_is_refused() {
    let stage = Stage::new().await;
    stage.app.as_operator().at(day(0)).lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    let events = stage.app.as_operator().events();
    let position = || async { events.consumers().await.unwrap()[0].position };
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
