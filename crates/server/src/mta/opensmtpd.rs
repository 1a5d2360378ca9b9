//! Lines for OpenSMTPD's `smtpd.conf`.

use super::Routes;

pub(super) fn lines(routes: &Routes) -> String {
    let host = match routes.host() {
        host if host.contains(':') => format!("[{host}]"),
        host => host,
    };
    let mut text = format!(
        "# smtpd.conf: put these lines before your other `match` lines; the first that fits counts.\n\
         # OpenSMTPD takes mail for every address here and bounces what Sealist refuses.\n\
         action \"sealist\" relay host lmtp://{host}:{}\n",
        routes.port()
    );
    for domain in &routes.whole {
        text += &format!("match from any for domain \"{domain}\" action \"sealist\"\n");
    }
    for (domain, lists) in &routes.shared {
        text += &format!(
            "# {domain} has mailboxes too: the addresses of its lists go to Sealist, all others stay.\n\
             match from any for rcpt-to regex \"^{}@{}$\" action \"sealist\"\n",
            Routes::local_parts(lists),
            domain.replace('.', "\\.")
        );
    }
    text
}
