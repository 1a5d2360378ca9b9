//! People whom an admin adds to a list.

use sealist_store::people;

use super::MemberActions;
use crate::error::AppError;
use crate::setup::{KnownKey, NewMember, effects_of_new};

impl MemberActions<'_> {
    /// Gives an address a role. A certificate must name the address and be usable now. Errs with [`AppError::HasRole`] if the
    /// address has the role already.
    pub async fn add(&self, member: NewMember) -> Result<(), AppError> {
        let (list, app, now) = (self.list().await?, self.acting.app, self.acting.now);
        let roles = people::roles_of(&mut *app.store.reader().await?, list.no, &member.address).await?;
        if roles.iter().any(|one| one.role == member.role) {
            return Err(AppError::HasRole {
                address: member.address.to_string(),
                role: member.role,
                list: list.name.to_string(),
            });
        }
        let effects = effects_of_new(app, &list, member, KnownKey::MayBeReplaced, now).await?;
        self.acting.carry_out(Some(list.no), effects).await
    }
}
