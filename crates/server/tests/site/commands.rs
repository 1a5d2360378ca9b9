//! Commands around the server: quickstart, doctor, inject, keys, postfix print.

use std::process::{Command, Output};
use std::time::Duration;

use crate::common::gpg::Gpg;
use crate::common::sink::RecordingSink;
use crate::common::{Server, encrypted, entity, read};
use serde_json::Value;
use tempfile::TempDir;

const LIST: &str = "team@lists.example";

fn sealist(folder: &TempDir, arguments: &[&str]) -> Output {
    let config = folder.path().join("site.toml");
    Command::new(env!("CARGO_BIN_EXE_sealist")).arg("--config").arg(config).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn quickstart_makes_a_site_and_keeps_it() {
    let folder = TempDir::new().unwrap();
    let first = sealist(&folder, &["quickstart", "olga@example.org"]);
    let told = text(&first);
    assert!(first.status.success(), "{told}");
    for part in [
        "team@lists.example.org is made",
        "relay_domains = lists.example.org",
        "lmtp:inet:127.0.0.1:8024",
        "MX   10",
        "keys import olga@example.org YOUR-KEY.asc      # so that",
        "serve",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let fingerprint =
        |told: &str| told.lines().find(|line| line.starts_with("fingerprint")).unwrap().to_owned();
    let config = std::fs::read(folder.path().join("site.toml")).unwrap();
    let second = sealist(&folder, &["quickstart", "olga@example.org"]);
    assert!(second.status.success(), "{}", text(&second));
    assert_eq!(fingerprint(&text(&second)), fingerprint(&told));
    assert_eq!(std::fs::read(folder.path().join("site.toml")).unwrap(), config);
    let members = sealist(&folder, &["--json", "members", "list", "team@lists.example.org"]);
    let members: Value = serde_json::from_slice(&members.stdout).unwrap();
    assert_eq!(members.as_array().unwrap().len(), 2, "owner and member: {members}");
}

fn findings(output: &Output) -> Vec<(String, String, String)> {
    let all: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    all.iter().map(|f| (word(f, "check"), word(f, "level"), word(f, "fix"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_what_is_wrong_and_the_fix() {
    use std::os::unix::fs::PermissionsExt as _;
    let sink = RecordingSink::default();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let port = sink.start(stopped).await.unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::configured(&format!(
        "[site]\ncontact = 'olga@example.org'\n[lmtp]\nlisten = '127.0.0.1:{free}'\n[outgoing]\nport = {port}\n"
    ));
    server.cli(&["lists", "create", LIST]);
    let level = |check: &str| {
        let all = findings(&server.command(&["--json", "doctor"]));
        let found = all.into_iter().filter(|(name, _, _)| name == check).map(|(_, level, fix)| (level, fix));
        found.max_by_key(|(level, _)| ["good", "warning", "fault"].iter().position(|l| l == level)).unwrap()
    };
    for check in
        ["configuration", "database", "data folder", "key folder", "clock", "lmtp", "next hop", "round trip"]
    {
        assert_eq!(level(check).0, "good", "{check}");
    }
    let all = findings(&server.command(&["--json", "doctor"]));
    assert!(all.iter().all(|(_, level, fix)| (level == "good") == fix.is_empty()), "{all:?}");

    server.cli(&["members", "add", LIST, "cris@example.org"]);
    let (seen, fix) = level("member keys");
    assert_eq!(seen, "warning");
    assert!(fix.contains("sealist keys check") && fix.contains("sealist keys import ADDRESS FILE"), "{fix}");
    let table = server.cli(&["keys", "check"]);
    assert_eq!(table.lines().nth(1).unwrap().split_whitespace().next(), Some("cris@example.org"), "{table}");
    let table: Value = serde_json::from_str(&server.cli(&["--json", "keys", "check"])).unwrap();
    assert_eq!(table[0]["problem"], "there is no key");
    assert_eq!(server.command(&["doctor"]).status.code(), Some(1));

    let keys = server.folder.path().join("keys");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(level("key folder").0, "fault");
    assert_eq!(server.command(&["doctor"]).status.code(), Some(2));
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o700)).unwrap();

    let storage = std::fs::read_dir(&keys).unwrap().map(|file| file.unwrap().path());
    let storage = storage.filter(|file| file.to_str().unwrap().contains(".storage."));
    let file = storage.last().unwrap();
    std::fs::rename(&file, keys.join("elsewhere")).unwrap();
    let (seen, fix) = level("list key");
    assert_eq!(seen, "fault");
    assert!(fix.contains("copy its file from another node"), "{fix}");
    std::fs::rename(keys.join("elsewhere"), &file).unwrap();
    assert_eq!(level("round trip").0, "good");

    let broken = TempDir::new().unwrap();
    std::fs::write(broken.path().join("site.toml"), "datadir = 'x'").unwrap();
    let output = sealist(&broken, &["doctor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("did you mean"), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_injected_message_goes_the_way_of_a_post() {
    let sink = RecordingSink::default();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let server = Server::sending_to(sink.start(stopped).await.unwrap());
    server.cli(&["lists", "create", LIST]);
    let anne = Gpg::new().unwrap();
    anne.make_key("anne@example.org", "curve25519").unwrap();
    anne.import(server.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
    let key = server.file("anne.asc", &anne.export("anne@example.org").unwrap());
    server.cli(&["members", "add", LIST, "anne@example.org", "--key", &key]);
    let armor = anne.sign_and_encrypt(LIST, &entity("Plan", "We meet at seven.")).unwrap();
    let message = encrypted("anne@example.org", LIST, &armor);
    let unix = String::from_utf8(message).unwrap().replace('\r', "");
    let file = server.file("post.eml", unix.as_bytes());
    server.cli(&["inject", LIST, &file, "--sender", "anne@example.org"]);
    let copies = sink.wait_for(1, Duration::from_secs(20)).await;
    assert!(read(&anne, &copies[0].message).contains("We meet at seven."));

    let nobody = server.command(&["inject", "nobody@lists.example", &file]);
    assert_eq!(nobody.status.code(), Some(67), "{}", text(&nobody));
    let nul = server.file("nul.eml", b"From: a@x.example\n\n\0\n");
    let refused = server.command(&["inject", LIST, &nul]);
    assert_eq!(refused.status.code(), Some(65), "{}", text(&refused));
}

#[test]
fn keys_are_checked_shown_and_given_out() {
    let folder = TempDir::new().unwrap();
    assert!(sealist(&folder, &["quickstart", "olga@example.org"]).status.success());
    let olga = Gpg::new().unwrap();
    olga.make_key("olga@example.org", "curve25519").unwrap();
    let file = folder.path().join("olga.asc");
    std::fs::write(&file, olga.export("olga@example.org").unwrap()).unwrap();
    let file = file.to_str().unwrap();

    let none = sealist(&folder, &["keys", "show", "olga@example.org"]);
    assert!(!none.status.success() && text(&none).contains("keys import"), "{}", text(&none));
    let checked: Value =
        serde_json::from_slice(&sealist(&folder, &["--json", "keys", "check", file]).stdout).unwrap();
    assert_eq!(checked[0]["usable"], true);
    let other = sealist(&folder, &["keys", "import", "cris@example.org", file]);
    assert_eq!(other.status.code(), Some(65), "{}", text(&other));
    assert!(sealist(&folder, &["keys", "import", "olga@example.org", file]).status.success());
    let shown: Value =
        serde_json::from_slice(&sealist(&folder, &["--json", "keys", "show", "olga@example.org"]).stdout)
            .unwrap();
    assert_eq!(shown["fingerprint"], checked[0]["fingerprint"]);
    let exported = sealist(&folder, &["keys", "export", "olga@example.org"]);
    Gpg::new().unwrap().import(&exported.stdout).unwrap();
}

/// A revocation certificate as GnuPG lays it aside for each key it makes, the colon before its armor taken
/// off.
fn revocation(user: &Gpg) -> Vec<u8> {
    let folder = user.home().join("openpgp-revocs.d");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::read_to_string(file).unwrap().replace(":-----BEGIN", "-----BEGIN").into_bytes()
}

#[test]
fn a_revocation_is_merged_and_stays() {
    let folder = TempDir::new().unwrap();
    assert!(sealist(&folder, &["quickstart", "olga@example.org"]).status.success());
    let (olga, eve) = (Gpg::new().unwrap(), Gpg::new().unwrap());
    olga.make_key("olga@example.org", "curve25519").unwrap();
    eve.make_key("olga@example.org", "curve25519").unwrap();
    let import = |data: &[u8]| {
        let file = folder.path().join("key");
        std::fs::write(&file, data).unwrap();
        sealist(&folder, &["--json", "keys", "import", "olga@example.org", file.to_str().unwrap()])
    };
    let usable = |output: &Output| -> Value { serde_json::from_slice(&output.stdout).unwrap() };
    assert_eq!(usable(&import(&olga.export("olga@example.org").unwrap()))["usable"], true);
    let foreign = import(&revocation(&eve));
    assert!(
        !foreign.status.success() && text(&foreign).contains("not made by this key"),
        "{}",
        text(&foreign)
    );
    assert_eq!(usable(&import(&revocation(&olga)))["problem"], "the key is revoked");
    // An old export takes nothing back.
    assert_eq!(usable(&import(&olga.export("olga@example.org").unwrap()))["usable"], false);
    assert_eq!(usable(&import(&eve.export("olga@example.org").unwrap()))["usable"], true, "another key");
}
