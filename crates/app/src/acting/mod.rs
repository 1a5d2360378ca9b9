//! The door for changes and questions: [`App::act_as`] says who acts, and every change through it writes one
//! event that names this actor. Answers are views, which the command line, `--json` and later REST render
//! alike. What is asked and changed about people stands beside its use cases in [`people`](crate::people).

mod copies;
mod events;
mod health;
mod keys;
mod list_keys;
mod lists;
mod messages;
mod newer;
mod paged;
mod requests;
mod traces;

use sealist_lists::events::Actor;
use sealist_lists::model::{ListName, ListNo, MailingList};
use sealist_mail::Timestamp;
use sealist_store::events::Occasion;
use sealist_store::lists as stored_lists;

use crate::changes::Change;
use crate::effects::Effect;
use crate::error::AppError;
use crate::site::App;
pub use copies::{Copies, CopyChange, CopyView, SendingView};
pub use events::{ConsumerView, EventLog, EventView};
pub use health::{BacklogView, ClockView, Health, ListBacklogView, NewKeyView, SiteBacklogView};
pub use keys::{AddressKeyView, CertificateView, KeyActions};
pub use lists::{ArchiveSizeView, ListActions, ListView, NoticeRecipients};
pub use messages::{HeldSelection, QueuedMessageView, QueuedMessages, RefusalView};
pub use newer::{NotKnown, NotKnownKind};
pub use paged::{PageRange, Paged};
pub use requests::{ListedRequest, OfferedKeyView, RequestActions, RequestView, UnknownRequestView};
pub use sealist_store::capacity::Capacity;
pub use sealist_store::copies::CopySelection;
pub use sealist_store::events::consumers::StartAt;
pub use sealist_store::list_content::ListContent;
pub use traces::{AddressTrace, CopyState, CopyTrace, MessageTrace, SendingTrace, Traces};

/// Somebody who acts on a site. Nothing is decided yet about who may do what: today the command line may do
/// everything, and mail comes in through [`IncomingClaims`](crate::IncomingClaims).
pub struct Acting<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

impl App {
    /// The site with that actor, now.
    pub fn act_as(&self, actor: Actor) -> Acting<'_> {
        Acting { app: self, actor, now: self.store.now() }
    }

    /// The site with whoever works on the command line.
    pub fn as_operator(&self) -> Acting<'_> {
        self.act_as(self.operator.clone())
    }
}

impl<'a> Acting<'a> {
    /// The same actor at another time.
    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// The messages that wait: for a moderator, after a fault, for their list, or to be judged.
    pub fn messages(self) -> QueuedMessages<'a> {
        QueuedMessages(self)
    }

    /// The copies that are being delivered.
    pub fn copies(self) -> Copies<'a> {
        Copies(self)
    }

    /// What became of messages and copies.
    pub fn traces(self) -> Traces<'a> {
        Traces(self)
    }

    /// The lists.
    pub fn lists(self) -> ListActions<'a> {
        ListActions(self)
    }

    /// The health of the site.
    pub fn health(self) -> Health<'a> {
        Health(self)
    }

    /// The requests that wait for an answer.
    pub fn requests(self) -> RequestActions<'a> {
        RequestActions(self)
    }

    /// The keys of people.
    pub fn keys(self) -> KeyActions<'a> {
        KeyActions(self)
    }

    /// The events, and who follows them.
    pub fn events(self) -> EventLog<'a> {
        EventLog(self)
    }

    /// The actor and the time, for the events of a change.
    pub(crate) fn occasion(&self) -> Occasion {
        Occasion { actor: self.actor.clone(), now: self.now }
    }

    /// Carries out all effects on a list, or on the whole site, in one transaction. Errs with
    /// [`AppError::Overtaken`] if something has changed since they were decided.
    pub(crate) async fn carry_out(&self, list: Option<ListNo>, effects: Vec<Effect>) -> Result<(), AppError> {
        self.app.carry_out(list, effects, self.actor.clone(), self.now).await
    }

    /// The list of that name. Errs with [`AppError::NoSuchList`].
    pub(crate) async fn named(&self, name: &ListName) -> Result<MailingList, AppError> {
        let list = stored_lists::by_name(&mut *self.app.store.reader().await?, name).await?;
        list.ok_or_else(|| AppError::NoSuchList(name.to_string()))
    }

    /// The number of the list, if one is named. Errs with [`AppError::NoSuchList`].
    pub(crate) async fn list_no(&self, name: Option<&ListName>) -> Result<Option<ListNo>, AppError> {
        Ok(match name {
            Some(name) => Some(self.named(name).await?.no),
            None => None,
        })
    }

    /// Makes one change, and records its events in the same transaction.
    pub(crate) async fn make<C: Change>(&self, change: C) -> Result<C::Answer, C::Error> {
        self.app.make(change, &self.occasion()).await
    }
}
