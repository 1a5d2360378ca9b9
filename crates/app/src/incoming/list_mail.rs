//! One message of the queue, with what is known of it before its route runs.

use std::sync::Arc;

use sealist_lists::model::MailingList;
use sealist_lists::routes::Audience;
use sealist_lists::rules::Reason;
use sealist_mail::{Address, Mailbox, Timestamp};
use sealist_openpgp::Opened;
use sealist_store::queue::QueueEntry;

use super::outside::MessageOutside;
use crate::known_author::KnownAuthor;
use crate::opening::ReceivedMessage;
use crate::requests::ListContext;
use crate::site::App;

/// A message to a list.
#[derive(Clone, Copy)]
pub(super) struct ListMail<'a> {
    pub(super) app: &'a App,
    pub(super) list: &'a MailingList,
    pub(super) entry: &'a QueueEntry,
    /// The message as it came, without the list's own seal.
    pub(super) received: &'a Arc<ReceivedMessage>,
    pub(super) outside: &'a MessageOutside,
    pub(super) now: Timestamp,
}

/// A post that is opened, with its author.
pub(super) struct PostedMail<'a> {
    pub(super) mail: ListMail<'a>,
    pub(super) audience: Audience,
    pub(super) author: Mailbox,
    pub(super) known: KnownAuthor,
    /// The result of opening it. `None` on plain lists.
    pub(super) opened: Option<Opened>,
}

impl<'a> ListMail<'a> {
    /// Returns the envelope sender if it is an address.
    pub(super) fn sender(&self) -> Option<&'a Address> {
        self.outside.sender.address()
    }

    /// Returns the reasons despite which a moderator accepted the message.
    pub(super) fn approved(&self) -> &'a [Reason] {
        if self.entry.approved { &self.entry.reasons } else { &[] }
    }

    /// Returns where and when the message is handled.
    pub(super) fn list_context(&self) -> ListContext<'a> {
        ListContext { app: self.app, list: self.list, now: self.now }
    }
}
