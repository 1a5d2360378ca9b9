//! Everything that an actor may ask and change: the actor of each event, lists that are not there, and pages.

use sealist_app::{
    Acting, App, AppError, BanChange, ErrorKind, ImportedKeys, LastOwner, ListedRequest, MemberChange,
    MessageDecision, NewMember, NoticeRecipients, PageRange, PreferenceHolder, RolesToEnd, SettingRefused,
    UserChange,
};
use sealist_lists::events::Actor;
use sealist_lists::model::attributes::{NewValue, SettingChange};
use sealist_lists::model::{ListName, PreferenceChange, RequestNo, Role};
use sealist_lists::roster_file::ListedPerson;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::testing::{Kind, Person};
use tempfile::TempDir;

use crate::key_server::Says;
use crate::moved_clock::{OPENPGP, PLAIN, confirm, day, held, receive_from, site_in};

const TEAM: &str = "team@lists.example";
const ANNE: &str = "anne@x.example";
const BART: &str = "bart@x.example";
const OLGA: &str = "olga@x.example";
const EVE: &str = "eve@far.example";

fn name(list: &str) -> ListName {
    list.parse().unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn member(who: &str, role: Role, key: Option<Vec<u8>>) -> NewMember {
    NewMember { address: address(who), name: String::new(), role, key }
}

fn listed(who: &str) -> ListedPerson {
    ListedPerson { address: address(who), name: String::new() }
}

fn wish(setting: &str, value: &str) -> SettingChange {
    SettingChange { name: setting.to_owned(), to: NewValue::Written(value.to_owned()) }
}

/// A site on which somebody acts who is not the operator.
struct Stage {
    app: App,
    now: Timestamp,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { app: site_in(folder.path()).await, now: day(0), _folder: folder }
    }

    fn act(&self) -> Acting<'_> {
        self.app.act_as(Actor::Person(7)).at(self.now)
    }

    async fn send(&self, from: &str, to: &str, subject: &str) {
        let message = format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{subject}\r\n");
        receive_from(&self.app, from, to, message.as_bytes(), self.now).await;
    }

    /// A person asks to join and confirms, so that the request waits for a moderator.
    async fn request(&self, from: &str) -> RequestNo {
        self.send(from, "team-join@lists.example", "").await;
        confirm(&self.app, from, self.now).await;
        self.act().requests().of(&name(TEAM), &address(from)).await.unwrap()[0].number
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_has_the_actor_who_asked_for_it() {
    let stage = Stage::new().await;
    let team = &name(TEAM);
    let act = || stage.act();
    act().lists().create(team, PLAIN).await.unwrap();
    act().settings(team).change(None, vec![wish("subscription_policy", "moderate")]).await.unwrap();
    act().members(team).add(member(OLGA, Role::Owner, None)).await.unwrap();
    act()
        .members(team)
        .import(&[listed(BART)], Role::Member, &ImportedKeys::default(), |_| {})
        .await
        .unwrap();
    let hold = MemberChange::parse("moderation_action", Some("hold")).unwrap();
    act().members(team).change(&address(BART), None, hold).await.unwrap();
    let off = PreferenceChange::parse("receive_own_postings", Some("false")).unwrap();
    for holder in [PreferenceHolder::Site, PreferenceHolder::Address(address(BART))] {
        act().preferences().choose(holder, off).await.unwrap();
    }
    act().users().rename(&address(BART), "Bart").await.unwrap();
    act().users().link(&address(BART), &address("bart@home.example")).await.unwrap();
    act().users().prefer(&address("bart@home.example")).await.unwrap();
    act().users().prefer(&address(BART)).await.unwrap();
    act().users().unlink(&address("bart@home.example")).await.unwrap();
    for value in ["true", "false"] {
        let charge = UserChange::parse("server_owner", Some(value)).unwrap();
        act().users().change(&address(BART), charge).await.unwrap();
    }
    act().members(team).add_user(member("olaf@x.example", Role::Owner, None)).await.unwrap();
    for change in [BanChange::Add, BanChange::Remove] {
        act().bans().change(Some(team), &EVE.parse().unwrap(), change).await.unwrap();
    }
    let approved = stage.request(ANNE).await;
    act().requests().approve(approved).await.unwrap();
    let rejected = stage.request(EVE).await;
    act().requests().reject(rejected, "no").await.unwrap();
    for decision in [MessageDecision::Discard, MessageDecision::Accept] {
        stage.send(BART, TEAM, &format!("{decision:?}")).await;
        act().messages().decide(held(&stage.app).await[0].no, decision).await.unwrap();
    }
    act().lists().hold(team).await.unwrap();
    act().lists().release(team).await.unwrap();
    act().members(team).remove(&address(BART), RolesToEnd::All, LastOwner::Stays).await.unwrap();
    act().lists().delete(team).await.unwrap();

    let ours = [
        "address-linked",
        "address-preferred",
        "address-unlinked",
        "ban-added",
        "ban-removed",
        "hold-accepted",
        "hold-discarded",
        "list-created",
        "list-deleted",
        "list-held",
        "list-released",
        "member-left",
        "preference-changed",
        "request-approved",
        "request-refused",
        "server-owner-added",
        "server-owner-removed",
        "setting-changed",
    ];
    check_actors(&stage.app, &ours).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_key_has_the_actor_who_asked_for_it() {
    let mut stage = Stage::new().await;
    let team = &name(TEAM);
    let anne = Person::ending(ANNE, Default::default(), day(-5));
    let key = anne.certificate();
    stage.act().lists().create(team, OPENPGP).await.unwrap();
    stage.act().members(team).add(member(ANNE, Role::Member, Some(key.to_bytes()))).await.unwrap();
    stage
        .act()
        .keys()
        .import(&address(ANNE), &anne.renewed(day(50), day(0)).certificate().to_bytes())
        .await
        .unwrap();
    stage.act().keys().approve(&address(ANNE), &key.fingerprint()).await.unwrap();
    stage.now = day(1);
    let newer = Says::knows(&anne.renewed(day(100), day(1)).certificate());
    let refreshed = stage.act().keys().refresh(&newer, &address(ANNE)).await.unwrap().unwrap();
    assert_eq!(refreshed.changes.len(), 1, "{refreshed:?}");
    let newest = Says::knows(&anne.renewed(day(200), day(1)).certificate());
    stage.now = day(2);
    let refreshed = stage.act().keys().refresh_next(&newest, day(2)).await.unwrap().unwrap();
    assert_eq!(refreshed.changes.len(), 1, "{refreshed:?}");
    stage.act().lists().strip_certifications(team).await.unwrap();
    stage.act().lists().rotate_key(team).await.unwrap();
    let ours = ["key-changed", "list-key-made", "member-joined"];
    check_actors(&stage.app, &ours).await;
}

/// Every event of those kinds has the person as actor, and there is at least one of each.
async fn check_actors(app: &App, kinds: &[&str]) {
    let events = app.as_operator().events().newest(None, 1000).await.unwrap();
    for kind in kinds {
        let actors: Vec<&str> =
            events.iter().filter(|one| one.event == *kind).map(|one| one.by.as_str()).collect();
        assert!(!actors.is_empty() && actors.iter().all(|by| *by == "person"), "{kind}: {actors:?}");
    }
    let others: Vec<&str> =
        events.iter().filter(|one| one.by == "command-line").map(|one| one.event.as_str()).collect();
    assert_eq!(others, [""; 0], "nothing was done by the operator");
}

/// Whoever names a list that is not there hears so in the same way, whatever is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_there_is_not_found() {
    let stage = Stage::new().await;
    let none = &name("none@lists.example");
    let (who, act) = (address(ANNE), || stage.act());
    let check = |what: &str, error: Option<AppError>| {
        let kind = error.as_ref().map(AppError::kind);
        assert_eq!(kind, Some(ErrorKind::NotFound), "{what}: {error:?}");
        assert!(matches!(error, Some(AppError::NoSuchList(_))), "{what}: {error:?}");
    };
    check("find", act().lists().find(none).await.err());
    check("content", act().lists().content(none).await.err());
    check("delete", act().lists().delete(none).await.err());
    check("hold", act().lists().hold(none).await.err());
    check("release", act().lists().release(none).await.err());
    check("purge", act().lists().purge_archive(none).await.err());
    check("recipients", act().lists().notice_recipients(none).await.err());
    check("certificate", act().lists().certificate(none).await.err());
    check("published", act().lists().published_keys(none).await.err());
    check("strip", act().lists().strip_certifications(none).await.err());
    check("rotate", act().lists().rotate_key(none).await.err());
    check("settings", act().settings(none).show().await.err());
    check("add", act().members(none).add(member(ANNE, Role::Member, None)).await.err());
    check("show", act().members(none).show(&who).await.err());
    check("page", act().members(none).page(None, PageRange::ALL).await.err());
    let hold = MemberChange::parse("moderation_action", Some("hold")).unwrap();
    check("change", act().members(none).change(&who, None, hold).await.err());
    check("remove", act().members(none).remove(&who, RolesToEnd::All, LastOwner::Stays).await.err());
    let (people, keys) = ([listed(ANNE)], ImportedKeys::default());
    check("import", act().members(none).import(&people, Role::Member, &keys, |_| {}).await.err());
    check("sync", act().members(none).plan_sync(&people).await.err());
    check("bans", act().bans().page(Some(none), PageRange::ALL).await.err());
    check("ban", act().bans().change(Some(none), &EVE.parse().unwrap(), BanChange::Add).await.err());
    check("requests", act().requests().page(Some(none), PageRange::ALL).await.err());
    check("requests of", act().requests().of(none, &who).await.err());
    check("events", act().events().newest(Some(none), 1).await.err());
    let refused = act().settings(none).change(None, vec![wish("description", "x")]).await;
    assert!(matches!(refused, Err(SettingRefused::NoSuchList(_))), "{refused:?}");
}

/// What is not there is not found, what is there cannot be made again.
#[tokio::test(flavor = "multi_thread")]
async fn errors_say_of_which_kind_they_are() {
    let stage = Stage::new().await;
    let (team, who, act) = (&name(TEAM), address(ANNE), || stage.act());
    act().lists().create(team, PLAIN).await.unwrap();
    act().members(team).add(member(ANNE, Role::Member, None)).await.unwrap();
    let check = |what: &str, error: Option<AppError>, kind: ErrorKind| {
        assert_eq!(error.as_ref().map(AppError::kind), Some(kind), "{what}: {error:?}");
    };
    let again = act().members(team).add(member(ANNE, Role::Member, None)).await;
    check("the role is there", again.err(), ErrorKind::Exists);
    check("the list is there", act().lists().create(team, PLAIN).await.err(), ErrorKind::Exists);
    check("another address", act().keys().show(&address(EVE)).await.err(), ErrorKind::NotFound);
    check("no key", act().keys().show(&who).await.err(), ErrorKind::NotFound);
    check("no key", act().keys().certificate(&who).await.err(), ErrorKind::NotFound);
    check("no request", act().requests().of(team, &who).await.err(), ErrorKind::NotFound);
    check("no request", act().requests().approve(RequestNo(9)).await.err(), ErrorKind::NotFound);
    check("no request", act().requests().reject(RequestNo(9), "").await.err(), ErrorKind::NotFound);
    check("no user", act().users().show(&who).await.err(), ErrorKind::NotFound);
    let words = act().keys().import(&who, b"words").await.err();
    check("no key", words, ErrorKind::Invalid { field: "key" });
    let own = act().members(team).add(member(TEAM, Role::Member, None)).await.err();
    check("own address", own, ErrorKind::Invalid { field: "address" });
    let new = name("new@lists.example");
    let own = act().lists().create_with_owner(&new, PLAIN, &address("new-owner@lists.example")).await.err();
    check("own address", own, ErrorKind::Invalid { field: "address" });
    check("nothing is made", act().lists().find(&new).await.err(), ErrorKind::NotFound);
    act().lists().create_with_owner(&new, PLAIN, &who).await.unwrap();
    assert_eq!(act().lists().notice_recipients(&new).await.unwrap(), NoticeRecipients::Owners);
    check("a plain list", act().lists().rotate_key(team).await.err(), ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_come_in_pages_with_their_size() {
    let stage = Stage::new().await;
    let (team, act) = (&name(TEAM), || stage.act());
    for list in [TEAM, "art@lists.example", "music@lists.example"] {
        act().lists().create(&name(list), PLAIN).await.unwrap();
    }
    act().settings(team).change(None, vec![wish("subscription_policy", "moderate")]).await.unwrap();
    for who in [ANNE, BART, EVE] {
        stage.request(who).await;
        act().bans().change(None, &who.parse().unwrap(), BanChange::Add).await.unwrap();
    }
    let art = name("art@lists.example");
    act().bans().change(Some(&art), &OLGA.parse().unwrap(), BanChange::Add).await.unwrap();
    let page = PageRange { start: 1, count: 1 };

    let lists = act().lists().page(page).await.unwrap();
    assert_eq!((lists.start, lists.total, lists.entries[0].list.as_str()), (1, 3, "music@lists.example"));
    for (of, total) in [(None, 3), (Some(team), 3), (Some(&art), 0)] {
        let requests = act().requests().page(of, page).await.unwrap();
        let found: Vec<&str> = requests.entries.iter().map(asked_by).collect();
        assert_eq!((requests.total, found), (total, vec![BART; total.min(1)]), "{of:?}");
    }
    for (of, total) in [(None, 4), (Some(team), 3), (Some(&art), 4)] {
        let bans = act().bans().page(of, page).await.unwrap();
        assert_eq!((bans.total, bans.entries.len()), (total, 1), "{of:?}");
    }
    assert_eq!(act().lists().notice_recipients(team).await.unwrap(), NoticeRecipients::Nobody);
}

fn asked_by(request: &ListedRequest) -> &str {
    match request {
        ListedRequest::Known(request) => &request.address,
        ListedRequest::Unknown(request) => &request.address,
    }
}

/// The names in the data are what programs outside read.
#[tokio::test(flavor = "multi_thread")]
async fn views_have_stable_names() {
    let stage = Stage::new().await;
    let (team, act) = (&name(TEAM), || stage.act());
    act().lists().create(team, PLAIN).await.unwrap();
    act().settings(team).change(None, vec![wish("subscription_policy", "moderate")]).await.unwrap();
    stage.request(EVE).await;
    let bart = Person::new(BART, Kind::Curve25519, day(-5));
    act().members(team).add(member(BART, Role::Member, Some(bart.certificate().to_bytes()))).await.unwrap();
    act().users().link(&address(BART), &address("bart@home.example")).await.unwrap();
    act().bans().change(None, &EVE.parse().unwrap(), BanChange::Add).await.unwrap();
    let check = |view: serde_json::Value, expected: &str| {
        let names: Vec<&String> = view.as_object().unwrap().keys().collect();
        assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    };
    let requests = act().requests().page(None, PageRange::ALL).await.unwrap();
    check(
        json(&requests.entries[0]),
        "address asks_for fingerprint list number signed_by since until waits_for workflow",
    );
    check(
        json(&act().keys().show(&address(BART)).await.unwrap()),
        "address confirmed_at fingerprint problem usable usable_until user_ids",
    );
    let report = act().keys().report(sealist_lists::model::AddressNo(0), 10).await.unwrap().unwrap().0;
    check(json(&report[0]), "address fingerprint problem usable usable_until");
    check(
        json(&act().users().show(&address(BART)).await.unwrap()),
        "addresses id name number preferences server_owner",
    );
    let bans = act().bans().page(None, PageRange::ALL).await.unwrap();
    check(json(&bans.entries[0]), "created_at list pattern");
    check(
        json(&act().lists().page(PageRange::ALL).await.unwrap().entries[0]),
        "display_name encrypts list openpgp",
    );
    check(json(&act().lists().archive_sizes().await.unwrap()[0]), "archive list octets posts");
    check(json(&bans), "entries start total");
    let settings = json(&act().settings(team).show().await.unwrap());
    check(settings["settings"]["description"].clone(), "default description differs value");
    check(
        settings["derived"].clone(),
        "bounces_address fqdn_listname join_address leave_address list_id list_name mail_host owner_address posting_address request_address",
    );
    check(settings, "derived generation settings style style_in_place unknown");
}

fn json(view: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(view).unwrap()
}
