//! Stores a question: the request with its notices and tokens. If no notice can be sent, nobody is asked and
//! no request is stored.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{ListNo, RequestNo};
use sealist_lists::workflows::{Question, WorkflowRun};
use sealist_mail::{Address, Timestamp};
use sealist_store::events::Trier;
use sealist_store::requests::{self, Request, RequestPlace, RequestState, RequestedBy};
use sealist_store::tokens::{self, TokenSubject};
use sealist_store::{Conn, StoreError};

use crate::changes::Happened;
use crate::error::AppError;
use crate::notices::PreparedNotice;

/// A question, and what is stored until its answer arrives.
pub(crate) struct Asked {
    /// The request as it was; `None`: a new one.
    pub(crate) before: Option<Request>,
    pub(crate) address: Address,
    pub(crate) run: WorkflowRun,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) question: &'static str,
    pub(crate) expires_at: Timestamp,
    pub(crate) notices: Vec<PreparedNotice>,
    /// Facts for a later notice, if one of the notices is not sent.
    pub(crate) instead: Option<PreparedNotice>,
    /// Whether earlier tokens of the same question stay valid.
    pub(crate) earlier: EarlierTokens,
    /// An expired request of the same kind, which this one replaces.
    pub(crate) ended: Option<Request>,
    /// The event for the owners.
    pub(crate) event: EventKind,
    pub(crate) trier: Trier,
    /// Who asks.
    pub(crate) by: RequestedBy,
}

/// What happens to earlier tokens of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierTokens {
    /// They stay valid, because the question is the same.
    Count,
    /// They become invalid, because the question was answered.
    Void,
}

/// A question is recorded only if somebody is asked, because nobody could answer a request without a notice.
/// Returns what happened.
pub(super) async fn store_question(
    db: &mut Conn,
    list: ListNo,
    asked: Asked,
    now: Timestamp,
) -> Result<Vec<Happened>, AppError> {
    let Asked { address, trier, by, .. } = &asked;
    let places = match &asked.before {
        None => requests::places(&mut *db, list, address, *by, now).await?,
        Some(_) => Vec::new(),
    };
    let has_place = !places.contains(&RequestPlace::None);
    if !has_place || !goes_out(&mut *db, &asked, now).await? {
        let unasked = EventKind::RequestUnasked { action: asked.run.goal.action().to_owned() };
        return Ok(vec![Happened::Attempt(*trier, Event::about(list, address, unasked))]);
    }
    if let Some(ended) = &asked.ended
        && !requests::end(&mut *db, ended).await?
    {
        return Err(AppError::Overtaken);
    }
    let mut happened = Vec::new();
    for place in places {
        if let RequestPlace::Of(displaced) = place {
            requests::displace(&mut *db, displaced).await?;
            happened.push(Happened::Counted(list, EventKind::RequestDisplaced {}));
        }
    }
    let no = put(&mut *db, list, &asked, now).await?;
    for notice in &asked.notices {
        notice.store_tokens(&mut *db, &TokenSubject::Request(no), asked.expires_at).await?;
    }
    happened.push(Happened::Attempt(*trier, Event::about(list, address, asked.event.clone())));
    Ok(happened)
}

/// Stores the notices of a question. Returns `false` if none of them is sent. Requests for moderators wait in
/// any case, because moderators see them in the list of requests.
async fn goes_out(db: &mut Conn, asked: &Asked, now: Timestamp) -> Result<bool, AppError> {
    let mut goes_out = asked.notices.is_empty() || asked.question == Question::Approval.name();
    let mut all_go_out = true;
    for notice in &asked.notices {
        // A notice that is reported later does not count as unsent.
        let is_told_later = asked.instead.is_some() && !notice.is_made();
        let one_goes_out = !is_told_later && notice.store_or_wait(&mut *db, now).await?;
        goes_out |= one_goes_out;
        all_go_out &= one_goes_out;
    }
    if let Some(instead) = asked.instead.as_ref().filter(|_| !all_go_out) {
        instead.store(&mut *db, now).await?;
    }
    Ok(goes_out)
}

/// Stores the request, or its next state.
async fn put(db: &mut Conn, list: ListNo, asked: &Asked, now: Timestamp) -> Result<RequestNo, AppError> {
    let stage = RequestState {
        run: &asked.run,
        certificate: asked.certificate.as_deref(),
        question: asked.question,
        expires_at: asked.expires_at,
        by: asked.by,
    };
    let Some(before) = &asked.before else {
        return match requests::insert(&mut *db, list, &asked.address, &stage, now).await {
            Err(StoreError::Duplicate) => Err(AppError::Overtaken),
            inserted => Ok(inserted?),
        };
    };
    if !requests::advance(&mut *db, before, &stage).await? {
        return Err(AppError::Overtaken);
    }
    if asked.earlier == EarlierTokens::Void {
        tokens::take_back(&mut *db, before.no).await?;
    }
    Ok(before.no)
}
