//! How a list's own words and its posts are stored.

use sealist_lists::model::MailingList;
use sealist_lists::payload::Payload;
use sealist_mail::Timestamp;
use sealist_openpgp::{self as openpgp, SignWith};
use sealist_store::bodies::Body;

use crate::{App, AppError};

/// On an encrypting list sealed under the list's signature; on others as it is.
pub(crate) fn enclose(
    app: &App,
    list: &MailingList,
    payload: Payload,
    now: Timestamp,
) -> Result<Body, AppError> {
    let Some(pgp) = list.settings.pgp.as_ref().filter(|_| list.settings.encrypting()) else {
        return Ok(Body::Plain { outer: payload.outer, payload: payload.entity });
    };
    let keys = app.keys_of(list)?;
    let sign = if pgp.sign_outgoing { SignWith::Key(&keys.posting, now) } else { SignWith::Nobody };
    Ok(Body::Sealed(openpgp::seal(&payload.entity, &payload.outer, sign, &keys.storage.certificate())?))
}
