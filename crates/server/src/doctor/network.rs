//! Checks the network: our own LMTP port, and the mail server that takes the copies.

use std::time::Duration;

use sealist_smtp::client::{ConnectError, Connection, NextHop, Protocol, Timeouts};

use super::Diagnosis;
use crate::config::Config;
use crate::serve;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn examine(config: &Config) -> Vec<Diagnosis> {
    vec![sub_address(config).await, next_hop(config).await]
}

async fn sub_address(config: &Config) -> Diagnosis {
    let listen = config.lmtp.listen;
    let target = hasty(NextHop::plain(&listen.ip().to_string(), listen.port(), Protocol::Lmtp));
    match try_out(&target).await {
        Ok(()) => Diagnosis::good("lmtp", format!("{listen} answers")),
        Err(error) => Diagnosis::fault(
            "lmtp",
            format!("the server does not answer at {listen}: {error}"),
            "start the server with `sealist serve`; if it runs, another program has the port",
        ),
    }
}

async fn next_hop(config: &Config) -> Diagnosis {
    let name = format!("{}:{}", config.outgoing.host, config.outgoing.port);
    let target = match serve::target(&config.outgoing) {
        Ok(target) => hasty(target),
        Err(error) => {
            return Diagnosis::fault(
                "next hop",
                format!("{error:#}"),
                "correct [outgoing] in the configuration",
            );
        }
    };
    match try_out(&target).await {
        Ok(()) => Diagnosis::good("next hop", format!("{name} answers")),
        Err(error) => Diagnosis::fault(
            "next hop",
            format!("{name}: {error}"),
            "start your mail server, or correct [outgoing] in the configuration",
        ),
    }
}

pub(super) fn hasty(target: NextHop) -> NextHop {
    let timeouts = Timeouts { connect: PATIENCE, command: PATIENCE, data: PATIENCE, data_done: PATIENCE };
    NextHop { timeouts, ..target }
}

async fn try_out(target: &NextHop) -> Result<(), ConnectError> {
    Connection::connect(target).await?.quit().await;
    Ok(())
}
