//! A statement with its values.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;

use super::{Backend, Conn, SqlRow, postgres, sqlite};
use crate::StoreError;

/// A statement. The text is one of ours; what comes from outside is bound.
pub(crate) struct Query<'q> {
    text: Cow<'static, str>,
    values: Vec<Value<'q>>,
}

/// What is bound. A missing value keeps its type: PostgreSQL asks for it.
pub(crate) enum Value<'q> {
    Int(Option<i64>),
    Text(Option<Cow<'q, str>>),
    Octets(Option<Cow<'q, [u8]>>),
}

/// How many rows a statement changed.
pub(crate) struct Done(pub(super) u64);

impl Done {
    pub(crate) fn rows_affected(&self) -> u64 {
        self.0
    }
}

pub(crate) fn query<'q>(text: impl Into<Cow<'static, str>>) -> Query<'q> {
    Query { text: text.into(), values: Vec::new() }
}

impl<'q> Query<'q> {
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) async fn execute(self, db: &mut Conn) -> Result<Done, StoreError> {
        match db.backend() {
            Backend::Sqlite(db) => sqlite::execute(db, &self.text, &self.values),
            Backend::Postgres(db) => {
                let text = AssertSqlSafe(self.text.into_owned());
                let done = sqlx::query_with(text, postgres::bound(self.values)?).execute(db).await?;
                Ok(Done(done.rows_affected()))
            }
        }
    }

    /// Inserts one row; says its number. In SQLite the same with RETURNING takes half as long again.
    pub(crate) async fn insert(self, db: &mut Conn) -> Result<i64, StoreError> {
        match db.backend() {
            Backend::Sqlite(db) => {
                sqlite::execute(db, &self.text, &self.values)?;
                Ok(db.last_insert_rowid())
            }
            Backend::Postgres(_) => self.returning("no").fetch_one(db).await?.value(),
        }
    }

    /// The same statement, whose answer has those columns of the rows that it changes.
    pub(crate) fn returning(self, columns: &'static str) -> Self {
        Self { text: format!("{} RETURNING {columns}", self.text).into(), ..self }
    }

    pub(crate) async fn fetch_all(self, db: &mut Conn) -> Result<Vec<SqlRow>, StoreError> {
        match db.backend() {
            Backend::Sqlite(db) => sqlite::rows(db, &self.text, &self.values, usize::MAX),
            Backend::Postgres(db) => {
                let text = AssertSqlSafe(self.text.into_owned());
                let rows = sqlx::query_with(text, postgres::bound(self.values)?).fetch_all(db).await?;
                Ok(rows.into_iter().map(SqlRow::Postgres).collect())
            }
        }
    }

    pub(crate) async fn fetch_optional(self, db: &mut Conn) -> Result<Option<SqlRow>, StoreError> {
        match db.backend() {
            Backend::Sqlite(db) => Ok(sqlite::rows(db, &self.text, &self.values, 1)?.pop()),
            Backend::Postgres(db) => {
                let text = AssertSqlSafe(self.text.into_owned());
                let row = sqlx::query_with(text, postgres::bound(self.values)?).fetch_optional(db).await?;
                Ok(row.map(SqlRow::Postgres))
            }
        }
    }

    pub(crate) async fn fetch_one(self, db: &mut Conn) -> Result<SqlRow, StoreError> {
        Ok(self.fetch_optional(db).await?.ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// `$4, $5, $6`: so many placeholders from that number on.
pub(crate) fn placeholders(from: usize, count: usize) -> String {
    (from..from + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

macro_rules! values {
    ($($from:ty => |$value:ident| $into:expr;)+) => {
        $(impl<'q> From<$from> for Value<'q> {
            fn from($value: $from) -> Self {
                $into
            }
        })+
    };
}

values! {
    i64 => |value| Self::Int(Some(value));
    u32 => |value| Self::Int(Some(i64::from(value)));
    bool => |value| Self::Int(Some(i64::from(value)));
    Option<i64> => |value| Self::Int(value);
    &'q str => |value| Self::Text(Some(value.into()));
    String => |value| Self::Text(Some(value.into()));
    &'q String => |value| Self::Text(Some(value.into()));
    Option<String> => |value| Self::Text(value.map(Cow::from));
    &'q Option<String> => |value| Self::Text(value.as_deref().map(Cow::from));
    &'q [u8] => |value| Self::Octets(Some(value.into()));
    Vec<u8> => |value| Self::Octets(Some(value.into()));
    &'q Vec<u8> => |value| Self::Octets(Some(value.into()));
    Option<&'q [u8]> => |value| Self::Octets(value.map(Cow::from));
    Option<Vec<u8>> => |value| Self::Octets(value.map(Cow::from));
    &'q Option<Vec<u8>> => |value| Self::Octets(value.as_deref().map(Cow::from));
}
