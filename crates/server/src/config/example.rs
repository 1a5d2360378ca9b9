//! The configuration file that `quickstart` writes: every key with its value and its meaning.

use super::Config;

/// The meaning of each section and key. Keys are in the order in which they are written.
const COMMENTS: &[(&str, &str)] = &[
    ("data_dir", "The folder of the database, mode 0700. It must not hold the key directory."),
    ("[site]", ""),
    ("contact", "The address that gets the notices of lists without an owner. Empty: nobody gets them."),
    (
        "mailbox_domains",
        "Domains that have mailboxes as well as lists, like the domain of contact: `mta print` leaves the mailboxes alone.",
    ),
    ("language", "The language of notices: en, de or fr. Lists and people may choose another."),
    (
        "templates",
        "A folder with your own texts, which replace the built-in ones (docs/texts.md). Empty: templates in data_dir.",
    ),
    (
        "max_stranger_notices_per_hour",
        "The most notices per hour to all strangers together, because forged mail can ask for them. 0: none.",
    ),
    ("[database]", ""),
    ("url", "Empty: sealist.db in data_dir. Or sqlite:///path/to/file, or postgres://user@host/name."),
    ("[lmtp]", "Where your mail server delivers by LMTP."),
    ("listen", "Address and port. Keep it on loopback: LMTP has no password."),
    ("max_message_kib", "Larger messages are refused (552), even if a list allows more. In KiB."),
    ("max_connections", "The most connections of your mail server at a time; further ones wait."),
    ("max_in_flight_kib", "The most memory for incoming messages; beyond it mail is deferred (452). In KiB."),
    ("tls_certificate", "A file with the certificate chain (PEM). With it and tls_key STARTTLS is offered."),
    ("tls_key", "A file with its secret key (PEM)."),
    ("[outgoing]", "Your mail server, which takes the copies."),
    ("host", "Its name or address."),
    ("port", "Its port."),
    ("security", "none, starttls or tls (from the first octet)."),
    ("verify", "Whether its certificate must be valid for `host`."),
    ("user", "The user to log in as. Empty: no login."),
    ("password_file", "A file that contains only the password, mode 0600."),
    ("max_connections", "The most connections to it at a time."),
    ("max_recipients", "The most recipients of one message of a plain list; sealed copies have one each."),
    ("connect_timeout_s", "The timeout for connecting, including TLS. In seconds."),
    ("command_timeout_s", "The timeout for the reply to a command. In seconds."),
    ("data_timeout_s", "The timeout for sending a message, and again for the reply to its end. In seconds."),
    (
        "chunk_by",
        "Which recipients may share a message of a plain list: any (size), or those of one domain (domain).",
    ),
    ("[keydirs]", "Where the secret keys of the lists are."),
    ("list", "The key directory: mode 0700, backed up separately from the data."),
    (
        "kept",
        "Where new keys are stored: directory, or database (wrapped; needs master_key), which several nodes can share.",
    ),
    (
        "master_key",
        "Keys are wrapped under it: a file, or credential:NAME of systemd. Never beside the data or the keys. Empty: none.",
    ),
    ("[keys]", "Keys of members: each is checked once a day."),
    (
        "warn_days",
        "How many days before a key expires its holder is warned and owners are told; when it expires they always are.",
    ),
    (
        "refresh",
        "Where to look for updates of known keys: none, wkd, keyserver or both. The servers learn who may be on a list.",
    ),
    ("refresh_every_h", "How often each key is looked up; the requests are spread over that time. In hours."),
    ("keyserver", "A server that speaks VKS; it must start with https://."),
    (
        "proxy",
        "Empty: none. Or socks5h://127.0.0.1:9050 (Tor), or http://host:port; the proxy resolves names.",
    ),
    ("[queue]", ""),
    (
        "retry_period_h",
        "How long delivery of a copy is retried before it fails and the owners are told. In hours.",
    ),
    ("retry_after_s", "The pause after the first try; each further pause is twice as long. In seconds."),
    ("max_retry_after_s", "The longest pause. In seconds."),
    (
        "min_free_mib",
        "With less free room on the disk of data_dir mail is deferred (452). 0: not checked. In MiB.",
    ),
    ("max_waiting", "With more messages waiting to be judged mail is deferred (452). 0: no limit."),
    ("sent_kept_days", "For so many days `sealist trace` shows what became of messages and copies."),
    ("[log]", ""),
    ("format", "The format of the log: text or json."),
    ("[workflows]", "Workflows of your own: [workflows.NAME] with description and steps (docs/admins.md)."),
];

/// The file for that configuration.
pub(crate) fn commented(config: &Config) -> String {
    let plain = toml::to_string(config).expect("the configuration is a table of plain values");
    let mut file = String::from(
        "# Sealist. Every key may be left out. Each table may be there once: change a key in its place.\n\n",
    );
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the comment of each line that sets one.
    fn keys(file: &str) -> Vec<(String, String)> {
        let lines: Vec<&str> = file.lines().collect();
        let pairs = lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#'));
        let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
        pairs.map(|pair| (key(pair[1]), pair[0].trim_start_matches("# ").to_owned())).collect()
    }

    #[test]
    fn every_key_says_what_it_means_and_in_which_unit() {
        let file = commented(&Config::default());
        for (key, comment) in keys(&file) {
            assert!(comment.ends_with('.') && comment.contains(' '), "{key}: {comment:?}");
            let units = [
                ("_kib", "In KiB."),
                ("_mib", "In MiB."),
                ("_s", "In seconds."),
                ("_h", "In hours."),
                ("_days", "days"),
            ];
            for (suffix, words) in units {
                assert!(!key.ends_with(suffix) || comment.contains(words), "{key}: {comment}");
            }
        }
        let written = COMMENTS.iter().filter(|(_, comment)| !comment.is_empty());
        for (key, comment) in written {
            assert!(
                file.contains(&format!("# {comment}\n{key}")),
                "{key} is no key of the configuration any more"
            );
        }
    }

    #[test]
    fn the_documentation_has_every_key_with_its_default() {
        let documented = include_str!("../../../../docs/configuration.md");
        let file = commented(&Config::default());
        assert!(
            documented.contains(&file),
            "put what `sealist example` prints into docs/configuration.md:\n{file}"
        );
    }
}
