//! A row of an answer, read by position.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use crate::StoreError;

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column; errs if it is of another kind.
    pub(crate) fn try_get<T: Column>(&self, at: usize) -> Result<T, StoreError> {
        T::read(self, at)
    }
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    fn read(row: &Row, at: usize) -> Result<Self, StoreError>;
}

macro_rules! same_in_both {
    ($($kind:ty),+) => {
        $(impl Column for $kind {
            fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
                Ok(match row {
                    Row::Sqlite(row) => row.try_get(at)?,
                    Row::Postgres(row) => row.try_get(at)?,
                })
            }
        })+
    };
}

same_in_both!(i64, String, Vec<u8>, Option<i64>, Option<String>, Option<Vec<u8>>);

impl Column for u32 {
    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        Self::try_from(i64::read(row, at)?).map_err(|_| StoreError::Damaged { table: "unknown" })
    }
}

/// A number in both; PostgreSQL answers a question such as EXISTS with a type of its own.
impl Column for bool {
    fn read(row: &Row, at: usize) -> Result<Self, StoreError> {
        if let Row::Postgres(row) = row
            && row.try_get_raw(at)?.type_info().name() == "BOOL"
        {
            return Ok(row.try_get(at)?);
        }
        Ok(i64::read(row, at)? != 0)
    }
}
