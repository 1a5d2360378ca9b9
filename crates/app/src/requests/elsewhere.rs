//! A key counts on the whole site, but a list may ask those in charge of it first. Setting: `own_key_approval`.

use sealist_lists::workflows::{Goal, Question, Run};
use sealist_openpgp::Certificate;
use sealist_store::requests::{self, Request};
use sealist_store::{lists, people};

use super::{Asker, Desk, Facts, Standing, ask, policy, workflow};
use crate::AppError;
use crate::effects::{EarlierTokens, Effect};

/// On each other list of the address that approves keys itself: the key waits, and its moderators are asked.
pub(super) async fn ask(
    desk: Desk<'_>,
    asker: &Asker,
    facts: &Facts,
    certificate: &Certificate,
) -> Result<Vec<Effect>, AppError> {
    let Some(person) = &facts.person else { return Ok(Vec::new()) };
    let mut effects = Vec::new();
    for no in people::lists_of(&mut *desk.app.store.reader().await?, person.no).await? {
        let list = lists::by_no(&mut *desk.app.store.reader().await?, no).await?;
        let asks = |list: &sealist_lists::model::MailingList| {
            list.no != desk.list.no && list.settings.pgp.as_ref().is_some_and(|pgp| pgp.own_key_approval)
        };
        let Some(list) = list.filter(asks) else { continue };
        let there = Desk { list: &list, ..desk };
        let before = waiting(there, asker).await?;
        let steps = workflow(desk.app, &list, policy(&list, &Goal::ApproveKey))?;
        let run = Run::new(&steps, Goal::ApproveKey);
        let standing = Standing { asker, before, earlier: EarlierTokens::Void };
        let certificate = Some(certificate.clone());
        let taken = ask::ask(there, standing, facts, run, certificate, Question::Approval).await?;
        let mut asked = vec![Effect::KeyWaits(asker.address.clone())];
        asked.extend(taken.effects);
        effects.push(Effect::Elsewhere(no, asked));
    }
    Ok(effects)
}

/// The one that waits there: the key has changed again since.
async fn waiting(there: Desk<'_>, asker: &Asker) -> Result<Option<Request>, AppError> {
    let mut db = there.app.store.reader().await?;
    let waiting = requests::of_address(&mut db, there.list.no, &asker.address, there.now).await?;
    Ok(waiting.into_iter().find(|request| request.run.goal == Goal::ApproveKey))
}
