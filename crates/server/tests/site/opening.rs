//! A site that is not there, is older, or belongs to somebody else: what each command does then, and how it
//! ends.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::{connect_to, free_port};
use tempfile::TempDir;

const LIST: &str = "team@lists.example";

fn sealist(folder: &Path, arguments: &[&str]) -> Output {
    let config = folder.join("sealist.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealist"));
    command.arg("--config").arg(config).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn configured(port: u16) -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = format!(
        "data_dir = 'data'\n[lmtp]\nlisten = '127.0.0.1:{port}'\n[outgoing]\nport = 9\n[keydirs]\nlist = 'keys'\n"
    );
    std::fs::write(folder.path().join("sealist.toml"), config).unwrap();
    folder
}

/// Everything below a folder.
fn tree(folder: &Path) -> Vec<String> {
    let output = Command::new("find").arg(folder).output().unwrap();
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_lost_database_is_not_made_anew() {
    let site = configured(0);
    assert!(sealist(site.path(), &["lists", "create", LIST]).status.success());
    let data = site.path().join("data");
    let lose = |how: &str| {
        std::fs::remove_dir_all(&data).unwrap();
        if how != "no folder" {
            std::fs::create_dir(&data).unwrap();
            std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        if how == "an empty file" {
            std::fs::write(data.join("sealist.db"), "").unwrap();
        }
    };
    for how in ["an empty folder", "an empty file", "no folder"] {
        lose(how);
        let before = tree(site.path());
        let sentence = what_doctor_says(site.path());
        assert!(sentence.contains("there is no database at") && sentence.contains("move the keys away"));
        for command in [
            &["serve"][..],
            &["doctor"],
            &["lists", "list"],
            &["lists", "create", "other@lists.example"],
            &["members", "list", LIST],
            &["queue", "list"],
            &["keys", "check"],
            &["db", "migrate"],
            &["db", "migrate-to", "postgres://localhost/x"],
            &["mta", "print", "postfix"],
            &["inject", LIST, "/dev/null"],
            &["quickstart", "olga@example.org"],
        ] {
            says_the_same(site.path(), command, &sentence);
        }
        assert_eq!(tree(site.path()), before, "{how}: nothing was made");
    }
}

/// The finding about the site and its fix, as one sentence.
fn what_doctor_says(site: &Path) -> String {
    let said = sealist(site, &["--json", "doctor"]);
    assert_eq!(said.status.code(), Some(78), "{}", text(&said));
    let all: Vec<serde_json::Value> = serde_json::from_slice(&said.stdout).unwrap();
    let found = all.iter().find(|finding| finding["check"] == "site").unwrap();
    for folder in all.iter().filter(|finding| finding["detail"].as_str().unwrap().starts_with("there is no "))
    {
        assert_eq!(folder["fix"], found["fix"], "{folder}");
    }
    format!("{}: {}", found["detail"].as_str().unwrap(), found["fix"].as_str().unwrap())
}

/// Whoever is asked says the same, so that the fix of one is none that the other refuses.
fn says_the_same(site: &Path, command: &[&str], sentence: &str) {
    let said = sealist(site, command);
    assert_eq!(said.status.code(), Some(78), "{command:?}: {}", text(&said));
    match command {
        ["doctor"] => {}
        _ => assert!(text(&said).contains(sentence), "{command:?}: {}\nwanted: {sentence}", text(&said)),
    }
}

/// A site that was never made: what doctor advises works.
#[test]
fn a_site_that_is_not_made_yet_is_told_so() {
    let site = configured(0);
    let sentence = what_doctor_says(site.path());
    assert!(sentence.contains("`sealist quickstart ADMIN@DOMAIN` makes a new site"), "{sentence}");
    for command in [&["lists", "list"][..], &["db", "migrate"], &["mta", "print", "exim"]] {
        says_the_same(site.path(), command, &sentence);
    }
    let made = sealist(site.path(), &["quickstart", "olga@example.org"]);
    assert!(made.status.success(), "{}", text(&made));
}

/// A database of PostgreSQL is no disk that could be mounted.
#[test]
fn an_empty_database_server_is_told_so() {
    let url = sealist_store::testing::Postgres::started().database();
    let site = configured(0);
    let config = site.path().join("sealist.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[database]\nurl = '{url}'\n")).unwrap();
    let sentence = what_doctor_says(site.path());
    assert!(
        sentence.contains("the database is empty: PostgreSQL at ") && !sentence.contains("disk"),
        "{sentence}"
    );
    says_the_same(site.path(), &["lists", "list"], &sentence);
    // A configuration that is named without its folder is in this one, and so is what it names.
    let mut quickstart = Command::new(env!("CARGO_BIN_EXE_sealist"));
    quickstart.args(["--config", "sealist.toml", "quickstart", "olga@example.org"]).current_dir(site.path());
    let made = quickstart.output().unwrap();
    let keys = site.path().join("keys").display().to_string();
    assert!(made.status.success() && text_of_keys(&made).ends_with(&keys), "{}", self::text(&made));
}

/// Where quickstart says that the secret keys are.
fn text_of_keys(said: &Output) -> String {
    let line = text(said).lines().find(|line| line.starts_with("secret keys")).unwrap_or_default().to_owned();
    line.split(" (").next().unwrap_or_default().to_owned()
}

/// Another database is in the place of the site's: it would answer 550 to all mail.
#[test]
fn keys_without_their_lists_are_a_fault() {
    let (site, other) = (configured(0), configured(0));
    assert!(sealist(site.path(), &["lists", "create", LIST]).status.success());
    let database = other.path().join("data/sealist.db");
    sealist_store::testing::make_database(database.to_str().unwrap());
    let moved = rusqlite::Connection::open(&database).unwrap();
    moved.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(moved);
    std::fs::rename(&database, site.path().join("data/sealist.db")).unwrap();
    let _ = std::fs::remove_file(site.path().join("data/sealist.db-wal"));
    let _ = std::fs::remove_file(site.path().join("data/sealist.db-shm"));
    let sentence = what_doctor_says(site.path());
    assert!(sentence.contains("never held a list") && sentence.contains("team.lists.example"), "{sentence}");
    let before = tree(&site.path().join("keys"));
    for command in [
        &["serve"][..],
        &["quickstart", "olga@example.org", "--list", LIST],
        &["lists", "create", "b@lists.example"],
    ] {
        says_the_same(site.path(), command, &sentence);
    }
    assert_eq!(tree(&site.path().join("keys")), before, "nothing was made");

    // A list that was deleted leaves its keys, and a site that serves nobody.
    let site = configured(0);
    assert!(sealist(site.path(), &["lists", "create", LIST]).status.success());
    assert!(sealist(site.path(), &["lists", "delete", LIST, "--yes"]).status.success());
    let said = text(&sealist(site.path(), &["doctor"]));
    assert!(said.contains("WARN  key without list") && !said.contains("never held"), "{said}");
}

/// A server may be started a moment before the first list is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_site_is_waited_for() {
    let port = free_port();
    let site = configured(port);
    let mut server = Command::new(env!("CARGO_BIN_EXE_sealist"))
        .args(["--config", site.path().join("sealist.toml").to_str().unwrap(), "serve"])
        .stderr(std::fs::File::create(site.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    let log = || std::fs::read_to_string(site.path().join("log")).unwrap();
    while !log().contains("is the disk mounted?") {
        assert!(Instant::now() < end, "{}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!site.path().join("data").exists(), "the server makes none");
    assert!(sealist(site.path(), &["lists", "create", LIST]).status.success());
    // Who connected before is greeted now.
    let connection = tokio::time::timeout(Duration::from_secs(20), connect_to(port)).await.unwrap();
    connection.quit().await;
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn an_older_database_is_brought_up_to_date_when_asked() {
    let site = configured(0);
    assert!(sealist(site.path(), &["lists", "create", LIST]).status.success());
    let path = site.path().join("data/sealist.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    // The last migration of this program, taken back as far as its number goes: so that it is asked for.
    database
        .execute("DELETE FROM migrations WHERE number = (SELECT MAX(number) FROM migrations)", [])
        .unwrap();
    for command in [&["lists", "list"][..], &["lists", "create", "x@lists.example"], &["queue", "list"]] {
        let said = sealist(site.path(), command);
        assert_eq!(said.status.code(), Some(78), "{}", text(&said));
        assert!(text(&said).contains("run `sealist db migrate`"), "{}", text(&said));
    }
    let doctor = text(&sealist(site.path(), &["doctor"]));
    assert!(
        doctor.contains("FAULT database") && doctor.contains("fix: run `sealist db migrate`"),
        "{doctor}"
    );
    // What cannot be brought up to date stays, and its copy too.
    let said = sealist(site.path(), &["db", "migrate"]);
    assert_ne!(said.status.code(), Some(0), "{}", text(&said));
    let copies: Vec<String> = tree(&site.path().join("data"))
        .into_iter()
        .filter(|file| file.contains("sealist.db.version-"))
        .collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    let mode = std::fs::metadata(&copies[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// What root makes, the server could not read.
#[test]
fn root_acts_as_the_owner_of_the_site() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let site = configured(0);
    let (data, nobody) = (site.path().join("data"), 65534);
    std::fs::create_dir(&data).unwrap();
    for folder in [site.path(), &data] {
        std::os::unix::fs::chown(folder, Some(nobody), Some(nobody)).unwrap();
    }
    for command in [&["lists", "create", LIST][..], &["quickstart", "olga@lists.example"], &["doctor"]] {
        let said = sealist(site.path(), command);
        assert!(!text(&said).contains("ermission denied"), "{command:?}: {}", text(&said));
    }
    for file in tree(site.path()) {
        let owner = std::fs::metadata(&file).unwrap().uid();
        assert!(owner == nobody || file.ends_with("sealist.toml"), "{file} is of {owner}");
    }
    // Somebody else is told who may.
    let config = site.path().join("sealist.toml");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::chown(&config, Some(0), Some(0)).unwrap();
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65533", "--clear-groups", env!("CARGO_BIN_EXE_sealist"), "--config"]);
    std::fs::set_permissions(site.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = other.arg(&config).args(["lists", "list"]).output().unwrap();
    if !text(&said).contains("setpriv: failed to execute") {
        assert_eq!(said.status.code(), Some(78), "{}", text(&said));
        assert!(text(&said).contains("sudo -u root sealist"), "{}", text(&said));
    }
}
