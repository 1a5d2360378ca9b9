//! People whom an admin adds to a list.

use sealist_lists::model::ListNo;
use sealist_mail::Address;
use sealist_store::events::Occasion;
use sealist_store::{Conn, people};

use super::MemberActions;
use crate::changes::{Change, ChangeOutcome};
use crate::effects::{Effect, JoinsAs, carry_out};
use crate::error::AppError;
use crate::setup::{KnownKey, NewMember, effects_of_new};
use crate::user_of_address::user_or_new;

impl MemberActions<'_> {
    /// Gives an address a role. A certificate must name the address and be usable now. Errs with
    /// [`AppError::HasRole`] if the address has the role already.
    pub async fn add(&self, member: NewMember) -> Result<(), AppError> {
        let (list, effects) = self.effects_of_new(member, JoinsAs::Address).await?;
        self.acting.carry_out(Some(list), effects).await
    }

    /// Gives the user of an address a role: the membership goes to whichever address the user prefers. An
    /// address that belongs to nobody gets a user who prefers it. Errs as [`Self::add`], and with
    /// [`AppError::NotPreferred`] if the user prefers another address.
    pub async fn add_user(&self, member: NewMember) -> Result<(), AppError> {
        let address = member.address.clone();
        let (list, effects) = self.effects_of_new(member, JoinsAs::User).await?;
        self.acting.make(AddUser { list, address, effects }).await
    }

    async fn effects_of_new(
        &self,
        member: NewMember,
        joins_as: JoinsAs,
    ) -> Result<(ListNo, Vec<Effect>), AppError> {
        let (list, app, now) = (self.list().await?, self.acting.app, self.acting.now);
        let roles = people::roles_of(&mut *app.store.reader().await?, list.no, &member.address).await?;
        if roles.iter().any(|one| one.role == member.role) {
            return Err(AppError::HasRole {
                address: member.address.to_string(),
                role: member.role,
                list: list.name.to_string(),
            });
        }
        let effects = effects_of_new(app, &list, member, KnownKey::MayBeReplaced, joins_as, now).await?;
        Ok((list.no, effects))
    }
}

struct AddUser {
    list: ListNo,
    address: Address,
    effects: Vec<Effect>,
}

impl Change for AddUser {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let Self { list, address, effects } = self;
        let mut happened = Vec::new();
        people::ensure_address(&mut *db, &address, "", occasion.now).await?;
        user_or_new(&mut *db, &address, &mut happened, occasion.now).await?;
        carry_out(db, Some(list), effects, occasion).await?;
        Ok(ChangeOutcome::new((), happened))
    }
}
