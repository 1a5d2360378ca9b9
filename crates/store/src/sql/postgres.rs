//! What is bound, for PostgreSQL.

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

use super::Value;
use crate::StoreError;

pub(super) fn bound(values: Vec<Value<'_>>) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value.as_deref()),
            Value::Octets(value) => arguments.add(value.as_deref()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
