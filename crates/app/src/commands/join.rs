//! `join`: begins the list's `subscription_policy`.

use sealist_lists::commands::Problem;
use sealist_lists::model::DeliveryMode;
use sealist_lists::workflows::{Goal, Run};

use super::{Said, Session, Speaker};
use crate::AppError;
use crate::requests::{begin, policy, workflow};

impl Session<'_> {
    pub(super) async fn join(
        &mut self,
        speaker: &Speaker,
        delivery_mode: DeliveryMode,
    ) -> Result<Result<Said, Problem>, AppError> {
        let steps = workflow(self.desk.app, self.desk.list, policy(self.desk.list, &Goal::Subscribe))?;
        let run = Run { delivery_mode, ..Run::new(&steps, Goal::Subscribe) };
        let taken = begin(self.desk, &speaker.asker, run, None).await?;
        Ok(self.take(taken))
    }
}
