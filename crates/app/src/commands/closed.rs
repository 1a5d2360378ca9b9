//! Handles encrypted messages that prove nothing. Each gets the same reaction, whatever it contains and
//! whether or not it can be decrypted: one event and one fixed notice. So an attacker who sends in a captured
//! message learns nothing.

use sealist_lists::budgets::{NoticePurpose, RequesterTrust};
use sealist_lists::events::EventKind;
use sealist_lists::model::{Member, Role, SubAddress};
use sealist_lists::texts::{Text, context};
use sealist_openpgp::{Encryption, Unreadable};
use sealist_store::events::Trier;

use super::CommandSession;
use crate::effects::Effect;
use crate::error::AppError;
use crate::notice_kinds::somebody;
use crate::notices::{Message, answer};
use crate::requests::Requester as Sender;

/// What is known of the sender without decrypting the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Nothing: it may be the first contact.
    Stranger,
    /// Nothing, and the encrypted part is visibly one of several. Mail programs do not send such a first
    /// contact.
    Pieces,
    /// The address has a role on the list.
    Known,
    /// A token stands outside the encryption.
    TokenOutside,
}

impl Closed {
    pub(super) fn of(roles: &[Member], encryption: Option<Encryption>) -> Self {
        let is_stranger = roles.iter().all(|member| member.role == Role::Nonmember);
        match encryption {
            _ if !is_stranger => Self::Known,
            Some(Encryption::Unreadable(Unreadable::NotAlone)) => Self::Pieces,
            _ => Self::Stranger,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Stranger | Self::Pieces => "stranger",
            Self::Known => "known",
            Self::TokenOutside => "token",
        }
    }

    fn requester(self) -> RequesterTrust {
        match self {
            Self::Stranger | Self::Pieces => RequesterTrust::Stranger,
            Self::Known => RequesterTrust::Known,
            Self::TokenOutside => RequesterTrust::Proven,
        }
    }
}

impl CommandSession<'_> {
    /// Reacts to such a message.
    pub(super) async fn close(&mut self, requester: &Sender, closed: Closed) -> Result<(), AppError> {
        let trier = if closed == Closed::TokenOutside { Trier::Proven } else { Trier::Anybody };
        let address = requester.address.clone();
        let kind = EventKind::CommandRefused { problem: "encrypted".to_owned() };
        let tried = Effect::Tried { address: address.clone(), trier, kind };
        self.effects.push(tried);
        if closed == Closed::Pieces {
            return Ok(());
        }
        let name = &self.list_context.list.name;
        let values = context! {
            list => self.list_context.list.display_name(),
            address => name.to_string(),
            request => name.address(SubAddress::Request).to_string(),
            owner => name.address(SubAddress::Owner).to_string(),
            who => closed.name(),
        };
        let message = Message {
            to: somebody(&address),
            kind: "encrypted".into(),
            budget: requester.budget_as(self.list_context.app, closed.requester(), NoticePurpose::Closed),
            notice: self.list_context.app.texts.notice(Text::NotActedOn, &self.place, values),
            attachment: None,
            reply_to: None,
        };
        let notice =
            answer(self.list_context.app, self.list_context.list, message, self.list_context.now).await?;
        self.effects.push(Effect::Notice(notice));
        Ok(())
    }
}
