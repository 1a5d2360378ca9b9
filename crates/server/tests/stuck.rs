//! What must not wait for ever when the database refuses for a while.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::{Duration, Instant};

use common::site::{LIST, Site, WAIT};
use common::{Server, entity, post};
use rusqlite::Connection;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::Kind;
use sealist_smtp::client::RecipientResult;

fn database(server: &Server) -> Connection {
    let database = Connection::open(server.folder.path().join("data/sealist.db")).unwrap();
    database.busy_timeout(WAIT).unwrap();
    database
}

/// A table that takes no claim back, and a second fault by which there is one to give back.
fn refuse(server: &Server, table: &str, fault: &str) {
    let no_back = format!(
        "CREATE TRIGGER no_back BEFORE UPDATE ON {table} WHEN OLD.claimed_by IS NOT NULL AND NEW.claimed_by IS NULL
         BEGIN SELECT RAISE(ABORT, 'not now'); END; {fault}"
    );
    database(server).execute_batch(&no_back).unwrap();
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A post to a database with that fault, which goes away after the log has told of it.
async fn is_given_back(table: &str, fault: &str, told: &str) {
    let site = Site::new().await;
    let anne = site.join_with("anne@example.org", Kind::Curve25519);
    refuse(&site.server, table, fault);
    let message = anne.mail(&site.certificate(), &entity("one", "Words."), Timestamp::now());
    let mut connection = site.server.connect().await;
    assert!(matches!(post(&mut connection, LIST, &message).await, RecipientResult::Sent(_)));
    until(told, || site.server.log().contains(told)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let database = database(&site.server);
    database.execute_batch("DROP TRIGGER no_back; DROP TRIGGER fault;").unwrap();
    let claimed = format!("SELECT COUNT(*) FROM {table} WHERE claimed_by IS NOT NULL");
    let claimed = || database.query_row(&claimed, (), |row| row.get::<_, i64>(0)).unwrap();
    until("a claim that nobody frees", || claimed() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_given_back_as_soon_as_the_database_takes_it() {
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON posts BEGIN SELECT RAISE(ABORT, 'not now'); END;";
    is_given_back("queue", fault, "could not be judged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_given_back_as_soon_as_the_database_takes_them() {
    let fault = "CREATE TRIGGER fault AFTER INSERT ON posts
                 BEGIN UPDATE bodies SET octets = octets + 1 WHERE no = NEW.body_no; END;";
    is_given_back("deliveries", fault, "copies could not be made").await;
}
