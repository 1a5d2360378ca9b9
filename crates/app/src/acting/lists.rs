//! Lists as a whole: what an admin does with one.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{ListName, ListNo, MailingList, MemberNo, Role};
use sealist_mail::Address;
use sealist_store::events::Occasion;
use sealist_store::list_content::{self, ListContent};
use sealist_store::{Conn, StoreError, archive, lists, people};
use serde::Serialize;

use super::{Acting, PageRange, Paged};
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::effects::JoinsAs;
use crate::error::AppError;
use crate::setup::{self, KnownKey, NewMember};
use crate::upkeep::CHUNK;

/// The lists, with somebody who looks at them or changes them.
pub struct ListActions<'a>(pub(super) Acting<'a>);

/// A list as people and programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct ListView {
    /// The name: the address for posts.
    pub list: String,
    /// The name that people read.
    pub display_name: String,
    /// Whether it has keys.
    pub openpgp: bool,
    /// Whether it encrypts its posts.
    pub encrypts: bool,
}

/// How much a list keeps after the last delivery.
#[derive(Clone, Debug, Serialize)]
pub struct ArchiveSizeView {
    /// The name of the list.
    pub list: String,
    /// Whether it keeps new posts.
    pub archive: bool,
    /// How many posts it keeps.
    pub posts: i64,
    /// Their octets in the database.
    pub octets: i64,
}

/// Who gets the notices for those in charge of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeRecipients {
    /// Its owners.
    Owners,
    /// Only its moderators, because it has no owner.
    ModeratorsOnly,
    /// The contact of the site, because nobody is in charge of the list.
    Contact(String),
    /// Nobody.
    Nobody,
}

impl ListActions<'_> {
    /// Makes a list of that style, with its keys on a style with OpenPGP. Errs with [`AppError::ListExists`],
    /// [`AppError::NoSuchStyle`], or [`AppError::Name`] if its name meets that of another list.
    pub async fn create(&self, name: &ListName, style: &str) -> Result<MailingList, AppError> {
        setup::create_list(self.0.app, name.clone(), style, &self.0.occasion()).await
    }

    /// Makes a list as [`Self::create`] does, and gives it its first owner. Errs with
    /// [`AppError::OwnAddress`], and makes nothing, if that is an address of the list itself.
    pub async fn create_with_owner(
        &self,
        name: &ListName,
        style: &str,
        owner: &Address,
    ) -> Result<MailingList, AppError> {
        setup::check_not_own(name, owner)?;
        let list = self.create(name, style).await?;
        let owner = NewMember { address: owner.clone(), name: String::new(), role: Role::Owner, key: None };
        let effects = setup::effects_of_new(
            self.0.app,
            &list,
            owner,
            KnownKey::MayBeReplaced,
            JoinsAs::Address,
            self.0.now,
        )
        .await?;
        self.0.carry_out(Some(list.no), effects).await?;
        Ok(list)
    }

    /// A list with its settings. Errs with [`AppError::NoSuchList`].
    pub async fn find(&self, name: &ListName) -> Result<MailingList, AppError> {
        self.0.named(name).await
    }

    /// All lists with their settings, by name.
    pub async fn all(&self) -> Result<Vec<MailingList>, AppError> {
        Ok(lists::all(&mut *self.0.app.store.reader().await?).await?)
    }

    /// The lists, by name.
    pub async fn page(&self, page: PageRange) -> Result<Paged<ListView>, AppError> {
        Ok(Paged::of(self.all().await?, page).map(ListView::of))
    }

    /// Who gets the notices for those in charge of a list.
    pub async fn notice_recipients(&self, name: &ListName) -> Result<NoticeRecipients, AppError> {
        let no = self.0.named(name).await?.no;
        let mut db = self.0.app.store.reader().await?;
        let mut has = [false; 2];
        for (has, role) in has.iter_mut().zip([Role::Owner, Role::Moderator]) {
            *has = !people::roster(&mut db, no, role, MemberNo(0), 1).await?.is_empty();
        }
        Ok(match (has, &self.0.app.contact) {
            ([true, _], _) => NoticeRecipients::Owners,
            ([false, true], _) => NoticeRecipients::ModeratorsOnly,
            ([false, false], Some(contact)) => NoticeRecipients::Contact(contact.to_string()),
            ([false, false], None) => NoticeRecipients::Nobody,
        })
    }

    /// What a list holds and would lose if it were deleted.
    pub async fn content(&self, name: &ListName) -> Result<ListContent, AppError> {
        let no = self.0.named(name).await?.no;
        Ok(list_content::content(&mut *self.0.app.store.reader().await?, no).await?)
    }

    /// Deletes a list with its members, posts and everything that waits. Key files stay.
    pub async fn delete(&self, name: &ListName) -> Result<(), AppError> {
        let list = self.0.named(name).await?.no;
        self.0.make(DeleteList { list, name: name.to_string() }).await
    }

    /// Holds a list: its mail is accepted, and nothing is judged or sent. Holding it again changes nothing.
    pub async fn hold(&self, name: &ListName) -> Result<(), AppError> {
        let list = self.0.named(name).await?.no;
        self.0.make(HoldList(list)).await
    }

    /// Releases a held list. Errs with [`AppError::ListNotHeld`] if it is not held.
    pub async fn release(&self, name: &ListName) -> Result<(), AppError> {
        let list = self.0.named(name).await?.no;
        self.0.make(ReleaseList { list, name: name.to_string() }).await
    }

    /// How much each list keeps.
    pub async fn archive_sizes(&self) -> Result<Vec<ArchiveSizeView>, AppError> {
        let mut db = self.0.app.store.reader().await?;
        let mut sizes = Vec::new();
        for list in lists::all(&mut db).await? {
            sizes.push(ArchiveSizeView::of(&mut db, &list).await?);
        }
        Ok(sizes)
    }

    /// Deletes the posts that a list keeps and returns how many there were. Posts that are still being
    /// delivered are deleted with their last copy. Many posts go in several transactions, so that mail is not
    /// delayed, and each has its event.
    pub async fn purge_archive(&self, name: &ListName) -> Result<u64, AppError> {
        let list = self.0.named(name).await?.no;
        let mut purged = 0;
        loop {
            let some = self.0.make(PurgeArchive { list, most: CHUNK }).await?;
            purged += some;
            if some < u64::from(CHUNK) {
                return Ok(purged);
            }
        }
    }
}

/// A list goes with all that it has. The event still has the number of the list, so that it stands with its
/// other events.
struct DeleteList {
    list: ListNo,
    name: String,
}

impl Change for DeleteList {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        lists::delete(db, self.list).await?;
        let deleted = Event::of_list(self.list, EventKind::ListDeleted { list: self.name });
        Ok(ChangeOutcome::new((), [Happened::Change(deleted)]))
    }
}

struct HoldList(ListNo);

impl Change for HoldList {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let is_new = lists::hold(db, self.0, occasion.now).await?;
        let held = Event::of_list(self.0, EventKind::ListHeld {});
        Ok(ChangeOutcome::new((), is_new.then_some(Happened::Change(held))))
    }
}

struct ReleaseList {
    list: ListNo,
    name: String,
}

impl Change for ReleaseList {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        if !lists::release(db, self.list).await? {
            return Err(AppError::ListNotHeld(self.name));
        }
        let released = Event::of_list(self.list, EventKind::ListReleased {});
        Ok(ChangeOutcome::new((), [Happened::Change(released)]))
    }
}

struct PurgeArchive {
    list: ListNo,
    most: u32,
}

impl Change for PurgeArchive {
    type Answer = u64;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<u64>, AppError> {
        let posts = archive::purge(db, self.list, self.most).await?;
        let purged = Event::of_list(self.list, EventKind::ArchivePurged { posts });
        Ok(ChangeOutcome::new(posts, (posts > 0).then_some(Happened::Change(purged))))
    }
}

impl ArchiveSizeView {
    /// How much that list keeps.
    pub(super) async fn of(db: &mut Conn, list: &MailingList) -> Result<Self, StoreError> {
        let kept = archive::kept(db, list.no).await?;
        Ok(Self {
            list: list.name.to_string(),
            archive: list.settings.archive,
            posts: kept.posts,
            octets: kept.octets,
        })
    }
}

impl ListView {
    fn of(list: MailingList) -> Self {
        Self {
            display_name: list.display_name(),
            openpgp: list.settings.has_openpgp(),
            encrypts: list.settings.encrypting(),
            list: list.name.to_string(),
        }
    }
}
