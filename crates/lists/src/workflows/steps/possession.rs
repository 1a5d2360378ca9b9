//! Step `pubkey-confirmation`: no settings.
//!
//! Which keys must sign the statement that names list, action, address, fingerprint and token:
//!
//! | for | signed by |
//! |---|---|
//! | subscribe | the offered key, or the one that the address has |
//! | key change | the key that the address has, and the offered one |
//! | key reset | the offered key |
//! | unsubscribe, commands | the key that the address has |
//!
//! A member who leaves and has no usable key only confirms, because nobody is kept on a list. A member who
//! sends another command without a usable key confirms first, and then a moderator is asked: a From field
//! alone must not make work for moderators. A moderator is also asked if somebody joins with a key that
//! replaces an unusable one, because anybody who reads the mail of the address could do that.

use sealist_openpgp::Fingerprint;

use super::super::run::{Goal, Question, WorkflowRun};
use super::super::step::{StepContext, StepResult};
use super::{confirmation, moderation};

pub(super) fn evaluate(run: &WorkflowRun, case: &StepContext<'_>) -> StepResult {
    let known = case.known.as_ref().map(|key| &key.fingerprint);
    let usable = case.known.as_ref().filter(|key| key.usable).map(|key| &key.fingerprint);
    let offered = run.key.as_ref();
    let needed: Vec<&Fingerprint> = match run.goal {
        Goal::Subscribe => offered.or(usable).into_iter().collect(),
        Goal::ChangeKey => known.into_iter().chain(offered).collect(),
        Goal::ResetKey => offered.into_iter().collect(),
        Goal::ApproveKey => Vec::new(),
        Goal::Unsubscribe | Goal::Command(_) => usable.into_iter().collect(),
    };
    if needed.is_empty() {
        return match (confirmation::evaluate(run, case), &run.goal) {
            (StepResult::GoOn, Goal::Unsubscribe) => StepResult::GoOn,
            (StepResult::GoOn, _) => moderation::evaluate(run, case),
            (ask, _) => ask,
        };
    }
    let missing: Vec<Fingerprint> =
        needed.into_iter().filter(|key| !run.signed_by.contains(key)).cloned().collect();
    if !missing.is_empty() {
        return StepResult::Ask(Question::Signatures(missing));
    }
    let replaces = known.is_some() && offered.is_some() && known != offered;
    if run.goal == Goal::Subscribe && replaces { moderation::evaluate(run, case) } else { StepResult::GoOn }
}
