//! A person is deleted: nothing in the database names the person any more, and what still stands is a reason to refuse.

use sealist_app::{BanChange, LastOwner, RolesToEnd, upkeep};
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::testing;

use super::*;
use crate::moved_clock::site_on_postgres;

const HOME: &str = "anne@home.example";

/// Where the addresses of Anne stand.
fn places(stage: &Stage) -> Vec<String> {
    let tables = testing::dump(&stage._folder.path().join("test.db"));
    let mut places = Vec::new();
    for (table, rows) in tables {
        for (column, value) in rows.iter().flatten() {
            // Octets are shown as numbers.
            let octets = |who: &str| format!("{:?}", who.as_bytes()).trim_matches(['[', ']']).to_owned();
            let names = |who: &str| value.to_lowercase().contains(who) || value.contains(&octets(who));
            if [ANNE, HOME].into_iter().any(names) {
                places.push(format!("{table}.{column}"));
            }
        }
    }
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_names_a_person_who_was_deleted() {
    let (stage, list) = Stage::with_list(PLAIN).await;
    let cli = || stage.app.as_operator().at(day(0));
    let (anne, olga) = (address(ANNE), address(OLGA));
    cli().members(&list.name).add(member(OLGA, Role::Owner, None)).await.unwrap();
    stage.send(ANNE, "team-join@lists.example", "", day(0)).await;
    assert_eq!(cli().users().delete(&anne).await.unwrap_err().kind(), ErrorKind::NotFound, "no such person");
    stage.confirm(ANNE, day(0)).await;
    cli().users().link(&anne, &address(HOME)).await.unwrap();
    stage.send(ANNE, "team-request@lists.example", "help", day(0)).await;
    deliver(&stage.app, day(0)).await;
    stage.happened().await;
    let refused = async |who: &Address, why: &str| {
        let error = cli().users().delete(who).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains(why), "{error}");
        assert_eq!(stage.happened().await, [""; 0], "{why}");
    };
    refused(&olga, "a role on a list").await;
    refused(&address(HOME), "a role on a list").await;
    cli().members(&list.name).remove(&anne, RolesToEnd::All, LastOwner::Stays).await.unwrap();
    deliver(&stage.app, day(0)).await;
    upkeep(&stage.app, day(0)).await.unwrap();
    cli().bans().change(None, &ANNE.parse().unwrap(), BanChange::Add).await.unwrap();
    stage.happened().await;
    refused(&anne, "a ban").await;
    cli().bans().change(None, &ANNE.parse().unwrap(), BanChange::Remove).await.unwrap();
    stage.happened().await;
    assert!(places(&stage).len() > 3, "{:?}", places(&stage));
    stage
        .row("delete", &["person-deleted command-line - -"], Again::Refused, async || {
            cli().users().delete(&anne).await.map(drop)
        })
        .await;
    assert_eq!(places(&stage), [""; 0]);
    let events = cli().events().newest(None, 1000).await.unwrap();
    assert!(events.iter().any(|one| one.event == "member-left" && one.email.is_empty()), "the events stay");
}

/// A person leaves a list with OpenPGP and keeps a key, which nothing but the deletion takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_a_key_is_deleted() {
    let (stage, list) = Stage::with_list(OPENPGP).await;
    let cli = || stage.app.as_operator().at(day(0));
    let anne = address(ANNE);
    let key = Person::new(ANNE, Kind::Curve25519, day(-5)).certificate();
    let key = Some(key.to_bytes());
    cli().members(&list.name).add(member(ANNE, Role::Member, key)).await.unwrap();
    cli().members(&list.name).remove(&anne, RolesToEnd::All, LastOwner::Stays).await.unwrap();
    deliver(&stage.app, day(0)).await;
    upkeep(&stage.app, day(0)).await.unwrap();
    assert!(places(&stage).iter().any(|place| place.starts_with("certificates.")), "{:?}", places(&stage));
    cli().users().delete(&anne).await.unwrap();
    assert_eq!(places(&stage), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_deleted_on_postgresql_too() {
    let app = site_on_postgres().await;
    let (anne, home) = (address(ANNE), address(HOME));
    let cli = || app.as_operator().at(day(0));
    let list = cli().lists().create(&TEAM.parse().unwrap(), PLAIN).await.unwrap();
    cli().members(&list.name).add(member(ANNE, Role::Member, None)).await.unwrap();
    cli().users().link(&anne, &home).await.unwrap();
    assert_eq!(cli().users().delete(&home).await.unwrap_err().kind(), ErrorKind::Conflict);
    cli().members(&list.name).remove(&anne, RolesToEnd::All, LastOwner::Stays).await.unwrap();
    let copies = deliver(&app, day(0)).await;
    assert_eq!(copies.len(), 1, "the goodbye");
    upkeep(&app, day(0)).await.unwrap();
    assert_eq!(cli().users().delete(&home).await.unwrap().len(), 2);
    assert_eq!(cli().users().delete(&anne).await.unwrap_err().kind(), ErrorKind::NotFound);
    let events = cli().events().newest(None, 1000).await.unwrap();
    assert!(events.iter().all(|one| one.email.is_empty() && one.who != ANNE), "{events:?}");
}
