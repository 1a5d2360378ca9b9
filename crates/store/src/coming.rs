//! Bodies that are stored while they arrive. Each piece has a commit of its own, and the last commit
//! completes the body. No other row names the body before that, so an interrupted body leaves no trace.

use sealist_lists::model::{BodyNo, NodeNo};

use crate::bodies::{self, StoredBody};
use crate::sql::query;
use crate::{Conn, StoreError};

/// A body whose end has not arrived.
#[derive(Clone, Copy, Debug)]
pub struct PartialBody {
    body: BodyNo,
    node: NodeNo,
    rows: i64,
    octets: i64,
}

impl PartialBody {
    /// Starts a body that this node receives.
    pub async fn begin(db: &mut Conn, node: NodeNo) -> Result<Self, StoreError> {
        let body =
            query("INSERT INTO bodies (form, octets, data, receiving_node) VALUES ('plain', 0, $1, $2)");
        let no = body.bind(&[][..]).bind(node.0).insert(db).await?;
        Ok(Self { body: BodyNo(no), node, rows: 0, octets: 0 })
    }

    /// Stores the next piece of the payload. The first [`bodies::ROW_OCTETS`] of the payload are stored last,
    /// by [`Self::complete`].
    pub async fn append(self, db: &mut Conn, piece: &[u8]) -> Result<Self, StoreError> {
        bodies::append(db, self.body, self.rows + 1, piece).await?;
        Ok(Self { rows: self.rows + 1, octets: self.octets + octets(piece), ..self })
    }

    /// Completes the body. `rest` holds the first octets of the payload, followed by the octets after the
    /// pieces. Errs with [`StoreError::Lost`] if this node's lease expired meanwhile.
    pub async fn complete(mut self, db: &mut Conn, rest: &StoredBody) -> Result<BodyNo, StoreError> {
        let (form, wrapped_key, outer, payload) = rest.parts();
        let (first, behind) = bodies::in_rows(payload);
        for piece in behind {
            self = self.append(&mut *db, piece).await?;
        }
        let whole = query(
            "UPDATE bodies SET form = $3, wrapped_key = $4, outer_part = $5, octets = $6, data = $7, receiving_node = NULL
             WHERE no = $1 AND receiving_node = $2",
        )
        .bind(self.body.0)
        .bind(self.node.0)
        .bind(form)
        .bind(wrapped_key)
        .bind(outer)
        .bind(self.octets + octets(first))
        .bind(first);
        match whole.execute(db).await?.rows_affected() {
            0 => Err(StoreError::Lost),
            _ => Ok(self.body),
        }
    }

    /// Deletes the body, unless it is complete.
    pub async fn remove(self, db: &mut Conn) -> Result<(), StoreError> {
        let gone = query("DELETE FROM bodies WHERE no = $1 AND receiving_node = $2");
        gone.bind(self.body.0).bind(self.node.0).execute(db).await?;
        Ok(())
    }
}

/// The partial bodies of nodes that no longer exist.
const LEFT: &str = "receiving_node IS NOT NULL AND receiving_node NOT IN (SELECT no FROM nodes)";

/// Whether there are partial bodies of nodes that no longer exist. This read-only check costs no commit.
pub async fn is_left(db: &mut Conn) -> Result<bool, StoreError> {
    query(format!("SELECT EXISTS (SELECT 1 FROM bodies WHERE {LEFT})")).fetch_one(db).await?.value()
}

/// Deletes up to `limit` such bodies and returns how many. A body that a frozen node still holds locked is
/// deleted later.
pub async fn drop_left(db: &mut Conn, limit: u32) -> Result<u64, StoreError> {
    let sql = format!(
        "DELETE FROM bodies WHERE no IN (SELECT no FROM bodies WHERE {LEFT} LIMIT $1 {})",
        db.skip_locked()
    );
    Ok(query(sql).bind(limit).execute(db).await?.rows_affected())
}

fn octets(piece: &[u8]) -> i64 {
    i64::try_from(piece.len()).unwrap_or(i64::MAX)
}
