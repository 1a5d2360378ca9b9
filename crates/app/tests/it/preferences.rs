//! Preferences of users, addresses and the site, as an admin sets them: which level takes which, what then
//! counts, and one event for each change.

use crate::moved_clock::{OPENPGP, PLAIN, day, join, site_with};
use sealist_app::{
    App, AppError, ErrorKind, LevelView, NewMember, PageRange, PreferenceHolder, StartAt, UserChange,
};
use sealist_lists::model::{MailingList, PreferenceChange, PreferenceSource, Preferences, Role};
use sealist_mail::Address;
use tempfile::TempDir;

const WORK: &str = "anne@work.example";
const HOME: &str = "anne@home.example";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A member with two addresses, of which one is a member, and a site whose events are followed.
async fn site() -> (App, MailingList, TempDir) {
    let (app, list, folder) = site_with(PLAIN, "walks@lists.example").await;
    join(&app, &list, WORK, Role::Member, None).await;
    app.as_operator().at(day(0)).users().link(&address(WORK), &address(HOME)).await.unwrap();
    follow(&app).await;
    (app, list, folder)
}

/// Follows the events from now on.
async fn follow(app: &App) {
    app.as_operator().events().add_consumer("test", StartAt::Next).await.unwrap();
    assert_eq!(new_events(app).await, ["consumer-added command-line "]);
}

async fn choose(
    app: &App,
    holder: &PreferenceHolder,
    name: &str,
    value: Option<&str>,
) -> Result<LevelView, AppError> {
    let change = PreferenceChange::parse(name, value)?;
    app.as_operator().preferences().choose(holder.clone(), change).await
}

/// What counts for the member, and where it comes from.
async fn counts(app: &App, list: &MailingList, name: &str) -> (String, PreferenceSource) {
    let view = app.as_operator().members(&list.name).show(&address(WORK)).await.unwrap().remove(0);
    let found = view.preferences.iter().find(|one| one.name == name).unwrap();
    (found.value.to_string(), found.source)
}

async fn new_events(app: &App) -> Vec<String> {
    let events = app.as_operator().events();
    let found = events.next("test", 100).await.unwrap();
    if let Some(last) = found.last() {
        events.acknowledge("test", last.position.unwrap()).await.unwrap();
    }
    found.iter().map(|one| format!("{} {} {}{}", one.event, one.by, one.email, one.list)).collect()
}

/// Every level that is nearer counts more, each change is one event, and the same again is none.
#[tokio::test(flavor = "multi_thread")]
async fn each_level_is_set_and_taken_back() {
    let (app, list, _folder) = site().await;
    let levels = [
        (PreferenceHolder::Site, PreferenceSource::Site, ""),
        (PreferenceHolder::User(address(HOME)), PreferenceSource::User, HOME),
        (PreferenceHolder::Address(address(WORK)), PreferenceSource::Address, WORK),
    ];
    let other = |name: &str| match name {
        "delivery_mode" => "regular",
        "delivery_status" => "by_moderator",
        "preferred_language" => "de",
        "allow_cleartext" => "true",
        _ => "false",
    };
    for name in Preferences::NAMES {
        let mut before = vec![counts(&app, &list, name).await];
        assert_eq!(before[0].1, PreferenceSource::Default, "{name}");
        let mut took = Vec::new();
        for (holder, source, about) in &levels {
            let set = choose(&app, holder, name, Some(other(name))).await;
            let takes = *name != "allow_cleartext" || *source == PreferenceSource::Address;
            assert_eq!(set.is_ok(), takes, "{name} {source}");
            let event = format!("preference-changed command-line {about}");
            assert_eq!(new_events(&app).await, vec![event; usize::from(takes)], "{name} {source}");
            if let Ok(view) = set {
                let chosen = view.preferences.iter().find(|one| one.name == *name).unwrap();
                assert_eq!((view.level, chosen.value.to_string().as_str()), (*source, other(name)));
                let counted = counts(&app, &list, name).await;
                assert_eq!(counted, (other(name).to_owned(), *source), "{name}");
                before.push(counted);
                took.push(holder);
            }
            // Again, it changes nothing.
            let again = choose(&app, holder, name, Some(other(name))).await;
            assert_eq!((again.is_ok(), new_events(&app).await.len()), (takes, 0), "{name} {source}");
        }
        before.pop();
        for holder in took.into_iter().rev() {
            for events in [1, 0] {
                choose(&app, holder, name, None).await.unwrap();
                assert_eq!(new_events(&app).await.len(), events, "{name} {holder:?}");
            }
            assert_eq!(Some(counts(&app, &list, name).await), before.pop(), "{name} {holder:?}");
        }
    }
}

/// What a level does not take is refused in words, is not shown there, and is no event.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_level_does_not_take_is_refused() {
    let (app, _list, _folder) = site().await;
    let site = PreferenceHolder::Site;
    for holder in [&site, &PreferenceHolder::User(address(WORK))] {
        for value in [Some("true"), None] {
            let refused = choose(&app, holder, "allow_cleartext", value).await.unwrap_err();
            assert!(refused.to_string().contains("set it for a member or for an address"), "{refused}");
            assert!(matches!(refused.kind(), ErrorKind::Invalid { .. }));
        }
        let shown = app.as_operator().preferences().of(holder).await.unwrap();
        assert!(shown.preferences.iter().all(|one| one.name != "allow_cleartext"), "{holder:?}");
    }
    for holder in [&site, &PreferenceHolder::User(address(WORK)), &PreferenceHolder::Address(address(WORK))] {
        let refused = choose(&app, holder, "delivery_status", Some("by_bounces")).await.unwrap_err();
        assert!(refused.to_string().contains("what bounces make of one member"), "{holder:?}: {refused}");
    }
    for holder in
        [PreferenceHolder::Address(address("x@x.example")), PreferenceHolder::User(address("x@x.example"))]
    {
        let unknown = choose(&app, &holder, "receive_list_copy", Some("false")).await.unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NotFound, "{holder:?}");
    }
    assert_eq!(new_events(&app).await, [""; 0]);
}

/// A user with one address or several is put in charge of the site, and taken from it: one event each time,
/// and it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_charge_of_the_site_is_set_by_name() {
    let (app, list, _folder) = site().await;
    join(&app, &list, "olga@x.example", Role::Owner, None).await;
    let olga = address("olga@x.example");
    let change = async |value: Option<&str>, to: &Address| {
        let change = UserChange::parse("server_owner", value).unwrap();
        app.as_operator().users().change(to, change).await
    };
    assert_eq!(change(None, &olga).await.unwrap_err().kind(), ErrorKind::NotFound, "she is no user");
    assert_eq!(change(Some("true"), &address("x@x.example")).await.unwrap_err().kind(), ErrorKind::NotFound);
    let added = "server-owner-added command-line olga@x.example";
    let made =
        ["address-linked command-line olga@x.example", "address-preferred command-line olga@x.example"];
    for (value, to, is_owner, events) in [
        (Some("true"), &olga, true, vec![made[0], made[1], added]),
        (Some("true"), &olga, true, vec![]),
        (Some("false"), &olga, false, vec!["server-owner-removed command-line olga@x.example"]),
        (None, &olga, false, vec![]),
        // Whichever address names the person.
        (Some("true"), &address(HOME), true, vec!["server-owner-added command-line anne@home.example"]),
        (Some("true"), &address(WORK), true, vec![]),
        (None, &address(WORK), false, vec!["server-owner-removed command-line anne@work.example"]),
    ] {
        let view = change(value, to).await.unwrap();
        let shown = app.as_operator().users().show(to).await.unwrap();
        assert_eq!((view.server_owner, shown.server_owner), (is_owner, is_owner), "{value:?} {to}");
        assert_eq!(new_events(&app).await, events, "{value:?} {to}");
    }
    for (name, value, says) in [
        ("server_owner", "yes", "true or false"),
        ("server_ownr", "true", "did you mean \"server_owner\"?"),
        ("zzz", "true", "server_owner"),
    ] {
        let refused = UserChange::parse(name, Some(value)).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    let german = UserChange::parse("preferred_language", Some("de")).unwrap();
    let view = app.as_operator().users().change(&address(HOME), german).await.unwrap();
    assert!(view.preferences.iter().any(|one| one.value.to_string() == "de"));
    assert_eq!(counts(&app, &list, "preferred_language").await.1, PreferenceSource::User);
}

/// Whoever joins as user follows the preferred address; on a list with OpenPGP that address is the key, and
/// stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_joins_and_follows_the_preferred_address() {
    for (style, follows) in [(PLAIN, true), (OPENPGP, false)] {
        let (app, list, _folder) = site_with(style, "team@lists.example").await;
        let add = async |who: &str, role: Role| {
            let member = NewMember { address: address(who), name: String::new(), role, key: None };
            app.as_operator().members(&list.name).add_user(member).await
        };
        follow(&app).await;
        add(WORK, Role::Member).await.unwrap();
        let events = ["address-linked", "address-preferred", "address-verified", "member-joined"];
        let happened = new_events(&app).await;
        for event in events {
            assert_eq!(happened.iter().filter(|one| one.starts_with(event)).count(), 1, "{happened:?}");
        }
        assert_eq!(happened.len(), 4, "{happened:?}");
        app.as_operator().users().link(&address(WORK), &address(HOME)).await.unwrap();
        // Only the preferred address can join for the person, and only once in a role.
        for (who, role) in [(HOME, Role::Owner), (WORK, Role::Member)] {
            let refused = add(who, role).await.unwrap_err();
            assert!(matches!(refused, AppError::NotPreferred { .. } | AppError::HasRole { .. }), "{refused}");
        }
        let where_it_goes = async || {
            let roster = app.as_operator().members(&list.name).page(None, PageRange::ALL).await.unwrap();
            roster.entries.into_iter().map(|one| (one.address, one.as_user)).collect::<Vec<_>>()
        };
        assert_eq!(where_it_goes().await, [(WORK.to_owned(), true)], "{style}");
        let moved = app.as_operator().users().prefer(&address(HOME)).await;
        assert_eq!(moved.is_ok(), follows, "{style}");
        if let Err(refused) = moved {
            assert!(matches!(refused, AppError::OtherKeyThere { .. }), "{refused}");
        }
        let expected = if follows { HOME } else { WORK };
        assert_eq!(where_it_goes().await, [(expected.to_owned(), true)], "{style}");
        let of = app.as_operator().users().unlink(&address(expected)).await.unwrap_err();
        assert!(matches!(of, AppError::StillSubscribed(_)), "{of}");
    }
}
