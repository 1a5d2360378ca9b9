//! Keys of the lists: their certificates, their states, and their wrapped secret halves if the database keeps
//! them.

use sealist_lists::model::{ListKeyNo, ListNo};
use sealist_lists::names;
use sealist_mail::Timestamp;

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "list_keys" };
pub(crate) const COLUMNS: &str = "no, list_no, purpose, fingerprint, certificate, generation, state";

/// The purpose of a list's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKeyPurpose {
    /// To correspond with members; published.
    Posting,
    /// To seal stored bodies; never published.
    Storage,
}

names! { ListKeyPurpose {
    Posting = "posting",
    Storage = "storage",
} }

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKeyState {
    /// The key was made, and is not used before every node has it.
    Waiting,
    /// The key signs, and members get it.
    Used,
    /// Another key is used; this one still opens mail.
    Replaced,
    /// The key is kept but not tried any more.
    Retired,
}

names! { ListKeyState {
    Waiting = "waiting",
    Used = "used",
    Replaced = "replaced",
    Retired = "retired",
} }

/// A key of a list, without its secret half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKeyRow {
    /// The row.
    pub no: ListKeyNo,
    /// Whose it is.
    pub list: ListNo,
    /// What it is for.
    pub purpose: ListKeyPurpose,
    /// Of the primary key.
    pub fingerprint: String,
    /// Binary.
    pub certificate: Vec<u8>,
    /// Grows with every rotation.
    pub generation: u32,
    /// Where it stands in its life.
    pub state: ListKeyState,
}

/// A new key for the database.
#[derive(Clone, Debug)]
pub struct NewListKey {
    /// What it is for.
    pub purpose: ListKeyPurpose,
    /// Of the primary key.
    pub fingerprint: String,
    /// Binary.
    pub certificate: Vec<u8>,
    /// One more than the generation of the last key of this purpose.
    pub generation: u32,
    /// Waiting or used.
    pub state: ListKeyState,
    /// The secret half, wrapped, if the database keeps it.
    pub wrapped: Option<Vec<u8>>,
}

/// Records a key of a list, whose key file has been synced or whose wrapped form is included. Errs with
/// [`StoreError::Duplicate`] if a key of that generation exists, or a key is already in use where this one
/// would be.
pub async fn insert(
    db: &mut Conn,
    list: ListNo,
    key: &NewListKey,
    now: Timestamp,
) -> Result<ListKeyNo, StoreError> {
    let row = query(
        "INSERT INTO list_keys (list_no, purpose, fingerprint, certificate, generation, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING no",
    )
    .bind(list.0)
    .bind(key.purpose.name())
    .bind(&key.fingerprint)
    .bind(&key.certificate)
    .bind(key.generation)
    .bind(key.state.name())
    .bind(now.0)
    .fetch_one(&mut *db)
    .await?;
    let no = ListKeyNo(row.value()?);
    if let Some(wrapped) = &key.wrapped {
        keep_wrapped(db, no, wrapped).await?;
    }
    Ok(no)
}

/// Stores or replaces the wrapped secret half of a key.
pub async fn keep_wrapped(db: &mut Conn, no: ListKeyNo, wrapped: &[u8]) -> Result<(), StoreError> {
    query(
        "INSERT INTO wrapped_keys (list_key_no, wrapped) VALUES ($1, $2)
         ON CONFLICT (list_key_no) DO UPDATE SET wrapped = excluded.wrapped",
    )
    .bind(no.0)
    .bind(wrapped)
    .execute(db)
    .await?;
    Ok(())
}

/// The wrapped secret half of a key. `None` if the database does not keep it.
pub async fn wrapped(db: &mut Conn, no: ListKeyNo) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query("SELECT wrapped FROM wrapped_keys WHERE list_key_no = $1")
        .bind(no.0)
        .fetch_optional(db)
        .await?;
    row.map(|row| row.value()).transpose()
}

/// The keys of a list that are not retired, the oldest first.
pub async fn of_list(db: &mut Conn, list: ListNo) -> Result<Vec<ListKeyRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM list_keys WHERE list_no = $1 AND state != 'retired' ORDER BY no");
    query(sql).bind(list.0).fetch_all(db).await?.iter().map(read).collect()
}

/// The numbers and states of a list's keys that are not retired: a fast query to see whether anything has
/// changed.
pub async fn states(db: &mut Conn, list: ListNo) -> Result<Vec<(ListKeyNo, ListKeyState)>, StoreError> {
    let rows = query("SELECT no, state FROM list_keys WHERE list_no = $1 AND state != 'retired' ORDER BY no")
        .bind(list.0)
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| {
            let state: String = row.try_get("state")?;
            Ok((ListKeyNo(row.try_get("no")?), ListKeyState::from_name(&state).ok_or(DAMAGED)?))
        })
        .collect()
}

/// All keys of all lists, retired ones too.
pub async fn all(db: &mut Conn) -> Result<Vec<ListKeyRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM list_keys ORDER BY no");
    query(sql).fetch_all(db).await?.iter().map(read).collect()
}

/// The highest generation of a list's keys for that purpose, retired ones too; 0 if there is none.
pub async fn generation(db: &mut Conn, list: ListNo, purpose: ListKeyPurpose) -> Result<u32, StoreError> {
    query("SELECT COALESCE(MAX(generation), 0) FROM list_keys WHERE list_no = $1 AND purpose = $2")
        .bind(list.0)
        .bind(purpose.name())
        .fetch_one(db)
        .await?
        .value()
}

/// Whether the key is one of a list, of whatever state.
pub async fn is_of_a_list(db: &mut Conn, fingerprint: &str) -> Result<bool, StoreError> {
    let found = query("SELECT EXISTS (SELECT 1 FROM list_keys WHERE fingerprint = $1)");
    found.bind(fingerprint).fetch_one(db).await?.value()
}

/// Certificate of the key that a list uses for that purpose.
pub async fn certificate(
    db: &mut Conn,
    list: ListNo,
    purpose: ListKeyPurpose,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row =
        query("SELECT certificate FROM list_keys WHERE list_no = $1 AND purpose = $2 AND state = 'used'")
            .bind(list.0)
            .bind(purpose.name())
            .fetch_optional(db)
            .await?;
    row.map(|row| row.value()).transpose()
}

/// Replaces the certificate of the posting key in use. Returns `false` and changes nothing if the key or its
/// certificate has changed.
pub async fn certified(
    db: &mut Conn,
    list: ListNo,
    fingerprint: &str,
    before: &[u8],
    certificate: &[u8],
) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE list_keys SET certificate = $4
         WHERE list_no = $1 AND fingerprint = $2 AND certificate = $3 AND purpose = 'posting' AND state = 'used'",
    )
    .bind(list.0)
    .bind(fingerprint)
    .bind(before)
    .bind(certificate)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) fn read(row: &SqlRow) -> Result<ListKeyRow, StoreError> {
    let (purpose, state): (String, String) = (row.try_get("purpose")?, row.try_get("state")?);
    Ok(ListKeyRow {
        no: ListKeyNo(row.try_get("no")?),
        list: ListNo(row.try_get("list_no")?),
        purpose: ListKeyPurpose::from_name(&purpose).ok_or(DAMAGED)?,
        fingerprint: row.try_get("fingerprint")?,
        certificate: row.try_get("certificate")?,
        generation: row.try_get("generation")?,
        state: ListKeyState::from_name(&state).ok_or(DAMAGED)?,
    })
}
