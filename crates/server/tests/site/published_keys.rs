//! Keys of lists for a web server, keys of members from elsewhere, and the check that begins with the server.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::Server;
use crate::common::gpg::Gpg;
use sealist_openpgp::testing::{Kind, Person};
use sealist_openpgp::{Certificate, wkd};

#[test]
fn a_web_server_finds_the_keys_of_lists() {
    let server = Server::start();
    for (list, style) in [
        ("team@lists.example", "pgp-default"),
        ("work@lists.example", "pgp-announce"),
        ("team@other.example", "pgp-default"),
        ("plain@lists.example", "legacy-default"),
    ] {
        server.cli(&["lists", "create", list, "--style", style]);
    }
    let web = server.folder.path().join("web");
    let said = server.cli(&["keys", "wkd", web.to_str().unwrap()]);
    assert!(said.starts_with("9 files for 2 mail hosts\n"), "{said}");
    assert!(said.contains("https://openpgpkey.other.example/.well-known/openpgpkey/"), "{said}");
    assert!(
        said.contains("application/octet-stream") && said.contains("Access-Control-Allow-Origin"),
        "{said}"
    );

    let at = |host: &str| web.join(".well-known/openpgpkey").join(host);
    assert_eq!(std::fs::read(at("lists.example").join("policy")).unwrap(), b"");
    for (host, count) in [("lists.example", 6), ("other.example", 3)] {
        assert_eq!(std::fs::read_dir(at(host).join("hu")).unwrap().count(), count, "{host}");
    }
    for local in ["team", "team-request", "team-owner"] {
        let file = at("lists.example").join("hu").join(wkd::file_name(local));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o644, 0o755));
        let octets = std::fs::read(&file).unwrap();
        let key = Certificate::read_one(&octets).unwrap();
        let shown = server.cli(&["lists", "key", "team@lists.example"]);
        assert_eq!(key.to_bytes(), Certificate::read_one(shown.as_bytes()).unwrap().to_bytes());
        let gpg = Gpg::new().unwrap();
        gpg.import(&octets).unwrap();
        assert!(!gpg.export(&format!("{local}@lists.example")).unwrap().is_empty(), "{local}");
    }
    // Again: the files are replaced.
    server.cli(&["keys", "wkd", web.to_str().unwrap()]);
    assert_eq!(std::fs::read_dir(at("lists.example").join("hu")).unwrap().count(), 6);
}

#[test]
fn nobody_is_asked_unless_the_admin_says_whom() {
    let server = Server::start();
    let refused = server.command(&["keys", "refresh"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("set refresh in [keys]"), "{said}");
}

/// The name of the keyserver leads into this machine.
#[test]
fn a_keyserver_inside_is_not_asked() {
    let server = Server::configured("[keys]\nrefresh = 'keyserver'\nkeyserver = 'https://localhost:1'\n");
    server.cli(&["lists", "create", "team@lists.example"]);
    let anne = Person::new("anne@example.org", Kind::Curve25519, sealist_mail::Timestamp::now());
    let key = server.file("anne.asc", &anne.certificate().armored());
    server.cli(&["members", "add", "team@lists.example", "anne@example.org", "--key", &key]);
    let said = server.cli(&["--json", "keys", "refresh", "anne@example.org"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said[0]["changes"], serde_json::json!([]));
    assert_eq!(said[0]["failures"][0], "https://localhost:1: localhost is no name of the public Internet");
    let said = server.cli(&["keys", "refresh"]);
    assert!(said.starts_with("anne@example.org: nothing new\n"), "{said}");
}

#[test]
fn the_daily_check_begins_with_the_server() {
    let mut server = Server::start();
    let checks = |server: &Server| server.log().matches("key-check-done").count();
    let end = Instant::now() + Duration::from_secs(20);
    while checks(&server) == 0 {
        assert!(Instant::now() < end, "{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    server.kill();
    server.restart();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(checks(&server), 1, "once a day");
}
