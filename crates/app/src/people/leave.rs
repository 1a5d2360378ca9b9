//! The end of roles on a list. Reads `send_goodbye_message` and `admin_notify_mchanges`.

use sealist_lists::model::{ListNo, MailingList, Member, MemberNo, Role};
use sealist_mail::{Address, Timestamp};
use sealist_store::events::Occasion;
use sealist_store::{Conn, people};

use super::MemberActions;
use crate::changes::{Change, ChangeOutcome};
use crate::effects::{Effect, carry_out};
use crate::error::AppError;
use crate::goodbye::farewell;
use crate::site::App;

/// The roles that end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolesToEnd {
    /// Every role of the address.
    All,
    /// This role.
    One(Role),
}

/// Whether a list may lose its last owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOwner {
    /// The last owner stays.
    Stays,
    /// The admin wants a list without an owner.
    MayGo,
}

impl MemberActions<'_> {
    /// Ends roles of an address on the list, as if the person had left: copies that wait are dropped, a
    /// member gets the goodbye notice, and the owners hear of it, all in one transaction. Returns the roles
    /// that ended. Errs with [`AppError::NoRole`] if there is none, and with [`AppError::LastOwner`] if the
    /// list would lose its last owner.
    pub async fn remove(
        &self,
        address: &Address,
        roles: RolesToEnd,
        last_owner: LastOwner,
    ) -> Result<Vec<Role>, AppError> {
        let (app, list) = (self.acting.app, self.list().await?);
        let mut ending = spelled(app, &list, address).await?;
        if let RolesToEnd::One(role) = roles {
            ending.retain(|member| member.role == role);
        }
        if ending.is_empty() {
            return Err(AppError::NoRole { address: address.to_string(), list: list.name.to_string() });
        }
        let ended: Vec<Role> = ending.iter().map(|member| member.role).collect();
        let effects = effects_of_end(app, &list, &ending, self.acting.now).await?;
        let guarded = match last_owner {
            LastOwner::Stays => ending.iter().map(|member| member.no).collect(),
            LastOwner::MayGo => Vec::new(),
        };
        self.acting.make(EndOfRoles { list, guarded, effects }).await?;
        Ok(ended)
    }
}

/// The end of roles, unless the last owner is among those who are guarded.
struct EndOfRoles {
    list: MailingList,
    guarded: Vec<MemberNo>,
    effects: Vec<Effect>,
}

impl Change for EndOfRoles {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let Self { list, guarded, effects } = self;
        if !guarded.is_empty() && is_last_owner(&mut *db, list.no, &guarded).await? {
            return Err(AppError::LastOwner(list.name.to_string()));
        }
        carry_out(db, Some(list.no), effects, occasion).await.map(ChangeOutcome::nothing)
    }
}

/// Rows of that spelling come first: another spelling may be another row, made when addresses were compared
/// otherwise.
async fn spelled(app: &App, list: &MailingList, address: &Address) -> Result<Vec<Member>, AppError> {
    let mut db = app.store.reader().await?;
    let spelled = people::roles_spelled(&mut db, list.no, address).await?;
    Ok(if spelled.is_empty() { people::roles_of(&mut db, list.no, address).await? } else { spelled })
}

async fn effects_of_end(
    app: &App,
    list: &MailingList,
    ending: &[Member],
    now: Timestamp,
) -> Result<Vec<Effect>, AppError> {
    let Some(first) = ending.first() else { return Ok(Vec::new()) };
    let mut effects: Vec<Effect> =
        ending.iter().map(|member| Effect::Leave(Box::new(member.clone()))).collect();
    if ending.iter().any(|member| member.role == Role::Member) {
        effects.extend(farewell(app, list, &first.address, now).await?);
    }
    Ok(effects)
}

/// Whether the list has owners, and every owner is among those. Holds the rows of the owners until the
/// transaction ends, so that two admins who remove one owner each do not remove both.
async fn is_last_owner(db: &mut Conn, list: ListNo, leaving: &[MemberNo]) -> Result<bool, AppError> {
    let owners = people::locked_roster(db, list, Role::Owner).await?;
    Ok(!owners.is_empty() && owners.iter().all(|owner| leaving.contains(owner)))
}
