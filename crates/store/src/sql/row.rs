//! A row of an answer, read by position.

use rusqlite::types::Value as Owned;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use crate::StoreError;

const DAMAGED: StoreError = StoreError::Damaged { table: "unknown" };

/// A row of either database.
pub(crate) enum SqlRow {
    Sqlite(Vec<Owned>),
    Postgres(PgRow),
}

impl SqlRow {
    /// The value of a column; errs if it is of another kind.
    pub(crate) fn try_get<T: ColumnValue>(&self, at: usize) -> Result<T, StoreError> {
        T::read(self, at)
    }
}

/// What a column can be read as.
pub(crate) trait ColumnValue: Sized {
    fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError>;
}

macro_rules! columns {
    ($($kind:ty => $variant:ident;)+) => {
        $(impl ColumnValue for $kind {
            fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError> {
                match row {
                    SqlRow::Sqlite(row) => match row.get(at) {
                        Some(Owned::$variant(value)) => Ok(value.clone()),
                        _ => Err(DAMAGED),
                    },
                    SqlRow::Postgres(row) => Ok(row.try_get(at)?),
                }
            }
        }

        impl ColumnValue for Option<$kind> {
            fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError> {
                match row {
                    SqlRow::Sqlite(columns) => match columns.get(at) {
                        Some(Owned::Null) => Ok(None),
                        _ => <$kind>::read(row, at).map(Some),
                    },
                    SqlRow::Postgres(row) => Ok(row.try_get(at)?),
                }
            }
        })+
    };
}

columns! {
    i64 => Integer;
    String => Text;
    Vec<u8> => Blob;
}

impl ColumnValue for u32 {
    fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError> {
        Self::try_from(i64::read(row, at)?).map_err(|_| DAMAGED)
    }
}

/// A number in both; PostgreSQL answers a question such as EXISTS with a type of its own.
impl ColumnValue for bool {
    fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError> {
        if let SqlRow::Postgres(row) = row
            && row.try_get_raw(at)?.type_info().name() == "BOOL"
        {
            return Ok(row.try_get(at)?);
        }
        Ok(i64::read(row, at)? != 0)
    }
}
