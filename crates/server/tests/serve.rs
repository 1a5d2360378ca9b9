//! The real binary behind LMTP: what it answers to bad mail, what it leaves on disk, what a kill costs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sealist_smtp::client::{Body, Connection, Envelope, Protocol, RecipientResult, Target};
use tempfile::TempDir;

const MARKER: &str = "QuaggaMarker7141";

struct Server {
    folder: TempDir,
    port: u16,
    child: Child,
    starts: usize,
}

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        // Nobody listens on port 9: copies wait to be tried again.
        let config = "data_dir = 'data'\n[lmtp]\nlisten = '127.0.0.1:0'\n[outgoing]\nport = 9\n[keydirs]\nlist = 'keys'\n";
        std::fs::write(folder.path().join("sealist.toml"), config).unwrap();
        let child = launch(folder.path());
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
                self.port = ports[self.starts - 1].trim().parse().unwrap();
                return;
            }
            assert!(Instant::now() < end, "the server does not come up:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = launch(self.folder.path());
        self.starts += 1;
        self.wait_until_ready();
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let output = command(self.folder.path()).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    }

    fn queued(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.cli(&["--json", "queue", "list"])).unwrap()
    }

    fn wait_until_judged(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        while self.queued().iter().any(|entry| entry["queue"] == "in") {
            assert!(Instant::now() < end, "the queue does not drain");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    async fn connect(&self) -> Connection {
        Connection::connect(&Target::plain("127.0.0.1", self.port, Protocol::Lmtp)).await.unwrap()
    }
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

fn launch(folder: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command(folder).arg("serve").env("RUST_LOG", "debug").stderr(log).stdout(Stdio::null()).spawn().unwrap()
}

async fn post(connection: &mut Connection, to: &str, message: &[u8]) -> RecipientResult {
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some("anne@example.org".into()),
        recipients: vec![to.into()],
        body: Body::from_message(message),
    });
    let mut results = Vec::new();
    connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await.unwrap();
    results.remove(0)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn assert_nowhere(server: &Server, marker: &str) {
    for path in files(server.folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(marker.len()).any(|window| window == marker.as_bytes()),
            "{} holds it",
            path.display()
        );
    }
}

#[tokio::test]
async fn bad_mail_gets_an_answer_and_nothing_is_lost() {
    let server = Server::start();
    server.cli(&["lists", "create", "team@lists.example"]);
    server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let nested: String = (0..100_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}b\r\n\r\n--b{n}b\r\n"))
        .collect();
    let parts = format!(
        "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n".repeat(100_000)
    );
    let header = format!("From: a@x.example\r\nX: {}\r\n\r\nx", "x".repeat(300 * 1024));
    let armor = "From: a@x.example\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n--b--\r\n";
    let kept: [&[u8]; 8] = [
        b"",
        b"\r\n",
        b"Subject: no From, no To\r\n\r\nwords",
        b"From: a@x.example\r\nFrom: b@x.example\r\n\r\nwords",
        b"From: a@x.example\r\nSubject: caf\xe9\r\nX-\xff\xfe: \xe9\r\n\r\n\xe9",
        b"From: a@x.example, b@x.example\r\n\r\nwords",
        b"not a header at all",
        armor.as_bytes(),
    ];
    let refused: [&[u8]; 3] = [nested.as_bytes(), parts.as_bytes(), header.as_bytes()];
    for to in ["team@lists.example", "plain@lists.example"] {
        for message in kept {
            let mut connection = server.connect().await;
            let result = post(&mut connection, to, message).await;
            assert!(matches!(result, RecipientResult::Sent(_)), "{to}: {result:?}");
        }
        for message in refused {
            let mut connection = server.connect().await;
            let result = post(&mut connection, to, message).await;
            assert!(matches!(result, RecipientResult::Failed(_)), "{to}: {result:?}");
        }
    }
    server.wait_until_judged();
    let held = server.queued();
    assert_eq!(held.len(), 2 * kept.len(), "{held:?}");
    assert!(held.iter().all(|entry| entry["queue"] == "hold"), "{held:?}");
    let mut connection = server.connect().await;
    let unknown = post(&mut connection, "nobody@lists.example", b"From: a@x.example\r\n\r\n").await;
    assert!(matches!(unknown, RecipientResult::Failed(_)));
}

#[tokio::test]
async fn a_marker_is_found_nowhere_on_disk() {
    let server = Server::start();
    server.cli(&["lists", "create", "team@lists.example"]);
    let home = TempDir::with_prefix("sl").unwrap();
    let gpg = |arguments: &[&str], input: &[u8]| -> Vec<u8> {
        let file = home.path().join("input");
        std::fs::write(&file, input).unwrap();
        let output = Command::new("gpg")
            .args(["--batch", "--quiet", "--trust-model", "always", "--homedir"])
            .arg(home.path())
            .args(arguments)
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .expect("gpg is installed: scripts/install-deps installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    gpg(
        &[
            "--passphrase",
            "",
            "--quick-generate-key",
            "Anne <anne@example.org>",
            "future-default",
            "default",
            "never",
        ],
        b"",
    );
    let key = server.folder.path().join("anne.asc");
    std::fs::write(&key, gpg(&["--armor", "--export", "anne@example.org"], b"")).unwrap();
    gpg(&["--import"], server.cli(&["lists", "key", "team@lists.example"]).as_bytes());
    server.cli(&["members", "add", "team@lists.example", "anne@example.org", "--key", key.to_str().unwrap()]);

    // One is held, in the clear as it came; one is accepted, and its copy tried in vain.
    let clear = format!(
        "From: anne@example.org\r\nSubject: {MARKER}\r\nMessage-ID: <{MARKER}@x.example>\r\n\r\n{MARKER}\r\n"
    );
    let entity = format!("Content-Type: text/plain\r\nSubject: {MARKER}\r\n\r\n{MARKER}\r\n");
    let armor =
        gpg(&["--armor", "--sign", "--encrypt", "--recipient", "team@lists.example"], entity.as_bytes());
    let armor = String::from_utf8(armor).unwrap();
    let sealed = format!(
        "From: anne@example.org\r\nSubject: {MARKER}\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n{armor}\r\n--b--\r\n"
    );
    let mut connection = server.connect().await;
    for message in [clear, sealed] {
        let result = post(&mut connection, "team@lists.example", message.as_bytes()).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
    }
    server.wait_until_judged();
    std::thread::sleep(Duration::from_millis(600)); // the runner tries the copy
    let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap();
    assert!(log.contains("action=accept") && log.contains("action=hold"), "both ways were gone:\n{log}");
    assert!(log.contains("cannot be used"), "the copy was tried:\n{log}");
    assert_nowhere(&server, MARKER);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let mut server = Server::start();
    server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let mut acknowledged = 0;
    for round in 0..10_u64 {
        let mut connection = server.connect().await;
        let mut number = 0;
        let next = || {
            number += 1;
            (number <= 50).then(|| Envelope {
                id: number,
                sender: Some("anne@example.org".into()),
                recipients: vec!["plain@lists.example".into()],
                body: Body::from_message(
                    format!("From: anne@example.org\r\nSubject: {round} {number}\r\n\r\nwords\r\n")
                        .as_bytes(),
                ),
            })
        };
        let kill_at = 5 + round * 4;
        let pid = server.child.id().to_string();
        // The kill falls between an acknowledgement and whatever the server does next.
        let done = |id: u64, results: Vec<RecipientResult>| {
            acknowledged += usize::from(matches!(results[..], [RecipientResult::Sent(_)]));
            if id == kill_at {
                assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            }
        };
        let _ = connection.deliver(next, done).await;
        server.kill();
        server.restart();
    }
    server.wait_until_judged();
    // A nonmember's post is held; at most one a kill was stored and not acknowledged.
    let held = server.queued().len();
    assert!(acknowledged >= 50, "the test must see acknowledgements: {acknowledged}");
    assert!((acknowledged..=acknowledged + 10).contains(&held), "{held} held of {acknowledged}");
}
