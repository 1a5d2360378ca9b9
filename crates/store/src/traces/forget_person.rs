//! What is kept of done copies names a deleted person no more. A row has the number of an address, which goes
//! with the person, but the reply of a mail server can say the address.

use sealist_mail::Address;

use super::read::groups;
use super::{CopyGroup, DAMAGED};
use crate::events::find_person;
use crate::people::Naming;
use crate::sql::query;
use crate::{Conn, StoreError};

/// Empties the replies to copies that went to this address only, and all replies that name it.
pub(crate) async fn forget_person(
    db: &mut Conn,
    address: &Address,
    naming: &Naming,
) -> Result<(), StoreError> {
    let no = query("SELECT no FROM addresses WHERE email_key = $1").bind(address.key());
    let no: Option<i64> = no.fetch_optional(&mut *db).await?.map(|row| row.value()).transpose()?;
    let person = find_person(&mut *db, address).await?;
    let rows = query(
        "SELECT no, person_no, copies FROM done_copies WHERE person_no = $1 OR copies LIKE $2 OR copies LIKE '%@%'",
    );
    // No person and no address has the number 0.
    let rows = rows.bind(person.unwrap_or(0)).bind(format!("%[{}]%", no.unwrap_or(0)));
    for row in rows.fetch_all(&mut *db).await? {
        let is_own = person.is_some() && row.try_get::<Option<i64>>("person_no")? == person;
        let before = groups(&row)?;
        let emptied = |CopyGroup(state, reply, to): &CopyGroup| {
            let is_of_person = is_own || no.is_some_and(|no| *to == [no]) || naming.is_in(reply);
            let reply = if is_of_person { String::new() } else { reply.clone() };
            CopyGroup(state.clone(), reply, to.clone())
        };
        let after: Vec<CopyGroup> = before.iter().map(emptied).collect();
        if after != before {
            let update = query("UPDATE done_copies SET copies = $2 WHERE no = $1");
            let copies = serde_json::to_string(&after).map_err(|_| DAMAGED)?;
            update.bind(row.try_get::<i64>("no")?).bind(copies).execute(&mut *db).await?;
        }
    }
    Ok(())
}
