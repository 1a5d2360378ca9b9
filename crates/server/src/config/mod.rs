//! The configuration file: TOML. Every key has a default, and unknown keys are refused by name.

mod example;
mod keydirs;
mod keys;
mod known_keys;
#[cfg(test)]
mod snippets;
mod workflows;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sealist_app::App;
use sealist_lists::budgets::Budgets;
use sealist_lists::texts::Language;
use serde::{Deserialize, Serialize};

pub(crate) use example::commented;
pub(crate) use keydirs::{KeyDirs, KeyStorage, MasterKeyAt};
pub(crate) use keys::{KeySettings, Refresh};
use known_keys::Unknown;
use sealist_lists::registry::{Registry, RegistryError};
use workflows::OwnWorkflows;

use crate::file_owner;

/// The path of the configuration if neither `--config` nor `SEALIST_CONFIG` names one.
pub(crate) const DEFAULT_PATH: &str = "/etc/sealist/sealist.toml";

/// The whole file. Relative paths are relative to the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    /// The folder of the database.
    pub(crate) data_dir: PathBuf,
    pub(crate) site: SiteSettings,
    pub(crate) database: DatabaseSettings,
    pub(crate) lmtp: Lmtp,
    pub(crate) outgoing: OutgoingSettings,
    pub(crate) keydirs: KeyDirs,
    pub(crate) keys: KeySettings,
    pub(crate) queue: Queue,
    pub(crate) log: Log,
    pub(crate) workflows: OwnWorkflows,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SiteSettings {
    /// The address that gets the notices of lists without an owner. Empty: nobody.
    pub(crate) contact: String,
    /// Domains that have mailboxes as well as lists. The domain of `contact` is always one of them.
    pub(crate) mailbox_domains: Vec<String>,
    /// The language of people and lists that have not chosen one.
    pub(crate) language: Language,
    /// The folder of the admin's own texts, in Mailman's layout. Empty: `templates` in `data_dir`.
    pub(crate) templates: PathBuf,
    /// The most notices within an hour to all strangers, over all nodes. 0: none.
    pub(crate) max_stranger_notices_per_hour: u32,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            contact: String::new(),
            mailbox_domains: Vec::new(),
            language: Language::default(),
            templates: PathBuf::new(),
            max_stranger_notices_per_hour: Budgets::DEFAULT_PER_HOUR,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DatabaseSettings {
    /// Empty: `sealist.db` in `data_dir`. `sqlite:///path` names another file, and
    /// `postgres://user@host/name` a PostgreSQL database, which several nodes may share.
    pub(crate) url: String,
}

/// Where mail is received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lmtp {
    pub(crate) listen: SocketAddr,
    /// Larger messages are refused with 552, even if a list allows more.
    pub(crate) max_message_kib: u32,
    pub(crate) max_connections: u32,
    /// How many KiB of messages may be in memory at a time. Beyond that LMTP answers 452.
    pub(crate) max_in_flight_kib: u32,
    /// If both are set, STARTTLS is offered. PEM files.
    pub(crate) tls_certificate: PathBuf,
    pub(crate) tls_key: PathBuf,
}

/// Where mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OutgoingSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: ConnectionSecurity,
    /// Whether the server's certificate must be valid for `host`.
    pub(crate) verify: bool,
    pub(crate) user: String,
    pub(crate) password_file: PathBuf,
    /// The most connections at a time.
    pub(crate) max_connections: u32,
    /// The most recipients of one message of a plain list.
    pub(crate) max_recipients: u32,
    /// The timeout for connecting, including TLS, in seconds.
    pub(crate) connect_timeout_s: u32,
    /// The timeout for the reply to a command, in seconds.
    pub(crate) command_timeout_s: u32,
    /// The timeout for sending a message, and again for the reply to its end, in seconds.
    pub(crate) data_timeout_s: u32,
    /// Which recipients may share such a message.
    pub(crate) chunk_by: ChunkBy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChunkBy {
    /// Any recipients.
    #[default]
    Size,
    /// Recipients of one domain.
    Domain,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ConnectionSecurity {
    #[default]
    None,
    StartTls,
    Tls,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Queue {
    /// How long delivery to a recipient is retried before the owner is told, in hours.
    pub(crate) retry_period_h: u32,
    /// The first pause after a temporary refusal, in seconds. Each further pause is twice as long.
    pub(crate) retry_after_s: u32,
    /// The longest pause, in seconds.
    pub(crate) max_retry_after_s: u32,
    /// If the disk of `data_dir` has less room, LMTP answers 452. 0: not checked.
    pub(crate) min_free_mib: u32,
    /// If more messages wait to be judged, LMTP answers 452. 0: no limit.
    pub(crate) max_waiting: u32,
    /// How many days `sealist trace` shows what became of a message. 0: until the next upkeep.
    pub(crate) sent_kept_days: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/sealist".into(),
            site: SiteSettings::default(),
            database: DatabaseSettings::default(),
            lmtp: Lmtp::default(),
            outgoing: OutgoingSettings::default(),
            keydirs: KeyDirs::default(),
            keys: KeySettings::default(),
            queue: Queue::default(),
            log: Log::default(),
            workflows: OwnWorkflows::default(),
        }
    }
}

impl Default for Lmtp {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8024).into(),
            max_message_kib: 50 * 1024,
            max_connections: 200,
            max_in_flight_kib: 128 * 1024,
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
        }
    }
}

impl Default for OutgoingSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 25,
            security: ConnectionSecurity::None,
            verify: true,
            user: String::new(),
            password_file: PathBuf::new(),
            max_connections: 4,
            max_recipients: 50,
            connect_timeout_s: 30,
            command_timeout_s: 300,
            data_timeout_s: 600,
            chunk_by: ChunkBy::Size,
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            retry_period_h: 120,
            retry_after_s: 60,
            max_retry_after_s: 3600,
            min_free_mib: 200,
            max_waiting: 100_000,
            sent_kept_days: App::SENT_KEPT_DAYS,
        }
    }
}

/// Why a configuration cannot be used. Each text is one sentence that says what to change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("there is no {}: run `sealist quickstart ADMIN@DOMAIN`, or give --config FILE", path.display())]
    Missing { path: PathBuf },
    #[error("cannot read {}: {why}{}", path.display(), file_owner::advice(path, why.kind()))]
    Read { path: PathBuf, why: std::io::Error },
    #[error("{}: {detail}", path.display())]
    Syntax { path: PathBuf, detail: String },
    #[error("{}: {unknown}", path.display())]
    UnknownKey { path: PathBuf, unknown: Unknown },
    #[error("{}: {detail}", path.display())]
    Value { path: PathBuf, detail: String },
}

impl ConfigError {
    /// What the admin can do about it.
    pub(crate) fn fix(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "run `sealist quickstart ADMIN@DOMAIN`, or give --config FILE",
            Self::Read { .. } => "run this as the user that the server runs as",
            Self::Syntax { .. } | Self::UnknownKey { .. } | Self::Value { .. } => {
                "correct the file; `sealist example` prints one with all keys"
            }
        }
    }
}

/// The parser's message, with an explanation for a table that is there twice.
fn describe_toml_error(error: &toml::de::Error) -> String {
    let hint = match error.message().contains("duplicate key") {
        true => ": it is in the file already. Put all keys of a table below one header, each once",
        false => "",
    };
    format!("{}{hint}", error.to_string().trim())
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
            _ => ConfigError::Read { path: path.to_owned(), why },
        })?;
        let mut config = Self::parse(&text, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        config.anchor(folder.unwrap_or(Path::new(".")));
        config.check(path)?;
        Ok(config)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            detail: describe_toml_error(&error),
        };
        if let Some(unknown) = known_keys::first_unknown(text).map_err(syntax)? {
            return Err(ConfigError::UnknownKey { path: path.to_owned(), unknown });
        }
        toml::from_str(text).map_err(syntax)
    }

    /// Makes relative paths absolute.
    fn anchor(&mut self, base: &Path) {
        let base = std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
        for path in [
            &mut self.data_dir,
            &mut self.site.templates,
            &mut self.lmtp.tls_certificate,
            &mut self.lmtp.tls_key,
            &mut self.outgoing.password_file,
            &mut self.keydirs.list,
        ] {
            if !path.as_os_str().is_empty() {
                *path = base.join(&*path);
            }
        }
        self.keydirs.master_key.anchor(&base);
    }

    fn check(&self, path: &Path) -> Result<(), ConfigError> {
        let value =
            |detail: &str| Err(ConfigError::Value { path: path.to_owned(), detail: detail.to_owned() });
        if let Some(problem) = self.keydirs.problem(&self.data_dir) {
            return value(problem);
        }
        if let Some(problem) = self.keys.problem() {
            return value(problem);
        }
        let url = &self.database.url;
        let known = ["sqlite://", "postgres://", "postgresql://"];
        if !url.is_empty() && !known.iter().any(|scheme| url.starts_with(scheme)) {
            return value("database.url must start with sqlite:// or postgres://");
        }
        if !self.outgoing.user.is_empty() && self.outgoing.password_file.as_os_str().is_empty() {
            return value("outgoing.user needs outgoing.password_file");
        }
        if self.lmtp.max_connections == 0 || self.outgoing.max_connections == 0 {
            return value("max_connections must be at least 1");
        }
        let OutgoingSettings { connect_timeout_s, command_timeout_s, data_timeout_s, .. } = self.outgoing;
        if [connect_timeout_s, command_timeout_s, data_timeout_s].contains(&0) {
            return value("the timeouts of outgoing must be at least 1");
        }
        if !self.site.contact.is_empty() && self.contact().is_none() {
            return value("site.contact must be an address like admin@example.org");
        }
        if let Err(error) = self.registry() {
            return value(&error.to_string());
        }
        let (certificate, key) = (&self.lmtp.tls_certificate, &self.lmtp.tls_key);
        if certificate.as_os_str().is_empty() != key.as_os_str().is_empty() {
            return value("lmtp.tls_certificate and lmtp.tls_key belong together");
        }
        Ok(())
    }

    /// The contact of the site.
    pub(crate) fn contact(&self) -> Option<sealist_mail::Address> {
        self.site.contact.parse().ok()
    }

    /// The folder of the admin's own texts. It need not exist.
    pub(crate) fn templates(&self) -> PathBuf {
        match self.site.templates.as_os_str().is_empty() {
            true => self.data_dir.join("templates"),
            false => self.site.templates.clone(),
        }
    }

    /// Everything that is built in, and the workflows of this site.
    pub(crate) fn registry(&self) -> Result<Registry, RegistryError> {
        workflows::with_own(&self.workflows)
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> DatabaseAt<'_> {
        match self.database.url.strip_prefix("sqlite://") {
            Some(path) => DatabaseAt::File(path.into()),
            None if self.database.url.is_empty() => DatabaseAt::File(self.data_dir.join("sealist.db")),
            None => DatabaseAt::Server(&self.database.url),
        }
    }
}

impl SiteSettings {
    /// Whether a domain has mailboxes as well as lists.
    pub(crate) fn has_mailboxes(&self, domain: &str) -> bool {
        let contact = self.contact.rsplit_once('@').map(|(_, domain)| domain);
        let mut all = self.mailbox_domains.iter().map(String::as_str).chain(contact);
        all.any(|known| known.eq_ignore_ascii_case(domain))
    }
}

impl OutgoingSettings {
    /// Whether the next hop is on this machine, judging by its name.
    pub(crate) fn is_here(&self) -> bool {
        let address: Result<std::net::IpAddr, _> = self.host.parse();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// Where the database is.
pub(crate) enum DatabaseAt<'a> {
    /// SQLite.
    File(PathBuf),
    /// PostgreSQL: its address, which may hold a password.
    Server(&'a str),
}

impl std::fmt::Display for DatabaseAt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(url) => {
                let place = url.rsplit('@').next().and_then(|rest| rest.split('?').next());
                write!(f, "PostgreSQL at {}", place.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn the_commented_example_is_a_valid_file() {
        let config = Config { data_dir: "data".into(), ..Config::default() };
        assert_eq!(parse(&commented(&config)).unwrap(), config);
    }

    #[test]
    fn what_is_there_twice_is_told_in_words() {
        for text in
            ["[keys]\nrefresh = 'both'\n[keys]\nproxy = ''", "[log]\nformat = 'text'\nformat = 'json'"]
        {
            let said = parse(text).unwrap_err();
            assert!(said.contains("line 3") && said.contains("below one header, each once"), "{said}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        fn check(text: &str, part: &str) {
            let mut config = parse(text).unwrap();
            config.anchor(Path::new("/etc/sealist"));
            let message = config.check(Path::new("x.toml")).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        check("data_dir = '/d'\n[keydirs]\nlist = '/d/keys'", "outside data_dir");
        check("[workflows.mine]\nsteps = ['sanity-checks']", "`do-it` must be its last step");
        check("data_dir = '/d'\n[keydirs]\nmaster_key = '/d/master.key'", "outside data_dir");
        check("[keydirs]\nlist = '/k'\nmaster_key = '/k/master.key'", "outside data_dir and keydirs.list");
        check("[keydirs]\nkept = 'database'", "needs keydirs.master_key");
        check("[outgoing]\nuser = 'u'", "password_file");
        check("[lmtp]\nmax_connections = 0", "at least 1");
        check("[outgoing]\ndata_timeout_s = 0", "at least 1");
        check("[site]\ncontact = 'nobody'", "site.contact");
        check("[keys]\nkeyserver = 'http://keys.example.org'", "https://");
        check("[keys]\nproxy = 'socks5://127.0.0.1:9050'", "socks5h://");
        check("[keys]\nrefresh_every_h = 0", "at least 1");
        check("[lmtp]\ntls_key = 'k.pem'", "belong together");
    }
}
