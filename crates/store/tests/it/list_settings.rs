//! Settings as rows, on both databases: what differs from the style, what a newer version wrote, and what
//! goes with its list.

use crate::common::{NOW, Site};
use sealist_lists::model::attributes::attributes;
use sealist_lists::model::{Action, ListName, ListNo, ListSettings};
use sealist_lists::registry::Registry;
use sealist_lists::styles::STYLES;
use sealist_store::list_settings::{self, StoredSettings};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, lists, testing};
use serde_json::{Value, json};

on_both! {
    each_style_comes_back_without_a_row,
    only_what_differs_has_a_row,
    what_a_newer_version_wrote_is_kept,
    an_unknown_style_is_no_way_to_the_clear,
    a_list_goes_by_no_chain_that_is_not_there,
    settings_go_with_their_list,
}

async fn make(site: &Site, name: &str, style: &'static str, settings: ListSettings) -> ListNo {
    let name: ListName = name.parse().unwrap();
    let made = site.store.write(transaction!(|db| lists::create(db, &name, style, &settings, NOW).await));
    made.await.unwrap()
}

async fn stored(site: &Site, list: ListNo) -> StoredSettings {
    list_settings::stored(&mut site.store.reader().await.unwrap(), list).await.unwrap().unwrap()
}

async fn settings(site: &Site, list: ListNo) -> ListSettings {
    lists::by_no(&mut site.store.reader().await.unwrap(), list).await.unwrap().unwrap().settings
}

async fn change(site: &Site, list: ListNo, name: &'static str, value: Value) {
    let changed = site.store.write(transaction!(|db| change_in(db, list, name, value).await));
    changed.await.unwrap();
}

async fn change_in(db: &mut Conn, list: ListNo, name: &'static str, value: Value) -> Result<(), StoreError> {
    let before = list_settings::locked(&mut *db, list).await?.unwrap();
    list_settings::change(db, list, &before.defaults, &[(name, value)]).await
}

async fn each_style_comes_back_without_a_row(site: Site) {
    for style in STYLES {
        let list = make(&site, &format!("{}@lists.example", style.name), style.name, style.settings()).await;
        assert_eq!(settings(&site, list).await, style.settings(), "{}", style.name);
        let found = stored(&site, list).await;
        assert_eq!(found.style_in_place, None);
        assert_eq!((found.settings, found.defaults), (style.settings(), style.settings()));
        assert_eq!((found.style.as_str(), found.generation, found.unknown.len()), (style.name, 0, 0));
    }
    let all = lists::all(&mut site.store.reader().await.unwrap()).await.unwrap();
    let by_number = lists::names(&mut site.store.reader().await.unwrap()).await.unwrap();
    assert_eq!(by_number, all.iter().map(|list| (list.no, list.name.to_string())).collect());
    let names: Vec<&str> = all.iter().map(|list| list.name.local()).collect();
    let expected =
        ["legacy-announce", "legacy-default", "pgp-announce", "pgp-default", "private-default", "team"];
    assert_eq!(names, expected);
}

async fn only_what_differs_has_a_row(site: Site) {
    let mut other = Registry::built_in().styles.named("pgp-default").unwrap().settings();
    other.subject_prefix = "[x] ".to_owned();
    other.pgp.as_mut().unwrap().unsigned_msg_action = Action::Hold;
    let list = make(&site, "other@lists.example", "pgp-default", other.clone()).await;
    assert_eq!(settings(&site, list).await, other);
    change(&site, list, "subject_prefix", json!("")).await;
    change(&site, list, "max_message_kib", json!(7)).await;
    change(&site, list, "max_message_kib", json!(8)).await;
    let found = stored(&site, list).await;
    assert_eq!(found.generation, 3);
    let differ = attributes().filter(|one| one.get(&found.settings) != one.get(&found.defaults));
    let differ: Vec<&str> = differ.map(|attribute| attribute.name).collect();
    assert_eq!(differ, ["max_message_kib", "unsigned_msg_action"]);
    assert_eq!(settings(&site, site.list).await, ListSettings::default());
}

/// A name and a value of a newer version are no damage: the list goes by its style, and both stay as they
/// were written.
async fn what_a_newer_version_wrote_is_kept(site: Site) {
    const NEWER: [(&str, &str); 4] = [
        ("colour", r#"{"of": "the sky"}"#),
        ("default_member_action", r#""quarantine""#),
        ("encrypt_outgoing", "true"),
        ("verp", "sometimes"),
    ];
    let list = site.list;
    for (name, value) in NEWER {
        let written =
            site.store.write(transaction!(|db| testing::write_setting(db, list, name, value).await));
        written.await.unwrap();
    }
    assert_eq!(settings(&site, list).await, ListSettings::default());
    assert_eq!(lists::all(&mut site.store.reader().await.unwrap()).await.unwrap().len(), 1);
    change(&site, list, "description", json!("ours")).await;
    let found = stored(&site, list).await;
    assert_eq!(found.settings.description, "ours");
    let unknown: Vec<(&str, &str)> =
        found.unknown.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(unknown, NEWER);
    // Whoever sets it here decides anew.
    change(&site, list, "default_member_action", json!("hold")).await;
    let found = stored(&site, list).await;
    assert_eq!((found.settings.default_member_action, found.unknown.len()), (Action::Hold, 3));
    // Whoever does not want it deletes the row, once.
    for was_there in [true, false] {
        let forgot = site.store.write(transaction!(|db| list_settings::forget(db, list, "colour").await));
        assert_eq!(forgot.await.unwrap(), was_there);
    }
    assert_eq!(stored(&site, list).await.unknown.len(), 2);
}

/// A list with OpenPGP stays one, whatever the style is called.
async fn an_unknown_style_is_no_way_to_the_clear(site: Site) {
    let pgp = Registry::built_in().styles.named("pgp-default").unwrap().settings();
    let list = make(&site, "other@lists.example", "pgp-default", pgp.clone()).await;
    change(&site, list, "max_message_kib", json!(7)).await;
    for number in [list, site.list] {
        let styled =
            site.store.write(transaction!(|db| testing::write_style(db, number, "pgp-of-the-future").await));
        styled.await.unwrap();
    }
    let found = settings(&site, list).await;
    assert_eq!(found, ListSettings { max_message_kib: 7, ..pgp });
    assert!(found.encrypting());
    assert_eq!(settings(&site, site.list).await, ListSettings::default());
    for (number, in_place) in [(list, "pgp-default"), (site.list, "legacy-default")] {
        let found = stored(&site, number).await;
        assert_eq!((found.style.as_str(), found.style_in_place), ("pgp-of-the-future", Some(in_place)));
    }
}

async fn settings_go_with_their_list(site: Site) {
    let list = site.list;
    change(&site, list, "description", json!("gone")).await;
    let deleted = site.store.write(transaction!(|db| lists::delete(db, list).await));
    deleted.await.unwrap();
    let mut db = site.store.reader().await.unwrap();
    assert!(list_settings::stored(&mut db, list).await.unwrap().is_none());
}

/// A list whose chain or pipeline this version does not have judges by those of its style.
async fn a_list_goes_by_no_chain_that_is_not_there(site: Site) {
    for name in ["posting_chain", "posting_pipeline"] {
        let list = site.list;
        let newer = "\"of-a-newer-version\"";
        let written =
            site.store.write(transaction!(|db| testing::write_setting(db, list, name, newer).await));
        written.await.unwrap();
        let found = stored(&site, list).await;
        assert_eq!(found.settings, found.defaults, "{name}");
        assert!(found.unknown.iter().any(|(unknown, _)| unknown == name), "{name}");
    }
}
