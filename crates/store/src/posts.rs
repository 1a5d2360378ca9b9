//! Posts and their recipients.

use sealist_lists::draft::Recipients;
use sealist_lists::model::{AddressNo, BodyNo, Channel, DeliveryNo, ListNo, MemberNo, NodeNo, PostNo};
use sealist_mail::Timestamp;

use crate::nodes::Claimant;
use crate::sql::{Query, marks, query};
use crate::{Conn, StoreError, bodies};

const DAMAGED: StoreError = StoreError::Damaged { table: "posts" };
/// Rows of one statement.
const MAX_ROWS: usize = 500;

/// Something accepted for delivery.
pub struct NewPost<'a> {
    /// The list.
    pub list: ListNo,
    /// How its copies travel.
    pub channel: Channel,
    /// Its payload.
    pub body: BodyNo,
    /// MAIL FROM of the copies.
    pub envelope_from: &'a str,
    /// Whom it goes to.
    pub recipients: &'a Recipients,
    /// Whether the payload stays.
    pub archived: bool,
}

/// Makes a post with no recipients yet: they come with [`fan_out`].
pub async fn insert(db: &mut Conn, post: &NewPost<'_>, now: Timestamp) -> Result<PostNo, StoreError> {
    let chosen = Chosen {
        roles: post.recipients.roles.iter().map(|role| role.name().to_owned()).collect(),
        except: post.recipients.except.iter().map(|member| member.0).collect(),
    };
    let recipients = serde_json::to_string(&chosen).map_err(|_| DAMAGED)?;
    let row = query(
        "INSERT INTO posts (list_no, kind, body_no, envelope_from, recipients, archived, accepted_at, channel)
         VALUES ($1, 'posting', $2, $3, $4, $5, $6, $7) RETURNING no",
    )
    .bind(post.list.0)
    .bind(post.body.0)
    .bind(post.envelope_from)
    .bind(recipients)
    .bind(post.archived)
    .bind(now.0)
    .bind(post.channel.name())
    .fetch_one(&mut *db)
    .await?;
    db.call("outgoing").await?;
    Ok(PostNo(row.try_get(0)?))
}

/// Makes the next `chunk` recipients of the oldest post that lacks some; says how many. The cursor moves in
/// the same transaction, so that a roster is covered once whatever happens between.
pub async fn fan_out(db: &mut Conn, chunk: u32, now: Timestamp) -> Result<Option<u64>, StoreError> {
    let sql = format!(
        "SELECT no, list_no, recipients, fan_out_after FROM posts WHERE fan_out_done = 0 ORDER BY no LIMIT 1 {}",
        db.skip_locked()
    );
    let Some(post) = query(sql).fetch_optional(db).await? else { return Ok(None) };
    let (no, list, after): (i64, i64, i64) = (post.try_get(0)?, post.try_get(1)?, post.try_get(3)?);
    let chosen: Chosen = serde_json::from_str(&post.try_get::<String>(2)?).map_err(|_| DAMAGED)?;
    let page = query(format!(
        "SELECT COUNT(*), MAX(no) FROM (SELECT m.no {} ORDER BY m.no LIMIT $3) page",
        chosen.sql(4)
    ))
    .bind(list)
    .bind(after)
    .bind(chunk);
    let page = chosen.bind(page).fetch_one(db).await?;
    let (found, last): (i64, Option<i64>) = (page.try_get(0)?, page.try_get(1)?);
    if let Some(last) = last {
        let insert = query(format!(
            "INSERT INTO deliveries (post_no, member_no, address_no, email, state, next_at)
             SELECT $3, m.no, m.address_no, a.email, 'due', $4 {} AND m.no <= $5 ORDER BY m.no
             ON CONFLICT (post_no, email) DO NOTHING",
            chosen.sql(6)
        ));
        let insert = insert.bind(list).bind(after).bind(no).bind(now.0).bind(last);
        chosen.bind(insert).execute(db).await?;
    }
    query("UPDATE posts SET fan_out_after = $2, fan_out_done = $3 WHERE no = $1")
        .bind(no)
        .bind(last.unwrap_or(after))
        .bind(found < i64::from(chunk))
        .execute(db)
        .await?;
    Ok(Some(u64::try_from(found).unwrap_or_default()))
}

/// Whom a post goes to, as its row says.
#[derive(serde::Deserialize, serde::Serialize)]
struct Chosen {
    roles: Vec<String>,
    except: Vec<i64>,
}

impl Chosen {
    /// The members behind `$2` on list `$1`; placeholders for the rest from that number on.
    fn sql(&self, from: usize) -> String {
        let except = match self.except.len() {
            0 => String::new(),
            count => format!("AND m.no NOT IN ({})", marks(from + self.roles.len(), count)),
        };
        format!(
            "FROM members m JOIN addresses a ON a.no = m.address_no WHERE m.list_no = $1 AND m.no > $2
             AND m.role IN ({}) {except}
             AND (m.role != 'member' OR (m.delivery_status = 'enabled' AND m.delivery_mode = 'regular'))",
            marks(from, self.roles.len())
        )
    }

    fn bind(&self, query: Query) -> Query {
        let query = self.roles.iter().fold(query, |query, role| query.bind(role));
        self.except.iter().fold(query, |query, member| query.bind(*member))
    }
}

/// What is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A post to its roster.
    Posting,
    /// A letter of the list to one person: nobody is told if it cannot be delivered.
    Notice,
}

/// Recipients of one post, taken for a while.
pub struct Batch {
    /// Of what.
    pub post: PostNo,
    /// What it is.
    pub kind: Kind,
    /// How it travels.
    pub channel: Channel,
    /// The list.
    pub list: ListNo,
    /// The payload.
    pub body: BodyNo,
    /// MAIL FROM.
    pub envelope_from: String,
    /// The recipients.
    pub rows: Vec<Delivery>,
}

/// One recipient.
pub struct Delivery {
    /// Its number.
    pub no: DeliveryNo,
    /// RCPT TO.
    pub email: String,
    /// The address's row.
    pub address: Option<AddressNo>,
    /// The member, if it is one.
    pub member: Option<MemberNo>,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// The sealing card in its stored form.
    pub card: Option<Vec<u8>>,
    /// The name shown for the address. May be empty.
    pub name: String,
    /// Whether the member allows cleartext where the list does.
    pub allow_cleartext: bool,
}

/// Takes up to `limit` due recipients of one post for `lease_ms`, or until the claimant is dead.
pub async fn claim(
    db: &mut Conn,
    claimant: &Claimant,
    limit: u32,
    lease_ms: i64,
    now: Timestamp,
) -> Result<Option<Batch>, StoreError> {
    let sql = format!(
        "SELECT p.no, p.list_no, p.body_no, p.envelope_from, p.kind, p.channel FROM deliveries d JOIN posts p ON p.no = d.post_no
         WHERE d.state = 'due' AND d.next_at <= $1 {} ORDER BY d.next_at, d.post_no LIMIT 1 {}",
        claimant.condition("p.list_no", 2),
        db.skip_locked_of("d")
    );
    let oldest = claimant.bind(query(sql).bind(now.0)).fetch_optional(&mut *db).await?;
    let Some(post) = oldest else { return Ok(None) };
    let rows = query(format!(
        "UPDATE deliveries SET attempts = attempts + 1, next_at = $3, claimed_by = $5 WHERE no IN
         (SELECT no FROM deliveries WHERE post_no = $1 AND state = 'due' AND next_at <= $2 ORDER BY no LIMIT $4 {})
         RETURNING no, email, address_no, member_no, attempts,
         (SELECT card FROM certificates c WHERE c.address_no = deliveries.address_no),
         COALESCE((SELECT display_name FROM addresses a WHERE a.no = deliveries.address_no), ''),
         COALESCE((SELECT allow_cleartext FROM members m WHERE m.no = deliveries.member_no), 0)",
        db.skip_locked()
    ))
    .bind(post.try_get::<i64>(0)?)
    .bind(now.0)
    .bind(now.0 + lease_ms)
    .bind(limit)
    .bind(claimant.node.0)
    .fetch_all(db)
    .await?;
    if rows.is_empty() {
        // Other nodes have them.
        return Ok(None);
    }
    let rows = rows
        .iter()
        .map(|row| {
            Ok(Delivery {
                no: DeliveryNo(row.try_get(0)?),
                email: row.try_get(1)?,
                address: row.try_get::<Option<i64>>(2)?.map(AddressNo),
                member: row.try_get::<Option<i64>>(3)?.map(MemberNo),
                attempts: row.try_get(4)?,
                card: row.try_get(5)?,
                name: row.try_get(6)?,
                allow_cleartext: row.try_get(7)?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    let kind = if post.try_get::<String>(4)? == "notice" { Kind::Notice } else { Kind::Posting };
    let channel = Channel::from_name(&post.try_get::<String>(5)?).ok_or(DAMAGED)?;
    Ok(Some(Batch {
        post: PostNo(post.try_get(0)?),
        kind,
        channel,
        list: ListNo(post.try_get(1)?),
        body: BodyNo(post.try_get(2)?),
        envelope_from: post.try_get(3)?,
        rows,
    }))
}

/// The payload of a post for readers of version 6, if it was made.
pub async fn second_body(db: &mut Conn, post: PostNo) -> Result<Option<BodyNo>, StoreError> {
    let row = query("SELECT second_body_no FROM posts WHERE no = $1").bind(post.0).fetch_one(db).await?;
    Ok(row.try_get::<Option<i64>>(0)?.map(BodyNo))
}

/// Gives a post its payload for readers of version 6, unless it has one.
pub async fn set_second_body(db: &mut Conn, post: PostNo, body: &bodies::Body) -> Result<(), StoreError> {
    let no = bodies::insert(&mut *db, body).await?;
    query("UPDATE posts SET second_body_no = $2 WHERE no = $1 AND second_body_no IS NULL")
        .bind(post.0)
        .bind(no.0)
        .execute(&mut *db)
        .await?;
    bodies::release(db, no).await
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The next hop has it.
    Sent,
    /// To be tried again then.
    Due(Timestamp),
    /// Refused for good.
    Failed,
    /// Waits for a usable certificate.
    HeldForKey,
    /// There is no usable certificate, and the list does not keep posts for that; the member hears of it.
    NotKept,
    /// The same, and the member does not hear of it.
    Skipped,
}

/// What became of one recipient, with the next hop's words or our reason.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The recipient's row.
    pub no: DeliveryNo,
    /// The address.
    pub email: String,
    /// What became of it.
    pub state: State,
    /// One line.
    pub reply: String,
}

/// Gives claimed recipients back as if they had not been claimed: this node cannot serve them.
pub async fn give_back(db: &mut Conn, rows: &[DeliveryNo], now: Timestamp) -> Result<(), StoreError> {
    for chunk in rows.chunks(MAX_ROWS) {
        let sql = format!(
            "UPDATE deliveries SET attempts = attempts - 1, next_at = $1, claimed_by = NULL WHERE no IN ({})",
            marks(2, chunk.len())
        );
        let back = chunk.iter().fold(query(sql).bind(now.0), |back, row| back.bind(row.0));
        back.execute(&mut *db).await?;
    }
    Ok(())
}

/// Records results, as few statements as there are hundreds of them. What another node has taken over meanwhile stays
/// its own, unless the copy is out.
pub async fn record(db: &mut Conn, node: NodeNo, results: &[Settled]) -> Result<(), StoreError> {
    for chunk in results.chunks(MAX_ROWS) {
        let rows: Vec<String> = (0..chunk.len()).map(|row| format!("({})", marks(4 * row + 1, 4))).collect();
        let mut statement = query(format!(
            "WITH v (no, state, next_at, reply) AS (VALUES {})
             UPDATE deliveries SET state = v.state, next_at = v.next_at, reply = v.reply, claimed_by = NULL FROM v
             WHERE deliveries.no = v.no AND (v.state = 'sent' OR deliveries.claimed_by = ${})",
            rows.join(", "),
            4 * chunk.len() + 1
        ));
        for settled in chunk {
            let (name, next_at) = match settled.state {
                State::Sent => ("sent", 0),
                State::Due(at) => ("due", at.0),
                State::Failed | State::NotKept | State::Skipped => ("failed", 0),
                State::HeldForKey => ("held_for_key", 0),
            };
            statement = statement.bind(settled.no.0).bind(name).bind(next_at).bind(&settled.reply);
        }
        statement.bind(node.0).execute(&mut *db).await?;
    }
    Ok(())
}

/// Ends the wait of recipients of posts before `before`, on one list, who still have no usable key.
pub async fn give_up_waiting(db: &mut Conn, list: ListNo, before: Timestamp) -> Result<u64, StoreError> {
    let done = query(
        "UPDATE deliveries SET state = 'failed', reply = 'no usable key came in time' WHERE state = 'held_for_key'
         AND post_no IN (SELECT no FROM posts WHERE list_no = $1 AND accepted_at < $2)",
    )
    .bind(list.0)
    .bind(before.0)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes up to `limit` posts that every recipient has, or will never have, and that are not archived;
/// with them their recipients and their bodies. Says how many.
pub async fn delete_finished(db: &mut Conn, limit: u32) -> Result<u64, StoreError> {
    let rows = query(
        "DELETE FROM posts WHERE no IN (SELECT no FROM posts p WHERE p.archived = 0 AND p.fan_out_done = 1
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.post_no = p.no AND d.state IN ('due', 'held_for_key'))
         LIMIT $1) RETURNING body_no, second_body_no",
    )
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    for row in &rows {
        bodies::release(&mut *db, BodyNo(row.try_get(0)?)).await?;
        if let Some(second) = row.try_get::<Option<i64>>(1)? {
            bodies::release(&mut *db, BodyNo(second)).await?;
        }
    }
    Ok(rows.len() as u64)
}

/// Deletes up to `limit` recipients of archived posts from before `before` that have their copies.
pub async fn delete_sent(db: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let done = query(
        "DELETE FROM deliveries WHERE no IN (SELECT d.no FROM deliveries d JOIN posts p ON p.no = d.post_no
         WHERE p.archived = 1 AND p.fan_out_done = 1 AND p.accepted_at < $1 AND d.state = 'sent' LIMIT $2)",
    )
    .bind(before.0)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// How many recipients of a list are in each state.
pub async fn counts(db: &mut Conn, list: ListNo) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = query(
        "SELECT d.state, COUNT(*) FROM deliveries d JOIN posts p ON p.no = d.post_no WHERE p.list_no = $1 GROUP BY d.state ORDER BY d.state",
    )
    .bind(list.0)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
