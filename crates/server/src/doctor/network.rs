//! The wire: our own door, and the mail server that takes the copies.

use std::time::Duration;

use sealist_smtp::client::{ConnectError, Connection, Protocol, Target, Timeouts};

use super::Finding;
use crate::config::Config;
use crate::serve;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    vec![door(config).await, next_hop(config).await]
}

async fn door(config: &Config) -> Finding {
    let listen = config.lmtp.listen;
    let target = hasty(Target::plain(&listen.ip().to_string(), listen.port(), Protocol::Lmtp));
    match try_out(&target).await {
        Ok(()) => Finding::good("lmtp", format!("{listen} answers")),
        Err(error) => Finding::fault(
            "lmtp",
            format!("the server does not answer at {listen}: {error}"),
            "start the server with `sealist serve`; if it runs, another program has the port",
        ),
    }
}

async fn next_hop(config: &Config) -> Finding {
    let name = format!("{}:{}", config.outgoing.host, config.outgoing.port);
    let target = match serve::target(&config.outgoing) {
        Ok(target) => hasty(target),
        Err(error) => {
            return Finding::fault(
                "next hop",
                format!("{error:#}"),
                "correct [outgoing] in the configuration",
            );
        }
    };
    match try_out(&target).await {
        Ok(()) => Finding::good("next hop", format!("{name} answers")),
        Err(error) => Finding::fault(
            "next hop",
            format!("{name}: {error}"),
            "start your mail server, or correct [outgoing] in the configuration",
        ),
    }
}

pub(super) fn hasty(target: Target) -> Target {
    let timeouts = Timeouts { connect: PATIENCE, command: PATIENCE, data: PATIENCE, data_done: PATIENCE };
    Target { timeouts, ..target }
}

async fn try_out(target: &Target) -> Result<(), ConnectError> {
    Connection::connect(target).await?.quit().await;
    Ok(())
}
