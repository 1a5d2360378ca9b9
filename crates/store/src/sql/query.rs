//! A statement with its values.

use std::borrow::Cow;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Type};

use super::{Backend, Conn, Row};
use crate::StoreError;

/// A statement. The text is one of ours; what comes from outside is bound.
pub(crate) struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// What is bound. A missing value keeps its type: PostgreSQL asks for it.
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Octets(Option<Vec<u8>>),
}

/// How many rows a statement changed.
pub(crate) struct Done(u64);

impl Done {
    pub(crate) fn rows_affected(&self) -> u64 {
        self.0
    }
}

pub(crate) fn query(text: impl Into<Cow<'static, str>>) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

impl Query {
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) async fn execute(self, db: &mut Conn) -> Result<Done, StoreError> {
        let text = AssertSqlSafe(self.text.into_owned());
        Ok(Done(match db.backend() {
            Backend::Sqlite(db) => sqlx::query_with(text, bound::<SqliteArguments>(self.values)?)
                .execute(db)
                .await?
                .rows_affected(),
            Backend::Postgres(db) => {
                sqlx::query_with(text, bound::<PgArguments>(self.values)?).execute(db).await?.rows_affected()
            }
        }))
    }

    pub(crate) async fn fetch_all(self, db: &mut Conn) -> Result<Vec<Row>, StoreError> {
        let text = AssertSqlSafe(self.text.into_owned());
        Ok(match db.backend() {
            Backend::Sqlite(db) => {
                let rows =
                    sqlx::query_with(text, bound::<SqliteArguments>(self.values)?).fetch_all(db).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Backend::Postgres(db) => {
                let rows = sqlx::query_with(text, bound::<PgArguments>(self.values)?).fetch_all(db).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn fetch_optional(self, db: &mut Conn) -> Result<Option<Row>, StoreError> {
        let text = AssertSqlSafe(self.text.into_owned());
        Ok(match db.backend() {
            Backend::Sqlite(db) => {
                let row =
                    sqlx::query_with(text, bound::<SqliteArguments>(self.values)?).fetch_optional(db).await?;
                row.map(Row::Sqlite)
            }
            Backend::Postgres(db) => {
                let row =
                    sqlx::query_with(text, bound::<PgArguments>(self.values)?).fetch_optional(db).await?;
                row.map(Row::Postgres)
            }
        })
    }

    pub(crate) async fn fetch_one(self, db: &mut Conn) -> Result<Row, StoreError> {
        Ok(self.fetch_optional(db).await?.ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// `$4, $5, $6`: so many placeholders from that number on.
pub(crate) fn marks(from: usize, count: usize) -> String {
    (from..from + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

fn bound<'q, A>(values: Vec<Value>) -> Result<A, StoreError>
where
    A: Arguments,
    Option<i64>: Encode<'q, A::Database> + Type<A::Database> + 'q,
    Option<String>: Encode<'q, A::Database> + Type<A::Database> + 'q,
    Option<Vec<u8>>: Encode<'q, A::Database> + Type<A::Database> + 'q,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Octets(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

macro_rules! values {
    ($($from:ty => |$value:ident| $into:expr;)+) => {
        $(impl From<$from> for Value {
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
    &str => |value| Self::Text(Some(value.to_owned()));
    String => |value| Self::Text(Some(value));
    &String => |value| Self::Text(Some(value.clone()));
    Option<String> => |value| Self::Text(value);
    &Option<String> => |value| Self::Text(value.clone());
    &[u8] => |value| Self::Octets(Some(value.to_vec()));
    Vec<u8> => |value| Self::Octets(Some(value));
    &Vec<u8> => |value| Self::Octets(Some(value.clone()));
    &Option<Vec<u8>> => |value| Self::Octets(value.clone());
}
