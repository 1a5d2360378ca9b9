//! What nodes share: a PostgreSQL database and a mail server, and Anne, who posts.

use std::path::Path;
use std::process::Command;

use sealist_mail::Timestamp;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::RecipientResult;
use sealist_store::testing::Postgres;
use tempfile::TempDir;
use tokio::sync::watch;

use super::readers::read_copy;
use super::sink::{Received, RecordingSink};
use super::site::{LIST, WAIT};
use super::{Server, entity, post};

/// A PostgreSQL database and a mail server, for nodes to come.
pub(crate) struct Ground {
    pub(crate) sections: String,
    pub(crate) sink: RecordingSink,
    pub(crate) folder: TempDir,
    pub(crate) anne: Person,
    pub(crate) url: String,
    _stop: watch::Sender<bool>,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        let sink = RecordingSink::default();
        let (stop, stopped) = watch::channel(false);
        let port = sink.start(stopped).await.unwrap();
        let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
        let sections = format!(
            "[database]\nurl = '{url}'\n[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\nmax_connections = 2\n"
        );
        let anne = Person::new("anne@example.org", Kind::Curve25519, Timestamp::now());
        Self { sections, sink, url, folder: TempDir::new().unwrap(), anne, _stop: stop }
    }

    /// The folder of the master key; the keys are in the database.
    pub(crate) fn in_database(&self) -> String {
        let master = self.folder.path().join("master.key");
        if !master.exists() {
            make_master_key(&master);
        }
        format!("kept = 'database'\nmaster_key = '{}'\nlist = 'keys'", master.display())
    }

    pub(crate) fn node(&self, keydirs: &str) -> Server {
        Server::with_keydirs(keydirs, &self.sections)
    }

    /// The list, with Anne.
    pub(crate) fn set_up(&self, node: &Server) {
        node.cli(&["lists", "create", LIST]);
        let key = node.file("anne.asc", &self.anne.certificate().armored());
        node.cli(&["members", "add", LIST, "anne@example.org", "--key", &key]);
    }

    /// Anne posts at that node, encrypted to that key.
    pub(crate) async fn post(&self, node: &Server, to: &Certificate, subject: &str) -> RecipientResult {
        let message = self.anne.mail(to, &entity(subject, "We meet at seven."), Timestamp::now());
        post(&mut node.connect().await, LIST, &message).await
    }

    pub(crate) async fn takes(&self, node: &Server, to: &Certificate, subject: &str) {
        let result = self.post(node, to, subject).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
    }

    /// What comes out is signed by that key.
    pub(crate) async fn comes_out(&self, subject: &str, signed_by: &Certificate) {
        let came = self.sink.wait_for(1, WAIT).await;
        assert_eq!(came.len(), 1, "{subject} comes out");
        let (text, signed) = self.read(&came[0], signed_by);
        assert!(text.contains(subject), "{text}");
        assert!(signed, "{subject}: signed by {}", signed_by.fingerprint());
    }

    pub(crate) fn read(&self, copy: &Received, from: &Certificate) -> (String, bool) {
        let Shape::Encrypted(armor) = classify(&copy.message) else { panic!("not encrypted") };
        let (text, signed) = read_copy(&self.anne, &armor, from).unwrap();
        (String::from_utf8_lossy(&text).into_owned(), signed)
    }
}

pub(crate) fn make_master_key(file: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealist"));
    let made = command.args(["keys", "master-key", file.to_str().unwrap()]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The key that correspondents get.
pub(crate) fn key_of(node: &Server) -> Certificate {
    Certificate::read_one(node.cli(&["lists", "key", LIST]).as_bytes()).unwrap()
}
