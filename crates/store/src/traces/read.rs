//! What is known of a message, of what it caused to be sent, and of the copies of one person.

use sealist_lists::model::{EntryNo, ListNo, SendingNo, SubAddress};
use sealist_lists::rules::Reason;
use sealist_mail::{Address, Timestamp};

use super::{CopyGroup, DAMAGED};
use crate::events::find_person;
use crate::sql::{SqlRow, query};
use crate::{Conn, StoreError, newer};

/// A message that waits or that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedMessage {
    /// Its number.
    pub entry: EntryNo,
    /// The list.
    pub list: ListNo,
    /// The sub-address that it came to.
    pub sub_address: SubAddress,
    /// How it came: `lmtp` or `inject`.
    pub origin: String,
    /// The envelope sender. `None`: the null sender, or a person who was deleted.
    pub sender: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// Since when it waits, or waited, for a moderator.
    pub held_at: Option<Timestamp>,
    /// When it left the queue; `None`: it waits.
    pub done_at: Option<Timestamp>,
    /// The queue in which it waits, or the name of a [`super::MessageFate`].
    pub state: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What was sent because of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedSending {
    /// Its number.
    pub no: SendingNo,
    /// `posting`, `notice` or `probe`.
    pub kind: String,
    /// Of a post: its number in the list.
    pub post_number: Option<i64>,
    /// When it was stored.
    pub accepted_at: Timestamp,
    /// Whether all its recipients are known by now.
    pub whole_roster: bool,
}

/// A copy that is under way or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedCopy {
    /// The recipient; `None`: somebody who was deleted.
    pub recipient: Option<String>,
    /// `due`, `sent`, `failed`, `held_for_key` or `held`.
    pub state: String,
    /// How often it was tried; `None` if it is done.
    pub attempts: Option<u32>,
    /// When it is tried next, if it is due.
    pub next_at: Option<Timestamp>,
    /// The next hop's last reply, or our reason.
    pub reply: String,
}

/// A copy to one person, with its sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedReceipt {
    /// The message that caused it.
    pub entry: Option<EntryNo>,
    /// The list.
    pub list: ListNo,
    /// Its sending.
    pub sending: TracedSending,
    /// The copy.
    pub copy: TracedCopy,
}

/// The message of that number; `None` if there is none, or if it is forgotten.
pub async fn message(db: &mut Conn, entry: EntryNo) -> Result<Option<TracedMessage>, StoreError> {
    let waiting = query(
        "SELECT no, list_no, sub_address, origin, sender, received_at, held_at, CAST(NULL AS BIGINT) AS done_at, queue AS state,
         reasons FROM queue WHERE no = $1",
    );
    if let Some(row) = waiting.bind(entry.0).fetch_optional(&mut *db).await? {
        return traced_message(&row);
    }
    let done = query(
        "SELECT m.entry_no AS no, m.list_no, m.sub_address, m.origin, p.email_key AS sender, m.received_at, m.held_at, m.done_at,
         m.fate AS state, m.reasons
         FROM done_messages m LEFT JOIN event_people p ON p.no = m.sender_no WHERE m.entry_no = $1",
    );
    let Some(row) = done.bind(entry.0).fetch_optional(db).await? else { return Ok(None) };
    traced_message(&row)
}

/// `None`: only a newer version knows the sub-address.
fn traced_message(row: &SqlRow) -> Result<Option<TracedMessage>, StoreError> {
    let sub_address: String = row.try_get("sub_address")?;
    let Some(sub_address) = SubAddress::from_name(&sub_address) else {
        newer::report("queue", &sub_address);
        return Ok(None);
    };
    let time = |name: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>>(name)?.map(Timestamp));
    Ok(Some(TracedMessage {
        entry: EntryNo(row.try_get("no")?),
        list: ListNo(row.try_get("list_no")?),
        sub_address,
        origin: row.try_get("origin")?,
        sender: row.try_get::<Option<String>>("sender")?.filter(|sender| !sender.is_empty()),
        received_at: Timestamp(row.try_get("received_at")?),
        held_at: time("held_at")?,
        done_at: time("done_at")?,
        state: row.try_get("state")?,
        reasons: serde_json::from_str(&row.try_get::<String>("reasons")?)
            .map_err(|_| StoreError::Damaged { table: "done_messages" })?,
    }))
}

/// The messages with that envelope sender, the newest first.
pub async fn messages_from(db: &mut Conn, sender: &Address) -> Result<Vec<EntryNo>, StoreError> {
    let mut found = Vec::new();
    let waiting = query("SELECT no, sender FROM queue WHERE sender <> ''").fetch_all(&mut *db).await?;
    for row in &waiting {
        if Address::key_of(&row.try_get::<String>("sender")?) == sender.key() {
            found.push(EntryNo(row.try_get("no")?));
        }
    }
    if let Some(person) = find_person(&mut *db, sender).await? {
        let done = query("SELECT entry_no FROM done_messages WHERE sender_no = $1").bind(person);
        for row in &done.fetch_all(db).await? {
            found.push(EntryNo(row.value()?));
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

const UNDER_WAY: &str = "SELECT s.no, s.kind, (SELECT p.number FROM posts p WHERE p.no = s.post_no) AS post_number, s.accepted_at,
    s.fan_out_done AS whole_roster,
    s.entry_no, s.list_no FROM sendings s";
const DONE: &str = "SELECT s.no, s.kind, s.post_number, s.accepted_at, CAST(1 AS BIGINT) AS whole_roster,
    s.entry_no, s.list_no FROM done_sendings s";

fn traced_sending(row: &SqlRow) -> Result<TracedSending, StoreError> {
    Ok(TracedSending {
        no: SendingNo(row.try_get("no")?),
        kind: row.try_get("kind")?,
        post_number: row.try_get("post_number")?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        whole_roster: row.try_get::<i64>("whole_roster")? != 0,
    })
}

/// What was sent because of a message, in the order in which it was stored.
pub async fn sendings_of(db: &mut Conn, entry: EntryNo) -> Result<Vec<TracedSending>, StoreError> {
    let mut found = Vec::new();
    for select in [UNDER_WAY, DONE] {
        let rows = query(format!("{select} WHERE s.entry_no = $1")).bind(entry.0);
        for row in &rows.fetch_all(&mut *db).await? {
            found.push(traced_sending(row)?);
        }
    }
    found.sort_by_key(|sending: &TracedSending| sending.no);
    Ok(found)
}

const COPY: &str = "SELECT d.state, d.attempts, d.next_at, d.reply, d.email FROM deliveries d";

fn traced_copy(row: &SqlRow) -> Result<TracedCopy, StoreError> {
    let state: String = row.try_get("state")?;
    let next_at = Some(Timestamp(row.try_get("next_at")?)).filter(|_| state == "due");
    Ok(TracedCopy {
        recipient: row.try_get("email")?,
        state,
        attempts: Some(row.try_get("attempts")?),
        next_at,
        reply: super::short(&row.try_get::<String>("reply")?),
    })
}

fn done_copy(recipient: Option<String>, state: &str, reply: &str) -> TracedCopy {
    let (state, reply) = (state.to_owned(), reply.to_owned());
    TracedCopy { recipient, state, attempts: None, next_at: None, reply }
}

/// The copies of a sending: first those that have a row of their own, then those that are packed.
pub async fn copies_of(db: &mut Conn, sending: SendingNo) -> Result<Vec<TracedCopy>, StoreError> {
    let rows = query(format!("{COPY} WHERE d.sending_no = $1 ORDER BY d.no")).bind(sending.0);
    let rows = rows.fetch_all(&mut *db).await?;
    let mut found = rows.iter().map(traced_copy).collect::<Result<Vec<_>, _>>()?;
    let packed = query(
        "SELECT c.copies, p.email_key FROM done_copies c LEFT JOIN event_people p ON p.no = c.person_no
         WHERE c.sending_no = $1 ORDER BY c.no",
    );
    for row in packed.bind(sending.0).fetch_all(&mut *db).await? {
        for CopyGroup(state, reply, to) in groups(&row)? {
            if to.is_empty() {
                found.push(done_copy(row.try_get("email_key")?, &state, &reply));
            }
            for address in to {
                let email = query("SELECT email FROM addresses WHERE no = $1").bind(address);
                let email = email.fetch_optional(&mut *db).await?.map(|row| row.value()).transpose()?;
                found.push(done_copy(email, &state, &reply));
            }
        }
    }
    Ok(found)
}

pub(super) fn groups(row: &SqlRow) -> Result<Vec<CopyGroup>, StoreError> {
    serde_json::from_str(&row.try_get::<String>("copies")?).map_err(|_| DAMAGED)
}

/// All copies to an address, in no order. It looks through everything that is kept.
pub async fn receipts_of(db: &mut Conn, address: &Address) -> Result<Vec<TracedReceipt>, StoreError> {
    let no = query("SELECT no, email FROM addresses WHERE email_key = $1").bind(address.key());
    let (no, email) = match no.fetch_optional(&mut *db).await? {
        Some(row) => (row.try_get::<i64>("no")?, row.try_get::<String>("email")?),
        // No address has this number.
        None => (0, address.to_string()),
    };
    let mut found = under_way_to(&mut *db, address, no).await?;
    let person = find_person(&mut *db, address).await?.unwrap_or(0);
    let packed = query(
        "SELECT copies, sending_no, person_no FROM done_copies WHERE person_no = $1 OR person_no IS NULL AND copies LIKE $2",
    );
    for row in packed
        .bind(person)
        .bind(if no == 0 { String::new() } else { format!("%{no}%") })
        .fetch_all(&mut *db)
        .await?
    {
        let is_person = row.try_get::<Option<i64>>("person_no")?.is_some();
        for CopyGroup(state, reply, to) in groups(&row)? {
            if !is_person && !to.contains(&no) {
                continue;
            }
            let sending = sending_of(&mut *db, row.try_get("sending_no")?).await?;
            found.extend(sending.map(|(sending, entry, list)| {
                let copy = done_copy(Some(email.clone()), &state, &reply);
                TracedReceipt { entry, list, sending, copy }
            }));
        }
    }
    Ok(found)
}

async fn under_way_to(db: &mut Conn, address: &Address, no: i64) -> Result<Vec<TracedReceipt>, StoreError> {
    let rows = query(
        "SELECT d.state, d.attempts, d.next_at, d.reply, d.email, d.sending_no FROM deliveries d
         WHERE d.address_no = $1 OR d.address_no IS NULL",
    );
    let mut found = Vec::new();
    for row in rows.bind(no).fetch_all(&mut *db).await? {
        let copy = traced_copy(&row)?;
        if copy.recipient.as_deref().map(Address::key_of) != Some(address.key()) {
            continue;
        }
        let sending = sending_of(&mut *db, row.try_get("sending_no")?).await?;
        found.extend(sending.map(|(sending, entry, list)| TracedReceipt {
            entry,
            list,
            sending,
            copy: copy.clone(),
        }));
    }
    Ok(found)
}

async fn sending_of(
    db: &mut Conn,
    no: i64,
) -> Result<Option<(TracedSending, Option<EntryNo>, ListNo)>, StoreError> {
    for select in [UNDER_WAY, DONE] {
        let row = query(format!("{select} WHERE s.no = $1")).bind(no).fetch_optional(&mut *db).await?;
        if let Some(row) = row {
            let entry = row.try_get::<Option<i64>>("entry_no")?.map(EntryNo);
            return Ok(Some((traced_sending(&row)?, entry, ListNo(row.try_get("list_no")?))));
        }
    }
    Ok(None)
}
