//! `leave`: begins the list's `unsubscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::workflows::{Goal, Run};

use super::{Said, Session, Speaker};
use crate::AppError;
use crate::requests::{begin, policy, workflow};

impl Session<'_> {
    pub(super) async fn leave(&mut self, speaker: &Speaker) -> Result<Result<Said, Problem>, AppError> {
        let steps = workflow(self.desk.app, self.desk.list, policy(self.desk.list, &Goal::Unsubscribe))?;
        let run = Run::new(&steps, Goal::Unsubscribe);
        let taken = begin(self.desk, &speaker.asker, run, None).await?;
        Ok(self.take(taken))
    }
}
