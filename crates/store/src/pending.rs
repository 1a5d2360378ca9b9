//! Facts that people have not been told yet. Facts are collected here until a notice reports them. A limit on
//! notices delays the notice; no fact is lost.

use sealist_lists::model::ListNo;
use sealist_mail::{Address, DAY_MS, Timestamp};

use crate::sql::query;
use crate::{Conn, StoreError};

/// A notice that is due later than this was scheduled before the clock was set back.
const LONGEST_PAUSE_MS: i64 = 8 * DAY_MS;
/// How many facts of one notice are kept individually. Further ones are only counted.
const MOST_FACTS: i64 = 2000;
const DAMAGED: StoreError = StoreError::Damaged { table: "pending_notices" };

/// Facts that one notice reports: for one list, person and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heap {
    /// On which list.
    pub list: ListNo,
    /// The recipient. `None`: the owners of the list.
    pub to: Option<Address>,
    /// The name of the notice's text.
    pub kind: String,
}

impl Heap {
    fn key(&self) -> String {
        self.to.as_ref().map(Address::key).unwrap_or_default()
    }
}

/// How soon the facts are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many notices of a day are sent at once.
    pub at_once: u32,
    /// How long facts are collected afterwards, in milliseconds.
    pub pause_ms: i64,
}

impl Pace {
    /// When a new fact is reported, if `sent` notices were sent since `day_at`.
    fn next(self, day_at: i64, sent: i64, now: Timestamp) -> i64 {
        let is_quick = day_at <= now.0 - DAY_MS || sent < i64::from(self.at_once);
        if is_quick { now.0 } else { now.0 + self.pause_ms.clamp(0, LONGEST_PAUSE_MS) }
    }
}

/// A fact to report. A later fact about the same subject replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFact {
    /// What it is about.
    pub subject: String,
    /// JSON, free of content.
    pub fact: String,
    /// What happens to it if there are too many.
    pub beyond: Beyond,
}

/// What happens to a fact if there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It is kept, because something else limits the number.
    Kept,
    /// It is only counted.
    Counted,
}

/// A fact that was not reported yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingFact {
    /// Its row.
    pub no: i64,
    /// JSON, free of content.
    pub fact: String,
    /// How often it occurred.
    pub times: u32,
    /// When it occurred last.
    pub at: Timestamp,
}

/// A heap whose notice is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which heap.
    pub heap: Heap,
    /// How many facts are only counted.
    pub more: u64,
    due_at: i64,
    day_at: i64,
    sent: i64,
}

/// Adds facts. The notice is due at once or after a pause, according to the pace.
pub async fn add(
    db: &mut Conn,
    heap: &Heap,
    facts: &[NewFact],
    pace: Pace,
    now: Timestamp,
) -> Result<(), StoreError> {
    if facts.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO pending_notices (list_no, email_key, kind, email) VALUES ($1, $2, $3, $4)
         ON CONFLICT (list_no, email_key, kind) DO NOTHING",
    )
    .bind(heap.list.0)
    .bind(heap.key())
    .bind(&heap.kind)
    .bind(heap.to.as_ref().map(Address::to_string).unwrap_or_default())
    .execute(&mut *db)
    .await?;
    let sql = format!(
        "SELECT due_at, day_at, sent FROM pending_notices WHERE list_no = $1 AND email_key = $2 AND kind = $3 {}",
        db.locked()
    );
    let row = query(sql).bind(heap.list.0).bind(heap.key()).bind(&heap.kind).fetch_one(&mut *db).await?;
    let next = pace.next(row.try_get("day_at")?, row.try_get("sent")?, now);
    let due_at = row.try_get::<Option<i64>>("due_at")?.map_or(next, |due| due.min(next));
    let mut more = 0_i64;
    for fact in facts {
        if !keep(&mut *db, heap, fact, now).await? {
            more += 1;
        }
    }
    query(
        "UPDATE pending_notices SET due_at = $4, more = more + $5
         WHERE list_no = $1 AND email_key = $2 AND kind = $3",
    )
    .bind(heap.list.0)
    .bind(heap.key())
    .bind(&heap.kind)
    .bind(due_at)
    .bind(more)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns `false` if there are so many facts that this one is only counted.
async fn keep(db: &mut Conn, heap: &Heap, fact: &NewFact, now: Timestamp) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) FROM pending_facts WHERE list_no = $1 AND email_key = $2 AND kind = $3");
    let row = row.bind(heap.list.0).bind(heap.key()).bind(&heap.kind).fetch_one(&mut *db).await?;
    let is_only_counted = fact.beyond == Beyond::Counted && row.value::<i64>()? >= MOST_FACTS;
    let again = query(
        "UPDATE pending_facts SET fact = $5, times = times + 1, at = $6
         WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND subject = $4",
    );
    let of_subject = |statement: crate::sql::Query<'static>| {
        statement.bind(heap.list.0).bind(heap.key()).bind(heap.kind.clone()).bind(fact.subject.clone())
    };
    if is_only_counted {
        let earlier = query(
            "DELETE FROM pending_facts WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND subject = $4",
        );
        of_subject(earlier).execute(db).await?;
        return Ok(false);
    }
    let again = of_subject(again).bind(fact.fact.clone()).bind(now.0).execute(&mut *db).await?;
    if again.rows_affected() > 0 {
        return Ok(true);
    }
    let insert = query(
        "INSERT INTO pending_facts (list_no, email_key, kind, subject, fact, at) VALUES ($1, $2, $3, $4, $5, $6)",
    );
    of_subject(insert).bind(fact.fact.clone()).bind(now.0).execute(db).await?;
    Ok(true)
}

/// The heaps whose notices are due, the oldest first. This read-only check costs no commit.
pub async fn due(db: &mut Conn, limit: u32, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    let rows = query(
        "SELECT list_no, email, kind, more, due_at, day_at, sent FROM pending_notices
         WHERE due_at <= $1 OR due_at > $2 ORDER BY due_at LIMIT $3",
    );
    let rows = rows.bind(now.0).bind(now.0 + LONGEST_PAUSE_MS).bind(limit).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let email: String = row.try_get("email")?;
            let to = if email.is_empty() { None } else { Some(email.parse().map_err(|_| DAMAGED)?) };
            Ok(Due {
                heap: Heap { list: ListNo(row.try_get("list_no")?), to, kind: row.try_get("kind")? },
                more: u64::try_from(row.try_get::<i64>("more")?).unwrap_or(0),
                due_at: row.try_get("due_at")?,
                day_at: row.try_get("day_at")?,
                sent: row.try_get("sent")?,
            })
        })
        .collect()
}

/// How many people are told facts of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearers {
    /// Because of mail of all sources.
    pub of_all: u64,
    /// Because of mail of one source.
    pub of_source: u64,
}

/// How many people are told, or were told today, facts of a kind by a list: because of mail of any source,
/// and of that source.
pub async fn hearers(db: &mut Conn, list: ListNo, kind: &str, source: u16) -> Result<Hearers, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS of_all, COUNT(CASE WHEN source = $3 THEN 1 END) AS of_source FROM pending_notices
         WHERE list_no = $1 AND kind = $2 AND source IS NOT NULL",
    );
    let row = row.bind(list.0).bind(kind).bind(i64::from(source)).fetch_one(db).await?;
    let count = |name: &str| Ok::<_, StoreError>(u64::try_from(row.try_get::<i64>(name)?).unwrap_or(0));
    Ok(Hearers { of_all: count("of_all")?, of_source: count("of_source")? })
}

/// Counts a person who is told facts of a kind for the source of the mail, unless the person was counted
/// already.
pub async fn count_hearer(
    db: &mut Conn,
    list: ListNo,
    to: &Address,
    kind: &str,
    source: u16,
) -> Result<(), StoreError> {
    let counted = query(
        "UPDATE pending_notices SET source = $4
         WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND source IS NULL",
    );
    let counted = counted.bind(list.0).bind(to.key()).bind(kind).bind(i64::from(source));
    counted.execute(db).await?;
    Ok(())
}

/// The facts of a heap, the oldest first.
pub async fn facts(db: &mut Conn, heap: &Heap) -> Result<Vec<PendingFact>, StoreError> {
    let rows = query(
        "SELECT no, fact, times, at FROM pending_facts
         WHERE list_no = $1 AND email_key = $2 AND kind = $3 ORDER BY no",
    );
    let rows = rows.bind(heap.list.0).bind(heap.key()).bind(&heap.kind).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(PendingFact {
                no: row.try_get("no")?,
                fact: row.try_get("fact")?,
                times: row.try_get("times")?,
                at: Timestamp(row.try_get("at")?),
            })
        })
        .collect()
}

/// Whether a notice reports the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactTelling {
    /// It does.
    ByNotice,
    /// There is nothing to report any more.
    Silently,
}

/// Deletes the reported facts. Facts that were added or changed meanwhile stay, and are due after the pause.
/// Returns `false` and changes nothing if another node did so first: then that node's notice reports them.
pub async fn delete_told(
    db: &mut Conn,
    due: &Due,
    facts: &[PendingFact],
    how: FactTelling,
    pace: Pace,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_new_day = due.day_at <= now.0 - DAY_MS;
    let (day_at, sent) = match how {
        FactTelling::Silently => (due.day_at, due.sent),
        FactTelling::ByNotice if is_new_day => (now.0, 1),
        FactTelling::ByNotice => (due.day_at, due.sent + 1),
    };
    let more = i64::try_from(due.more).unwrap_or(i64::MAX);
    let mine = query(
        "UPDATE pending_notices SET due_at = NULL, day_at = $5, sent = $6, more = more - $7
         WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND due_at = $4",
    );
    let heap = &due.heap;
    let mine = mine.bind(heap.list.0).bind(heap.key()).bind(&heap.kind).bind(due.due_at);
    if mine.bind(day_at).bind(sent).bind(more).execute(&mut *db).await?.rows_affected() == 0 {
        return Ok(false);
    }
    for fact in facts {
        query("DELETE FROM pending_facts WHERE no = $1 AND times = $2")
            .bind(fact.no)
            .bind(fact.times)
            .execute(&mut *db)
            .await?;
    }
    query(
        "UPDATE pending_notices SET due_at = $4 WHERE list_no = $1 AND email_key = $2 AND kind = $3
         AND (more > 0 OR EXISTS (SELECT 1 FROM pending_facts f WHERE f.list_no = $1 AND f.email_key = $2 AND f.kind = $3))",
    )
    .bind(heap.list.0)
    .bind(heap.key())
    .bind(&heap.kind)
    .bind(pace.next(day_at, sent, now))
    .execute(db)
    .await?;
    Ok(true)
}

/// Postpones a notice that cannot be sent now.
pub async fn put_off(db: &mut Conn, due: &Due, until: Timestamp) -> Result<(), StoreError> {
    let later = query(
        "UPDATE pending_notices SET due_at = $5 WHERE list_no = $1 AND email_key = $2 AND kind = $3 AND due_at = $4",
    );
    let heap = &due.heap;
    let later = later.bind(heap.list.0).bind(heap.key()).bind(&heap.kind).bind(due.due_at);
    later.bind(until.0).execute(db).await?;
    Ok(())
}

/// Forgets heaps that are empty and whose day is over.
pub async fn forget_old(db: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM pending_notices WHERE due_at IS NULL AND day_at <= $1")
        .bind(now.0 - DAY_MS)
        .execute(db)
        .await?;
    Ok(())
}
