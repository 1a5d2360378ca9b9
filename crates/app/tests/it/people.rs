//! People as an admin changes them: who is removed leaves as by mail, a list keeps its last owner, and of
//! changes at the same time none is lost.

use crate::moved_clock::{OPENPGP, PLAIN, day, deliver, join, set, site_with};
use sealist_app::{
    App, AppError, BanChange, BanResult, ImportedKeys, LastOwner, MemberChange, PageRange, RolesToEnd,
};
use sealist_lists::model::{
    DeliveryStatus, MailingList, PreferenceChange, PreferenceLevel, PreferenceSource, Preferences, Role, User,
};
use sealist_lists::roster_file::{ListedPerson, read_roster};
use sealist_mail::Address;
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::people::Subscriber;
use sealist_store::transaction;
use sealist_store::{StoreError, events, people};
use tempfile::TempDir;

const OLGA: &str = "olga@example.org";
const OTTO: &str = "otto@example.org";
const ANNE: &str = "anne@example.org";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

async fn site(people: &[(&str, Role)]) -> (App, MailingList, TempDir) {
    let (app, list, folder) = site_with(PLAIN, "walks@lists.example").await;
    for (address, role) in people {
        join(&app, &list, address, *role, None).await;
    }
    (app, list, folder)
}

async fn roles(app: &App, list: &MailingList, who: &str) -> Vec<Role> {
    let mut db = app.store().reader().await.unwrap();
    let roles = people::roles_of(&mut db, list.no, &address(who)).await.unwrap();
    roles.iter().map(|member| member.role).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_leaves_as_by_mail() {
    for (goodbye, notify, ending, told) in [
        ("true", "true", RolesToEnd::All, vec![ANNE, OLGA]),
        ("true", "false", RolesToEnd::One(Role::Member), vec![ANNE]),
        ("false", "true", RolesToEnd::All, vec![OLGA]),
        ("false", "false", RolesToEnd::One(Role::Member), vec![]),
        // Who is a moderator no more is a member still.
        ("true", "true", RolesToEnd::One(Role::Moderator), vec![]),
    ] {
        let people = [(OLGA, Role::Owner), (ANNE, Role::Member), (ANNE, Role::Moderator)];
        let (app, list, _folder) = site(&people).await;
        let list = set(&app, &list, "send_goodbye_message", goodbye).await;
        let list = set(&app, &list, "admin_notify_mchanges", notify).await;
        let ended = app
            .as_operator()
            .at(day(1))
            .members(&list.name)
            .remove(&address(ANNE), ending, LastOwner::Stays)
            .await
            .unwrap();
        let mut left = vec![Role::Member, Role::Moderator];
        left.retain(|role| !ended.contains(role));
        assert_eq!(roles(&app, &list, ANNE).await, left, "{ending:?}");
        assert_eq!(ended.len(), if ending == RolesToEnd::All { 2 } else { 1 }, "{ending:?}");
        let mut heard: Vec<String> = deliver(&app, day(1)).await.into_iter().map(|mail| mail.to).collect();
        heard.sort();
        assert_eq!(heard, told, "{goodbye} {notify} {ending:?}");
        let events =
            events::newest(&mut app.store().reader().await.unwrap(), Some(list.no), 9).await.unwrap();
        let left = events.iter().filter(|one| one.event.kind.name() == "member-left");
        let left: Vec<String> =
            left.map(|one| one.event.subject.as_ref().map_or_else(String::new, Address::to_string)).collect();
        let roles = if ending == RolesToEnd::All { 2 } else { 1 };
        assert_eq!(left, vec![ANNE; roles], "{ending:?}: one event for each role");
        let again = app
            .as_operator()
            .at(day(1))
            .members(&list.name)
            .remove(&address(ANNE), ending, LastOwner::Stays)
            .await;
        assert!(matches!(again, Err(AppError::NoRole { .. })), "{ending:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_keeps_its_last_owner_unless_it_is_said() {
    let people = [(OLGA, Role::Owner), (OLGA, Role::Member), (OTTO, Role::Owner), (ANNE, Role::Member)];
    let (app, list, _folder) = site(&people).await;
    // Of two who are removed at the same time one stays.
    let ends = [OLGA, OTTO].map(|who| {
        let (app, list) = (app.clone(), list.clone());
        tokio::spawn(async move {
            let one = RolesToEnd::One(Role::Owner);
            app.as_operator()
                .at(day(1))
                .members(&list.name)
                .remove(&address(who), one, LastOwner::Stays)
                .await
        })
    });
    let mut refused = 0;
    for end in ends {
        match end.await.unwrap() {
            Ok(_) => {}
            Err(AppError::LastOwner(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 1);
    join(&app, &list, "new@example.org", Role::Owner, None).await;
    let owners =
        app.as_operator().members(&list.name).page(Some(Role::Owner), PageRange::ALL).await.unwrap().entries;
    let stayed = owners.iter().find(|owner| owner.address != "new@example.org").unwrap().address.clone();
    for (who, last_owner, works) in [
        (stayed.as_str(), LastOwner::Stays, true),
        (ANNE, LastOwner::Stays, true),
        ("new@example.org", LastOwner::Stays, false),
        ("new@example.org", LastOwner::MayGo, true),
    ] {
        let before = roles(&app, &list, who).await;
        let ended = app
            .as_operator()
            .at(day(1))
            .members(&list.name)
            .remove(&address(who), RolesToEnd::All, last_owner)
            .await;
        assert_eq!(ended.is_ok(), works, "{who} {last_owner:?}");
        assert_eq!(roles(&app, &list, who).await, if works { vec![] } else { before }, "{who}");
    }
}

/// An admin changes what was named, whatever bounces and others change meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_changes_what_it_names() {
    let (app, list, _folder) = site(&[(ANNE, Role::Member)]).await;
    let member = app.as_operator().members(&list.name).show(&address(ANNE)).await.unwrap().remove(0);
    let no =
        people::roles_of(&mut app.store().reader().await.unwrap(), list.no, &address(ANNE)).await.unwrap();
    let level = PreferenceLevel::Member(no[0].no);
    assert_eq!(member.delivery_status, DeliveryStatus::Enabled);
    let mut tasks = tokio::task::JoinSet::new();
    for (name, value) in [
        ("receive_own_postings", "false"),
        ("receive_list_copy", "false"),
        ("allow_cleartext", "true"),
        ("preferred_language", "de"),
        ("moderation_action", "hold"),
    ] {
        let (app, list) = (app.clone(), list.clone());
        let change = MemberChange::parse(name, Some(value)).unwrap();
        tasks.spawn(async move {
            app.as_operator()
                .at(day(1))
                .members(&list.name)
                .change(&address(ANNE), None, change)
                .await
                .map(|_| ())
        });
    }
    let stopped = PreferenceChange::DeliveryStatus(Some(DeliveryStatus::ByBounces));
    let store = app.store().clone();
    tasks.spawn(async move {
        let stopped: Result<bool, StoreError> =
            store.write(transaction!(|db| people::choose(db, level, stopped).await)).await;
        stopped.map(|_| ()).map_err(AppError::Store)
    });
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let member = app.as_operator().members(&list.name).show(&address(ANNE)).await.unwrap().remove(0);
    let found: Vec<(&str, String, PreferenceSource)> =
        member.preferences.iter().map(|one| (one.name, one.value.to_string(), one.source)).collect();
    let expected = [
        ("delivery_mode", "regular", PreferenceSource::Default),
        ("delivery_status", "by_bounces", PreferenceSource::Member),
        ("receive_own_postings", "false", PreferenceSource::Member),
        ("receive_list_copy", "false", PreferenceSource::Member),
        ("allow_cleartext", "true", PreferenceSource::Member),
        ("preferred_language", "de", PreferenceSource::Address),
    ];
    assert_eq!(found, expected.map(|(name, value, source)| (name, value.to_owned(), source)));
    assert_eq!(member.moderation_action.map(|action| action.name()), Some("hold"));
    // What is taken back is open again.
    let change = MemberChange::parse("receive_list_copy", None).unwrap();
    let after = app
        .as_operator()
        .at(day(1))
        .members(&list.name)
        .change(&address(ANNE), Some(Role::Member), change)
        .await
        .unwrap();
    assert!(after.preferences.receive_list_copy && !after.preferences.receive_own_postings);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_and_renamed_on_all_lists() {
    let (app, list, _folder) =
        site(&[(OLGA, Role::Owner), (ANNE, Role::Member), (ANNE, Role::Moderator)]).await;
    app.as_operator().at(day(1)).users().rename(&address(ANNE), "Anne Example").await.unwrap();
    let nobody = app.as_operator().at(day(1)).users().rename(&address("nobody@example.org"), "x").await;
    assert!(matches!(nobody, Err(AppError::NotKnown(_))));
    for (pattern, found) in [
        (ANNE, 2),
        ("ANNE@example.org", 2),
        ("*@example.org", 3),
        ("an*", 2),
        ("*", 3),
        ("_nne@example.org", 0),
        ("%", 0),
        ("nobody@example.org", 0),
    ] {
        let views = app.as_operator().users().find(pattern, PageRange::ALL).await.unwrap().entries;
        assert_eq!(views.len(), found, "{pattern}");
        let named = views.iter().filter(|view| view.address == ANNE);
        assert!(named.clone().all(|view| view.name == "Anne Example" && view.list == list.name.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_counts_where_it_was_made() {
    let (app, list, _folder) = site(&[(OLGA, Role::Owner)]).await;
    let eve = address("eve@x.example");
    let banned = async |app: &App| {
        people::is_banned(&mut app.store().reader().await.unwrap(), list.no, &eve).await.unwrap()
    };
    for (pattern, scope) in
        [("eve@x.example", Some(&list.name)), ("@x.example", Some(&list.name)), ("@X.example", None)]
    {
        let pattern = pattern.parse().unwrap();
        for (change, result, is_banned) in [
            (BanChange::Remove, BanResult::Unchanged, false),
            (BanChange::Add, BanResult::Changed, true),
            (BanChange::Add, BanResult::Unchanged, true),
            (BanChange::Remove, BanResult::Changed, false),
        ] {
            let changed = app.as_operator().at(day(1)).bans().change(scope, &pattern, change).await.unwrap();
            assert_eq!((changed, banned(&app).await), (result, is_banned), "{pattern} {change:?}");
        }
    }
    app.as_operator()
        .at(day(1))
        .bans()
        .change(None, &"eve@x.example".parse().unwrap(), BanChange::Add)
        .await
        .unwrap();
    let of_list = app
        .as_operator()
        .at(day(1))
        .bans()
        .change(Some(&list.name), &"eve@x.example".parse().unwrap(), BanChange::Remove)
        .await;
    assert_eq!(of_list.unwrap(), BanResult::Unchanged, "the ban of the site is another one");
    assert!(banned(&app).await);
}

fn listed(text: &str) -> Vec<ListedPerson> {
    read_roster(text).unwrap()
}

/// An import adds who is missing, gives keys that can be used, and can be repeated.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_adds_who_is_missing() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    join(&app, &list, ANNE, Role::Member, None).await;
    let bart = Person::new("bart@x.example", Kind::Curve25519, day(-20));
    let cris = Person::new("cris@x.example", Kind::Curve25519, day(-20));
    let other = Person::new("cris@x.example", Kind::Curve25519, day(-20));
    let mut keys = ImportedKeys::default();
    for person in [&bart, &cris, &other] {
        assert_eq!(keys.add(&person.certificate().to_bytes(), day(0)).unwrap(), 1);
    }
    let file = format!("{ANNE},Anne\nbart@x.example,Bart\ncris@x.example\ndora@x.example\n");
    let report = app
        .as_operator()
        .members(&list.name)
        .import(&listed(&file), Role::Member, &keys, |_| {})
        .await
        .unwrap();
    assert_eq!(report.added, ["bart@x.example", "cris@x.example", "dora@x.example"]);
    assert_eq!((report.already, report.keys), (1, 1));
    assert!(report.refused_keys[0].1.contains("2 keys name the address"), "{:?}", report.refused_keys);
    let key =
        app.as_operator().members(&list.name).show(&address("bart@x.example")).await.unwrap().remove(0).key;
    assert_eq!(key.fingerprint, Some(bart.certificate().fingerprint().to_string()));
    let again = app
        .as_operator()
        .members(&list.name)
        .import(&listed(&file), Role::Member, &keys, |_| {})
        .await
        .unwrap();
    assert_eq!((again.added.len(), again.already), (0, 4));
    let own = listed("team@lists.example\nnew@x.example");
    let refused = app.as_operator().members(&list.name).import(&own, Role::Member, &keys, |_| {}).await;
    assert!(matches!(refused, Err(AppError::OwnAddress(_))));
    assert!(roles(&app, &list, "new@x.example").await.is_empty(), "nobody is added then");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_who_comes_and_who_goes() {
    for (members, file, add, remove) in [
        (vec![ANNE, OTTO], "anne@example.org\notto@example.org", vec![], vec![]),
        (vec![ANNE, OTTO], "ANNE@Example.org\nnew@x.example", vec!["new@x.example"], vec![OTTO]),
        (vec![], "new@x.example", vec!["new@x.example"], vec![]),
        (vec![ANNE], "olga@example.org", vec![OLGA], vec![ANNE]),
    ] {
        let (app, list, _folder) = site(&[(OLGA, Role::Owner)]).await;
        for member in members {
            join(&app, &list, member, Role::Member, None).await;
        }
        let plan = app.as_operator().members(&list.name).plan_sync(&listed(file)).await.unwrap();
        let added: Vec<String> = plan.add.iter().map(|person| person.address.to_string()).collect();
        let removed: Vec<String> = plan.remove.iter().map(ToString::to_string).collect();
        assert_eq!(
            (added, removed),
            (add.iter().map(|a| (*a).to_owned()).collect(), remove.iter().map(|a| (*a).to_owned()).collect()),
            "{file}"
        );
    }
}

async fn user_of(app: &App, who: &str) -> User {
    let mut db = app.store().reader().await.unwrap();
    let no = people::find_address(&mut db, &address(who)).await.unwrap().unwrap();
    people::user_of(&mut db, no).await.unwrap().unwrap()
}

/// On a list with OpenPGP another preferred address would be another key: that is refused, and nothing is
/// changed.
#[tokio::test(flavor = "multi_thread")]
async fn another_preferred_address_is_a_key_change_on_lists_with_openpgp() {
    const HOME: &str = "anne@home.example";
    for (style, works) in [(PLAIN, true), (OPENPGP, false)] {
        let (app, list, _folder) = site_with(style, "team@lists.example").await;
        join(&app, &list, ANNE, Role::Moderator, None).await;
        app.as_operator().at(day(0)).users().link(&address(ANNE), &address(HOME)).await.unwrap();
        let user = user_of(&app, ANNE).await;
        let (no, preferred) = (list.no, user.preferred().unwrap().no);
        let subscriber = Subscriber::User(user.no, preferred);
        let subscribed: Result<_, StoreError> = app
            .store()
            .write(transaction!(|db| people::subscribe(
                db,
                no,
                subscriber,
                Role::Member,
                Preferences::default(),
                day(0)
            )
            .await))
            .await;
        subscribed.unwrap();
        let changed = app.as_operator().at(day(0)).users().prefer(&address(HOME)).await;
        let words = changed.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert_eq!(changed.is_ok(), works, "{style}: {words}");
        assert!(
            works || words.contains("let anne@home.example join team@lists.example with its own key"),
            "{words}"
        );
        // What the address has by itself stays, and so does everything where it was refused.
        let (at_home, at_work) = (roles(&app, &list, HOME).await, roles(&app, &list, ANNE).await);
        let expected = if works { (vec![Role::Member], 1) } else { (vec![], 2) };
        assert_eq!((at_home, at_work.len()), expected, "{style}");
        let preferred = user_of(&app, ANNE).await.preferred().unwrap().address.to_string();
        assert_eq!(preferred, if works { HOME } else { ANNE }, "{style}");
        let there = address(if works { HOME } else { ANNE });
        assert!(
            matches!(
                app.as_operator().at(day(0)).users().unlink(&there).await,
                Err(AppError::StillSubscribed(_))
            ),
            "{style}"
        );
        // The same address again is no change.
        app.as_operator().at(day(0)).users().prefer(&there).await.unwrap();
    }
}

/// A page of a roster has its part of all roles, owners first, and says how many there are.
#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_read_in_pages() {
    let (app, list, _folder) = site_with(PLAIN, "team@lists.example").await;
    for who in ["a@x.example", "b@x.example", "c@x.example"] {
        join(&app, &list, who, Role::Member, None).await;
    }
    join(&app, &list, OLGA, Role::Owner, None).await;
    join(&app, &list, "n@x.example", Role::Nonmember, None).await;
    let all = [OLGA, "a@x.example", "b@x.example", "c@x.example", "n@x.example"];
    for (role, of) in [(None, &all[..]), (Some(Role::Member), &all[1..4]), (Some(Role::Moderator), &[])] {
        for (start, count) in [(0, 1), (0, 2), (1, 3), (2, 2), (4, 9), (5, 1), (0, 0), (0, usize::MAX)] {
            let members = app.as_operator().members(&list.name);
            let page = members.page(role, PageRange { start, count }).await.unwrap();
            let found: Vec<&str> = page.entries.iter().map(|view| view.address.as_str()).collect();
            let expected: Vec<&str> = of.iter().copied().skip(start).take(count).collect();
            assert_eq!(
                (page.start, page.total, found),
                (start, of.len(), expected),
                "{role:?} {start} {count}"
            );
        }
    }
}

/// The database gives a roster 500 at a time. Nobody is lost or named twice where one part ends and the next
/// begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_roster_is_read_in_parts() {
    const ALL: usize = 1001;
    let (app, list, _folder) = site_with(PLAIN, "team@lists.example").await;
    let who = |number: usize| format!("n{number:04}@x.example");
    let no = list.no;
    let joined: Result<(), StoreError> = app
        .store()
        .write(move |db| {
            Box::pin(async move {
                for number in 0..ALL {
                    let address =
                        people::ensure_address(&mut *db, &address(&who(number)), "", day(0)).await?;
                    let open = Preferences::default();
                    people::add_member(&mut *db, no, address, Role::Member, open, day(0)).await?;
                }
                Ok(())
            })
        })
        .await;
    joined.unwrap();
    for (start, count) in [(0, usize::MAX), (499, 2), (500, 500), (999, 9), (1001, 1)] {
        let range = PageRange { start, count };
        let expected: Vec<String> = (0..ALL).map(who).skip(start).take(count).collect();
        let of_list = app.as_operator().members(&list.name).page(None, range).await.unwrap();
        let found = app.as_operator().users().find("n*@x.example", range).await.unwrap();
        for page in [of_list, found] {
            let addresses: Vec<String> = page.entries.into_iter().map(|view| view.address).collect();
            assert_eq!((page.total, addresses), (ALL, expected.clone()), "{start} {count}");
        }
    }
}
