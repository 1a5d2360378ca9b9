//! `key change` and `key reset`: a new key is attached. A newer form of the key that the address has needs no ceremony.

use sealist_lists::commands::{Problem, Success};
use sealist_lists::workflows::{Goal, Run};
use sealist_openpgp::MergeError;
use sealist_store::key_changes::Authority;

use super::super::{Said, Session, Speaker};
use super::own_key;
use crate::AppError;
use crate::effects::Effect;
use crate::requests::{Offer, begin, policy, row_of, workflow};

impl Session<'_> {
    pub(super) async fn key_change(&mut self, speaker: &Speaker) -> Result<Result<Said, Problem>, AppError> {
        if let Err(problem) = own_key(speaker) {
            return Ok(Err(problem));
        }
        if let Some(updated) = self.updated(speaker) {
            return Ok(updated);
        }
        self.another_key(speaker, Goal::ChangeKey).await
    }

    pub(super) async fn key_reset(&mut self, speaker: &Speaker) -> Result<Result<Said, Problem>, AppError> {
        if speaker.facts.roles.is_empty() {
            return Ok(Err(Problem::UnknownAddress));
        }
        self.another_key(speaker, Goal::ResetKey).await
    }

    async fn another_key(
        &mut self,
        speaker: &Speaker,
        goal: Goal,
    ) -> Result<Result<Said, Problem>, AppError> {
        let offer = match Offer::among(&speaker.keys, self.desk.now) {
            Ok(offer) => offer,
            Err(problem) => return Ok(Err(problem)),
        };
        let steps = workflow(self.desk.app, self.desk.list, policy(self.desk.list, &goal))?;
        let run = Run::new(&steps, goal);
        if !offer.names(&speaker.asker.address, self.desk.now) && !run.will_be_moderated() {
            return Ok(Err(Problem::NamesOther));
        }
        let taken = begin(self.desk, &speaker.asker, run, Some(&offer)).await?;
        Ok(self.take(taken))
    }

    /// The key that the address has, in a form that says more. Nobody needs to prove anything: only what the key itself
    /// signed is taken.
    fn updated(&mut self, speaker: &Speaker) -> Option<Result<Said, Problem>> {
        let known = speaker.facts.known.as_ref()?;
        let [block] = &speaker.keys[..] else { return None };
        let merged = match known.merge(block) {
            Ok(merged) => merged,
            Err(MergeError::OtherKey | MergeError::Unreadable(_) | MergeError::Unverified) => return None,
        };
        if merged.to_bytes() == known.to_bytes() {
            return Some(Err(Problem::NothingNew));
        }
        let address = speaker.asker.address.clone();
        let fingerprint = known.fingerprint().to_string();
        let change = self.key_change_by(Authority::Update, &fingerprint);
        let row = Box::new(row_of(self.desk.app, &address, &merged, self.desk.now));
        self.effects.push(Effect::SetKey { address, row, change });
        Some(Ok(Said::Done(Success::KeyUpdated)))
    }
}
