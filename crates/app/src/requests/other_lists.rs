//! The effect of a new key on the address's other lists: the owners are told, and on a list that approves
//! keys itself the key waits for them. Setting: `own_key_approval`.

use sealist_lists::texts::Text;
use sealist_lists::workflows::{Goal, Question};
use sealist_mail::Address;
use sealist_openpgp::Certificate;
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::requests::{self, Request};
use sealist_store::{lists, people};

use super::{ListContext, PersonFacts, Proven, Requester, WorkflowState, ask, facts, new_run};
use crate::effects::{EarlierTokens, Effect};
use crate::error::AppError;
use crate::summaries::gather;
use crate::summary_facts::SummaryFact;

/// Who or what authorised the new key, for other lists to judge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyAuthority {
    /// The old key of the address signed for the new one.
    OldKey,
    /// The mailbox of the address, or a moderator of some list.
    Other,
}

/// On each other list of the address: an event, and a notice or, if the list approves keys, a question to the
/// owners. A list that approved the old key accepts a new key that the old one signed.
pub(super) async fn notify_other_lists(
    list_context: ListContext<'_>,
    requester: &Requester,
    facts: &PersonFacts,
    certificate: &Certificate,
    word: KeyAuthority,
) -> Result<Vec<Effect>, AppError> {
    let Some(person) = &facts.person else { return Ok(Vec::new()) };
    let mut effects = Vec::new();
    for no in people::lists_with_role_of(&mut *list_context.app.store.reader().await?, person.no).await? {
        let list = lists::by_no(&mut *list_context.app.store.reader().await?, no).await?;
        let Some(list) = list.filter(|list| list.no != list_context.list.no && list.settings.has_openpgp())
        else {
            continue;
        };
        let there = ListContext { list: &list, ..list_context };
        let approves = list.settings.approves_keys();
        let roles =
            people::roles_of(&mut *list_context.app.store.reader().await?, no, &requester.address).await?;
        let carried = word == KeyAuthority::OldKey && roles.iter().all(|member| !member.key_pending_approval);
        let mut told = vec![Effect::KeySetElsewhere {
            address: requester.address.clone(),
            fingerprint: certificate.fingerprint().to_string(),
        }];
        if approves && !carried {
            told.push(Effect::KeyWaits(requester.address.clone()));
            told.extend(question(there, requester, facts, certificate).await?);
        } else {
            told.push(notice(there, requester, certificate));
        }
        effects.push(Effect::Elsewhere(no, told));
    }
    Ok(effects)
}

/// An address with a key gets a role on a list that approves keys itself. Unless an admin or this list set
/// the key, it waits for approval.
pub(crate) async fn on_arrival(
    list_context: ListContext<'_>,
    address: &Address,
) -> Result<Vec<Effect>, AppError> {
    let approves = list_context.list.settings.approves_keys();
    if !approves {
        return Ok(Vec::new());
    }
    let facts = facts(list_context.app, list_context.list, address).await?;
    let (Some(person), Some(known)) = (&facts.person, &facts.known) else {
        return Ok(Vec::new());
    };
    let changes = key_changes::of(&mut *list_context.app.store.reader().await?, person.no).await?;
    let fingerprint = known.fingerprint().to_string();
    let was_taken_here = |change: &KeyChange| match change.authority {
        Authority::Admin => true,
        Authority::OldKey | Authority::Moderator | Authority::Possession => {
            change.list == Some(list_context.list.no)
        }
        Authority::Update | Authority::Revocation => false,
    };
    if changes.iter().any(|change| change.new == fingerprint && was_taken_here(change)) {
        return Ok(Vec::new());
    }
    let requester = Requester { address: address.clone(), proven: Proven::Yes, source: None };
    let mut effects = vec![Effect::KeyWaits(address.clone())];
    effects.extend(question(list_context, &requester, &facts, known).await?);
    Ok(effects)
}

async fn question(
    there: ListContext<'_>,
    requester: &Requester,
    facts: &PersonFacts,
    certificate: &Certificate,
) -> Result<Vec<Effect>, AppError> {
    let before = waiting(there, requester).await?;
    // The key waits all the same, and the moderators hear of it.
    let Ok(run) = new_run(there, Goal::ApproveKey) else {
        return Ok(vec![notice(there, requester, certificate)]);
    };
    let standing = WorkflowState { requester, before, ended: None, earlier: EarlierTokens::Void };
    let taken =
        ask::ask_question(there, standing, facts, run, Some(certificate.clone()), Question::Approval).await?;
    Ok(taken.effects)
}

fn notice(there: ListContext<'_>, requester: &Requester, certificate: &Certificate) -> Effect {
    let (email, fingerprint) = (requester.address.to_string(), certificate.fingerprint().to_string());
    Effect::Notice(gather(
        there.list,
        Text::AdminKeyChanged,
        &[SummaryFact::KeyChanged { email, fingerprint }],
    ))
}

/// A request that waits there already: the key has changed again since.
async fn waiting(there: ListContext<'_>, requester: &Requester) -> Result<Option<Request>, AppError> {
    let mut db = there.app.store.reader().await?;
    let waiting = requests::of_address(&mut db, there.list.no, &requester.address, there.now).await?;
    Ok(waiting.into_iter().find(|request| request.run.goal == Goal::ApproveKey))
}
