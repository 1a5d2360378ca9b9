//! What the tests of the binary share: the server as its own process, GnuPG as the members' program, a
//! mail server that keeps what it gets.

pub(crate) mod cases;
pub(crate) mod cast;
#[allow(dead_code, reason = "shared with the demo, which uses more of it")]
#[path = "../../../src/demo/gpg.rs"]
pub(crate) mod gpg;
pub(crate) mod ground;
pub(crate) mod jail;
pub(crate) mod maildir;
pub(crate) mod postfix;
#[path = "../../../../app/tests/readers/mod.rs"]
pub(crate) mod readers;
#[allow(dead_code, reason = "shared with the demo, which uses more of it")]
#[path = "../../../src/demo/sink.rs"]
pub(crate) mod sink;
pub(crate) mod site;
pub(crate) mod talk;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gpg::Gpg;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Boundary, Timestamp, compose};
use sealist_smtp::Reply;
use sealist_smtp::client::{Connection, Envelope, NextHop, Protocol, RecipientResult, WireBody};
use sealist_store::testing::make_database;
use sink::RecordingSink;
use tempfile::TempDir;

/// A site in a folder of its own, served.
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    pub(crate) child: Child,
    starts: usize,
}

impl Server {
    /// Nobody listens on port 9: copies wait to be tried again.
    pub(crate) fn start() -> Self {
        Self::sending_to(9)
    }

    /// Sends copies to that port of loopback.
    pub(crate) fn sending_to(port: u16) -> Self {
        Self::configured(&format!("[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = {port}\n"))
    }

    /// With those sections of the configuration.
    pub(crate) fn configured(sections: &str) -> Self {
        Self::with_keys_in("keys", sections)
    }

    /// With the key directory of another node.
    pub(crate) fn with_keys_in(keys: &str, sections: &str) -> Self {
        Self::with_keydirs(&format!("list = '{keys}'"), sections)
    }

    /// With that content of the section `[keydirs]`.
    pub(crate) fn with_keydirs(keydirs: &str, sections: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = format!("data_dir = 'data'\n{sections}\n[keydirs]\n{keydirs}\n");
        std::fs::write(folder.path().join("sealist.toml"), config).unwrap();
        let file = folder.path().join("data/sealist.db").display().to_string();
        make_database(url_in(sections).unwrap_or(&file));
        let child = launch(folder.path(), "debug");
        let mut server = Self { folder, port: 0, child, starts: 1 };
        server.wait_until_ready();
        server
    }

    /// The log names the port of each start.
    fn wait_until_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
            let ports: Vec<&str> =
                log.lines().filter_map(|line| line.split("serving lmtp=127.0.0.1:").nth(1)).collect();
            if ports.len() == self.starts {
                self.port = ports[self.starts - 1].split(" ").next().unwrap().parse().unwrap();
                return;
            }
            assert!(Instant::now() < end, "the server does not come up:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.restart_logging("debug");
    }

    /// The same, with that level of the log.
    pub(crate) fn restart_logging(&mut self, level: &str) {
        self.child = launch(self.folder.path(), level);
        self.starts += 1;
        self.wait_until_ready();
    }

    /// Runs a command, which must work.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Runs a command, whatever comes of it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        command(self.folder.path()).args(arguments).output().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// A file in the site's folder.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn queued(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.cli(&["--json", "queue", "list"])).unwrap()
    }

    pub(crate) fn wait_until_judged(&self) {
        self.wait_until(|| self.count(WAITS) == 0);
    }

    /// Waits until all mail is judged, and nothing is on its way or due.
    pub(crate) fn wait_until_quiet(&self) {
        self.wait_until(|| {
            let due = IS_DUE.replace("NOW", &Timestamp::now().0.to_string());
            self.count(&format!("SELECT ({WAITS}) + ({due})")) == 0
        });
    }

    /// The number that the database answers.
    fn count(&self, sql: &str) -> i64 {
        let config = std::fs::read_to_string(self.folder.path().join("sealist.toml")).unwrap();
        let Some(url) = url_in(&config) else {
            return self.database().unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
        };
        let output = Command::new("psql").args(["-At", url, "-c", sql]).output().unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        answer
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{answer}{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn wait_until(&self, is_true: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !is_true() {
            assert!(Instant::now() < end, "the server does not come to an end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The database of the server, if it is SQLite.
    pub(crate) fn database(&self) -> Option<rusqlite::Connection> {
        let file = self.folder.path().join("data/sealist.db");
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
    }

    pub(crate) async fn connect(&self) -> Connection {
        connect_to(self.port).await
    }
}

pub(crate) async fn connect_to(port: u16) -> Connection {
    Connection::connect(&NextHop::plain("127.0.0.1", port, Protocol::Lmtp)).await.unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealist"));
    command.arg("--config").arg(folder.join("sealist.toml"));
    command
}

fn launch(folder: &Path, level: &str) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command(folder).arg("serve").env("RUST_LOG", level).stderr(log).stdout(Stdio::null()).spawn().unwrap()
}

/// How many entries are to be judged.
const WAITS: &str = "SELECT COUNT(*) FROM queue WHERE queue = 'in'";
/// How many copies and notices are due; those whose next try comes later are not.
const IS_DUE: &str = "SELECT (SELECT COUNT(*) FROM sendings WHERE fan_out_done = 0)
    + (SELECT COUNT(*) FROM deliveries WHERE state = 'due' AND (next_at <= NOW OR claimed_by IS NOT NULL))
    + (SELECT COUNT(*) FROM pending_notices WHERE due_at <= NOW)";

/// The address of the PostgreSQL database that a configuration names.
fn url_in(config: &str) -> Option<&str> {
    config.split("url = '").nth(1)?.split('\'').next()
}

/// A port at which nobody listens now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Posts as anne@example.org.
pub(crate) async fn post(connection: &mut Connection, to: &str, message: &[u8]) -> RecipientResult {
    post_as(connection, "anne@example.org", to, message).await
}

/// Posts with that envelope sender.
pub(crate) async fn post_as(
    connection: &mut Connection,
    sender: &str,
    to: &str,
    message: &[u8],
) -> RecipientResult {
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some(sender.into()),
        recipients: vec![to.into()],
        body: WireBody::from_message(message),
    });
    let mut results = Vec::new();
    connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await.unwrap();
    results.remove(0)
}

/// The payload of a PGP/MIME message, decrypted and signed by the list.
pub(crate) fn read(gpg: &Gpg, message: &[u8]) -> String {
    let Shape::Encrypted(armor) = classify(message) else {
        panic!("not encrypted: {}", String::from_utf8_lossy(message))
    };
    let reading = gpg.decrypt(&armor).unwrap();
    assert!(reading.decrypted && reading.good_signature, "not for us, or not signed by the list");
    readers::assert_one_reading(&reading.text);
    String::from_utf8_lossy(&reading.text).into_owned()
}

impl RecordingSink {
    /// From now on takes nothing for that recipient, for the time being.
    pub(crate) fn defer(&self, recipient: &str) {
        self.lock().turned_away.insert(recipient.to_owned(), Reply::new(451, (4, 2, 0), "put off"));
    }

    /// From now on takes mail for that recipient again.
    pub(crate) fn accept(&self, recipient: &str) {
        self.lock().turned_away.remove(recipient);
    }

    /// From now on takes nothing for that recipient.
    pub(crate) fn refuse(&self, recipient: &str) {
        self.lock().turned_away.insert(recipient.to_owned(), Reply::new(550, (5, 1, 1), "nobody here"));
    }
}

/// A PGP/MIME message around that armor ([RFC 3156, section 4]).
pub(crate) fn encrypted(from: &str, to: &str, armor: &[u8]) -> Vec<u8> {
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(sealist_openpgp::random()));
    let date = Timestamp::now().rfc5322();
    let header = format!("From: {from}\r\nTo: {to}\r\nSubject: ...\r\nDate: {date}\r\n");
    [header.as_bytes(), &head, armor, &tail].concat()
}

/// A text entity with a protected Subject.
pub(crate) fn entity(subject: &str, text: &str) -> Vec<u8> {
    format!("Content-Type: text/plain; charset=utf-8; protected-headers=\"v1\"\r\nSubject: {subject}\r\n\r\n{text}\r\n")
        .into_bytes()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// No file of the site holds it.
pub(crate) fn assert_nowhere(server: &Server, marker: &str) {
    for path in files(server.folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(marker.len()).any(|window| window == marker.as_bytes()),
            "{} holds it",
            path.display()
        );
    }
}
