//! The configuration file that `quickstart` writes: every key with its value and its meaning.

use super::Config;

/// The meaning of each section and key. Keys are in the order in which they are written.
const COMMENTS: &[(&str, &str)] = &[
    ("data_dir", "The folder of the database, mode 0700. It must not hold the key directory."),
    ("[site]", ""),
    (
        "contact",
        "The address of whoever hears of lists that nobody is in charge of. Empty: nobody hears of them.",
    ),
    (
        "mailbox_domains",
        "Domains of lists that have mailboxes too, as the domain of contact does: `mta print` leaves those alone.",
    ),
    ("language", "The language of what Sealist writes: en, de or fr. A list and a person may have another."),
    (
        "templates",
        "A folder with your own words in place of ours (docs/texts.md). Empty: templates in data_dir.",
    ),
    (
        "max_stranger_notices_per_hour",
        "Notices to all people together of whom the site knows nothing: forged mail asks for them. 0: none.",
    ),
    ("[database]", ""),
    ("url", "Empty: sealist.db in data_dir. Or sqlite:///path/to/file, or postgres://user@host/name."),
    ("[lmtp]", "Where your mail server delivers to, by LMTP."),
    ("listen", "Address and port. Keep it on loopback: LMTP knows no password."),
    ("max_message_kib", "Larger messages are refused (552), whatever a list allows. In KiB."),
    ("max_connections", "Connections of your mail server at one time; further ones wait."),
    (
        "max_in_flight_kib",
        "Octets of messages in memory at one time; beyond it mail is put off (452). In KiB.",
    ),
    ("tls_certificate", "A file with the certificate chain (PEM). With it and tls_key STARTTLS is offered."),
    ("tls_key", "A file with its secret key (PEM)."),
    ("[outgoing]", "Your mail server, which takes the copies."),
    ("host", "Its name or address."),
    ("port", "Its port."),
    ("security", "none, starttls or tls (from the first octet)."),
    ("verify", "Whether its certificate must be valid for `host`."),
    ("user", "The user to log in as. Empty: no login."),
    ("password_file", "A file with the password alone, mode 0600."),
    ("max_connections", "Connections to it at one time."),
    ("max_recipients", "Recipients of one message to a plain list; sealed copies have one each."),
    ("connect_timeout_s", "How long it may take to connect, TLS included. In seconds."),
    ("command_timeout_s", "How long the reply to a command may take. In seconds."),
    (
        "data_timeout_s",
        "How long it may take to hand a message over, and again to get the reply to its end. In seconds.",
    ),
    (
        "chunk_by",
        "Who may share a message to a plain list: anybody (size), or recipients of one domain (domain).",
    ),
    ("[keydirs]", "Where the secret keys of the lists are."),
    ("list", "The key directory: mode 0700, backed up apart from the data."),
    (
        "kept",
        "Where new keys go: directory, or database (wrapped; needs master_key). Several nodes share a database.",
    ),
    (
        "master_key",
        "Keys are wrapped under it: a file, or credential:NAME of systemd. Never beside the data or the keys. Empty: none.",
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
    ("refresh_every_h", "How often each key is asked for; the requests are spread over that time. In hours."),
    ("keyserver", "A server that speaks VKS; it must start with https://."),
    (
        "proxy",
        "Empty: none. Or socks5h://127.0.0.1:9050 (Tor), or http://host:port; it looks names up itself.",
    ),
    ("[queue]", ""),
    ("retry_period_h", "How long a copy is tried before it has failed and the owners are told. In hours."),
    ("retry_after_s", "The pause after the first try; each further one is twice as long. In seconds."),
    ("max_retry_after_s", "The longest pause. In seconds."),
    (
        "min_free_mib",
        "With less room on the disk of data_dir mail is put off (452). 0: not looked at. In MiB.",
    ),
    ("max_waiting", "With more messages waiting to be judged mail is put off (452). 0: no limit."),
    ("[log]", ""),
    ("format", "How lines of the log are written: text or json."),
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
