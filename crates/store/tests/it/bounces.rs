//! What follows from bounces: on both databases.

use crate::common::{NOW, Site, join, on_postgres};
use sealist_lists::model::{
    DeliveryStatus, ListNo, Member, MemberNo, PreferenceChange, PreferenceLevel, Role,
};
use sealist_mail::Timestamp;
use sealist_store::bounce_scores::{self, BounceEffect, BouncePolicy, Returned};
use sealist_store::deliveries::Kind;
use sealist_store::transaction;
use sealist_store::{Conn, Store, StoreError, people};

on_both! {
    bounces_of_some_days_stop_posts,
    a_probe_stops_posts_soon_after_a_bounce,
    what_many_have_alike_is_pardoned,
    a_pardon_takes_back_only_what_the_bounce_did,
}

const STOP: BouncePolicy = BouncePolicy { threshold: 2, stale_after_days: 7, probe: false };
const PROBE: BouncePolicy = BouncePolicy { threshold: 2, stale_after_days: 7, probe: true };

/// A member of the list.
async fn member(db: &mut Conn, list: ListNo) -> Result<MemberNo, StoreError> {
    join(&mut *db, list, "anne@example.org").await?;
    let roster = people::roster(db, list, Role::Member, MemberNo(0), 1).await?;
    Ok(roster[0].no)
}

fn at(day: i64) -> Timestamp {
    NOW.plus_ms(day * 24 * 3_600_000 + day)
}

/// What follows from a bounce on that day, in a word.
async fn follows(
    db: &mut Conn,
    returned: Returned,
    patience: BouncePolicy,
    day: i64,
) -> Result<&'static str, StoreError> {
    Ok(match bounce_scores::bounced(db, returned, patience, at(day)).await? {
        BounceEffect::Nothing | BounceEffect::Scored => "",
        BounceEffect::Doubted(member, email) => {
            assert_eq!((member, &email[..]), (returned.member, "anne@example.org"));
            "doubted"
        }
        BounceEffect::Stopped(email) => {
            assert_eq!(email, "anne@example.org");
            "stopped"
        }
    })
}

async fn bounces_of_some_days_stop_posts(site: Site) {
    let list = site.list;
    let story = site.store.write(transaction!(|db| {
        let post = Returned { list, member: member(&mut *db, list).await?, kind: Kind::Posting };
        let foreign = Returned { list: ListNo(list.0 + 1), ..post };
        let notice = Returned { kind: Kind::Notice, ..post };
        // Twice on a day counts once; after a week of silence it begins anew.
        for (day, returned, expected) in [
            (0, post, ""),
            (0, post, ""),
            (1, foreign, ""),
            (1, notice, ""),
            (9, post, ""),
            (10, foreign, ""),
            (10, post, "stopped"),
            (11, post, ""),
        ] {
            assert_eq!(follows(&mut *db, returned, STOP, day).await?, expected, "{returned:?} on day {day}");
        }
        Ok::<_, StoreError>(())
    }));
    story.await.unwrap();
}

async fn a_probe_stops_posts_soon_after_a_bounce(site: Site) {
    let list = site.list;
    let story = site.store.write(transaction!(|db| {
        let post = Returned { list, member: member(&mut *db, list).await?, kind: Kind::Posting };
        let probe = Returned { kind: Kind::Probe, ..post };
        let foreign = Returned { list: ListNo(list.0 + 1), ..probe };
        for (day, returned, expected) in [
            (0, probe, ""),
            (1, post, ""),
            (2, post, "doubted"),
            (2, post, ""),
            (3, foreign, ""),
            (10, probe, ""),
            (11, post, ""),
            (12, post, "doubted"),
            (17, probe, "stopped"),
            (17, probe, ""),
        ] {
            assert_eq!(follows(&mut *db, returned, PROBE, day).await?, expected, "{returned:?} on day {day}");
        }
        // Who gets posts again is not stopped by a probe of last week.
        let enabled = PreferenceChange::DeliveryStatus(Some(DeliveryStatus::Enabled));
        people::choose(&mut *db, PreferenceLevel::Member(post.member), enabled).await?;
        assert_eq!(follows(&mut *db, probe, PROBE, 25).await?, "");
        Ok::<_, StoreError>(())
    }));
    story.await.unwrap();
}

async fn what_many_have_alike_is_pardoned(site: Site) {
    let list = site.list;
    let story = site.store.write(transaction!(|db| {
        for name in ["anne", "bart", "cris", "dora", "emil"] {
            join(&mut *db, list, &format!("{name}@example.org")).await?;
        }
        let roster = people::roster(&mut *db, list, Role::Member, MemberNo(0), 9).await?;
        let patience = BouncePolicy { threshold: 2, ..STOP };
        for member in [roster[0].no, roster[4].no] {
            let returned = Returned { list, member, kind: Kind::Posting };
            bounce_scores::bounced(&mut *db, returned, patience, at(0)).await?;
        }
        // The second bounce of the first one stops posts, before the third shows that it was none.
        let mut seen = Vec::new();
        for member in &roster[..3] {
            let returned = Returned { list, member: member.no, kind: Kind::Posting };
            bounce_scores::note_cause(&mut *db, list, member.no, "post 1: 550", at(1)).await?;
            if bounce_scores::is_common(&mut *db, list, "post 1: 550").await? {
                bounce_scores::pardon(&mut *db, list, "post 1: 550").await?;
                seen.push("pardoned");
                continue;
            }
            seen.push(match bounce_scores::bounced(&mut *db, returned, patience, at(1)).await? {
                BounceEffect::Stopped(_) => "stopped",
                BounceEffect::Scored => "scored",
                _ => "nothing",
            });
            bounce_scores::has_scored(&mut *db, list, member.no, "post 1: 550", at(1)).await?;
        }
        assert_eq!(seen, ["stopped", "scored", "pardoned"]);
        assert!(!bounce_scores::is_common(&mut *db, list, "post 2: 550").await?);
        let roster = people::roster(&mut *db, list, Role::Member, MemberNo(0), 9).await?;
        let stopped = |member: &Member| member.preferences.delivery_status != DeliveryStatus::Enabled;
        assert!(!roster.iter().any(stopped));
        // What was counted is taken back; who was stopped begins anew. Who has a bounce of another day keeps
        // it.
        for (member, expected) in [(0, false), (1, false), (2, false), (4, true)] {
            let returned = Returned { list, member: roster[member].no, kind: Kind::Posting };
            let follow = bounce_scores::bounced(&mut *db, returned, patience, at(2)).await?;
            assert_eq!(matches!(follow, BounceEffect::Stopped(_)), expected, "{member}: {follow:?}");
        }
        bounce_scores::forget_causes(&mut *db, at(2)).await?;
        assert!(!bounce_scores::is_common(&mut *db, list, "post 1: 550").await?);
        Ok::<_, StoreError>(())
    }));
    story.await.unwrap();
}

const AT_ONCE: BouncePolicy = BouncePolicy { threshold: 1, ..STOP };
const CAUSE: &str = "post 3: 550";

/// A member whose delivery was disabled by one bounce with a cause.
async fn stop(db: &mut Conn, list: ListNo, member: MemberNo) -> Result<(), StoreError> {
    let returned = Returned { list, member, kind: Kind::Posting };
    bounce_scores::note_cause(&mut *db, list, member, CAUSE, at(0)).await?;
    let effect = bounce_scores::bounced(&mut *db, returned, AT_ONCE, at(0)).await?;
    assert!(matches!(effect, BounceEffect::Stopped(_)), "{effect:?}");
    bounce_scores::has_scored(db, list, member, CAUSE, at(0)).await
}

/// What people chose before the bounce and after it counts after the pardon.
async fn a_pardon_takes_back_only_what_the_bounce_did(site: Site) {
    #[derive(Clone, Copy, Debug)]
    enum At {
        Member,
        Address,
        Site,
    }
    let list = site.list;
    let story = site.store.write(transaction!(|db| {
        use DeliveryStatus::{ByModerator, ByUser, Enabled};
        for (case, (before, after, expected)) in [
            (vec![], vec![], Enabled),
            (vec![(At::Member, Some(Enabled))], vec![], Enabled),
            (vec![(At::Address, Some(ByUser)), (At::Member, Some(Enabled))], vec![], Enabled),
            (vec![], vec![(At::Address, Some(ByUser))], ByUser),
            (vec![], vec![(At::Site, Some(ByModerator))], ByModerator),
            (vec![], vec![(At::Address, Some(Enabled)), (At::Site, Some(ByModerator))], Enabled),
            (vec![], vec![(At::Member, Some(ByUser))], ByUser),
            (vec![], vec![(At::Member, None), (At::Address, Some(ByUser))], ByUser),
            (vec![(At::Member, Some(Enabled))], vec![(At::Address, Some(ByUser))], Enabled),
        ]
        .into_iter()
        .enumerate()
        {
            let email = format!("m{case}@example.org");
            join(&mut *db, list, &email).await?;
            let address = people::find_address(&mut *db, &email.parse().unwrap()).await?.unwrap();
            let roster = people::roster(&mut *db, list, Role::Member, MemberNo(0), 99).await?;
            let member = roster.last().unwrap().no;
            let level = |at: At| match at {
                At::Member => PreferenceLevel::Member(member),
                At::Address => PreferenceLevel::Address(address),
                At::Site => PreferenceLevel::Site,
            };
            for (at, status) in &before {
                people::choose(&mut *db, level(*at), PreferenceChange::DeliveryStatus(*status)).await?;
            }
            stop(&mut *db, list, member).await?;
            for (at, status) in &after {
                people::choose(&mut *db, level(*at), PreferenceChange::DeliveryStatus(*status)).await?;
            }
            bounce_scores::pardon(&mut *db, list, CAUSE).await?;
            let levels = people::levels_of(&mut *db, member).await?;
            assert_eq!(levels.effective().delivery_status, expected, "{before:?}, then {after:?}");
            people::choose(&mut *db, PreferenceLevel::Site, PreferenceChange::DeliveryStatus(None)).await?;
        }
        Ok::<_, StoreError>(())
    }));
    story.await.unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Bounce(Kind),
    Pardon,
}

/// One node counts a bounce of a member while another node, which is changing preferences, comes to the same
/// member: the two never wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn bounces_and_choices_wait_in_one_order() {
    for act in [Act::Bounce(Kind::Posting), Act::Bounce(Kind::Probe), Act::Pardon] {
        let site = on_postgres().await;
        let (list, other) = (site.list, Store::open_url(&site.url).await.unwrap());
        let begun = site.store.write(transaction!(|db| {
            let member = member(&mut *db, list).await?;
            join(&mut *db, list, "bart@example.org").await?;
            let posted = Returned { list, member, kind: Kind::Posting };
            match act {
                Act::Bounce(Kind::Probe) => {
                    let patience = BouncePolicy { probe: true, ..AT_ONCE };
                    bounce_scores::bounced(&mut *db, posted, patience, at(0)).await?;
                }
                Act::Bounce(_) => {}
                Act::Pardon => stop(&mut *db, list, member).await?,
            }
            let roster = people::roster(db, list, Role::Member, MemberNo(0), 2).await?;
            Ok::<_, StoreError>((member, roster[1].no))
        }));
        let (anne, bart) = begun.await.unwrap();
        let (sender, chooses) = tokio::sync::oneshot::channel();
        let chosen = tokio::spawn(async move {
            let chosen = other.write(transaction!(|db| {
                let change = PreferenceChange::ReceiveListCopy(Some(false));
                people::choose(&mut *db, PreferenceLevel::Member(bart), change).await?;
                sender.send(()).unwrap();
                // Time for the other node to come as far as it can.
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                people::choose(db, PreferenceLevel::Member(anne), change).await
            }));
            chosen.await
        });
        chooses.await.unwrap();
        let counted = site.store.write(transaction!(|db| {
            match act {
                Act::Bounce(kind) => {
                    let returned = Returned { list, member: anne, kind };
                    bounce_scores::bounced(db, returned, AT_ONCE, at(0)).await.map(|_| ())
                }
                Act::Pardon => bounce_scores::pardon(db, list, CAUSE).await.map(|_| ()),
            }
        }));
        let (counted, chosen): (Result<(), StoreError>, Result<bool, StoreError>) =
            (counted.await, chosen.await.unwrap());
        assert!(counted.is_ok() && chosen.is_ok(), "{act:?}: {counted:?}, {chosen:?}");
    }
}
