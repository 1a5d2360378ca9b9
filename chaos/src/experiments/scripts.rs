//! E12: twelve ways in which a next hop misbehaves, each with a site of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::oracle;
use crate::roster::Roster;
use crate::sink::{Act, Point, Sink};
use crate::site::Plan;
use crate::source::Traffic;
use crate::{ExperimentResult, Lab};

/// The timeouts of a site, in seconds.
const PATIENCE_S: u64 = 1;
const FOREVER: Duration = Duration::from_secs(600);

/// One misbehaviour, on selected connections.
struct Company {
    name: &'static str,
    script: fn(u64, Point<'_>) -> Act,
}

const TWELVE: &[Company] = &[
    Company { name: "no banner", script: |n, point| at_first(n, point == Point::Banner, Act::Hang(FOREVER)) },
    Company { name: "reset", script: |n, point| at_first(n, point == Point::Mail, Act::Reset) },
    Company {
        name: "no reply to MAIL",
        script: |n, point| at_first(n, point == Point::Mail, Act::Hang(FOREVER)),
    },
    Company {
        name: "no reply to the dot",
        script: |n, point| at_first(n, point == Point::Dot, Act::Hang(FOREVER)),
    },
    Company { name: "half-closed", script: |n, point| at_first(n, point == Point::Data, Act::HalfClose) },
    Company {
        name: "garbage",
        script: |n, point| at_first(n, point == Point::Mail, Act::Raw(b"\xff\0hello\r\n".to_vec())),
    },
    Company {
        name: "10 MB line",
        script: |n, point| {
            at_first(n, point == Point::Dot, Act::Raw([&b"250 "[..], &[b'x'; 10_000_000]].concat()))
        },
    },
    Company {
        name: "an octet a second",
        script: |n, point| at_first(n, point == Point::Hello, Act::Slowly(Duration::from_secs(1))),
    },
    Company {
        name: "slow reply to the dot",
        script: |n, point| at_first(n, point == Point::Dot, Act::Slowly(Duration::from_secs(1))),
    },
    Company {
        name: "no pipelining",
        script: |_, point| match point {
            Point::Hello => Act::Say("250 next.example".into()),
            _ => Act::Usual,
        },
    },
    Company {
        name: "421 midway",
        script: |n, point| at_first(n, point == Point::Data, Act::Raw(b"421 4.3.2 going down\r\n".to_vec())),
    },
    Company {
        name: "452 too many recipients",
        script: |_, point| match point {
            Point::Recipient(_, 0) => Act::Say("452 4.5.3 too many recipients".into()),
            _ => Act::Usual,
        },
    },
];

/// Misbehaves on the first two connections.
fn at_first(connection: u64, there: bool, act: Act) -> Act {
    if connection < 2 && there { act } else { Act::Usual }
}

pub(super) async fn bad_company(lab: &Lab) -> anyhow::Result<ExperimentResult> {
    let mut sites = JoinSet::new();
    for company in TWELVE {
        let lab = lab.clone();
        sites.spawn(async move { (company.name, with(company, &lab).await) });
    }
    let (mut slowest, mut failures) = ((Duration::ZERO, ""), Vec::new());
    let (mut copies, mut contents) = (0, 0);
    while let Some(ended) = sites.join_next().await {
        let (name, met) = ended?;
        let met = met?;
        copies += met.copies;
        contents += met.contents;
        slowest = slowest.max((met.took, name));
        failures.extend(met.failures.into_iter().map(|what| format!("{name}: {what}")));
    }
    let figure = format!(
        "12 scripts, {copies} copies, {contents} contents; slowest: {} in {:.1} s with timeouts of {PATIENCE_S} s",
        slowest.1,
        slowest.0.as_secs_f64()
    );
    // A stuck worker would hang for ten minutes. The waits here are some timeouts and pauses.
    let stuck = slowest.0 > Duration::from_secs(40);
    Ok(ExperimentResult::new(figure).with(failures).expect((!stuck).into(), "a worker is stuck"))
}

struct Met {
    took: Duration,
    copies: usize,
    contents: u64,
    failures: Vec<String>,
}

async fn with(company: &Company, lab: &Lab) -> anyhow::Result<Met> {
    let posts = lab.pick(4, 40);
    let sink = Sink::following(company.script).await?;
    let timeouts = format!(
        "max_connections = 2\nconnect_timeout_s = {PATIENCE_S}\ncommand_timeout_s = {PATIENCE_S}\ndata_timeout_s = {PATIENCE_S}"
    );
    let mut site = Plan::new(lab).sending_to(sink.port).set("outgoing", timeouts).made()?;
    let plain = Arc::new(Roster::plain(&site, "plain", 3)?);
    let sealed = Arc::new(Roster::sealed(&site, "sealed", 2)?);
    site.start()?;
    let mut traffic = Traffic::new(vec![plain, sealed]);
    traffic.enter_by(&site.lmtp_port(), 1);
    let began = Instant::now();
    traffic.allow(posts);
    traffic.done(Duration::from_secs(60)).await;
    let verdict = oracle::judge(&sink, &traffic.journal().pages(), traffic.rosters(), &[]).await;
    let last = sink.taken().iter().map(|taken| taken.at).max().unwrap_or_else(Instant::now);
    let mut failures = verdict.failures_without_kill();
    // If the last reply did not arrive in time, a second copy is right, once per bad connection.
    if ["slow reply to the dot"].contains(&company.name) {
        failures.retain(|what| !what.contains("second copies without a kill"));
    }
    Ok(Met { took: last.duration_since(began), copies: sink.count(), contents: sink.contents(), failures })
}
