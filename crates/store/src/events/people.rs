//! Whom events and traces name: each address has one row with a number, so that deleting a person is one
//! update.

use sealist_mail::Address;

use crate::sql::query;
use crate::{Conn, StoreError};

/// The number of an address, if an event names it.
pub(crate) async fn find_person(db: &mut Conn, address: &Address) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT no FROM event_people WHERE email_key = $1").bind(address.key());
    row.fetch_optional(db).await?.map(|row| row.value()).transpose()
}

/// The number of an address. It is made if there is none.
pub(crate) async fn person_no(db: &mut Conn, address: &Address) -> Result<i64, StoreError> {
    if let Some(no) = find_person(&mut *db, address).await? {
        return Ok(no);
    }
    // Another node may make it at this moment.
    let made = query("INSERT INTO event_people (email_key) VALUES ($1) ON CONFLICT (email_key) DO NOTHING");
    made.bind(address.key()).execute(&mut *db).await?;
    find_person(db, address).await?.ok_or(StoreError::Damaged { table: "event_people" })
}

/// Makes all events and traces of a person name nobody.
pub async fn forget_person(db: &mut Conn, address: &Address) -> Result<(), StoreError> {
    let forget = query("UPDATE event_people SET email_key = NULL WHERE email_key = $1");
    forget.bind(address.key()).execute(db).await?;
    Ok(())
}

/// Deletes the rows that no event and no trace names any more.
pub(super) async fn forget_unnamed(db: &mut Conn) -> Result<(), StoreError> {
    query(
        "DELETE FROM event_people WHERE NOT EXISTS (SELECT 1 FROM events WHERE subject_no = event_people.no)
         AND NOT EXISTS (SELECT 1 FROM events WHERE actor_no = event_people.no)
         AND NOT EXISTS (SELECT 1 FROM done_messages WHERE sender_no = event_people.no)
         AND NOT EXISTS (SELECT 1 FROM done_copies WHERE person_no = event_people.no)",
    )
    .execute(db)
    .await?;
    Ok(())
}
