//! Users, addresses, members and what they choose: whatever is done in whatever order, what counts for a
//! member is what the levels come to, and linking addresses changes nothing about keys.

use crate::common::{NOW, Site, join};
use sealist_lists::model::{
    Action, AddressNo, DeliveryStatus, ListNo, MemberNo, PreferenceChange, PreferenceLevel, Preferences, Role,
};
use sealist_lists::texts::Language;
use sealist_store::keys::{self, CertificateRow};
use sealist_store::people::{self, Subscriber};
use sealist_store::transaction;
use sealist_store::{Conn, Store, StoreError, key_changes};

on_both! {
    what_counts_is_what_the_levels_come_to,
    choices_made_at_the_same_time_all_count,
    nodes_that_change_people_never_wait_for_each_other,
    a_link_carries_no_key,
    memberships_of_a_user_follow_the_preferred_address,
    a_roster_says_who_has_which_key,
    the_same_choice_again_is_no_change,
}

const ADDRESSES: [&str; 3] = ["a@x.example", "b@x.example", "c@x.example"];

/// A fixed sequence of numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit).unwrap()
    }
}

fn some_change(dice: &mut Dice) -> PreferenceChange {
    let flag = [None, Some(true), Some(false)][dice.below(3)];
    match dice.below(5) {
        0 => PreferenceChange::ReceiveListCopy(flag),
        1 => PreferenceChange::ReceiveOwnPostings(flag),
        2 => PreferenceChange::AllowCleartext(flag),
        3 => {
            PreferenceChange::PreferredLanguage([None, Some(Language::De), Some(Language::Fr)][dice.below(3)])
        }
        _ => PreferenceChange::DeliveryStatus(
            [None, Some(DeliveryStatus::Enabled), Some(DeliveryStatus::ByUser)][dice.below(3)],
        ),
    }
}

async fn address_no(db: &mut Conn, address: &str) -> AddressNo {
    people::find_address(db, &address.parse().unwrap()).await.unwrap().unwrap()
}

async fn all_members(db: &mut Conn, site_list: ListNo) -> Vec<MemberNo> {
    let roster = people::roster(db, site_list, Role::Member, MemberNo(0), 99).await.unwrap();
    roster.iter().map(|member| member.no).collect()
}

async fn what_counts_is_what_the_levels_come_to(site: Site) {
    let list = site.list;
    site.store
        .write(transaction!(|db| {
            let mut dice = Dice(7);
            let user = people::create_user(&mut *db, "Una", NOW).await?;
            for step in 0..150 {
                let address = ADDRESSES[dice.below(3)];
                let parsed = address.parse().unwrap();
                let no = people::ensure_address(&mut *db, &parsed, "", NOW).await?;
                let roles = people::roles_of(&mut *db, list, &parsed).await?;
                let change = some_change(&mut dice);
                match (dice.below(6), roles.first()) {
                    (0, None) => {
                        let chosen = Preferences::default().with(change);
                        people::add_member(&mut *db, list, no, Role::Member, chosen, NOW).await?;
                    }
                    (0, Some(member)) => {
                        people::remove_member(&mut *db, member.no).await?;
                    }
                    (1, _) => {
                        people::unlink(&mut *db, no).await?;
                    }
                    (2, _) => {
                        people::link(&mut *db, user, no).await?;
                    }
                    (_, member) => {
                        let levels = [
                            PreferenceLevel::Site,
                            PreferenceLevel::User(user),
                            PreferenceLevel::Address(no),
                            PreferenceLevel::Member(member.map_or(MemberNo(0), |member| member.no)),
                        ];
                        let level = levels[dice.below(if member.is_some() { 4 } else { 3 })];
                        if level.takes(change).is_ok() {
                            people::choose(&mut *db, level, change).await?;
                            assert_eq!(
                                people::choices(&mut *db, level).await?.with(change),
                                people::choices(&mut *db, level).await?
                            );
                        }
                    }
                }
                check_all(&mut *db, list, step).await;
            }
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn check_all(db: &mut Conn, list: ListNo, step: usize) {
    for member in people::roster(db, list, Role::Member, MemberNo(0), 99).await.unwrap() {
        let levels = people::levels_of(db, member.no).await.unwrap();
        assert_eq!(member.preferences, levels.effective(), "step {step}: {}", member.address);
        let language = people::language_of(db, list, &member.address).await.unwrap();
        assert_eq!(language, levels.effective().preferred_language, "step {step}: {}", member.address);
    }
}

/// Two processes change different levels and choices of one person at once, while the person joins more
/// lists. What a transaction does to a member before it changes what counts.
const FIRST_STEPS: [&str; 9] = [
    "look at all",
    "name",
    "spell",
    "verify",
    "moderate",
    "key waits",
    "key counts",
    "another joins",
    "leave",
];

async fn first_step(db: &mut Conn, list: ListNo, what: &str, member: MemberNo) -> Result<(), StoreError> {
    let address = ADDRESSES[0].parse().unwrap();
    match what {
        "look at all" => people::locked_roster(db, list, Role::Member).await.map(drop),
        "name" => people::set_name(db, &address, "Anne").await.map(drop),
        "spell" => people::ensure_address(db, &address, "Anna", NOW).await.map(drop),
        "verify" => {
            let no = address_no(&mut *db, ADDRESSES[0]).await;
            people::verify(db, no, NOW).await.map(drop)
        }
        "moderate" => people::set_moderation_action(db, member, Some(Action::Hold)).await.map(drop),
        "key waits" => people::mark_key_pending_approval(db, list, &address).await.map(drop),
        "key counts" => people::approve_key(db, Some(list), &address, NOW).await.map(drop),
        "another joins" => join(db, list, ADDRESSES[1]).await,
        _ => people::remove_member(db, member).await.map(drop),
    }
}

/// One node changes the row of a person, and then what counts for somebody; meanwhile another changes what
/// counts for all.
async fn nodes_that_change_people_never_wait_for_each_other(site: Site) {
    let list = site.list;
    let other =
        if site.url.is_empty() { site.store.clone() } else { Store::open_url(&site.url).await.unwrap() };
    let member = site.store.write(transaction!(|db| {
        join(&mut *db, list, ADDRESSES[0]).await?;
        join(&mut *db, list, ADDRESSES[2]).await?;
        Ok::<_, StoreError>(all_members(db, list).await)
    }));
    let members = member.await.unwrap();
    for (round, step) in FIRST_STEPS.into_iter().enumerate() {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let [member, beside] = [members[0], members[1]];
        let flag = Some(round % 2 == 0);
        let one = site.store.write(transaction!(|db| {
            first_step(&mut *db, list, step, member).await?;
            let _ = begun.send(());
            // Until the other waits. What comes in between is no failure.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            people::choose(db, PreferenceLevel::Member(beside), PreferenceChange::ReceiveOwnPostings(flag))
                .await
        }));
        let all = async {
            has_begun.await.unwrap();
            let change = PreferenceChange::ReceiveListCopy(flag);
            other.write(transaction!(|db| people::choose(db, PreferenceLevel::Site, change).await)).await
        };
        let (one, all): (Result<bool, StoreError>, Result<bool, StoreError>) = tokio::join!(one, all);
        assert!(one.is_ok() && all.is_ok(), "{step}: {one:?} {all:?}");
    }
}

async fn choices_made_at_the_same_time_all_count(site: Site) {
    let list = site.list;
    let (address, member) = site
        .store
        .write(transaction!(|db| {
            join(&mut *db, list, ADDRESSES[0]).await?;
            Ok::<_, StoreError>((address_no(db, ADDRESSES[0]).await, all_members(db, list).await[0]))
        }))
        .await
        .unwrap();
    let other =
        if site.url.is_empty() { site.store.clone() } else { Store::open_url(&site.url).await.unwrap() };
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..60 {
        let store = if round % 2 == 0 { site.store.clone() } else { other.clone() };
        tasks.spawn(async move {
            let off = Some(false);
            let (level, change) = match round % 6 {
                0 => (PreferenceLevel::Member(member), PreferenceChange::ReceiveListCopy(off)),
                1 => (PreferenceLevel::Member(member), PreferenceChange::ReceiveOwnPostings(off)),
                2 => (PreferenceLevel::Address(address), PreferenceChange::AllowCleartext(off)),
                3 => (
                    PreferenceLevel::Address(address),
                    PreferenceChange::PreferredLanguage(Some(Language::De)),
                ),
                4 => {
                    let chosen = PreferenceChange::DeliveryStatus(Some(DeliveryStatus::ByModerator));
                    (PreferenceLevel::Site, chosen)
                }
                _ => {
                    let joined = store.write(transaction!(|db| {
                        let role = if round % 4 == 1 { Role::Owner } else { Role::Moderator };
                        match people::add_member(db, list, address, role, Preferences::default(), NOW).await {
                            Ok(_) | Err(StoreError::Duplicate) => Ok(()),
                            Err(other) => Err(other),
                        }
                    }));
                    let _: Result<(), StoreError> = joined.await;
                    return;
                }
            };
            store.write(transaction!(|db| people::choose(db, level, change).await)).await.unwrap();
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let mut db = site.store.reader().await.unwrap();
    let roles = people::roles_of(&mut db, list, &ADDRESSES[0].parse().unwrap()).await.unwrap();
    assert_eq!(roles.len(), 3);
    for role in roles {
        let levels = people::levels_of(&mut db, role.no).await.unwrap();
        assert_eq!(role.preferences, levels.effective(), "{:?}", role.role);
        assert_eq!(levels.site.delivery_status, Some(DeliveryStatus::ByModerator));
        assert!(levels.address.allow_cleartext.is_some() && levels.address.preferred_language.is_some());
        if role.role == Role::Member {
            assert!(
                levels.member.receive_list_copy.is_some() && levels.member.receive_own_postings.is_some()
            );
        }
    }
}

/// Whoever links an address to a user gets nothing that the key of another address may do.
async fn a_link_carries_no_key(site: Site) {
    let list = site.list;
    let linked = site.store.write(transaction!(|db| {
        for address in &ADDRESSES[..2] {
            join(&mut *db, list, address).await?;
        }
        let [a, b] = [address_no(db, ADDRESSES[0]).await, address_no(db, ADDRESSES[1]).await];
        let key = CertificateRow {
            fingerprint: "AAAA".to_owned(),
            certificate: vec![1],
            card: Some(vec![2]),
            unusable: None,
            confirmed_at: Some(NOW),
        };
        keys::set_certificate(&mut *db, a, &key, NOW).await?;
        people::mark_key_pending_approval(&mut *db, list, &ADDRESSES[1].parse().unwrap()).await?;
        let cleartext = PreferenceChange::AllowCleartext(Some(true));
        people::choose(&mut *db, PreferenceLevel::Address(a), cleartext).await?;
        let before = of_keys(&mut *db, b, list).await?;
        let user = people::create_user(&mut *db, "", NOW).await?;
        for address in [a, b] {
            assert!(people::link(&mut *db, user, address).await?);
        }
        people::prefer(&mut *db, user, a).await?;
        assert_eq!(before, of_keys(&mut *db, b, list).await?, "b has no key, and no word of a's");
        assert_eq!(keys::certificate_of(&mut *db, a).await?, Some(key));
        // The database itself refuses what no caller may ask for.
        let user_level = PreferenceLevel::User(user);
        Ok::<_, StoreError>((user_level, cleartext))
    }));
    let (level, cleartext) = linked.await.unwrap();
    assert!(level.takes(cleartext).is_err());
    let chosen: Result<bool, StoreError> =
        site.store.write(transaction!(|db| people::choose(db, level, cleartext).await)).await;
    assert!(chosen.is_err(), "a user makes no choice about the key of an address");
}

/// All that is known of the key of an address, and what follows from it.
async fn of_keys(db: &mut Conn, address: AddressNo, list: ListNo) -> Result<String, StoreError> {
    let key = keys::certificate_of(&mut *db, address).await?;
    let changes = key_changes::of(&mut *db, address).await?;
    let roles = people::roles_of(&mut *db, list, &ADDRESSES[1].parse().unwrap()).await?;
    let of_roles: Vec<_> =
        roles.iter().map(|role| (role.key_pending_approval, role.preferences.allow_cleartext)).collect();
    Ok(format!("{key:?} {changes:?} {of_roles:?}"))
}

async fn memberships_of_a_user_follow_the_preferred_address(site: Site) {
    let list = site.list;
    site.store
        .write(transaction!(|db| {
            let user = people::create_user(&mut *db, "Una", NOW).await?;
            let mut numbers = Vec::new();
            for address in ADDRESSES {
                let no = people::ensure_address(&mut *db, &address.parse().unwrap(), "", NOW).await?;
                numbers.push(no);
            }
            let [a, b, c] = numbers[..] else { panic!("three") };
            assert!(people::link(&mut *db, user, a).await? && people::link(&mut *db, user, b).await?);
            let other = people::create_user(&mut *db, "Otto", NOW).await?;
            assert!(!people::link(&mut *db, other, a).await?, "it is somebody else's");
            assert!(people::prefer(&mut *db, user, a).await?);
            assert!(!people::prefer(&mut *db, user, c).await?, "it is not the user's");
            let chosen = Preferences::default();
            let subscriber = Subscriber::User(user, a);
            people::subscribe(&mut *db, list, subscriber, Role::Member, chosen, NOW).await?;
            people::add_member(&mut *db, list, a, Role::Owner, chosen, NOW).await?;
            let by_b = PreferenceChange::ReceiveListCopy(Some(false));
            people::choose(&mut *db, PreferenceLevel::Address(b), by_b).await?;

            assert!(people::prefer(&mut *db, user, b).await?);
            let of_b = people::roles_of(&mut *db, list, &ADDRESSES[1].parse().unwrap()).await?;
            assert_eq!(of_b.iter().map(|role| role.role).collect::<Vec<_>>(), [Role::Member]);
            assert!(!of_b[0].preferences.receive_list_copy, "the choices of the new address count");
            assert_eq!(of_b[0].subscribed_user, Some(user));
            let of_a = people::roles_of(&mut *db, list, &ADDRESSES[0].parse().unwrap()).await?;
            assert_eq!(of_a.iter().map(|role| role.role).collect::<Vec<_>>(), [Role::Owner]);
            assert!(!people::unlink(&mut *db, b).await?, "the membership would have no address");
            assert!(people::unlink(&mut *db, a).await?);
            let found = people::user_of(&mut *db, b).await?.unwrap();
            assert_eq!(found.preferred().map(|linked| linked.no), Some(b));
            assert_eq!(found.addresses.len(), 1);
            Ok::<_, StoreError>(())
        }))
        .await
        .unwrap();
}

async fn a_roster_says_who_has_which_key(site: Site) {
    let list = site.list;
    let read = site.store.write(transaction!(|db| {
        join(&mut *db, list, "a@x.example").await?;
        join(&mut *db, list, "b@x.example").await?;
        let row = CertificateRow {
            fingerprint: "AB".into(),
            certificate: vec![1],
            card: None,
            unusable: Some("expired".into()),
            confirmed_at: Some(NOW),
        };
        let a = address_no(&mut *db, "a@x.example").await;
        keys::set_certificate(&mut *db, a, &row, NOW).await?;
        let a_alone = people::states_of(&mut *db, list, &"a@x.example".parse().unwrap()).await?;
        let both = people::states_like(&mut *db, "*@x.example", AddressNo(0), 9).await?;
        let roster = people::states_of_role(&mut *db, list, Role::Member, MemberNo(0), 9).await?;
        let keys = |states: &[people::MemberState]| -> Vec<Option<(String, bool)>> {
            let key = |state: &people::MemberState| {
                state.key.as_ref().map(|key| (key.fingerprint.clone(), key.has_card))
            };
            states.iter().map(key).collect()
        };
        let key = Some(("AB".to_owned(), false));
        assert_eq!(keys(&a_alone), std::slice::from_ref(&key));
        assert_eq!(keys(&both), [key.clone(), None]);
        assert_eq!(keys(&roster), [key, None]);
        Ok::<_, StoreError>(())
    }));
    read.await.unwrap();
}

/// Whoever records changes relies on this: what is the same as before is told apart, also where nothing was
/// chosen.
async fn the_same_choice_again_is_no_change(site: Site) {
    let list = site.list;
    let done = site.store.write(transaction!(|db| {
        join(&mut *db, list, ADDRESSES[0]).await?;
        let (anne, member) = (ADDRESSES[0].parse().unwrap(), all_members(&mut *db, list).await[0]);
        for (action, is_new) in [
            (None, false),
            (Some(Action::Hold), true),
            (Some(Action::Hold), false),
            (Some(Action::Reject), true),
            (None, true),
            (None, false),
        ] {
            let changed = people::set_moderation_action(&mut *db, member, action).await?;
            assert_eq!(changed, is_new, "{action:?}");
        }
        for (name, is_new) in [("", false), ("Anne", true), ("Anne", false), ("", true)] {
            assert_eq!(people::set_name(&mut *db, &anne, name).await?, is_new, "{name:?}");
        }
        for (language, is_new) in
            [(None, false), (Some(Language::De), true), (Some(Language::De), false), (None, true)]
        {
            let changed = people::set_language(&mut *db, &anne, language).await?;
            assert_eq!(changed, is_new, "{language:?}");
        }
        for (list_copy, is_new) in [(None, false), (Some(true), true), (Some(true), false), (None, true)] {
            let change = PreferenceChange::ReceiveListCopy(list_copy);
            for level in [PreferenceLevel::Member(member), PreferenceLevel::Site] {
                let changed = people::choose(&mut *db, level, change).await?;
                assert_eq!(changed, is_new, "{level:?} {list_copy:?}");
            }
        }
        Ok::<_, StoreError>(())
    }));
    done.await.unwrap();
}
