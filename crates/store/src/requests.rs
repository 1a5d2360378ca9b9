//! Requests: workflows that wait for an answer.
//!
//! A change to a request names the state that it was made from, and fails if the state has changed. So of
//! several answers at the same time one counts.

use sealist_lists::model::{ListNo, RequestNo};
use sealist_lists::workflows::WorkflowRun;
use sealist_mail::{Address, Timestamp};

use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, newer, tokens};

const DAMAGED: StoreError = StoreError::Damaged { table: "requests" };
const SELECT: &str = "SELECT no, list_no, email, certificate, run, generation, question, begun_at, expires_at, proven FROM requests";

/// How many requests may wait at the same time. The oldest requests of people who proved nothing are
/// displaced first.
const MOST_WAITING: &[(RequestScope, i64)] =
    &[(RequestScope::Address, 8), (RequestScope::List, 500), (RequestScope::Site, 2000)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestScope {
    /// Of one address on one list.
    Address,
    List,
    Site,
}

impl RequestScope {
    /// The parameters are the list, the look-up key of the address, and the time.
    fn sql(self) -> &'static str {
        match self {
            Self::Address => "list_no = $1 AND email_key = $2 AND expires_at > $3",
            Self::List => "list_no = $1 AND $2 <> '' AND expires_at > $3",
            Self::Site => "$1 > 0 AND $2 <> '' AND expires_at > $3",
        }
    }
}

/// Who made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedBy {
    /// The owner of the address, proved by a signature or a token.
    Owner,
    /// Anybody may have asked.
    Anybody,
}

/// The place for a new request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestPlace {
    /// There is room.
    Free,
    /// It must displace this request.
    Of(RequestNo),
    /// There is none: too many wait, and none may be displaced.
    None,
}

/// A request as it is stored.
#[derive(Clone, Debug)]
pub struct Request {
    /// The row.
    pub no: RequestNo,
    /// On which list.
    pub list: ListNo,
    /// Whom it is about.
    pub address: Address,
    /// The key that is offered, binary.
    pub certificate: Option<Vec<u8>>,
    /// The workflow.
    pub run: WorkflowRun,
    /// Grows with every change: a change names the generation that it was decided from.
    generation: i64,
    /// The question that it waits for.
    pub question: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// Who made the request, or answered since.
    pub by: RequestedBy,
}

/// The new state of a request.
pub struct RequestState<'a> {
    /// The workflow.
    pub run: &'a WorkflowRun,
    /// The key that is offered, binary.
    pub certificate: Option<&'a [u8]>,
    /// What it waits for.
    pub question: &'static str,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// Who asks, or answers.
    pub by: RequestedBy,
}

/// The places for a new request within the limits of its address, its list and the site. A requester who
/// proved nothing displaces only others who proved nothing; the owner of an address may displace an own
/// request as a last resort.
pub async fn places(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    by: RequestedBy,
    now: Timestamp,
) -> Result<Vec<RequestPlace>, StoreError> {
    let mut places = Vec::new();
    for (scope, most) in MOST_WAITING {
        let sql = format!(
            "SELECT COUNT(*) AS waiting, MIN(CASE WHEN proven = 0 THEN no END) AS oldest_unproven, MIN(no) AS oldest
             FROM requests WHERE {}",
            scope.sql()
        );
        let row = query(sql).bind(list.0).bind(address.key()).bind(now.0).fetch_one(&mut *db).await?;
        let (oldest_unproven, oldest) =
            (row.try_get::<Option<i64>>("oldest_unproven")?, row.try_get::<Option<i64>>("oldest")?);
        places.push(match (row.try_get::<i64>("waiting")? >= *most, by, scope) {
            (false, _, _) => RequestPlace::Free,
            (true, RequestedBy::Anybody, _) => {
                oldest_unproven.map_or(RequestPlace::None, |no| RequestPlace::Of(RequestNo(no)))
            }
            (true, RequestedBy::Owner, RequestScope::Address) => {
                oldest_unproven.or(oldest).map_or(RequestPlace::Free, |no| RequestPlace::Of(RequestNo(no)))
            }
            (true, RequestedBy::Owner, _) => {
                oldest_unproven.map_or(RequestPlace::Free, |no| RequestPlace::Of(RequestNo(no)))
            }
        });
    }
    Ok(places)
}

/// Stores a new request, replacing an expired one of the same kind. Errs with [`StoreError::Duplicate`] if
/// the address has a request of the kind on that list.
pub async fn insert(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    stage: &RequestState<'_>,
    now: Timestamp,
) -> Result<RequestNo, StoreError> {
    query(
        "DELETE FROM requests WHERE list_no = $1 AND email_key = $2 AND goal = $3 AND fingerprint = $4
         AND expires_at <= $5",
    )
    .bind(list.0)
    .bind(address.key())
    .bind(stage.run.goal.action())
    .bind(fingerprint(stage.run))
    .bind(now.0)
    .execute(&mut *db)
    .await?;
    let row = query(
        "INSERT INTO requests (list_no, email_key, email, goal, fingerprint, certificate, run, question, begun_at, expires_at, proven)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING no",
    )
    .bind(list.0)
    .bind(address.key())
    .bind(address.to_string())
    .bind(stage.run.goal.action())
    .bind(fingerprint(stage.run))
    .bind(stage.certificate.map(<[u8]>::to_vec))
    .bind(to_json(stage.run)?)
    .bind(stage.question)
    .bind(now.0)
    .bind(stage.expires_at.0)
    .bind(stage.by == RequestedBy::Owner)
    .fetch_one(db)
    .await?;
    Ok(RequestNo(row.value()?))
}

/// Advances a request to its next state. If its key was offered in another request of the same kind, it
/// replaces that one. Returns `false` if somebody else changed it first: then nothing may be committed.
pub async fn advance(db: &mut Conn, from: &Request, to: &RequestState<'_>) -> Result<bool, StoreError> {
    query("DELETE FROM requests WHERE no <> $1 AND list_no = $2 AND email_key = $3 AND goal = $4 AND fingerprint = $5")
        .bind(from.no.0)
        .bind(from.list.0)
        .bind(from.address.key())
        .bind(to.run.goal.action())
        .bind(fingerprint(to.run))
        .execute(&mut *db)
        .await?;
    let done = query(
        "UPDATE requests SET run = $3, question = $4, certificate = $5, expires_at = $6, fingerprint = $7,
             proven = CASE WHEN $8 = 1 THEN 1 ELSE proven END, generation = generation + 1
         WHERE no = $1 AND generation = $2",
    )
    .bind(from.no.0)
    .bind(from.generation)
    .bind(to_json(to.run)?)
    .bind(to.question)
    .bind(to.certificate.map(<[u8]>::to_vec))
    .bind(to.expires_at.0)
    .bind(fingerprint(to.run))
    .bind(to.by == RequestedBy::Owner)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a request and its tokens. Returns `false` and changes nothing if somebody else changed it first.
pub async fn end(db: &mut Conn, request: &Request) -> Result<bool, StoreError> {
    let done = query("DELETE FROM requests WHERE no = $1 AND generation = $2")
        .bind(request.no.0)
        .bind(request.generation)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a request that is displaced; its tokens then say so. The person can ask again: the questions that
/// the address got from the list today no longer count, because they cannot be answered any more.
pub async fn displace(db: &mut Conn, no: RequestNo) -> Result<(), StoreError> {
    query(
        "DELETE FROM notices WHERE kind LIKE '%question-%' AND EXISTS (SELECT 1 FROM requests r
         WHERE r.no = $1 AND r.list_no = notices.list_no AND r.email_key = notices.email_key)",
    )
    .bind(no.0)
    .execute(&mut *db)
    .await?;
    tokens::gave_way(&mut *db, no).await?;
    query("DELETE FROM requests WHERE no = $1").bind(no.0).execute(db).await?;
    Ok(())
}

/// The request of that number.
pub async fn by_no(db: &mut Conn, no: RequestNo) -> Result<Option<Request>, StoreError> {
    let row = query(format!("{SELECT} WHERE no = $1")).bind(no.0).fetch_all(db).await?;
    Ok(known(&row)?.pop())
}

/// Those of an address on a list that have not expired.
pub async fn of_address(
    db: &mut Conn,
    list: ListNo,
    address: &Address,
    now: Timestamp,
) -> Result<Vec<Request>, StoreError> {
    let sql = format!("{SELECT} WHERE list_no = $1 AND email_key = $2 AND expires_at > $3 ORDER BY no");
    let rows = query(sql).bind(list.0).bind(address.key()).bind(now.0).fetch_all(db).await?;
    known(&rows)
}

/// The waiting requests of a list, or of all lists, the oldest first.
pub async fn waiting(
    db: &mut Conn,
    list: Option<ListNo>,
    after: RequestNo,
    limit: u32,
) -> Result<Vec<Request>, StoreError> {
    let of_list = if list.is_some() { "AND list_no = $3" } else { "" };
    let statement = query(format!("{SELECT} WHERE no > $1 {of_list} ORDER BY no LIMIT $2"));
    let statement = statement.bind(after.0).bind(limit);
    let statement = match list {
        Some(list) => statement.bind(list.0),
        None => statement,
    };
    known(&statement.fetch_all(db).await?)
}

/// How many requests wait for that question, and since when the first does. `None` if there are none.
pub async fn counted(db: &mut Conn, question: &str) -> Result<Option<(u64, Timestamp)>, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS waiting, COALESCE(MIN(begun_at), 0) AS since FROM requests WHERE question = $1",
    )
    .bind(question)
    .fetch_one(db)
    .await?;
    let count = u64::try_from(row.try_get::<i64>("waiting")?).map_err(|_| DAMAGED)?;
    Ok(if count > 0 { Some((count, Timestamp(row.try_get("since")?))) } else { None })
}

/// Forgets up to `limit` requests whose time is over, and returns them.
pub async fn expire(db: &mut Conn, limit: u32, now: Timestamp) -> Result<Vec<Request>, StoreError> {
    let rows = query(format!("{SELECT} WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"))
        .bind(now.0)
        .bind(limit)
        .fetch_all(&mut *db)
        .await?;
    let mut over = Vec::new();
    for request in known(&rows)? {
        if end(&mut *db, &request).await? {
            over.push(request);
        }
    }
    Ok(over)
}

fn to_json(run: &WorkflowRun) -> Result<String, StoreError> {
    serde_json::to_string(run).map_err(|_| DAMAGED)
}

fn fingerprint(run: &WorkflowRun) -> String {
    run.key.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// A request of which only a newer version knows what it is about. The row stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRequest {
    /// The row.
    pub no: RequestNo,
    /// The list.
    pub list: ListNo,
    /// Whose request it is.
    pub address: Address,
    /// What it waits for.
    pub question: String,
}

/// The requests of a list, or of all lists, that this version does not know.
pub async fn unknown(db: &mut Conn, list: Option<ListNo>) -> Result<Vec<UnknownRequest>, StoreError> {
    let rows = query(format!("{SELECT} ORDER BY no")).fetch_all(db).await?;
    let mut unknown = Vec::new();
    for row in rows.iter().filter(|row| matches!(request(row), Ok(None))) {
        let one = UnknownRequest {
            no: RequestNo(row.try_get("no")?),
            list: ListNo(row.try_get("list_no")?),
            address: Address::from_stored(&row.try_get::<String>("email")?).ok_or(DAMAGED)?,
            question: row.try_get("question")?,
        };
        if list.is_none_or(|list| list == one.list) {
            unknown.push(one);
        }
    }
    Ok(unknown)
}

/// The requests of those rows, without those that only a newer version knows.
fn known(rows: &[SqlRow]) -> Result<Vec<Request>, StoreError> {
    rows.iter().filter_map(|row| request(row).transpose()).collect()
}

/// `None`: only a newer version knows what it is about.
fn request(row: &SqlRow) -> Result<Option<Request>, StoreError> {
    let state: String = row.try_get("run")?;
    let no = RequestNo(row.try_get("no")?);
    let Ok(run) = serde_json::from_str(&state) else {
        if newer::is_first(format!("request {}", no.0)) {
            tracing::warn!(
                event = "request-not-known",
                request = no.0,
                "a request is not known to this version; it is kept for the version that wrote it"
            );
        }
        return Ok(None);
    };
    Ok(Some(Request {
        no,
        list: ListNo(row.try_get("list_no")?),
        address: Address::from_stored(&row.try_get::<String>("email")?).ok_or(DAMAGED)?,
        certificate: row.try_get("certificate")?,
        run,
        generation: row.try_get("generation")?,
        question: row.try_get("question")?,
        begun_at: Timestamp(row.try_get("begun_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
        by: if row.try_get::<i64>("proven")? > 0 { RequestedBy::Owner } else { RequestedBy::Anybody },
    }))
}
