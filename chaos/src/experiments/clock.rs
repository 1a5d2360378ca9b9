//! E18: the system clock jumps while copies wait for their next try.

use sealist_mail::DAY_MS;
use std::time::{Duration, Instant};

use anyhow::ensure;
use sealist_smtp::client::RecipientResult;

use crate::roster::Roster;
use crate::sink::{Act, Point, Sink};
use crate::site::{Plan, Site};
use crate::source::send_once;
use crate::{ExperimentResult, Lab, process, tools};

const LIMIT: Duration = Duration::from_secs(20);
const COPIES: usize = 2;

pub(super) async fn jumped(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let (mut figures, mut failures) = (Vec::new(), Vec::new());
    for days in [365, -1] {
        let found = with(lab, days * DAY_MS).await?;
        figures.push(format!("{days:+} days: {}", found.figure));
        failures.extend(found.failures.into_iter().map(|what| format!("{days:+} days: {what}")));
    }
    Ok(ExperimentResult::new(figures.join("; ")).with(failures))
}

async fn with(lab: &Lab, jump_ms: i64) -> anyhow::Result<ExperimentResult> {
    let watch = lab.pick(Duration::from_secs(2), Duration::from_secs(20));
    // The next hop defers everything until its script is changed.
    let sink = Sink::following(|_, point| match point {
        Point::Recipient(..) => Act::Say("451 4.7.1 come back later".into()),
        _ => Act::Usual,
    })
    .await?;
    let mut site = Plan::new(lab).sending_to(sink.port).made()?;
    let plain = Roster::plain(&site, "plain", COPIES)?;
    let sealed = Roster::sealed(&site, "sealed", COPIES)?;
    site.cli(&["members", "add", &sealed.list, "kim@example.org"])?;
    let clock = site.path("clock");
    std::fs::write(&clock, "0")?;
    site.plan = site.plan.clone().with_variable("SEALIST_CLOCK", clock.display().to_string());
    site.start()?;
    for roster in [&plain, &sealed] {
        let sent = send_once(&site.lmtp_port(), roster.author(), &roster.list, &roster.message(1)).await?;
        ensure!(matches!(sent, RecipientResult::Sent(_)), "not taken: {sent:?}");
    }
    let all = 2 * COPIES as u64 + 1;
    let end = Instant::now() + LIMIT;
    while count(&site, "state = 'held_for_key' OR attempts > 1")? < all {
        ensure!(Instant::now() < end, "nothing is tried: {}", site.last_words());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let next_try = next_try_ms(&site)?;
    std::fs::write(&clock, jump_ms.to_string())?;
    let (cpu, began) = (process::cpu_ms(site.pid()?)?, Instant::now());
    tokio::time::sleep(watch).await;
    let percent = (process::cpu_ms(site.pid()?)? - cpu) / began.elapsed().as_secs_f64() / 10.0;
    let (failed, waiting) = (count(&site, "state = 'failed'")?, count(&site, "state = 'held_for_key'")?);
    let moved_ms = next_try_ms(&site)? - next_try;
    sink.follow(|_, _| Act::Usual);
    let opened = Instant::now();
    let delivered = sink.wait_for(2 * COPIES, lab.pick(Duration::from_secs(5), LIMIT)).await;
    let after = opened.elapsed();
    // New mail is delivered meanwhile.
    send_once(&site.lmtp_port(), plain.author(), &plain.list, &plain.message(2)).await?;
    let flows = sink.wait_for(sink.count() + COPIES, LIMIT).await;
    let figure = format!(
        "{failed} given up, {waiting} waits for a key, {percent:.1} % CPU, what was put off {}",
        if delivered {
            format!("came {:.1} s after", after.as_secs_f64())
        } else {
            "did not come".to_owned()
        }
    );
    Ok(ExperimentResult::new(figure)
        .expect((failed == 0 && waiting == 1).into(), "something is given up early")
        .expect(((moved_ms - jump_ms).abs() < DAY_MS / 24).into(), "the next try is not of the new clock")
        .expect((percent < 25.0).into(), "a busy loop")
        .expect(delivered.into(), "what was put off waits for the clock")
        .expect(flows.into(), "a new post does not flow"))
}

fn count(site: &Site, condition: &str) -> anyhow::Result<u64> {
    tools::sqlite_number(&site.database(), &format!("SELECT COUNT(*) FROM deliveries WHERE {condition}"))
}

/// The time of the last of the next tries, in milliseconds since 1970.
fn next_try_ms(site: &Site) -> anyhow::Result<i64> {
    let sql = "SELECT MAX(next_at) FROM deliveries WHERE state = 'due'";
    Ok(i64::try_from(tools::sqlite_number(&site.database(), sql)?)?)
}
