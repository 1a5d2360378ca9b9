//! `who`: sends the roster with names and, on lists with OpenPGP, fingerprints, to the people to whom
//! `member_roster_visibility` allows it. On lists with OpenPGP the command must be signed and the answer is
//! sealed.

use sealist_lists::commands::Problem;
use sealist_lists::model::{MemberNo, Role, RosterVisibility};
use sealist_mail::shown;
use sealist_openpgp::Fingerprint;
use sealist_store::{keys, people};

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;

/// The most addresses in one notice.
const MAX_MEMBERS: u32 = 1000;

impl CommandSession<'_> {
    pub(super) async fn who(
        &mut self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        // The checks that do not depend on the person come first, so that nobody without proof learns about
        // roles.
        if self.list_context.list.settings.has_openpgp() && !command_sender.signed {
            return Ok(Err(Problem::RosterUnsigned));
        }
        let in_charge = command_sender.is_one_of(&[Role::Owner, Role::Moderator]);
        match self.list_context.list.settings.member_roster_visibility {
            RosterVisibility::Moderators if !in_charge => return Ok(Err(Problem::NotForYou)),
            RosterVisibility::Members if !in_charge && !command_sender.is_one_of(&[Role::Member]) => {
                return Ok(Err(Problem::OnlyMembers));
            }
            _ => {}
        }
        let mut db = self.list_context.app.store.reader().await?;
        let members =
            people::roster(&mut db, self.list_context.list.no, Role::Member, MemberNo(0), MAX_MEMBERS)
                .await?;
        let mut lines = Vec::new();
        for member in &members {
            lines.push(format!("{} {}", member.address, shown(&member.display_name)).trim_end().to_owned());
            if self.list_context.list.settings.has_openpgp() {
                let key = keys::fingerprint_of(&mut db, member.address_no).await?;
                let key = key.and_then(|key| key.parse::<Fingerprint>().ok());
                lines.push(format!("    {}", key.map_or_else(|| "-".to_owned(), |key| key.spaced())));
            }
        }
        Ok(Ok(CommandReply::Roster(lines)))
    }
}
