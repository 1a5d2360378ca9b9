//! Requests: workflows from their first step to what is done at their end.
//!
//! Each function decides and returns what is to be carried out; nothing is written here.

mod ask;
mod decide;
mod done;
mod elsewhere;
mod facts;
mod name;
mod offer;

use sealist_lists::budgets::{Asker as Who, NoticeBudget, NoticePurpose};
use sealist_lists::commands::Problem;
use sealist_lists::events::Actor;
use sealist_lists::model::{ListSettings, MailingList};
use sealist_lists::workflows::{
    OfferedKey, Question, StepAnswer, StepContext, Workflow, WorkflowChange, WorkflowProgress, WorkflowRun,
    Workflows, advance,
};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::events::Trier;
use sealist_store::requests::{self, Request, RequestPlace, RequestedBy};

pub use decide::{approve_key, approve_request, refuse_request};
pub(crate) use elsewhere::on_arrival;
pub(crate) use facts::{PersonFacts, facts};
pub(crate) use name::{first_free, in_key, is_chosen_here, is_free, is_shown};
pub(crate) use offer::Offer;

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

/// Who asks.
#[derive(Clone)]
pub(crate) struct Requester {
    pub(crate) address: Address,
    /// Whether it is known that they are who they say: by a token, or a signature.
    pub(crate) proven: Proven,
    /// Where the mail comes from that asks, if mail does: [`source_of`](crate::addresses::source_of).
    pub(crate) source: Option<u16>,
}

/// What speaks for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    /// A From field: anybody can write one.
    No,
    /// A token or a valid signature.
    Yes,
}

impl Requester {
    /// The budget of a notice to them.
    pub(crate) fn budget(&self, app: &App, facts: &PersonFacts, purpose: NoticePurpose) -> NoticeBudget {
        let who = match self.proven {
            Proven::Yes => Who::Proven,
            Proven::No if facts.roles.is_empty() => Who::Stranger,
            Proven::No => Who::Known,
        };
        self.budget_as(app, who, purpose)
    }

    /// The same for whoever it is that asks.
    pub(crate) fn budget_as(&self, app: &App, who: Who, purpose: NoticePurpose) -> NoticeBudget {
        app.budgets.of(who, purpose).of_source(self.source)
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

/// How far it came, and what is to be carried out.
pub(crate) struct Transition {
    pub(crate) effects: Vec<Effect>,
    pub(crate) told: StepOutcome,
}

/// What the person hears of it, beside notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepOutcome {
    /// A notice asks them.
    Asked,
    /// Nothing: today they got enough notices.
    Nothing,
    /// It waits for a moderator.
    Waits,
    /// Another key is still to sign.
    OneMore(Fingerprint),
    /// It cannot be done any more, and ends.
    Refused(Problem),
    /// It is done.
    Done(WorkflowChange),
}

/// The workflow of that name: the list's own, the site's, or one that all have.
pub(crate) fn workflow(app: &App, list: &MailingList, name: &str) -> Result<Workflow, AppError> {
    let found = workflow_of(&list.settings, &app.workflows, name);
    found.ok_or_else(|| AppError::NoSuchWorkflow(name.to_owned()))
}

/// The same by the settings of the list and the workflows of the site.
pub(crate) fn workflow_of(settings: &ListSettings, of_site: &Workflows, name: &str) -> Option<Workflow> {
    if let Some(steps) = settings.workflows.get(name) {
        let own = Workflow { name: name.to_owned(), description: String::new(), steps: steps.clone() };
        return Workflows::default().add(own.clone()).is_ok().then_some(own);
    }
    of_site.named(name).cloned()
}

/// Begins a workflow, or asks its question again if the address has it waiting.
pub(crate) async fn begin(
    list_context: ListContext<'_>,
    asker: &Requester,
    run: WorkflowRun,
    offer: Option<&Offer>,
) -> Result<Result<Transition, Problem>, AppError> {
    let ListContext { app, list, now } = list_context;
    let waiting = requests::of_address(&mut *app.store.reader().await?, list.no, &asker.address, now).await?;
    let same = |request: &&Request| request.run.goal == run.goal && offers(request, offer);
    let before = waiting.iter().find(same).cloned();
    let usable = |key: Option<Certificate>| key.is_none_or(|key| key.usable(now).is_ok());
    let ended = match before {
        Some(before) if usable(stored(before.certificate.as_deref())?) => {
            return repeat_question(list_context, asker, before).await;
        }
        // The key that was offered came to its end while it waited.
        before => before,
    };
    let places = {
        let mut db = app.store.reader().await?;
        requests::places(&mut db, list.no, &asker.address, asker.proven.into(), now).await?
    };
    if places.contains(&RequestPlace::None) {
        return Ok(Ok(ask::unasked(asker, &run.goal)));
    }
    let mut run = run;
    run.key = offer.map(|offer| offer.certificate.fingerprint());
    let standing = WorkflowState { asker, before: None, ended, earlier: EarlierTokens::Void };
    run_workflow(list_context, standing, run, offer.map(|offer| offer.certificate.clone())).await
}

/// A question may have been answered with a key since; a key that came without being asked for is another matter.
fn offers(request: &Request, offer: Option<&Offer>) -> bool {
    let answered = offer.is_none() && request.run.verified;
    answered || request.run.key == offer.map(|offer| offer.certificate.fingerprint())
}

async fn repeat_question(
    list_context: ListContext<'_>,
    asker: &Requester,
    before: Request,
) -> Result<Result<Transition, Problem>, AppError> {
    if before.question == Question::Approval.name() {
        return Ok(Ok(Transition { effects: Vec::new(), told: StepOutcome::Waits }));
    }
    let (run, certificate) = (before.run.clone(), stored(before.certificate.as_deref())?);
    let standing = WorkflowState { asker, before: Some(before), ended: None, earlier: EarlierTokens::Count };
    run_workflow(list_context, standing, run, certificate).await
}

/// Goes on with a request that was answered. What a step refuses now is over.
pub(crate) async fn resume_request(
    list_context: ListContext<'_>,
    asker: &Requester,
    request: Request,
    answer: StepAnswer,
    offer: Option<&Offer>,
) -> Result<Transition, AppError> {
    let mut run = request.run.clone();
    // Who sends one of two signatures uses the same token for the other.
    let earlier =
        if matches!(answer, StepAnswer::Signed(_)) { EarlierTokens::Count } else { EarlierTokens::Void };
    run.record_answer(answer);
    let certificate = match offer {
        Some(offer) => Some(offer.certificate.clone()),
        None => stored(request.certificate.as_deref())?,
    };
    let standing = WorkflowState { asker, before: Some(request.clone()), ended: None, earlier };
    Ok(match run_workflow(list_context, standing, run, certificate).await? {
        Ok(taken) => taken,
        Err(problem) => {
            let end = Effect::End(Box::new(request), RequestEnd::Refused(problem.clone()));
            Transition { effects: vec![end], told: StepOutcome::Refused(problem) }
        }
    })
}

/// Takes a request a step further that a moderator decided about. Whom it asks next is the person, not the moderator; who
/// is refused hears of it, with the reason if there is one.
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
            let asker = Requester { address: request.address.clone(), proven: Proven::Yes, source: None };
            resume_request(list_context, &asker, request, StepAnswer::Approved, None).await?
        }
        MessageDecision::Reject(reason) => {
            let notice = ask::refused(list_context, &request, &reason).await?;
            Transition { effects: vec![Effect::Notice(notice)], told: StepOutcome::Nothing }
        }
        MessageDecision::Discard => Transition { effects: Vec::new(), told: StepOutcome::Nothing },
    };
    taken.effects.insert(0, decided);
    Ok(taken)
}

/// Where a workflow stands before its next step.
struct WorkflowState<'a> {
    asker: &'a Requester,
    before: Option<Request>,
    /// One of the kind that came to its end while it waited: a new one takes its place.
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
    let facts = facts(app, list, &standing.asker.address).await?;
    let offered = certificate.as_ref().map(|certificate| OfferedKey {
        fingerprint: certificate.fingerprint(),
        names_address: certificate.addresses(now).contains(&standing.asker.address),
    });
    let case = StepContext {
        settings: &list.settings,
        banned: facts.banned,
        roles: facts.roles.iter().map(|member| member.role).collect(),
        known: facts.known_key(now),
        offered,
    };
    match advance(&mut run, &case) {
        Err(problem) => Ok(Err(problem)),
        Ok(WorkflowProgress::Waits(question)) => {
            ask::ask(list_context, standing, &facts, run, certificate, question).await.map(Ok)
        }
        Ok(WorkflowProgress::Done(change)) => {
            done::done(list_context, standing, &facts, &run, certificate, change).await.map(Ok)
        }
    }
}

fn stored(certificate: Option<&[u8]>) -> Result<Option<Certificate>, AppError> {
    Ok(certificate.map(Certificate::from_stored).transpose()?)
}
