//! Rotation of posting keys: a new key is used only when every live node has loaded it.

use sealist_lists::model::{ListKeyNo, ListNo, NodeNo};
use sealist_mail::Timestamp;

use crate::list_keys::{COLUMNS, ListKeyRow, read};
use crate::nodes::{DEAD_AFTER_MS, Deployment};
use crate::sql::query;
use crate::{Conn, StoreError};

/// The keys that wait until every node has them.
pub async fn waiting(db: &mut Conn) -> Result<Vec<ListKeyRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM list_keys WHERE state = 'waiting' ORDER BY no");
    query(sql).fetch_all(db).await?.iter().map(read).collect()
}

/// Records which waiting keys a node has loaded.
pub async fn report(db: &mut Conn, node: NodeNo, loaded: &[ListKeyNo]) -> Result<(), StoreError> {
    for key in loaded {
        // The node and the key may be gone meanwhile, so only existing ones are recorded.
        query(
            "INSERT INTO node_keys (node_no, list_key_no)
             SELECT n.no, k.no FROM nodes n, list_keys k WHERE n.no = $1 AND k.no = $2 AND k.state = 'waiting'
             ON CONFLICT (node_no, list_key_no) DO NOTHING",
        )
        .bind(node.0)
        .bind(key.0)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// The live nodes that have not loaded a waiting key.
pub async fn lacking(db: &mut Conn, key: ListKeyNo, alone: Deployment) -> Result<Vec<NodeNo>, StoreError> {
    let sql = format!(
        "SELECT n.no FROM nodes n WHERE {} AND NOT EXISTS
         (SELECT 1 FROM node_keys r WHERE r.node_no = n.no AND r.list_key_no = $1) ORDER BY n.no",
        lives(db, alone)
    );
    query(sql).bind(key.0).fetch_all(db).await?.iter().map(|row| Ok(NodeNo(row.value()?))).collect()
}

/// Activates the waiting keys that every live node has loaded, and returns their lists and fingerprints.
/// Without nodes nothing is waited for. Errs with [`StoreError::Lost`] if another node decides at the same
/// moment; the caller retries.
pub async fn switch(
    db: &mut Conn,
    alone: Deployment,
    now: Timestamp,
) -> Result<Vec<(ListNo, String)>, StoreError> {
    let mut switched = Vec::new();
    for key in waiting(&mut *db).await? {
        if !lacking(&mut *db, key.no, alone).await?.is_empty() {
            continue;
        }
        let replaced = query(
            "UPDATE list_keys SET state = 'replaced', replaced_at = $3
             WHERE list_no = $1 AND purpose = $2 AND state = 'used'",
        );
        let replaced = replaced.bind(key.list.0).bind(key.purpose.name()).bind(now.0);
        let replaced = replaced.execute(&mut *db).await?.rows_affected();
        let used = query("UPDATE list_keys SET state = 'used' WHERE no = $1 AND state = 'waiting'");
        let used = used.bind(key.no.0).execute(&mut *db).await?.rows_affected();
        if (replaced, used) != (1, 1) {
            return Err(StoreError::Lost);
        }
        forget_reports(&mut *db, key.no.0).await?;
        switched.push((key.list, key.fingerprint));
    }
    Ok(switched)
}

/// Drops the waiting key of a list, if there is one. Nobody has seen it yet.
pub async fn give_up_waiting(db: &mut Conn, list: ListNo, now: Timestamp) -> Result<(), StoreError> {
    let retired = query(
        "UPDATE list_keys SET state = 'retired', retired_at = $2 WHERE list_no = $1 AND state = 'waiting' RETURNING no",
    );
    for key in retired.bind(list.0).bind(now.0).fetch_all(&mut *db).await? {
        forget_reports(&mut *db, key.value()?).await?;
    }
    Ok(())
}

/// Active posting keys that were not announced to the members yet, each with the key that it replaced.
pub async fn to_announce(db: &mut Conn) -> Result<Vec<(ListKeyRow, ListKeyRow)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM list_keys k WHERE purpose = 'posting' AND state = 'used' AND announced_at IS NULL
        AND EXISTS (SELECT 1 FROM list_keys o WHERE o.list_no = k.list_no AND o.state = 'replaced') ORDER BY no");
    let mut pairs = Vec::new();
    for new in query(sql).fetch_all(&mut *db).await?.iter().map(read) {
        let new = new?;
        let sql = format!("SELECT {COLUMNS} FROM list_keys WHERE list_no = $1 AND purpose = 'posting' AND state = 'replaced'
            ORDER BY generation DESC LIMIT 1");
        let old = query(sql).bind(new.list.0).fetch_optional(&mut *db).await?;
        if let Some(old) = old {
            pairs.push((new, read(&old)?));
        }
    }
    Ok(pairs)
}

/// Records that a key is announced now. Returns `false` and changes nothing if it was announced already.
pub async fn announced(db: &mut Conn, key: ListKeyNo, now: Timestamp) -> Result<bool, StoreError> {
    let announced = query("UPDATE list_keys SET announced_at = $2 WHERE no = $1 AND announced_at IS NULL");
    Ok(announced.bind(key.0).bind(now.0).execute(db).await?.rows_affected() > 0)
}

/// The keys of a list that were replaced before that time, and still open mail.
pub async fn replaced_before(
    db: &mut Conn,
    list: ListNo,
    before: Timestamp,
) -> Result<Vec<ListKeyRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM list_keys WHERE list_no = $1 AND state = 'replaced' AND replaced_at < $2 ORDER BY no"
    );
    query(sql).bind(list.0).bind(before.0).fetch_all(db).await?.iter().map(read).collect()
}

/// Retires a replaced key and stores its revoked certificate. Returns whether it was not retired yet.
pub async fn retire(
    db: &mut Conn,
    key: ListKeyNo,
    revoked: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let retired = query(
        "UPDATE list_keys SET state = 'retired', retired_at = $2, certificate = $3 WHERE no = $1 AND state = 'replaced'",
    );
    Ok(retired.bind(key.0).bind(now.0).bind(revoked).execute(db).await?.rows_affected() > 0)
}

/// The revoked certificate of the posting key that was retired last. Keys that nobody has seen are left out.
pub async fn superseded(db: &mut Conn, list: ListNo) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query(
        "SELECT certificate FROM list_keys WHERE list_no = $1 AND purpose = 'posting' AND state = 'retired'
         AND replaced_at IS NOT NULL ORDER BY generation DESC LIMIT 1",
    );
    row.bind(list.0).fetch_optional(db).await?.map(|row| row.value()).transpose()
}

async fn forget_reports(db: &mut Conn, key: i64) -> Result<(), StoreError> {
    query("DELETE FROM node_keys WHERE list_key_no = $1").bind(key).execute(db).await?;
    Ok(())
}

/// A condition for a live node `n`. A node without others sends no heartbeat, so it always counts as live.
fn lives(db: &Conn, alone: Deployment) -> String {
    match alone {
        Deployment::SingleProcess => "1 = 1".to_owned(),
        Deployment::Cluster => format!("n.seen_at >= {} - {DEAD_AFTER_MS}", db.clock()),
    }
}
