//! Names that people give themselves, and `show settings`. No settings.

use sealist_lists::commands::Problem;
use sealist_lists::model::{DeliveryStatus, Role, person_name};
use sealist_lists::texts::{Text, context};
use sealist_store::people;

use super::{Said, Session, Speaker};
use crate::AppError;
use crate::requests::Desk;

/// Whether that name may stand for this person on the list: it is no list's, and nobody else's.
pub(super) async fn is_free(
    desk: Desk<'_>,
    address: &sealist_mail::Address,
    name: &str,
) -> Result<bool, AppError> {
    let list = desk.list;
    let lists = [list.display_name().to_lowercase(), list.name.local().to_lowercase()];
    if name.is_empty() || lists.contains(&name.to_lowercase()) {
        return Ok(name.is_empty());
    }
    let mut db = desk.app.store.reader().await?;
    Ok(!people::is_name_of_other(&mut db, list.no, address, name).await?)
}

impl Session<'_> {
    /// The name in the From field of an answer by which somebody joins, if it can stand for them; else none.
    pub(super) async fn name_of(&self, speaker: &Speaker) -> Result<String, AppError> {
        let name = speaker.name.as_deref().and_then(person_name).unwrap_or_default();
        let free = is_free(self.desk, &speaker.asker.address, &name).await?;
        Ok(if free { name } else { String::new() })
    }

    pub(super) async fn show(&self, speaker: &Speaker) -> Result<Result<Said, Problem>, AppError> {
        let Some(member) = speaker.facts.roles.iter().find(|member| member.role == Role::Member) else {
            return Ok(Err(Problem::NotMember));
        };
        let switch = |on: bool| if on { "on" } else { "off" };
        let choices = &member.preferences;
        let mut db = self.desk.app.store.reader().await?;
        let language = people::language_of(&mut db, &speaker.asker.address).await?;
        let values = context! {
            email => speaker.asker.address.to_string(),
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
            pgp => self.desk.list.settings.pgp.is_some(),
            fingerprint => speaker.facts.known.as_ref().map(|key| key.fingerprint().spaced()),
        };
        let lines = self.desk.app.texts.lines(Text::Settings, &self.place, values);
        Ok(Ok(Said::Lines(lines.lines().map(str::to_owned).collect())))
    }
}
