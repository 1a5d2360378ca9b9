//! A site under a clock that the test moves: its keys in memory, its mail taken from it as the next hop
//! would.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sealist_app::{
    App, BatchLabel, BatchReport, Destination, IncomingClaims, Intake, KeyCheck, KeyCheckReport, KeyVault,
    Ready, RecipientBatching, SettingRefused, Stages, Unavailable, prepare, record_results,
    send_due_summaries,
};
use sealist_lists::draft::Recipients;
use sealist_lists::events::Actor;
use sealist_lists::model::attributes::{NewValue, SettingChange, attribute};
use sealist_lists::model::{Channel, EntryNo, ListName, MailingList, Role, SubAddress};
pub(crate) use sealist_mail::DAY_MS;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::testing::Person;
use sealist_openpgp::{KeyName, MacKey, SignWith};
use sealist_store::bodies::{self, StoredBody};
use sealist_store::deliveries::{self, DeliveryResult, DeliveryState, Kind};
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::queue::{self, QueueName};
use sealist_store::testing::Postgres;
use sealist_store::transaction;
use sealist_store::{Store, StoreError, list_settings, lists, people, posts, sendings};
use tempfile::TempDir;
use zeroize::Zeroizing;

const BEGIN: Timestamp = Timestamp(1_780_000_000_000);

/// So many days after the beginning.
pub(crate) fn day(days: i64) -> Timestamp {
    BEGIN.plus_ms(days * DAY_MS)
}

pub(crate) struct Memory {
    keys: Mutex<HashMap<String, Vec<u8>>>,
    mac: MacKey,
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { keys: Mutex::default(), mac: MacKey::generate() })
    }
}

impl KeyVault for Memory {
    fn secret(&self, name: &KeyName, _: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, Unavailable> {
        let keys = self.keys.lock().unwrap();
        keys.get(&name.fingerprint).cloned().map(Zeroizing::new).ok_or(Unavailable::Missing)
    }

    fn keep(&self, name: &KeyName, secret: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        self.keys.lock().unwrap().insert(name.fingerprint.clone(), secret.to_vec());
        Ok(None)
    }

    fn wrap(&self, _: &KeyName, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn mac(&self) -> &MacKey {
        &self.mac
    }
}

/// A message that came out.
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) kind: Kind,
    pub(crate) message: Vec<u8>,
}

pub(crate) async fn site_in(folder: &Path) -> App {
    let store = Store::open(&folder.join("test.db")).await.unwrap();
    node(store, Memory::new()).await
}

pub(crate) async fn site_on_postgres() -> App {
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    node(Store::open_url(&url).await.unwrap(), Memory::new()).await
}

/// They have the same keys.
pub(crate) async fn two_nodes_on_postgres() -> (App, App) {
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    let vault = Memory::new();
    let first = node(Store::open_url(&url).await.unwrap(), vault.clone()).await;
    (first, node(Store::open_url(&url).await.unwrap(), vault).await)
}

/// One of the nodes that serve a database.
pub(crate) async fn node(store: Store, vault: Arc<Memory>) -> App {
    let app = App::new(store, vault, None);
    app.register_node().await.unwrap();
    app
}

/// The style of lists without OpenPGP.
pub(crate) const PLAIN: &str = "legacy-default";
/// That of lists with OpenPGP.
pub(crate) const OPENPGP: &str = "pgp-default";

/// A site in a folder of its own, with a list of that style.
pub(crate) async fn site_with(style: &str, list: &str) -> (App, MailingList, TempDir) {
    let folder = TempDir::new().unwrap();
    let app = site_in(folder.path()).await;
    let list = list_of(&app, style, list).await;
    (app, list, folder)
}

pub(crate) async fn make_list(app: &App, name: &str) -> MailingList {
    list_of(app, OPENPGP, name).await
}

/// A list without OpenPGP.
pub(crate) async fn make_plain_list(app: &App, name: &str) -> MailingList {
    list_of(app, PLAIN, name).await
}

async fn list_of(app: &App, style: &str, name: &str) -> MailingList {
    let name: ListName = name.parse().unwrap();
    app.as_operator().at(day(-10)).lists().create(&name, style).await.unwrap();
    lists::by_name(&mut app.store().reader().await.unwrap(), &name).await.unwrap().unwrap()
}

/// The key of a person as the database has it: confirmed then, with a card for that address.
pub(crate) fn key_row(app: &App, person: &Person, address: &str, at: Timestamp) -> CertificateRow {
    let certificate = person.certificate();
    CertificateRow {
        fingerprint: certificate.fingerprint().to_string(),
        certificate: certificate.to_bytes(),
        card: Some(certificate.usable(at).unwrap().to_bytes(app.vault.mac(), address)),
        unusable: None,
        confirmed_at: Some(at),
    }
}

/// The list with that setting, which is stored as it is, unasked.
pub(crate) async fn set(app: &App, list: &MailingList, name: &str, value: &str) -> MailingList {
    let mut list = list.clone();
    list.settings.set(name, value).unwrap();
    let attribute = attribute(name).unwrap();
    let (no, row) = (list.no, (attribute.name, attribute.get(&list.settings).unwrap()));
    let stored = app.store().write(transaction!(|db| {
        let stored = list_settings::locked(&mut *db, no).await?.unwrap();
        list_settings::change(db, no, &stored.defaults, &[row]).await
    }));
    stored.await.unwrap();
    list
}

/// Sets one setting as an admin does.
pub(crate) async fn set_setting(
    app: &App,
    list: &mut MailingList,
    name: &str,
    value: &str,
    now: Timestamp,
) -> Result<(), SettingRefused> {
    let actor = Actor::CommandLine { uid: 0, name: "root (command line)".to_owned() };
    let to = NewValue::Written(value.to_owned());
    let wishes = vec![SettingChange { name: name.to_owned(), to }];
    *list = app.act_as(actor).at(now).settings(&list.name).change(None, wishes).await?.list;
    Ok(())
}

/// Gives an address a role, and a key with that card.
pub(crate) async fn join(
    app: &App,
    list: &MailingList,
    address: &str,
    role: Role,
    key: Option<CertificateRow>,
) {
    let (list, address): (_, Address) = (list.no, address.parse().unwrap());
    let joined = app.store().write(transaction!(|db| {
        let no = people::ensure_address(&mut *db, &address, "", day(-10)).await?;
        if let Some(key) = key {
            keys::set_certificate(&mut *db, no, &key, day(-5)).await?;
        }
        people::add_member(db, list, no, role, Default::default(), day(-10)).await
    }));
    joined.await.unwrap();
}

/// Records that the old key of an address vouched for the new one.
pub(crate) async fn taken_from(app: &App, list: &MailingList, who: &str, old: &Person, new: &Person) {
    let given = KeyChange {
        old: old.certificate().fingerprint().to_string(),
        old_certificate: Some(old.certificate().to_bytes()),
        new: new.certificate().fingerprint().to_string(),
        authority: Authority::OldKey,
        list: Some(list.no),
        changed_at: day(-5),
        suspended_at: None,
    };
    let who: Address = who.parse().unwrap();
    let added = app.store().write(transaction!(|db| {
        let no = people::find_address(&mut *db, &who).await?.unwrap();
        key_changes::add(db, no, &given).await
    }));
    added.await.unwrap();
}

/// The daily check, if it is time for it.
pub(crate) async fn check(app: &App, now: Timestamp) -> Option<KeyCheckReport> {
    let mut check = KeyCheck::begin(app, &Stages::default(), now).await.unwrap()?;
    while check.step(app, now).await.unwrap() {}
    Some(check.found)
}

/// A post to the members of a list.
pub(crate) async fn post(app: &App, list: &MailingList, text: &str, now: Timestamp) {
    let keys = app.keys_of(list).await.unwrap();
    let entity = format!("Content-Type: text/plain\r\n\r\n{text}\r\n");
    let sign = SignWith::Key(&keys.posting, now);
    let sealed =
        sealist_openpgp::seal(entity.as_bytes(), b"From: x@y\r\n", sign, &keys.storage.certificate());
    insert_post(app, list, StoredBody::Sealed(sealed.unwrap()), Channel::Sealed, now).await;
}

/// A post to the members of a list without OpenPGP.
pub(crate) async fn post_plain(app: &App, list: &MailingList, now: Timestamp) {
    let outer = format!("From: x@y.example\r\nMessage-ID: <{}@y.example>\r\n", now.0);
    store_plain(app, list, &outer, "Content-Type: text/plain\r\n\r\nWords.\r\n", now).await;
}

/// The same with that outer header and that content.
pub(crate) async fn store_plain(app: &App, list: &MailingList, outer: &str, content: &str, now: Timestamp) {
    let body = StoredBody::Plain { outer: outer.as_bytes().to_vec(), payload: content.as_bytes().to_vec() };
    insert_post(app, list, body, Channel::Open, now).await;
}

async fn insert_post(app: &App, list: &MailingList, body: StoredBody, channel: Channel, now: Timestamp) {
    let no = list.no;
    let envelope_from = list.name.address(SubAddress::Bounces).to_string();
    let posted = app.store().write(transaction!(|db| {
        let body = bodies::insert(&mut *db, &body).await?;
        let post = posts::insert(&mut *db, no, body, now).await?;
        let row = sendings::NewSending {
            list: no,
            carries: sendings::Carries::Post(post),
            channel,
            body,
            envelope_from: &envelope_from,
            recipients: &Recipients { roles: vec![Role::Member], except: Vec::new() },
            entry: None,
        };
        sendings::insert(db, &row, now).await
    }));
    posted.await.unwrap();
}

/// What all copies of a batch hold has one reading, whether or not the test opens a copy.
async fn assert_one_reading(app: &App, batch: &deliveries::Batch) {
    if batch.kind != Kind::Posting {
        return;
    }
    let mut db = app.store().reader().await.unwrap();
    let StoredBody::Sealed(sealed) = bodies::load(&mut db, batch.body).await.unwrap() else { return };
    let list = lists::by_no(&mut db, batch.list).await.unwrap().unwrap();
    let payload = app.keys_of(&list).await.unwrap().storage.open(&sealed).unwrap();
    crate::readers::assert_one_reading(&payload);
}

/// The next batch, as its report begins, and what is sent of it.
pub(crate) async fn claimed(app: &App, now: Timestamp) -> Option<(BatchReport, Ready)> {
    loop {
        let claimant = app.claimant();
        let node = claimant.node;
        let claimed = app.store().write(transaction!(|db| {
            let made = sendings::fan_out(&mut *db, 500, now).await?;
            Ok::<_, StoreError>((made, deliveries::claim(db, &claimant, 500, now).await?))
        }));
        let batch = match claimed.await.unwrap() {
            (None, None) => return None,
            (_, None) => continue,
            (_, Some(batch)) => batch,
        };
        assert_one_reading(app, &batch).await;
        let report = BatchReport { of: BatchLabel::of(node, &batch), results: Vec::new() };
        return Some((report, prepare(app, batch, RecipientBatching::Anybody(50), now).await.unwrap()));
    }
}

/// All that goes out now.
pub(crate) async fn deliver(app: &App, now: Timestamp) -> Vec<Mail> {
    let mut mail = Vec::new();
    let mut told = false;
    loop {
        let Some((batch, ready)) = claimed(app, now).await else {
            if told {
                return mail;
            }
            // What the copies above gave cause to, as far as it is due.
            while send_due_summaries(app, now).await.unwrap() {}
            told = true;
            continue;
        };
        let mut results = ready.held.clone();
        for copy in &ready.copies {
            for one in &copy.recipients {
                mail.push(Mail { to: one.email.clone(), kind: batch.of.kind, message: copy.pieces.concat() });
                let (no, email) = (one.no, one.email.clone());
                results.push(DeliveryResult {
                    no,
                    email,
                    state: DeliveryState::Sent,
                    reply: String::new(),
                    refused_at: None,
                });
            }
        }
        record_results(app, vec![BatchReport { results, ..batch }], now).await.unwrap();
    }
}

/// Takes a message in and judges it.
pub(crate) async fn receive(app: &App, to: &str, message: &[u8], now: Timestamp) {
    receive_from(app, "carrier@example.net", to, message, now).await;
}

/// The same with that envelope sender: the number that LMTP would reply.
pub(crate) async fn receive_from(
    app: &App,
    sender: &str,
    to: &str,
    message: &[u8],
    now: Timestamp,
) -> EntryNo {
    let arrival = Destination::at(app, &to.parse().unwrap()).await.unwrap().unwrap();
    let mut intake = Intake::begin(&arrival, Some(sender)).unwrap();
    intake.write(message).unwrap();
    let entry = intake.commit(app, sealist_openpgp::random(), now).await.unwrap();
    judge_due(app, now).await;
    entry
}

/// Judges what is due.
pub(crate) async fn judge_due(app: &App, now: Timestamp) {
    for entry in IncomingClaims::default().claim(app, 10_000, 0, now).await.unwrap() {
        entry.process(app, now).await.unwrap();
    }
}

/// The messages that wait for a moderator.
pub(crate) async fn held(app: &App) -> Vec<queue::QueueEntry> {
    queue::listed(&mut app.store().reader().await.unwrap(), QueueName::Hold).await.unwrap()
}

/// Answers the newest notice of the team to that person from the address that it names.
pub(crate) async fn confirm(app: &App, who: &str, now: Timestamp) {
    let mail = deliver(app, now).await;
    let notice = mail.iter().rev().find(|mail| mail.to == who).unwrap();
    let text = String::from_utf8_lossy(&notice.message).into_owned();
    let at = text.find("-confirm+").unwrap();
    let token: String = text[at + 9..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let to = format!("team-confirm+{token}@lists.example");
    let answer = format!("From: {who}\r\nTo: {to}\r\nSubject: Re: confirm\r\n\r\nRe: confirm\r\n");
    receive_from(app, who, &to, answer.as_bytes(), now).await;
}
