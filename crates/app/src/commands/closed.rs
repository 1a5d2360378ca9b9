//! Encrypted messages of people who proved nothing in them. Each gets the same: nothing happens but one line in the audit
//! and one fixed notice, whatever it holds, and whether or not it can be read. So nobody learns by sending in what was
//! captured.

use sealist_lists::model::{Door, Member, Role};
use sealist_lists::texts::{Text, context};
use sealist_mail::Address;
use sealist_openpgp::{Encryption, Unreadable};
use sealist_store::notices::Often;

use super::Session;
use crate::AppError;
use crate::effects::Effect;
use crate::letters::somebody;
use crate::notices::{Message, answer};

/// What is known of the sender without a look into the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Nothing: the first contact, perhaps.
    Stranger,
    /// Nothing, and the encrypted part stands beside others, as anybody sees: no mail program makes a first contact so.
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

    fn often(self) -> Often {
        match self {
            Self::Stranger | Self::Pieces => Often::ToStranger,
            Self::Known => Often::Daily,
            Self::TokenOutside => Often::UpTo(10),
        }
    }
}

impl Session<'_> {
    /// Says what can be said of such a message.
    pub(super) async fn close(&mut self, address: &Address, closed: Closed) -> Result<(), AppError> {
        let (asker, detail) = (address.clone(), "encrypted".to_owned());
        self.effects.push(Effect::Note { address: asker, event: "command-refused", detail });
        if closed == Closed::Pieces {
            return Ok(());
        }
        let name = &self.desk.list.name;
        let values = context! {
            list => self.desk.list.display_name(),
            address => name.to_string(),
            request => name.address(Door::Request).to_string(),
            owner => name.address(Door::Owner).to_string(),
            who => closed.name(),
        };
        let message = Message {
            to: somebody(address),
            kind: format!("encrypted-{}", closed.name()).into(),
            often: closed.often(),
            letter: self.desk.app.texts.letter(Text::NotActedOn, &self.place, values),
            attachment: None,
            reply_to: None,
        };
        let letter = answer(self.desk.app, self.desk.list, message, self.desk.now).await?;
        self.effects.extend(letter.map(Effect::Letter));
        Ok(())
    }
}
