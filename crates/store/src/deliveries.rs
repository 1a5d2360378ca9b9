//! Recipients of sendings: claimed in batches, with the result of each.
//!
//! A claim lasts as long as its node lives ([`crate::nodes`]), however long the next hop takes.

use std::collections::HashSet;

use sealist_lists::model::{
    AddressNo, BodyNo, Channel, DeliveryNo, EntryNo, ListNo, MemberNo, NodeNo, SendingNo,
};
use sealist_lists::names;
use sealist_mail::{SmtpStage, Timestamp};

use crate::nodes::Claimant;
use crate::sql::{SqlRow, placeholders, query};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "deliveries" };
/// The most rows of one statement.
const MAX_ROWS: usize = 500;

/// The kind of a sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A post to the roster.
    Posting,
    /// A notice to one person. Nobody is told if it cannot be delivered.
    Notice,
    /// A notice to a member whose mail bounced. If it bounces, too, delivery is disabled.
    Probe,
}

names! { Kind { Posting = "posting", Notice = "notice", Probe = "probe" } }

impl Kind {
    /// The condition on a member `m` of the roster who gets such a sending; empty if everybody does.
    pub(crate) fn wanted_by(self) -> &'static str {
        match self {
            Self::Posting => "AND (m.role != 'member' OR (m.delivery_status = 'enabled'))",
            Self::Notice | Self::Probe => "",
        }
    }
}

/// Claimed recipients of one sending.
pub struct Batch {
    /// The sending.
    pub post: SendingNo,
    /// Its kind.
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
    /// The message that caused it.
    pub entry: Option<EntryNo>,
}

/// One recipient.
pub struct Delivery {
    /// Its number.
    pub no: DeliveryNo,
    /// RCPT TO.
    pub email: String,
    /// The address's row.
    pub address: Option<AddressNo>,
    /// The member, if the recipient is one.
    pub member: Option<MemberNo>,
    /// How often delivery was tried, including this time.
    pub attempts: u32,
    /// The sealing card in its stored form.
    pub card: Option<Vec<u8>>,
    /// The name shown for the address; may be empty.
    pub name: String,
    /// Whether the member accepts unencrypted copies if the list sends them.
    pub allow_cleartext: bool,
    /// Whether the copy has an envelope sender of its own, on a list whose copies share one, because a report
    /// about the member must be proved.
    pub proves: bool,
}

/// Whether there is something to claim, or a sending without all its recipients. This read-only check costs
/// no commit.
pub async fn is_due(db: &mut Conn, claimant: &Claimant, now: Timestamp) -> Result<bool, StoreError> {
    // The query asks for the first row by the index, because PostgreSQL assumes that any other row is as easy
    // to find among all delivered ones.
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM (SELECT 1 FROM deliveries d JOIN sendings s ON s.no = d.sending_no
         WHERE d.state = 'due' AND d.claimed_by IS NULL AND d.next_at <= $1 {0}
         ORDER BY d.next_at, d.sending_no LIMIT 1) AS oldest)
         OR EXISTS (SELECT 1 FROM sendings s WHERE s.fan_out_done = 0 {0})",
        claimant.condition("s.list_no", 2),
    );
    claimant.bind(query(sql).bind(now.0)).fetch_one(db).await?.value()
}

/// Claims up to `limit` due recipients of the sending that has waited longest.
pub async fn claim(
    db: &mut Conn,
    claimant: &Claimant,
    limit: u32,
    now: Timestamp,
) -> Result<Option<Batch>, StoreError> {
    let sql = format!(
        "SELECT s.no, s.list_no, s.body_no, s.envelope_from, s.kind, s.channel, s.entry_no FROM deliveries d JOIN sendings s ON s.no = d.sending_no
         WHERE d.state = 'due' AND d.claimed_by IS NULL AND d.next_at <= $1 {} ORDER BY d.next_at, d.sending_no LIMIT 1 {}",
        claimant.condition("s.list_no", 2),
        db.skip_locked_of("d")
    );
    let oldest = claimant.bind(query(sql).bind(now.0)).fetch_optional(&mut *db).await?;
    let Some(post) = oldest else { return Ok(None) };
    let no = SendingNo(post.try_get("no")?);
    let claimed = claim_of(db, no, claimant.node, limit, now).await?;
    if claimed.is_empty() {
        // Other nodes have claimed them.
        return Ok(None);
    }
    let kind = Kind::from_name(&post.try_get::<String>("kind")?).ok_or(DAMAGED)?;
    let mut rows = Vec::with_capacity(claimed.len());
    for row in &claimed {
        match delivery(row, kind)? {
            Some(delivery) => rows.push(delivery),
            // The member left while another node made the recipients.
            None => {
                let gone = query("DELETE FROM deliveries WHERE no = $1").bind(row.try_get::<i64>("no")?);
                gone.execute(&mut *db).await?;
            }
        }
    }
    for row in rows.iter().filter(|row| row.proves) {
        let of_this = query("UPDATE members SET prove_post = $2 WHERE no = $1 AND prove_post = 0");
        let of_this = of_this.bind(row.member.map(|member| member.0)).bind(no.0);
        of_this.execute(&mut *db).await?;
    }
    let channel = Channel::from_name(&post.try_get::<String>("channel")?).ok_or(DAMAGED)?;
    Ok(Some(Batch {
        post: no,
        kind,
        channel,
        list: ListNo(post.try_get("list_no")?),
        body: BodyNo(post.try_get("body_no")?),
        envelope_from: post.try_get("envelope_from")?,
        rows,
        entry: post.try_get::<Option<i64>>("entry_no")?.map(EntryNo),
    }))
}

/// Claims up to `limit` due recipients of one sending. The columns are those that [`delivery`] reads.
async fn claim_of(
    db: &mut Conn,
    sending: SendingNo,
    node: NodeNo,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<SqlRow>, StoreError> {
    // The `+` makes SQLite use the index of due rows instead of all recipients of the sending, most of whom
    // may have their copies.
    let claim = query(format!(
        "UPDATE deliveries SET attempts = attempts + 1, claimed_by = $4 WHERE no IN
         (SELECT no FROM deliveries WHERE +sending_no = $1 AND state = 'due' AND claimed_by IS NULL AND next_at <= $2
          ORDER BY next_at, sending_no LIMIT $3 {})
         RETURNING no, email, address_no, member_no, attempts,
         (SELECT card FROM certificates c WHERE c.address_no = deliveries.address_no AND NOT EXISTS
             (SELECT 1 FROM members m WHERE m.no = deliveries.member_no AND m.key_pending_approval = 1)) AS card,
         COALESCE((SELECT display_name FROM addresses a WHERE a.no = deliveries.address_no), '') AS name,
         (SELECT allow_cleartext + CASE WHEN m.prove_post IN (0, deliveries.sending_no) THEN 2 ELSE 0 END
             FROM members m WHERE m.no = deliveries.member_no) AS choices",
        db.skip_locked()
    ));
    claim.bind(sending.0).bind(now.0).bind(limit).bind(node.0).fetch_all(db).await
}

/// Reads a claimed recipient of a sending of that kind; `None` if the recipient was a member and left.
fn delivery(row: &SqlRow, kind: Kind) -> Result<Option<Delivery>, StoreError> {
    let member = row.try_get::<Option<i64>>("member_no")?.map(MemberNo);
    let choices = row.try_get::<Option<i64>>("choices")?;
    if member.is_some() && choices.is_none() {
        return Ok(None);
    }
    let choices = choices.unwrap_or_default();
    Ok(Some(Delivery {
        no: DeliveryNo(row.try_get("no")?),
        email: row.try_get("email")?,
        address: row.try_get::<Option<i64>>("address_no")?.map(AddressNo),
        member,
        attempts: row.try_get("attempts")?,
        card: row.try_get("card")?,
        name: row.try_get("name")?,
        allow_cleartext: choices & 1 != 0,
        proves: choices & 2 != 0 && kind == Kind::Posting,
    }))
}

/// Deletes the undelivered copies to a member. A sender that has claimed one finds out by [`gone`].
pub(crate) async fn drop_copies_to(db: &mut Conn, member: MemberNo) -> Result<(), StoreError> {
    query(
        "DELETE FROM deliveries WHERE member_no = $1 AND state != 'sent'
         AND sending_no IN (SELECT no FROM sendings WHERE list_no = (SELECT list_no FROM members WHERE no = $1))",
    )
    .bind(member.0)
    .execute(db)
    .await?;
    Ok(())
}

/// Which of these recipients are gone, because the member left or the list was deleted.
pub async fn gone(db: &mut Conn, rows: &[DeliveryNo]) -> Result<Vec<DeliveryNo>, StoreError> {
    let mut gone = Vec::new();
    for chunk in rows.chunks(MAX_ROWS) {
        let sql = format!("SELECT no FROM deliveries WHERE no IN ({})", placeholders(1, chunk.len()));
        let found = chunk.iter().fold(query(sql), |found, row| found.bind(row.0));
        let found = found.fetch_all(&mut *db).await?;
        let found = found.iter().map(|row| row.value()).collect::<Result<HashSet<i64>, _>>()?;
        gone.extend(chunk.iter().filter(|row| !found.contains(&row.0)));
    }
    Ok(gone)
}

/// Gives claimed recipients back, to be tried from `from` on without counting a try. Rows that another node
/// has taken over stay with that node.
pub async fn give_back(
    db: &mut Conn,
    node: NodeNo,
    rows: &[DeliveryNo],
    from: Timestamp,
) -> Result<(), StoreError> {
    for chunk in rows.chunks(MAX_ROWS) {
        let sql = format!(
            "UPDATE deliveries SET attempts = attempts - 1, next_at = $1, claimed_by = NULL
             WHERE claimed_by = $2 AND no IN ({})",
            placeholders(3, chunk.len())
        );
        let back = chunk.iter().fold(query(sql).bind(from.0).bind(node.0), |back, row| back.bind(row.0));
        back.execute(&mut *db).await?;
    }
    Ok(())
}

/// Counts that copies of a sending could not be made, and returns how often so far.
pub async fn count_fault(db: &mut Conn, post: SendingNo) -> Result<u32, StoreError> {
    let faults = query("UPDATE sendings SET faults = faults + 1 WHERE no = $1 RETURNING faults").bind(post.0);
    faults.fetch_optional(db).await?.map_or(Ok(0), |row| row.value())
}

/// The state of a recipient's copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// The next hop accepted it.
    Sent,
    /// It is retried at that time.
    Due(Timestamp),
    /// It was refused permanently.
    Failed,
    /// It waits for a usable certificate.
    HeldForKey,
    /// It waits for a person, because it could not be made.
    Held,
    /// The member has no usable certificate, and the list does not keep copies for that case; the member is
    /// told.
    NotKept,
    /// The same, but the member is not told.
    Skipped,
}

/// The result for one recipient, with the next hop's reply or our reason.
#[derive(Clone, Debug)]
pub struct DeliveryResult {
    /// The recipient's row.
    pub no: DeliveryNo,
    /// The address.
    pub email: String,
    /// The state.
    pub state: DeliveryState,
    /// One line.
    pub reply: String,
    /// At which stage the next hop refused it. `None`: it did not.
    pub refused_at: Option<SmtpStage>,
}

/// Records results with one statement per several hundred results. Rows that another node has taken over are
/// ignored, except for copies that were sent.
pub async fn record(db: &mut Conn, node: NodeNo, results: &[DeliveryResult]) -> Result<(), StoreError> {
    for chunk in results.chunks(MAX_ROWS) {
        let rows: Vec<String> =
            (0..chunk.len()).map(|row| format!("({})", placeholders(4 * row + 1, 4))).collect();
        let mut statement = query(format!(
            "WITH v (no, state, next_at, reply) AS (VALUES {})
             UPDATE deliveries SET state = v.state, next_at = v.next_at, reply = v.reply, claimed_by = NULL FROM v
             WHERE deliveries.no = v.no AND (v.state = 'sent' OR deliveries.claimed_by = ${})",
            rows.join(", "),
            4 * chunk.len() + 1
        ));
        for settled in chunk {
            let (name, next_at) = match settled.state {
                DeliveryState::Sent => ("sent", 0),
                DeliveryState::Due(at) => ("due", at.0),
                DeliveryState::Failed | DeliveryState::NotKept | DeliveryState::Skipped => ("failed", 0),
                DeliveryState::HeldForKey => ("held_for_key", 0),
                DeliveryState::Held => ("held", 0),
            };
            statement = statement.bind(settled.no.0).bind(name).bind(next_at).bind(&settled.reply);
        }
        statement.bind(node.0).execute(&mut *db).await?;
    }
    Ok(())
}

/// The sending and the member of a copy. `None`: its recipient is not a member, or it is gone.
pub async fn whose(db: &mut Conn, copy: DeliveryNo) -> Result<Option<(SendingNo, MemberNo)>, StoreError> {
    let row = query("SELECT sending_no, member_no FROM deliveries WHERE no = $1 AND member_no IS NOT NULL");
    let row = row.bind(copy.0).fetch_optional(db).await?;
    row.map(|row| Ok((SendingNo(row.try_get("sending_no")?), MemberNo(row.try_get("member_no")?))))
        .transpose()
}

/// The addresses whose keys copies of a list wait for.
pub async fn waiting_for_key(db: &mut Conn, list: ListNo) -> Result<Vec<String>, StoreError> {
    let rows = query(
        "SELECT DISTINCT d.email FROM deliveries d JOIN sendings s ON s.no = d.sending_no
         WHERE d.state = 'held_for_key' AND s.list_no = $1 AND s.kind = 'posting'",
    );
    rows.bind(list.0).fetch_all(db).await?.iter().map(|row| row.value()).collect()
}

/// Why a copy that waited for a key is dropped.
pub const TOO_LATE: &str = "no usable key came in time";

/// Drops the copies from before `before` that wait for a key on one list, and returns the recipients, once
/// per copy. Recipients whose key waits for approval keep waiting.
pub async fn give_up_waiting(
    db: &mut Conn,
    list: ListNo,
    before: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let rows = query(
        "UPDATE deliveries SET state = 'failed', reply = $3 WHERE state = 'held_for_key'
         AND sending_no IN (SELECT no FROM sendings WHERE list_no = $1 AND accepted_at < $2)
         AND NOT EXISTS (SELECT 1 FROM members m JOIN addresses a ON a.no = m.address_no
             JOIN requests r ON r.list_no = m.list_no AND r.email_key = a.email_key
             WHERE m.list_no = $1 AND m.address_no = deliveries.address_no AND m.key_pending_approval = 1
             AND r.goal = 'key approval') RETURNING email",
    );
    let rows = rows.bind(list.0).bind(before.0).bind(TOO_LATE).fetch_all(db).await?;
    rows.iter().map(|row| row.value()).collect()
}

/// How many recipients of a list are in each state.
pub async fn counts(db: &mut Conn, list: ListNo) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = query(
        "SELECT d.state, COUNT(*) AS copies FROM deliveries d JOIN sendings s ON s.no = d.sending_no WHERE s.list_no = $1 GROUP BY d.state ORDER BY d.state",
    )
    .bind(list.0)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("state")?, row.try_get("copies")?))).collect()
}
