//! A row of an answer. Columns are read by their names; the only column of an answer needs none.

use std::sync::Arc;

use rusqlite::types::Value as Owned;
use sqlx::postgres::PgRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::StoreError;

const DAMAGED: StoreError = StoreError::Damaged { table: "unknown" };

/// A row of either database.
pub(crate) enum SqlRow {
    Sqlite(Arc<[String]>, Vec<Owned>),
    Postgres(PgRow),
}

impl SqlRow {
    /// The value of the column of that name; errs if there is none, or if it is of another kind.
    pub(crate) fn try_get<T: ColumnValue>(&self, column: &str) -> Result<T, StoreError> {
        let found = match self {
            Self::Sqlite(names, _) => names.iter().position(|name| name == column),
            Self::Postgres(row) => row.columns().iter().position(|known| known.name() == column),
        };
        T::read(self, found.ok_or(DAMAGED)?)
    }

    /// The value of the only column; errs if there are more, or if it is of another kind.
    pub(crate) fn value<T: ColumnValue>(&self) -> Result<T, StoreError> {
        let columns = match self {
            Self::Sqlite(names, _) => names.len(),
            Self::Postgres(row) => row.columns().len(),
        };
        if columns == 1 { T::read(self, 0) } else { Err(DAMAGED) }
    }
}

/// What a column can be read as.
pub(crate) trait ColumnValue: Sized {
    fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError>;
}

macro_rules! columns {
    ($($kind:ty => $variant:ident, $postgres:ident;)+) => {
        $(impl ColumnValue for $kind {
            fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError> {
                match row {
                    SqlRow::Sqlite(_, row) => match row.get(at) {
                        Some(Owned::$variant(value)) => Ok(value.clone()),
                        _ => Err(DAMAGED),
                    },
                    SqlRow::Postgres(_) => Option::<Self>::read(row, at)?.ok_or(DAMAGED),
                }
            }
        }

        impl ColumnValue for Option<$kind> {
            fn read(row: &SqlRow, at: usize) -> Result<Self, StoreError> {
                match row {
                    SqlRow::Sqlite(_, columns) => match columns.get(at) {
                        Some(Owned::Null) => Ok(None),
                        _ => <$kind>::read(row, at).map(Some),
                    },
                    SqlRow::Postgres(row) => $postgres(row, at),
                }
            }
        })+
    };
}

columns! {
    i64 => Integer, integer;
    String => Text, other;
    Vec<u8> => Blob, other;
}

/// Columns are 64 bits wide, and a number that stands in the text of a statement has 32 for PostgreSQL.
fn integer(row: &PgRow, at: usize) -> Result<Option<i64>, StoreError> {
    Ok(match row.try_get_raw(at)?.type_info().name() {
        "INT4" => row.try_get::<Option<i32>, _>(at)?.map(i64::from),
        _ => row.try_get(at)?,
    })
}

fn other<'r, T>(row: &'r PgRow, at: usize) -> Result<Option<T>, StoreError>
where
    Option<T>: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    Ok(row.try_get(at)?)
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
