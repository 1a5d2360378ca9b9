//! mox delivers only to its own accounts: it can send mail for Sealist, but not receive it.

use super::Routes;

pub(super) fn lines(routes: &Routes) -> String {
    let mut domains: Vec<&str> = routes.whole.iter().map(String::as_str).collect();
    domains.extend(routes.shared.keys().map(String::as_str));
    let domains = domains.join(", ");
    let team = match routes.shared.values().next().and_then(|lists| lists.first()) {
        Some(list) => format!(
            "# A list such as {list}@ in a domain that mox serves cannot be reached: use a domain of lists alone.\n"
        ),
        None => String::new(),
    };
    format!(
        "# mox takes mail for its own accounts only and hands none on by LMTP. So the MX of the lists' domains must be another\n\
         # server; Postfix beside mox on another address will do (`sealist mta print postfix`).\n\
         # The domains: {domains}.\n\
         {team}\
         # Sealist can send through mox. Make an account that may send as any address of the lists' domains, and change\n\
         # these keys below [outgoing] in sealist.toml:\n\
         host = \"mail.example.org\"\n\
         port = 465\n\
         security = \"tls\"\n\
         user = \"lists@example.org\"\n\
         password_file = \"/etc/sealist/password\"\n",
    )
}
