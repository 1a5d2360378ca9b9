//! Words that a newer version wrote about people and messages, on both databases: the rows stay as they are,
//! what is beside them works, and an admin can take the words back.

use crate::common::{NOW, Site, claim_entries, join, push};
use sealist_lists::model::{
    Action, BanPattern, DeliveryMode, DeliveryStatus, Member, MemberNo, PreferenceChange, PreferenceLevel,
    Role,
};
use sealist_store::queue::{self, QueueName};
use sealist_store::{StoreError, holds, people, traces};
use sealist_store::{testing, transaction};

on_both! {
    a_member_with_a_word_of_a_newer_version_is_a_member,
    a_choice_of_a_newer_version_can_be_taken_back_on_each_level,
    a_ban_of_a_newer_version_hides_no_other,
    a_sub_address_of_a_newer_version_stops_no_other_mail,
}

async fn write(site: &Site, statement: &'static str) {
    let written = site.store.write(transaction!(|db| testing::write_as_newer(db, statement).await));
    written.await.unwrap();
}

async fn member(site: &Site) -> Member {
    let mut db = site.store.reader().await.unwrap();
    people::roster(&mut db, site.list, Role::Member, MemberNo(0), 9).await.unwrap().remove(0)
}

async fn a_member_with_a_word_of_a_newer_version_is_a_member(site: Site) {
    let list = site.list;
    site.store.write(transaction!(|db| join(db, list, "anne@x.example").await)).await.unwrap();
    write(&site, "UPDATE members SET delivery_mode = 'by_pigeon'").await;
    assert_eq!(member(&site).await.preferences.delivery_mode, DeliveryMode::Regular);
    write(&site, "UPDATE members SET delivery_status = 'on_holiday'").await;
    assert_ne!(member(&site).await.preferences.delivery_status, DeliveryStatus::Enabled, "no post is sent");
    write(&site, "UPDATE members SET moderation_action = 'quarantine'").await;
    assert_eq!(member(&site).await.moderation_action, Some(Action::Hold));
    write(&site, "UPDATE members SET preferred_language = 'tlh'").await;
    assert_eq!(member(&site).await.preferences.preferred_language, None);
}

async fn a_choice_of_a_newer_version_can_be_taken_back_on_each_level(site: Site) {
    let list = site.list;
    site.store.write(transaction!(|db| join(db, list, "anne@x.example").await)).await.unwrap();
    let anne = member(&site).await;
    let user = site.store.write(transaction!(|db| {
        let user = people::create_user(&mut *db, "", NOW).await?;
        people::link(db, user, anne.address_no).await.map(|_| user)
    }));
    let levels = [
        PreferenceLevel::Member(anne.no),
        PreferenceLevel::Address(anne.address_no),
        PreferenceLevel::User(user.await.unwrap()),
        PreferenceLevel::Site,
    ];
    for level in levels {
        for known in [
            PreferenceChange::DeliveryStatus(Some(DeliveryStatus::ByUser)),
            PreferenceChange::DeliveryMode(Some(DeliveryMode::MimeDigests)),
        ] {
            let choose = async |change: PreferenceChange| {
                site.store.write(transaction!(|db| people::choose(db, level, change).await)).await.unwrap()
            };
            assert!(choose(known).await);
            write(
                &site,
                "UPDATE preferences SET delivery_status = 'on_holiday' WHERE delivery_status IS NOT NULL",
            )
            .await;
            write(
                &site,
                "UPDATE preferences SET delivery_mode = 'by_pigeon' WHERE delivery_mode IS NOT NULL",
            )
            .await;
            let mut db = site.store.reader().await.unwrap();
            assert!(people::choices(&mut db, level).await.is_ok(), "{level:?} {known:?}");
            assert!(people::levels_of(&mut db, anne.no).await.is_ok());
            drop(db);
            let other = PreferenceChange::ReceiveListCopy(Some(false));
            assert!(choose(other).await && !choose(other).await, "what is beside it can be chosen");
            let open = match known {
                PreferenceChange::DeliveryMode(_) => PreferenceChange::DeliveryMode(None),
                _ => PreferenceChange::DeliveryStatus(None),
            };
            assert!(choose(open).await, "{level:?} {known:?}: it stood there until now");
            assert!(!choose(open).await);
            assert!(choose(PreferenceChange::ReceiveListCopy(None)).await);
            let now = member(&site).await.preferences;
            assert_eq!((now.delivery_mode, now.delivery_status), Default::default(), "{level:?}");
        }
    }
}

async fn a_ban_of_a_newer_version_hides_no_other(site: Site) {
    write(&site, "INSERT INTO bans (pattern, created_at) VALUES ('/^eve.*/', 1)").await;
    let eve: BanPattern = "eve@x.example".parse().unwrap();
    let banned = eve.clone();
    assert!(site.store.write(transaction!(|db| people::ban(db, None, &banned, NOW).await)).await.unwrap());
    let bans = people::bans(&mut site.store.reader().await.unwrap(), None).await.unwrap();
    assert_eq!(bans.iter().map(|ban| &ban.pattern).collect::<Vec<_>>(), [&eve]);
}

async fn a_sub_address_of_a_newer_version_stops_no_other_mail(site: Site) {
    let list = site.list;
    for queue in ["in", "paused", "hold", "shunt"] {
        let foreign = site.store.write(transaction!(|db| {
            let no = push(&mut *db, list).await?;
            let moon = format!(
                "UPDATE queue SET sub_address = 'moon', queue = '{queue}', held_at = 1 WHERE no = {no}"
            );
            testing::write_as_newer(&mut *db, &moon).await?;
            Ok::<_, StoreError>(no)
        }));
        let foreign = foreign.await.unwrap();
        let own = site.store.write(transaction!(|db| push(db, list).await)).await.unwrap();
        let claimed = site.store.write(transaction!(|db| claim_entries(db, 9, NOW).await)).await.unwrap();
        assert_eq!(claimed.iter().map(|entry| entry.no).collect::<Vec<_>>(), [own], "{queue}");
        let mut db = site.store.reader().await.unwrap();
        for place in [QueueName::In, QueueName::Paused, QueueName::Hold, QueueName::Shunt] {
            assert!(queue::listed(&mut db, place).await.is_ok(), "{queue}");
        }
        assert_eq!(holds::of_list(&mut db, list).await.unwrap().len(), 0);
        assert!(queue::find(&mut db, foreign).await.unwrap().is_none());
        assert!(traces::message(&mut db, foreign).await.unwrap().is_none());
        assert!(traces::message(&mut db, own).await.unwrap().is_some());
    }
    let waits = queue::waiting(&mut site.store.reader().await.unwrap()).await.unwrap();
    assert_eq!(waits, 6, "nothing is lost: four of ours, and what only the newer version can judge");
}
