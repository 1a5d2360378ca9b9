//! What an admin changes.

use sealist_app::{
    BanChange, CopyChange, CopySelection, HeldSelection, LastOwner, MemberChange, MessageDecision,
    PreferenceHolder, RolesToEnd, UserChange,
};
use sealist_lists::model::{DeliveryNo, ListName, PreferenceChange, SendingNo};
use sealist_store::copies;
use sealist_store::queue;

use super::*;
use crate::moved_clock::{post_plain, set_setting};

const VICTIM: &str = "victim@victims.example";

pub(super) async fn table() -> Vec<Stage> {
    vec![
        Box::pin(lists_and_settings()).await,
        Box::pin(people()).await,
        Box::pin(messages()).await,
        Box::pin(copies()).await,
    ]
}

async fn lists_and_settings() -> Stage {
    let stage = Stage::new().await;
    let cli = || stage.app.as_operator().at(day(0));
    let name: ListName = TEAM.parse().unwrap();
    stage
        .row("create", &["list-created command-line team -"], Again::Refused, async || {
            cli().lists().create(&name, PLAIN).await.map(drop)
        })
        .await;
    let list = stage.list().await;
    stage
        .row("setting", &["setting-changed command-line team -"], Again::Nothing, async || {
            set_setting(&stage.app, &mut list.clone(), "description", "Words", day(0)).await.unwrap();
            Ok(())
        })
        .await;
    stage
        .row("hold", &["list-held command-line team -"], Again::Nothing, async || {
            cli().lists().hold(&name).await
        })
        .await;
    stage
        .row("release", &["list-released command-line team -"], Again::Refused, async || {
            cli().lists().release(&name).await
        })
        .await;
    for (consumer, again) in [("one", Again::Refused), ("two", Again::Refused)] {
        stage
            .row("follow", &["consumer-added command-line - -"], again, async || {
                cli().events().add_consumer(consumer, StartAt::Oldest).await
            })
            .await;
    }
    stage
        .row("follow no more", &["consumer-removed command-line - -"], Again::Refused, async || {
            cli().events().remove_consumer("one").await
        })
        .await;
    set_setting(&stage.app, &mut list.clone(), "archive", "true", day(0)).await.unwrap();
    set_setting(&stage.app, &mut list.clone(), "default_nonmember_action", "accept", day(0)).await.unwrap();
    stage.send(EVE, TEAM, "kept", day(0)).await;
    deliver(&stage.app, day(0)).await;
    stage.happened().await;
    stage
        .row("purge", &["archive-purged command-line team -"], Again::Nothing, async || {
            assert!(cli().lists().purge_archive(&name).await? <= 1);
            Ok(())
        })
        .await;
    stage
        .row("delete", &["list-deleted command-line team -"], Again::Refused, async || {
            cli().lists().delete(&name).await
        })
        .await;
    let of_deleted = cli().events().newest(Some(&name), 9).await.unwrap();
    assert!(of_deleted.len() > 5 && of_deleted.iter().all(|one| one.list == TEAM), "{of_deleted:?}");
    stage
}

async fn people() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    let cli = || stage.app.as_operator().at(day(0));
    let verified = format!("address-verified command-line team {OLGA}");
    let joined = format!("member-joined command-line team {OLGA}");
    stage
        .row("add an owner", &[&verified, &joined], Again::Refused, async || {
            cli().members(&list.name).add(member(OLGA, Role::Owner, None)).await
        })
        .await;
    stage
        .row("add a member", &[&joined], Again::Refused, async || {
            cli().members(&list.name).add(member(OLGA, Role::Member, None)).await
        })
        .await;
    let changed = [format!("preference-changed command-line team {OLGA}")];
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    for (name, value) in [
        ("receive_own_postings", Some("false")),
        ("delivery_status", Some("by_user")),
        ("preferred_language", Some("de")),
        ("moderation_action", Some("hold")),
        ("moderation_action", None),
    ] {
        let change = MemberChange::parse(name, value).unwrap();
        stage
            .row(name, &changed, Again::Nothing, async || {
                cli().members(&list.name).change(&address(OLGA), None, change).await.map(drop)
            })
            .await;
    }
    let of_address = format!("preference-changed command-line - {OLGA}");
    stage
        .row("rename", &[&of_address], Again::Nothing, async || {
            cli().users().rename(&address(OLGA), "Olga").await
        })
        .await;
    let home = "olga@home.example";
    let linked = |who: &str| format!("address-linked command-line - {who}");
    let preferred = |who: &str| format!("address-preferred command-line - {who}");
    stage
        .row("link", &[&linked(OLGA), &preferred(OLGA), &linked(home)], Again::Nothing, async || {
            cli().users().link(&address(OLGA), &address(home)).await.map(drop)
        })
        .await;
    for (holder, expected) in [
        (PreferenceHolder::Site, "preference-changed command-line - -"),
        (PreferenceHolder::Address(address(OLGA)), of_address.as_str()),
        (PreferenceHolder::User(address(OLGA)), of_address.as_str()),
    ] {
        let change = PreferenceChange::parse("receive_list_copy", Some("false")).unwrap();
        stage
            .row("a level", &[expected], Again::Nothing, async || {
                cli().preferences().choose(holder.clone(), change).await.map(drop)
            })
            .await;
    }
    for who in [home, OLGA] {
        stage
            .row("prefer", &[&preferred(who)], Again::Nothing, async || {
                cli().users().prefer(&address(who)).await.map(drop)
            })
            .await;
    }
    stage
        .row("unlink", &[&format!("address-unlinked command-line - {home}")], Again::Refused, async || {
            cli().users().unlink(&address(home)).await
        })
        .await;
    for (change, event) in [(true, "server-owner-added"), (false, "server-owner-removed")] {
        let expected = format!("{event} command-line - {OLGA}");
        stage
            .row(event, &[&expected], Again::Nothing, async || {
                cli().users().change(&address(OLGA), UserChange::ServerOwner(change)).await.map(drop)
            })
            .await;
    }
    stage
        .row("delete a person", &["person-deleted command-line - -"], Again::Refused, async || {
            cli().users().delete(&address(home)).await.map(drop)
        })
        .await;
    for (list, at) in [(Some(&list.name), "team"), (None, "-")] {
        for (pattern, who) in [(EVE, EVE), ("@far.example", "-")] {
            for (change, event) in [(BanChange::Add, "ban-added"), (BanChange::Remove, "ban-removed")] {
                let expected = format!("{event} command-line {at} {who}");
                stage
                    .row("ban", &[&expected], Again::Nothing, async || {
                        cli().bans().change(list, &pattern.parse().unwrap(), change).await.map(drop)
                    })
                    .await;
            }
        }
    }
    stage
        .row("remove", &[&format!("member-left command-line team {OLGA}")], Again::Refused, async || {
            let role = RolesToEnd::One(Role::Member);
            cli().members(&list.name).remove(&address(OLGA), role, LastOwner::Stays).await.map(drop)
        })
        .await;
    stage
        .row("the last owner", &[], Again::Nothing, async || {
            let (members, who) = (cli().members(&list.name), address(OLGA));
            let removed = members.remove(&who, RolesToEnd::All, LastOwner::Stays);
            assert!(removed.await.is_err());
            Ok(())
        })
        .await;
    stage
}

/// A message of a stranger names nobody; that of a member names the member, and never the envelope sender.
async fn messages() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    let cli = || stage.app.as_operator().at(day(0));
    cli().members(&list.name).add(member(ANNE, Role::Member, None)).await.unwrap();
    cli().members(&list.name).add(member(OLGA, Role::Owner, None)).await.unwrap();
    let moderated = MemberChange::parse("moderation_action", Some("hold")).unwrap();
    cli().members(&list.name).change(&address(ANNE), None, moderated).await.unwrap();
    stage.happened().await;
    for (from, sender, who) in [(EVE, VICTIM, "-"), (ANNE, VICTIM, "-"), (ANNE, ANNE, ANNE)] {
        for (decision, event) in [
            (MessageDecision::Accept, "hold-accepted"),
            (MessageDecision::Reject(REASON.to_owned()), "hold-rejected"),
            (MessageDecision::Discard, "hold-discarded"),
        ] {
            let text = format!("From: {from}\r\nSubject: x\r\n\r\n{decision:?} {from} {sender}\r\n");
            stage
                .row("held", &[&format!("hold-begun server team {who}")], Again::Another, async || {
                    receive_from(&stage.app, sender, TEAM, text.as_bytes(), day(0)).await;
                    Ok(())
                })
                .await;
            let entry = stage.held().await;
            stage
                .row("show", &[&format!("hold-shown command-line team {OLGA}")], Again::Another, async || {
                    cli().messages().open_for(entry, &address(OLGA)).await
                })
                .await;
            stage
                .row(event, &[&format!("{event} command-line team {who}")], Again::Refused, async || {
                    cli().messages().decide(entry, decision.clone()).await.map(drop)
                })
                .await;
            deliver(&stage.app, day(0)).await;
        }
    }
    for number in 0..2 {
        stage.send(EVE, TEAM, &format!("Number {number}"), day(0)).await;
    }
    stage.happened().await;
    stage
        .row("all", &["hold-discarded command-line team -"; 2], Again::Nothing, async || {
            cli().messages().discard_all(&HeldSelection::default()).await.map(drop)
        })
        .await;
    // A message that was not judged yet.
    let arrival = sealist_app::Destination::at(&stage.app, &TEAM.parse().unwrap()).await.unwrap().unwrap();
    let mut intake = sealist_app::Intake::begin(&arrival, Some(EVE)).unwrap();
    intake.write(b"From: eve@far.example\r\n\r\nWords.\r\n").unwrap();
    intake.commit(&stage.app, sealist_openpgp::random(), day(0)).await.unwrap();
    let waiting = queue::QueueName::In;
    let unjudged = queue::listed(&mut stage.app.store().reader().await.unwrap(), waiting).await.unwrap();
    stage
        .row("hold", &["hold-begun command-line team -"], Again::Refused, async || {
            cli().messages().hold(unjudged[0].no).await
        })
        .await;
    stage
}

async fn copies() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    let cli = || stage.app.as_operator().at(day(0));
    cli().members(&list.name).add(member(ANNE, Role::Member, None)).await.unwrap();
    post_plain(&stage.app, &list, day(0)).await;
    stage.happened().await;
    let post = copies::on_their_way(&mut stage.app.store().reader().await.unwrap()).await.unwrap()[0].no;
    for (change, event, again) in [
        (CopyChange::Hold, "copies-held command-line team -", Again::Nothing),
        (CopyChange::Retry, "copies-retried command-line team -", Again::Another),
        (CopyChange::GiveUp, "copies-given-up command-line team -", Again::Nothing),
    ] {
        stage
            .row("copies", &[event], again, async || {
                cli().copies().change(CopySelection::Of(post), change).await.map(drop)
            })
            .await;
    }
    for which in [CopySelection::Of(SendingNo(99)), CopySelection::One(DeliveryNo(99))] {
        assert!(cli().copies().change(which, CopyChange::Retry).await.is_err());
    }
    stage.row("all copies", &[], Again::Nothing, async || cli().copies().retry_all().await.map(drop)).await;
    stage
}
