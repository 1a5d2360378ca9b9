//! `who`: the roster, to whom `member_roster_visibility` shows it. On lists with OpenPGP only for a signature, and sealed.

use sealist_lists::commands::Problem;
use sealist_lists::model::{MemberNo, Role, RosterVisibility};
use sealist_store::people;

use super::{Said, Session, Speaker};
use crate::AppError;

/// Addresses that one letter names.
const MAX_MEMBERS: u32 = 1000;

impl Session<'_> {
    pub(super) async fn who(&mut self, speaker: &Speaker) -> Result<Result<Said, Problem>, AppError> {
        let roles: &[Role] = match self.desk.list.settings.member_roster_visibility {
            RosterVisibility::Moderators => &[Role::Owner, Role::Moderator],
            RosterVisibility::Members => &[Role::Owner, Role::Moderator, Role::Member],
            RosterVisibility::Public => &[],
        };
        let may = roles.is_empty() || speaker.is_one_of(roles);
        if !may || self.desk.list.settings.pgp.is_some() && !speaker.signed {
            return Ok(Err(Problem::NotForYou));
        }
        let mut db = self.desk.app.store.reader().await?;
        let members =
            people::roster(&mut db, self.desk.list.no, Role::Member, MemberNo(0), MAX_MEMBERS).await?;
        Ok(Ok(Said::Roster(members.iter().map(|member| member.address.to_string()).collect())))
    }
}
