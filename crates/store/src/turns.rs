//! Turns in the queue: lists take turns and, within each list, the senders. So a flood at one list delays no
//! other list, and other senders of the same list only a little.

use std::collections::HashMap;

use sealist_lists::model::ListNo;
use sealist_mail::Timestamp;

use crate::nodes::Claimant;
use crate::queue_entry::{COLUMNS, QueueEntry, due, entry};
use crate::sql::query;
use crate::{Conn, StoreError};

/// The last turns. Each process has its own.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    list: i64,
    sources: HashMap<i64, i64>,
}

impl Turns {
    /// Claims up to `limit` entries that were not claimed before: one per list and source, then the next of
    /// each. No other node gets them as long as this node lives.
    pub(crate) async fn claim(
        &mut self,
        db: &mut Conn,
        claimant: &Claimant,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let mut lists = due_lists(db, claimant, now).await?;
        self.sources.retain(|list, _| lists.contains(list));
        if let [only] = lists[..]
            && has_one_source(db, only).await?
        {
            return oldest(db, claimant, ListNo(only), limit, now).await;
        }
        let next = lists.partition_point(|list| *list <= self.list);
        lists.rotate_left(next);
        let mut claimed = Vec::new();
        let mut waiting = lists;
        while !waiting.is_empty() {
            let mut still = Vec::new();
            for list in waiting {
                if claimed.len() >= limit as usize {
                    return Ok(claimed);
                }
                if let Some(entry) = self.next_of(db, claimant, list, now).await? {
                    self.list = list;
                    claimed.push(entry);
                    still.push(list);
                }
            }
            waiting = still;
        }
        Ok(claimed)
    }

    async fn next_of(
        &mut self,
        db: &mut Conn,
        claimant: &Claimant,
        list: i64,
        now: Timestamp,
    ) -> Result<Option<QueueEntry>, StoreError> {
        let last = self.sources.get(&list).copied().unwrap_or(-1);
        // After the last one, or from the beginning.
        for (from, to) in [(last, i64::MAX), (-1, last)] {
            let sql = format!(
                "UPDATE queue SET attempts = attempts + 1, claimed_by = $2 WHERE no =
                 (SELECT no FROM queue WHERE {} AND attempts = 0 AND list_no = $3 AND source > $4 AND source <= $5
                  ORDER BY source, next_at, no LIMIT 1 {})
                 RETURNING {COLUMNS}, source",
                due(claimant, 6),
                db.skip_locked()
            );
            let claim = query(sql).bind(now.0).bind(claimant.node.0).bind(list).bind(from).bind(to);
            if let Some(row) = claimant.bind(claim).fetch_optional(&mut *db).await? {
                self.sources.insert(list, row.try_get("source")?);
                return entry(&row).map(Some);
            }
        }
        Ok(None)
    }
}

/// The lists with entries to claim, in order. Each list is looked up separately, because the queue may be
/// long.
async fn due_lists(db: &mut Conn, claimant: &Claimant, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let least = |above: &str| {
        format!(
            "SELECT MIN(list_no) FROM queue WHERE {} AND attempts = 0 AND list_no > {above}",
            due(claimant, 2)
        )
    };
    let sql = format!(
        "WITH RECURSIVE waiting(no) AS ({} UNION ALL SELECT ({}) FROM waiting WHERE waiting.no IS NOT NULL)
         SELECT no FROM waiting WHERE no IS NOT NULL ORDER BY no",
        least("0"),
        least("waiting.no")
    );
    claimant.bind(query(sql).bind(now.0)).fetch_all(db).await?.iter().map(|row| row.value()).collect()
}

/// Whether all that waits at a list comes from one source.
async fn has_one_source(db: &mut Conn, list: i64) -> Result<bool, StoreError> {
    let row = query(
        "SELECT (SELECT MIN(source) FROM queue WHERE queue = 'in' AND list_no = $1)
              = (SELECT MAX(source) FROM queue WHERE queue = 'in' AND list_no = $1)",
    );
    row.bind(list).fetch_one(db).await?.value()
}

async fn oldest(
    db: &mut Conn,
    claimant: &Claimant,
    list: ListNo,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<QueueEntry>, StoreError> {
    let sql = format!(
        "UPDATE queue SET attempts = attempts + 1, claimed_by = $3 WHERE no IN
         (SELECT no FROM queue WHERE {} AND attempts = 0 AND list_no = $4 ORDER BY next_at, no LIMIT $2 {})
         RETURNING {COLUMNS}",
        due(claimant, 5),
        db.skip_locked()
    );
    let claim = query(sql).bind(now.0).bind(limit).bind(claimant.node.0).bind(list.0);
    let rows = claimant.bind(claim).fetch_all(db).await?;
    rows.iter().map(entry).collect()
}
