//! E25 and E26: what may happen once is asked for many times at the same moment.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use sealist_smtp::client::{Connection, RecipientResult};

use crate::roster::{self, Roster};
use crate::sink::Sink;
use crate::site::Plan;
use crate::source::{deliver, send_once, target};
use crate::{Finding, Lab};

const LIMIT: Duration = Duration::from_secs(60);

pub(super) async fn replayed(lab: &Lab) -> anyhow::Result<Finding> {
    let (senders, each) = lab.pick((10, 10), (25, 20));
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Roster::sealed(&site, "sealed", 3)?;
    site.start()?;
    let message = roster.message(1);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..senders {
        let (door, message) = (site.door(), message.clone());
        let (author, list) = (roster.author().to_owned(), roster.list.clone());
        tasks.spawn(async move {
            let mut connection = Connection::connect(&target(door.port())).await?;
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
    sink.wait_for(3, LIMIT).await;
    sink.quiet(Duration::from_millis(500)).await;
    let held = site.held()?;
    let figure = format!("{} at once: {} copies to 3 members, {held} held", senders * each, sink.count());
    Ok(Finding::new(figure)
        .expect((sink.count() == 3).into(), "not posted exactly once")
        .expect((held == 0).into(), "a replay is held"))
}

/// There are no confirmation tokens yet: a hold is what can be accepted once.
pub(super) async fn accepted(lab: &Lab) -> anyhow::Result<Finding> {
    let at_once = lab.pick(20, 100);
    let sink = Sink::start().await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let roster = Roster::plain(&site, "plain", 2)?;
    site.start()?;
    let message = roster::strange(&roster.list, 1);
    send_once(&site.door(), "stranger@example.com", &roster.list, &message).await?;
    site.judged(LIMIT).await?;
    let entry = site.json(&["queue", "list"])?.first().map(|entry| entry["entry"].to_string());
    let entry = entry.unwrap_or_default();
    let mut commands = Vec::new();
    for _ in 0..at_once {
        let mut command = Command::new(site.plan.binary());
        command.arg("--config").arg(site.path("sealist.toml")).args(["queue", "accept", &entry]);
        commands.push(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    }
    let mut successes = 0;
    for command in &mut commands {
        successes += usize::from(tokio::task::block_in_place(|| command.wait())?.success());
    }
    site.judged(LIMIT).await?;
    sink.wait_for(2, LIMIT).await;
    sink.quiet(Duration::from_millis(500)).await;
    let figure = format!(
        "no confirmation tokens yet; {at_once} `queue accept` of one hold at once: {successes} say it worked, {} copies to 2 members",
        sink.count()
    );
    Ok(Finding::new(figure)
        .expect((sink.count() == 2).into(), "not posted exactly once")
        .expect((successes > 0).into(), "nobody is told that it worked"))
}
