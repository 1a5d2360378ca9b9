//! What the server changes by itself.

use sealist_app::{BatchReport, IncomingClaims, could_not_be_made, record_results, upkeep};
use sealist_mail::SmtpStage;
use sealist_store::copies;
use sealist_store::deliveries::{DeliveryResult, DeliveryState};
use sealist_store::queue::{self, QueueName};

use super::*;
use crate::moved_clock::{claimed, join, post_plain, set};

pub(super) async fn table() -> Vec<Stage> {
    vec![
        Box::pin(verdicts()).await,
        Box::pin(waits()).await,
        Box::pin(bounces()).await,
        Box::pin(faults()).await,
    ]
}

async fn verdicts() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    join(&stage.app, &list, ANNE, Role::Member, None).await;
    for (action, kind) in
        [("reject", "message-rejected"), ("discard", "message-discarded"), ("hold", "hold-begun")]
    {
        set(&stage.app, &list, "default_member_action", action).await;
        set(&stage.app, &list, "default_nonmember_action", action).await;
        stage
            .row(action, &[&format!("{kind} server team {ANNE}")], Again::Another, async || {
                stage.send(ANNE, TEAM, action, day(0)).await;
                Ok(())
            })
            .await;
    }
    set(&stage.app, &list, "default_nonmember_action", "discard").await;
    stage
        .row("of a stranger", &["message-discarded server team -"], Again::Another, async || {
            stage.send(EVE, TEAM, "Words", day(0)).await;
            Ok(())
        })
        .await;
    stage
}

/// What ends because nobody did anything in time, or because too much waits.
async fn waits() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    stage.send(EVE, TEAM, "Nobody looks", day(0)).await;
    stage.send(ANNE, "team-join@lists.example", "", day(0)).await;
    stage.happened().await;
    let ended = ["hold-expired server team -", &format!("request-expired server team {ANNE}")];
    stage.row("upkeep", &ended, Again::Nothing, async || upkeep(&stage.app, day(200)).await.map(drop)).await;
    set(&stage.app, &list, "max_held_messages", "1").await;
    stage.send(EVE, TEAM, "one", day(200)).await;
    stage.happened().await;
    let dropped = ["hold-dropped server team -", "hold-begun server team -"];
    stage
        .row("too many", &dropped, Again::Another, async || {
            stage.send(EVE, TEAM, "two", day(200)).await;
            Ok(())
        })
        .await;
    stage
}

/// Settles what is due: the next hop answers so.
async fn settle(stage: &Stage, answer: impl Fn(&str) -> DeliveryState, now: Timestamp) {
    while let Some((batch, ready)) = claimed(&stage.app, now).await {
        let mut results = ready.held.clone();
        for one in ready.copies.iter().flat_map(|copy| &copy.recipients) {
            let state = answer(&one.email);
            let is_refused = state == DeliveryState::Failed;
            let reply = if is_refused { "552 5.2.2 full" } else { "250 ok" };
            results.push(DeliveryResult {
                no: one.no,
                email: one.email.clone(),
                state,
                reply: reply.to_owned(),
                refused_at: is_refused.then_some(SmtpStage::Content),
            });
        }
        record_results(&stage.app, vec![BatchReport { results, ..batch }], now).await.unwrap();
    }
}

/// Two members fail, and then a third one by the same cause: it was nobody's fault.
async fn bounces() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    set(&stage.app, &list, "verp_probes", "false").await;
    set(&stage.app, &list, "bounce_score_threshold", "1").await;
    let [bart, cris] = ["bart@x.example", "cris@x.example"];
    for member in [ANNE, bart, cris] {
        join(&stage.app, &list, member, Role::Member, None).await;
    }
    let both = |kind: &str| [ANNE, bart].map(|who| format!("{kind} server team {who}"));
    let [stopped, resumed] = ["delivery-stopped", "delivery-resumed"].map(both);
    stage
        .row("two bounce", &stopped.each_ref().map(String::as_str), Again::Nothing, async || {
            if copies::on_their_way(&mut stage.app.store().reader().await.unwrap()).await?.is_empty() {
                post_plain(&stage.app, &list, day(0)).await;
            }
            let later = |who: &str| match who == cris {
                true => DeliveryState::Due(day(1)),
                false => DeliveryState::Failed,
            };
            settle(&stage, later, day(0)).await;
            Ok(())
        })
        .await;
    stage
        .row("and a third", &resumed.each_ref().map(String::as_str), Again::Nothing, async || {
            settle(&stage, |_| DeliveryState::Failed, day(1)).await;
            Ok(())
        })
        .await;
    stage
}

/// A message and copies on which the server fails.
async fn faults() -> Stage {
    let (stage, list) = Stage::with_list(PLAIN).await;
    join(&stage.app, &list, ANNE, Role::Member, None).await;
    stage.send(EVE, TEAM, "poison", day(0)).await;
    stage.happened().await;
    let held = held(&stage.app).await.remove(0);
    stage
        .app
        .as_operator()
        .at(day(0))
        .messages()
        .decide(held.no, sealist_app::MessageDecision::Accept)
        .await
        .unwrap();
    stage.happened().await;
    let entry = IncomingClaims::default().claim(&stage.app, 10, 0, day(0)).await.unwrap().remove(0);
    stage
        .row("shunt", &["message-shunted server team -"], Again::Refused, async || {
            entry.shunt(&stage.app, day(0)).await
        })
        .await;
    let aside =
        queue::listed(&mut stage.app.store().reader().await.unwrap(), QueueName::Shunt).await.unwrap();
    stage
        .row("retry", &["message-retried command-line team -"], Again::Refused, async || {
            stage.app.as_operator().at(day(0)).messages().retry(aside[0].no).await
        })
        .await;
    // Copies that cannot be made are held after three tries.
    post_plain(&stage.app, &list, day(0)).await;
    for (number, expected) in [(0, None), (1, None), (2, Some("copies-held server team -"))] {
        let (batch, ready) = claimed(&stage.app, day(number)).await.unwrap();
        let rows: Vec<_> = ready.copies.iter().flat_map(|copy| &copy.recipients).collect();
        let rows: Vec<_> = rows.iter().map(|one| (one.no, one.email.clone())).collect();
        let expected: Vec<&str> = expected.into_iter().collect();
        stage
            .row("a fault", &expected, Again::Another, async || {
                could_not_be_made(&stage.app, batch.of, rows.clone(), day(number)).await
            })
            .await;
    }
    stage
}
