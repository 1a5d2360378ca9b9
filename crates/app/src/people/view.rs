//! Members as an admin sees them: role, delivery, key, bounces, and where each preference comes from.

use sealist_lists::model::{
    Action, AddressNo, DeliveryStatus, ListNo, MemberNo, Role, SourcedPreference, UniqueId,
};
use sealist_lists::names;
use sealist_mail::Address;
use sealist_store::lists;
use sealist_store::people::{self, KeySummary, MemberState};
use serde::Serialize;

use super::{MemberActions, UserActions};
use crate::acting::{PageRange, Paged};
use crate::error::AppError;

/// Members of one page.
const PAGE: u32 = 500;

/// A member as an admin sees it.
#[derive(Clone, Debug, Serialize)]
pub struct MemberView {
    /// The name of the list.
    pub list: String,
    /// The role.
    pub role: Role,
    /// The address.
    pub address: String,
    /// The name that others see; may be empty.
    pub name: String,
    /// The id of the membership.
    pub id: UniqueId,
    /// Whether a user subscribed, so that the membership follows the user's preferred address.
    pub as_user: bool,
    /// When the membership began, as RFC 3339 writes it.
    pub subscribed_at: String,
    /// Whether somebody answered from the address, or an admin vouched for it.
    pub verified: bool,
    /// Whether posts are delivered.
    pub delivery_status: DeliveryStatus,
    /// What happens to the member's posts; `None`: the default of the list.
    pub moderation_action: Option<Action>,
    /// How many days of late had a bounce.
    pub bounce_score: u32,
    /// When mail came back last.
    pub last_bounce_at: Option<String>,
    /// The key of the address.
    pub key: MemberKeyView,
    /// The preferences that apply, each with the level that it comes from; empty in lists of many members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<SourcedPreference>,
}

/// The key of a member, as an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberKeyView {
    /// Whether it is used.
    pub state: MemberKeyState,
    /// The fingerprint of the primary key.
    pub fingerprint: Option<String>,
    /// Why it cannot be used.
    pub reason: Option<String>,
}

/// Whether the key of a member is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKeyState {
    /// The address has no key.
    Missing,
    /// The list encrypts to it.
    Usable,
    /// The list must approve it first.
    PendingApproval,
    /// A person must confirm it first.
    InDoubt,
    /// It is expired, revoked, or cannot encrypt.
    Unusable,
}

names! { MemberKeyState {
    Missing = "missing",
    Usable = "usable",
    PendingApproval = "pending-approval",
    InDoubt = "in-doubt",
    Unusable = "unusable",
} }

impl MemberKeyView {
    fn of(key: Option<&KeySummary>, pending_approval: bool) -> Self {
        let state = match key {
            None => MemberKeyState::Missing,
            Some(key) if key.in_doubt => MemberKeyState::InDoubt,
            Some(_) if pending_approval => MemberKeyState::PendingApproval,
            Some(key) if !key.has_card => MemberKeyState::Unusable,
            Some(_) => MemberKeyState::Usable,
        };
        Self {
            state,
            fingerprint: key.map(|key| key.fingerprint.clone()),
            reason: key.and_then(|key| key.unusable.clone()),
        }
    }
}

/// The order in which the roles of a list are shown.
const ROLES: [Role; 4] = [Role::Owner, Role::Moderator, Role::Member, Role::Nonmember];

impl MemberActions<'_> {
    /// The memberships of an address on the list, with the source of every preference. Errs with
    /// [`AppError::NoRole`] if there are none.
    pub async fn show(&self, address: &Address) -> Result<Vec<MemberView>, AppError> {
        let list = self.list().await?;
        let mut db = self.acting.app.store.reader().await?;
        let mut views = Vec::new();
        for state in people::states_of(&mut db, list.no, address).await? {
            let levels = people::levels_of(&mut db, state.member.no).await?;
            views.push(MemberView {
                preferences: levels.with_sources(),
                ..view(&list.name.to_string(), &state)
            });
        }
        if views.is_empty() {
            return Err(AppError::NoRole { address: address.to_string(), list: list.name.to_string() });
        }
        Ok(views)
    }

    /// The roster of the list: one role, or all (`None`) with owners first.
    pub async fn page(&self, role: Option<Role>, page: PageRange) -> Result<Paged<MemberView>, AppError> {
        let list = self.list().await?;
        let name = list.name.to_string();
        let mut db = self.acting.app.store.reader().await?;
        let (mut total, mut entries) = (0, Vec::new());
        for role in ROLES.into_iter().filter(|one| role.is_none_or(|role| role == *one)) {
            let (mut at, mut after) = (total, MemberNo(0));
            total +=
                usize::try_from(people::count_of_role(&mut db, list.no, role).await?).unwrap_or_default();
            while page.overlaps(at..total) {
                let states = people::states_of_role(&mut db, list.no, role, after, PAGE).await?;
                let Some(last) = states.last() else { break };
                after = last.member.no;
                let wanted = states.iter().zip(at..).filter(|(_, at)| page.overlaps(*at..at + 1));
                entries.extend(wanted.map(|(state, _)| view(&name, state)));
                at += states.len();
            }
        }
        Ok(Paged { start: page.start, total, entries })
    }
}

impl UserActions<'_> {
    /// Every membership of every address that fits a pattern, in which `*` stands for any characters.
    pub async fn find(&self, pattern: &str, page: PageRange) -> Result<Paged<MemberView>, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let pattern =
            pattern.parse::<Address>().map_or_else(|_| pattern.to_lowercase(), |address| address.key());
        let names = lists::names(&mut db).await?;
        let mut views = Vec::new();
        let mut after = AddressNo(0);
        loop {
            let found = people::states_like(&mut db, &pattern, after, PAGE).await?;
            let Some(last) = found.last() else { return Ok(Paged::of(views, page)) };
            after = last.member.address_no;
            let name = |list: ListNo| names.get(&list).map_or("", String::as_str);
            views.extend(found.iter().map(|state| view(name(state.member.list), state)));
        }
    }
}

fn view(list: &str, state: &MemberState) -> MemberView {
    let MemberState { member, verified, bounce_score, last_bounce_at, key } = state;
    MemberView {
        list: list.to_owned(),
        role: member.role,
        address: member.address.to_string(),
        name: member.display_name.clone(),
        id: member.id,
        as_user: member.subscribed_user.is_some(),
        subscribed_at: member.subscribed_at.rfc3339(),
        verified: *verified,
        delivery_status: member.preferences.delivery_status,
        moderation_action: member.moderation_action,
        bounce_score: *bounce_score,
        last_bounce_at: last_bounce_at.map(sealist_mail::Timestamp::rfc3339),
        key: MemberKeyView::of(key.as_ref(), member.key_pending_approval),
        preferences: Vec::new(),
    }
}
