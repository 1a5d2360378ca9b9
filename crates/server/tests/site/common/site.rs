//! A site with one PGP list: who joins, what is sent, what comes out.

use std::sync::Mutex;
use std::time::Duration;

use sealist_mail::Timestamp;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::RecipientResult;
use sealist_store::testing::Postgres;
use tokio::sync::watch;

use super::gpg::Gpg;
use super::sink::{Received, RecordingSink};
use super::{Server, post};

pub(crate) const LIST: &str = "team@lists.example";
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// A PGP list, its server and a mail server that takes the copies.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) sink: RecordingSink,
    /// What came to people who did not write.
    pub(crate) others: Mutex<Vec<Received>>,
    _stop: watch::Sender<bool>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::configured("").await
    }

    /// On a PostgreSQL database of its own.
    pub(crate) async fn on_postgres() -> Self {
        let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
        Self::configured(&format!("[database]\nurl = '{url}'\n")).await
    }

    /// With these sections of the configuration.
    pub(crate) async fn configured(sections: &str) -> Self {
        let sink = RecordingSink::default();
        let (stop, stopped) = watch::channel(false);
        let port = sink.start(stopped).await.unwrap();
        let server = Server::configured(&format!(
            "{sections}[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\n"
        ));
        server.cli(&["lists", "create", LIST]);
        Self { server, sink, others: Mutex::default(), _stop: stop }
    }

    /// A person with a key ring that holds the list's key.
    pub(crate) fn person(&self, address: &str) -> Gpg {
        let gpg = Gpg::new().unwrap();
        gpg.make_key(address, "curve25519").unwrap();
        gpg.import(self.server.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
        gpg
    }

    pub(crate) fn join(&self, address: &str, role: &str, gpg: &Gpg) {
        let key = self.server.file(&format!("{address}.asc"), &gpg.export(address).unwrap());
        self.server.cli(&["members", "add", LIST, address, "--role", role, "--key", &key]);
    }

    /// Posts to an address of the list, waits until it is judged, and takes what comes out.
    pub(crate) async fn send(&self, to: &str, message: &[u8], expected: usize) -> Vec<Received> {
        let mut connection = self.server.connect().await;
        let result = post(&mut connection, to, message).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
        self.server.wait_until_judged();
        let mut came = self.sink.wait_for(expected, WAIT).await;
        self.server.wait_until_quiet();
        came.extend(self.sink.wait_for(0, Duration::ZERO).await);
        came.sort_by(|a, b| a.recipient.cmp(&b.recipient));
        let to: Vec<&str> = came.iter().map(|notice| notice.recipient.as_str()).collect();
        assert_eq!(came.len(), expected, "came out to {to:?}");
        came
    }

    /// Changes a setting of the list, and takes the notices by which the owners hear that this weakens it.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        self.server.cli(&["lists", "set", LIST, name, value]);
        self.notices().await;
    }

    /// Somebody whose program is the library, quicker than GnuPG and with keys of all kinds.
    pub(crate) fn join_with(&self, address: &str, kind: Kind) -> Person {
        let person = Person::new(address, kind, Timestamp::now());
        let key = self.server.file(&format!("{address}.asc"), &person.certificate().armored());
        self.server.cli(&["members", "add", LIST, address, "--key", &key]);
        person
    }

    /// The list's certificate.
    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::read_one(self.server.cli(&["lists", "key", LIST]).as_bytes()).unwrap()
    }

    pub(crate) fn held(&self) -> usize {
        self.server.queued().len()
    }
}
