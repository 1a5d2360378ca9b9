//! A site with one list on either database, and stories that are told on both.

use sealist_lists::draft::Recipients;
use sealist_lists::model::{
    BodyNo, Channel, EntryNo, ListName, ListNo, ListSettings, NodeNo, PostNo, Preferences, Role, SendingNo,
    SubAddress,
};
use sealist_mail::Timestamp;
use sealist_store::archive::ArchiveEntry;
use sealist_store::bodies::StoredBody;
use sealist_store::deliveries::{self, Batch, Delivery, DeliveryResult, DeliveryState};
use sealist_store::nodes::Claimant;
use sealist_store::sendings::{self, Carries, NewSending};
use sealist_store::testing::Postgres;
use sealist_store::transaction;
use sealist_store::turns::Turns;
use sealist_store::{Conn, Database, Store, StoreError, archive, bodies, lists, people, posts, queue};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);
pub(crate) const NODE: NodeNo = NodeNo(1);
pub(crate) const NAME: &str = "team@lists.example";

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) list: ListNo,
    /// With PostgreSQL: where other nodes find it.
    pub(crate) url: String,
    /// With SQLite.
    folder: Option<TempDir>,
}

impl Site {
    /// Where the database is.
    pub(crate) fn database(&self) -> Database {
        match &self.folder {
            Some(folder) => Database::file(&folder.path().join("test.db")),
            None => Database::server(&self.url).unwrap(),
        }
    }
}

/// Every story is told on both databases.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(crate::common::on_sqlite().await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(crate::common::on_postgres().await).await;
            })+
        }
    };
}

pub(crate) async fn on_sqlite() -> Site {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("test.db")).await.unwrap();
    let list = store.write(transaction!(|db| make_list(db).await)).await.unwrap();
    Site { store, list, url: String::new(), folder: Some(folder) }
}

pub(crate) async fn on_postgres() -> Site {
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    let store = Store::open_url(&url).await.unwrap();
    let list = store.write(transaction!(|db| make_list(db).await)).await.unwrap();
    Site { store, list, url, folder: None }
}

pub(crate) async fn make_list(db: &mut Conn) -> Result<ListNo, StoreError> {
    let name: ListName = NAME.parse().unwrap();
    lists::create(db, &name, "legacy-default", &ListSettings::default(), NOW).await
}

pub(crate) async fn join(db: &mut Conn, list: ListNo, address: &str) -> Result<(), StoreError> {
    let address = people::ensure_address(&mut *db, &address.parse().unwrap(), "", NOW).await?;
    people::add_member(db, list, address, Role::Member, Preferences::default(), NOW).await?;
    Ok(())
}

pub(crate) fn message(text: &str) -> StoredBody {
    StoredBody::Plain { outer: Vec::new(), payload: text.as_bytes().to_vec() }
}

/// A message to the list's own address.
pub(crate) async fn push(db: &mut Conn, list: ListNo) -> Result<EntryNo, StoreError> {
    queue::push(db, list, SubAddress::Posting, &message("mail"), b"t", NOW).await
}

pub(crate) fn claimant() -> Claimant {
    Claimant { node: NODE, lacking: Vec::new() }
}

pub(crate) async fn claim_entries(
    db: &mut Conn,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<queue::QueueEntry>, StoreError> {
    queue::claim(db, &claimant(), limit, 0, &mut Turns::default(), now).await
}

pub(crate) async fn claim_copies(db: &mut Conn, limit: u32) -> Result<Option<Batch>, StoreError> {
    deliveries::claim(db, &claimant(), limit, NOW).await
}

pub(crate) fn sent(row: &Delivery) -> DeliveryResult {
    DeliveryResult {
        no: row.no,
        email: row.email.clone(),
        state: DeliveryState::Sent,
        reply: "250 ok".to_owned(),
        refused_at: None,
    }
}

/// A post to the members of a list, of whom none is counted yet.
pub(crate) async fn post(
    db: &mut Conn,
    list: ListNo,
    archived: Archived,
) -> Result<(SendingNo, BodyNo), StoreError> {
    let body = bodies::insert(&mut *db, &message("words")).await?;
    let recipients = Recipients { roles: vec![Role::Member], except: Vec::new() };
    let no = posts::insert(&mut *db, list, body, NOW).await?;
    if archived == Archived::Yes {
        archive::add(&mut *db, list, no, &archive_entry(no)).await?;
    }
    let row = NewSending {
        list,
        carries: Carries::Post(no),
        channel: Channel::Open,
        body,
        envelope_from: "team-bounces@lists.example",
        recipients: &recipients,
        entry: None,
    };
    Ok((sendings::insert(db, &row, NOW).await?, body))
}

/// What the archive keeps of a post that answers none.
fn archive_entry(post: PostNo) -> ArchiveEntry {
    let mut message_key = [0; 32];
    message_key[..8].copy_from_slice(&post.0.to_be_bytes());
    ArchiveEntry { message_key, original_key: None, answered: Vec::new(), summary: message("{}") }
}

/// Whether a post stays when all have it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archived {
    Yes,
    No,
}

/// A post to so many members, of whom none is counted yet.
pub(crate) async fn post_to(db: &mut Conn, list: ListNo, members: usize) -> Result<SendingNo, StoreError> {
    for number in 0..members {
        join(&mut *db, list, &format!("m{number}@x.example")).await?;
    }
    Ok(post(db, list, Archived::No).await?.0)
}
