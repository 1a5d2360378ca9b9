//! `sealist postfix print`: what to write into Postfix's configuration.

use std::collections::BTreeSet;

use anyhow::ensure;
use sealist_app::App;
use sealist_store::lists;

use crate::config::Config;

/// The lines of `main.cf` for all domains that have lists.
pub(crate) async fn lines(app: &App, config: &Config) -> anyhow::Result<String> {
    let all = lists::all(&mut *app.store.reader().await?).await?;
    let domains: BTreeSet<String> = all.iter().map(|list| list.name.mail_host().to_owned()).collect();
    ensure!(!domains.is_empty(), "there is no list yet: run `sealist lists create LIST@DOMAIN`");
    Ok(main_cf(&domains, config))
}

/// Unknown addresses are refused while the sender waits: Postfix asks us, and no bounce goes to a forged
/// sender. `inline:` tables need Postfix 3.0.
fn main_cf(domains: &BTreeSet<String>, config: &Config) -> String {
    let names: Vec<&str> = domains.iter().map(String::as_str).collect();
    let listen = config.lmtp.listen;
    let hop = match listen {
        std::net::SocketAddr::V4(_) => format!("lmtp:inet:{}:{}", listen.ip(), listen.port()),
        std::net::SocketAddr::V6(_) => format!("lmtp:inet:[ipv6:{}]:{}", listen.ip(), listen.port()),
    };
    let routes: Vec<String> = names.iter().map(|name| format!("{{ {name} = {hop} }}")).collect();
    let asked: Vec<String> =
        names.iter().map(|name| format!("{{ {name} = reject_unverified_recipient }}")).collect();
    let max_octets = u64::from(config.lmtp.max_message_kib) * 1024;
    format!(
        "# /etc/postfix/main.cf: add these lines (join them with what is there), then `postfix reload`.\n\
         # Mail for the lists goes to Sealist.\n\
         relay_domains = {}\n\
         transport_maps = inline:{{ {} }}\n\
         recipient_delimiter = +\n\
         # Postfix asks Sealist whether an address exists, before it takes mail for it.\n\
         smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,\n    \
         check_recipient_access inline:{{ {} }}\n\
         unverified_recipient_reject_code = 550\n\
         address_verify_negative_refresh_time = 5m\n\
         # Sealist takes up to {max_octets} octets. To let as much through, set message_size_limit, and with it\n\
         # mailbox_size_limit and virtual_mailbox_limit, which must not be smaller.\n\
         # mynetworks must hold the address that Sealist sends from (127.0.0.0/8 is the default).\n",
        names.join(", "),
        routes.join(" "),
        asked.join(" "),
    )
}
