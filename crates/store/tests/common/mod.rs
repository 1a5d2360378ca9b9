//! A site with one list on either database, and stories that are told on both.

#![allow(dead_code, reason = "each test binary uses a part")]

use sealist_lists::model::{ListName, ListNo, ListSettings, Preferences, Role};
use sealist_mail::Timestamp;
use sealist_store::testing::Postgres;
use sealist_store::{Conn, Store, StoreError, lists, people};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);
pub(crate) const NAME: &str = "team@lists.example";

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) list: ListNo,
    /// With PostgreSQL: where other nodes find it.
    pub(crate) url: String,
    /// With SQLite.
    _folder: Option<TempDir>,
}

/// Every story is told on both databases.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(super::common::on_sqlite().await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story(super::common::on_postgres().await).await;
            })+
        }
    };
}

pub(crate) async fn on_sqlite() -> Site {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("test.db")).await.unwrap();
    let list = store.write(|db| Box::pin(make_list(db))).await.unwrap();
    Site { store, list, url: String::new(), _folder: Some(folder) }
}

pub(crate) async fn on_postgres() -> Site {
    let url = tokio::task::spawn_blocking(|| Postgres::started().database()).await.unwrap();
    let store = Store::open_url(&url).await.unwrap();
    let list = store.write(|db| Box::pin(make_list(db))).await.unwrap();
    Site { store, list, url, _folder: None }
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
