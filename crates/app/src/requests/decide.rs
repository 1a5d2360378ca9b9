//! Decisions of people in charge about requests, and about keys in doubt.

use sealist_lists::model::MailingList;
use sealist_lists::workflows::Question;
use sealist_mail::Address;
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::events::Occasion;
use sealist_store::key_changes::{Authority, KeyChange};
use sealist_store::requests::Request;
use sealist_store::{StoreError, keys, lists, people};

use super::{ListContext, StepOutcome, Transition, decide};
use crate::decisions::MessageDecision;
use crate::effects::{Effect, KeyStep};
use crate::error::AppError;
use crate::key_life::row_of;
use crate::site::App;

/// Approves a request that waits for a moderator. Errs with [`AppError::NotWaiting`] if it waits for
/// something else, and with [`AppError::Refused`] if it is no longer possible: then it ends.
pub(crate) async fn approve_request(
    app: &App,
    request: Request,
    occasion: &Occasion,
) -> Result<(), AppError> {
    if request.question != Question::Approval.name() {
        return Err(AppError::NotWaiting(request.question));
    }
    let list = list_of(app, &request).await?;
    let Occasion { actor: by, now } = occasion.clone();
    let list_context = ListContext { app, list: &list, now };
    let Transition { effects, told } =
        decide(list_context, request, MessageDecision::Accept, by.clone()).await?;
    app.carry_out(Some(list.no), effects, by, now).await?;
    match told {
        StepOutcome::Refused(problem) => Err(AppError::Refused(problem)),
        _ => Ok(()),
    }
}

/// Rejects a request. The person is told, with the reason if there is one.
pub(crate) async fn refuse_request(
    app: &App,
    request: Request,
    reason: &str,
    occasion: &Occasion,
) -> Result<(), AppError> {
    let list = list_of(app, &request).await?;
    let Occasion { actor: by, now } = occasion.clone();
    let list_context = ListContext { app, list: &list, now };
    let refused = MessageDecision::Reject(reason.to_owned());
    let Transition { effects, .. } = decide(list_context, request, refused, by.clone()).await?;
    app.carry_out(Some(list.no), effects, by, now).await
}

/// Approves the key that an address has, after somebody compared the fingerprint. Copies that waited are
/// sent. Errs if the address has another key, or the key was changed at this moment.
pub(crate) async fn approve_key(
    app: &App,
    address: &Address,
    fingerprint: &Fingerprint,
    occasion: &Occasion,
) -> Result<(), AppError> {
    let Occasion { actor: by, now } = occasion.clone();
    let no_key = || AppError::NoKeyOf(address.to_string());
    let (seen, known) = {
        let mut db = app.store.reader().await?;
        let no = people::find_address(&mut db, address).await?.ok_or_else(no_key)?;
        (keys::generation_of(&mut db, no).await?, keys::certificate_of(&mut db, no).await?)
    };
    let known = known.ok_or_else(no_key)?;
    let certificate = Certificate::from_stored(&known.certificate)?;
    if certificate.fingerprint() != *fingerprint {
        return Err(AppError::OtherFingerprint(certificate.fingerprint().to_string()));
    }
    let row = Box::new(row_of(app, address, &certificate, now));
    let change = KeyChange::of_same_key(&known.fingerprint, Authority::Admin, None, now);
    let approved = Effect::SetKey { address: address.clone(), seen, row, change, step: KeyStep::Approved };
    app.carry_out(None, vec![approved], by, now).await
}

async fn list_of(app: &App, request: &Request) -> Result<MailingList, AppError> {
    let list = lists::by_no(&mut *app.store.reader().await?, request.list).await?;
    Ok(list.ok_or(StoreError::Damaged { table: "requests" })?)
}
