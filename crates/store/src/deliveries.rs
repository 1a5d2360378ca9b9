//! Recipients of posts: claimed in chunks, and what became of each.
//!
//! A claim lasts as long as its node lives ([`crate::nodes`]), however long the next hop takes.

use std::collections::HashSet;

use sealist_lists::model::{AddressNo, BodyNo, Channel, DeliveryNo, ListNo, MemberNo, NodeNo, SendingNo};
use sealist_mail::{SmtpStage, Timestamp};

use crate::nodes::Claimant;
use crate::sql::{placeholders, query};
use crate::{Conn, StoreError};

const DAMAGED: StoreError = StoreError::Damaged { table: "deliveries" };
/// Rows of one statement.
const MAX_ROWS: usize = 500;

/// What is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A post to its roster.
    Posting,
    /// A notice of the list to one person: nobody is told if it cannot be delivered.
    Notice,
    /// A notice to a member whose mail came back: posts stop if this one does too.
    Probe,
}

/// The kinds with their stored names, and which members on the roster get them: a condition on `m`.
const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Posting, "posting", "AND (m.role != 'member' OR (m.delivery_status = 'enabled'))"),
    (Kind::Notice, "notice", ""),
    (Kind::Probe, "probe", ""),
];

impl Kind {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, stored, _)| *stored == name).map(|(kind, _, _)| *kind)
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    /// The condition on a member `m` of the roster who gets such a sending; empty if everybody does.
    pub(crate) fn wanted_by(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        KINDS.iter().find(|(kind, _, _)| *kind == self).expect("every kind has a row")
    }
}

/// Recipients of one post, claimed.
pub struct Batch {
    /// Of what.
    pub post: SendingNo,
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
    /// Whether the copy has an envelope sender of its own on a list whose copies share one: a report about the member is to
    /// be proved.
    pub proves: bool,
}

/// Whether there is something to claim, or a post that lacks recipients. A look ahead: it costs no commit.
pub async fn is_due(db: &mut Conn, claimant: &Claimant, now: Timestamp) -> Result<bool, StoreError> {
    // The first by the index: PostgreSQL takes any one for as easy to find among all that are out.
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM (SELECT 1 FROM deliveries d JOIN sendings s ON s.no = d.sending_no
         WHERE d.state = 'due' AND d.claimed_by IS NULL AND d.next_at <= $1 {0}
         ORDER BY d.next_at, d.sending_no LIMIT 1) AS oldest)
         OR EXISTS (SELECT 1 FROM sendings s WHERE s.fan_out_done = 0 {0})",
        claimant.condition("s.list_no", 2),
    );
    claimant.bind(query(sql).bind(now.0)).fetch_one(db).await?.try_get(0)
}

/// Claims up to `limit` due recipients of the post that has waited longest.
pub async fn claim(
    db: &mut Conn,
    claimant: &Claimant,
    limit: u32,
    now: Timestamp,
) -> Result<Option<Batch>, StoreError> {
    let sql = format!(
        "SELECT s.no, s.list_no, s.body_no, s.envelope_from, s.kind, s.channel FROM deliveries d JOIN sendings s ON s.no = d.sending_no
         WHERE d.state = 'due' AND d.claimed_by IS NULL AND d.next_at <= $1 {} ORDER BY d.next_at, d.sending_no LIMIT 1 {}",
        claimant.condition("s.list_no", 2),
        db.skip_locked_of("d")
    );
    let oldest = claimant.bind(query(sql).bind(now.0)).fetch_optional(&mut *db).await?;
    let Some(post) = oldest else { return Ok(None) };
    // With `+` SQLite goes by what is due, not by all recipients of the post, most of whom may have their copies.
    let rows = query(format!(
        "UPDATE deliveries SET attempts = attempts + 1, claimed_by = $4 WHERE no IN
         (SELECT no FROM deliveries WHERE +sending_no = $1 AND state = 'due' AND claimed_by IS NULL AND next_at <= $2
          ORDER BY next_at, sending_no LIMIT $3 {})
         RETURNING no, email, address_no, member_no, attempts,
         (SELECT card FROM certificates c WHERE c.address_no = deliveries.address_no AND NOT EXISTS
             (SELECT 1 FROM members m WHERE m.no = deliveries.member_no AND m.key_pending_approval = 1)),
         COALESCE((SELECT display_name FROM addresses a WHERE a.no = deliveries.address_no), ''),
         (SELECT allow_cleartext + CASE WHEN m.prove_post IN (0, deliveries.sending_no) THEN 2 ELSE 0 END
             FROM members m WHERE m.no = deliveries.member_no)",
        db.skip_locked()
    ))
    .bind(post.try_get::<i64>(0)?)
    .bind(now.0)
    .bind(limit)
    .bind(claimant.node.0)
    .fetch_all(&mut *db)
    .await?;
    if rows.is_empty() {
        // Other nodes have them.
        return Ok(None);
    }
    let kind = Kind::from_name(&post.try_get::<String>(4)?).ok_or(DAMAGED)?;
    let mut left: Vec<DeliveryNo> = Vec::new();
    let rows = rows
        .iter()
        .map(|row| {
            let member = row.try_get::<Option<i64>>(3)?.map(MemberNo);
            let choices = row.try_get::<Option<i64>>(7)?;
            if member.is_some() && choices.is_none() {
                left.push(DeliveryNo(row.try_get(0)?));
            }
            let choices = choices.unwrap_or_default();
            Ok(Delivery {
                no: DeliveryNo(row.try_get(0)?),
                email: row.try_get(1)?,
                address: row.try_get::<Option<i64>>(2)?.map(AddressNo),
                member,
                attempts: row.try_get(4)?,
                card: row.try_get(5)?,
                name: row.try_get(6)?,
                allow_cleartext: choices & 1 != 0,
                proves: choices & 2 != 0 && kind == Kind::Posting,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    // They left while another node walked the roster.
    for copy in &left {
        query("DELETE FROM deliveries WHERE no = $1").bind(copy.0).execute(&mut *db).await?;
    }
    let rows: Vec<Delivery> = rows.into_iter().filter(|row| !left.contains(&row.no)).collect();
    for row in rows.iter().filter(|row| row.proves) {
        let of_this = query("UPDATE members SET prove_post = $2 WHERE no = $1 AND prove_post = 0");
        let of_this = of_this.bind(row.member.map(|member| member.0)).bind(post.try_get::<i64>(0)?);
        of_this.execute(&mut *db).await?;
    }
    let channel = Channel::from_name(&post.try_get::<String>(5)?).ok_or(DAMAGED)?;
    Ok(Some(Batch {
        post: SendingNo(post.try_get(0)?),
        kind,
        channel,
        list: ListNo(post.try_get(1)?),
        body: BodyNo(post.try_get(2)?),
        envelope_from: post.try_get(3)?,
        rows,
    }))
}

/// Deletes the copies to a member that are not out. Whoever has claimed one finds that it is gone ([`gone`]).
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

/// Which of these recipients are gone: their member left, or their list was deleted.
pub async fn gone(db: &mut Conn, rows: &[DeliveryNo]) -> Result<Vec<DeliveryNo>, StoreError> {
    let mut gone = Vec::new();
    for chunk in rows.chunks(MAX_ROWS) {
        let sql = format!("SELECT no FROM deliveries WHERE no IN ({})", placeholders(1, chunk.len()));
        let found = chunk.iter().fold(query(sql), |found, row| found.bind(row.0));
        let found = found.fetch_all(&mut *db).await?;
        let found = found.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<i64>, _>>()?;
        gone.extend(chunk.iter().filter(|row| !found.contains(&row.0)));
    }
    Ok(gone)
}

/// Gives claimed recipients back, to be tried from `from` on as if they had not been claimed. What another node has
/// taken over meanwhile stays its own.
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

/// Counts that copies of a post could not be made; says how often by now.
pub async fn count_fault(db: &mut Conn, post: SendingNo) -> Result<u32, StoreError> {
    let faults = query("UPDATE sendings SET faults = faults + 1 WHERE no = $1 RETURNING faults").bind(post.0);
    faults.fetch_optional(db).await?.map_or(Ok(0), |row| row.try_get(0))
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// The next hop has it.
    Sent,
    /// To be tried again then.
    Due(Timestamp),
    /// Refused for good.
    Failed,
    /// Waits for a usable certificate.
    HeldForKey,
    /// Waits for a person: the copy could not be made.
    Held,
    /// There is no usable certificate, and the list does not keep posts for that; the member hears of it.
    NotKept,
    /// The same, and the member does not hear of it.
    Skipped,
}

/// What became of one recipient, with the next hop's words or our reason.
#[derive(Clone, Debug)]
pub struct DeliveryResult {
    /// The recipient's row.
    pub no: DeliveryNo,
    /// The address.
    pub email: String,
    /// What became of it.
    pub state: DeliveryState,
    /// One line.
    pub reply: String,
    /// Where the next hop refused it; `None`: it did not.
    pub refused_at: Option<SmtpStage>,
}

/// Records results, as few statements as there are hundreds of them. What another node has taken over meanwhile stays
/// its own, unless the copy is out.
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

/// The post of a copy, and the member to whom it goes; `None`: to somebody else, or it is gone.
pub async fn whose(db: &mut Conn, copy: DeliveryNo) -> Result<Option<(SendingNo, MemberNo)>, StoreError> {
    let row = query("SELECT sending_no, member_no FROM deliveries WHERE no = $1 AND member_no IS NOT NULL");
    let row = row.bind(copy.0).fetch_optional(db).await?;
    row.map(|row| Ok((SendingNo(row.try_get(0)?), MemberNo(row.try_get(1)?)))).transpose()
}

/// The addresses for whose keys posts of a list wait.
pub async fn waiting_for_key(db: &mut Conn, list: ListNo) -> Result<Vec<String>, StoreError> {
    let rows = query(
        "SELECT DISTINCT d.email FROM deliveries d JOIN sendings s ON s.no = d.sending_no
         WHERE d.state = 'held_for_key' AND s.list_no = $1 AND s.kind = 'posting'",
    );
    rows.bind(list.0).fetch_all(db).await?.iter().map(|row| row.try_get(0)).collect()
}

/// Ends the wait of recipients of posts before `before`, on one list, who still have no usable key; says who they are,
/// each as often as copies were dropped. Who waits for the word of those in charge on a key goes on waiting.
pub async fn give_up_waiting(
    db: &mut Conn,
    list: ListNo,
    before: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let rows = query(
        "UPDATE deliveries SET state = 'failed', reply = 'no usable key came in time' WHERE state = 'held_for_key'
         AND sending_no IN (SELECT no FROM sendings WHERE list_no = $1 AND accepted_at < $2)
         AND NOT EXISTS (SELECT 1 FROM members m JOIN addresses a ON a.no = m.address_no
             JOIN requests r ON r.list_no = m.list_no AND r.email_key = a.email_key
             WHERE m.list_no = $1 AND m.address_no = deliveries.address_no AND m.key_pending_approval = 1
             AND r.goal = 'key approval') RETURNING email",
    );
    let rows = rows.bind(list.0).bind(before.0).fetch_all(db).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// How many recipients of a list are in each state.
pub async fn counts(db: &mut Conn, list: ListNo) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = query(
        "SELECT d.state, COUNT(*) FROM deliveries d JOIN sendings s ON s.no = d.sending_no WHERE s.list_no = $1 GROUP BY d.state ORDER BY d.state",
    )
    .bind(list.0)
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
