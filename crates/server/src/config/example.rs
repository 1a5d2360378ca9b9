//! The configuration file that `quickstart` writes: every key, its value, and what it means.

use super::Config;

/// What each section and key means; keys in the order in which they are written.
const COMMENTS: &[(&str, &str)] = &[
    ("data_dir", "Where the database is. Must not hold the key directory."),
    ("[site]", ""),
    ("contact", "Who hears of lists that nobody is in charge of."),
    (
        "mailbox_domains",
        "Domains of lists that have mailboxes too, as the domain of contact does: `mta print` leaves those alone.",
    ),
    ("language", "The language of letters: en, de or fr. A list and a person may have another."),
    ("templates", "Your own words in place of ours (docs/texts.md). Empty: templates in data_dir."),
    (
        "max_stranger_notices_per_hour",
        "Notices to all people together of whom the site knows nothing: forged mail asks for them. 0: none.",
    ),
    ("[database]", ""),
    ("url", "Empty: sealist.db in data_dir. Or sqlite:///path/to/file, or postgres://user@host/name."),
    ("[lmtp]", "Where your mail server delivers to, by LMTP."),
    ("listen", "Keep it on loopback: LMTP knows no password."),
    ("max_message_kib", "Refused at the door above this, whatever a list allows."),
    ("max_connections", ""),
    ("max_in_flight_kib", "Message bytes in memory at one time; beyond it mail is put off (452)."),
    ("tls_certificate", "With a certificate and a key (PEM), STARTTLS is offered."),
    ("tls_key", ""),
    ("[outgoing]", "Your mail server, which takes the copies."),
    ("host", ""),
    ("port", ""),
    ("security", "none, starttls or tls."),
    ("verify", "Whether its certificate must be valid for `host`."),
    ("user", "Empty: no login."),
    ("password_file", "A file with the password alone."),
    ("max_connections", "Connections to it at one time."),
    ("max_recipients", "Recipients of one message to a plain list; sealed copies have one each."),
    ("connect_timeout_s", "To connect, TLS included."),
    ("command_timeout_s", "For the reply to a command."),
    ("data_timeout_s", "For a message to be taken, and again for the reply to its end."),
    ("chunk_by", "size: anybody shares such a message; domain: recipients of one domain do."),
    ("[keydirs]", "Where the secret keys of the lists are."),
    ("list", "The key directory: mode 0700, backed up apart from the data."),
    (
        "kept",
        "Where new keys go: directory, or database (wrapped; needs master_key). Several nodes share a database.",
    ),
    (
        "master_key",
        "Keys are wrapped under it: a file, or credential:NAME of systemd. Never beside the data or the keys.",
    ),
    ("[keys]", "Keys of members: each is checked once a day."),
    (
        "warn_days",
        "So many days before its end the holder of a key is warned, and owners are told; at the end always.",
    ),
    (
        "refresh",
        "Where updates of known keys are looked for: none, wkd, keyserver or both. Who is asked learns who is on a list.",
    ),
    ("refresh_every_h", "How often for each key; the requests are spread over that time."),
    ("keyserver", "One that speaks VKS."),
    (
        "proxy",
        "Empty: none. Or socks5h://127.0.0.1:9050 (Tor), or http://host:port; it looks names up itself.",
    ),
    ("[queue]", ""),
    ("retry_period_h", "How long a recipient is tried before the owner is told."),
    ("retry_after_s", "The first pause; each further one is twice as long."),
    ("max_retry_after_s", "The longest pause."),
    ("min_free_mib", "With less room on the disk of data_dir mail is put off (452). 0: not looked at."),
    ("max_waiting", "With more messages waiting to be judged mail is put off (452). 0: no limit."),
    ("[log]", ""),
    ("format", "text or json."),
    ("[workflows]", "Workflows of your own: [workflows.NAME] with description and steps (docs/admins.md)."),
];

/// The file for that configuration.
pub(crate) fn commented(config: &Config) -> String {
    let plain = toml::to_string(config).expect("the configuration is a table of plain values");
    let mut file = String::from("# Sealist. Every key may be left out.\n\n");
    let mut remaining = COMMENTS;
    for line in plain.lines() {
        let key = line.split(" = ").next().unwrap_or(line);
        if let Some(at) = remaining.iter().position(|(name, _)| *name == key) {
            let comment = remaining[at].1;
            remaining = &remaining[at + 1..];
            if !comment.is_empty() {
                file.push_str(&format!("# {comment}\n"));
            }
        }
        file.push_str(line);
        file.push('\n');
    }
    file
}
