//! Keys in files and in the database, and the site key.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sealist_app::{App, AppError};
use sealist_mail::Timestamp;
use sealist_openpgp::testing::packets;
use sealist_store::transaction;
use sealist_store::{Store, list_keys, lists, site_key};
use tempfile::TempDir;

use super::*;
use crate::config::MasterKeyAt;

struct Place {
    folder: TempDir,
    store: Store,
}

impl Place {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("test.db")).await.unwrap();
        make_master_key(&folder.path().join("master.key")).unwrap();
        Self { folder, store }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    async fn open(&self, keys: &str, kept: KeyStorage, master: Option<&str>) -> Result<Vault, VaultError> {
        let master_key = master.map_or(MasterKeyAt::Nowhere, |name| MasterKeyAt::File(self.path(name)));
        Vault::open(&KeyDirs { list: self.path(keys), kept, master_key }, &self.store.clone().into()).await
    }
}

fn name() -> KeyName {
    KeyName { list: "team.x.example".into(), purpose: "posting", fingerprint: "AB".into(), generation: 1 }
}

fn files(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_key_of_the_site_is_one_and_stays() {
    let place = Place::new().await;
    let first = place.open("keys", KeyStorage::Directory, None).await.unwrap();
    let again = place.open("keys", KeyStorage::Directory, None).await.unwrap();
    assert_eq!(first.mac().to_bytes(), again.mac().to_bytes());
    assert_eq!(files(&place.path("keys")), ["site.mac"], "no draft is left");
    let other = place.open("others", KeyStorage::Directory, None).await;
    assert!(matches!(other, Err(VaultError::NoSiteKey { .. })), "a second node makes none of its own");
    assert!(!place.path("others").exists(), "who looks makes no folder");
    std::fs::create_dir(place.path("others")).unwrap();
    std::fs::write(place.path("others").join("site.mac"), [7; 32]).unwrap();
    let other = place.open("others", KeyStorage::Directory, None).await;
    assert!(matches!(other, Err(VaultError::OtherSiteKey { .. })), "and another is not taken");
}

#[tokio::test]
async fn nodes_that_start_at_once_have_one_key() {
    let place = Place::new().await;
    let (a, b) = tokio::join!(
        place.open("keys", KeyStorage::Directory, None),
        place.open("keys", KeyStorage::Directory, None)
    );
    assert_eq!(a.unwrap().mac().to_bytes(), b.unwrap().mac().to_bytes());
    let place = Place::new().await;
    let master = Some("master.key");
    let (a, b) = tokio::join!(
        place.open("none", KeyStorage::Database, master),
        place.open("none either", KeyStorage::Database, master)
    );
    assert_eq!(a.unwrap().mac().to_bytes(), b.unwrap().mac().to_bytes());
    assert!(!place.path("none").exists());
}

#[tokio::test]
async fn keys_in_the_database_need_the_master_key() {
    let place = Place::new().await;
    let vault = place.open("keys", KeyStorage::Database, Some("master.key")).await.unwrap();
    let wrapped = vault.keep(&name(), b"secret").unwrap().unwrap();
    assert_eq!(&*vault.secret(&name(), Some(&wrapped)).unwrap(), b"secret");
    let other = KeyName { generation: 2, ..name() };
    assert_eq!(vault.secret(&other, Some(&wrapped)), Err(Unavailable::OtherMasterKey));
    assert_eq!(vault.secret(&name(), None), Err(Unavailable::Missing));
    let open = async |kept, master| place.open("keys", kept, master).await.err();
    assert!(matches!(open(KeyStorage::Directory, None).await, Some(VaultError::NoMasterKey)));
    assert!(matches!(open(KeyStorage::Database, Some("nowhere")).await, Some(VaultError::MasterKey { .. })));
    make_master_key(&place.path("other.key")).unwrap();
    assert!(matches!(open(KeyStorage::Database, Some("other.key")).await, Some(VaultError::OtherMasterKey)));
    std::fs::write(place.path("rubbish"), "rubbish").unwrap();
    assert!(matches!(
        open(KeyStorage::Database, Some("rubbish")).await,
        Some(VaultError::NotAMasterKey { .. })
    ));
}

#[tokio::test]
async fn files_are_wrapped_with_a_master_key_and_plain_ones_stay_readable() {
    let place = Place::new().await;
    let plain = place.open("keys", KeyStorage::Directory, None).await.unwrap();
    assert_eq!(plain.keep(&name(), b"secret").unwrap(), None);
    let again = plain.keep(&name(), b"other").unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists, "a key is never replaced");
    let second = KeyName { fingerprint: "CD".into(), generation: 2, ..name() };
    let wrapping = place.open("keys", KeyStorage::Directory, Some("master.key")).await.unwrap();
    assert_eq!(wrapping.keep(&second, b"second").unwrap(), None);
    assert_eq!(&*wrapping.secret(&name(), None).unwrap(), b"secret");
    assert_eq!(&*wrapping.secret(&second, None).unwrap(), b"second");
    assert_eq!(plain.secret(&second, None), Err(Unavailable::NoMasterKey));
    let keys = place.path("keys");
    assert_eq!(
        files(&keys),
        ["site.mac", "team.x.example.posting.AB.asc", "team.x.example.posting.CD.wrapped"]
    );
    for file in files(&keys) {
        assert_eq!(std::fs::metadata(keys.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let file = keys.join("team.x.example.posting.CD.wrapped");
    let octets = std::fs::read(&file).unwrap();
    assert!(!octets.windows(6).any(|window| window == b"second"));
    std::fs::rename(&file, keys.join("team.x.example.posting.EF.wrapped")).unwrap();
    let moved = KeyName { fingerprint: "EF".into(), ..second };
    assert_eq!(wrapping.secret(&moved, None), Err(Unavailable::OtherMasterKey), "a name is part of a key");
}

/// What somebody can do who stole the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_the_database_opens_nothing() {
    let place = Place::new().await;
    let vault = place.open("keys", KeyStorage::Database, Some("master.key")).await.unwrap();
    let app = App::new(place.store.clone(), Arc::new(vault), None);
    let list = "team@lists.example".parse().unwrap();
    app.as_operator().at(Timestamp::now()).lists().create(&list, "pgp-default").await.unwrap();
    make_master_key(&place.path("other.key")).unwrap();
    let other = master::read(&MasterKeyAt::File(place.path("other.key"))).unwrap().unwrap();

    let mut db = place.store.reader().await.unwrap();
    let mut secrets = vec![app.vault.mac().to_bytes().to_vec()];
    let mut kept = vec![site_key::known(&mut db).await.unwrap().unwrap().wrapped.unwrap()];
    assert!(other.open(&KeyName::of_site(), &kept[0]).is_err());
    for row in list_keys::all(&mut db).await.unwrap() {
        let name = KeyName {
            list: "team.lists.example".into(),
            purpose: row.purpose.name(),
            fingerprint: row.fingerprint.clone(),
            generation: row.generation,
        };
        let wrapped = list_keys::wrapped(&mut db, row.no).await.unwrap().unwrap();
        assert!(other.open(&name, &wrapped).is_err());
        let secret = app.vault.secret(&name, Some(&wrapped)).unwrap();
        let armor = secret.split(|octet| *octet == b'\n').filter(|line| line.len() >= 64);
        secrets.extend(armor.map(|line| line.trim_ascii().to_vec()));
        // Two octets of checksum follow the secret number.
        let packets = packets(&secret).into_iter().filter(|(tag, _)| [5, 7].contains(tag));
        secrets.extend(packets.map(|(_, body)| body[body.len() - 22..body.len() - 2].to_vec()));
        kept.push(wrapped);
    }
    assert_eq!(kept.len(), 3);
    assert!(secrets.len() > 1 + 2 * (2 + 5), "{}", secrets.len());
    let mut dump = Vec::new();
    for file in files(place.folder.path()).iter().filter(|name| name.starts_with("test.db")) {
        dump.extend(std::fs::read(place.path(file)).unwrap());
    }
    let holds = |octets: &[u8]| dump.windows(octets.len()).any(|window| window == octets);
    assert!(kept.iter().all(|wrapped| holds(wrapped)), "the dump is whole");
    assert!(!secrets.iter().any(|secret| holds(secret)));
}

/// A file with another key under the name of a key is not used.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_place_of_another_is_not_used() {
    let place = Place::new().await;
    let vault = Arc::new(place.open("keys", KeyStorage::Directory, None).await.unwrap());
    let app = |vault: &Arc<Vault>| App::new(place.store.clone(), vault.clone(), None);
    for name in ["one@lists.example", "two@lists.example"] {
        app(&vault)
            .as_operator()
            .at(Timestamp::now())
            .lists()
            .create(&name.parse().unwrap(), "pgp-default")
            .await
            .unwrap();
    }
    let lists = lists::all(&mut place.store.reader().await.unwrap()).await.unwrap();
    let file = |start: &str| {
        let name = files(&place.path("keys")).into_iter().find(|name| name.starts_with(start)).unwrap();
        place.path("keys").join(name)
    };
    let why = async || match app(&vault).keys_of(&lists[0]).await {
        Err(AppError::NoKeys { why, .. }) => Some(why),
        keys => keys.map(|_| None).unwrap(),
    };
    assert_eq!(why().await, None);
    for purpose in ["posting", "storage"] {
        let mine = file(&format!("one.lists.example.{purpose}"));
        let good = std::fs::read(&mine).unwrap();
        std::fs::copy(file(&format!("two.lists.example.{purpose}")), &mine).unwrap();
        assert_eq!(why().await, Some(Unavailable::Other), "{purpose}");
        std::fs::write(&mine, &good[..good.len() / 2]).unwrap();
        assert!(matches!(why().await, Some(Unavailable::Key(_))), "{purpose}");
        std::fs::write(&mine, good).unwrap();
        assert_eq!(why().await, None);
    }
}

#[tokio::test]
async fn a_node_without_the_master_key_goes_on_with_its_files() {
    let place = Place::new().await;
    let files = place.open("keys", KeyStorage::Directory, None).await.unwrap();
    files.keep(&name(), b"secret").unwrap();
    let moving = place.open("keys", KeyStorage::Database, Some("master.key")).await.unwrap();
    let wrapped = moving.wrap(&name(), b"secret").unwrap();
    let site = moving.wrap(&KeyName::of_site(), &*moving.mac().to_bytes()).unwrap();
    let kept = place.store.write(transaction!(|db| site_key::keep_wrapped(db, &site).await));
    kept.await.unwrap();
    let files = place.open("keys", KeyStorage::Directory, None).await.unwrap();
    assert_eq!(&*files.secret(&name(), Some(&wrapped)).unwrap(), b"secret");
    let database = place.open("elsewhere", KeyStorage::Database, Some("master.key")).await.unwrap();
    assert_eq!(database.mac().to_bytes(), files.mac().to_bytes());
}

#[test]
fn a_master_key_is_never_written_over() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("master.key");
    make_master_key(&file).unwrap();
    let before = std::fs::read(&file).unwrap();
    assert_eq!(make_master_key(&file).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}
