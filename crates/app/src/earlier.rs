//! A list begins to encrypt: what was stored of it in the clear is sealed, and nothing of it stays readable in the file.

use sealist_lists::model::MailingList;
use sealist_openpgp::{self as openpgp, SignWith};
use sealist_store::bodies::{self, Body};

use crate::{App, AppError};

/// Bodies of one round.
const CHUNK: u32 = 50;

/// Seals messages that wait, posts and notices of the list. Says how many they were. Whoever stops in between begins again
/// where the last round ended.
pub(crate) async fn seal_earlier(app: &App, list: &MailingList) -> Result<u64, AppError> {
    let storage = app.keys_of(list).await?.storage.certificate();
    let mut sealed = 0;
    loop {
        let plain = bodies::plain_of(&mut *app.store.reader().await?, list.no, CHUNK).await?;
        for no in &plain {
            let Body::Plain { outer, payload } = bodies::load(&mut *app.store.reader().await?, *no).await?
            else {
                continue;
            };
            let body = Body::Sealed(openpgp::seal(&payload, &outer, SignWith::Nobody, &storage)?);
            let no = *no;
            app.store.write(move |db| Box::pin(async move { bodies::replace(db, no, &body).await })).await?;
            sealed += 1;
        }
        if plain.is_empty() {
            break;
        }
    }
    app.store.scrub().await?;
    Ok(sealed)
}
