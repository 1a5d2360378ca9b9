//! What people change by mail on a list without OpenPGP, and what they try.

use sealist_app::MessageDecision;
use sealist_lists::model::RequestNo;
use sealist_store::requests;

use super::*;
use crate::moved_clock::set;

const REQUEST: &str = "team-request@lists.example";

pub(super) async fn table() -> Vec<Stage> {
    vec![
        Box::pin(commands()).await,
        Box::pin(moderated_joins()).await,
        Box::pin(decisions()).await,
        Box::pin(floods()).await,
    ]
}

async fn commands() -> Stage {
    let (stage, _) = Stage::with_list(PLAIN).await;
    let asked = format!("request-asked mail team {ANNE}");
    let of_anne = |kind: &str| format!("{kind} mail team {ANNE}");
    let done = of_anne("request-done");
    let send = async |to: &str, subject: &str, days: i64| {
        stage.send(ANNE, to, subject, day(days)).await;
        Ok(())
    };
    let confirm = async |days: i64| {
        stage.confirm(ANNE, day(days)).await;
        Ok(())
    };
    stage.row("join", &[&asked], Again::Another, async || send("team-join@lists.example", "", 0).await).await;
    let joined = [done.as_str(), &of_anne("address-verified"), &of_anne("member-joined")];
    stage.row("joined", &joined, Again::Another, async || confirm(0).await).await;
    let changed = of_anne("preference-changed");
    for (days, line) in [(1, "set own-posts off"), (2, "set language de"), (3, "set delivery off")] {
        stage.row(line, &[&asked], Again::Another, async || send(REQUEST, line, days).await).await;
        stage.row(line, &[&done, &changed], Again::Another, async || confirm(days).await).await;
    }
    let newest = stage.app.as_operator().events().newest(None, 100).await.unwrap();
    let values = newest.iter().rev().filter(|one| one.event == "preference-changed");
    let values: Vec<String> = values.map(|one| one.data.to_string()).collect();
    assert_eq!(
        values,
        [
            r#"{"name":"receive_own_postings","value":"false"}"#,
            r#"{"name":"preferred_language","value":"de"}"#,
            r#"{"name":"delivery_status","value":"by_user"}"#
        ]
    );
    // The same value again is no change.
    stage.row("again", &[&asked], Again::Another, async || send(REQUEST, "set own-posts off", 4).await).await;
    stage.row("again", &[&done], Again::Another, async || confirm(4).await).await;
    stage
        .row("refused", &[&of_anne("command-refused")], Again::Another, async || {
            send(REQUEST, "approve abcdef", 5).await
        })
        .await;
    stage
        .row("leave", &[&asked], Again::Another, async || send("team-leave@lists.example", "", 5).await)
        .await;
    stage.row("left", &[&done, &of_anne("member-left")], Again::Another, async || confirm(5).await).await;
    stage
}

/// Requests that wait for a moderator, and what becomes of them.
async fn moderated_joins() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    set(&stage.app, &list, "subscription_policy", "confirm_then_moderate").await;
    let cli = |days| stage.app.as_operator().at(day(days));
    cli(0).members(&list.name).add(member(OLGA, Role::Owner, None)).await.unwrap();
    stage.happened().await;
    let request = async || -> RequestNo {
        let mut db = stage.app.store().reader().await.unwrap();
        requests::of_address(&mut db, list.no, &address(ANNE), day(0)).await.unwrap()[0].no
    };
    let waits = async |days: i64| {
        stage.send(ANNE, "team-join@lists.example", "", day(days)).await;
        stage.confirm(ANNE, day(days)).await;
        let happened = stage.happened().await;
        let expected = ["request-asked", "request-waits"].map(|kind| format!("{kind} mail team {ANNE}"));
        assert_eq!(happened, expected);
    };
    waits(0).await;
    let refused = request().await;
    stage
        .row("refuse", &[&format!("request-refused command-line team {ANNE}")], Again::Refused, async || {
            cli(0).requests().reject(refused, REASON).await
        })
        .await;
    deliver(&stage.app, day(0)).await;
    for (days, verb, kind) in [(1, "discard", "request-discarded"), (2, "reject", "request-refused")] {
        waits(days).await;
        let token = stage.token(OLGA, "approve ", day(days)).await;
        stage
            .row(verb, &[&format!("{kind} mail team {ANNE}")], Again::Another, async || {
                stage.send(OLGA, REQUEST, &format!("{verb} {token} {}", reason(verb)), day(days)).await;
                Ok(())
            })
            .await;
    }
    waits(3).await;
    let approved = request().await;
    let of_anne = |kind: &str| format!("{kind} command-line team {ANNE}");
    let joined = ["request-approved", "request-done", "address-verified", "member-joined"].map(of_anne);
    let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
    stage.row("approve", &joined, Again::Refused, async || cli(3).requests().approve(approved).await).await;
    stage
}

/// Only who rejects something writes a reason.
fn reason(verb: &str) -> &str {
    if verb == "reject" { REASON } else { "" }
}

/// Moderators decide by the token of their notice.
async fn decisions() -> Stage {
    let (stage, _list) = Stage::with_list(PLAIN).await;
    stage.joins(OLGA, Role::Owner).await;
    stage.happened().await;
    for (days, verb, kind, who) in [
        (0, "show", "hold-shown", OLGA),
        (1, "approve", "hold-accepted", "-"),
        (2, "reject", "hold-rejected", "-"),
        (3, "discard", "hold-discarded", "-"),
    ] {
        stage.send(EVE, TEAM, verb, day(days)).await;
        assert_eq!(stage.happened().await, ["hold-begun server team -"]);
        let token = stage.token(OLGA, "approve ", day(days)).await;
        stage
            .row(verb, &[&format!("{kind} mail team {who}")], Again::Another, async || {
                stage.send(OLGA, REQUEST, &format!("{verb} {token} {}", reason(verb)), day(days)).await;
                Ok(())
            })
            .await;
    }
    let decision = MessageDecision::Reject(REASON.to_owned());
    stage.app.as_operator().at(day(3)).messages().decide(stage.held().await, decision).await.unwrap();
    stage.happened().await;
    stage
}

/// What comes to nothing, or gives way.
async fn floods() -> Stage {
    let (stage, _list) = Stage::with_list(PLAIN).await;
    let join = async || {
        stage.send(ANNE, "team-join@lists.example", "", day(0)).await;
        Ok(())
    };
    let of_anne = |kind: &str| format!("{kind} mail team {ANNE}");
    stage.row("join", &[&of_anne("request-asked")], Again::Another, join).await;
    stage.row("join again", &[&of_anne("request-unasked")], Again::Another, join).await;
    // What is asked for comes by another way before the answer.
    stage.joins(ANNE, Role::Member).await;
    stage.happened().await;
    stage
        .row("too late", &[&of_anne("request-ended")], Again::Another, async || {
            stage.confirm(ANNE, day(0)).await;
            Ok(())
        })
        .await;
    stage
}
