//! Settings for Stalwart 0.15: a route of type relay, and the recipients that use it.

use super::Routes;

pub(super) fn lines(routes: &Routes) -> String {
    let domains = routes.whole.iter().map(|domain| format!("rcpt_domain == '{domain}'"));
    let addresses = routes.shared.iter().map(|(domain, lists)| {
        let pattern = format!("^{}@{}$", Routes::local_parts(lists), domain.replace('.', "\\."));
        format!("matches('{}', rcpt)", pattern.replace('\\', "\\\\"))
    });
    let ours: Vec<String> = domains.chain(addresses).collect();
    let ours = ours.join(" || ");
    format!(
        "# Stalwart (config.toml, or the same names under Settings). The lists' domains must not be local domains; of a\n\
         # domain that is, only the addresses of lists are named here. Join the expressions with those that you have.\n\
         [queue.route.sealist]\n\
         type = \"relay\"\n\
         address = \"{}\"\n\
         port = {}\n\
         protocol = \"lmtp\"\n\
         tls.implicit = false\n\
         \n\
         [queue.strategy]\n\
         route = [\n  \
         {{ if = \"{ours}\", then = \"'sealist'\" }},\n  \
         {{ if = \"is_local_domain('*', rcpt_domain)\", then = \"'local'\" }},\n  \
         {{ else = \"'mx'\" }}\n\
         ]\n\
         \n\
         [session.rcpt]\n\
         relay = [\n  \
         {{ if = \"!is_empty(authenticated_as) || {ours}\", then = true }},\n  \
         {{ else = false }}\n\
         ]\n",
        routes.host(),
        routes.port(),
    )
}
