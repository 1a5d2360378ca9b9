//! Sendings: one payload on its way to an audience. The copies of a post are a sending, and so are those of a
//! notice to a role.

use sealist_lists::draft::Recipients;
use sealist_lists::model::{BodyNo, Channel, EntryNo, ListNo, PostNo, SendingNo};
use sealist_lists::texts::Language;
use sealist_mail::Timestamp;

use crate::deliveries::Kind;
use crate::sql::{Query, SqlRow, placeholders, query};
use crate::{Conn, StoreError, bodies, posts, traces};

const DAMAGED: StoreError = StoreError::Damaged { table: "sendings" };
/// Recipients made by one statement where all are made.
const WHOLE: u32 = 10_000;

/// A payload that is to be sent.
pub struct NewSending<'a> {
    /// The list.
    pub list: ListNo,
    /// What it carries.
    pub carries: Carries<'a>,
    /// How its copies travel.
    pub channel: Channel,
    /// Its payload.
    pub body: BodyNo,
    /// MAIL FROM of the copies.
    pub envelope_from: &'a str,
    /// Whom it goes to.
    pub recipients: &'a Recipients,
    /// The message that caused it.
    pub entry: Option<EntryNo>,
}

/// What a sending carries.
pub enum Carries<'a> {
    /// A post: it goes to those members in the roles who want posts.
    Post(PostNo),
    /// Mail of somebody to those in charge of the list: no post of the list.
    OwnerMail,
    /// A notice of the list itself: it goes to everybody in the roles, whatever they chose for posts, who
    /// chose one of those languages. `None`: none is chosen.
    Notice(&'a [Option<Language>]),
}

/// Stores a sending. It has no recipients yet: [`fan_out`] makes them.
pub async fn insert(
    db: &mut Conn,
    sending: &NewSending<'_>,
    now: Timestamp,
) -> Result<SendingNo, StoreError> {
    let (kind, post, languages) = match sending.carries {
        Carries::Post(post) => (Kind::Posting, Some(post.0), &[][..]),
        Carries::OwnerMail => (Kind::Posting, None, &[][..]),
        Carries::Notice(languages) => (Kind::Notice, None, languages),
    };
    let code = |language: &Option<Language>| language.map_or("", Language::name).to_owned();
    let chosen = RecipientFilter {
        roles: sending.recipients.roles.iter().map(|role| role.name().to_owned()).collect(),
        except: sending.recipients.except.iter().map(|member| member.0).collect(),
        languages: languages.iter().map(code).collect(),
    };
    let recipients = serde_json::to_string(&chosen).map_err(|_| DAMAGED)?;
    let row = query(
        "INSERT INTO sendings (list_no, kind, post_no, body_no, envelope_from, recipients, accepted_at, channel, entry_no)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(sending.list.0)
    .bind(kind.name())
    .bind(post)
    .bind(sending.body.0)
    .bind(sending.envelope_from)
    .bind(recipients)
    .bind(now.0)
    .bind(sending.channel.name())
    .bind(sending.entry.map(|entry| entry.0));
    let no = row.insert(&mut *db).await?;
    db.notify("outgoing").await?;
    Ok(SendingNo(no))
}

/// Makes the next `chunk` recipients of the oldest sending that lacks some, and returns how many it made;
/// `None` if no sending lacks any. The cursor moves in the same transaction, so that a roster is covered once
/// whatever happens between.
pub async fn fan_out(db: &mut Conn, chunk: u32, now: Timestamp) -> Result<Option<u64>, StoreError> {
    let sql = format!(
        "SELECT no, list_no, recipients, fan_out_after, kind FROM sendings WHERE fan_out_done = 0
         AND list_no NOT IN (SELECT no FROM lists WHERE held_at IS NOT NULL) ORDER BY no LIMIT 1 {}",
        db.skip_locked()
    );
    match query(sql).fetch_optional(&mut *db).await? {
        Some(sending) => extend(db, &sending, chunk, now).await.map(Some),
        None => Ok(None),
    }
}

/// Makes all recipients that a sending lacks.
pub(crate) async fn fan_out_whole(db: &mut Conn, sending: SendingNo) -> Result<(), StoreError> {
    loop {
        let sql = format!(
            "SELECT no, list_no, recipients, fan_out_after, kind FROM sendings WHERE no = $1 AND fan_out_done = 0 {}",
            db.locked()
        );
        match query(sql).bind(sending.0).fetch_optional(&mut *db).await? {
            Some(sending) => extend(&mut *db, &sending, WHOLE, Timestamp(0)).await?,
            None => return Ok(()),
        };
    }
}

async fn extend(db: &mut Conn, sending: &SqlRow, chunk: u32, now: Timestamp) -> Result<u64, StoreError> {
    let (no, list, after): (i64, i64, i64) =
        (sending.try_get("no")?, sending.try_get("list_no")?, sending.try_get("fan_out_after")?);
    let chosen: RecipientFilter =
        serde_json::from_str(&sending.try_get::<String>("recipients")?).map_err(|_| DAMAGED)?;
    let kind = Kind::from_name(&sending.try_get::<String>("kind")?).ok_or(DAMAGED)?;
    let who = RosterQuery { chosen, kind };
    // The last of the page, and whether there is one more. No row: less than a page is left.
    let page = query(format!("SELECT m.no {} ORDER BY m.no LIMIT 2 OFFSET $3", who.sql(4)));
    let page = page.bind(list).bind(after).bind(i64::from(chunk) - 1);
    let page = who.chosen.bind(page).fetch_all(&mut *db).await?;
    let last: i64 = match page.first() {
        Some(row) => row.value()?,
        None => i64::MAX,
    };
    let insert = query(format!(
        "INSERT INTO deliveries (sending_no, member_no, address_no, email, state, next_at)
         SELECT $3, m.no, m.address_no, a.email, 'due', $4 {} AND m.no <= $5 ORDER BY m.no
         ON CONFLICT (sending_no, email) DO NOTHING",
        who.sql(6)
    ));
    let insert = insert.bind(list).bind(after).bind(no).bind(now.0).bind(last);
    let made = who.chosen.bind(insert).execute(&mut *db).await?.rows_affected();
    query("UPDATE sendings SET fan_out_after = $2, fan_out_done = $3 WHERE no = $1")
        .bind(no)
        .bind(last)
        .bind(page.len() < 2)
        .execute(db)
        .await?;
    Ok(made)
}

/// Whom a sending goes to, as its row says.
#[derive(serde::Deserialize, serde::Serialize)]
struct RecipientFilter {
    roles: Vec<String>,
    except: Vec<i64>,
    /// Codes of the languages that readers chose; none: whatever they chose.
    #[serde(default)]
    languages: Vec<String>,
}

/// The recipients of a sending of that kind.
struct RosterQuery {
    chosen: RecipientFilter,
    kind: Kind,
}

impl RosterQuery {
    /// The members behind `$2` on list `$1`; placeholders for the rest from that number on.
    fn sql(&self, from: usize) -> String {
        let RecipientFilter { roles, except, languages } = &self.chosen;
        let except = match except.len() {
            0 => String::new(),
            count => format!("AND m.no NOT IN ({})", placeholders(from + roles.len(), count)),
        };
        let speaks = match languages.len() {
            0 => String::new(),
            count => {
                format!(
                    "AND m.preferred_language IN ({})",
                    placeholders(from + roles.len() + except.len(), count)
                )
            }
        };
        let wants = self.kind.wanted_by();
        format!(
            "FROM members m JOIN addresses a ON a.no = m.address_no WHERE m.list_no = $1 AND m.no > $2
             AND m.role IN ({}) {except} {speaks} {wants}",
            placeholders(from, roles.len())
        )
    }
}

impl RecipientFilter {
    fn bind<'q>(&'q self, query: Query<'q>) -> Query<'q> {
        let query = self.roles.iter().fold(query, |query, role| query.bind(role));
        let query = self.except.iter().fold(query, |query, member| query.bind(*member));
        self.languages.iter().fold(query, |query, language| query.bind(language))
    }
}

/// The payload of a sending for readers of version 6, if it was made.
pub async fn second_body(db: &mut Conn, sending: SendingNo) -> Result<Option<BodyNo>, StoreError> {
    let row =
        query("SELECT second_body_no FROM sendings WHERE no = $1").bind(sending.0).fetch_one(db).await?;
    Ok(row.value::<Option<i64>>()?.map(BodyNo))
}

/// Gives a sending its payload for readers of version 6, unless it has one.
pub async fn set_second_body(
    db: &mut Conn,
    sending: SendingNo,
    body: &bodies::StoredBody,
) -> Result<(), StoreError> {
    let no = bodies::insert(&mut *db, body).await?;
    let taken = query("UPDATE sendings SET second_body_no = $2 WHERE no = $1 AND second_body_no IS NULL");
    let taken = taken.bind(sending.0).bind(no.0).execute(&mut *db).await?;
    if taken.rows_affected() == 0 { bodies::delete(db, no).await } else { Ok(()) }
}

/// Deletes a sending that every recipient has, or will never have, or up to `limit` of its recipients if
/// there are more. Its bodies go with it, and its post if the archive does not keep the post. What became of
/// its copies is kept for some days. Looks at the sendings behind `after`, and returns behind which to look
/// next; `None` if there was nothing to delete.
pub async fn delete_finished(
    db: &mut Conn,
    after: SendingNo,
    limit: u32,
    now: Timestamp,
) -> Result<Option<SendingNo>, StoreError> {
    // Another node that packs the copies of a sending is left alone with them.
    let finished = query(format!(
        "SELECT no, body_no, second_body_no, post_no, list_no FROM sendings s WHERE s.no > $1 AND s.fan_out_done = 1 AND NOT EXISTS
         (SELECT 1 FROM deliveries d WHERE d.sending_no = s.no AND d.state NOT IN ('sent', 'failed')) ORDER BY s.no LIMIT 1 {}",
        db.skip_locked_of("s")
    ));
    let Some(sending) = finished.bind(after.0).fetch_optional(&mut *db).await? else { return Ok(None) };
    let (no, list) = (SendingNo(sending.try_get("no")?), ListNo(sending.try_get("list_no")?));
    if traces::pack_copies(&mut *db, no, list, limit).await? == u64::from(limit) {
        return Ok(Some(SendingNo(no.0 - 1)));
    }
    traces::keep_sending(&mut *db, no, now).await?;
    query("DELETE FROM sendings WHERE no = $1").bind(no.0).execute(&mut *db).await?;
    if let Some(second) = sending.try_get::<Option<i64>>("second_body_no")? {
        bodies::delete(&mut *db, BodyNo(second)).await?;
    }
    match sending.try_get::<Option<i64>>("post_no")? {
        Some(post) => posts::delete_unused(db, PostNo(post)).await.map(|_| ())?,
        None => bodies::delete(db, BodyNo(sending.try_get("body_no")?)).await?,
    }
    Ok(Some(no))
}
