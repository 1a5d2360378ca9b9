//! `sealist mta print`: prints the configuration of the mail server in front. A domain of lists alone is
//! routed to Sealist as a whole; of a domain that has mailboxes, too, only the addresses of the lists are.
//! Settings: `[lmtp] listen`, `max_message_kib`, `[site] mailbox_domains`, `contact`.

mod exim;
mod mox;
mod opensmtpd;
mod postfix;
mod stalwart;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use sealist_lists::model::{AddressReading, ListName, ReservedLocal};
use serde_json::json;

use crate::admin::CommandOutput;
use crate::config::Config;
use crate::ending::{Code, Ending};
use crate::opening::{self, OpeningPurpose};

/// A mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Server {
    /// Postfix 3.7 or later.
    Postfix,
    /// Exim 4.
    Exim,
    /// OpenSMTPD.
    Opensmtpd,
    /// Stalwart.
    Stalwart,
    /// mox.
    Mox,
}

/// What is routed to Sealist, and where Sealist listens.
pub(crate) struct Routes {
    listen: SocketAddr,
    max_octets: u64,
    /// Domains that have only lists.
    whole: BTreeSet<String>,
    /// The local parts of lists in domains that have mailboxes, too.
    shared: BTreeMap<String, BTreeSet<String>>,
}

/// Prints the lines for that server.
pub(crate) async fn print(config: &Config, server: Server) -> anyhow::Result<CommandOutput> {
    let app = opening::open(config, OpeningPurpose::Use).await?;
    let all = app.as_operator().lists().all().await?;
    let text = lines(config, all.iter().map(|list| &list.name), server)?;
    Ok((text.clone(), json!({ "lines": text })))
}

/// The lines for these lists. Errs if there are none.
pub(crate) fn lines<'a>(
    config: &Config,
    lists: impl IntoIterator<Item = &'a ListName>,
    server: Server,
) -> Result<String, Ending> {
    let routes = Routes::of(config, lists);
    if routes.whole.is_empty() && routes.shared.is_empty() {
        let text = "there is no list yet: run `sealist lists create LIST@DOMAIN`";
        return Err(Ending::new(Code::Data, text));
    }
    Ok(match server {
        Server::Postfix => postfix::lines(&routes),
        Server::Exim => exim::lines(&routes),
        Server::Opensmtpd => opensmtpd::lines(&routes),
        Server::Stalwart => stalwart::lines(&routes),
        Server::Mox => mox::lines(&routes),
    })
}

impl Routes {
    fn of<'a>(config: &Config, lists: impl IntoIterator<Item = &'a ListName>) -> Self {
        let mut routes = Self {
            listen: config.lmtp.listen,
            max_octets: u64::from(config.lmtp.max_message_kib) * 1024,
            whole: BTreeSet::new(),
            shared: BTreeMap::new(),
        };
        for list in lists {
            let domain = list.mail_host().to_owned();
            if config.site.has_mailboxes(&domain) {
                routes.shared.entry(domain).or_default().insert(list.local().to_owned());
            } else {
                routes.whole.insert(domain);
            }
        }
        routes
    }

    /// The host at which others reach Sealist. If Sealist listens on all addresses, it is loopback.
    fn host(&self) -> String {
        match self.listen {
            SocketAddr::V4(at) if at.ip().is_unspecified() => "127.0.0.1".to_owned(),
            SocketAddr::V6(at) if at.ip().is_unspecified() => "::1".to_owned(),
            at => at.ip().to_string(),
        }
    }

    fn port(&self) -> u16 {
        self.listen.port()
    }

    /// A regular expression (POSIX extended, PCRE) for the local parts of these lists, of their
    /// sub-addresses, and of the addresses that name their list after the `+`.
    fn local_parts(lists: &BTreeSet<String>) -> String {
        let names: Vec<String> = lists.iter().map(|name| name.replace('.', "\\.")).collect();
        let sub_addresses: Vec<&str> = AddressReading::suffixes().map(|suffix| &suffix[1..]).collect();
        let reserved = [ReservedLocal::Bounces, ReservedLocal::Confirm].map(ReservedLocal::name);
        format!(
            "(({})(-({}))?(\\+[^@]*)?|({})\\+[^@]+)",
            names.join("|"),
            sub_addresses.join("|"),
            reserved.join("|")
        )
    }

    /// The domains with `between` between them: `a, b`.
    fn whole_domains(&self, between: &str) -> String {
        self.whole.iter().map(String::as_str).collect::<Vec<_>>().join(between)
    }
}

#[cfg(test)]
mod tests;
