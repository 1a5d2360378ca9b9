//! Requests that wait for an answer: how they stand, and what an admin decides about them.

use sealist_lists::model::{ListName, ListNo, RequestNo};
use sealist_lists::registry::Registry;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::lists;
use sealist_store::requests::{self as stored, Request};
use serde::Serialize;

use super::{Acting, PageRange, Paged};
use crate::error::AppError;
use crate::requests;

/// The requests that wait, with somebody who looks at them or decides about them.
pub struct RequestActions<'a>(pub(super) Acting<'a>);

/// A request as people in charge see it.
#[derive(Clone, Debug, Serialize)]
pub struct RequestView {
    /// The number.
    pub number: RequestNo,
    /// The name of the list.
    pub list: String,
    /// Whom it is about.
    pub address: String,
    /// What is asked for: `join`, `key set`.
    pub asks_for: String,
    /// The workflow.
    pub workflow: String,
    /// The question that it waits for.
    pub waits_for: String,
    /// The steps that only a newer version knows: with one of them the request waits for that version, or for
    /// a refusal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_steps: Vec<String>,
    /// The fingerprint of the key that is offered.
    pub fingerprint: Option<String>,
    /// The fingerprints of the keys that signed.
    pub signed_by: Vec<String>,
    /// When it began (RFC 3339, UTC).
    pub since: String,
    /// When it is forgotten (RFC 3339, UTC).
    pub until: String,
    /// The key that is offered; only where the requests of one address are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_key: Option<OfferedKeyView>,
}

/// A key that is offered with a request.
#[derive(Clone, Debug, Serialize)]
pub struct OfferedKeyView {
    /// The fingerprint of the primary key.
    pub fingerprint: String,
    /// The user ids.
    pub user_ids: Vec<String>,
    /// Whether a user id that is valid now has the address of the request.
    pub names_address: bool,
}

/// A request that only a newer version knows.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownRequestView {
    /// The number.
    pub number: RequestNo,
    /// The name of the list.
    pub list: String,
    /// Whom it is about.
    pub address: String,
    /// Always `false`.
    pub known: bool,
}

/// A request in a list of requests.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ListedRequest {
    /// One that this version knows.
    Known(Box<RequestView>),
    /// One that only a newer version knows.
    Unknown(UnknownRequestView),
}

impl RequestActions<'_> {
    /// The requests of a list, or of all lists, the oldest first; behind them those that only a newer version
    /// knows.
    pub async fn page(
        &self,
        list: Option<&ListName>,
        page: PageRange,
    ) -> Result<Paged<ListedRequest>, AppError> {
        let of = self.0.list_no(list).await?;
        let mut db = self.0.app.store.reader().await?;
        let names = lists::names(&mut db).await?;
        let name = |no: ListNo| names.get(&no).cloned().unwrap_or_default();
        let registry = &self.0.app.registry;
        let known = stored::waiting(&mut db, of, RequestNo(0), u32::MAX).await?;
        let known = known.into_iter().map(|request| {
            let list = name(request.list);
            ListedRequest::Known(Box::new(view(registry, &request, list)))
        });
        let unknown = stored::unknown(&mut db, of).await?;
        let unknown = unknown.into_iter().map(|request| {
            let (list, address) = (name(request.list), request.address.to_string());
            ListedRequest::Unknown(UnknownRequestView { number: request.no, list, address, known: false })
        });
        Ok(Paged::of(known.chain(unknown).collect(), page))
    }

    /// The requests of an address on a list, each with the key that is offered. Errs with
    /// [`AppError::NoRequestOf`] if there are none.
    pub async fn of(&self, list: &ListName, address: &Address) -> Result<Vec<RequestView>, AppError> {
        let (no, now) = (self.0.named(list).await?.no, self.0.now);
        let found = stored::of_address(&mut *self.0.app.store.reader().await?, no, address, now).await?;
        if found.is_empty() {
            return Err(AppError::NoRequestOf { address: address.to_string(), list: list.to_string() });
        }
        let registry = &self.0.app.registry;
        let in_full = |request: &Request| RequestView {
            offered_key: offered_key(request, now),
            ..view(registry, request, list.to_string())
        };
        Ok(found.iter().map(in_full).collect())
    }

    /// Approves a request that waits for a moderator. Errs with [`AppError::NotWaiting`] if it waits for
    /// something else, and with [`AppError::Refused`] if it is no longer possible: then it ends.
    pub async fn approve(&self, request: RequestNo) -> Result<(), AppError> {
        let request = self.find(request).await?;
        requests::approve_request(self.0.app, request, &self.0.occasion()).await
    }

    /// Rejects a request. The person is told, with the reason if there is one.
    pub async fn reject(&self, request: RequestNo, reason: &str) -> Result<(), AppError> {
        let request = self.find(request).await?;
        requests::refuse_request(self.0.app, request, reason, &self.0.occasion()).await
    }

    async fn find(&self, request: RequestNo) -> Result<Request, AppError> {
        let found = stored::by_no(&mut *self.0.app.store.reader().await?, request).await?;
        found.ok_or(AppError::NoSuchRequest(request))
    }
}

fn view(registry: &Registry, request: &Request, list: String) -> RequestView {
    RequestView {
        number: request.no,
        list,
        address: request.address.to_string(),
        asks_for: request.run.goal.action().to_owned(),
        workflow: request.run.workflow.clone(),
        waits_for: request.question.clone(),
        unknown_steps: registry.steps.unknown_of(&request.run).map(str::to_owned).collect(),
        fingerprint: request.run.key.as_ref().map(ToString::to_string),
        signed_by: request.run.signed_by.iter().map(ToString::to_string).collect(),
        since: request.begun_at.rfc3339(),
        until: request.expires_at.rfc3339(),
        offered_key: None,
    }
}

fn offered_key(request: &Request, now: Timestamp) -> Option<OfferedKeyView> {
    let key = Certificate::from_stored(request.certificate.as_deref()?).ok()?;
    Some(OfferedKeyView {
        fingerprint: key.fingerprint().to_string(),
        names_address: key.addresses(now).contains(&request.address),
        user_ids: key.user_ids(),
    })
}
