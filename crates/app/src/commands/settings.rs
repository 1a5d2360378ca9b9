//! `show settings`: shows a member's preferences. No settings.

use sealist_lists::commands::Problem;
use sealist_lists::model::{DeliveryStatus, Role};
use sealist_lists::texts::{Text, context};
use sealist_store::people;

use super::{CommandReply, CommandSender, CommandSession};
use crate::error::AppError;

impl CommandSession<'_> {
    pub(super) async fn show(
        &self,
        command_sender: &CommandSender,
    ) -> Result<Result<CommandReply, Problem>, AppError> {
        let Some(member) = command_sender.facts.roles.iter().find(|member| member.role == Role::Member)
        else {
            return Ok(Err(Problem::NotMember));
        };
        let switch = |on: bool| if on { "on" } else { "off" };
        let choices = &member.preferences;
        let mut db = self.list_context.app.store.reader().await?;
        let language =
            people::language_of(&mut db, self.list_context.list.no, &command_sender.requester.address)
                .await?;
        let values = context! {
            email => command_sender.requester.address.to_string(),
            name => Some(member.display_name.as_str()).filter(|name| !name.is_empty()),
            delivery => match choices.delivery_status {
                DeliveryStatus::Enabled => "on",
                DeliveryStatus::ByUser => "off",
                _ => "stopped",
            },
            own_posts => switch(choices.receive_own_postings),
            copies => switch(choices.receive_list_copy),
            cleartext => switch(choices.allow_cleartext),
            language => language.map(|language| language.name()),
            pgp => self.list_context.list.settings.has_openpgp(),
            fingerprint => command_sender.facts.known.as_ref().map(|key| key.fingerprint().spaced()),
        };
        let lines = self.list_context.app.texts.lines(Text::Settings, &self.place, values);
        Ok(Ok(CommandReply::Lines(lines.lines().map(str::to_owned).collect())))
    }
}
