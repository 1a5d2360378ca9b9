//! Parts for the configuration of Exim 4: a router before all others, and a transport.

use super::Routes;

pub(super) fn lines(routes: &Routes) -> String {
    let (host, port) = (routes.host(), routes.port());
    let mut text = String::from("# Exim 4. Each part belongs into the section that it names.\n");
    let mut routers = String::new();
    if !routes.whole.is_empty() {
        text += &format!(
            "\n# Main section. Add +sealist_domains to relay_to_domains too.\n\
             domainlist sealist_domains = {}\n\
             \n# acl_check_rcpt, before the line that accepts relay_to_domains: Exim asks Sealist whether an address exists.\n  \
             deny domains = +sealist_domains\n       \
             !verify = recipient/callout=30s,defer_ok\n",
            routes.whole_domains(" : "),
        );
        routers += &router("sealist", "  domains = +sealist_domains\n");
    }
    for (number, (domain, lists)) in routes.shared.iter().enumerate() {
        routers += &format!(
            "\n# {domain} has mailboxes too: the addresses of its lists go to Sealist, all others stay.\n"
        );
        let condition =
            format!("  domains = {domain}\n  local_parts = \\N^{}$\\N\n", Routes::local_parts(lists));
        routers += &router(&format!("sealist_{}", number + 1), &condition);
    }
    text + &format!(
        "\n# Section routers, before all others.\n{routers}\n\
         # Section transports.\n\
         sealist_lmtp:\n  \
         driver = smtp\n  \
         protocol = lmtp\n  \
         hosts = {host}\n  \
         hosts_override\n  \
         port = {port}\n  \
         allow_localhost\n"
    )
}

fn router(name: &str, condition: &str) -> String {
    format!("{name}:\n  driver = accept\n{condition}  transport = sealist_lmtp\n")
}
