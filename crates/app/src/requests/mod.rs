//! Requests: workflows from their first step to the change at their end.
//!
//! Each function decides and returns the effects; nothing is written here.

mod ask;
mod decide;
mod facts;
mod finish;
mod name;
mod offer;
mod other_lists;

use sealist_lists::budgets::{NoticeBudget, NoticePurpose, RequesterTrust};
use sealist_lists::commands::Problem;
use sealist_lists::events::Actor;
use sealist_lists::model::{ListSettings, MailingList};
use sealist_lists::registry::Registry;
use sealist_lists::workflows::{
    Goal, OfferedKey, Question, StepAnswer, StepContext, Workflow, WorkflowChange, WorkflowProgress,
    WorkflowRun, Workflows, advance,
};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::events::Trier;
use sealist_store::requests::{self, Request, RequestPlace, RequestedBy};

pub(crate) use decide::{approve_key, approve_request, refuse_request};
pub(crate) use facts::{PersonFacts, facts};
pub(crate) use name::{first_free, in_key, is_chosen_here, is_free, is_shown};
pub(crate) use offer::Offer;
pub(crate) use other_lists::on_arrival;

use crate::decisions::MessageDecision;
use crate::effects::{EarlierTokens, Effect, RequestDecided, RequestEnd};
use crate::error::AppError;
use crate::site::App;

/// Where a request is handled, and when.
#[derive(Clone, Copy)]
pub(crate) struct ListContext<'a> {
    pub(crate) app: &'a App,
    pub(crate) list: &'a MailingList,
    pub(crate) now: Timestamp,
}

/// The person who asks.
#[derive(Clone)]
pub(crate) struct Requester {
    pub(crate) address: Address,
    /// Whether a token or a signature proves who asks.
    pub(crate) proven: Proven,
    /// The source of the mail that asks, if mail does: [`source_of`](crate::addresses::source_of).
    pub(crate) source: Option<u16>,
}

/// What proves who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    /// Nothing but a From field, which anybody can write.
    No,
    /// A token or a valid signature.
    Yes,
}

impl Requester {
    /// The limits of a notice to this person.
    pub(crate) fn budget(&self, app: &App, facts: &PersonFacts, purpose: NoticePurpose) -> NoticeBudget {
        let trust = match self.proven {
            Proven::Yes => RequesterTrust::Proven,
            Proven::No if facts.roles.is_empty() => RequesterTrust::Stranger,
            Proven::No => RequesterTrust::Known,
        };
        self.budget_as(app, trust, purpose)
    }

    /// The limits of a notice to this person, who is trusted as said.
    pub(crate) fn budget_as(&self, app: &App, trust: RequesterTrust, purpose: NoticePurpose) -> NoticeBudget {
        app.budgets.of(trust, purpose).of_source(self.source)
    }
}

impl From<Proven> for Trier {
    fn from(proven: Proven) -> Self {
        match proven {
            Proven::Yes => Self::Proven,
            Proven::No => Self::Anybody,
        }
    }
}

impl From<Proven> for RequestedBy {
    fn from(proven: Proven) -> Self {
        match proven {
            Proven::Yes => Self::Owner,
            Proven::No => Self::Anybody,
        }
    }
}

/// The outcome of a workflow's steps, and the effects.
pub(crate) struct Transition {
    pub(crate) effects: Vec<Effect>,
    pub(crate) told: StepOutcome,
}

/// What the person is told, in addition to notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepOutcome {
    /// A notice asks the person.
    Asked,
    /// Nothing, because the person got enough notices today.
    Nothing,
    /// It waits for a moderator.
    Waits,
    /// Another key must sign, too.
    OneMore(Fingerprint),
    /// The change is no longer possible, and the request ends.
    Refused(Problem),
    /// It is done.
    Done(WorkflowChange),
}

/// The workflow for a goal, before its first step. Errs if the setting names a workflow that nobody defines:
/// the configuration has lost it, or a newer version wrote the setting.
pub(crate) fn new_run(list_context: ListContext<'_>, goal: Goal) -> Result<WorkflowRun, Problem> {
    let ListContext { app, list, .. } = list_context;
    let name = goal.workflow(&list.settings);
    let Some(workflow) = workflow_of(&list.settings, &app.registry, name) else {
        tracing::error!(
            event = "workflow-not-known", list = %list.name, workflow = name,
            "nobody can ask for this, because no workflow has the name that the setting says"
        );
        return Err(Problem::NoWorkflow);
    };
    Ok(WorkflowRun::new(&workflow, goal))
}

/// The workflow of that name: the list's own, the site's, or a built-in one.
pub(crate) fn workflow_of(settings: &ListSettings, registry: &Registry, name: &str) -> Option<Workflow> {
    if let Some(steps) = settings.workflows.get(name) {
        let own = Workflow { name: name.to_owned(), description: String::new(), steps: steps.clone() };
        return Workflows::default().add(&registry.steps, own.clone()).is_ok().then_some(own);
    }
    registry.workflows.named(name).cloned()
}

/// Starts a workflow, or repeats its question if the address has a waiting request.
pub(crate) async fn begin(
    list_context: ListContext<'_>,
    requester: &Requester,
    run: WorkflowRun,
    offer: Option<&Offer>,
) -> Result<Result<Transition, Problem>, AppError> {
    let ListContext { app, list, now } = list_context;
    let waiting =
        requests::of_address(&mut *app.store.reader().await?, list.no, &requester.address, now).await?;
    let same = |request: &&Request| request.run.goal == run.goal && offers(request, offer);
    let before = waiting.iter().find(same).cloned();
    let usable = |key: Option<Certificate>| key.is_none_or(|key| key.usable(now).is_ok());
    let ended = match before {
        Some(before) if usable(stored(before.certificate.as_deref())?) => {
            return repeat_question(list_context, requester, before).await;
        }
        // The offered key has become unusable meanwhile.
        before => before,
    };
    let places = {
        let mut db = app.store.reader().await?;
        requests::places(&mut db, list.no, &requester.address, requester.proven.into(), now).await?
    };
    if places.contains(&RequestPlace::None) {
        return Ok(Ok(ask::unasked(requester, &run.goal)));
    }
    let mut run = run;
    run.key = offer.map(|offer| offer.certificate.fingerprint());
    let standing = WorkflowState { requester, before: None, ended, earlier: EarlierTokens::Void };
    run_workflow(list_context, standing, run, offer.map(|offer| offer.certificate.clone())).await
}

/// A request matches if the same key was offered. It also matches when no key is offered now but the waiting
/// request has one already (the person answered with a key and repeats the command).
fn offers(request: &Request, offer: Option<&Offer>) -> bool {
    let answered = offer.is_none() && request.run.verified;
    answered || request.run.key == offer.map(|offer| offer.certificate.fingerprint())
}

async fn repeat_question(
    list_context: ListContext<'_>,
    requester: &Requester,
    before: Request,
) -> Result<Result<Transition, Problem>, AppError> {
    if before.question == Question::Approval.name() {
        return Ok(Ok(Transition { effects: Vec::new(), told: StepOutcome::Waits }));
    }
    let (run, certificate) = (before.run.clone(), stored(before.certificate.as_deref())?);
    let standing =
        WorkflowState { requester, before: Some(before), ended: None, earlier: EarlierTokens::Count };
    run_workflow(list_context, standing, run, certificate).await
}

/// Continues a request after an answer. If a step refuses now, the request ends. If this version does not
/// know a step, the request waits as it is.
pub(crate) async fn resume_request(
    list_context: ListContext<'_>,
    requester: &Requester,
    request: Request,
    answer: StepAnswer,
    offer: Option<&Offer>,
) -> Result<Transition, AppError> {
    let mut run = request.run.clone();
    // A person who sends one of two signatures uses the same token for the other.
    let earlier =
        if matches!(answer, StepAnswer::Signed(_)) { EarlierTokens::Count } else { EarlierTokens::Void };
    run.record_answer(answer);
    let certificate = match offer {
        Some(offer) => Some(offer.certificate.clone()),
        None => stored(request.certificate.as_deref())?,
    };
    let standing = WorkflowState { requester, before: Some(request.clone()), ended: None, earlier };
    Ok(match run_workflow(list_context, standing, run, certificate).await? {
        Ok(taken) => taken,
        Err(problem @ Problem::NotKnownYet) => {
            tracing::warn!(
                event = "request-halted",
                request = request.no.0,
                "a request has a step that is not known to this version; it waits as it is"
            );
            Transition { effects: Vec::new(), told: StepOutcome::Refused(problem) }
        }
        Err(problem) => {
            let end = Effect::End(Box::new(request), RequestEnd::Refused(problem.clone()));
            Transition { effects: vec![end], told: StepOutcome::Refused(problem) }
        }
    })
}

/// Advances a request after a moderator's decision. The next question goes to the person and not to the
/// moderator. If the request is refused, the person is told, with the reason if there is one.
pub(crate) async fn decide(
    list_context: ListContext<'_>,
    request: Request,
    decision: MessageDecision,
    by: Actor,
) -> Result<Transition, AppError> {
    let decided = RequestDecided { request: request.clone(), decision: decision.clone(), by };
    let decided = Effect::RequestDecided(Box::new(decided));
    let mut taken = match decision {
        MessageDecision::Accept => {
            let requester = Requester { address: request.address.clone(), proven: Proven::Yes, source: None };
            resume_request(list_context, &requester, request, StepAnswer::Approved, None).await?
        }
        MessageDecision::Reject(reason) => {
            let notice = ask::refused(list_context, &request, &reason).await?;
            Transition { effects: vec![Effect::Notice(notice)], told: StepOutcome::Nothing }
        }
        MessageDecision::Discard => Transition { effects: Vec::new(), told: StepOutcome::Nothing },
    };
    // An approval that leads nowhere yet is no decision.
    if taken.told != StepOutcome::Refused(Problem::NotKnownYet) {
        taken.effects.insert(0, decided);
    }
    Ok(taken)
}

/// The state of a workflow before its next step.
struct WorkflowState<'a> {
    requester: &'a Requester,
    before: Option<Request>,
    /// An expired request of the same kind, which a new one replaces.
    ended: Option<Request>,
    earlier: EarlierTokens,
}

async fn run_workflow(
    list_context: ListContext<'_>,
    standing: WorkflowState<'_>,
    mut run: WorkflowRun,
    certificate: Option<Certificate>,
) -> Result<Result<Transition, Problem>, AppError> {
    let ListContext { app, list, now } = list_context;
    let facts = facts(app, list, &standing.requester.address).await?;
    let offered = certificate.as_ref().map(|certificate| OfferedKey {
        fingerprint: certificate.fingerprint(),
        names_address: certificate.addresses(now).contains(&standing.requester.address),
    });
    let case = StepContext {
        steps: &app.registry.steps,
        settings: &list.settings,
        banned: facts.banned,
        roles: facts.roles.iter().map(|member| member.role).collect(),
        known: facts.known_key(now),
        offered,
    };
    match advance(&mut run, &case) {
        Err(problem) => Ok(Err(problem)),
        Ok(WorkflowProgress::Waits(question)) => {
            ask::ask_question(list_context, standing, &facts, run, certificate, question).await.map(Ok)
        }
        Ok(WorkflowProgress::Done(change)) => {
            finish::done(list_context, standing, &facts, &run, certificate, change).await.map(Ok)
        }
    }
}

fn stored(certificate: Option<&[u8]>) -> Result<Option<Certificate>, AppError> {
    Ok(certificate.map(Certificate::from_stored).transpose()?)
}
