//! Lines for Postfix's `main.cf`. Postfix asks Sealist about unknown addresses and refuses them while the
//! sender waits, so no bounce goes to a forged sender. `inline:` tables need Postfix 3.0, and `regexp:` with
//! text in braces needs 3.7.

use std::net::SocketAddr;

use super::Routes;

pub(super) fn lines(routes: &Routes) -> String {
    let hop = match routes.listen {
        SocketAddr::V4(_) => format!("lmtp:inet:{}:{}", routes.host(), routes.port()),
        SocketAddr::V6(_) => format!("lmtp:inet:[ipv6:{}]:{}", routes.host(), routes.port()),
    };
    let max_octets = routes.max_octets;
    let mut transports = Vec::new();
    let mut text = String::from(
        "# /etc/postfix/main.cf: add these lines, then `postfix reload`. Where main.cf has a line of that name already,\n\
         # add what stands behind the = to it.\n",
    );
    if !routes.whole.is_empty() {
        let inner = |rest: &str| -> String {
            let all: Vec<String> = routes.whole.iter().map(|name| format!("{{ {name} = {rest} }}")).collect();
            all.join(" ")
        };
        text += &format!(
            "# Domains that have nothing but lists.\n\
             relay_domains = {}\n\
             # Postfix asks Sealist whether an address exists, before it takes mail for it.\n\
             smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,\n    \
             check_recipient_access inline:{{ {} }}\n\
             unverified_recipient_reject_code = 550\n\
             address_verify_negative_refresh_time = 5m\n",
            routes.whole_domains(", "),
            inner("reject_unverified_recipient"),
        );
        transports.push(format!("inline:{{ {} }}", inner(&hop)));
    }
    if !routes.shared.is_empty() {
        let patterns: Vec<String> = routes
            .shared
            .iter()
            .map(|(domain, lists)| format!("({}@{})", Routes::local_parts(lists), domain.replace('.', "\\.")))
            .collect();
        // A dollar sign of the table is written twice in main.cf.
        let pattern = format!("/^({})$$/", patterns.join("|"));
        let domains: Vec<&str> = routes.shared.keys().map(String::as_str).collect();
        text += &format!(
            "# {} has mailboxes too: the addresses of its lists go to Sealist, all others stay where they are.\n\
             # Print these lines anew when a list is made or deleted there. The first line below lets Postfix know that these\n\
             # addresses exist, wherever it knows the others from; it changes nothing of them.\n\
             virtual_alias_maps = $virtual_maps regexp:{{ {{ {pattern} $${{1}} }} }}\n",
            domains.join(", "),
        );
        transports.push(format!("regexp:{{ {{ {pattern} {hop} }} }}"));
    }
    text += &format!(
        "transport_maps = {}\n\
         # Sealist takes up to {max_octets} octets. To let as much through, set message_size_limit, and with it\n\
         # mailbox_size_limit and virtual_mailbox_limit, which must not be smaller.\n\
         # mynetworks must hold the address that Sealist sends from (127.0.0.0/8 is the default).\n",
        transports.join(" "),
    );
    text
}
