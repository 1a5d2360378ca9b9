//! E25 and E26: something that may happen once is requested many times at the same moment.

use std::time::Duration;

use anyhow::ensure;
use sealist_smtp::client::{Connection, RecipientResult};

use crate::roster::Roster;
use crate::sink::{Sink, TakenCopy};
use crate::site::Plan;
use crate::source::{deliver, send_once, target};
use crate::{ExperimentResult, Lab};

const LIMIT: Duration = Duration::from_secs(60);

pub(super) async fn replayed(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (senders, each) = lab.pick((10, 10), (25, 20));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Roster::sealed(&site, "sealed", 3)?;
    site.start()?;
    let message = roster.message(1);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..senders {
        let (lmtp_port, message) = (site.lmtp_port(), message.clone());
        let (author, list) = (roster.author().to_owned(), roster.list.clone());
        tasks.spawn(async move {
            let mut connection = Connection::connect(&target(lmtp_port.port())).await?;
            for _ in 0..each {
                let (_, result) = deliver(&mut connection, &author, &list, &message).await;
                ensure!(matches!(result, RecipientResult::Sent(_)), "not taken: {result:?}");
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    site.judged(LIMIT).await?;
    // A copy for each member, and the notice to the author that the message arrived again.
    sink.wait_for(4, LIMIT).await;
    sink.quiet(Duration::from_millis(500)).await;
    let held = site.held()?;
    let figure = format!("{} at once: {} copies to 3 members, {held} held", senders * each, sink.count());
    Ok(ExperimentResult::new(figure)
        .expect((sink.count() == 4).into(), "not posted exactly once")
        .expect((held == 0).into(), "a replay is held"))
}

pub(super) async fn confirmed(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let at_once = lab.pick(20, 100);
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Roster::plain(&site, "plain", 1)?;
    site.start()?;
    let request = roster.list.replace('@', "-request@");
    let from = "stranger@example.com";
    let mail =
        |subject: &str| format!("From: {from}\r\nTo: {request}\r\nSubject: {subject}\r\n\r\n").into_bytes();
    send_once(&site.lmtp_port(), from, &request, &mail("join")).await?;
    ensure!(sink.wait_for(1, LIMIT).await, "nobody is asked");
    let asked = String::from_utf8_lossy(&sink.taken()[0].message).into_owned();
    let token = asked.split("confirm ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let answer = mail(&format!("confirm {}", token.unwrap_or_default()));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (lmtp_port, answer, request) = (site.lmtp_port(), answer.clone(), request.clone());
        tasks.spawn(async move { send_once(&lmtp_port, from, &request, &answer).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ensure!(matches!(ended??, RecipientResult::Sent(_)), "an answer is not taken");
    }
    site.judged(LIMIT).await?;
    sink.quiet(Duration::from_millis(500)).await;
    let of = |event: &str| -> anyhow::Result<usize> {
        let audit = site.json(&["audit", "--limit", "1000"])?;
        let times = audit.iter().filter(|entry| entry["event"] == event).map(|entry| entry["times"].as_u64());
        Ok(usize::try_from(times.map(|times| times.unwrap_or(1)).sum::<u64>())?)
    };
    let (done, refused) = (of("request-done")?, of("command-refused")?);
    let taken = sink.taken();
    let welcome = |one: &&TakenCopy| String::from_utf8_lossy(&one.message).contains("Subject: Welcome");
    let welcomes = taken.iter().filter(welcome).count();
    let figure =
        format!("{at_once} confirmations at once: {done} done, {refused} refused, {welcomes} welcome");
    Ok(ExperimentResult::new(figure)
        .expect((done == 1 && welcomes == 1).into(), "not confirmed exactly once")
        .expect((refused == at_once - 1).into(), "an answer was dropped"))
}
