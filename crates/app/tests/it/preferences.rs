//! Preferences of users, addresses and the site, as an admin sets them: which level takes which, what then counts, and one event
//! for each change.

use crate::moved_clock::{PLAIN, day, join, site_with};
use sealist_app::{App, AppError, ErrorKind, LevelView, PreferenceHolder, StartAt};
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
    app.as_operator().events().add_consumer("test", StartAt::Next).await.unwrap();
    (app, list, folder)
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
    for holder in
        [PreferenceHolder::Address(address("x@x.example")), PreferenceHolder::User(address("x@x.example"))]
    {
        let unknown = choose(&app, &holder, "receive_list_copy", Some("false")).await.unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NotFound, "{holder:?}");
    }
    assert_eq!(new_events(&app).await, [""; 0]);
}
